// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {OnChainJobs} from "../src/OnChainJobs.sol";
import {Token} from "../src/Token.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice A contract that buys jobs.
contract Buyer {
    OnChainJobs private jobs;
    OnChainJobs.Order private order;
    uint256 public mode; // 0 keep, 1 revert, 2 burn, 3 return much, 4 order another
    uint64 public number;
    bool public success;
    uint8 public state;
    bytes32 public result;

    constructor(OnChainJobs jobs_, Token token) {
        jobs = jobs_;
        token.approve(address(jobs_), type(uint256).max);
    }

    function buy(OnChainJobs.Order calldata o, uint256 mode_) external returns (uint64) {
        (order, mode) = (o, mode_);
        return jobs.request(o);
    }

    function cancel(uint64 n) external {
        jobs.cancel(n);
    }

    function jobEnded(uint64 n, bool ok, uint8 s, bytes32 r) external {
        require(msg.sender == address(jobs));
        if (mode == 1) revert("no");
        while (mode == 2) {}
        if (mode == 3) {
            assembly ("memory-safe") {
                return(0, 100000)
            }
        }
        if (mode == 4) jobs.request(order);
        (number, success, state, result) = (n, ok, s, r);
    }
}

/// @notice Jobs that contracts buy: every end, and what comes back.
contract JobsTest is Play {
    uint256 internal constant JUDGE = 0x3001;
    OnChainJobs internal jobs;
    Buyer internal buyer;

    function setUp() public override {
        super.setUp();
        jobs = OnChainJobs(made("OnChainJobs", abi.encode(ledger)));
        buyer = new Buyer(jobs, token);
        token.transfer(address(buyer), 10_000);
    }

    function order() internal pure returns (OnChainJobs.Order memory) {
        return OnChainJobs.Order(keccak256("spec"), vm.addr(JUDGE), 1200, 500, 1_001_000, 200_000);
    }

    function hotOf(uint64 number) internal view returns (Hot memory h) {
        h = hot(number);
        h.jobCreator = address(jobs);
    }

    function openJob(uint64 number) internal returns (Hot memory h) {
        h = hotOf(number);
        bytes32 id = idOf(h, cold());
        jobs.open(number, pack(h, cold()), signature(JUDGE, id), signature(RP, id));
    }

    function opened(uint256 mode) internal returns (uint64 number, Hot memory h) {
        number = buyer.buy(order(), mode);
        h = openJob(number);
        equal(token.balanceOf(address(buyer)), 10_000 - 1500, "what the deal does not need is back");
        equal(stateOf(h, cold()), AGREED, "state");
    }

    function judged(uint64 number, uint8 kind, bytes memory members, bytes32 doc) internal view returns (bytes memory) {
        return abi.encodePacked(number, kind, members, signature(JUDGE, doc));
    }

    function accepts(uint64 number, Hot memory h) internal {
        Shown memory w = shownResult(h, cold(), outcome());
        bytes32 doc = Documents.acceptance(idOf(h, cold()), w.result);
        bytes memory sig = judged(number, 1, abi.encodePacked(w.result), doc);
        ledger.accept(packHot(h), coldHash(cold()), w.result, w.cost, sig);
    }

    function checks(uint64 number, Hot memory h) internal {
        Shown memory w = shownResult(h, cold(), outcome());
        Claim memory k = complaint();
        bytes memory sig = judged(
            number,
            2,
            abi.encodePacked(w.result, k.claim, k.salt, k.segment),
            checkOf(idOf(h, cold()), w.result, k)
        );
        ledger.check(pack(h, cold()), w.result, w.cost, k, sig);
    }

    function finish(uint64 number, Hot memory h, Shown memory w, bytes32 end) internal {
        jobs.finish(number, packHot(h), coldHash(cold()), w, end);
    }

    /// @notice The refund leaves the ledger in a batch, and reaches the buyer.
    function refunded(uint64 number, uint256 amount) internal {
        uint256 before = token.balanceOf(address(buyer));
        jobs.sweep();
        uint40 due = jobs.leavesAt();
        refused(abi.encodeWithSelector(TooEarly.selector, due));
        jobs.refund(number);
        refused(abi.encodeWithSelector(TooEarly.selector, due));
        jobs.sweep();
        vm.warp(due);
        jobs.sweep();
        jobs.refund(number);
        equal(token.balanceOf(address(buyer)) - before, amount, "refund");
        refused(abi.encodeWithSelector(State.selector, 0));
        jobs.refund(number);
        refused(abi.encodeWithSelector(State.selector, 0));
        jobs.sweep();
        equal(token.balanceOf(address(jobs)), 0, "nothing stays");
    }

    function test_success() public {
        (uint64 n, Hot memory h) = opened(0);
        submit(h, cold());
        accepts(n, h);
        Shown memory w = shownResult(h, cold(), outcome());
        finish(n, h, w, 0);
        equal(buyer.number(), n, "called");
        isTrue(buyer.success(), "success");
        equal(buyer.state(), RESULTS_ACCEPTED, "state");
        equal(buyer.result(), w.result, "result");
        refunded(n, 1050);
        refused(abi.encodeWithSelector(State.selector, jobs.ENDED()));
        this.finishIt(n, h, w);
    }

    function finishIt(uint64 n, Hot memory h, Shown memory w) external {
        finish(n, h, w, 0);
    }

    function test_failure() public {
        (uint64 n, Hot memory h) = opened(0);
        Shown memory w;
        refused(abi.encodeWithSelector(State.selector, AGREED));
        this.finishIt(n, h, w);
        decline(h, cold());
        finish(n, h, w, 0);
        isTrue(!buyer.success(), "failure");
        equal(buyer.state(), DECLINED, "state");
        refunded(n, 1530);
    }

    function test_nobody_needs_to_help() public {
        (uint64 n, Hot memory h) = opened(0);
        Shown memory w;
        timeout(h, cold(), w);
        vm.prank(vm.addr(MALLORY));
        finish(n, h, w, 0);
        refunded(n, 1530);
    }

    function test_disputed() public {
        (uint64 n, Hot memory h) = opened(0);
        submit(h, cold());
        checks(n, h);
        rule(h, cold(), 4);
        Shown memory w = shownCheck(h, cold());
        bytes32 end = verdictOf(idOf(h, cold()), ruling(4));
        refused(abi.encodeWithSelector(Conflict.selector, mark(h)));
        jobs.finish(n, packHot(h), coldHash(cold()), w, 0);
        finish(n, h, w, end);
        equal(buyer.state(), MEDIATION_REJECTED, "state");
        isTrue(!buyer.success(), "failure");
        refunded(n, 1600);
    }

    function mark(Hot memory h) internal view returns (bytes32 m) {
        (,,, m) = annex.deal(idOf(h, cold()));
    }

    function test_ruled_correct_and_passed() public {
        (uint64 n, Hot memory h) = opened(0);
        submit(h, cold());
        checks(n, h);
        uint256 snapshot = vm.snapshotState();
        rule(h, cold(), RULING_RESULT_CORRECT);
        finish(n, h, shownCheck(h, cold()), verdictOf(idOf(h, cold()), ruling(RULING_RESULT_CORRECT)));
        isTrue(buyer.success(), "success");
        refunded(n, 550);
        vm.revertToState(snapshot);
        pass(h, cold());
        finish(n, h, shownCheck(h, cold()), Documents.pass(idOf(h, cold()), 0, vm.addr(MEDIATOR)));
        isTrue(!buyer.success(), "failure");
        refunded(n, 1275);
    }

    function test_cancelled_by_both() public {
        (uint64 n, Hot memory h) = opened(0);
        uint40 expiry = 1_000_001;
        bytes32 doc = Documents.cancel(idOf(h, cold()), expiry);
        bytes memory sig = judged(n, 3, abi.encodePacked(expiry), doc);
        ledger.cancel(packHot(h), coldHash(cold()), expiry, sig, signature(RP, doc));
        finish(n, h, Shown(0, 0, 0, address(0)), 0);
        equal(buyer.state(), CANCELLED, "state");
        refunded(n, 1500);
    }

    /// @notice A buyer that reverts, burns or answers at length stops nothing.
    function test_a_callback_stops_nothing() public {
        for (uint256 mode = 1; mode < 4; ++mode) {
            uint256 snapshot = vm.snapshotState();
            (uint64 n, Hot memory h) = opened(mode);
            decline(h, cold());
            uint256 before = gasleft();
            finish(n, h, Shown(0, 0, 0, address(0)), 0);
            isTrue(before - gasleft() < 600_000, "bounded");
            equal(buyer.number(), 0, "nothing kept");
            equal(jobs.job(n).dealState, DECLINED, "but to be read");
            refunded(n, 1530);
            vm.revertToState(snapshot);
        }
    }

    function test_a_callback_may_order_the_next_job() public {
        (uint64 n, Hot memory h) = opened(0);
        decline(h, cold());
        OnChainJobs.Order memory o = order();
        o.callbackGas = 600_000;
        n = buyer.buy(o, 4);
        h = openJob(n);
        decline(h, cold());
        finish(n, h, Shown(0, 0, 0, address(0)), 0);
        equal(jobs.last(), n + 1, "ordered");
    }

    /// @notice Who finishes a job cannot starve the buyer's callback of gas.
    function test_a_callback_is_not_starved() public {
        (uint64 n, Hot memory h) = opened(0);
        decline(h, cold());
        Shown memory w;
        bytes memory call = abi.encodeCall(jobs.finish, (n, packHot(h), coldHash(cold()), w, 0));
        (bool ok, bytes memory answer) = address(jobs).call{gas: 200_000}(call);
        isTrue(!ok && bytes4(answer) == Busy.selector, "Busy");
        finish(n, h, w, 0);
        equal(buyer.number(), n, "called");
    }

    function offLedger(uint64 number, bytes32 doc, uint256 key) internal view returns (bytes memory) {
        return abi.encodePacked(number, uint8(4), doc, signature(key, doc));
    }

    function vouches(bytes32 digest, bytes memory sig) internal view returns (bool) {
        return jobs.isValidSignature(digest, sig) == jobs.isValidSignature.selector;
    }

    /// @notice Offers and deals are vouched for before there is a deal: to everybody but the ledger, for the job's own
    /// judge, and for nothing under another domain.
    function test_the_judge_signs_off_the_ledger() public {
        uint64 n = buyer.buy(order(), 0);
        bytes32 doc = idOf(hotOf(n), cold());
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", annex.domain(), doc));
        isTrue(vouches(digest, offLedger(n, doc, JUDGE)), "before the match");
        isTrue(!vouches(digest, offLedger(n, doc, MALLORY)), "another key");
        isTrue(!vouches(digest, offLedger(n + 1, doc, JUDGE)), "no such job");
        bytes32 permit = keccak256(abi.encodePacked(hex"1901", keccak256("the token's domain"), doc));
        isTrue(!vouches(permit, offLedger(n, doc, JUDGE)), "another domain");
        isTrue(!vouches(permit, offLedger(n, keccak256("another"), JUDGE)), "another document");
        isTrue(!vouches(digest, abi.encodePacked(n, uint8(4), doc)), "no signature");
        vm.prank(address(ledger));
        isTrue(!vouches(digest, offLedger(n, doc, JUDGE)), "the ledger asks");
    }

    /// @notice What is signed off the ledger opens nothing with the money of others.
    function test_off_the_ledger_opens_nothing() public {
        uint64 n = buyer.buy(order(), 0);
        annex.deposit(address(jobs), 5000);
        bytes32 id = idOf(hotOf(n), cold());
        bytes memory sig = offLedger(n, id, JUDGE);
        bytes memory full = pack(hotOf(n), cold());
        bytes memory rp = signature(RP, id);
        refused(abi.encodeWithSelector(Signature.selector, address(jobs)));
        ledger.open(full, sig, rp);
    }

    function test_cancel_before_the_match() public {
        uint64 n = buyer.buy(order(), 0);
        refused(abi.encodeWithSelector(Party.selector, address(this)));
        jobs.cancel(n);
        buyer.cancel(n);
        equal(token.balanceOf(address(buyer)), 10_000, "at once, and whole");
        refused(abi.encodeWithSelector(State.selector, jobs.CANCELLED_()));
        this.openIt(n);
        equal(annex.nonces(address(jobs), 0), 1 << n, "its nonce is burnt");
    }

    function openIt(uint64 n) external {
        openJob(n);
    }

    function test_nobody_takes_it() public {
        uint64 n = buyer.buy(order(), 0);
        vm.warp(1_001_000);
        refused(abi.encodeWithSelector(TooLate.selector, 1_001_000));
        this.openIt(n);
        jobs.cancel(n);
        equal(token.balanceOf(address(buyer)), 10_000, "at once, and whole");
    }

    function test_request_is_refused() public {
        OnChainJobs.Order memory o = order();
        o.judge = address(0);
        refused(abi.encodeWithSelector(Range.selector, 0));
        buyer.buy(o, 0);
        o = order();
        o.callbackGas = 1_000_001;
        refused(abi.encodeWithSelector(Range.selector, 1_000_001));
        buyer.buy(o, 0);
        o = order();
        o.matchBy = 1_000_000;
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_000));
        buyer.buy(o, 0);
        o = order();
        o.pay = type(uint96).max;
        refused(abi.encodeWithSelector(Range.selector, uint256(type(uint96).max) + 500));
        buyer.buy(o, 0);
        refused(abi.encodeWithSelector(NotFound.selector, 9));
        jobs.cancel(9);
    }

    /// @notice Nobody spends another's allowance: the buyer's is spent by the buyer alone.
    function test_nobody_spends_anothers_allowance() public {
        vm.prank(vm.addr(MALLORY));
        vm.expectRevert();
        jobs.request(order());
        equal(token.balanceOf(address(buyer)), 10_000, "untouched");
    }

    function opensNot(Hot memory h, Cold memory c, uint64 n) internal {
        bytes32 id = idOf(h, c);
        bytes memory a = signature(JUDGE, id);
        bytes memory b = signature(RP, id);
        refused(abi.encodeWithSelector(Conflict.selector, id));
        jobs.open(n, pack(h, c), a, b);
    }

    /// @notice The deal must be what was ordered.
    function test_a_deal_is_what_was_ordered() public {
        uint64 n = buyer.buy(order(), 0);
        Hot memory h = hotOf(n);
        h.pay = 1201;
        opensNot(h, cold(), n);
        h = hotOf(n);
        h.jobBond = 501;
        opensNot(h, cold(), n);
        h = hotOf(n + 1);
        opensNot(h, cold(), n);
        h = hotOf(n);
        h.jobCreator = vm.addr(JC);
        opensNot(h, cold(), n);
        h = hotOf(n);
        h.channel = "channel";
        opensNot(h, cold(), n);
        Cold memory c = cold();
        c.spec = keccak256("another spec");
        opensNot(hotOf(n), c, n);
        bytes32 id = idOf(hotOf(n), cold());
        bytes memory a = signature(MALLORY, id);
        bytes memory b = signature(RP, id);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JUDGE)));
        jobs.open(n, pack(hotOf(n), cold()), a, b);
    }

    /// @notice The judge of one job binds no other, and signs nothing but acceptance, check and cancel.
    function test_a_judge_binds_its_own_job_alone() public {
        (uint64 n, Hot memory h) = opened(0);
        OnChainJobs.Order memory o = order();
        o.judge = vm.addr(MALLORY);
        uint64 other = buyer.buy(o, 0);
        submit(h, cold());
        Shown memory w = shownResult(h, cold(), outcome());
        bytes32 doc = Documents.acceptance(idOf(h, cold()), w.result);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", annex.domain(), doc));
        bytes4 yes = jobs.isValidSignature.selector;
        bytes memory members = abi.encodePacked(w.result);
        isTrue(jobs.isValidSignature(digest, judged(n, 1, members, doc)) == yes, "its own");
        bytes memory sig = abi.encodePacked(other, uint8(1), members, signature(MALLORY, doc));
        isTrue(jobs.isValidSignature(digest, sig) != yes, "another job's judge");
        sig = abi.encodePacked(n, uint8(1), members, signature(MALLORY, doc));
        isTrue(jobs.isValidSignature(digest, sig) != yes, "not its judge");
        isTrue(jobs.isValidSignature(~digest, judged(n, 1, members, doc)) != yes, "another digest");
        isTrue(jobs.isValidSignature(digest, judged(n, 2, members, doc)) != yes, "another kind");
        isTrue(jobs.isValidSignature(digest, abi.encodePacked(n, uint8(1), members)) != yes, "no signature");
        isTrue(jobs.isValidSignature(digest, "") != yes, "nothing");
        bytes32 send = Documents.send(address(jobs), SEND_REQUEST_WITHDRAW, 0, 0, 2_000_000);
        digest = keccak256(abi.encodePacked(hex"1901", annex.domain(), send));
        isTrue(jobs.isValidSignature(digest, judged(n, 1, members, send)) != yes, "a Send");
    }

    /// @notice Refunds of several jobs leave in batches, none of which another can delay for ever.
    function test_batches() public {
        (uint64 a, Hot memory h) = opened(0);
        decline(h, cold());
        finish(a, h, Shown(0, 0, 0, address(0)), 0);
        jobs.sweep();
        uint64 b = buyer.buy(order(), 0);
        h = openJob(b);
        decline(h, cold());
        finish(b, h, Shown(0, 0, 0, address(0)), 0);
        vm.warp(1_000_000 + UNBONDING);
        jobs.sweep();
        jobs.refund(a);
        refused(abi.encodeWithSelector(TooEarly.selector, 0));
        jobs.refund(b);
        jobs.sweep();
        vm.warp(1_000_000 + 2 * UNBONDING);
        jobs.sweep();
        jobs.refund(b);
        equal(token.balanceOf(address(buyer)), 10_060, "both, and the late fines");
    }
}

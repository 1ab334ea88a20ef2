// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice Channels between JC and RP at hand: one of acceptances, one of vouchers, 5 000 and 2 000 in each.
abstract contract ChannelPlay is Play {
    Channel internal acceptances = Channel(1, CHANNEL_ACCEPTANCES);
    Channel internal vouchers = Channel(1, CHANNEL_VOUCHERS);
    Shown internal nothing;

    uint256 internal constant JOB_SUM = 5000;
    uint256 internal constant RP_SUM = 2000;

    function setUp() public virtual override {
        super.setUp();
        openChannel(acceptances);
        openChannel(vouchers);
    }

    function idOf(Channel memory ch) internal pure returns (bytes32) {
        return Documents.channelId(vm.addr(JC), vm.addr(RP), ch.serial, ch.kind);
    }

    function openChannel(Channel memory ch) internal {
        bytes32 doc = Documents.channel(idOf(ch), uint96(JOB_SUM), uint96(RP_SUM), 1_000_001);
        bytes memory jcSig = signature(JC, doc);
        bytes memory rpSig = signature(RP, doc);
        annex.openChannel(vm.addr(JC), vm.addr(RP), ch, uint96(JOB_SUM), uint96(RP_SUM), 1_000_001, jcSig, rpSig);
    }

    function drawn(uint64 number, Channel memory ch) internal pure returns (Hot memory h) {
        h = hot(number);
        h.channel = idOf(ch);
        if (ch.kind == CHANNEL_VOUCHERS) (h.royalty, h.solverShare) = (0, 0);
    }

    /// @notice The JC's acceptance of the standard result.
    function acceptanceOf(Hot memory h) internal pure returns (Terms memory a) {
        a.deal = idOf(h, cold());
        a.result = resultOf(a.deal, outcome());
        (a.channel, a.number, a.cost) = (h.channel, h.nonce, 450);
        (a.royalty, a.author, a.solverShare, a.solver) = (h.royalty, h.author, h.solverShare, h.solver);
    }

    function settles(Terms memory a, uint64 serial, uint256 jc, uint256 by) internal {
        bytes memory item =
            abi.encodePacked(vm.addr(JC), serial, packTerms(a), signature(jc, Documents.hash(a)));
        vm.prank(vm.addr(by));
        ledger.settle(item);
    }

    function settle(Hot memory h) internal {
        settles(acceptanceOf(h), 1, JC, RP);
    }

    function redeems(uint96 sum, uint64 number, uint64 claims, uint256 jc, uint256 by) internal {
        bytes32 id = Documents.channelId(vm.addr(JC), vm.addr(by), 1, CHANNEL_VOUCHERS);
        bytes memory sig = signature(jc, Documents.voucher(id, sum, number, claims));
        bytes memory v = abi.encodePacked(vm.addr(JC), uint64(1), sum, number, claims, sig);
        vm.prank(vm.addr(by));
        ledger.redeem(v);
    }

    function redeem(uint96 sum, uint64 number, uint64 claims) internal {
        redeems(sum, number, claims, JC, RP);
    }

    function claims_(Hot memory h, Channel memory ch, Outcome memory o, uint256 jc, uint256 by) internal {
        bytes memory sig = signature(jc, idOf(h, cold()));
        bytes memory d = pack(h, cold());
        vm.prank(vm.addr(by));
        annex.claim(d, ch, sig, o);
    }

    function claim(Hot memory h, Channel memory ch) internal {
        claims_(h, ch, outcome(), JC, RP);
    }

    function claimsAndChecks(Hot memory h, Channel memory ch, uint256 rp, uint256 jc) internal {
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        bytes memory rpSig = signature(rp, named);
        bytes memory jcSig = signature(jc, checkOf(id, named, complaint()));
        ledger.claimAndCheck(pack(h, cold()), ch, outcome(), rpSig, complaint(), jcSig);
    }

    function claimAndCheck(Hot memory h, Channel memory ch) internal {
        claimsAndChecks(h, ch, RP, JC);
    }

    function opensIn(Hot memory h, Channel memory ch, uint256 rp, uint256 by) internal {
        bytes memory sig = signature(rp, idOf(h, cold()));
        bytes memory d = pack(h, cold());
        vm.prank(vm.addr(by));
        annex.openIn(d, ch, sig);
    }

    function openIn(Hot memory h, Channel memory ch) internal {
        opensIn(h, ch, RP, JC);
    }

    function acceptIn(Hot memory h) internal {
        Terms memory a = acceptanceOf(h);
        bytes memory sig = signature(JC, Documents.hash(a));
        ledger.accept(packHot(h), coldHash(cold()), a.result, uint96(a.cost), sig);
    }

    function leaves(Channel memory ch, uint256 by) internal {
        address other = vm.addr(by == JC ? RP : JC);
        vm.prank(vm.addr(by));
        annex.leaveChannel(other, by == JC, ch);
    }

    function close(Channel memory ch) internal {
        annex.closeChannel(vm.addr(JC), vm.addr(RP), ch);
    }

    function closesNow(Channel memory ch, uint40 expiry, uint256 jc, uint256 rp) internal {
        bytes32 doc = Documents.channelLeave(idOf(ch), expiry);
        bytes memory jcSig = signature(jc, doc);
        bytes memory rpSig = signature(rp, doc);
        annex.closeChannelNow(vm.addr(JC), vm.addr(RP), ch, expiry, jcSig, rpSig);
    }

    function sumsOf(Channel memory ch) internal view returns (uint256 job, uint256 provider) {
        (job, provider,,,,,) = annex.channel(idOf(ch));
    }

    /// @notice What the sums of the channel have lost, and the parties have gained beside them.
    function moved(Channel memory ch, int256 job, int256 provider, int256 jc, int256 rp) internal view {
        (uint256 j, uint256 p) = sumsOf(ch);
        equal(uint256(int256(j) - int256(JOB_SUM)), uint256(job), "JC's sum");
        equal(uint256(int256(p) - int256(RP_SUM)), uint256(provider), "RP's sum");
        equal(uint256(int256(freeOf(JC)) - int256(START - 2 * JOB_SUM)), uint256(jc), "JC's free");
        equal(uint256(int256(freeOf(RP)) - int256(START - 2 * RP_SUM)), uint256(rp), "RP's free");
        equal(lockedOf(JC) + lockedOf(RP), 0, "locked in escrow");
    }
}

/// @notice What moves in a channel, path by path (protocol 8.3).
contract ChannelsTest is ChannelPlay {
    function test_opened() public view {
        moved(acceptances, 0, 0, 0, 0);
        moved(vouchers, 0, 0, 0, 0);
    }

    function test_settle() public {
        settle(drawn(1, acceptances));
        moved(acceptances, -450, 0, 0, 450 - 22 - 13);
        equal(freeOf(AUTHOR), START + 22, "author");
        equal(freeOf(SOLVER), START + 13, "solver");
        equal(annex.numbers(idOf(acceptances), 0), 2, "its bit");
    }

    function test_settle_shares_of_nobody() public {
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        (a.author, a.solver) = (address(0), address(0));
        settles(a, 1, JC, RP);
        moved(acceptances, -450, 0, 0, 450);
    }

    function test_redeem_is_cumulative() public {
        redeem(300, 3, 0);
        moved(vouchers, -300, 0, 0, 300);
        redeem(1000, 10, 0);
        moved(vouchers, -1000, 0, 0, 1000);
    }

    /// @notice At most what the JC's sum holds, the rest staying due.
    function test_redeem_more_than_the_sum_holds() public {
        redeem(6000, 3, 0);
        moved(vouchers, -5000, 0, 0, 5000);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 0, 1000));
        redeem(6000, 3, 0);
        vm.prank(vm.addr(JC));
        annex.topUp(vm.addr(RP), true, vouchers, 400);
        redeem(6000, 3, 0);
        moved(vouchers, -5000, 0, -400, 5400);
    }

    function test_claim_and_accept() public {
        Hot memory h = drawn(1, acceptances);
        claim(h, acceptances);
        moved(acceptances, -1500, -400, 0, 0);
        equal(stateOf(h, cold()), RESULTS_SUBMITTED, "state");
        acceptIn(h);
        moved(acceptances, -450, 0, 0, 415);
    }

    function test_claim_and_timeout() public {
        Hot memory h = drawn(1, acceptances);
        claim(h, acceptances);
        timeout(h, cold(), shownResult(h, cold(), outcome()));
        equal(stateOf(h, cold()), TIMEOUT_JUDGE, "state");
        moved(acceptances, -470, 0, 0, 435);
    }

    function checkIt(Hot memory h) internal {
        Shown memory w = shownResult(h, cold(), outcome());
        bytes memory sig = signature(JC, checkOf(idOf(h, cold()), w.result, complaint()));
        ledger.check(pack(h, cold()), w.result, w.cost, complaint(), sig);
    }

    function test_claim_check_and_rule() public {
        Hot memory h = drawn(1, acceptances);
        claim(h, acceptances);
        checkIt(h);
        rule(h, cold(), RULING_RESULT_WRONG);
        moved(acceptances, 0, -400, 100, 0);
        equal(sinkOf(), 290, "sink");
    }

    uint8 private constant RULING_RESULT_WRONG = 4;

    function test_claim_and_check_by_the_jc() public {
        Hot memory h = drawn(1, acceptances);
        claimAndCheck(h, acceptances);
        moved(acceptances, -1500, -400, 0, 0);
        equal(stateOf(h, cold()), RESULTS_CHECKED, "state");
        rule(h, cold(), RULING_RESULT_CORRECT);
        moved(acceptances, -950, 0, 0, 515);
        equal(freeOf(MEDIATOR), START + 10, "mediator");
        equal(sinkOf(), 390, "sink");
    }

    function test_claim_and_check_job_faulty() public {
        Hot memory h = drawn(1, acceptances);
        claimAndCheck(h, acceptances);
        rule(h, cold(), RULING_JOB_FAULTY);
        moved(acceptances, -500, 0, 0, 100);
    }

    function test_claim_and_check_mediate_timeout() public {
        Hot memory h = drawn(1, acceptances);
        claimAndCheck(h, acceptances);
        timeout(h, cold(), shownCheck(h, cold()));
        moved(acceptances, -225, 0, 0, 225);
    }

    function test_a_whole_dispute_at_once() public {
        Hot memory h = drawn(1, acceptances);
        wholeDispute(h, ruling(RULING_RESULT_WRONG), MEDIATOR);
        moved(acceptances, 0, -400, 100, 0);
        equal(stateOf(h, cold()), 0, "no record is kept");
        equal(annex.numbers(idOf(acceptances), 0), 2, "but its bit");
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        claim(h, acceptances);
    }

    function wholeDispute(Hot memory h, Ruling memory v, uint256 by) internal {
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        bytes[3] memory sigs = [
            signature(RP, named),
            signature(JC, checkOf(id, named, complaint())),
            signature(by, verdictOf(id, v))
        ];
        ledger.claimCheckAndRule(
            pack(h, cold()), acceptances, outcome(), sigs[0], complaint(), sigs[1], v, sigs[2]
        );
    }

    function test_a_whole_dispute_is_ruled_by_its_mediator() public {
        Hot memory h = drawn(1, acceptances);
        Ruling memory v = ruling(RULING_RESULT_CORRECT);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(MEDIATOR)));
        wholeDispute(h, v, MALLORY);
        v.mediator = vm.addr(MALLORY);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        wholeDispute(h, v, MALLORY);
        v = ruling(RULING_CANNOT_RULE);
        refused(abi.encodeWithSelector(Range.selector, RULING_CANNOT_RULE));
        wholeDispute(h, v, MEDIATOR);
        v = ruling(8);
        refused(abi.encodeWithSelector(Range.selector, 8));
        wholeDispute(h, v, MEDIATOR);
    }

    function test_open_by_the_jc_and_timeout() public {
        Hot memory h = drawn(1, acceptances);
        openIn(h, acceptances);
        equal(stateOf(h, cold()), AGREED, "state");
        timeout(h, cold(), nothing);
        moved(acceptances, 0, -30, 30, 0);
    }

    function test_open_by_the_jc_and_submit() public {
        Hot memory h = drawn(1, vouchers);
        openIn(h, vouchers);
        submit(h, cold());
        acceptIn(h);
        moved(vouchers, -450, 0, 0, 450);
    }

    function test_open_by_the_jc_and_decline_or_cancel() public {
        openIn(drawn(1, acceptances), acceptances);
        decline(drawn(1, acceptances), cold());
        moved(acceptances, 0, -30, 30, 0);
        openIn(drawn(2, acceptances), acceptances);
        cancel(drawn(2, acceptances), cold());
        moved(acceptances, 0, -30, 30, 0);
    }

    function cancelsNumber(Hot memory h, Channel memory ch, uint40 expiry, uint256 jc, uint256 rp) internal {
        bytes32 doc = Documents.cancel(idOf(h, cold()), expiry);
        bytes memory jcSig = signature(jc, doc);
        bytes memory rpSig = signature(rp, doc);
        annex.cancelNumber(packHot(h), coldHash(cold()), ch, expiry, jcSig, rpSig);
    }

    /// @notice 5.3: in a channel a cancel sets the deal's bit.
    function test_cancel_of_a_deal_that_is_not_on_the_ledger() public {
        Hot memory h = drawn(1, acceptances);
        refused(abi.encodeWithSelector(Conflict.selector, idOf(vouchers)));
        cancelsNumber(h, vouchers, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        cancelsNumber(h, acceptances, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        cancelsNumber(h, acceptances, 1_000_000, JC, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_000));
        cancelsNumber(h, acceptances, 1_000_000, JC, RP);
        cancelsNumber(h, acceptances, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        cancelsNumber(h, acceptances, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        settle(h);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        claim(h, acceptances);
        openIn(drawn(2, acceptances), acceptances);
        refused(abi.encodeWithSelector(State.selector, AGREED));
        cancelsNumber(drawn(2, acceptances), acceptances, 1_000_001, JC, RP);
    }

    function test_leave_takes_life() public {
        leaves(acceptances, RP);
        refused(abi.encodeWithSelector(State.selector, 1));
        leaves(acceptances, JC);
        refused(abi.encodeWithSelector(State.selector, 1));
        vm.prank(vm.addr(JC));
        annex.topUp(vm.addr(RP), true, acceptances, 1);
        vm.warp(1_000_000 + LIFE - 1);
        refused(abi.encodeWithSelector(TooEarly.selector, 1_000_000 + LIFE));
        close(acceptances);
        vm.warp(1_000_000 + LIFE);
        close(acceptances);
        equal(freeOf(JC), START - JOB_SUM, "JC's sum came back");
        equal(freeOf(RP), START - RP_SUM, "RP's sum came back");
        refused(abi.encodeWithSelector(State.selector, 2));
        close(acceptances);
        refused(abi.encodeWithSelector(State.selector, 2));
        this.opens(acceptances);
        refused(abi.encodeWithSelector(State.selector, 1));
        close(vouchers);
    }

    function opens(Channel memory ch) external {
        vm.warp(1_000_000);
        openChannel(ch);
    }

    function test_close_at_once_with_both_signatures() public {
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        closesNow(acceptances, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        closesNow(acceptances, 1_000_000, JC, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_000));
        closesNow(acceptances, 1_000_000, JC, RP);
        closesNow(acceptances, 1_000_001, JC, RP);
        equal(freeOf(JC), START - JOB_SUM, "JC's sum came back");
        Channel memory other = Channel(2, CHANNEL_ACCEPTANCES);
        refused(abi.encodeWithSelector(NotFound.selector, idOf(other)));
        closesNow(other, 1_000_000, MALLORY, MALLORY);
    }

    /// @notice Locks return to the sum, or to `free` once it is left.
    function test_a_deal_outlives_its_channel() public {
        Hot memory h = drawn(1, acceptances);
        claim(h, acceptances);
        closesNow(acceptances, 1_000_001, JC, RP);
        timeout(h, cold(), shownResult(h, cold(), outcome()));
        equal(freeOf(JC), START - JOB_SUM - 470, "job creator");
        equal(freeOf(RP), START - RP_SUM + 435, "provider");
        (uint256 job, uint256 provider) = sumsOf(acceptances);
        equal(job + provider, 0, "sums");
    }

    function test_top_up() public {
        vm.prank(vm.addr(RP));
        annex.topUp(vm.addr(JC), false, acceptances, 70);
        moved(acceptances, 0, 70, 0, -70);
        vm.prank(vm.addr(MALLORY));
        refused(
            abi.encodeWithSelector(
                NotFound.selector, Documents.channelId(vm.addr(MALLORY), vm.addr(RP), 1, CHANNEL_ACCEPTANCES)
            )
        );
        annex.topUp(vm.addr(RP), true, acceptances, 1);
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), START - 2 * JOB_SUM, START));
        annex.topUp(vm.addr(RP), true, acceptances, uint96(START));
    }

    // ---- lists --------------------------------------------------------------------------------------------

    function itemOf(Terms memory a, uint256 jc) internal view returns (bytes memory) {
        return bytes.concat(packTerms(a), signature(jc, Documents.hash(a)));
    }

    function groupOf(bytes memory items) internal pure returns (bytes memory) {
        return abi.encodePacked(vm.addr(JC), uint64(1), uint8(items.length / ITEM_BYTES), items);
    }

    function test_list_skips_bad_items() public {
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        bytes memory items = itemOf(a, JC);
        items = bytes.concat(items, itemOf(a, JC)); // the same number again
        a.number = 2;
        items = bytes.concat(items, itemOf(a, MALLORY)); // not signed by the JC
        (a.number, a.cost) = (3, 5000);
        items = bytes.concat(items, itemOf(a, JC)); // more than is left
        (a.number, a.cost, a.royalty) = (4, 100, 971);
        items = bytes.concat(items, itemOf(a, JC)); // shares above the whole
        (a.number, a.royalty) = (0, 50);
        items = bytes.concat(items, itemOf(a, JC)); // number zero
        a.number = 300;
        items = bytes.concat(items, itemOf(a, JC));
        a.number = 2;
        items = bytes.concat(items, itemOf(a, JC));
        a.channel = idOf(vouchers);
        a.number = 5;
        items = bytes.concat(items, itemOf(a, JC)); // signed for another channel
        vm.recordLogs();
        vm.prank(vm.addr(RP));
        ledger.settleList(groupOf(items));
        bytes memory done = abi.decode(vm.getRecordedLogs()[0].data, (bytes));
        equal(keccak256(done), keccak256(hex"00c1"), "settled items 0, 6, 7");
        moved(acceptances, -650, 0, 0, 415 + 92 + 92);
        equal(annex.numbers(idOf(acceptances), 0), 6, "bits of 1 and 2");
        equal(annex.numbers(idOf(acceptances), 1), 1 << 44, "bit of 300");
    }

    function test_list_of_several_channels() public {
        Channel memory other = Channel(2, CHANNEL_ACCEPTANCES);
        openChannel(other);
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        Terms memory b = acceptanceOf(drawn(1, acceptances));
        b.channel = idOf(other);
        bytes memory list = bytes.concat(
            groupOf(itemOf(a, JC)),
            abi.encodePacked(vm.addr(JC), uint64(2), uint8(1), itemOf(b, JC)),
            abi.encodePacked(vm.addr(JC), uint64(3), uint8(1), itemOf(b, JC)), // no such channel
            groupOf(itemOf(a, JC)) // settled above
        );
        vm.recordLogs();
        vm.prank(vm.addr(RP));
        ledger.settleList(list);
        bytes memory done = abi.decode(vm.getRecordedLogs()[0].data, (bytes));
        equal(keccak256(done), keccak256(hex"01010000"), "settled groups 0 and 1");
        equal(freeOf(RP), START - 3 * RP_SUM + 830, "provider");
        (,,, uint8 state,,,) = annex.channel(Documents.channelId(vm.addr(JC), vm.addr(RP), 3, CHANNEL_ACCEPTANCES));
        equal(state, 0, "a list opens no channel");
    }

    /// @notice A list of `n` items: whatever the JC signed, as often as that.
    function listOf(bytes memory item, uint256 n) internal pure returns (bytes memory) {
        bytes memory items;
        for (uint256 i = 0; i < n; ++i) {
            items = bytes.concat(items, item);
        }
        return groupOf(items);
    }

    function test_list_has_2_to_100_items() public {
        bytes memory item = itemOf(acceptanceOf(drawn(1, acceptances)), JC);
        refused(abi.encodeWithSelector(Range.selector, 0));
        ledger.settleList("");
        for (uint256 n = 1; n <= 101; n += 100) {
            bytes memory list = listOf(item, n);
            vm.prank(vm.addr(RP));
            refused(abi.encodeWithSelector(Range.selector, n));
            ledger.settleList(list);
            // Which comes before the Send.
            bytes memory all = bytes.concat(header(MALLORY, SEND_SETTLE, keccak256(list), 0, 1_000_001), list);
            refused(abi.encodeWithSelector(Range.selector, n));
            ledger.settleListFor(all);
        }
        bytes memory full = listOf(item, 100);
        vm.prank(vm.addr(RP));
        ledger.settleList(full);
        moved(acceptances, -450, 0, 0, 415);
    }

    /// @notice An acceptance of nothing needs a channel that is open like any other.
    function test_list_settles_nothing_in_a_closed_channel() public {
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        a.cost = 0;
        bytes memory list = listOf(itemOf(a, JC), 2);
        bytes memory never = bytes.concat(abi.encodePacked(vm.addr(JC), uint64(3), uint8(2)), itemOf(a, JC), itemOf(a, JC));
        uint256 snapshot = vm.snapshotState();
        closesNow(acceptances, 1_000_001, JC, RP);
        vm.startPrank(vm.addr(RP));
        ledger.settleList(list);
        ledger.settleList(never);
        vm.stopPrank();
        equal(annex.numbers(idOf(acceptances), 0), 0, "no bit");
        equal(annex.numbers(idOf(Channel(3, CHANNEL_ACCEPTANCES)), 0), 0, "no bit");
        vm.revertToState(snapshot);
        vm.prank(vm.addr(RP));
        ledger.settleList(list);
        equal(annex.numbers(idOf(acceptances), 0), 2, "the first of them");
    }

    function test_list_must_be_whole() public {
        bytes memory list = groupOf(itemOf(acceptanceOf(drawn(1, acceptances)), JC));
        for (uint256 n = 1; n < list.length; n += 7) {
            bytes memory cut = new bytes(n);
            for (uint256 i = 0; i < n; ++i) {
                cut[i] = list[i];
            }
            vm.prank(vm.addr(RP));
            refused(abi.encodeWithSelector(Range.selector, n));
            ledger.settleList(cut);
        }
        refused(abi.encodeWithSelector(Range.selector, 29));
        ledger.settleList(groupOf(""));
    }

    function test_list_sent_by_another_settles_nothing() public {
        bytes memory list = listOf(itemOf(acceptanceOf(drawn(1, acceptances)), JC), 2);
        vm.prank(vm.addr(MALLORY));
        ledger.settleList(list);
        moved(acceptances, 0, 0, 0, 0);
        equal(freeOf(MALLORY), START, "who sent it");
    }

    // ---- carried by anyone --------------------------------------------------------------------------------

    function header(uint256 by, uint8 kind, bytes32 body, uint64 nonce, uint40 expiry)
        internal
        view
        returns (bytes memory)
    {
        bytes memory sig = signature(by, Documents.send(vm.addr(RP), kind, body, nonce, expiry));
        return abi.encodePacked(vm.addr(RP), nonce, expiry, sig);
    }

    function test_settle_carried() public {
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        bytes32 doc = Documents.hash(a);
        bytes memory item = abi.encodePacked(vm.addr(JC), uint64(1), packTerms(a), signature(JC, doc));
        bytes memory all = bytes.concat(header(MALLORY, SEND_SETTLE, doc, 1, 1_000_000), item);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        ledger.settleFor(all);
        all = bytes.concat(header(RP, SEND_SETTLE, doc, 1, 1_000_000), item);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        ledger.settleFor(all);
        all = bytes.concat(header(RP, SEND_SETTLE, doc, 0, 1_000_000), item);
        refused(abi.encodeWithSelector(Stale.selector, 1_000_000));
        ledger.settleFor(all);
        // A Send of another body is none of this one.
        all = bytes.concat(header(RP, SEND_SETTLE, ~doc, 0, 1_000_001), item);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        ledger.settleFor(all);
        all = bytes.concat(header(RP, SEND_SETTLE, doc, 0, 1_000_001), item);
        ledger.settleFor(all);
        moved(acceptances, -450, 0, 0, 415);
        // The Send is looked at first.
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        ledger.settleFor(all);
    }

    function test_list_carried() public {
        bytes memory list = listOf(itemOf(acceptanceOf(drawn(1, acceptances)), JC), 2);
        bytes memory all = bytes.concat(header(RP, SEND_SETTLE, keccak256(list), 0, 1_000_001), list);
        ledger.settleListFor(all);
        moved(acceptances, -450, 0, 0, 415);
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        ledger.settleListFor(all);
    }

    function test_voucher_carried() public {
        bytes32 doc = Documents.voucher(idOf(vouchers), 100, 1, 0);
        bytes memory v = abi.encodePacked(vm.addr(JC), uint64(1), uint96(100), uint64(1), uint64(0), signature(JC, doc));
        bytes memory all = bytes.concat(header(MALLORY, SEND_REDEEM, doc, 0, 1_000_001), v);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        annex.redeemFor(all);
        all = bytes.concat(header(RP, SEND_REDEEM, doc, 0, 1_000_001), v);
        annex.redeemFor(all);
        moved(vouchers, -100, 0, 0, 100);
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        annex.redeemFor(all);
    }

    function sendOf(uint256 by, uint8 kind, bytes32 body) internal view returns (Send memory m, bytes memory sig) {
        m = Send(vm.addr(by), kind, body, 0, 1_000_001);
        sig = signature(by, Documents.send(m.account, m.kind, m.body, m.nonce, m.expiry));
    }

    function test_claim_carried() public {
        Hot memory h = drawn(1, vouchers);
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        bytes memory jcSig = signature(JC, id);
        (Send memory m, bytes memory sig) = sendOf(RP, SEND_AGREE, named);
        refused(abi.encodeWithSelector(Range.selector, SEND_AGREE));
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, outcome());
        (m, sig) = sendOf(JC, SEND_CLAIM, named);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(JC)));
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, outcome());
        (m, sig) = sendOf(RP, SEND_CLAIM, id);
        refused(abi.encodeWithSelector(Conflict.selector, named));
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, outcome());
        (m, sig) = sendOf(RP, SEND_CLAIM, named);
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, outcome());
        // Again: its Send's nonce is used, and so it would be refused, were it not a repetition.
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, outcome());
        Outcome memory other = outcome();
        other.count++;
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        annex.claimFor(m, sig, pack(h, cold()), vouchers, jcSig, other);
        (,,,,,, uint64 made) = annex.channel(idOf(vouchers));
        equal(made, 1, "claims");
    }

    function test_open_carried() public {
        Hot memory h = drawn(1, acceptances);
        bytes32 id = idOf(h, cold());
        bytes memory rpSig = signature(RP, id);
        (Send memory m, bytes memory sig) = sendOf(RP, SEND_AGREE, id);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(RP)));
        annex.openInFor(m, sig, pack(h, cold()), acceptances, rpSig);
        (m, sig) = sendOf(JC, SEND_AGREE, id);
        annex.openInFor(m, sig, pack(h, cold()), acceptances, rpSig);
        equal(stateOf(h, cold()), AGREED, "state");
        annex.openInFor(m, sig, pack(h, cold()), acceptances, rpSig);
        m.body = ~id;
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        annex.openInFor(m, sig, pack(h, cold()), acceptances, rpSig);
    }
}

/// @notice The first failing clause, path by path.
contract ChannelOrderTest is ChannelPlay {
    function opensChannel(uint8 kind, uint256 rp, uint96 job, uint96 provider, uint40 openBy, uint256 jcBy, uint256 rpBy)
        internal
    {
        Channel memory ch = Channel(9, kind);
        bytes32 id = Documents.channelId(vm.addr(JC), vm.addr(rp), 9, kind);
        bytes32 doc = Documents.channel(id, job, provider, openBy);
        bytes memory jcSig = signature(jcBy, doc);
        bytes memory rpSig = signature(rpBy, doc);
        annex.openChannel(vm.addr(JC), vm.addr(rp), ch, job, provider, openBy, jcSig, rpSig);
    }

    function test_open_channel() public {
        uint96 much = uint96(START);
        uint256 jcHas = START - 2 * JOB_SUM;
        uint256 rpHas = START - 2 * RP_SUM;
        refused(abi.encodeWithSelector(Range.selector, 3));
        opensChannel(3, RP, much, much, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Range.selector, 0));
        opensChannel(0, RP, much, much, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        opensChannel(1, RP, much, much, 1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        opensChannel(1, RP, much, much, 1_000_000, JC, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_000));
        opensChannel(1, RP, much, much, 1_000_000, JC, RP);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), jcHas, much));
        opensChannel(1, RP, much, much, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(RP), rpHas, much));
        opensChannel(1, RP, 1, much, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(JC)));
        opensChannel(1, JC, 1, 1, 1_000_001, JC, JC);
        annex.pause(true);
        refused(abi.encodeWithSelector(Busy.selector));
        opensChannel(1, RP, 1, 1, 1_000_001, JC, RP);
        annex.pause(false);
        opensChannel(1, RP, 1, 1, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(State.selector, 1));
        opensChannel(1, RP, 1, 1, 1_000_001, JC, RP);
    }

    function test_settle() public {
        Terms memory a = acceptanceOf(drawn(1, acceptances));
        bytes32 none = Documents.channelId(vm.addr(JC), vm.addr(MALLORY), 1, CHANNEL_ACCEPTANCES);
        (a.number, a.cost, a.royalty) = (0, 5001, 971);
        refused(abi.encodeWithSelector(Range.selector, 155));
        ledger.settle(new bytes(155));
        refused(abi.encodeWithSelector(NotFound.selector, none));
        settles(a, 1, JC, MALLORY);
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        settles(a, 1, MALLORY, RP);
        a.number = 1;
        refused(abi.encodeWithSelector(Shares.selector, 1001));
        settles(a, 1, MALLORY, RP);
        a.royalty = 970;
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 5000, 5001));
        settles(a, 1, MALLORY, RP);
        a.cost = 5000;
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        settles(a, 1, MALLORY, RP);
        settles(a, 1, JC, RP);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        settles(a, 1, JC, RP);
        closesNow(acceptances, 1_000_001, JC, RP);
        refused(abi.encodeWithSelector(State.selector, 2));
        settles(a, 1, JC, RP);
    }

    function test_redeem() public {
        bytes32 none = Documents.channelId(vm.addr(JC), vm.addr(MALLORY), 1, CHANNEL_VOUCHERS);
        refused(abi.encodeWithSelector(Range.selector, 55));
        ledger.redeem(new bytes(55));
        refused(abi.encodeWithSelector(NotFound.selector, none));
        redeems(100, 1, 1, JC, MALLORY);
        refused(abi.encodeWithSelector(Conflict.selector, 0));
        redeems(100, 0, 1, MALLORY, RP);
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        redeems(0, 0, 0, MALLORY, RP);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        redeems(100, 5, 0, MALLORY, RP);
        redeem(100, 5, 0);
        refused(abi.encodeWithSelector(Nonce.selector, 5));
        redeem(100, 5, 0);
        refused(abi.encodeWithSelector(Nonce.selector, 4));
        redeem(200, 4, 0);
        redeem(50, 6, 0);
        moved(vouchers, -100, 0, 0, 100);
    }

    function test_claim() public {
        Hot memory h = drawn(0, acceptances);
        (h.pay, h.resultBond, h.seats, h.royalty) = (4501, 2001, 2, 951);
        Outcome memory o = outcome();
        (o.status, o.count) = (8, 1001);
        refused(abi.encodeWithSelector(Range.selector, 8));
        claims_(h, vouchers, o, MALLORY, MALLORY);
        o.status = 1;
        refused(abi.encodeWithSelector(Conflict.selector, idOf(vouchers)));
        claims_(h, vouchers, o, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        claims_(h, acceptances, o, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        claims_(h, acceptances, o, MALLORY, RP);
        refused(abi.encodeWithSelector(Limits.selector, 1001, 1000));
        claims_(h, acceptances, o, JC, RP);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 5000, 5001));
        claims_(h, acceptances, outcome(), JC, RP);
        h.pay = 4500;
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(RP), 2000, 2001));
        claim(h, acceptances);
        h.resultBond = 2000;
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        claim(h, acceptances);
        h.nonce = 1;
        refused(abi.encodeWithSelector(Panel.selector, 2));
        claim(h, acceptances);
        h.seats = 1;
        refused(abi.encodeWithSelector(Shares.selector, 981));
        this.claimIt(sharesOf(drawn(1, vouchers), 951, 30), vouchers);
        h.royalty = 50;
        vm.warp(h.openBy + h.submitTimeout);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy + h.submitTimeout));
        claim(h, acceptances);
        vm.warp(h.openBy + h.submitTimeout - 1);
        claim(h, acceptances);
        claim(h, acceptances);
        equal(annex.numbers(idOf(acceptances), 0), 2, "claimed once");
        o = outcome();
        o.count++;
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        claims_(h, acceptances, o, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        claims_(h, acceptances, outcome(), JC, MALLORY);
    }

    /// @notice The channel is looked up before whose deal it is, and before what vouchers say.
    function test_claim_in_no_channel() public {
        Channel memory none = Channel(3, CHANNEL_VOUCHERS);
        Hot memory h = sharesOf(drawn(1, none), 951, 30);
        refused(abi.encodeWithSelector(NotFound.selector, idOf(none)));
        claims_(h, none, outcome(), MALLORY, MALLORY);
        refused(abi.encodeWithSelector(NotFound.selector, idOf(none)));
        claims_(h, acceptances, outcome(), MALLORY, MALLORY);
        closesNow(vouchers, 1_000_001, JC, RP);
        h = sharesOf(drawn(1, vouchers), 951, 30);
        refused(abi.encodeWithSelector(State.selector, 2));
        claim(h, vouchers);
        h.channel = 0;
        refused(abi.encodeWithSelector(State.selector, 0));
        claims_(h, vouchers, outcome(), MALLORY, MALLORY);
    }

    function sharesOf(Hot memory h, uint16 royalty, uint16 solver) internal pure returns (Hot memory) {
        (h.royalty, h.solverShare) = (royalty, solver);
        return h;
    }

    function claimIt(Hot memory h, Channel memory ch) external {
        claim(h, ch);
    }

    function test_claim_and_check() public {
        Hot memory h = drawn(1, acceptances);
        refused(abi.encodeWithSelector(Conflict.selector, idOf(vouchers)));
        claimsAndChecks(h, vouchers, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        claimsAndChecks(h, acceptances, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        claimsAndChecks(h, acceptances, MALLORY, JC);
        vm.warp(h.openBy + h.submitTimeout);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy + h.submitTimeout));
        claimAndCheck(h, acceptances);
        vm.warp(h.openBy + h.submitTimeout - 1);
        claimAndCheck(h, acceptances);
        claimAndCheck(h, acceptances);
        refused(abi.encodeWithSelector(State.selector, RESULTS_CHECKED));
        claim(h, acceptances);
        refused(abi.encodeWithSelector(State.selector, RESULTS_CHECKED));
        this.disputeAt(h);
        rule(h, cold(), RULING_JOB_FAULTY);
        refused(abi.encodeWithSelector(State.selector, MEDIATION_JOB_FAULTY));
        claimAndCheck(h, acceptances);
    }

    function disputeAt(Hot memory h) external {
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        Ruling memory v = ruling(RULING_JOB_FAULTY);
        ledger.claimCheckAndRule(
            pack(h, cold()),
            acceptances,
            outcome(),
            signature(RP, named),
            complaint(),
            signature(JC, checkOf(id, named, complaint())),
            v,
            signature(MEDIATOR, verdictOf(id, v))
        );
    }

    function test_open_in() public {
        Hot memory h = drawn(1, acceptances);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(RP)));
        opensIn(h, acceptances, MALLORY, RP);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        opensIn(h, acceptances, MALLORY, JC);
        vm.warp(h.openBy);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy));
        openIn(h, acceptances);
        vm.warp(h.openBy - 1);
        openIn(h, acceptances);
        openIn(h, acceptances);
        refused(abi.encodeWithSelector(State.selector, AGREED));
        opensIn(h, acceptances, RP, RP);
        Hot memory other = drawn(2, acceptances);
        claim(other, acceptances);
        openIn(other, acceptances);
        equal(stateOf(other, cold()), RESULTS_SUBMITTED, "the claim stands");
    }
}

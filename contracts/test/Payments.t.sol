// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Annex} from "../src/Annex.sol";
import {Documents} from "../src/Documents.sol";
import {Constants} from "../src/Payments.sol";
import {Registry} from "../src/Registry.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice Takes a hundredth of each transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1 << 90);
    }

    function _update(address from, address to, uint256 n) internal override {
        super._update(from, to, n);
        if (from != address(0) && n > 99) super._update(to, address(0xdead), n / 100);
    }
}

/// @notice Calls its receiver's ledger again in the middle of a transfer.
contract HookToken is ERC20 {
    Annex public target;

    constructor() ERC20("Hook", "HOOK") {
        _mint(msg.sender, 1 << 90);
    }

    function aim(Annex a) external {
        target = a;
    }

    function _update(address from, address to, uint256 n) internal override {
        super._update(from, to, n);
        if (address(target) != address(0)) target.withdraw(0);
    }
}

/// @notice Signs what it was told to.
contract Wallet {
    bytes32 public digest;
    uint256 public burn;

    function sign(bytes32 d, uint256 burn_) external {
        (digest, burn) = (d, burn_);
    }

    function isValidSignature(bytes32 d, bytes calldata) external view returns (bytes4) {
        while (burn != 0 && gasleft() > burn) {}
        return d == digest ? this.isValidSignature.selector : bytes4(0);
    }

    function call(address to, bytes calldata data) external {
        (bool ok, bytes memory answer) = to.call(data);
        require(ok, string(answer));
    }
}

/// @notice Accounts (protocol 1.1, 2.0.4, 5.16), and the pauser.
contract PaymentsTest is Play {
    uint96 private constant MOST = type(uint96).max;

    function test_constants() public {
        Constants memory c = annex.constants();
        equal(c.minTimeout, 60, "MIN");
        equal(c.life, LIFE, "LIFE");
        equal(c.unbonding, UNBONDING, "unbonding");
        equal(uint160(address(annex.token())), uint160(address(token)), "token");
        equal(token.decimals(), 18, "decimals");
        equal(annex.domain(), Documents.domain(block.chainid, address(ledger)), "domain");
        refused(abi.encodeWithSelector(Clocks.selector, 59, 60));
        this.make(Constants(59, 100, 200, false, address(0)));
        refused(abi.encodeWithSelector(Clocks.selector, 100, 100));
        this.make(Constants(60, 100, 100, false, address(0)));
        this.make(Constants(1, 100, 101, true, address(0)));
    }

    function make(Constants calldata c) external {
        bytes memory code = bytes.concat(vm.getCode("Controller.sol:Controller"), abi.encode(token, c));
        assembly ("memory-safe") {
            let out := create(0, add(code, 32), mload(code))
            if iszero(out) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function test_deposit() public {
        (uint96 supply,) = annex.totals();
        refused(abi.encodeWithSelector(Range.selector, MOST - supply + 1));
        annex.deposit(vm.addr(JC), MOST - supply + 1);
        refused(abi.encodeWithSelector(Range.selector, 0));
        annex.deposit(address(0), 1);
        annex.deposit(vm.addr(JC), MOST - supply);
        equal(freeOf(JC), START + MOST - supply, "free");
        equal(token.balanceOf(address(ledger)), MOST, "held");
    }

    function test_deposit_spends_nobody_elses_allowance() public {
        vm.prank(vm.addr(MALLORY));
        vm.expectRevert();
        annex.deposit(vm.addr(MALLORY), 1);
    }

    function test_deposit_with_permit() public {
        address who = vm.addr(MALLORY);
        token.transfer(who, 100);
        bytes32 permit =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 doc = keccak256(abi.encode(permit, who, address(ledger), 60, 0, 2_000_000));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), doc));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(MALLORY, digest);
        // Somebody uses the permit first: the allowance is there all the same.
        uint256 snapshot = vm.snapshotState();
        token.permit(who, address(ledger), 60, 2_000_000, v, r, s);
        vm.prank(who);
        annex.depositWithPermit(who, 60, 2_000_000, v, r, s);
        equal(freeOf(MALLORY), START + 60, "free");
        vm.revertToState(snapshot);
        vm.prank(who);
        annex.depositWithPermit(who, 60, 2_000_000, v, r, s);
        equal(freeOf(MALLORY), START + 60, "free");
    }

    function other(IERC20 t) internal returns (Annex out) {
        out = Annex(made("Controller", abi.encode(t, Constants(60, LIFE, UNBONDING, false, address(0)))));
        t.approve(address(out), type(uint256).max);
    }

    function test_a_token_that_takes_a_fee_is_refused() public {
        Annex a = other(new FeeToken());
        refused(abi.encodeWithSelector(Peer.selector, 99, 100));
        a.deposit(vm.addr(JC), 100);
    }

    function test_a_token_that_calls_back_is_refused() public {
        HookToken t = new HookToken();
        Annex a = other(t);
        a.deposit(address(t), 100);
        t.aim(a);
        vm.expectRevert();
        a.deposit(vm.addr(JC), 100);
    }

    function test_withdraw() public {
        address jc = vm.addr(JC);
        vm.prank(jc);
        refused(abi.encodeWithSelector(Funds.selector, jc, START, START + 1));
        annex.requestWithdraw(uint96(START + 1));
        vm.prank(jc);
        annex.requestWithdraw(300);
        vm.warp(1_000_000 + UNBONDING - 1);
        vm.prank(jc);
        refused(abi.encodeWithSelector(Funds.selector, jc, 300, 301));
        annex.withdraw(301);
        vm.prank(jc);
        refused(abi.encodeWithSelector(TooEarly.selector, 1_000_000 + UNBONDING));
        annex.withdraw(300);
        // A second one adds, and restarts the clock.
        vm.prank(jc);
        annex.requestWithdraw(50);
        vm.warp(1_000_000 + 2 * UNBONDING - 2);
        vm.prank(jc);
        refused(abi.encodeWithSelector(TooEarly.selector, 1_000_000 + 2 * UNBONDING - 1));
        annex.withdraw(300);
        vm.warp(1_000_000 + 2 * UNBONDING - 1);
        vm.prank(jc);
        annex.withdraw(349);
        equal(token.balanceOf(jc), 349, "paid out");
        (uint96 free,, uint96 leaving, uint40 from,,,) = annex.account(jc);
        equal(free, START - 350, "free");
        equal(leaving, 1, "withdrawing");
        equal(from, 1_000_000 + 2 * UNBONDING - 1, "from");
        (uint96 supply,) = annex.totals();
        equal(supply, 6 * START - 349, "supply");
    }

    function test_payout_takes_the_unbonding_time() public {
        address jc = vm.addr(JC);
        vm.prank(jc);
        refused(abi.encodeWithSelector(Range.selector, 0));
        annex.setPayout(address(0));
        vm.prank(jc);
        annex.setPayout(address(77));
        (address next, uint40 from) = annex.payoutChange(jc);
        equal(uint160(next), 77, "next");
        equal(from, 1_000_000 + UNBONDING, "from");
        vm.warp(1_000_000 + UNBONDING - 1);
        equal(uint160(annex.payoutOf(jc)), uint160(jc), "still itself");
        vm.warp(1_000_000 + UNBONDING);
        equal(uint160(annex.payoutOf(jc)), 77, "the new one");
        (next,) = annex.payoutChange(jc);
        equal(uint160(next), 0, "none under way");
        vm.prank(jc);
        annex.setPayout(address(88));
        equal(uint160(annex.payoutOf(jc)), 77, "the old one until then");
        vm.prank(jc);
        annex.requestWithdraw(5);
        vm.warp(1_000_000 + 2 * UNBONDING);
        vm.prank(jc);
        annex.withdraw(5);
        equal(token.balanceOf(address(88)), 5, "paid there");
    }

    function registration() internal pure returns (Registration memory g) {
        g = Registration(700, new bytes32[](1), 3, 4, "https://mediator.example");
        g.classes[0] = keccak256("class");
    }

    function test_stake() public {
        address m = vm.addr(MEDIATOR);
        vm.prank(m);
        annex.pauseMediator(true);
        vm.prank(m);
        annex.registerMediator(registration());
        (uint96 free,,,, uint96 stake, bool paused,) = annex.account(m);
        equal(free, START - 700, "free");
        equal(stake, 700, "stake");
        isTrue(!paused, "registering ends a pause");
        vm.prank(m);
        refused(abi.encodeWithSelector(Funds.selector, m, 700, 701));
        annex.unbondStake(701);
        vm.prank(m);
        annex.unbondStake(700);
        vm.warp(1_000_000 + UNBONDING);
        vm.prank(m);
        annex.withdraw(700);
        equal(token.balanceOf(m), 700, "paid out");
        Registration memory g = registration();
        g.classes = new bytes32[](17);
        refused(abi.encodeWithSelector(Range.selector, 17));
        annex.registerMediator(g);
        g = registration();
        g.url = string(new bytes(256));
        refused(abi.encodeWithSelector(Range.selector, 256));
        annex.registerMediator(g);
        g = registration();
        g.stake = uint96(START);
        vm.prank(m);
        refused(abi.encodeWithSelector(Funds.selector, m, START - 700, START));
        annex.registerMediator(g);
    }

    function carries(uint256 by, uint8 kind, bytes32 body, uint64 nonce, uint40 expiry, bytes memory data) internal {
        Send memory m = Send(vm.addr(JC), kind, body, nonce, expiry);
        bytes memory sig = signature(by, Documents.send(m.account, kind, body, nonce, expiry));
        annex.carry(m, sig, data);
    }

    function carried(uint8 kind, bytes32 body, uint64 nonce, bytes memory data) internal {
        carries(JC, kind, body, nonce, 2_000_000, data);
    }

    function withdrawal(uint256 n) internal pure returns (bytes32) {
        return keccak256(abi.encode(Documents.WITHDRAWAL, n));
    }

    /// @notice 2.0.4, and the order of its clauses.
    function test_send() public {
        uint8 kind = SEND_REQUEST_WITHDRAW;
        refused(abi.encodeWithSelector(Range.selector, 12));
        carries(MALLORY, 12, withdrawal(6), 1, 1_000_000, abi.encode(7));
        refused(abi.encodeWithSelector(Range.selector, 1));
        carries(MALLORY, 1, withdrawal(6), 1, 1_000_000, abi.encode(7));
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        carries(MALLORY, kind, withdrawal(6), 1, 1_000_000, abi.encode(7));
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        carries(JC, kind, withdrawal(6), 1, 1_000_000, abi.encode(7));
        refused(abi.encodeWithSelector(Stale.selector, 1_000_000));
        carries(JC, kind, withdrawal(6), 0, 1_000_000, abi.encode(7));
        refused(abi.encodeWithSelector(Conflict.selector, withdrawal(7)));
        carries(JC, kind, withdrawal(6), 0, 1_000_001, abi.encode(7));
        carries(JC, kind, withdrawal(7), 0, 1_000_001, abi.encode(7));
        refused(abi.encodeWithSelector(Nonce.selector, 0));
        carries(JC, kind, withdrawal(7), 0, 1_000_001, abi.encode(7));
        // What is refused uses no nonce.
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), START - 7, START));
        carried(kind, withdrawal(START), 1, abi.encode(START));
        (,,,,,, uint64 next) = annex.account(vm.addr(JC));
        equal(next, 1, "next nonce");
    }

    function test_every_kind_of_send() public {
        carried(SEND_REQUEST_WITHDRAW, withdrawal(7), 0, abi.encode(7));
        carried(SEND_SET_PAYOUT, keccak256(abi.encode(Documents.PAYOUT, 9)), 1, abi.encode(9));
        carried(SEND_CANCEL_NONCE, keccak256(abi.encode(Documents.NONCE_CANCEL, 3)), 2, abi.encode(3));
        Registration memory g = registration();
        carried(SEND_REGISTER_MEDIATOR, Documents.registration(g), 3, abi.encode(g));
        carried(SEND_PAUSE_MEDIATOR, keccak256(abi.encode(Documents.PAUSE, true)), 4, abi.encode(true));
        carried(SEND_UNBOND_STAKE, withdrawal(100), 5, abi.encode(100));
        (uint96 free,, uint96 leaving,, uint96 stake, bool paused, uint64 next) = annex.account(vm.addr(JC));
        equal(free, START - 707, "free");
        equal(leaving, 107, "withdrawing");
        equal(stake, 600, "stake");
        isTrue(paused, "paused");
        equal(next, 6, "next nonce");
        equal(annex.nonces(vm.addr(JC), 0), 8, "burnt");
        vm.warp(1_000_000 + UNBONDING);
        carried(SEND_WITHDRAW, withdrawal(107), 6, abi.encode(107));
        equal(token.balanceOf(address(9)), 107, "paid out to the new address");
    }

    function test_channel_sends() public {
        Channel memory ch = Channel(4, CHANNEL_VOUCHERS);
        bytes32 id = Documents.channelId(vm.addr(JC), vm.addr(RP), 4, CHANNEL_VOUCHERS);
        bytes32 doc = Documents.channel(id, 10, 10, 1_000_001);
        annex.openChannel(vm.addr(JC), vm.addr(RP), ch, 10, 10, 1_000_001, signature(JC, doc), signature(RP, doc));
        bytes memory data = abi.encode(vm.addr(RP), true, ch, 5);
        carried(SEND_TOP_UP, keccak256(abi.encode(Documents.TOP_UP, id, 5)), 0, data);
        data = abi.encode(vm.addr(RP), true, ch);
        carried(SEND_LEAVE_CHANNEL, keccak256(abi.encode(Documents.LEAVE, id)), 1, data);
        (uint96 job,, uint40 closeAt,,,,) = annex.channel(id);
        equal(job, 15, "sum");
        equal(closeAt, 1_000_000 + LIFE, "close");
    }

    function test_agree_carried() public {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        Send memory m = Send(vm.addr(JC), SEND_AGREE, id, 0, 1_000_001);
        bytes memory sig = signature(JC, Documents.send(m.account, m.kind, m.body, m.nonce, m.expiry));
        annex.agreeFor(m, sig, pack(h, cold()));
        equal(stateOf(h, cold()), NEGOTIATING, "state");
        // Repeated with the same documents: no effect, no error, no nonce.
        annex.agreeFor(m, sig, pack(h, cold()));
        m.kind = SEND_CLAIM;
        refused(abi.encodeWithSelector(Range.selector, SEND_CLAIM));
        annex.agreeFor(m, sig, pack(h, cold()));
        h.channel = "channel";
        m.kind = SEND_AGREE;
        refused(abi.encodeWithSelector(State.selector, 0));
        annex.agreeFor(m, sig, pack(h, cold()));
    }

    function test_cancel_nonce() public {
        vm.prank(vm.addr(JC));
        annex.cancelNonce(5);
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(Nonce.selector, 5));
        annex.cancelNonce(5);
        open(hot(6), cold());
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(Nonce.selector, 6));
        annex.cancelNonce(6);
    }

    /// @notice New deals are refused, and nothing else.
    function test_pause() public {
        vm.prank(vm.addr(MALLORY));
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        annex.pause(true);
        agree(JC, hot(1), cold());
        open(hot(2), cold());
        annex.pause(true);
        isTrue(annex.paused(), "paused");
        refused(abi.encodeWithSelector(Busy.selector));
        this.openIt(hot(3), cold());
        vm.prank(vm.addr(JC));
        bytes memory d = pack(hot(3), cold());
        refused(abi.encodeWithSelector(Busy.selector));
        ledger.agree(d);
        agree(RP, hot(1), cold());
        submit(hot(1), cold());
        accept(hot(1), cold());
        decline(hot(2), cold());
        vm.prank(vm.addr(JC));
        annex.requestWithdraw(10);
        vm.warp(1_000_000 + UNBONDING);
        vm.prank(vm.addr(JC));
        annex.withdraw(10);
        annex.pause(false);
        Hot memory h = hot(3);
        h.openBy = uint40(block.timestamp + 1);
        open(h, cold());
    }

    function openIt(Hot memory h, Cold memory c) external {
        open(h, c);
    }

    /// @notice 1.1: a contract signs by ERC-1271, and cannot burn the gas of whoever asks.
    function test_a_contract_is_a_party() public {
        Wallet w = new Wallet();
        annex.deposit(address(w), 10_000);
        Hot memory h = hot(1);
        h.jobCreator = address(w);
        bytes32 id = idOf(h, cold());
        w.sign(keccak256(abi.encodePacked(hex"1901", annex.domain(), id)), 0);
        ledger.open(pack(h, cold()), "any bytes", signature(RP, id));
        equal(stateOf(h, cold()), AGREED, "state");
        h.nonce = 2;
        id = idOf(h, cold());
        w.sign(keccak256(abi.encodePacked(hex"1901", annex.domain(), id)), 1);
        uint256 before = gasleft();
        bytes memory rpSig = signature(RP, id);
        refused(abi.encodeWithSelector(Signature.selector, address(w)));
        ledger.open(pack(h, cold()), "any bytes", rpSig);
        isTrue(before - gasleft() < 600_000, "bounded");
    }

    function test_registry() public {
        Registry r = Registry(made("Registry", abi.encode(address(ledger))));
        vm.prank(vm.addr(MEDIATOR));
        annex.registerMediator(registration());
        vm.prank(vm.addr(MEDIATOR));
        r.list(4, "https://m.example", "bafy");
        r.list(3, "https://s.example", "");
        vm.prank(vm.addr(JC));
        r.list(8, "https://d.example", "");
        (Registry.Entry memory e, uint96 stake) = r.entry(vm.addr(MEDIATOR));
        equal(stake, 700, "stake");
        equal(e.roles, 4, "roles");
        equal(r.count(), 3, "entries");
        vm.prank(vm.addr(MEDIATOR));
        r.unlist();
        equal(r.count(), 2, "entries");
        address[] memory page = r.page(0, 10);
        equal(uint160(page[0]), uint160(vm.addr(JC)), "the last took its place");
        equal(r.page(1, 1000).length, 1, "a page ends with the entries");
        equal(r.page(2, 1).length, 0, "behind the last");
        vm.prank(vm.addr(JC));
        r.list(8, "https://e.example", "");
        equal(r.count(), 2, "written again");
        refused(abi.encodeWithSelector(Range.selector, 0));
        r.list(0, "", "");
        refused(abi.encodeWithSelector(Range.selector, 16));
        r.list(16, "", "");
        refused(abi.encodeWithSelector(Range.selector, 256));
        r.list(1, string(new bytes(256)), "");
        refused(abi.encodeWithSelector(Range.selector, 97));
        r.list(1, "", string(new bytes(97)));
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(NotFound.selector, bytes32(uint256(uint160(vm.addr(RP))))));
        r.unlist();
    }
}

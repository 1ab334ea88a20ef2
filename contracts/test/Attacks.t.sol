// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {ChannelPlay} from "./Channels.t.sol";
import "../src/Types.sol";

/// @notice The attacks that docs/contracts.md lists, played.
contract AttacksTest is ChannelPlay {
    uint256 private constant PATHS = 7;

    /// @notice One way to settle or open deal `number` of the channel of acceptances; all of them end in a bit.
    function path(uint256 which) external {
        Hot memory h = drawn(1, acceptances);
        if (which == 0) return settle(h);
        if (which == 1) return list(h);
        if (which == 2) return claim(h, acceptances);
        if (which == 3) return claimAndCheck(h, acceptances);
        if (which == 4) return openIn(h, acceptances);
        if (which == 5) return undo(h);
        dispute(h);
    }

    function list(Hot memory h) internal {
        Terms memory a = acceptanceOf(h);
        bytes memory item = abi.encodePacked(packTerms(a), signature(JC, Documents.hash(a)));
        bytes memory group = abi.encodePacked(vm.addr(JC), uint64(1), uint8(2), item, item);
        vm.prank(vm.addr(RP));
        ledger.settleList(group);
    }

    function undo(Hot memory h) internal {
        bytes32 doc = Documents.cancel(idOf(h, cold()), 2_000_000);
        bytes memory jcSig = signature(JC, doc);
        bytes memory rpSig = signature(RP, doc);
        annex.cancelNumber(packHot(h), coldHash(cold()), acceptances, 2_000_000, jcSig, rpSig);
    }

    function dispute(Hot memory h) internal {
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        Ruling memory v = ruling(RULING_RESULT_CORRECT);
        bytes[3] memory sigs =
            [signature(RP, named), signature(JC, checkOf(id, named, complaint())), signature(MEDIATOR, verdictOf(id, v))];
        ledger.claimCheckAndRule(pack(h, cold()), acceptances, outcome(), sigs[0], complaint(), sigs[1], v, sigs[2]);
    }

    function wealth() internal view returns (bytes32) {
        (uint256 job, uint256 provider) = sumsOf(acceptances);
        return keccak256(abi.encode(job, provider, freeOf(JC), freeOf(RP), freeOf(AUTHOR), freeOf(SOLVER), sinkOf()));
    }

    /// @notice Double settlement by every pair of paths: the second is refused, skipped in a list, or has had its effect
    /// (4.3): the same claim again, or an `open` by the JC of what is on the ledger.
    function test_double_settlement_in_a_channel() public {
        for (uint256 i = 0; i < PATHS; ++i) {
            for (uint256 k = 0; k < PATHS; ++k) {
                uint256 snapshot = vm.snapshotState();
                this.path(i);
                bytes32 before = wealth();
                try this.path(k) {
                    bool same = (i == k && (k == 2 || k == 3)) || (k == 4 && i >= 2 && i <= 4);
                    isTrue(k == 1 || same, "refused");
                } catch {}
                equal(wealth(), before, "nothing moved");
                vm.revertToState(snapshot);
            }
        }
    }

    /// @notice One way to use nonce 1 of the JC in escrow.
    function escrow(uint256 which) external {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        if (which == 0) return open(h, cold());
        if (which == 1) return agree(JC, h, cold());
        if (which == 2) {
            vm.prank(vm.addr(JC));
            return annex.cancelNonce(1);
        }
        if (which == 3) {
            // Another deal with the same nonce.
            h.pay = 999;
            return open(h, cold());
        }
        bytes32 named = resultOf(id, outcome());
        bytes memory acc = signature(JC, Documents.acceptance(id, named));
        ledger.openAndAccept(pack(h, cold()), signature(JC, id), outcome(), signature(RP, named), acc);
    }

    function test_double_opening_in_escrow() public {
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 k = 0; k < 5; ++k) {
                uint256 snapshot = vm.snapshotState();
                this.escrow(i);
                bytes32 before = keccak256(abi.encode(freeOf(JC), freeOf(RP), lockedOf(JC)));
                bool same = (i == k && i != 2 && i != 4) || (i == 0 && k == 1);
                try this.escrow(k) {
                    // The same deal: a repetition without effect, or RP joins where the JC has agreed.
                    isTrue(same || (i == 1 && k == 0), "refused");
                } catch {}
                bool joined = i == 1 && k == 0;
                isTrue(joined || keccak256(abi.encode(freeOf(JC), freeOf(RP), lockedOf(JC))) == before, "nothing moved");
                vm.revertToState(snapshot);
            }
        }
    }

    /// @notice A final state absorbs: nothing opens the deal again.
    function test_nothing_opens_an_ended_deal() public {
        agree(JC, hot(1), cold());
        timeout(hot(1), cold(), nothing);
        refused(abi.encodeWithSelector(State.selector, TIMEOUT_AGREE));
        this.escrow(0);
        changedNothing();
    }

    function changedNothing() internal view {
        equal(freeOf(JC), START - 2 * JOB_SUM, "job creator");
        equal(lockedOf(JC), 0, "locked");
    }

    /// @notice Withdrawal between delivery and settlement: the sums of a channel cannot be withdrawn, and leaving takes
    /// longer than any deal that RP may sign.
    function test_withdrawal_between_delivery_and_settlement() public {
        Hot memory h = drawn(1, acceptances);
        leaves(acceptances, JC);
        uint256 all = freeOf(JC);
        vm.prank(vm.addr(JC));
        annex.requestWithdraw(uint96(all));
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 0, 1));
        annex.requestWithdraw(1);
        vm.warp(1_000_000 + LIFE - 1);
        refused(abi.encodeWithSelector(TooEarly.selector, 1_000_000 + LIFE));
        close(acceptances);
        settle(h);
        equal(freeOf(RP), START - 2 * RP_SUM + 415, "RP is paid");
    }

    /// @notice The unbonding time is longer than LIFE: what was free when RP looked is there for the whole deal.
    function test_withdrawal_in_escrow_cannot_outrun_open() public {
        vm.prank(vm.addr(JC));
        annex.requestWithdraw(uint96(START - 2 * JOB_SUM - 1499));
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 1499, 1500));
        this.escrow(0);
    }

    /// @notice One balance promised twice: the second deal is not opened, and RP has not begun.
    function test_one_balance_promised_twice() public {
        Hot memory h = hot(1);
        h.pay = uint96(START - 2 * JOB_SUM - 500);
        open(h, cold());
        h.nonce = 2;
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 0, h.pay + 500));
        this.openIt(h);
    }

    function openIt(Hot memory h) external {
        open(h, cold());
    }

    /// @notice A channel's sum serves this channel alone.
    function test_a_sum_serves_one_channel() public {
        claim(drawn(1, acceptances), acceptances);
        claim(drawn(2, acceptances), acceptances);
        claim(drawn(3, acceptances), acceptances);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), 500, 1500));
        this.claimIt(drawn(4, acceptances));
        (uint256 job,) = sumsOf(vouchers);
        equal(job, JOB_SUM, "the other channel");
    }

    function claimIt(Hot memory h) external {
        claim(h, acceptances);
    }

    /// @notice The JC sends its own voucher {0, n}: it would close work that was done.
    function test_the_jc_sends_its_own_voucher() public {
        bytes32 id = Documents.channelId(vm.addr(JC), vm.addr(JC), 1, CHANNEL_VOUCHERS);
        bytes memory sig = signature(JC, Documents.voucher(idOf(vouchers), 0, 9, 0));
        bytes memory v = abi.encodePacked(vm.addr(JC), uint64(1), uint96(0), uint64(9), uint64(0), sig);
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(NotFound.selector, id));
        ledger.redeem(v);
        claim(drawn(1, vouchers), vouchers);
    }

    /// @notice A voucher during a claim: what is claimed is not paid by a voucher as well.
    function test_a_voucher_during_a_claim() public {
        Hot memory h = drawn(1, vouchers);
        claim(h, vouchers);
        // Signed before the claim, with this deal in its sum.
        refused(abi.encodeWithSelector(Conflict.selector, 1));
        this.redeemIt(450, 1, 0);
        // Signed after it, without.
        redeem(300, 2, 1);
        timeout(h, cold(), shownResult(h, cold(), outcome()));
        moved(vouchers, -300 - 470, 0, 0, 300 + 470);
    }

    function redeemIt(uint96 sum, uint64 number, uint64 made) external {
        redeem(sum, number, made);
    }

    /// @notice What a voucher has closed cannot be claimed, opened or cancelled.
    function test_a_claim_after_a_voucher() public {
        redeem(450, 1, 0);
        Hot memory h = drawn(1, vouchers);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        this.claimVoucher(h);
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        this.openVoucher(h);
        moved(vouchers, -450, 0, 0, 450);
    }

    function claimVoucher(Hot memory h) external {
        claim(h, vouchers);
    }

    function openVoucher(Hot memory h) external {
        openIn(h, vouchers);
    }

    /// @notice A voucher does not end a dispute: RP at fault loses RB all the same.
    function test_a_voucher_ends_no_dispute() public {
        Hot memory h = drawn(1, vouchers);
        claimAndCheck(h, vouchers);
        redeem(100, 5, 0);
        rule(h, cold(), 4);
        moved(vouchers, -100, -400, 100, 100);
    }

    /// @notice Acceptances are no money in a channel of vouchers, nor vouchers in one of acceptances.
    function test_a_channel_is_of_one_kind() public {
        Terms memory a = acceptanceOf(drawn(1, vouchers));
        a.channel = idOf(vouchers);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        this.settleIt(a);
    }

    function settleIt(Terms memory a) external {
        bytes memory item =
            abi.encodePacked(vm.addr(JC), uint64(1), packTerms(a), signature(JC, Documents.hash(a)));
        vm.prank(vm.addr(RP));
        ledger.settle(item);
    }

    /// @notice An old voucher in a new channel of the same pair.
    function test_old_vouchers_in_a_new_channel() public {
        closesNow(vouchers, 1_000_001, JC, RP);
        Channel memory next = Channel(2, CHANNEL_VOUCHERS);
        openChannel(next);
        bytes memory sig = signature(JC, Documents.voucher(idOf(vouchers), 90, 10, 0));
        bytes memory v = abi.encodePacked(vm.addr(JC), uint64(2), uint96(90), uint64(10), uint64(0), sig);
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        ledger.redeem(v);
    }

    /// @notice The JC carries RP's result as a claim, so that RP's vouchers become worthless.
    function test_only_rp_claims() public {
        Hot memory h = drawn(1, vouchers);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(JC)));
        this.claimBy(h, JC);
        redeem(450, 1, 0);
    }

    function claimBy(Hot memory h, uint256 by) external {
        claims_(h, vouchers, outcome(), JC, by);
    }

    /// @notice RP opens a deal itself, redeems a voucher for it, and submits (only the JC opens).
    function test_only_the_jc_opens_in_a_channel() public {
        Hot memory h = drawn(1, vouchers);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(RP)));
        this.openBy(h, RP);
        bytes32 id = idOf(h, cold());
        refused(abi.encodeWithSelector(State.selector, 0));
        ledger.open(pack(h, cold()), signature(JC, id), signature(RP, id));
    }

    function openBy(Hot memory h, uint256 by) external {
        opensIn(h, vouchers, RP, by);
    }

    /// @notice The JC burns the nonce of work that is done: a channel does not look at it.
    function test_cancel_nonce_does_not_touch_a_channel() public {
        vm.prank(vm.addr(JC));
        annex.cancelNonce(1);
        claim(drawn(1, acceptances), acceptances);
    }

    /// @notice A stale deal: thirty days later the JC opens it, to collect the late fine.
    function test_a_stale_deal_is_not_opened() public {
        Hot memory h = hot(1);
        vm.warp(h.openBy);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy));
        this.openIt(h);
        bytes memory d = pack(h, cold());
        vm.prank(vm.addr(JC));
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy));
        ledger.agree(d);
        h = drawn(1, acceptances);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy));
        this.openInIt(h);
        vm.warp(h.openBy + h.submitTimeout);
        refused(abi.encodeWithSelector(TooLate.selector, h.openBy + h.submitTimeout));
        this.claimIt(h);
    }

    function openInIt(Hot memory h) external {
        openIn(h, acceptances);
    }

    /// @notice Hostage lock: RP has the JC's signature and gives none of its own. Only the JC itself agrees.
    function test_nobody_locks_the_jc_alone() public {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        bytes memory d = pack(h, cold());
        bytes memory jcSig = signature(JC, id);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        ledger.open(d, jcSig, "");
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(State.selector, 0));
        ledger.agree(d);
        changedNothing();
    }

    /// @notice Squatting on (JC, nonce): a stranger's deal in the victim's name takes no key.
    function test_nobody_squats_on_a_nonce() public {
        Hot memory h = hot(1);
        h.provider = vm.addr(MALLORY);
        bytes memory d = pack(h, cold());
        vm.prank(vm.addr(MALLORY));
        refused(abi.encodeWithSelector(State.selector, 0));
        ledger.agree(d);
        open(hot(1), cold());
    }

    /// @notice Strangers burn the numbers of a channel that is not theirs.
    function test_strangers_cancel_no_number() public {
        Hot memory h = drawn(1, acceptances);
        (h.jobCreator, h.provider) = (vm.addr(MALLORY), vm.addr(SOLVER));
        bytes32 doc = Documents.cancel(idOf(h, cold()), 2_000_000);
        bytes memory a = signature(MALLORY, doc);
        bytes memory b = signature(SOLVER, doc);
        bytes32 theirs = Documents.channelId(vm.addr(MALLORY), vm.addr(SOLVER), 1, CHANNEL_ACCEPTANCES);
        refused(abi.encodeWithSelector(Conflict.selector, theirs));
        annex.cancelNumber(packHot(h), coldHash(cold()), acceptances, 2_000_000, a, b);
    }

    /// @notice A signature for one ledger is worthless on another.
    function test_no_signature_serves_two_ledgers() public {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        bytes memory jcSig = signature(JC, id);
        bytes memory rpSig = signature(RP, id);
        vm.chainId(2);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        ledger.open(pack(h, cold()), jcSig, rpSig);
    }

    /// @notice A mark is of a deal and its result: what is shown in a later step cannot be other terms.
    function test_later_steps_show_the_same_deal() public {
        Hot memory h = hot(1);
        open(h, cold());
        submit(h, cold());
        Shown memory w = shownResult(h, cold(), outcome());
        vm.warp(1_000_100);
        w.cost = 1000;
        refused(abi.encodeWithSelector(Conflict.selector, keccak256(abi.encode(w.result, 1000))));
        ledger.timeout(packHot(h), coldHash(cold()), w);
        Hot memory other = hot(1);
        other.base = 1000;
        refused(abi.encodeWithSelector(NotFound.selector, idOf(other, cold())));
        ledger.timeout(packHot(other), coldHash(cold()), w);
    }
}

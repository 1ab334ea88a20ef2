// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice Protocol 4.3: the first failing clause, in the order of its row and then of 5.14, is the error. Each test
/// starts from a call in which as much as possible is wrong and mends it clause by clause.
contract OrderTest is Play {
    Shown internal nothing;

    function opens(Hot memory h, Cold memory c, uint256 jc, uint256 rp) internal {
        bytes32 id = idOf(h, c);
        bytes memory d = pack(h, c);
        (bytes memory jcSig, bytes memory rpSig) = (signature(jc, id), signature(rp, id));
        ledger.open(d, jcSig, rpSig);
    }

    function opensNot(Hot memory h, Cold memory c, bytes memory error_) internal {
        bytes32 id = idOf(h, c);
        bytes memory d = pack(h, c);
        (bytes memory jcSig, bytes memory rpSig) = (signature(JC, id), signature(RP, id));
        refused(error_);
        ledger.open(d, jcSig, rpSig);
        // The JC's own agreement meets the same clauses, but for those of the provider.
        vm.prank(vm.addr(JC));
        refused(error_);
        ledger.agree(d);
    }

    function test_open() public {
        Hot memory h = hot(1);
        Cold memory c = cold();
        bytes memory d = pack(h, c);
        refused(abi.encodeWithSelector(Range.selector, d.length - 1));
        ledger.open(shorter(d), "", "");
        c.determinism = 3;
        refused(abi.encodeWithSelector(Range.selector, 3));
        opensAs(h, c, MALLORY, MALLORY);
        c.determinism = 1;
        h.mediation = 3;
        refused(abi.encodeWithSelector(Range.selector, 3));
        opensAs(h, c, MALLORY, MALLORY);
        h.mediation = MEDIATION_CONSORTIUM;
        refused(abi.encodeWithSelector(State.selector, 0));
        opensAs(h, c, MALLORY, MALLORY);
        h.mediation = MEDIATION_SINGLE;
        h.channel = bytes32(uint256(1));
        refused(abi.encodeWithSelector(State.selector, 0));
        opensAs(h, c, MALLORY, MALLORY);
        h.channel = 0;
        (h.pay, h.resultBond, h.seats) = (uint96(START), uint96(START + 1), 2);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        opensAs(h, c, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        opensAs(h, c, JC, MALLORY);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), START, START + 500));
        opensAs(h, c, JC, RP);
        h.pay = 1000;
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(RP), START, START + 1));
        opensAs(h, c, JC, RP);
        h.resultBond = 400;
        refused(abi.encodeWithSelector(Panel.selector, 2));
        opensAs(h, c, JC, RP);
        h.seats = 1;
        opens(h, c, JC, RP);
    }

    function test_open_after_agree() public {
        Hot memory h = hot(1);
        h.resultBond = uint96(START + 1);
        agree(JC, h, cold());
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        opensAs(h, cold(), JC, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        opensAs(h, cold(), JC, RP);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(RP), START, START + 1));
        opensAs(h, cold(), JC, RP);
        timeout(h, cold(), nothing);
        refused(abi.encodeWithSelector(State.selector, TIMEOUT_AGREE));
        opensAs(h, cold(), MALLORY, MALLORY);
    }

    function opensAs(Hot memory h, Cold memory c, uint256 jc, uint256 rp) internal {
        opens(h, c, jc, rp);
    }

    function shorter(bytes memory d) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(d, sub(mload(d), 1))
        }
        return d;
    }

    function test_5_14() public {
        Hot memory h = hot(1);
        Cold memory c = cold();
        // From the end of the text to its start, so that each refusal is that of the first clause that fails.
        c.mediators[0] = h.solver;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, uint160(h.solver)));
        c.mediators[0] = address(0);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 0));
        c.mediators[0] = h.provider;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, uint160(h.provider)));
        c.mediators[0] = h.jobCreator;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, uint160(h.jobCreator)));
        (h.seats, h.jobBond, h.resultBond) = (3, 2000, 2000);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 3));
        (h.seats, h.appeal) = (1, 1);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 1));
        c.mediators = new address[](2);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 2));
        vm.prank(vm.addr(JC));
        annex.cancelNonce(1);
        opensNot(h, c, abi.encodeWithSelector(Nonce.selector, 1));
        h.openBy = uint40(block.timestamp);
        opensNot(h, c, abi.encodeWithSelector(TooLate.selector, block.timestamp));
        h.submitTimeout = LIFE - 100 - 200 - 799;
        opensNot(h, c, abi.encodeWithSelector(Clocks.selector, LIFE + 1, LIFE));
        h.mediateTimeout = 59;
        opensNot(h, c, abi.encodeWithSelector(Clocks.selector, 59, 60));
        h.judgeTimeout = 58;
        opensNot(h, c, abi.encodeWithSelector(Clocks.selector, 58, 60));
        h.submitTimeout = 57;
        opensNot(h, c, abi.encodeWithSelector(Clocks.selector, 57, 60));
        h.agreeTimeout = 56;
        opensNot(h, c, abi.encodeWithSelector(Clocks.selector, 56, 60));
        (h.royalty, h.solverShare) = (501, 500);
        opensNot(h, c, abi.encodeWithSelector(Shares.selector, 1001));
        h.resultBond = 139;
        opensNot(h, c, abi.encodeWithSelector(Bonds.selector, 139, 140));
        h.jobBond = 139;
        opensNot(h, c, abi.encodeWithSelector(Bonds.selector, 139, 140));
        h.lateSubmit = 140;
        opensNot(h, c, abi.encodeWithSelector(Bonds.selector, 139, 140));
        h.lateJudge = 141;
        opensNot(h, c, abi.encodeWithSelector(Bonds.selector, 139, 141));
        (h.seats, h.mediation, c.determinism) = (0, MEDIATION_NONE, DETERMINISM_NONE);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 1));
        h.mediation = MEDIATION_SINGLE;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, MEDIATION_SINGLE));
        c.determinism = 1;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 1));
        h.seats = 2;
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 2));
    }

    function test_5_14_without_mediation() public {
        Hot memory h = hot(1);
        Cold memory c = cold();
        plain(h, c);
        c.mediators = new address[](1);
        opensNot(h, c, abi.encodeWithSelector(Panel.selector, 1));
        plain(h, c);
        open(h, c);
        equal(lockedOf(JC), 1020, "PAY + JB");
    }

    function test_5_14_one_account() public {
        Hot memory h = hot(1);
        h.provider = h.jobCreator;
        Cold memory c = cold();
        c.mediators[0] = h.jobCreator;
        refused(abi.encodeWithSelector(Party.selector, h.provider));
        opensAs(h, c, JC, JC);
    }

    function test_5_14_bounds_are_inclusive() public {
        Hot memory h = hot(1);
        (h.jobBond, h.resultBond, h.lateJudge, h.lateSubmit) = (110, 110, 110, 110);
        (h.royalty, h.solverShare) = (500, 500);
        (h.agreeTimeout, h.judgeTimeout, h.mediateTimeout) = (60, 60, 60);
        h.submitTimeout = LIFE - 60 - 120 - 360;
        h.openBy = uint40(block.timestamp + 1);
        open(h, cold());
    }

    function test_agree() public {
        Hot memory h = hot(1);
        Cold memory c = cold();
        bytes memory d = pack(h, c);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        agree(MALLORY, h, c);
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(State.selector, 0));
        ledger.agree(d);
        bytes32 ch = coldHash(c);
        bytes32[9] memory hotOnly = packHot(h);
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(State.selector, 0));
        ledger.join(hotOnly, ch);
        h.pay = uint96(START);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(JC), START, START + 500));
        agree(JC, h, c);
        h = hot(1);
        h.resultBond = uint96(START + 1);
        agree(JC, h, c);
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        agree(MALLORY, h, c);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        agree(RP, h, c);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Funds.selector, vm.addr(RP), START, START + 1));
        agree(RP, h, c);
        hotOnly = packHot(h);
        vm.prank(vm.addr(MALLORY));
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        ledger.join(hotOnly, ch);
        timeout(h, c, nothing);
        refused(abi.encodeWithSelector(State.selector, TIMEOUT_AGREE));
        agree(MALLORY, h, c);
        vm.prank(vm.addr(RP));
        refused(abi.encodeWithSelector(State.selector, TIMEOUT_AGREE));
        ledger.join(hotOnly, ch);
        agree(JC, h, c);
    }

    function submits(Outcome memory o, uint256 by) internal {
        bytes memory sig = signature(by, resultOf(idOf(hot(1), cold()), o));
        ledger.submit(packHot(hot(1)), coldHash(cold()), o, sig);
    }

    function test_submit() public {
        Outcome memory o = outcome();
        (o.status, o.count, o.size) = (8, 1001, 501);
        refused(abi.encodeWithSelector(Range.selector, 8));
        submits(o, MALLORY);
        o.status = 0;
        refused(abi.encodeWithSelector(Range.selector, 0));
        submits(o, MALLORY);
        o.status = 7;
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        submits(o, MALLORY);
        agree(JC, hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, NEGOTIATING));
        submits(o, MALLORY);
        open(hot(1), cold());
        vm.warp(1_000_200);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        submits(o, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_200));
        submits(o, RP);
        vm.warp(1_000_199);
        refused(abi.encodeWithSelector(Limits.selector, 1001, 1000));
        submits(o, RP);
        o.count = 1000;
        refused(abi.encodeWithSelector(Limits.selector, 501, 500));
        submits(o, RP);
        o.size = 500;
        submits(o, RP);
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        submits(outcome(), RP);
    }

    function declines(uint8 reason, uint256 by) internal {
        bytes memory sig = signature(by, Documents.decline(idOf(hot(1), cold()), reason));
        ledger.decline(packHot(hot(1)), coldHash(cold()), reason, sig);
    }

    function test_decline() public {
        refused(abi.encodeWithSelector(Range.selector, 6));
        declines(6, MALLORY);
        refused(abi.encodeWithSelector(Range.selector, 0));
        declines(0, MALLORY);
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        declines(5, MALLORY);
        agree(JC, hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, NEGOTIATING));
        declines(5, MALLORY);
        open(hot(1), cold());
        vm.warp(1_000_200);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        declines(5, JC);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_200));
        declines(5, RP);
        vm.warp(1_000_199);
        declines(5, RP);
        refused(abi.encodeWithSelector(State.selector, DECLINED));
        declines(4, RP);
    }

    function cancels(uint40 expiry, uint256 jc, uint256 rp) internal {
        bytes32 doc = Documents.cancel(idOf(hot(1), cold()), expiry);
        ledger.cancel(packHot(hot(1)), coldHash(cold()), expiry, signature(jc, doc), signature(rp, doc));
    }

    function test_cancel() public {
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        cancels(1_000_000, MALLORY, MALLORY);
        open(hot(1), cold());
        uint256 snapshot = vm.snapshotState();
        submit(hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        cancels(1_000_000, MALLORY, MALLORY);
        vm.revertToState(snapshot);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        cancels(1_000_000, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        cancels(1_000_000, JC, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_000));
        cancels(1_000_000, JC, RP);
        cancels(1_000_001, JC, RP);
        refused(abi.encodeWithSelector(State.selector, CANCELLED));
        cancels(1_000_002, JC, RP);
    }

    function accepts(bytes32 named, uint256 by) internal {
        bytes memory sig = signature(by, Documents.acceptance(idOf(hot(1), cold()), named));
        ledger.accept(packHot(hot(1)), coldHash(cold()), named, 450, sig);
    }

    function test_accept() public {
        bytes32 named = resultOf(idOf(hot(1), cold()), outcome());
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        accepts("other", MALLORY);
        agree(JC, hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, NEGOTIATING));
        accepts("other", MALLORY);
        open(hot(1), cold());
        refused(abi.encodeWithSelector(Result.selector, named));
        accepts(named, JC);
        submit(hot(1), cold());
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        accepts("other", MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        accepts("other", JC);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Result.selector, bytes32("other")));
        accepts("other", JC);
        // The right result with another cost: the mark has both.
        bytes memory sig = signature(JC, Documents.acceptance(idOf(hot(1), cold()), named));
        refused(abi.encodeWithSelector(Result.selector, named));
        ledger.accept(packHot(hot(1)), coldHash(cold()), named, 449, sig);
        accepts(named, JC);
        refused(abi.encodeWithSelector(State.selector, RESULTS_ACCEPTED));
        accepts("other", MALLORY);
    }

    function acceptsWith(Outcome memory o, uint256 jc, uint256 rp) internal {
        bytes32 id = idOf(hot(1), cold());
        bytes32 named = resultOf(id, o);
        bytes memory sig = signature(jc, Documents.acceptance(id, named));
        ledger.acceptWith(packHot(hot(1)), coldHash(cold()), o, signature(rp, named), sig);
    }

    function test_accept_with_a_result() public {
        Outcome memory o = outcome();
        (o.status, o.count, o.size) = (9, 1001, 501);
        refused(abi.encodeWithSelector(Range.selector, 9));
        acceptsWith(o, MALLORY, MALLORY);
        o.status = 2;
        open(hot(1), cold());
        vm.warp(1_000_200);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        acceptsWith(o, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_200));
        acceptsWith(o, JC, MALLORY);
        vm.warp(1_000_199);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(RP)));
        acceptsWith(o, JC, MALLORY);
        refused(abi.encodeWithSelector(Limits.selector, 1001, 1000));
        acceptsWith(o, JC, RP);
        o.count = 1;
        refused(abi.encodeWithSelector(Limits.selector, 501, 500));
        acceptsWith(o, JC, RP);
        // What was submitted needs no signature of RP again.
        submit(hot(1), cold());
        acceptsWith(outcome(), JC, MALLORY);
    }

    function checks(Hot memory h, Cold memory c, bytes32 named, uint8 claim, uint256 by) internal {
        Claim memory k = complaint();
        k.claim = claim;
        bytes memory sig = signature(by, checkOf(idOf(h, c), named, k));
        ledger.check(pack(h, c), named, 450, k, sig);
    }

    function test_check() public {
        (Hot memory h, Cold memory c) = (hot(1), cold());
        refused(abi.encodeWithSelector(Range.selector, 8));
        checks(h, c, "other", 8, MALLORY);
        refused(abi.encodeWithSelector(NotFound.selector, idOf(h, c)));
        checks(h, c, "other", 1, MALLORY);
        open(h, c);
        refused(abi.encodeWithSelector(State.selector, AGREED));
        checks(h, c, "other", 1, MALLORY);
        submit(h, c);
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        checks(h, c, "other", 1, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        checks(h, c, "other", 1, JC);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Result.selector, bytes32("other")));
        checks(h, c, "other", 1, JC);
        checks(h, c, resultOf(idOf(h, c), outcome()), 4, JC);
        refused(abi.encodeWithSelector(State.selector, RESULTS_CHECKED));
        checks(h, c, resultOf(idOf(h, c), outcome()), 3, JC);
    }

    function test_check_without_a_panel() public {
        (Hot memory h, Cold memory c) = (hot(1), cold());
        plain(h, c);
        open(h, c);
        submit(h, c);
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        checks(h, c, "other", 1, MALLORY);
        refused(abi.encodeWithSelector(Panel.selector, 0));
        checks(h, c, "other", 1, JC);
    }

    function rules(Shown memory w, Ruling memory v, uint256 by) internal {
        bytes memory sig = signature(by, verdictOf(idOf(hot(1), cold()), v));
        ledger.rule(packHot(hot(1)), coldHash(cold()), w, v, sig);
    }

    function test_rule() public {
        Shown memory w = shownCheck(hot(1), cold());
        Ruling memory v = ruling(8);
        (v.round, v.mediator) = (1, vm.addr(MALLORY));
        refused(abi.encodeWithSelector(Range.selector, 8));
        rules(nothing, v, MALLORY);
        v.ruling = RULING_CANNOT_RULE;
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        rules(nothing, v, MALLORY);
        open(hot(1), cold());
        submit(hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        rules(nothing, v, MALLORY);
        check(hot(1), cold());
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Conflict.selector, 0));
        rules(nothing, v, MALLORY);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        rules(w, v, MALLORY);
        v.mediator = vm.addr(MEDIATOR);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(MEDIATOR)));
        rules(w, v, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        rules(w, v, MEDIATOR);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Range.selector, 1));
        rules(w, v, MEDIATOR);
        v.round = 0;
        refused(abi.encodeWithSelector(Range.selector, RULING_CANNOT_RULE));
        rules(w, v, MEDIATOR);
        v.ruling = RULING_JOB_FAULTY;
        rules(w, v, MEDIATOR);
        v.ruling = RULING_RESULT_CORRECT;
        refused(abi.encodeWithSelector(State.selector, MEDIATION_JOB_FAULTY));
        rules(w, v, MEDIATOR);
    }

    function passes(Shown memory w, uint8 round, uint256 mediator, uint256 by) internal {
        address m = vm.addr(mediator);
        bytes memory sig = signature(by, Documents.pass(idOf(hot(1), cold()), round, m));
        ledger.pass(packHot(hot(1)), coldHash(cold()), w, round, m, sig);
    }

    function test_pass() public {
        Shown memory w = shownCheck(hot(1), cold());
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        passes(nothing, 1, MALLORY, MALLORY);
        open(hot(1), cold());
        submit(hot(1), cold());
        refused(abi.encodeWithSelector(State.selector, RESULTS_SUBMITTED));
        passes(nothing, 1, MALLORY, MALLORY);
        check(hot(1), cold());
        vm.warp(1_000_100);
        refused(abi.encodeWithSelector(Party.selector, vm.addr(MALLORY)));
        passes(w, 1, MALLORY, MALLORY);
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(MEDIATOR)));
        passes(w, 1, MEDIATOR, MALLORY);
        refused(abi.encodeWithSelector(TooLate.selector, 1_000_100));
        passes(w, 1, MEDIATOR, MEDIATOR);
        vm.warp(1_000_099);
        refused(abi.encodeWithSelector(Range.selector, 1));
        passes(w, 1, MEDIATOR, MEDIATOR);
        passes(w, 0, MEDIATOR, MEDIATOR);
        passes(w, 0, MEDIATOR, MEDIATOR);
        changed(-225, 225, 0, 0, 0, 0);
    }

    function test_timeout() public {
        bytes32[9] memory h = packHot(hot(1));
        bytes32 c = coldHash(cold());
        refused(abi.encodeWithSelector(NotFound.selector, idOf(hot(1), cold())));
        ledger.timeout(h, c, nothing);
        open(hot(1), cold());
        vm.warp(1_000_199);
        refused(abi.encodeWithSelector(TooEarly.selector, 1_000_200));
        ledger.timeout(h, c, nothing);
        submit(hot(1), cold());
        vm.warp(1_000_299);
        refused(abi.encodeWithSelector(Conflict.selector, 0));
        ledger.timeout(h, c, nothing);
        Shown memory w = shownResult(hot(1), cold(), outcome());
        ledger.timeout(h, c, w);
        ledger.timeout(h, c, w);
        changed(-470, 435, 13, 22, 0, 0);
        Hot memory other = hot(2);
        open(other, cold());
        decline(other, cold());
        refused(abi.encodeWithSelector(State.selector, DECLINED));
        ledger.timeout(packHot(other), c, nothing);
    }
}

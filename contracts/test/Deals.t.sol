// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice What moves in each row of protocol 5.
contract RowsTest is Play {
    Shown internal nothing;

    function test_5_1_open_locks_both() public {
        open(hot(1), cold());
        equal(lockedOf(JC), 1500, "PAY + JB");
        equal(lockedOf(RP), 400, "RB");
        equal(freeOf(JC), START - 1500, "job creator");
        equal(freeOf(RP), START - 400, "provider");
        equal(stateOf(hot(1), cold()), AGREED, "state");
    }

    function test_5_1_agree_one_after_the_other() public {
        Hot memory h = hot(1);
        agree(JC, h, cold());
        equal(lockedOf(JC), 1500, "PAY + JB");
        equal(lockedOf(RP), 0, "RB");
        equal(stateOf(h, cold()), NEGOTIATING, "state");
        agree(RP, h, cold());
        equal(lockedOf(RP), 400, "RB");
        equal(stateOf(h, cold()), AGREED, "state");
    }

    function test_5_1_join() public {
        Hot memory h = hot(1);
        agree(JC, h, cold());
        vm.prank(vm.addr(RP));
        ledger.join(packHot(h), coldHash(cold()));
        equal(lockedOf(RP), 400, "RB");
        equal(stateOf(h, cold()), AGREED, "state");
    }

    function test_5_1_open_after_the_jc_agreed() public {
        agree(JC, hot(1), cold());
        open(hot(1), cold());
        equal(lockedOf(JC), 1500, "PAY + JB once");
        equal(stateOf(hot(1), cold()), AGREED, "state");
    }

    function test_5_2_timeout_agree() public {
        agree(JC, hot(1), cold());
        timeout(hot(1), cold(), nothing);
        equal(stateOf(hot(1), cold()), TIMEOUT_AGREE, "state");
        changed(0, 0, 0, 0, 0, 0);
    }

    function test_5_2_from_open_by_if_earlier() public {
        Hot memory h = hot(1);
        h.openBy = uint40(block.timestamp + 10);
        agree(JC, h, cold());
        (,, uint40 deadline,) = annex.deal(idOf(h, cold()));
        equal(deadline, h.openBy, "deadline");
        timeout(h, cold(), nothing);
        changed(0, 0, 0, 0, 0, 0);
    }

    function test_5_3_cancelled_while_negotiating() public {
        agree(JC, hot(1), cold());
        cancel(hot(1), cold());
        equal(stateOf(hot(1), cold()), CANCELLED, "state");
        changed(0, 0, 0, 0, 0, 0);
    }

    function test_5_3_cancelled() public {
        open(hot(1), cold());
        cancel(hot(1), cold());
        equal(stateOf(hot(1), cold()), CANCELLED, "state");
        changed(0, 0, 0, 0, 0, 0);
    }

    function test_5_4_submitted() public {
        open(hot(1), cold());
        submit(hot(1), cold());
        equal(stateOf(hot(1), cold()), RESULTS_SUBMITTED, "state");
        equal(lockedOf(JC) + lockedOf(RP), 1900, "nothing moves");
    }

    function test_5_5_timeout_submit() public {
        open(hot(1), cold());
        timeout(hot(1), cold(), nothing);
        equal(stateOf(hot(1), cold()), TIMEOUT_SUBMIT, "state");
        changed(30, -30, 0, 0, 0, 0);
    }

    function test_5_5_declined() public {
        open(hot(1), cold());
        decline(hot(1), cold());
        equal(stateOf(hot(1), cold()), DECLINED, "state");
        changed(30, -30, 0, 0, 0, 0);
    }

    function test_5_6_accepted() public {
        open(hot(1), cold());
        submit(hot(1), cold());
        accept(hot(1), cold());
        equal(stateOf(hot(1), cold()), RESULTS_ACCEPTED, "state");
        changed(-450, 450 - 22 - 13, 13, 22, 0, 0);
    }

    function test_5_6_accepted_from_agreed() public {
        open(hot(1), cold());
        acceptWith(hot(1), cold(), outcome());
        equal(stateOf(hot(1), cold()), RESULTS_ACCEPTED, "state");
        changed(-450, 415, 13, 22, 0, 0);
    }

    function test_5_6_of_two_signed_results_the_accepted_one_counts() public {
        open(hot(1), cold());
        submit(hot(1), cold());
        Outcome memory other = outcome();
        other.count = 50;
        acceptWith(hot(1), cold(), other);
        changed(-300, 300 - 15 - 9, 9, 15, 0, 0);
    }

    function test_5_6_a_share_of_nobody_is_the_providers() public {
        Hot memory h = hot(1);
        (h.author, h.solver) = (address(0), address(0));
        open(h, cold());
        submit(h, cold());
        accept(h, cold());
        changed(-450, 450, 0, 0, 0, 0);
    }

    function test_5_6_in_the_transaction_that_opens_it() public {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        ledger.openAndAccept(
            pack(h, cold()),
            signature(JC, id),
            outcome(),
            signature(RP, named),
            signature(JC, Documents.acceptance(id, named))
        );
        changed(-450, 415, 13, 22, 0, 0);
        equal(stateOf(h, cold()), 0, "no record is kept");
        equal(annex.nonces(vm.addr(JC), 0), 2, "but its bit");
        refused(abi.encodeWithSelector(Nonce.selector, 1));
        this.openIt(h, cold());
    }

    function test_5_7_timeout_judge() public {
        open(hot(1), cold());
        submit(hot(1), cold());
        timeout(hot(1), cold(), shownResult(hot(1), cold(), outcome()));
        equal(stateOf(hot(1), cold()), TIMEOUT_JUDGE, "state");
        changed(-470, 435, 13, 22, 0, 0);
    }

    function disputed() internal returns (Hot memory h) {
        h = hot(1);
        open(h, cold());
        submit(h, cold());
        check(h, cold());
        equal(stateOf(h, cold()), RESULTS_CHECKED, "state");
    }

    function test_5_10_mediation_accepted() public {
        Hot memory h = disputed();
        rule(h, cold(), RULING_RESULT_CORRECT);
        equal(stateOf(h, cold()), MEDIATION_ACCEPTED, "state");
        changed(-950, 515, 13, 22, 10, 390);
    }

    function test_5_11_job_faulty() public {
        Hot memory h = disputed();
        rule(h, cold(), RULING_JOB_FAULTY);
        equal(stateOf(h, cold()), MEDIATION_JOB_FAULTY, "state");
        changed(-500, 100, 0, 0, 10, 390);
    }

    function test_5_12_mediation_rejected() public {
        for (uint8 r = 2; r <= 5; ++r) {
            uint256 snapshot = vm.snapshotState();
            Hot memory h = disputed();
            rule(h, cold(), r);
            equal(stateOf(h, cold()), MEDIATION_REJECTED, "state");
            changed(100, -400, 0, 0, 10, 290);
            vm.revertToState(snapshot);
        }
    }

    function test_5_13_timeout_mediate() public {
        Hot memory h = disputed();
        timeout(h, cold(), shownCheck(h, cold()));
        equal(stateOf(h, cold()), TIMEOUT_MEDIATE, "state");
        changed(-225, 225, 0, 0, 0, 0);
    }

    function test_5_13_passed() public {
        Hot memory h = disputed();
        pass(h, cold());
        equal(stateOf(h, cold()), TIMEOUT_MEDIATE, "state");
        changed(-225, 225, 0, 0, 0, 0);
    }

    function test_5_cost_saturates_at_pay() public {
        Hot memory h = hot(1);
        (h.perInstruction, h.instructionLimit) = (type(uint96).max, type(uint64).max);
        Outcome memory o = outcome();
        o.count = type(uint64).max;
        open(h, cold());
        acceptWith(h, cold(), o);
        changed(-1000, 1000 - 50 - 30, 30, 50, 0, 0);
    }

    /// @notice 4.3: repeated with the same documents: no effect, no error.
    function test_4_3_repetitions() public {
        Hot memory h = hot(1);
        agree(JC, h, cold());
        agree(JC, h, cold());
        open(h, cold());
        agree(JC, h, cold());
        agree(RP, h, cold());
        open(h, cold());
        submit(h, cold());
        submit(h, cold());
        open(h, cold());
        equal(stateOf(h, cold()), RESULTS_SUBMITTED, "state");
        check(h, cold());
        check(h, cold());
        rule(h, cold(), RULING_RESULT_CORRECT);
        rule(h, cold(), RULING_RESULT_CORRECT);
        open(h, cold());
        changed(-950, 515, 13, 22, 10, 390);
    }

    function test_4_3_repetitions_of_ends() public {
        open(hot(1), cold());
        decline(hot(1), cold());
        decline(hot(1), cold());
        open(hot(2), cold());
        cancel(hot(2), cold());
        cancel(hot(2), cold());
        open(hot(3), cold());
        acceptWith(hot(3), cold(), outcome());
        acceptWith(hot(3), cold(), outcome());
        accept(hot(3), cold());
        submit(hot(3), cold());
        changed(-420, 385, 13, 22, 0, 0);
    }

    function test_4_3_repetitions_of_timeouts() public {
        open(hot(1), cold());
        timeout(hot(1), cold(), nothing);
        ledger.timeout(packHot(hot(1)), coldHash(cold()), nothing);
        changed(30, -30, 0, 0, 0, 0);
    }

    /// @notice 1.1, 2.0.4: the empty signature of who sends.
    function test_2_0_4_a_party_signs_by_sending() public {
        Hot memory h = hot(1);
        bytes memory sig = signature(JC, idOf(h, cold()));
        vm.prank(vm.addr(RP));
        ledger.open(pack(h, cold()), sig, "");
        vm.prank(vm.addr(RP));
        ledger.submit(packHot(h), coldHash(cold()), outcome(), "");
        Shown memory w = shownResult(h, cold(), outcome());
        refused(abi.encodeWithSelector(Signature.selector, vm.addr(JC)));
        ledger.accept(packHot(h), coldHash(cold()), w.result, w.cost, "");
        vm.prank(vm.addr(JC));
        ledger.accept(packHot(h), coldHash(cold()), w.result, w.cost, "");
        changed(-450, 415, 13, 22, 0, 0);
    }

    /// @notice 8.3: one transaction may carry several rows.
    function test_multicall() public {
        Hot memory h = hot(1);
        bytes32 id = idOf(h, cold());
        bytes32 named = resultOf(id, outcome());
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(ledger.open, (pack(h, cold()), signature(JC, id), signature(RP, id)));
        calls[1] = abi.encodeCall(ledger.submit, (packHot(h), coldHash(cold()), outcome(), signature(RP, named)));
        calls[2] = abi.encodeCall(annex.cancelNonce, (7));
        ledger.multicall(calls);
        equal(stateOf(h, cold()), RESULTS_SUBMITTED, "state");
        equal(annex.nonces(address(this), 0), 1 << 7, "Annex runs as well");
        refused(abi.encodeWithSelector(Nonce.selector, 7));
        ledger.multicall(calls);
    }

    function openIt(Hot memory h, Cold memory c) external {
        open(h, c);
    }
}

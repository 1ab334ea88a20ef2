// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./Types.sol";

/// @notice Who gets what when a deal is final. What goes back to where it was locked from is kept apart from what is
/// earned: in a channel the first returns to a sum, the second goes to `free` (protocol 8.3).
struct Split {
    uint256 jcBack;
    uint256 jcEarns;
    uint256 rpBack;
    uint256 rpEarns;
    uint256 author;
    uint256 solver;
    uint256 mediator;
    uint256 sink;
    uint256 paid;
}

/// @title What moves (protocol 5, rows 5.2 to 5.13), to be read beside the text
/// @notice Each row divides all that is locked for the deal. Amounts are below 2^96, and their sums far below 2^256.
library Rows {
    /// @notice COST (protocol 5): base + price * count + byte price * bytes, at most PAY.
    function cost(Hot memory h, uint256 count, uint256 size) internal pure returns (uint96) {
        unchecked {
            uint256 c = uint256(h.base) + uint256(h.perInstruction) * count + uint256(h.perByte) * size;
            return c < h.pay ? uint96(c) : h.pay;
        }
    }

    /// @notice ROY and SOL per mille of COST, each rounded down; RP gets the remainder, and the share of nobody.
    function _payCost(Hot memory h, uint256 c, Split memory s) private pure {
        unchecked {
            if (h.author != address(0)) s.author = c * h.royalty / 1000;
            if (h.solver != address(0)) s.solver = c * h.solverShare / 1000;
            s.rpEarns += c - s.author - s.solver;
            s.jcBack -= c;
            s.paid = c;
        }
    }

    /// @notice What the row of the final state `to` gives to whom.
    /// @param c COST of the result; 0 while there is none
    /// @param rpLocked RP has agreed, so that RB is locked
    function split(Hot memory h, uint256 to, uint256 c, bool rpLocked) internal pure returns (Split memory s) {
        unchecked {
            s.jcBack = uint256(h.pay) + h.jobBond;
            if (rpLocked) s.rpBack = h.resultBond;
            if (to == TIMEOUT_SUBMIT || to == DECLINED) {
                // 5.5: JC: PAY + JB + Cs; RP: RB - Cs.
                s.jcEarns = h.lateSubmit;
                s.rpBack -= h.lateSubmit;
            } else if (to == RESULTS_ACCEPTED) {
                // 5.6: COST to RP, author, solver; RP: RB; JC: PAY - COST + JB.
                _payCost(h, c, s);
            } else if (to == TIMEOUT_JUDGE) {
                // 5.7: as 5.6, and Cj of JB goes to RP.
                _payCost(h, c, s);
                s.rpEarns += h.lateJudge;
                s.jcBack -= h.lateJudge;
            } else if (to == MEDIATION_ACCEPTED || to == MEDIATION_JOB_FAULTY) {
                // 5.10, 5.11: JB: fees, D to RP, rest to the sink; COST only where RP was right.
                if (to == MEDIATION_ACCEPTED) _payCost(h, c, s);
                s.jcBack -= h.jobBond;
                s.rpEarns += h.damages;
                s.mediator = h.fee;
                s.sink = uint256(h.jobBond) - h.damages - h.fee;
            } else if (to == MEDIATION_REJECTED) {
                // 5.12: JC: PAY + JB; RB: fees, D to JC, rest to the sink.
                s.rpBack = 0;
                s.jcEarns = h.damages;
                s.mediator = h.fee;
                s.sink = uint256(h.resultBond) - h.damages - h.fee;
            } else if (to == TIMEOUT_MEDIATE) {
                // 5.13: half of COST to RP, rest of PAY to JC; bonds back: a single mediator that let the clock run
                // out, or passed, has revealed no vote.
                s.paid = c / 2;
                s.rpEarns = s.paid;
                s.jcBack -= s.paid;
            }
            // 5.2, 5.3: all locks back.
        }
    }
}

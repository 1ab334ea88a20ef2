// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./Types.sol";

/// @title How disputes are decided (protocol 6.6)
/// @notice Replaceable behind these three questions; the deal names the kind that it uses. A kind is part of the
/// ledger that offers it, since a call to another contract would cost every deal some 4 000 gas. A mediator may itself
/// be a contract: it rules by sending, or by ERC-1271, so that any procedure can stand behind one name.
abstract contract Mediation {
    /// @notice State: this kind is not offered here.
    function _offered(uint8 kind) internal pure virtual;

    /// @notice Protocol 5.14: the mediators of a deal that is being opened. Panel, unless they fit.
    function _mediatorsFit(Hot memory h, Rest memory c) internal pure virtual;

    /// @notice Who may rule, from when a check is recorded.
    function _seat(Rest memory c) internal pure virtual returns (address);

    /// @notice The final state that a ruling leads to. Range: no ruling of this kind of mediation.
    function _ruled(uint8 round, uint8 ruling) internal pure virtual returns (uint8);
}

/// @title One mediator that both sides trust (protocol 6.6)
/// @notice m = 1, a = 0, one name; its verdict or its pass ends the dispute at once, its silence at the mediate timeout.
abstract contract SingleMediator is Mediation {
    function _offered(uint8 kind) internal pure override {
        if (kind > MEDIATION_CONSORTIUM) revert Range(kind);
        if (kind == MEDIATION_CONSORTIUM) revert State(0);
    }

    function _mediatorsFit(Hot memory h, Rest memory c) internal pure override {
        uint256 want = h.mediation == MEDIATION_SINGLE ? 1 : 0;
        if (c.named != want) revert Panel(c.named);
        if (want == 0) return;
        if (h.seats != 1 || h.appeal != 0) revert Panel(h.seats);
        address m = c.mediator;
        if (m == address(0) || m == h.jobCreator || m == h.provider || m == h.solver) revert Panel(uint160(m));
    }

    function _seat(Rest memory c) internal pure override returns (address) {
        return c.mediator;
    }

    function _ruled(uint8 round, uint8 ruling) internal pure override returns (uint8) {
        if (round != 0) revert Range(round);
        if (ruling == RULING_CANNOT_RULE) revert Range(ruling);
        if (ruling == RULING_RESULT_CORRECT) return MEDIATION_ACCEPTED;
        return ruling == RULING_JOB_FAULTY ? MEDIATION_JOB_FAULTY : MEDIATION_REJECTED;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "./Documents.sol";
import {SingleMediator} from "./Mediation.sol";
import {Packed} from "./Packed.sol";
import {Payments} from "./Payments.sol";
import {Rows, Split} from "./Rows.sol";
import "./Types.sol";

/// @title Deals on the ledger (protocol 4, 5)
/// @notice A deal is one word, kept by its id: state, deadline, and a mark. The mark is a hash, cut to 200 bits, of
/// what later steps must show again (see Shown): of {result, cost} once there is a result, with {check, mediator} once
/// it is checked, of the document that ended it where that was a Cancel, a Decline, a Verdict or a Pass.
abstract contract Deals is Payments, SingleMediator {
    /// @dev A deal in the course of one transaction.
    struct Step {
        bytes32 id;
        uint256 state;
        bool rpAgreed;
        bool fresh; // opened in this transaction: if it ends in it too, its bit is all that stays (8.4)
        uint256 deadline;
        bytes32 mark; // what is below the mark is not looked at
    }

    bytes32 internal constant MARK = bytes32(~uint256((1 << 56) - 1));

    /// @dev bits 0-7 state, 8 RP has agreed, 16-55 deadline, 56-255 mark
    mapping(bytes32 => bytes32) internal _deals;

    /// @notice A deal was opened (5.1).
    /// @param step bits 8-15 the state, 16-55 its deadline, 64-127 nonce, or number in its channel
    event Opened(bytes32 indexed deal, address indexed jobCreator, address indexed provider, uint256 step);
    /// @notice A deal moved to a state that no other event tells.
    /// @param step bits 0-7 the state before, 8-15 the state, 16-55 its deadline (0: final), 64-159 what was paid of COST
    event Moved(bytes32 indexed deal, uint256 step);
    /// @notice The deal is ResultsSubmitted (5.4).
    /// @param outcome bits 0-7 status, 8-71 count, 72-135 bytes, 136-231 COST
    event Submitted(bytes32 indexed deal, bytes32 result, uint256 outcome);
    /// @notice The deal is ResultsAccepted, by a result that came along (5.6); `outcome` as in Submitted.
    event Accepted(bytes32 indexed deal, bytes32 result, uint256 outcome);
    /// @notice A dispute is open: the deal is ResultsChecked (5.8); `check` is the struct hash of the Check.
    event Checked(bytes32 indexed deal, address indexed mediator, bytes32 check);
    /// @notice The same by `claim and check` (8.3), with the result that is disputed; `outcome` as in Submitted.
    event ClaimChecked(
        bytes32 indexed deal,
        address indexed mediator,
        bytes32 check,
        bytes32 result,
        uint256 outcome
    );
    /// @notice A deal was claimed, checked and ruled on at once (8.3, 6.6); `outcome` as in Submitted, `step` as in Moved.
    event ClaimRuled(
        bytes32 indexed deal,
        address indexed mediator,
        bytes32 result,
        uint256 outcome,
        uint256 step
    );

    // ---- the record -----------------------------------------------------------------------------------------

    /// @dev Memory is passed down and filled: what a function returns would be cleared first, at each call.
    function _load(bytes32 id, Step memory s) internal view {
        uint256 word = uint256(_deals[id]);
        s.id = id;
        s.state = word & 0xff;
        s.rpAgreed = word >> 8 & 1 != 0;
        s.deadline = word >> 16 & type(uint40).max;
        s.mark = bytes32(word);
    }

    function _store(Step memory s) internal {
        if (s.fresh && s.state > RESULTS_CHECKED) return;
        _deals[s.id] = s.mark & MARK | bytes32(s.deadline << 16 | (s.rpAgreed ? 1 << 8 : 0) | s.state);
    }

    /// @dev A deal of which the Hot is shown.
    function _shown(bytes32[9] calldata hot, bytes32 cold, Hot memory h, Step memory s) internal view {
        Packed.hot(hot, h);
        _load(Documents.deal(Documents.hash(h), cold), s);
    }

    /// @dev The same. NotFound: it is not on the ledger.
    function _found(bytes32[9] calldata hot, bytes32 cold, Hot memory h, Step memory s) internal view {
        _shown(hot, cold, h, s);
        if (s.state == 0) revert NotFound(s.id);
    }

    function _hash2(bytes32 a, bytes32 b) internal pure returns (bytes32 r) {
        assembly ("memory-safe") {
            mstore(0, a)
            mstore(32, b)
            r := keccak256(0, 64)
        }
    }

    function _resultMark(bytes32 result, uint96 cost) internal pure returns (bytes32) {
        return _hash2(result, bytes32(uint256(cost)));
    }

    function _markOf(Shown memory w) internal pure returns (bytes32 m) {
        if (w.result == 0) return 0;
        m = _resultMark(w.result, w.cost);
        if (w.check != 0) m = _hash2(m, _hash2(w.check, bytes32(uint256(uint160(w.mediator)))));
    }

    function _marked(Step memory s, bytes32 full) internal pure returns (bool) {
        return (s.mark ^ full) & MARK == 0;
    }

    // ---- moves ----------------------------------------------------------------------------------------------

    /// @dev The deal's next state and its clock.
    function _move(Step memory s, uint256 to, uint256 timeout) internal view {
        s.state = to;
        unchecked {
            s.deadline = block.timestamp + timeout;
        }
    }

    /// @dev The deal's final state, which pays out the locks.
    function _finish(Step memory s, Hot memory h, uint256 to, uint256 cost, address mediator) internal {
        emit Moved(s.id, _pay(s, h, to, cost, mediator));
    }

    /// @return step what Moved tells of it
    function _pay(Step memory s, Hot memory h, uint256 to, uint256 cost, address mediator)
        internal
        returns (uint256 step)
    {
        step = to << 8 | s.state;
        (s.state, s.deadline) = (to, 0);
        step |= _settle(s, h, to, cost, mediator) << 64;
    }

    /// @dev The same of a result that comes along.
    function _finishWith(Step memory s, Hot memory h, Outcome calldata o, bytes32 named) internal {
        uint96 cost = _take(s, h, o, named);
        (s.state, s.deadline) = (RESULTS_ACCEPTED, 0);
        _settle(s, h, RESULTS_ACCEPTED, cost, address(0));
        emit Accepted(s.id, named, _told(o, cost));
    }

    function _settle(Step memory s, Hot memory h, uint256 to, uint256 cost, address mediator)
        private
        returns (uint256 paid)
    {
        Split memory p = Rows.split(h, to, cost, s.rpAgreed);
        if (h.channel == 0) {
            _release(h.jobCreator, uint256(h.pay) + h.jobBond, p.jcBack + p.jcEarns);
            if (s.rpAgreed) _release(h.provider, h.resultBond, p.rpBack + p.rpEarns);
        } else {
            _return(h, p.jcBack, p.rpBack);
            _credit(h.jobCreator, p.jcEarns);
            _credit(h.provider, p.rpEarns);
        }
        if (p.author != 0) _credit(h.author, p.author);
        if (p.solver != 0) _credit(h.solver, p.solver);
        if (p.mediator != 0) _credit(mediator, p.mediator);
        _credit(address(0), p.sink);
        return p.paid;
    }

    /// @dev Locks go back to the sums of the channel that they came from.
    function _return(Hot memory h, uint256 jc, uint256 rp) internal virtual;

    // ---- 5.14 -----------------------------------------------------------------------------------------------

    /// @dev A deal that is shown in full: bounds of its enumerations, and what is offered.
    function _read(bytes calldata full, Hot memory h, Rest memory c, Step memory s) internal view {
        Packed.hot(full, h);
        Packed.rest(full, c);
        if (c.determinism > DETERMINISM_LAST) revert Range(c.determinism);
        _offered(h.mediation);
        _load(Documents.deal(Documents.hash(h), c.hash), s);
    }

    /// @dev The same of a deal whose settlement is `escrow`.
    function _readEscrow(bytes calldata full, Hot memory h, Rest memory c, Step memory s) internal view {
        _read(full, h, c, s);
        if (h.channel != 0) revert State(0);
    }

    function _bondsFit(Hot memory h) private pure {
        unchecked {
            if (h.jobBond < h.lateJudge) revert Bonds(h.jobBond, h.lateJudge);
            if (h.resultBond < h.lateSubmit) revert Bonds(h.resultBond, h.lateSubmit);
            if (h.seats == 0) return;
            uint256 votes = h.appeal == 0 ? uint256(h.seats) : 3 * uint256(h.seats) + 1;
            uint256 dispute = votes * h.fee + h.damages;
            if (h.jobBond < dispute) revert Bonds(h.jobBond, dispute);
            if (h.resultBond < dispute) revert Bonds(h.resultBond, dispute);
        }
    }

    function _clocksFit(Hot memory h) private view {
        uint256 min = _minTimeout;
        if (h.agreeTimeout < min) revert Clocks(h.agreeTimeout, min);
        if (h.submitTimeout < min) revert Clocks(h.submitTimeout, min);
        if (h.judgeTimeout < min) revert Clocks(h.judgeTimeout, min);
        if (h.mediateTimeout < min) revert Clocks(h.mediateTimeout, min);
        unchecked {
            uint256 sum = uint256(h.agreeTimeout) + h.submitTimeout + 2 * uint256(h.judgeTimeout)
                + (h.appeal == 0 ? 6 : 8) * uint256(h.mediateTimeout);
            if (sum > _life) revert Clocks(sum, _life);
        }
    }

    /// @dev Protocol 5.14 in the order of its text; takes the nonce, or the number, for good.
    /// @param openBy from then on it is too late
    function _admit(Hot memory h, Rest memory c, uint256 openBy, bytes32 owner) internal {
        if (h.seats != 0 && h.seats % 2 == 0) revert Panel(h.seats);
        if ((h.seats == 0) != (c.determinism == DETERMINISM_NONE)) revert Panel(c.determinism);
        if ((h.seats == 0) != (h.mediation == MEDIATION_NONE)) revert Panel(h.mediation);
        if (h.seats == 0 && h.appeal != 0) revert Panel(h.appeal);
        _bondsFit(h);
        uint256 shares = uint256(h.royalty) + h.solverShare;
        if (shares > 1000) revert Shares(shares);
        _clocksFit(h);
        if (block.timestamp >= openBy) revert TooLate(openBy);
        _use(owner, h.nonce);
        if (h.jobCreator == h.provider) revert Party(h.provider);
        _mediatorsFit(h, c);
    }

    // ---- 5.1 ------------------------------------------------------------------------------------------------

    /// @dev Opened at `state`: the event, and the clock.
    function _born(Step memory s, Hot memory h, uint256 state, uint256 timeout) internal {
        s.fresh = true;
        s.state = state;
        unchecked {
            s.deadline = block.timestamp + timeout;
        }
        emit Opened(s.id, h.jobCreator, h.provider, uint256(h.nonce) << 64 | s.deadline << 16 | state << 8);
    }

    function _escrow(Hot memory h, Rest memory c) private {
        _takesNew();
        _admit(h, c, h.openBy, bytes32(uint256(uint160(h.jobCreator))));
    }

    function _jcCovers(Hot memory h) private view {
        unchecked {
            _covers(h.jobCreator, uint256(h.pay) + h.jobBond);
        }
    }

    function _lockBoth(Step memory s, Hot memory h, Rest memory c) internal {
        if (s.state != 0) return _rpLocks(s, h);
        Account storage jc = _accounts[h.jobCreator];
        Account storage rp = _accounts[h.provider];
        unchecked {
            uint256 job = uint256(h.pay) + h.jobBond;
            (uint256 free, uint256 locked) = (jc.free, jc.locked);
            if (free < job) revert Funds(h.jobCreator, free, job);
            (uint256 rpFree, uint256 rpLocked) = (rp.free, rp.locked);
            if (rpFree < h.resultBond) revert Funds(h.provider, rpFree, h.resultBond);
            _escrow(h, c);
            // They are two accounts, as 5.14 asks.
            (jc.free, jc.locked) = (uint96(free - job), uint96(locked + job));
            (rp.free, rp.locked) = (uint96(rpFree - h.resultBond), uint96(rpLocked + h.resultBond));
        }
        s.rpAgreed = true;
        _born(s, h, AGREED, h.submitTimeout);
    }

    function _rpLocks(Step memory s, Hot memory h) private {
        if (block.timestamp >= s.deadline) revert TooLate(s.deadline);
        _lock(h.provider, h.resultBond);
        s.rpAgreed = true;
        _move(s, AGREED, h.submitTimeout);
        emit Moved(s.id, s.deadline << 16 | uint256(AGREED) << 8 | NEGOTIATING);
    }

    /// @dev `agree` by the JC, which comes first: nobody else can take the key (JC, nonce).
    function _jcAgrees(Step memory s, Hot memory h, Rest memory c) private {
        _jcCovers(h);
        _escrow(h, c);
        unchecked {
            _lock(h.jobCreator, uint256(h.pay) + h.jobBond);
            // 5.2: from the agree timeout, or from openBy if that is earlier.
            uint256 left = h.openBy - block.timestamp;
            _born(s, h, NEGOTIATING, left < h.agreeTimeout ? left : h.agreeTimeout);
        }
        _store(s);
    }

    /// @dev Has `who` agreed to this deal before? Then nothing happens (4.3).
    function _agreedBefore(Step memory s, Hot memory h, address who) internal pure returns (bool) {
        return s.state != 0 && (who == h.jobCreator || (who == h.provider && s.rpAgreed));
    }

    /// @dev `agree` that `who` sends.
    function _agree(Step memory s, Hot memory h, Rest memory c, address who) internal {
        if (_agreedBefore(s, h, who)) return;
        if (s.state > NEGOTIATING) revert State(s.state);
        if (who == h.jobCreator) return _jcAgrees(s, h, c);
        if (who != h.provider) revert Party(who);
        if (s.state == 0) revert State(0);
        _rpLocks(s, h);
        _store(s);
    }

    /// @dev `agree` by the provider, for which the Cold need not be shown again.
    function _join(Step memory s, Hot memory h, address who) internal {
        if (_agreedBefore(s, h, who)) return;
        if (s.state > NEGOTIATING) revert State(s.state);
        if (who != h.provider) revert Party(who);
        if (s.state == 0) revert State(0);
        _rpLocks(s, h);
        _store(s);
    }

    // ---- 5.4, 5.6, 5.8 --------------------------------------------------------------------------------------

    function _before(Step memory s) internal view {
        if (block.timestamp >= s.deadline) revert TooLate(s.deadline);
    }

    function _withinLimits(Hot memory h, Outcome calldata o) internal pure {
        if (o.count > h.instructionLimit) revert Limits(o.count, h.instructionLimit);
        if (o.size > h.byteLimit) revert Limits(o.size, h.byteLimit);
    }

    function _statusKnown(Outcome calldata o) internal pure {
        if (o.status == 0 || o.status > STATUS_LAST) revert Range(o.status);
    }

    function _rulingKnown(uint8 ruling) internal pure {
        if (ruling == 0 || ruling > RULING_CANNOT_RULE) revert Range(ruling);
    }

    /// @dev The result counts: its mark.
    function _take(Step memory s, Hot memory h, Outcome calldata o, bytes32 named) internal pure returns (uint96 cost) {
        cost = Rows.cost(h, o.count, o.size);
        s.mark = _resultMark(named, cost);
    }

    /// @dev What events tell of a result.
    function _told(Outcome calldata o, uint96 cost) internal pure returns (uint256) {
        return uint256(cost) << 136 | uint256(o.size) << 72 | uint256(o.count) << 8 | o.status;
    }

    /// @dev → ResultsSubmitted (5.4).
    function _submitted(Step memory s, Hot memory h, Outcome calldata o, bytes32 named) internal {
        uint96 cost = _take(s, h, o, named);
        _move(s, RESULTS_SUBMITTED, h.judgeTimeout);
        emit Submitted(s.id, named, _told(o, cost));
    }

    /// @dev What the JC signs to accept: in a channel it carries the deal's terms as well (2.6).
    function _acceptance(bytes32 id, Hot memory h, bytes32 named, uint96 cost) internal pure returns (bytes32) {
        if (h.channel == 0) return Documents.acceptance(id, named);
        return Documents.hash(
            Terms(id, named, h.channel, h.nonce, cost, h.royalty, h.author, h.solverShare, h.solver)
        );
    }

    /// @dev The dispute ends.
    function _end(Step memory s, Hot memory h, Shown memory w, bytes32 doc, uint256 to) internal {
        s.mark = _hash2(_markOf(w), doc);
        _finish(s, h, to, w.cost, w.mediator);
    }

    function _endedBy(Step memory s, Shown memory w, bytes32 doc) internal pure returns (bool) {
        return s.state > RESULTS_CHECKED && _marked(s, _hash2(_markOf(w), doc));
    }

    /// @dev What a verdict and a pass have in common.
    function _mediated(Step memory s, Shown memory w, address who, bytes32 doc, bytes calldata sig) internal view {
        if (s.state != RESULTS_CHECKED) revert State(s.state);
        bytes32 m = _markOf(w);
        if (!_marked(s, m)) revert Conflict(m);
        if (who != w.mediator) revert Party(who);
        _signed(doc, sig, who);
        _before(s);
    }
}

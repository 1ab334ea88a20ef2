// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Annex} from "./Annex.sol";
import {Channels} from "./Channels.sol";
import {Documents} from "./Documents.sol";
import {Packed} from "./Packed.sol";
import {Constants, Payments} from "./Payments.sol";
import {Rows} from "./Rows.sol";
import "./Types.sol";

/// @title The ledger on an EVM chain (protocol 8.2)
/// @notice The gateway to deals, payments, channels and mediation. Anyone may carry a signed document here; what counts
/// is who signed it. Where a party itself must send, it is msg.sender, or the signer of a Send. An empty signature
/// stands for that of msg.sender. A repetition of what has had its effect changes nothing and is no error (4.3). The
/// first failing clause is the error, in the order of protocol 4.3. Deals come packed (see Hot and Cold): `full` is a
/// Hot and its Cold, `hot` a Hot alone, beside which `cold` is the struct hash of the Cold.
contract Controller is Channels {
    address private immutable ANNEX;

    constructor(IERC20 token, Constants memory c) Payments(token, c) {
        ANNEX = address(new Annex(token, c));
    }

    /// @notice Whatever is not here is in Annex, and runs in this contract's storage.
    fallback() external {
        address annex = ANNEX;
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            let ok := delegatecall(gas(), annex, p, calldatasize(), 0, 0)
            returndatacopy(p, 0, returndatasize())
            if ok { return(p, returndatasize()) }
            revert(p, returndatasize())
        }
    }

    // ---- 5.1 ------------------------------------------------------------------------------------------------

    /// @notice Protocol 5.1: opens a deal that both have signed; anyone may send it, also where the JC has agreed
    /// already, whose lock stands then.
    /// @param jcSig of the Deal
    /// @param rpSig of the Deal
    function open(bytes calldata full, bytes calldata jcSig, bytes calldata rpSig) external {
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _readEscrow(full, h, c, s);
        if (s.rpAgreed) return;
        if (s.state > NEGOTIATING) revert State(s.state);
        _signed(s.id, jcSig, h.jobCreator);
        _signed(s.id, rpSig, h.provider);
        _lockBoth(s, h, c);
        _store(s);
    }

    /// @notice Protocol 5.1: the sender's own agreement, the JC's first.
    function agree(bytes calldata full) external {
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _readEscrow(full, h, c, s);
        _agree(s, h, c, msg.sender);
    }

    /// @notice The same for the provider, whom the JC has preceded: the hash of the Cold is enough.
    function join(bytes32[9] calldata hot, bytes32 cold) external {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _shown(hot, cold, h, s);
        _join(s, h, msg.sender);
    }

    /// @notice Protocol 8.4: 5.1 and 5.6 in one transaction, of which one bit is kept.
    /// @param jcSig of the Deal
    /// @param rpSig of the Result, which stands for that of the Deal (2.5)
    /// @param acceptSig the JC's, of the Acceptance
    function openAndAccept(
        bytes calldata full,
        bytes calldata jcSig,
        Outcome calldata o,
        bytes calldata rpSig,
        bytes calldata acceptSig
    ) external {
        _statusKnown(o);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _readEscrow(full, h, c, s);
        if (s.state != 0) revert State(s.state);
        bytes32 named = Documents.result(s.id, o);
        _signed(s.id, jcSig, h.jobCreator);
        _signed(named, rpSig, h.provider);
        _lockBoth(s, h, c);
        _signed(Documents.acceptance(s.id, named), acceptSig, h.jobCreator);
        _withinLimits(h, o);
        _finishWith(s, h, o, named);
    }

    // ---- 5.3, 5.5 -------------------------------------------------------------------------------------------

    /// @notice Protocol 5.3: both want the deal undone, before a result.
    function cancel(bytes32[9] calldata hot, bytes32 cold, uint40 expiry, bytes calldata jcSig, bytes calldata rpSig)
        external
    {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 doc = Documents.cancel(s.id, expiry);
        if (s.state == CANCELLED && _marked(s, doc)) return;
        if (s.state > AGREED) revert State(s.state);
        _signed(doc, jcSig, h.jobCreator);
        _signed(doc, rpSig, h.provider);
        if (block.timestamp >= expiry) revert TooLate(expiry);
        s.mark = doc;
        _finish(s, h, CANCELLED, 0, address(0));
        _store(s);
    }

    /// @notice Protocol 5.5: RP ends the deal without a result, and pays the late fine.
    function decline(bytes32[9] calldata hot, bytes32 cold, uint8 reason, bytes calldata sig) external {
        if (reason == 0 || reason > REASON_LAST) revert Range(reason);
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 doc = Documents.decline(s.id, reason);
        if (s.state == DECLINED && _marked(s, doc)) return;
        if (s.state != AGREED) revert State(s.state);
        _signed(doc, sig, h.provider);
        _before(s);
        s.mark = doc;
        _finish(s, h, DECLINED, 0, address(0));
        _store(s);
    }

    // ---- 5.4, 5.6 -------------------------------------------------------------------------------------------

    /// @notice Protocol 5.4: RP's result.
    function submit(bytes32[9] calldata hot, bytes32 cold, Outcome calldata o, bytes calldata sig) external {
        _statusKnown(o);
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 named = Documents.result(s.id, o);
        if (_marked(s, _resultMark(named, Rows.cost(h, o.count, o.size)))) return;
        if (s.state != AGREED) revert State(s.state);
        _signed(named, sig, h.provider);
        _before(s);
        _withinLimits(h, o);
        _submitted(s, h, o, named);
        _store(s);
    }

    /// @notice Protocol 5.6: the JC accepts the result that was submitted.
    /// @param sig of the Acceptance; in a channel of the ChannelAcceptance
    function accept(bytes32[9] calldata hot, bytes32 cold, bytes32 named, uint96 cost, bytes calldata sig) external {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bool same = _marked(s, _resultMark(named, cost));
        if (s.state == RESULTS_ACCEPTED && same) return;
        if (s.state != AGREED && s.state != RESULTS_SUBMITTED) revert State(s.state);
        _signed(_acceptance(s.id, h, named, cost), sig, h.jobCreator);
        _before(s);
        if (!same) revert Result(named);
        _finish(s, h, RESULTS_ACCEPTED, cost, address(0));
        _store(s);
    }

    /// @notice Protocol 5.6 with 2.6: the result that the JC accepts comes along, signed by RP, whether or not one was
    /// submitted: a provider that signed two is held to the one that it gave the JC.
    function acceptWith(
        bytes32[9] calldata hot,
        bytes32 cold,
        Outcome calldata o,
        bytes calldata rpSig,
        bytes calldata jcSig
    ) external {
        _statusKnown(o);
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 named = Documents.result(s.id, o);
        uint96 cost = Rows.cost(h, o.count, o.size);
        bool same = _marked(s, _resultMark(named, cost));
        if (s.state == RESULTS_ACCEPTED && same) return;
        if (s.state != AGREED && s.state != RESULTS_SUBMITTED) revert State(s.state);
        _signed(_acceptance(s.id, h, named, cost), jcSig, h.jobCreator);
        _before(s);
        if (!same) {
            _signed(named, rpSig, h.provider);
            _withinLimits(h, o);
        }
        _finishWith(s, h, o, named);
        _store(s);
    }

    // ---- 5.8, 5.10 to 5.13 ----------------------------------------------------------------------------------

    /// @notice Protocol 5.8: the JC disputes the result that was submitted.
    /// @param named hash of that result
    /// @param cost COST of it
    function check(bytes calldata full, bytes32 named, uint96 cost, Claim calldata k, bytes calldata sig) external {
        _rulingKnown(k.claim);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        Packed.hot(full, h);
        Packed.rest(full, c);
        _load(Documents.deal(Documents.hash(h), c.hash), s);
        if (s.state == 0) revert NotFound(s.id);
        Shown memory w = Shown(named, cost, Documents.check(s.id, named, k), _seat(c));
        if (_marked(s, _markOf(w))) return;
        if (s.state != RESULTS_SUBMITTED) revert State(s.state);
        _signed(w.check, sig, h.jobCreator);
        if (h.seats == 0) revert Panel(0);
        _before(s);
        if (!_marked(s, _resultMark(named, cost))) revert Result(named);
        s.mark = _markOf(w);
        _move(s, RESULTS_CHECKED, h.mediateTimeout);
        emit Checked(s.id, w.mediator, w.check);
        _store(s);
    }

    /// @notice Protocol 5.10 to 5.12 with 6.6: the mediator's ruling ends the dispute.
    function rule(bytes32[9] calldata hot, bytes32 cold, Shown memory w, Ruling calldata v, bytes calldata sig) external {
        _rulingKnown(v.ruling);
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 doc = Documents.verdict(s.id, v);
        if (_endedBy(s, w, doc)) return;
        _mediated(s, w, v.mediator, doc, sig);
        _end(s, h, w, doc, _ruled(v.round, v.ruling));
        _store(s);
    }

    /// @notice Protocol 5.13 with 6.6: the mediator cannot rule, which ends the dispute as its silence would.
    function pass(bytes32[9] calldata hot, bytes32 cold, Shown memory w, uint8 round, address mediator, bytes calldata sig)
        external
    {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        bytes32 doc = Documents.pass(s.id, round, mediator);
        if (_endedBy(s, w, doc)) return;
        _mediated(s, w, mediator, doc, sig);
        if (round != 0) revert Range(round);
        _end(s, h, w, doc, TIMEOUT_MEDIATE);
        _store(s);
    }

    /// @notice Protocol 5.2, 5.5, 5.7, 5.13: whichever deadline of the deal has passed; anyone.
    /// @param w what the deal's state has; all zero before a result
    function timeout(bytes32[9] calldata hot, bytes32 cold, Shown memory w) external {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _found(hot, cold, h, s);
        uint256 to;
        if (s.state == NEGOTIATING) to = TIMEOUT_AGREE;
        else if (s.state == AGREED) to = TIMEOUT_SUBMIT;
        else if (s.state == RESULTS_SUBMITTED) to = TIMEOUT_JUDGE;
        else if (s.state == RESULTS_CHECKED) to = TIMEOUT_MEDIATE;
        else if (_timedOut(s.state)) return;
        else revert State(s.state);
        if (block.timestamp < s.deadline) revert TooEarly(s.deadline);
        bytes32 m = _markOf(w);
        if (!_marked(s, m)) revert Conflict(m);
        _finish(s, h, to, w.cost, address(0));
        _store(s);
    }

    function _timedOut(uint256 state) private pure returns (bool) {
        return state == TIMEOUT_AGREE || state == TIMEOUT_SUBMIT || state == TIMEOUT_JUDGE || state == TIMEOUT_MEDIATE;
    }

    // ---- channels -------------------------------------------------------------------------------------------

    /// @notice Protocol 8.3: an acceptance that its provider sends settles a deal that is not on the ledger.
    /// @param item JC (20 bytes), serial (8), Terms, and the JC's signature of the ChannelAcceptance
    function settle(bytes calldata item) external {
        Terms memory a = Packed.newTerms()[0];
        (address jc, bytes32 doc) = _acceptanceAt(Packed.start(item, CHANNEL_BYTES + TERMS_BYTES), msg.sender, a);
        uint256 rest = _settleOne(a, jc);
        _signed(doc, item[CHANNEL_BYTES + TERMS_BYTES:], jc);
        _credit(msg.sender, rest);
    }

    /// @notice The same, carried by anyone: the body of the Send (kind 13) is the struct hash of the ChannelAcceptance.
    /// @param carried the Send's account (20 bytes), nonce (8), expiry (5) and signature (64), then as settle()
    function settleFor(bytes calldata carried) external {
        uint256 o = Packed.start(carried, SEND_BYTES + CHANNEL_BYTES + TERMS_BYTES);
        (address rp, uint64 nonce, uint40 expiry) = Packed.send(o);
        Terms memory a = Packed.newTerms()[0];
        (address jc, bytes32 doc) = _acceptanceAt(o + SEND_BYTES, rp, a);
        _sent(rp, SEND_SETTLE, doc, nonce, expiry, carried[33:SEND_BYTES]);
        uint256 rest = _settleOne(a, jc);
        _signed(doc, carried[SEND_BYTES + CHANNEL_BYTES + TERMS_BYTES:], jc);
        _credit(rp, rest);
    }

    /// @notice Protocol 8.3: many acceptances of channels of one provider, which sends them; bad items are skipped.
    /// @param list groups, one after the other: JC (20 bytes), serial (8), number of items (1), then each item: Terms and
    /// the JC's signature in 64 bytes (EIP-2098)
    function settleList(bytes calldata list) external {
        _credit(msg.sender, _settleList(list, msg.sender));
    }

    /// @notice The same, carried by anyone: the body of the Send (kind 13) is the Keccak-256 of the list.
    /// @param carried the Send's account (20 bytes), nonce (8), expiry (5) and signature (64), then the list
    function settleListFor(bytes calldata carried) external {
        (address rp, uint64 nonce, uint40 expiry) = Packed.send(Packed.start(carried, SEND_BYTES));
        bytes calldata list = carried[SEND_BYTES:];
        // Of a list only its bounds are refused, which come before the Send.
        uint256 rest = _settleList(list, rp);
        _sent(rp, SEND_SETTLE, keccak256(list), nonce, expiry, carried[33:SEND_BYTES]);
        _credit(rp, rest);
    }

    /// @notice Protocol 8.3: a cumulative voucher that its provider sends.
    /// @param voucher JC (20 bytes), serial (8), sum (12), number (8), claims (8), and the JC's signature of the Voucher
    function redeem(bytes calldata voucher) external {
        (address jc, bytes32 doc, uint256 pay) = _redeem(Packed.start(voucher, VOUCHER_BYTES), msg.sender);
        _signed(doc, voucher[VOUCHER_BYTES:], jc);
        _credit(msg.sender, pay);
    }

    /// @notice Protocol 8.3: JC claims and checks: 5.1, 5.4 and 5.8 in one, from the sums of the channel.
    /// @param rpSig of the Result, which stands for that of the Deal (2.5)
    /// @param checkSig the JC's, of the Check, which stands for that of the Deal
    function claimAndCheck(
        bytes calldata full,
        Channel calldata ch,
        Outcome calldata o,
        bytes calldata rpSig,
        Claim calldata k,
        bytes calldata checkSig
    ) external {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        Shown memory w;
        if (_claimChecked(h, s, w, full, ch, o, rpSig, k, checkSig)) return;
        emit ClaimChecked(s.id, w.mediator, w.check, w.result, _told(o, w.cost));
        _store(s);
    }

    /// @notice The same with the mediator's ruling: a whole dispute in one transaction (6.6), of which one bit is kept.
    function claimCheckAndRule(
        bytes calldata full,
        Channel calldata ch,
        Outcome calldata o,
        bytes calldata rpSig,
        Claim calldata k,
        bytes calldata checkSig,
        Ruling calldata v,
        bytes calldata verdictSig
    ) external {
        _rulingKnown(v.ruling);
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        Shown memory w;
        if (_claimChecked(h, s, w, full, ch, o, rpSig, k, checkSig)) revert State(s.state);
        bytes32 doc = Documents.verdict(s.id, v);
        _mediated(s, w, v.mediator, doc, verdictSig);
        uint256 step = _pay(s, h, _ruled(v.round, v.ruling), w.cost, w.mediator);
        emit ClaimRuled(s.id, w.mediator, w.result, _told(o, w.cost), step);
    }

    /// @return again the deal stands as this leaves it (4.3)
    function _claimChecked(
        Hot memory h,
        Step memory s,
        Shown memory w,
        bytes calldata full,
        Channel calldata ch,
        Outcome calldata o,
        bytes calldata rpSig,
        Claim calldata k,
        bytes calldata checkSig
    ) private returns (bool again) {
        _rulingKnown(k.claim);
        Rest memory c;
        w.result = _claimed(h, c, s, full, o);
        w.check = Documents.check(s.id, w.result, k);
        w.cost = Rows.cost(h, o.count, o.size);
        w.mediator = _seat(c);
        bytes32 mark = _markOf(w);
        if (s.state != 0 && _marked(s, mark)) return true;
        _notThere(s, h, ch);
        _signed(w.check, checkSig, h.jobCreator);
        _signed(w.result, rpSig, h.provider);
        if (h.seats == 0) revert Panel(0);
        _enterWith(s, h, c, ch, o);
        s.mark = mark;
        _move(s, RESULTS_CHECKED, h.mediateTimeout);
    }

    // ---- several in one transaction -------------------------------------------------------------------------

    /// @notice Several calls of the sender's in one transaction, all or nothing (8.3).
    function multicall(bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = address(this).delegatecall(calls[i]);
            if (!ok) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }
}

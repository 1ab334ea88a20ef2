// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Channels} from "./Channels.sol";
import {Documents} from "./Documents.sol";
import {Packed} from "./Packed.sol";
import {Constants, Payments} from "./Payments.sol";
import {Rows} from "./Rows.sol";
import "./Types.sol";

/// @title The rarer half of the Controller's code
/// @notice A contract has at most 24 576 bytes of code. What a deal needs in its usual course is in Controller itself;
/// the rest is here, and Controller runs it in its own storage. It is made by Controller's constructor, can never be
/// exchanged, and holds nothing. Call it through Controller only.
contract Annex is Channels {
    using SafeERC20 for IERC20;

    constructor(IERC20 token_, Constants memory c) Payments(token_, c) {}

    /// @notice Protocol 5.16: from `free` to `withdrawing`; adds to what is there and restarts the unbonding time.
    function requestWithdraw(uint96 amount) external {
        _requestWithdraw(msg.sender, amount);
    }

    /// @notice Protocol 5.16: to the payout address, after the unbonding time.
    function withdraw(uint96 amount) external {
        _withdraw(msg.sender, amount);
    }

    /// @notice Protocol 1.1: where withdrawals go, after the unbonding time.
    function setPayout(address to) external {
        _setPayout(msg.sender, to);
    }

    /// @notice Protocol 2.2: burns a nonce of the sender's, so that no job offer with it opens a deal.
    function cancelNonce(uint64 nonce) external {
        _cancelNonce(msg.sender, nonce);
    }

    /// @notice Protocol 6.1: adds to the sender's stake and makes its terms known.
    function registerMediator(Registration calldata g) external {
        Documents.registration(g);
        _register(msg.sender, g);
    }

    /// @notice Protocol 6.1: not eligible while paused.
    function pauseMediator(bool is_) external {
        _pauseMediator(msg.sender, is_);
    }

    /// @notice Protocol 5.16: stake to `withdrawing`, with the unbonding time.
    function unbondStake(uint96 amount) external {
        _unbond(msg.sender, amount);
    }

    /// @notice Protocol 5.16: adds to the sender's sum of a channel that nobody is leaving.
    /// @param other the other party of the channel
    /// @param isJc the sender is its job creator
    function topUp(address other, bool isJc, Channel calldata ch, uint96 amount) external {
        _topUp(msg.sender, other, isJc, ch, amount);
    }

    /// @notice Protocol 8.3: the sender leaves the channel, which takes LIFE.
    function leaveChannel(address other, bool isJc, Channel calldata ch) external {
        _leave(msg.sender, other, isJc, ch);
    }

    /// @notice Protocol 2.0.4: carries an action of an account that has no gas.
    /// @param body the members of the body, ABI-encoded; of TopUp (other, isJc, serial, kind, amount) and of Leave
    /// (other, isJc, serial, kind), from which the channel's id follows
    function carry(Send calldata s, bytes calldata sig, bytes calldata body) external {
        if (s.kind == SEND_REQUEST_WITHDRAW || s.kind == SEND_WITHDRAW || s.kind == SEND_UNBOND_STAKE) {
            uint96 amount = abi.decode(body, (uint96));
            address who = _carried(s, sig, keccak256(abi.encode(Documents.WITHDRAWAL, amount)));
            if (s.kind == SEND_REQUEST_WITHDRAW) _requestWithdraw(who, amount);
            else if (s.kind == SEND_WITHDRAW) _withdraw(who, amount);
            else _unbond(who, amount);
        } else if (s.kind == SEND_SET_PAYOUT) {
            address to = abi.decode(body, (address));
            _setPayout(_carried(s, sig, keccak256(abi.encode(Documents.PAYOUT, to))), to);
        } else if (s.kind == SEND_CANCEL_NONCE) {
            uint64 nonce = abi.decode(body, (uint64));
            _cancelNonce(_carried(s, sig, keccak256(abi.encode(Documents.NONCE_CANCEL, nonce))), nonce);
        } else if (s.kind == SEND_REGISTER_MEDIATOR) {
            Registration memory g = abi.decode(body, (Registration));
            _register(_carried(s, sig, Documents.registration(g)), g);
        } else if (s.kind == SEND_PAUSE_MEDIATOR) {
            bool is_ = abi.decode(body, (bool));
            _pauseMediator(_carried(s, sig, keccak256(abi.encode(Documents.PAUSE, is_))), is_);
        } else if (s.kind == SEND_TOP_UP) {
            _carryTopUp(s, sig, body);
        } else if (s.kind == SEND_LEAVE_CHANNEL) {
            (address other, bool isJc, Channel memory ch) = abi.decode(body, (address, bool, Channel));
            bytes32 id = _idOf(s.account, other, isJc, ch);
            _leave(_carried(s, sig, keccak256(abi.encode(Documents.LEAVE, id))), other, isJc, ch);
        } else {
            revert Range(s.kind);
        }
    }

    function _idOf(address who, address other, bool isJc, Channel memory ch) private pure returns (bytes32) {
        return isJc
            ? Documents.channelId(who, other, ch.serial, ch.kind)
            : Documents.channelId(other, who, ch.serial, ch.kind);
    }

    function _carryTopUp(Send calldata s, bytes calldata sig, bytes calldata body) private {
        (address other, bool isJc, Channel memory ch, uint96 amount) =
            abi.decode(body, (address, bool, Channel, uint96));
        bytes32 id = _idOf(s.account, other, isJc, ch);
        _topUp(_carried(s, sig, keccak256(abi.encode(Documents.TOP_UP, id, amount))), other, isJc, ch, amount);
    }

    /// @notice Protocol 5.1: `agree`, carried by anyone (2.0.4): the body of the Send is the deal's id.
    function agreeFor(Send calldata m, bytes calldata sig, bytes calldata full) external {
        _kind(m, SEND_AGREE);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _readEscrow(full, h, c, s);
        if (m.body == s.id && _agreedBefore(s, h, m.account)) return;
        _agree(s, h, c, _carried(m, sig, s.id));
    }

    /// @notice Protocol 5.16: opens a channel that both have signed; anyone may send it.
    /// @param openBy from then on it is too late
    function openChannel(
        address jc,
        address rp,
        Channel calldata ch,
        uint96 jobSum,
        uint96 providerSum,
        uint40 openBy,
        bytes calldata jcSig,
        bytes calldata rpSig
    ) external {
        if (ch.kind != CHANNEL_ACCEPTANCES && ch.kind != CHANNEL_VOUCHERS) revert Range(ch.kind);
        bytes32 id = Documents.channelId(jc, rp, ch.serial, ch.kind);
        bytes32 doc = Documents.channel(id, jobSum, providerSum, openBy);
        _signed(doc, jcSig, jc);
        _signed(doc, rpSig, rp);
        if (block.timestamp >= openBy) revert TooLate(openBy);
        _openChannel(jc, rp, ch, jobSum, providerSum);
    }

    /// @notice Protocol 5.3 in a channel: sets the bit of a deal that is not on the ledger.
    function cancelNumber(
        bytes32[9] calldata hot,
        bytes32 cold,
        Channel calldata ch,
        uint40 expiry,
        bytes calldata jcSig,
        bytes calldata rpSig
    ) external {
        Hot memory h = Packed.newHot()[0];
        Step memory s;
        _shown(hot, cold, h, s);
        _notThere(s, h, ch);
        bytes32 doc = Documents.cancel(s.id, expiry);
        _signed(doc, jcSig, h.jobCreator);
        _signed(doc, rpSig, h.provider);
        if (block.timestamp >= expiry) revert TooLate(expiry);
        _cancelNumber(h, s.id);
    }

    /// @notice Protocol 8.3: closes a channel that somebody left LIFE ago; anyone.
    function closeChannel(address jc, address rp, Channel calldata ch) external {
        _close(jc, rp, Documents.channelId(jc, rp, ch.serial, ch.kind), false);
    }

    /// @notice Protocol 8.3: closes a channel at once, with both signatures of a ChannelLeave.
    function closeChannelNow(
        address jc,
        address rp,
        Channel calldata ch,
        uint40 expiry,
        bytes calldata jcSig,
        bytes calldata rpSig
    ) external {
        bytes32 id = Documents.channelId(jc, rp, ch.serial, ch.kind);
        if (_sums[id].state == 0) revert NotFound(id);
        bytes32 doc = Documents.channelLeave(id, expiry);
        _signed(doc, jcSig, jc);
        _signed(doc, rpSig, rp);
        if (block.timestamp >= expiry) revert TooLate(expiry);
        _close(jc, rp, id, true);
    }

    /// @notice Protocol 8.3: `redeem`, carried by anyone: the body of the Send (kind 14) is the struct hash of the Voucher.
    /// @param carried the Send's account (20 bytes), nonce (8), expiry (5) and signature (64), then as redeem()
    function redeemFor(bytes calldata carried) external {
        uint256 o = Packed.start(carried, SEND_BYTES + VOUCHER_BYTES);
        (address rp, uint64 nonce, uint40 expiry) = Packed.send(o);
        _sent(rp, SEND_REDEEM, _voucherAt(o + SEND_BYTES, rp), nonce, expiry, carried[33:SEND_BYTES]);
        (address jc, bytes32 doc, uint256 pay) = _redeem(o + SEND_BYTES, rp);
        _signed(doc, carried[SEND_BYTES + VOUCHER_BYTES:], jc);
        _credit(rp, pay);
    }

    /// @notice Protocol 8.3: `open` in a channel, which its JC sends, so that the late fine can fall due.
    /// @param rpSig of the Deal
    function openIn(bytes calldata full, Channel calldata ch, bytes calldata rpSig) external {
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _read(full, h, c, s);
        if (_jcSigned(s, h, msg.sender)) return;
        _openIn(h, c, s, ch, rpSig, msg.sender);
    }

    /// @notice The same, carried by anyone: an Agree, whose body is the deal's id.
    function openInFor(
        Send calldata m,
        bytes calldata mSig,
        bytes calldata full,
        Channel calldata ch,
        bytes calldata rpSig
    ) external {
        _kind(m, SEND_AGREE);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        _read(full, h, c, s);
        if (m.body == s.id && _jcSigned(s, h, m.account)) return;
        _openIn(h, c, s, ch, rpSig, _carried(m, mSig, s.id));
    }

    /// @dev A deal of a channel is on the ledger only if its JC wants it: then an Agree of the JC has its effect (4.3).
    function _jcSigned(Step memory s, Hot memory h, address who) private pure returns (bool) {
        return s.state != 0 && who == h.jobCreator;
    }

    function _openIn(
        Hot memory h,
        Rest memory c,
        Step memory s,
        Channel calldata ch,
        bytes calldata rpSig,
        address who
    ) private {
        _notThere(s, h, ch);
        if (who != h.jobCreator) revert Party(who);
        _signed(s.id, rpSig, h.provider);
        _enter(s, h, c, ch, h.openBy);
        _store(s);
    }

    /// @notice Protocol 8.3: RP claims: 5.1 and 5.4 in one, from the sums of the channel.
    /// @param jcSig of the Deal
    function claim(bytes calldata full, Channel calldata ch, bytes calldata jcSig, Outcome calldata o) external {
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        bytes32 named = _claimed(h, c, s, full, o);
        if (_claimedBefore(s, h, o, named, msg.sender)) return;
        _claim(h, c, s, ch, jcSig, o, named, msg.sender);
    }

    /// @notice The same, carried by anyone: the body of the Send (kind 15) is the hash of the Result.
    function claimFor(
        Send calldata m,
        bytes calldata mSig,
        bytes calldata full,
        Channel calldata ch,
        bytes calldata jcSig,
        Outcome calldata o
    ) external {
        _kind(m, SEND_CLAIM);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Step memory s;
        bytes32 named = _claimed(h, c, s, full, o);
        if (m.body == named && _claimedBefore(s, h, o, named, m.account)) return;
        _claim(h, c, s, ch, jcSig, o, named, _carried(m, mSig, named));
    }

    /// @dev The deal is on the ledger with that result, which RP claims: nothing happens (4.3).
    function _claimedBefore(Step memory s, Hot memory h, Outcome calldata o, bytes32 named, address who)
        private
        pure
        returns (bool)
    {
        return s.state != 0 && who == h.provider && _marked(s, _resultMark(named, Rows.cost(h, o.count, o.size)));
    }

    function _claim(
        Hot memory h,
        Rest memory c,
        Step memory s,
        Channel calldata ch,
        bytes calldata jcSig,
        Outcome calldata o,
        bytes32 named,
        address who
    ) private {
        _notThere(s, h, ch);
        if (who != h.provider) revert Party(who);
        _signed(s.id, jcSig, h.jobCreator);
        _enterWith(s, h, c, ch, o);
        _countClaim(h.channel, ch.kind);
        _submitted(s, h, o, named);
        _store(s);
    }

    // ---- deposits, reading, the pauser ---------------------------------------------------------------------

    /// @notice Protocol 5.16: takes `amount` of the token from the sender's allowance into the account `to`.
    /// @dev Range: account zero, or all deposits together not below 2^96 (5.14). Peer: a token that moved another
    /// amount, as those with a fee on transfer do.
    function deposit(address to, uint96 amount) public nonReentrant {
        if (uint256(_supply) + amount > type(uint96).max) revert Range(amount);
        if (to == address(0)) revert Range(0);
        uint256 before = _token.balanceOf(address(this));
        _token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = _token.balanceOf(address(this)) - before;
        if (moved != amount) revert Peer(moved, amount);
        unchecked {
            _supply += amount;
        }
        _credit(to, amount);
        emit Deposited(to, msg.sender, amount);
    }

    /// @notice Protocol 5.16: the permit is tried, then the allowance; one that somebody else has used already does
    /// no harm.
    function depositWithPermit(address to, uint96 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        try IERC20Permit(address(_token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        deposit(to, amount);
    }

    /// @notice An account; zero is the sink, all of which is `free`.
    /// @return free what it can lock or withdraw
    /// @return locked for its escrow deals; what its channels hold is in `channels`
    /// @return withdrawing on its way out
    /// @return withdrawAt from when on that can be withdrawn; 0: nothing is
    /// @return stake as a mediator (6.1)
    /// @return mediatorPaused as a mediator (6.1)
    /// @return sendNonce of its next Send (2.0.4)
    function account(address who)
        external
        view
        returns (
            uint96 free,
            uint96 locked,
            uint96 withdrawing,
            uint40 withdrawAt,
            uint96 stake,
            bool mediatorPaused,
            uint64 sendNonce
        )
    {
        Account storage a = _accounts[who];
        Leaving storage l = _leaving[who];
        free = who == address(0) ? _sink : a.free;
        return (
            free,
            a.locked,
            l.withdrawing,
            l.withdrawing == 0 ? 0 : l.withdrawAt,
            l.stake,
            l.paused,
            a.sendNonce
        );
    }

    /// @notice A change of payout address that is under way (protocol 1.1); zero: none.
    function payoutChange(address who) external view returns (address next, uint40 from) {
        Payout storage p = _payouts[who];
        if (p.next == address(0) || block.timestamp >= p.from) return (address(0), 0);
        return (p.next, p.from);
    }

    /// @notice Protocol 8.4: 256 bits for the nonces 256 * word and up of a job creator's escrow deals.
    function nonces(address jobCreator, uint256 word) external view returns (uint256) {
        return _used[bytes32(uint256(uint160(jobCreator)))][word];
    }

    /// @notice Protocol 5.15 (a): deposits less withdrawals, and what nobody can withdraw.
    function totals() external view returns (uint96 supply, uint96 sink) {
        return (_supply, _sink);
    }

    /// @notice Refuse new deals and channels, or take them again. Whatever is open goes on, every exit included.
    /// @dev Party: not the pauser. Its loss costs nothing but this: who is paused stays so, and deals end.
    function pause(bool is_) external {
        if (msg.sender != _pauser) revert Party(msg.sender);
        _paused = is_;
        emit Paused(is_);
    }
    /// @notice A channel: its sums, when it can be closed, whether it is open (1) or closed (2), and its vouchers.
    function channel(bytes32 id)
        external
        view
        returns (uint96 jobSum, uint96 providerSum, uint40 closeAt, uint8 state, uint96 paid, uint64 floor, uint64 claims)
    {
        Sums storage c = _sums[id];
        Vouched storage v = _vouched[id];
        return (c.job, c.provider, c.closeAt, c.state, v.paid, v.floor, v.claims);
    }

    /// @notice Protocol 8.4: 256 bits for the numbers 256 * word and up of a channel's deals.
    function numbers(bytes32 id, uint256 word) external view returns (uint256) {
        return _used[id][word];
    }
    /// @notice A deal on the ledger.
    /// @return state appendix A.3; 0: it is not on the ledger
    /// @return rpAgreed RB is, or was, locked
    /// @return deadline of the state; 0: it is final
    /// @return mark of what later steps must show, see Deals
    function deal(bytes32 id) external view returns (uint8 state, bool rpAgreed, uint40 deadline, bytes32 mark) {
        Step memory s;
        _load(id, s);
        return (uint8(s.state), s.rpAgreed, uint40(s.deadline), s.mark & MARK);
    }

    /// @notice Where withdrawals of the account go (protocol 1.1): itself, until it has set another.
    function payoutOf(address who) external view returns (address) {
        return _payoutOf(who);
    }

    /// @notice The domain of every signature (protocol 2.0.1).
    function domain() external view returns (bytes32) {
        return _domain();
    }

    /// @notice New deals and channels are refused; nothing else is.
    function paused() external view returns (bool) {
        return _paused;
    }

    /// @notice The token of all amounts.
    function token() external view returns (IERC20) {
        return _token;
    }

    /// @notice The constants of this ledger (protocol 8.2).
    function constants() external view returns (Constants memory) {
        return Constants(_minTimeout, _life, _unbonding, _test, _pauser);
    }
}

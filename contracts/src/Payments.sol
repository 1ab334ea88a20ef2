// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Signing} from "./Signing.sol";
import {Documents} from "./Documents.sol";
import "./Types.sol";

/// @notice The constants of a ledger (protocol 8.1, 8.2).
/// @param minTimeout MIN, seconds (4.2)
/// @param life LIFE, seconds (4.2)
/// @param unbonding seconds, longer than LIFE (5.16)
/// @param test a test ledger, where MIN may be below 60 s
/// @param pauser who may refuse new deals for a time; zero: nobody ever
struct Constants {
    uint40 minTimeout;
    uint40 life;
    uint40 unbonding;
    bool test;
    address pauser;
}

/// @title Balances (protocol 5, 5.16)
/// @notice An account has `free`, `locked` and `withdrawing`, and the stake of a mediator. Money stays inside; the
/// token moves on deposit and withdrawal only. No sum overflows, since all of them together stay below 2^96 (5.14).
abstract contract Payments is Signing, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Account {
        uint96 free;
        uint96 locked;
        uint64 sendNonce;
    }

    struct Leaving {
        uint96 withdrawing;
        uint40 withdrawAt;
        uint96 stake;
        bool paused;
    }

    struct Payout {
        address to;
        address next;
        uint40 from;
    }

    IERC20 internal immutable _token;
    uint40 internal immutable _minTimeout;
    uint40 internal immutable _life;
    uint40 internal immutable _unbonding;
    bool internal immutable _test;
    address internal immutable _pauser;

    mapping(address => Account) internal _accounts;
    mapping(address => Leaving) internal _leaving;
    mapping(address => Payout) internal _payouts;
    /// @dev One bit for each escrow nonce of a job creator and each number of a channel (protocol 8.4); the first
    /// key is the job creator or the channel's id, the second the nonce or number over 256.
    mapping(bytes32 => mapping(uint256 => uint256)) internal _used;

    uint96 internal _supply;
    uint96 internal _sink;
    /// @notice New deals and channels are refused; nothing else is.
    bool internal _paused;

    /// @notice A deposit, or any other action of an account (protocol 5.16).
    event Deposited(address indexed account, address indexed from, uint96 amount);
    event WithdrawRequested(address indexed account, uint96 amount, uint40 from);
    event Withdrawn(address indexed account, address to, uint96 amount);
    event PayoutSet(address indexed account, address to, uint40 from);
    event NonceCancelled(address indexed account, uint64 nonce);
    event MediatorRegistered(
        address indexed account,
        uint96 stake,
        bytes32[] classes,
        uint96 baseFee,
        uint96 perInstruction,
        string url
    );
    event MediatorPaused(address indexed account, bool paused);
    event StakeUnbonded(address indexed account, uint96 amount, uint40 from);
    event Paused(bool paused);

    constructor(IERC20 token_, Constants memory c) {
        if (c.minTimeout < 60 && !c.test) revert Clocks(c.minTimeout, 60);
        if (c.unbonding <= c.life) revert Clocks(c.unbonding, c.life);
        _token = token_;
        _minTimeout = c.minTimeout;
        _life = c.life;
        _unbonding = c.unbonding;
        _test = c.test;
        _pauser = c.pauser;
    }

    /// @dev Busy: new deals and channels are refused. Where nobody can pause, there is nothing to read.
    function _takesNew() internal view {
        if (_pauser != address(0) && _paused) revert Busy();
    }

    // ---- movements, each with its two sides ---------------------------------------------------------------

    /// @dev Zero is the sink: what no row gives to a party.
    function _credit(address to, uint256 n) internal {
        if (n == 0) return;
        unchecked {
            if (to == address(0)) _sink += uint96(n);
            else _accounts[to].free += uint96(n);
        }
    }

    function _covers(address who, uint256 n) internal view {
        uint256 has = _accounts[who].free;
        if (has < n) revert Funds(who, has, n);
    }

    function _lock(address who, uint256 n) internal {
        _covers(who, n);
        Account storage a = _accounts[who];
        unchecked {
            (a.free, a.locked) = (a.free - uint96(n), a.locked + uint96(n));
        }
    }

    /// @dev `locked` of the account comes free, and it gets `n`.
    function _release(address who, uint256 locked, uint256 n) internal {
        Account storage a = _accounts[who];
        unchecked {
            (a.free, a.locked) = (a.free + uint96(n), a.locked - uint96(locked));
        }
    }

    // ---- actions of accounts: `who` sends -----------------------------------------------------------------

    function _restart(address who) private returns (uint40 from) {
        unchecked {
            from = uint40(block.timestamp) + _unbonding;
        }
        _leaving[who].withdrawAt = from;
    }

    function _requestWithdraw(address who, uint96 amount) internal {
        _covers(who, amount);
        unchecked {
            _accounts[who].free -= amount;
            _leaving[who].withdrawing += amount;
        }
        emit WithdrawRequested(who, amount, _restart(who));
    }

    function _withdraw(address who, uint96 amount) internal nonReentrant {
        Leaving storage l = _leaving[who];
        if (l.withdrawing < amount) revert Funds(who, l.withdrawing, amount);
        if (block.timestamp < l.withdrawAt) revert TooEarly(l.withdrawAt);
        unchecked {
            l.withdrawing -= amount;
            _supply -= amount;
        }
        address to = _payoutOf(who);
        emit Withdrawn(who, to, amount);
        _token.safeTransfer(to, amount);
    }

    function _setPayout(address who, address to) internal {
        if (to == address(0)) revert Range(0);
        Payout storage p = _payouts[who];
        p.to = _payoutOf(who);
        p.next = to;
        unchecked {
            p.from = uint40(block.timestamp) + _unbonding;
        }
        emit PayoutSet(who, to, p.from);
    }

    function _cancelNonce(address who, uint64 nonce) internal {
        _use(bytes32(uint256(uint160(who))), nonce);
        emit NonceCancelled(who, nonce);
    }

    function _register(address who, Registration memory g) internal {
        _covers(who, g.stake);
        Leaving storage l = _leaving[who];
        unchecked {
            _accounts[who].free -= g.stake;
            l.stake += g.stake;
        }
        l.paused = false;
        emit MediatorRegistered(who, g.stake, g.classes, g.baseFee, g.perInstruction, g.url);
    }

    function _pauseMediator(address who, bool is_) internal {
        _leaving[who].paused = is_;
        emit MediatorPaused(who, is_);
    }

    function _unbond(address who, uint96 amount) internal {
        Leaving storage l = _leaving[who];
        if (l.stake < amount) revert Funds(who, l.stake, amount);
        unchecked {
            l.stake -= amount;
            l.withdrawing += amount;
        }
        emit StakeUnbonded(who, amount, _restart(who));
    }

    // ---- Sends (protocol 2.0.4) ---------------------------------------------------------------------------

    /// @dev Protocol 2.0.4. Signature, Nonce, Stale in this order; the nonce is used.
    function _sent(address who, uint8 kind, bytes32 body, uint64 nonce, uint40 expiry, bytes calldata sig) internal {
        _signed(Documents.send(who, kind, body, nonce, expiry), sig, who);
        uint64 next = _accounts[who].sendNonce;
        if (nonce != next) revert Nonce(nonce);
        if (block.timestamp >= expiry) revert Stale(expiry);
        unchecked {
            _accounts[who].sendNonce = next + 1;
        }
    }

    /// @dev The same of a Send that is shown, and then Conflict: its body is not `body`.
    function _carried(Send calldata s, bytes calldata sig, bytes32 body) internal returns (address) {
        _sent(s.account, s.kind, s.body, s.nonce, s.expiry, sig);
        if (s.body != body) revert Conflict(body);
        return s.account;
    }

    function _kind(Send calldata s, uint8 kind) internal pure {
        if (s.kind != kind) revert Range(s.kind);
    }

    // ---- paid once (protocol 8.4) -------------------------------------------------------------------------

    function _isUsed(bytes32 owner, uint256 n) internal view returns (bool) {
        return _used[owner][n >> 8] >> (n & 255) & 1 != 0;
    }

    /// @dev Nonce: the bit is set already.
    function _use(bytes32 owner, uint256 n) internal {
        uint256 bit = 1 << (n & 255);
        uint256 word = _used[owner][n >> 8];
        if (word & bit != 0) revert Nonce(n);
        _used[owner][n >> 8] = word | bit;
    }

    // ---- reading ------------------------------------------------------------------------------------------

    /// @notice Where withdrawals of the account go (protocol 1.1): itself, until it has set another.
    function _payoutOf(address who) internal view returns (address) {
        Payout storage p = _payouts[who];
        if (p.next != address(0) && block.timestamp >= p.from) return p.next;
        return p.to == address(0) ? who : p.to;
    }
}

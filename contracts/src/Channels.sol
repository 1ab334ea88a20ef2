// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Deals} from "./Deals.sol";
import {Documents} from "./Documents.sol";
import {Packed} from "./Packed.sol";
import "./Types.sol";

/// @title Channels (protocol 8.3, 8.4)
/// @notice JC and RP lock two sums once; deals signed inside it draw on them and need no `open`. An acceptance settles
/// one deal, a list several, a cumulative voucher any number. What guards every path is one bitmap per channel,
/// indexed by the deal's number, with the number of the last voucher as its floor.
abstract contract Channels is Deals {
    struct Sums {
        uint96 job; // what JC still has in it
        uint96 provider; // what RP still has in it
        uint40 closeAt; // from when on anyone can close it; 0: nobody has left
        uint8 state; // 0 never opened, 1 open, 2 closed: never used again
    }

    struct Vouched {
        uint96 paid; // by vouchers
        uint64 floor; // number of the last voucher
        uint64 claims; // that RP has made
    }

    /// @dev Of a list: Terms, and a signature in 64 bytes.
    uint256 private constant ITEM_BYTES = TERMS_BYTES + 64;
    uint8 private constant OPEN = 1;
    uint8 private constant CLOSED = 2;

    mapping(bytes32 => Sums) internal _sums;
    mapping(bytes32 => Vouched) internal _vouched;

    /// @notice A channel was opened (5.16), and what each side locked in it.
    event ChannelOpened(
        bytes32 indexed channel,
        address indexed jobCreator,
        address indexed provider,
        uint64 serial,
        uint8 kind,
        uint96 jobSum,
        uint96 providerSum
    );
    event ChannelToppedUp(bytes32 indexed channel, address who, uint96 amount);
    /// @notice A party leaves: from `closeAt` on anyone can close it.
    event ChannelLeft(bytes32 indexed channel, address who, uint40 closeAt);
    /// @notice The sums went back to `free`.
    event ChannelClosed(bytes32 indexed channel, uint96 jobSum, uint96 providerSum);
    /// @notice An acceptance settled a deal that was not on the ledger.
    /// @param what bits 0-63 its number, 64-159 COST
    event Settled(bytes32 indexed channel, bytes32 indexed deal, uint256 what);
    /// @notice A list settled these deals of a channel.
    /// @param items bit i is set where item i of the group was settled; the others were skipped
    event ListSettled(bytes32 indexed channel, uint256 items, uint256 paid);
    /// @notice A voucher paid, and closed every number up to `number` that was not on the ledger.
    event Redeemed(bytes32 indexed channel, uint64 number, uint96 paid, uint96 due);
    /// @notice A cancel set the bit of a deal that was not on the ledger (5.3).
    event NumberCancelled(bytes32 indexed channel, bytes32 indexed deal, uint64 number);

    // ---- the sums -------------------------------------------------------------------------------------------

    /// @dev NotFound: there is no such channel. State: it is closed.
    function _opened(bytes32 id) private view returns (Sums storage c) {
        c = _sums[id];
        if (c.state == 0) revert NotFound(id);
        if (c.state != OPEN) revert State(c.state);
    }

    /// @dev Conflict: the deal names another channel than that of its parties with this serial and kind.
    function _named(Hot memory h, Channel calldata ch) internal pure {
        bytes32 id = Documents.channelId(h.jobCreator, h.provider, ch.serial, ch.kind);
        if (h.channel != id) revert Conflict(id);
    }

    function _return(Hot memory h, uint256 jc, uint256 rp) internal override {
        Sums storage c = _sums[h.channel];
        if (c.state == CLOSED) {
            _credit(h.jobCreator, jc);
            _credit(h.provider, rp);
            return;
        }
        unchecked {
            (c.job, c.provider) = (c.job + uint96(jc), c.provider + uint96(rp));
        }
    }

    /// @dev Both sums of a new channel are locked; `openChannel` of protocol 5.16.
    function _openChannel(address jc, address rp, Channel calldata ch, uint96 jobSum, uint96 providerSum)
        internal
    {
        bytes32 id = Documents.channelId(jc, rp, ch.serial, ch.kind);
        if (_sums[id].state != 0) revert State(_sums[id].state);
        _covers(jc, jobSum);
        _covers(rp, providerSum);
        if (_paused) revert Busy();
        if (jc == rp) revert Party(rp);
        unchecked {
            _accounts[jc].free -= jobSum;
            _accounts[rp].free -= providerSum;
        }
        _sums[id] = Sums(jobSum, providerSum, 0, OPEN);
        emit ChannelOpened(id, jc, rp, ch.serial, ch.kind, jobSum, providerSum);
    }

    /// @dev `who` adds to its sum. Party: it is not in this channel.
    function _topUp(address who, address other, bool isJc, Channel memory ch, uint96 amount) internal {
        bytes32 id = isJc
            ? Documents.channelId(who, other, ch.serial, ch.kind)
            : Documents.channelId(other, who, ch.serial, ch.kind);
        Sums storage c = _opened(id);
        if (c.closeAt != 0) revert State(c.state);
        _covers(who, amount);
        unchecked {
            _accounts[who].free -= amount;
            if (isJc) c.job += amount;
            else c.provider += amount;
        }
        emit ChannelToppedUp(id, who, amount);
    }

    /// @dev `who` leaves: LIFE runs (8.3).
    function _leave(address who, address other, bool isJc, Channel memory ch) internal {
        bytes32 id = isJc
            ? Documents.channelId(who, other, ch.serial, ch.kind)
            : Documents.channelId(other, who, ch.serial, ch.kind);
        Sums storage c = _opened(id);
        if (c.closeAt != 0) revert State(c.state);
        unchecked {
            c.closeAt = uint40(block.timestamp) + _life;
        }
        emit ChannelLeft(id, who, c.closeAt);
    }

    /// @dev The sums go to `free`; deals of it that are on the ledger run on.
    /// @param agreed both parties want it closed at once
    function _close(address jc, address rp, bytes32 id, bool agreed) internal {
        Sums storage c = _opened(id);
        if (!agreed && c.closeAt == 0) revert State(c.state);
        if (!agreed && block.timestamp < c.closeAt) revert TooEarly(c.closeAt);
        (uint96 job, uint96 provider) = (c.job, c.provider);
        _sums[id] = Sums(0, 0, c.closeAt, CLOSED);
        _credit(jc, job);
        _credit(rp, provider);
        emit ChannelClosed(id, job, provider);
    }

    // ---- acceptances ----------------------------------------------------------------------------------------

    /// @dev COST by the shares of the acceptance: those are credited, and what is left for RP is given back.
    function _shareOut(Terms memory a) private returns (uint256 rest) {
        rest = a.cost;
        if (a.royalty | a.solverShare == 0) return rest;
        unchecked {
            uint256 author = a.author == address(0) ? 0 : uint256(a.cost) * a.royalty / 1000;
            uint256 solver = a.solver == address(0) ? 0 : uint256(a.cost) * a.solverShare / 1000;
            rest -= author + solver;
            _credit(a.author, author);
            _credit(a.solver, solver);
        }
    }

    /// @dev One acceptance that RP sends: Range, NotFound, State, Nonce, Shares, Funds; then the caller looks at the
    /// signature, and credits.
    /// @return rest of COST, for RP
    function _settleOne(Terms memory a, address jc, address rp, uint64 serial, bytes calldata terms)
        internal
        returns (uint256 rest)
    {
        a.channel = Documents.channelId(jc, rp, serial, CHANNEL_ACCEPTANCES);
        Packed.terms(terms, 0, a);
        Sums storage c = _opened(a.channel);
        if (a.number == 0) revert Nonce(0);
        _use(a.channel, a.number);
        uint256 shares = uint256(a.royalty) + a.solverShare;
        if (shares > 1000) revert Shares(shares);
        uint96 job = c.job;
        if (job < a.cost) revert Funds(jc, job, a.cost);
        unchecked {
            c.job = job - a.cost;
        }
        rest = _shareOut(a);
        emit Settled(a.channel, a.deal, uint256(a.cost) << 64 | a.number);
    }

    /// @dev What _settleOne() would refuse is skipped.
    /// @return rest of all COST, for RP
    /// @return doc Keccak-256 of the list
    function _settleGroups(bytes calldata list, address rp) internal returns (uint256 rest, bytes32 doc) {
        Terms memory a;
        uint256 o;
        while (o < list.length) {
            if (list.length < o + 29) revert Range(list.length);
            address jc = address(bytes20(list[o:o + 20]));
            a.channel = Documents.channelId(jc, rp, uint64(bytes8(list[o + 20:o + 28])), CHANNEL_ACCEPTANCES);
            uint256 n = uint8(list[o + 28]);
            o += 29;
            if (list.length < o + n * ITEM_BYTES) revert Range(list.length);
            rest += _settleGroup(list[o:o + n * ITEM_BYTES], a, jc);
            o += n * ITEM_BYTES;
        }
        doc = keccak256(list);
    }

    /// @dev Items of one channel, whose sum is written once.
    function _settleGroup(bytes calldata items, Terms memory a, address jc) private returns (uint256 rest) {
        Sums storage c = _sums[a.channel];
        uint256 job = c.state == OPEN ? c.job : 0;
        uint256 left = job;
        uint256 done;
        unchecked {
            for (uint256 o = 0; o < items.length; o += ITEM_BYTES) {
                Packed.terms(items, o, a);
                if (a.cost > left || !_fits(a, items, o + TERMS_BYTES, jc)) continue;
                left -= a.cost;
                rest += _shareOut(a);
                done |= 1 << o / ITEM_BYTES;
            }
            if (done != 0) c.job = uint96(left);
            emit ListSettled(a.channel, done, job - left);
        }
    }

    /// @dev Number free, shares right, signed: the number is taken.
    function _fits(Terms memory a, bytes calldata items, uint256 o, address jc) private returns (bool) {
        mapping(uint256 => uint256) storage used = _used[a.channel];
        uint256 bit = 1 << (a.number & 255);
        uint256 word = used[a.number >> 8];
        if (a.number == 0 || word & bit != 0 || uint256(a.royalty) + a.solverShare > 1000) return false;
        bytes32 r;
        bytes32 vs;
        assembly ("memory-safe") {
            r := calldataload(add(items.offset, o))
            vs := calldataload(add(items.offset, add(o, 32)))
        }
        if (!_isSigned(Documents.hash(a), r, vs, jc)) return false;
        used[a.number >> 8] = word | bit;
        return true;
    }

    // ---- vouchers -------------------------------------------------------------------------------------------

    /// @dev A voucher that RP sends: NotFound, State, Conflict (claims), Nonce, Funds; then the caller looks at the
    /// signature of `doc`, and credits.
    /// @return pay what RP gets
    function _redeem(address jc, address rp, uint64 serial, uint96 sum, uint64 number, uint64 claims)
        internal
        returns (uint256 pay, bytes32 doc)
    {
        bytes32 id = Documents.channelId(jc, rp, serial, CHANNEL_VOUCHERS);
        Sums storage c = _opened(id);
        Vouched storage v = _vouched[id];
        if (claims != v.claims) revert Conflict(bytes32(uint256(v.claims)));
        (uint256 paid, uint256 floor, uint256 job) = (v.paid, v.floor, c.job);
        if (number < floor) revert Nonce(number);
        unchecked {
            uint256 due = sum > paid ? sum - paid : 0;
            pay = due < job ? due : job;
            if (pay == 0 && number == floor) {
                if (due != 0) revert Funds(jc, 0, due);
                revert Nonce(number);
            }
            (v.paid, v.floor) = (uint96(paid + pay), number);
            if (pay != 0) c.job = uint96(job - pay);
            emit Redeemed(id, number, uint96(pay), uint96(due - pay));
        }
        doc = Documents.voucher(id, sum, number, claims);
    }

    // ---- deals of a channel on the ledger -------------------------------------------------------------------

    /// @dev Channel, then funds, then 5.14: takes the number, and the locks from the sums.
    function _draw(Hot memory h, Rest memory rest, uint256 openBy) private {
        Sums storage c = _opened(h.channel);
        uint256 job = uint256(h.pay) + h.jobBond;
        if (c.job < job) revert Funds(h.jobCreator, c.job, job);
        if (c.provider < h.resultBond) revert Funds(h.provider, c.provider, h.resultBond);
        if (h.nonce == 0) revert Nonce(0);
        _admit(h, rest, openBy, h.channel);
        unchecked {
            (c.job, c.provider) = (c.job - uint96(job), c.provider - h.resultBond);
        }
    }

    /// @dev Protocol 8.3: in a voucher channel ROY = SOL = 0, and what a voucher has closed stays closed.
    function _vouchersFit(Hot memory h, Channel calldata ch) private view {
        if (ch.kind != CHANNEL_VOUCHERS) return;
        if (h.royalty | h.solverShare != 0) revert Shares(uint256(h.royalty) + h.solverShare);
        if (h.nonce <= _vouched[h.channel].floor) revert Nonce(h.nonce);
    }

    /// @dev What `open`, `claim` and `claim and check` have in common. Agreed, from the sums of the channel.
    function _enter(Step memory s, Hot memory h, Rest memory c, Channel calldata ch, uint256 openBy) internal {
        _vouchersFit(h, ch);
        _draw(h, c, openBy);
        s.rpAgreed = true;
        _born(s, h, AGREED, h.submitTimeout);
    }

    /// @dev A claim that RP makes counts, so that a voucher can say which claims it knows of.
    function _countClaim(bytes32 id, uint8 kind) internal {
        if (kind != CHANNEL_VOUCHERS) return;
        unchecked {
            _vouched[id].claims++;
        }
    }

    /// @dev A deal that is not on the ledger is cancelled by its bit (5.3).
    function _cancelNumber(Hot memory h, bytes32 id) internal {
        _opened(h.channel);
        if (h.nonce == 0 || h.nonce <= _vouched[h.channel].floor) revert Nonce(h.nonce);
        _use(h.channel, h.nonce);
        emit NumberCancelled(h.channel, id, h.nonce);
    }

    /// @dev A deal of a channel that is not on the ledger yet, with its result.
    function _claimed(
        Hot memory h,
        Rest memory c,
        Step memory s,
        bytes calldata full,
        Channel calldata ch,
        Outcome calldata o
    ) internal view returns (bytes32 named) {
        _statusKnown(o);
        _read(full, h, c, s);
        _named(h, ch);
        if (s.state != 0) revert State(s.state);
        named = Documents.result(s.id, o);
    }

    /// @dev Agreed, with the result taken.
    function _enterWith(
        Step memory s,
        Hot memory h,
        Rest memory c,
        Channel calldata ch,
        Outcome calldata o,
        bytes32 named
    ) internal returns (uint96 cost) {
        _withinLimits(h, o);
        unchecked {
            _enter(s, h, c, ch, uint256(h.openBy) + h.submitTimeout);
        }
        cost = _take(s, h, o, named);
    }
}

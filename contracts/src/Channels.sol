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

    uint8 private constant OPEN = 1;
    uint8 private constant CLOSED = 2;
    /// @dev The bit of the word of Sums that its state begins at.
    uint256 private constant STATE_AT = 232;

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
    /// @notice A list settled deals of channels of this provider; the list itself is in the calldata.
    /// @param done of each group one bit an item, in as many bytes as they need: a big-endian number, in which bit i is
    /// set where item i was settled; the others were skipped
    event ListSettled(address indexed provider, bytes done);
    /// @notice A voucher paid, and closed every number up to `number` that was not on the ledger.
    /// @param what bits 0-63 `number`, 64-159 what was paid, 160-255 what stays due
    event Redeemed(bytes32 indexed channel, uint256 what);
    /// @notice A cancel set the bit of a deal that was not on the ledger (5.3).
    event NumberCancelled(bytes32 indexed channel, bytes32 indexed deal, uint64 number);

    // ---- the sums -------------------------------------------------------------------------------------------

    /// @dev NotFound: there is no such channel. State: it is closed.
    function _opened(bytes32 id) private view returns (Sums storage c) {
        c = _sums[id];
        if (c.state == 0) revert NotFound(id);
        if (c.state != OPEN) revert State(c.state);
    }

    /// @dev NotFound: there is no such channel. Conflict: it is not that of the deal's parties with this serial and kind.
    function _named(Hot memory h, Channel calldata ch) internal view {
        if (_sums[h.channel].state == 0) revert NotFound(h.channel);
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
        _takesNew();
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
            uint256 author = a.author == address(0) ? 0 : a.cost * a.royalty / 1000;
            uint256 solver = a.solver == address(0) ? 0 : a.cost * a.solverShare / 1000;
            rest -= author + solver;
            _credit(a.author, author);
            _credit(a.solver, solver);
        }
    }

    /// @dev One acceptance, packed at `from` of the calldata: JC, serial and Terms, with the channel that they name.
    /// @return jc who must have signed
    /// @return doc the struct hash of the acceptance
    function _acceptanceAt(uint256 from, address rp, Terms memory a) internal pure returns (address jc, bytes32 doc) {
        uint64 serial;
        (jc, serial,) = Packed.group(from);
        Packed.terms(from + CHANNEL_BYTES, a);
        a.channel = Documents.channelId(jc, rp, serial, CHANNEL_ACCEPTANCES);
        doc = Documents.hash(a);
    }

    /// @dev One acceptance that RP sends: NotFound, State, Nonce, Shares, Funds; then the caller looks at the signature,
    /// and credits.
    /// @return rest of COST, for RP
    function _settleOne(Terms memory a, address jc) internal returns (uint256 rest) {
        bytes32 id = a.channel;
        Sums storage c = _opened(id);
        if (a.number == 0) revert Nonce(0);
        _use(id, a.number);
        uint256 shares = a.royalty + a.solverShare;
        if (shares > 1000) revert Shares(shares);
        uint256 job = c.job;
        if (job < a.cost) revert Funds(jc, job, a.cost);
        unchecked {
            c.job = uint96(job - a.cost);
        }
        rest = _shareOut(a);
        emit Settled(id, a.deal, a.cost << 64 | a.number);
    }

    /// @dev What _settleOne() would refuse is skipped. Range: the list is no sequence of groups, or has not 2 to 100 items:
    /// one is no list.
    /// @return rest of all COST, for RP
    function _settleList(bytes calldata list, address rp) internal returns (uint256 rest) {
        Terms memory a = Packed.newTerms()[0];
        bytes memory done = new bytes(list.length / ITEM_BYTES + 32);
        bytes32 domain_ = _domain();
        uint256 o = Packed.start(list, 0);
        uint256 last = o + list.length;
        uint256 at_;
        uint256 items;
        unchecked {
            while (o < last) {
                (address jc, uint64 serial, uint256 n) = Packed.group(o);
                uint256 end = o + GROUP_BYTES + n * ITEM_BYTES;
                if (n == 0 || end > last) revert Range(list.length);
                a.channel = Documents.channelId(jc, rp, serial, CHANNEL_ACCEPTANCES);
                (uint256 more, uint256 bits) = _settleGroup(a, o + GROUP_BYTES, end, jc, domain_);
                rest += more;
                items += n;
                n = (n + 7) / 8;
                assembly ("memory-safe") {
                    mstore(add(add(done, 32), at_), shl(sub(256, shl(3, n)), bits))
                }
                at_ += n;
                o = end;
            }
        }
        if (items < 2 || items > LIST_MAX) revert Range(items);
        assembly ("memory-safe") {
            mstore(done, at_)
        }
        emit ListSettled(rp, done);
    }

    /// @dev Items of one channel, from `o` to `end` of the calldata. Its sum is written once, as is each word of its
    /// bitmap, where the items come in the order of their numbers.
    function _settleGroup(Terms memory a, uint256 o, uint256 end, address jc, bytes32 domain_)
        private
        returns (uint256 rest, uint256 done)
    {
        (bytes32 at_, uint256 sums) = _sumsWord(a.channel);
        if (uint8(sums >> STATE_AT) != OPEN) return (0, 0);
        bytes32 used = _usedSlot(a.channel);
        uint256 key = type(uint256).max;
        bytes32 slot;
        uint256 word;
        uint256 bit = 1;
        unchecked {
            for (; o < end; (o, bit) = (o + ITEM_BYTES, bit << 1)) {
                Packed.terms(o, a);
                if (a.number >> 8 != key) {
                    if (slot != 0) _put(slot, word);
                    key = a.number >> 8;
                    slot = _hash2(bytes32(key), used);
                    word = _at(slot);
                }
                uint256 mask = 1 << (a.number & 255);
                if (word & mask != 0 || a.cost > uint96(sums) || !_fits(a, o + TERMS_BYTES, jc, domain_)) continue;
                word |= mask;
                sums -= a.cost; // its lowest bits
                done |= bit;
                rest += _shareOut(a);
            }
            _put(slot, word);
            if (done != 0) _put(at_, sums);
        }
    }

    function _at(bytes32 slot) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    function _put(bytes32 slot, uint256 word) private {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }

    /// @dev The sums of a channel as the one word that they are, and where it is kept.
    function _sumsWord(bytes32 id) private view returns (bytes32 at_, uint256 word) {
        Sums storage c = _sums[id];
        assembly ("memory-safe") {
            at_ := c.slot
        }
        word = _at(at_);
    }

    /// @dev Where the bitmap of a channel is kept: word n of it in the slot that _hash2(n, this) names.
    function _usedSlot(bytes32 id) private view returns (bytes32 slot) {
        mapping(uint256 => uint256) storage used = _used[id];
        assembly ("memory-safe") {
            slot := used.slot
        }
    }

    /// @dev A number, right shares, signed by the JC.
    function _fits(Terms memory a, uint256 sig, address jc, bytes32 domain_) private view returns (bool) {
        unchecked {
            if (a.number == 0 || a.royalty + a.solverShare > 1000) return false;
        }
        bytes32 digest = _digest(domain_, Documents.hash(a));
        address by = _recovered(digest, sig, SIGNATURE_BYTES);
        return by == jc ? by != address(0) : _contractSigned(digest, sig, jc);
    }

    // ---- vouchers -------------------------------------------------------------------------------------------

    /// @dev The struct hash of a voucher that RP sends, packed at `from` of the calldata.
    function _voucherAt(uint256 from, address rp) internal pure returns (bytes32) {
        (address jc, uint64 serial, uint96 sum, uint64 number, uint64 claims) = Packed.voucher(from);
        return Documents.voucher(Documents.channelId(jc, rp, serial, CHANNEL_VOUCHERS), sum, number, claims);
    }

    /// @dev That voucher: NotFound, State, Conflict (claims), Nonce, Funds; then the caller looks at the signature, and
    /// credits.
    /// @return jc who must have signed
    /// @return doc the struct hash of the voucher
    /// @return pay what RP gets
    function _redeem(uint256 from, address rp) internal returns (address jc, bytes32 doc, uint256 pay) {
        uint64 serial;
        uint96 sum;
        uint64 number;
        uint64 claims;
        (jc, serial, sum, number, claims) = Packed.voucher(from);
        bytes32 id = Documents.channelId(jc, rp, serial, CHANNEL_VOUCHERS);
        doc = Documents.voucher(id, sum, number, claims);
        Sums storage c = _opened(id);
        Vouched memory v = _vouched[id];
        if (claims != v.claims) revert Conflict(bytes32(uint256(v.claims)));
        if (number < v.floor) revert Nonce(number);
        unchecked {
            uint256 due = sum > v.paid ? sum - v.paid : 0;
            uint256 job = c.job;
            pay = due < job ? due : job;
            if (pay == 0 && number == v.floor) {
                if (due != 0) revert Funds(jc, 0, due);
                revert Nonce(number);
            }
            _vouched[id] = Vouched(uint96(v.paid + pay), number, claims);
            if (pay != 0) c.job = uint96(job - pay);
            emit Redeemed(id, (due - pay) << 160 | pay << 64 | number);
        }
    }

    // ---- deals of a channel on the ledger -------------------------------------------------------------------

    /// @dev Funds, then 5.14: takes the number, and the locks from the sums.
    function _draw(Sums storage c, Hot memory h, Rest memory rest, uint256 openBy) private {
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
        Sums storage sums = _opened(h.channel);
        _vouchersFit(h, ch);
        _draw(sums, h, c, openBy);
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

    /// @dev A deal of a channel with its result.
    function _claimed(Hot memory h, Rest memory c, Step memory s, bytes calldata full, Outcome calldata o)
        internal
        view
        returns (bytes32 named)
    {
        _statusKnown(o);
        _read(full, h, c, s);
        if (h.channel == 0) revert State(0);
        named = Documents.result(s.id, o);
    }

    /// @dev The deal's channel is there, and the deal is not on the ledger. NotFound, Conflict, State.
    function _notThere(Step memory s, Hot memory h, Channel calldata ch) internal view {
        _named(h, ch);
        if (s.state != 0) revert State(s.state);
    }

    /// @dev Agreed, by a claim.
    function _enterWith(Step memory s, Hot memory h, Rest memory c, Channel calldata ch, Outcome calldata o) internal {
        _withinLimits(h, o);
        unchecked {
            _enter(s, h, c, ch, uint256(h.openBy) + h.submitTimeout);
        }
    }
}

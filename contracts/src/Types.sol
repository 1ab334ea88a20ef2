// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Types.sol - the documents of protocol 2 that the ledger sees, and what it keeps. Members, order and bounds
// are those of appendix A; the order is frozen, since it is hashed.

/// @notice Protocol 2.4: the part of a deal that later steps show again. Calls take it packed: the members in this order,
/// each in its own width, as abi.encodePacked() writes them: HOT_BYTES.
struct Hot {
    address jobCreator;
    address provider;
    address solver;
    address author;
    uint96 pay;
    uint96 jobBond;
    uint96 resultBond;
    uint96 lateJudge;
    uint96 lateSubmit;
    uint96 damages;
    uint96 fee;
    uint96 base;
    uint96 perInstruction;
    uint96 perByte;
    uint64 instructionLimit;
    uint64 byteLimit;
    uint8 mediation;
    uint8 seats;
    uint8 appeal;
    uint16 royalty;
    uint16 solverShare;
    uint40 agreeTimeout;
    uint40 submitTimeout;
    uint40 judgeTimeout;
    uint40 mediateTimeout;
    uint40 openBy;
    bytes32 channel;
    uint64 nonce;
}

/// @notice Protocol 2.4: the rest of a deal, shown where it is opened and where it is checked. Calls take it packed, after
/// the Hot: the members in this order, each in its own width, a byte with their number before the bytes of `engine` and
/// before the addresses of `mediators`.
struct Cold {
    bytes32 jobOffer;
    bytes32 resourceOffer;
    bytes32 spec;
    bytes32 module;
    string engine;
    uint8 determinism;
    address issuer;
    uint16 tolerance;
    address directory;
    address[] mediators;
}

/// @notice Protocol 2.5: a Result but for its deal; `output` is the struct hash of the Output.
struct Outcome {
    uint8 status;
    uint64 count;
    uint64 size;
    bytes32 secretHash;
    bytes32 output;
}

/// @notice Protocol 2.6: a Check but for its deal and result.
struct Claim {
    uint8 claim;
    bytes32 salt;
    uint64 segment;
}

/// @notice Protocol 2.7: a Verdict but for its deal.
struct Ruling {
    uint8 round;
    address mediator;
    uint8 ruling;
    bytes32 output;
    uint64 count;
    uint64 size;
    bytes32 salt;
}

/// @notice Protocol 2.0.4: a party's own action, carried by anyone.
struct Send {
    address account;
    uint8 kind;
    bytes32 body;
    uint64 nonce;
    uint40 expiry;
}

/// @notice Protocol 6.1: what a mediator registers.
struct Registration {
    uint96 stake;
    bytes32[] classes;
    uint96 baseFee;
    uint96 perInstruction;
    string url;
}

/// @notice What the ledger keeps of a deal beyond its state is one hash; this is what it was made of. A step shows it
/// again. Zero where there is none yet: `result` and `cost` until a result is there, the others until a check is.
/// @param result hash of the Result that counts
/// @param cost COST of that result (protocol 5)
/// @param check struct hash of the Check
/// @param mediator the single mediator of the deal
struct Shown {
    bytes32 result;
    uint96 cost;
    bytes32 check;
    address mediator;
}

/// @notice Protocol 8.3: the channel that a deal names, by what is not in the deal.
struct Channel {
    uint64 serial;
    uint8 kind;
}

/// @notice Protocol 2.6: a ChannelAcceptance. Calls take it packed, without the channel, whose parties they name:
/// TERMS_BYTES, with number in 8 bytes, cost in 12, the shares in 2: wider members are not cut at each use.
struct Terms {
    bytes32 deal;
    bytes32 result;
    bytes32 channel;
    uint256 number;
    uint256 cost;
    uint256 royalty;
    address author;
    uint256 solverShare;
    address solver;
}

/// @notice What the rules need of a Cold.
/// @param hash its struct hash
/// @param named how many mediators it names
/// @param mediator the first of them
struct Rest {
    bytes32 hash;
    uint256 determinism;
    uint256 named;
    address mediator;
}

uint256 constant HOT_BYTES = 288;
uint256 constant TERMS_BYTES = 128;
uint256 constant SIGNATURE_BYTES = 64;
uint256 constant ITEM_BYTES = TERMS_BYTES + SIGNATURE_BYTES;
uint256 constant LIST_MAX = 100;
uint256 constant CHANNEL_BYTES = 28;
uint256 constant GROUP_BYTES = CHANNEL_BYTES + 1;
uint256 constant VOUCHER_BYTES = CHANNEL_BYTES + 28;
uint256 constant SEND_BYTES = 33 + SIGNATURE_BYTES;

// ---- values on the chain (appendix A.2, A.3) ---------------------------------------------------------

uint8 constant MEDIATION_NONE = 0;
uint8 constant MEDIATION_SINGLE = 1;
uint8 constant MEDIATION_CONSORTIUM = 2;
uint8 constant DETERMINISM_NONE = 0;
uint8 constant DETERMINISM_LAST = 2;
uint8 constant STATUS_LAST = 7;
uint8 constant REASON_LAST = 5;

uint8 constant RULING_JOB_FAULTY = 1;
uint8 constant RULING_RESULT_CORRECT = 6;
uint8 constant RULING_CANNOT_RULE = 7;

uint8 constant CHANNEL_ACCEPTANCES = 1;
uint8 constant CHANNEL_VOUCHERS = 2;

uint8 constant SEND_REQUEST_WITHDRAW = 2;
uint8 constant SEND_WITHDRAW = 3;
uint8 constant SEND_SET_PAYOUT = 4;
uint8 constant SEND_CANCEL_NONCE = 5;
uint8 constant SEND_AGREE = 6;
uint8 constant SEND_REGISTER_MEDIATOR = 7;
uint8 constant SEND_PAUSE_MEDIATOR = 8;
uint8 constant SEND_UNBOND_STAKE = 9;
uint8 constant SEND_TOP_UP = 10;
uint8 constant SEND_LEAVE_CHANNEL = 11;
uint8 constant SEND_SETTLE = 13;
uint8 constant SEND_REDEEM = 14;
uint8 constant SEND_CLAIM = 15;

uint8 constant NEGOTIATING = 1;
uint8 constant AGREED = 2;
uint8 constant RESULTS_SUBMITTED = 3;
uint8 constant RESULTS_CHECKED = 4;
uint8 constant RESULTS_ACCEPTED = 6;
uint8 constant TIMEOUT_AGREE = 7;
uint8 constant CANCELLED = 8;
uint8 constant TIMEOUT_SUBMIT = 9;
uint8 constant DECLINED = 10;
uint8 constant TIMEOUT_JUDGE = 11;
uint8 constant TIMEOUT_MEDIATE = 12;
uint8 constant MEDIATION_ACCEPTED = 13;
uint8 constant MEDIATION_REJECTED = 14;
uint8 constant MEDIATION_JOB_FAULTY = 15;

// ---- errors: one for each code of docs/errors.md that a ledger gives -----------------------------------

/// @notice RANGE: a number is out of its bounds.
error Range(uint256 value);
/// @notice NOT_FOUND: no such deal or channel here.
error NotFound(bytes32 id);
/// @notice CONFLICT: contradicts what is already recorded, or what was signed.
error Conflict(bytes32 shown);
/// @notice STATE: not allowed in the present state.
error State(uint256 state);
/// @notice PARTY: not the party that may do this.
error Party(address who);
/// @notice SIGNATURE: malformed, or not that of the party it must be.
error Signature(address who);
/// @notice TOO_LATE: the deadline that allowed it has passed.
error TooLate(uint256 deadline);
/// @notice TOO_EARLY: the deadline that allows it has not passed.
error TooEarly(uint256 deadline);
/// @notice RESULT: names another result than the one submitted.
error Result(bytes32 named);
/// @notice LIMITS: a count or size above the limit of the deal.
error Limits(uint256 value, uint256 limit);
/// @notice FUNDS: the free balance, or the sum of a channel, does not cover it.
error Funds(address who, uint256 has, uint256 needs);
/// @notice PANEL: seats, class and mediators do not go together.
error Panel(uint256 value);
/// @notice BONDS: the bonds do not cover fines, fees and damages.
error Bonds(uint256 has, uint256 needs);
/// @notice SHARES: royalty and solver share exceed the whole.
error Shares(uint256 perMille);
/// @notice CLOCKS: a timeout is below MIN or their sum above LIFE.
error Clocks(uint256 value, uint256 bound);
/// @notice NONCE: used, burnt or not the next one.
error Nonce(uint256 nonce);
/// @notice STALE: a Send that was good before `expiry`.
error Stale(uint256 expiry);
/// @notice BUSY: no new deals for now (the contract is paused), or a call within a call.
error Busy();
/// @notice PEER: the token moved another amount than it was asked to.
error Peer(uint256 moved, uint256 asked);

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Annex} from "./Annex.sol";
import {Controller} from "./Controller.sol";
import {Documents} from "./Documents.sol";
import {Packed} from "./Packed.sol";
import {Rows, Split} from "./Rows.sol";
import {Signing} from "./Signing.sol";
import "./Types.sol";

/// @notice What a contract that buys a job may offer.
interface IJobCallback {
    /// @notice The job has ended. `result` is the hash of the Result that counts; zero where there is none.
    function jobEnded(uint64 number, bool success, uint8 state, bytes32 result) external;
}

/// @title Jobs that contracts buy
/// @notice This contract is the job creator of every deal that it opens (protocol 1.1); the buyer names a judge, whose
/// key signs for it, by ERC-1271 and for this one job only. Money stays here until the deal is opened, so that a
/// request that nobody takes is paid back at once. What comes back from a deal leaves the ledger in batches, since an
/// account has one unbonding time. Every step after the request can be taken by anybody.
contract OnChainJobs is Signing, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What is bought.
    /// @param spec digest of the job spec's content id; the deal must name it
    /// @param judge whose key signs deal, acceptance and check of this job
    /// @param pay the most for PAY
    /// @param bond the most for JB
    /// @param matchBy the deal must be opened before; from then on anybody can send the money back
    /// @param callbackGas for jobEnded() of the buyer; 0: it is not called
    struct Order {
        bytes32 spec;
        address judge;
        uint96 pay;
        uint96 bond;
        uint40 matchBy;
        uint32 callbackGas;
    }

    /// @notice A job: what was ordered, and how it stands.
    /// @param state WAITING, OPENED, ENDED or CANCELLED
    /// @param dealState the final state of its deal (appendix A.3)
    /// @param batch in which `refund` leaves the ledger
    struct Job {
        Order order;
        address buyer;
        uint8 state;
        uint8 dealState;
        uint64 batch;
        uint96 refund;
        bytes32 deal;
        bytes32 result;
    }

    uint8 public constant WAITING = 1;
    uint8 public constant OPENED = 2;
    uint8 public constant ENDED = 3;
    uint8 public constant CANCELLED_ = 4;

    /// @dev The documents that a judge may sign for a job that is open: the first byte after its number.
    uint8 private constant ACCEPTANCE = 1;
    uint8 private constant CHECK = 2;
    uint8 private constant CANCEL = 3;
    /// @dev Any document of the market, for whoever but the ledger asks: offers, and deals before they are open.
    uint8 private constant OFF_LEDGER = 4;

    /// @notice The most that a callback may have.
    uint32 public constant CALLBACK_GAS_MAX = 1_000_000;
    /// @dev What is left to do after a callback.
    uint256 private constant AFTER_CALLBACK = 20_000;

    Controller private immutable LEDGER;
    IERC20 private immutable TOKEN;

    mapping(uint64 => Job) private _jobs;
    /// @notice Of the last job; it is the nonce of its deal.
    uint64 public last;
    /// @notice What came back and waits for the next batch; what is on its way out; the batch under way.
    uint96 public waiting;
    uint96 public leaving;
    uint40 public leavesAt;
    uint64 public batch = 1;

    event Requested(uint64 indexed number, address indexed buyer, address indexed judge, Order order);
    event JobOpened(uint64 indexed number, bytes32 indexed deal);
    event JobEnded(uint64 indexed number, bool success, uint8 state, bytes32 result, uint96 refund, bool calledBack);
    event JobCancelled(uint64 indexed number);
    event Refunded(uint64 indexed number, address to, uint96 amount);

    constructor(Controller ledger) {
        LEDGER = ledger;
        TOKEN = Annex(address(ledger)).token();
        TOKEN.forceApprove(address(ledger), type(uint256).max);
    }

    /// @dev Documents are signed for the ledger (2.0.1).
    function _domain() internal view override returns (bytes32) {
        return Documents.domain(block.chainid, address(LEDGER));
    }

    function _annex() private view returns (Annex) {
        return Annex(address(LEDGER));
    }

    function _in(uint64 number, uint8 state) private view returns (Job storage j) {
        j = _jobs[number];
        if (j.state == 0) revert NotFound(bytes32(uint256(number)));
        if (j.state != state) revert State(j.state);
    }

    // ---- before the match -----------------------------------------------------------------------------------

    /// @notice Orders a job, and pays PAY and JB from the sender's own allowance.
    /// @return number of the job
    /// @dev Range: no judge, or too much gas for a callback. TooLate: `matchBy` has passed. Peer: the token moved
    /// another amount.
    function request(Order calldata o) external nonReentrant returns (uint64 number) {
        if (o.judge == address(0)) revert Range(0);
        if (o.callbackGas > CALLBACK_GAS_MAX) revert Range(o.callbackGas);
        if (block.timestamp >= o.matchBy) revert TooLate(o.matchBy);
        uint256 sum = uint256(o.pay) + o.bond;
        if (sum > type(uint96).max) revert Range(sum);
        number = ++last;
        Job storage j = _jobs[number];
        (j.order, j.buyer, j.state) = (o, msg.sender, WAITING);
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), sum);
        uint256 moved = TOKEN.balanceOf(address(this)) - before;
        if (moved != sum) revert Peer(moved, sum);
        emit Requested(number, msg.sender, o.judge, o);
    }

    /// @notice Undoes a request that nobody has taken: its buyer at any time, everybody from `matchBy` on. The money
    /// goes back to the buyer at once, and the nonce is burnt.
    /// @dev Party: too early for anybody but the buyer.
    function cancel(uint64 number) external nonReentrant {
        Job storage j = _in(number, WAITING);
        if (msg.sender != j.buyer && block.timestamp < j.order.matchBy) revert Party(msg.sender);
        j.state = CANCELLED_;
        emit JobCancelled(number);
        _annex().cancelNonce(number);
        _pay(number, j.buyer, j.order.pay + j.order.bond);
    }

    function _pay(uint64 number, address to, uint96 amount) private {
        if (amount == 0) return;
        emit Refunded(number, to, amount);
        TOKEN.safeTransfer(to, amount);
    }

    /// @notice Opens the deal of a job (protocol 5.1), as its job creator; anyone may send it. What the deal does not
    /// need goes back to the buyer at once.
    /// @param full the Deal, packed
    /// @param judgeSig of the Deal
    /// @param rpSig of the Deal
    /// @dev TooLate, Conflict (the deal is of another job, or asks for more than was ordered), Signature; then whatever
    /// the ledger says.
    function open(uint64 number, bytes calldata full, bytes calldata judgeSig, bytes calldata rpSig)
        external
        nonReentrant
    {
        Job storage j = _in(number, WAITING);
        if (block.timestamp >= j.order.matchBy) revert TooLate(j.order.matchBy);
        Hot memory h = Packed.newHot()[0];
        Rest memory c;
        Packed.hot(full, h);
        Packed.rest(full, c);
        bytes32 id = Documents.deal(Documents.hash(h), c.hash);
        bytes32 spec = bytes32(full[HOT_BYTES + 64:HOT_BYTES + 96]);
        bool same = h.jobCreator == address(this) && h.nonce == number && h.channel == 0 && spec == j.order.spec;
        if (!same || h.pay > j.order.pay || h.jobBond > j.order.bond) revert Conflict(id);
        _signed(id, judgeSig, j.order.judge);
        (j.state, j.deal) = (OPENED, id);
        emit JobOpened(number, id);
        _annex().deposit(address(this), h.pay + h.jobBond);
        LEDGER.open(full, "", rpSig);
        _pay(number, j.buyer, j.order.pay + j.order.bond - h.pay - h.jobBond);
    }

    // ---- the judge ------------------------------------------------------------------------------------------

    /// @notice ERC-1271: the judge of a job that is open may accept or check the result of its deal, and agree to a
    /// cancel; nothing else is ever signed by this contract, so that no job can touch another's money.
    /// @param signature the job's number (8 bytes), kind (1), then of an Acceptance (kind 1) the result hash (32); of a
    /// Check (kind 2) result hash (32), claim (1), salt (32), segment (8); of a Cancel (kind 3) the expiry (5); then the
    /// judge's signature. Kind 4 is for solver, provider, directory and mediator, who ask before there is a deal: any
    /// document of this market, by its struct hash (32), and the judge's signature. The ledger itself is always refused
    /// it, and no other contract knows this market's documents, so it moves nothing.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length < 14) return 0xffffffff;
        Job storage j = _jobs[uint64(bytes8(signature[:8]))];
        if (uint8(signature[8]) == OFF_LEDGER) return _offLedger(digest, signature[9:], j);
        if (j.state != OPENED) return 0xffffffff;
        (bytes32 doc, uint256 size) = _document(j.deal, uint8(signature[8]), signature[9:]);
        // An empty signature would stand for whoever asks, and the ledger is no judge.
        if (size == 0 || signature.length <= 9 + size || _digest(_domain(), doc) != digest) return 0xffffffff;
        return _isSigned(doc, signature[9 + size:], j.order.judge) ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @dev Shown are the struct hash and the judge's signature: so nothing under another domain, a token's permit say,
    /// can be meant.
    function _offLedger(bytes32 digest, bytes calldata shown, Job storage j) private view returns (bytes4) {
        if (msg.sender == address(LEDGER) || j.state == 0 || shown.length <= 32) return 0xffffffff;
        bytes32 doc = bytes32(shown[:32]);
        if (_digest(_domain(), doc) != digest || !_isSigned(doc, shown[32:], j.order.judge)) return 0xffffffff;
        return this.isValidSignature.selector;
    }

    /// @return doc the struct hash of the document of this kind whose members begin `p`
    /// @return size of those members; 0: there is no such document
    function _document(bytes32 id, uint8 kind, bytes calldata p) private pure returns (bytes32 doc, uint256 size) {
        if (kind == ACCEPTANCE && p.length > 32) return (Documents.acceptance(id, bytes32(p[:32])), 32);
        if (kind == CANCEL && p.length > 5) return (Documents.cancel(id, uint40(bytes5(p[:5]))), 5);
        if (kind != CHECK || p.length <= 73) return (0, 0);
        doc = keccak256(
            abi.encode(
                Documents.CHECK,
                id,
                bytes32(p[:32]),
                uint8(p[32]),
                bytes32(p[33:65]),
                uint64(bytes8(p[65:73]))
            )
        );
        size = 73;
    }

    // ---- after the end --------------------------------------------------------------------------------------

    /// @notice The deal of a job has ended: works out what came back, keeps the outcome, and calls the buyer. Anyone.
    /// @param hot of the deal, packed
    /// @param cold struct hash of its Cold
    /// @param w what the deal's last state had (see Shown); all zero where no result came
    /// @param end hash of the Verdict or Pass that ended it; zero: neither
    /// @dev State: the deal has not ended. Conflict: what is shown is not what the ledger has. Busy: too little gas for
    /// the callback, which whoever sends this could else starve.
    function finish(uint64 number, bytes32[9] calldata hot, bytes32 cold, Shown calldata w, bytes32 end) external {
        Job storage j = _in(number, OPENED);
        Hot memory h = Packed.newHot()[0];
        Packed.hot(hot, h);
        if (Documents.deal(Documents.hash(h), cold) != j.deal) revert Conflict(j.deal);
        (uint8 state, bool rpAgreed,, bytes32 mark) = _annex().deal(j.deal);
        if (state <= RESULTS_CHECKED) revert State(state);
        bool judged = state != CANCELLED && state != DECLINED;
        if (judged && (mark ^ _markOf(w, end)) >> 56 != 0) revert Conflict(mark);
        Split memory s = Rows.split(h, state, judged ? w.cost : 0, rpAgreed);
        uint96 back = uint96(s.jcBack + s.jcEarns);
        (j.state, j.dealState, j.batch, j.refund) = (ENDED, state, batch + (leavesAt == 0 ? 0 : 1), back);
        if (judged) j.result = w.result;
        waiting += back;
        bool success = state == RESULTS_ACCEPTED || state == TIMEOUT_JUDGE || state == MEDIATION_ACCEPTED;
        // All is written: the buyer may order the next job in its callback.
        bool called = _call(j.buyer, j.order.callbackGas, number, success, state, j.result);
        emit JobEnded(number, success, state, j.result, back, called);
    }

    /// @dev The mark of Deals, from what it was made of.
    function _markOf(Shown calldata w, bytes32 end) private pure returns (bytes32 m) {
        if (w.result == 0) return 0;
        m = keccak256(abi.encode(w.result, uint256(w.cost)));
        if (w.check != 0) m = keccak256(abi.encode(m, keccak256(abi.encode(w.check, w.mediator))));
        if (end != 0) m = keccak256(abi.encode(m, end));
    }

    /// @dev Whatever the buyer does, this goes on: its gas has a bound, and what it returns is not looked at.
    function _call(address to, uint256 gas_, uint64 number, bool success, uint8 state, bytes32 result)
        private
        returns (bool ok)
    {
        if (gas_ == 0 || to.code.length == 0) return false;
        bytes memory data = abi.encodeCall(IJobCallback.jobEnded, (number, success, state, result));
        if (gasleft() < gas_ + gas_ / 32 + AFTER_CALLBACK) revert Busy();
        assembly ("memory-safe") {
            ok := call(gas_, to, 0, add(data, 32), mload(data), 0, 0)
        }
    }

    /// @notice Moves refunds out of the ledger, a batch at a time: asks for the withdrawal of all that waits, and once
    /// the unbonding time has passed, takes it. Anyone.
    /// @dev TooEarly: the batch under way is not due yet. State: there is nothing to do.
    function sweep() external nonReentrant {
        if (leavesAt != 0) {
            if (block.timestamp < leavesAt) revert TooEarly(leavesAt);
            uint96 amount = leaving;
            (leaving, leavesAt) = (0, 0);
            ++batch;
            _annex().withdraw(amount);
        } else {
            if (waiting == 0) revert State(0);
            (leaving, waiting) = (waiting, 0);
            leavesAt = uint40(block.timestamp) + _annex().constants().unbonding;
            _annex().requestWithdraw(leaving);
        }
    }

    /// @notice Pays out what came back of a job, once its batch has left the ledger; anyone, to the buyer.
    /// @dev TooEarly: it has not. State: there is nothing, or it was paid.
    function refund(uint64 number) external nonReentrant {
        Job storage j = _in(number, ENDED);
        uint96 amount = j.refund;
        if (amount == 0) revert State(0);
        if (j.batch >= batch) revert TooEarly(leavesAt);
        j.refund = 0;
        _pay(number, j.buyer, amount);
    }

    /// @notice A job, for whoever would rather ask than be called.
    function job(uint64 number) external view returns (Job memory) {
        return _jobs[number];
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Annex} from "../src/Annex.sol";
import {Controller} from "../src/Controller.sol";
import {Documents} from "../src/Documents.sol";
import {Constants} from "../src/Payments.sol";
import {Rows} from "../src/Rows.sol";
import {Token} from "../src/Token.sol";
import "../src/Types.sol";
import {Checks} from "./Vm.sol";

/// @notice Parties, deals and documents at hand: the same as src/ledger/ledger_play.h has, so that the figures of
/// the two can be compared.
abstract contract Play is Checks {
    uint256 internal constant JC = 0x1001;
    uint256 internal constant RP = 0x1002;
    uint256 internal constant SOLVER = 0x1003;
    uint256 internal constant AUTHOR = 0x1004;
    uint256 internal constant MEDIATOR = 0x1005;
    uint256 internal constant MALLORY = 0x1006;
    uint256 internal constant START = 1_000_000;
    uint40 internal constant LIFE = 10_000;
    uint40 internal constant UNBONDING = 20_000;

    Controller internal ledger;
    Annex internal annex; // the same address, with the functions of Annex
    Token internal token;

    function setUp() public virtual {
        vm.warp(1_000_000);
        token = Token(made("Token", abi.encode("Lilypad", "LP", uint8(18), address(this), uint256(1) << 100)));
        ledger = Controller(made("Controller", abi.encode(token, Constants(60, LIFE, UNBONDING, false, pauser()))));
        annex = Annex(address(ledger));
        token.approve(address(ledger), type(uint256).max);
        for (uint256 k = JC; k <= MALLORY; ++k) {
            annex.deposit(vm.addr(k), uint96(START));
        }
    }

    function pauser() internal view virtual returns (address) {
        return address(this);
    }

    /// @notice A contract from what was compiled: with `new`, each test would carry all of it.
    function made(string memory name, bytes memory arguments) internal returns (address out) {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            out := create(0, add(code, 32), mload(code))
        }
        require(out != address(0), name);
    }

    // ---- deals ------------------------------------------------------------------------------------------

    /// @notice PAY 1 000, JB 500, RB 400, Cj 20, Cs 30, D 100, FEE 10; COST 100 + 3 * count + 1 * bytes; ROY 50 and
    /// SOL 30 per mille; single mediation; each timeout 100 s except submit, 200 s.
    function hot(uint64 nonce) internal pure returns (Hot memory h) {
        h.jobCreator = vm.addr(JC);
        h.provider = vm.addr(RP);
        h.solver = vm.addr(SOLVER);
        h.author = vm.addr(AUTHOR);
        h.pay = 1000;
        h.jobBond = 500;
        h.resultBond = 400;
        h.lateJudge = 20;
        h.lateSubmit = 30;
        h.damages = 100;
        h.fee = 10;
        h.base = 100;
        h.perInstruction = 3;
        h.perByte = 1;
        h.instructionLimit = 1000;
        h.byteLimit = 500;
        h.mediation = MEDIATION_SINGLE;
        h.seats = 1;
        h.royalty = 50;
        h.solverShare = 30;
        h.agreeTimeout = 100;
        h.submitTimeout = 200;
        h.judgeTimeout = 100;
        h.mediateTimeout = 100;
        h.openBy = 1_001_000;
        h.nonce = nonce;
    }

    function cold() internal pure returns (Cold memory c) {
        c.jobOffer = keccak256("job offer");
        c.resourceOffer = keccak256("resource offer");
        c.spec = keccak256("spec");
        c.module = keccak256("module");
        c.engine = "wasm/wasmtime-48.0.0/x86_64/9f2c4e6a";
        c.determinism = 1;
        c.directory = vm.addr(0x2001);
        c.mediators = new address[](1);
        c.mediators[0] = vm.addr(MEDIATOR);
    }

    /// @notice Without mediation.
    function plain(Hot memory h, Cold memory c) internal pure {
        h.seats = 0;
        h.mediation = MEDIATION_NONE;
        h.jobBond = h.lateJudge;
        h.resultBond = h.lateSubmit;
        c.determinism = DETERMINISM_NONE;
        c.mediators = new address[](0);
    }

    /// @notice EIP-712 of a Cold, from its members.
    function coldHash(Cold memory c) internal pure returns (bytes32) {
        bytes32[] memory m = new bytes32[](c.mediators.length);
        for (uint256 i = 0; i < m.length; ++i) {
            m[i] = bytes32(uint256(uint160(c.mediators[i])));
        }
        return keccak256(
            bytes.concat(
                abi.encode(Documents.COLD, c.jobOffer, c.resourceOffer, c.spec, c.module, keccak256(bytes(c.engine))),
                abi.encode(c.determinism, c.issuer, c.tolerance, c.directory, keccak256(abi.encodePacked(m)))
            )
        );
    }

    /// @notice The 288 bytes of a Hot as nine words.
    function packHot(Hot memory h) internal pure returns (bytes32[9] memory) {
        return abi.decode(hotBytes(h), (bytes32[9]));
    }

    function hotBytes(Hot memory h) internal pure returns (bytes memory) {
        return bytes.concat(
            abi.encodePacked(h.jobCreator, h.provider, h.solver, h.author, h.pay, h.jobBond, h.resultBond, h.lateJudge),
            abi.encodePacked(h.lateSubmit, h.damages, h.fee, h.base, h.perInstruction, h.perByte, h.instructionLimit),
            abi.encodePacked(h.byteLimit, h.mediation, h.seats, h.appeal, h.royalty, h.solverShare, h.agreeTimeout),
            abi.encodePacked(h.submitTimeout, h.judgeTimeout, h.mediateTimeout, h.openBy, h.channel, h.nonce)
        );
    }

    function packCold(Cold memory c) internal pure returns (bytes memory out) {
        out = bytes.concat(
            abi.encodePacked(c.jobOffer, c.resourceOffer, c.spec, c.module, uint8(bytes(c.engine).length), c.engine),
            abi.encodePacked(c.determinism, c.issuer, c.tolerance, c.directory, uint8(c.mediators.length))
        );
        for (uint256 i = 0; i < c.mediators.length; ++i) {
            out = bytes.concat(out, bytes20(c.mediators[i]));
        }
    }

    function pack(Hot memory h, Cold memory c) internal pure returns (bytes memory) {
        return bytes.concat(hotBytes(h), packCold(c));
    }

    function packTerms(Terms memory a) internal pure returns (bytes memory) {
        return abi.encodePacked(
            a.deal,
            a.result,
            uint64(a.number),
            uint96(a.cost),
            uint16(a.royalty),
            a.author,
            uint16(a.solverShare),
            a.solver
        );
    }

    function idOf(Hot memory h, Cold memory c) internal pure returns (bytes32) {
        return Documents.deal(Documents.hash(h), coldHash(c));
    }

    // ---- documents --------------------------------------------------------------------------------------

    function signature(uint256 key, bytes32 doc) internal view returns (bytes memory) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", Documents.domain(block.chainid, address(ledger)), doc));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, bytes32(uint256(s) | (v == 28 ? 1 << 255 : 0)));
    }

    /// @notice COST at 100 instructions and 50 bytes: 450; ROY 22, SOL 13.
    function outcome() internal pure returns (Outcome memory) {
        return Outcome(1, 100, 50, keccak256("secret"), keccak256("output"));
    }

    function resultOf(bytes32 id, Outcome memory o) internal pure returns (bytes32) {
        return keccak256(abi.encode(Documents.RESULT, id, o.status, o.count, o.size, o.secretHash, o.output));
    }

    function complaint() internal pure returns (Claim memory) {
        return Claim(4, keccak256("salt"), 0);
    }

    function checkOf(bytes32 id, bytes32 named, Claim memory k) internal pure returns (bytes32) {
        return keccak256(abi.encode(Documents.CHECK, id, named, k.claim, k.salt, k.segment));
    }

    function ruling(uint8 r) internal pure returns (Ruling memory) {
        return Ruling(0, vm.addr(MEDIATOR), r, keccak256("tree"), 100, 50, keccak256("mediator's salt"));
    }

    function verdictOf(bytes32 id, Ruling memory v) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(Documents.VERDICT, id, v.round, v.mediator, v.ruling, v.output, v.count, v.size, v.salt)
        );
    }

    function shownResult(Hot memory h, Cold memory c, Outcome memory o) internal pure returns (Shown memory w) {
        w.result = resultOf(idOf(h, c), o);
        w.cost = Rows.cost(h, o.count, o.size);
    }

    function shownCheck(Hot memory h, Cold memory c) internal pure returns (Shown memory w) {
        w = shownResult(h, c, outcome());
        w.check = checkOf(idOf(h, c), w.result, complaint());
        w.mediator = vm.addr(MEDIATOR);
    }

    // ---- moves ------------------------------------------------------------------------------------------

    function open(Hot memory h, Cold memory c) internal {
        bytes32 id = idOf(h, c);
        ledger.open(pack(h, c), signature(JC, id), signature(RP, id));
    }

    function agree(uint256 key, Hot memory h, Cold memory c) internal {
        vm.prank(vm.addr(key));
        ledger.agree(pack(h, c));
    }

    /// @notice The result comes along.
    function acceptWith(Hot memory h, Cold memory c, Outcome memory o) internal {
        bytes32 id = idOf(h, c);
        bytes32 named = resultOf(id, o);
        ledger.acceptWith(
            packHot(h), coldHash(c), o, signature(RP, named), signature(JC, Documents.acceptance(id, named))
        );
    }

    function submit(Hot memory h, Cold memory c) internal {
        ledger.submit(packHot(h), coldHash(c), outcome(), signature(RP, resultOf(idOf(h, c), outcome())));
    }

    function accept(Hot memory h, Cold memory c) internal {
        Shown memory w = shownResult(h, c, outcome());
        ledger.accept(packHot(h), coldHash(c), w.result, w.cost, signature(JC, Documents.acceptance(idOf(h, c), w.result)));
    }

    function check(Hot memory h, Cold memory c) internal {
        Shown memory w = shownResult(h, c, outcome());
        ledger.check(pack(h, c), w.result, w.cost, complaint(), signature(JC, checkOf(idOf(h, c), w.result, complaint())));
    }

    function rule(Hot memory h, Cold memory c, uint8 r) internal {
        Ruling memory v = ruling(r);
        ledger.rule(packHot(h), coldHash(c), shownCheck(h, c), v, signature(MEDIATOR, verdictOf(idOf(h, c), v)));
    }

    function pass(Hot memory h, Cold memory c) internal {
        address m = vm.addr(MEDIATOR);
        bytes32 doc = Documents.pass(idOf(h, c), 0, m);
        ledger.pass(packHot(h), coldHash(c), shownCheck(h, c), 0, m, signature(MEDIATOR, doc));
    }

    function cancel(Hot memory h, Cold memory c) internal {
        uint40 expiry = uint40(block.timestamp + 1);
        bytes32 doc = Documents.cancel(idOf(h, c), expiry);
        ledger.cancel(packHot(h), coldHash(c), expiry, signature(JC, doc), signature(RP, doc));
    }

    function decline(Hot memory h, Cold memory c) internal {
        ledger.decline(packHot(h), coldHash(c), 4, signature(RP, Documents.decline(idOf(h, c), 4)));
    }

    function timeout(Hot memory h, Cold memory c, Shown memory w) internal {
        (,, uint40 deadline,) = annex.deal(idOf(h, c));
        vm.warp(deadline);
        ledger.timeout(packHot(h), coldHash(c), w);
    }

    // ---- what there is ------------------------------------------------------------------------------------

    function stateOf(Hot memory h, Cold memory c) internal view returns (uint256 state) {
        (state,,,) = annex.deal(idOf(h, c));
    }

    function freeOf(uint256 key) internal view returns (uint256 free) {
        (free,,,,,,) = annex.account(vm.addr(key));
    }

    function lockedOf(uint256 key) internal view returns (uint256 locked) {
        (, locked,,,,,) = annex.account(vm.addr(key));
    }

    function sinkOf() internal view returns (uint256 sink) {
        (, sink) = annex.totals();
    }

    /// @notice What the parties have gained or lost since the start, and that nothing is locked any more.
    function changed(int256 jc, int256 rp, int256 solver, int256 author, int256 mediator, int256 sink) internal view {
        equal(uint256(int256(freeOf(JC)) - int256(START)), uint256(jc), "job creator");
        equal(uint256(int256(freeOf(RP)) - int256(START)), uint256(rp), "provider");
        equal(uint256(int256(freeOf(SOLVER)) - int256(START)), uint256(solver), "solver");
        equal(uint256(int256(freeOf(AUTHOR)) - int256(START)), uint256(author), "author");
        equal(uint256(int256(freeOf(MEDIATOR)) - int256(START)), uint256(mediator), "mediator");
        equal(sinkOf(), uint256(sink), "sink");
        equal(lockedOf(JC) + lockedOf(RP), 0, "locked");
    }

    /// @notice The call is refused with this error, and so changes nothing.
    function refused(bytes memory error_) internal {
        vm.expectRevert(error_);
    }
}

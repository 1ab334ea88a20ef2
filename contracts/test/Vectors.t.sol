// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {Packed} from "../src/Packed.sol";
import {Signing} from "../src/Signing.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

contract Signer is Signing {
    function isSigned(bytes32 doc, bytes calldata sig, address who) external view returns (bool) {
        return _isSigned(doc, sig, who);
    }

    function domain() external view returns (bytes32) {
        return _domain();
    }
}

/// @notice Struct hashes, digests and signatures of tests/vectors/documents.json, which another implementation of
/// EIP-712 has made.
contract VectorsTest is Play {
    string private all;
    uint256 private tried;

    function setUp() public override {
        all = vm.readFile("../tests/vectors/documents.json");
    }

    function typeName(string memory encoded) private pure returns (string memory out) {
        bytes memory b = bytes(encoded);
        uint256 n;
        while (b[n] != "(") ++n;
        out = encoded;
        assembly ("memory-safe") {
            mstore(out, n)
        }
    }

    function is_(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    function num(string memory j, string memory key) private pure returns (uint256) {
        return vm.parseJsonUint(j, key);
    }

    function b32(string memory j, string memory key) private pure returns (bytes32) {
        return vm.parseJsonBytes32(j, key);
    }

    function adr(string memory j, string memory key) private pure returns (address) {
        return vm.parseJsonAddress(j, key);
    }

    /// @notice The digest of a CIDv1 in base32; zero where it is empty.
    function cid(string memory j, string memory key) private pure returns (bytes32 out) {
        bytes memory text = bytes(vm.parseJsonString(j, key));
        uint256 bits;
        for (uint256 i = 1; i < text.length; ++i) {
            uint8 c = uint8(text[i]);
            // 36 bytes are 58 digits, of which the last has 2 bits to spare.
            uint256 v = c >= 97 ? c - 97 : c - 24;
            if (i < text.length - 1) bits = bits << 5 | v;
            else bits = bits << 3 | v >> 2;
        }
        return bytes32(bits);
    }

    function hotOf(string memory j, string memory at_) private pure returns (Hot memory h) {
        h.jobCreator = adr(j, string.concat(at_, ".jobCreator"));
        h.provider = adr(j, string.concat(at_, ".provider"));
        h.solver = adr(j, string.concat(at_, ".solver"));
        h.author = adr(j, string.concat(at_, ".author"));
        h.pay = uint96(num(j, string.concat(at_, ".pay")));
        h.jobBond = uint96(num(j, string.concat(at_, ".jobBond")));
        h.resultBond = uint96(num(j, string.concat(at_, ".resultBond")));
        h.lateJudge = uint96(num(j, string.concat(at_, ".lateJudge")));
        h.lateSubmit = uint96(num(j, string.concat(at_, ".lateSubmit")));
        h.damages = uint96(num(j, string.concat(at_, ".damages")));
        h.fee = uint96(num(j, string.concat(at_, ".fee")));
        h.base = uint96(num(j, string.concat(at_, ".base")));
        h.perInstruction = uint96(num(j, string.concat(at_, ".perInstruction")));
        h.perByte = uint96(num(j, string.concat(at_, ".perByte")));
        h.instructionLimit = uint64(num(j, string.concat(at_, ".instructionLimit")));
        h.byteLimit = uint64(num(j, string.concat(at_, ".byteLimit")));
        h.mediation = uint8(num(j, string.concat(at_, ".mediation")));
        h.seats = uint8(num(j, string.concat(at_, ".seats")));
        h.appeal = uint8(num(j, string.concat(at_, ".appeal")));
        h.royalty = uint16(num(j, string.concat(at_, ".royalty")));
        h.solverShare = uint16(num(j, string.concat(at_, ".solverShare")));
        h.agreeTimeout = uint40(num(j, string.concat(at_, ".agreeTimeout")));
        h.submitTimeout = uint40(num(j, string.concat(at_, ".submitTimeout")));
        h.judgeTimeout = uint40(num(j, string.concat(at_, ".judgeTimeout")));
        h.mediateTimeout = uint40(num(j, string.concat(at_, ".mediateTimeout")));
        h.openBy = uint40(num(j, string.concat(at_, ".openBy")));
        h.channel = b32(j, string.concat(at_, ".channel"));
        h.nonce = uint64(num(j, string.concat(at_, ".nonce")));
    }

    function coldOf(string memory j, string memory at_) private pure returns (Cold memory c) {
        c.jobOffer = b32(j, string.concat(at_, ".jobOffer"));
        c.resourceOffer = b32(j, string.concat(at_, ".resourceOffer"));
        c.spec = cid(j, string.concat(at_, ".spec"));
        c.module = b32(j, string.concat(at_, ".module"));
        c.engine = vm.parseJsonString(j, string.concat(at_, ".engine"));
        c.determinism = uint8(num(j, string.concat(at_, ".determinism")));
        c.issuer = adr(j, string.concat(at_, ".issuer"));
        c.tolerance = uint16(num(j, string.concat(at_, ".tolerance")));
        c.directory = adr(j, string.concat(at_, ".directory"));
        c.mediators = vm.parseJsonAddressArray(j, string.concat(at_, ".mediators"));
    }

    /// @notice The hash as the contracts make it, from the packed bytes that a call carries.
    function hashOfHot(bytes32[9] calldata packed) external pure returns (bytes32) {
        Hot memory h;
        Packed.hot(packed, h);
        return Documents.hash(h);
    }

    function hashOfCold(bytes calldata packed) external pure returns (bytes32) {
        Rest memory c;
        Packed.rest(packed, c);
        return c.hash;
    }

    function hashOfTerms(bytes calldata packed, bytes32 channel) external pure returns (bytes32) {
        Terms memory a;
        Packed.terms(Packed.start(packed, TERMS_BYTES), a);
        a.channel = channel;
        return Documents.hash(a);
    }

    function hashOfResult(bytes32 id, Outcome calldata o) external pure returns (bytes32) {
        return Documents.result(id, o);
    }

    function hashOfCheck(bytes32 id, bytes32 named, Claim calldata k) external pure returns (bytes32) {
        return Documents.check(id, named, k);
    }

    function hashOfVerdict(bytes32 id, Ruling calldata v) external pure returns (bytes32) {
        return Documents.verdict(id, v);
    }

    function coldHashOf(string memory j, string memory at_) private view returns (bytes32) {
        return this.hashOfCold(bytes.concat(new bytes(HOT_BYTES), packCold(coldOf(j, at_))));
    }

    function termsHash(string memory j) private view returns (bytes32) {
        Terms memory a = Terms(
            b32(j, ".deal"),
            b32(j, ".result"),
            0,
            uint64(num(j, ".number")),
            uint96(num(j, ".cost")),
            uint16(num(j, ".royalty")),
            adr(j, ".author"),
            uint16(num(j, ".solverShare")),
            adr(j, ".solver")
        );
        return this.hashOfTerms(packTerms(a), b32(j, ".channel"));
    }

    function resultHash(string memory j) private view returns (bytes32) {
        bytes32 outputType = keccak256("Output(bytes32 tree,bytes32 checkpoint)");
        bytes32 output = keccak256(abi.encode(outputType, cid(j, ".output.tree"), b32(j, ".output.checkpoint")));
        return this.hashOfResult(
            b32(j, ".deal"),
            Outcome(
                uint8(num(j, ".status")),
                uint64(num(j, ".count")),
                uint64(num(j, ".bytes")),
                b32(j, ".secretHash"),
                output
            )
        );
    }

    function verdictHash(string memory j) private view returns (bytes32) {
        return this.hashOfVerdict(
            b32(j, ".deal"),
            Ruling(
                uint8(num(j, ".round")),
                adr(j, ".mediator"),
                uint8(num(j, ".ruling")),
                b32(j, ".output"),
                uint64(num(j, ".count")),
                uint64(num(j, ".bytes")),
                b32(j, ".salt")
            )
        );
    }

    function registrationHash(string memory j) private pure returns (bytes32) {
        return Documents.registration(
            Registration(
                uint96(num(j, ".stake")),
                vm.parseJsonBytes32Array(j, ".classes"),
                uint96(num(j, ".baseFee")),
                uint96(num(j, ".perInstruction")),
                vm.parseJsonString(j, ".url")
            )
        );
    }

    function channelHash(string memory j) private pure returns (bytes32) {
        bytes32 id = Documents.channelId(
            adr(j, ".id.jobCreator"),
            adr(j, ".id.provider"),
            uint64(num(j, ".id.serial")),
            uint8(num(j, ".id.kind"))
        );
        return Documents.channel(
            id, uint96(num(j, ".jobSum")), uint96(num(j, ".providerSum")), uint40(num(j, ".openBy"))
        );
    }

    function sendHash(string memory j) private pure returns (bytes32) {
        return Documents.send(
            adr(j, ".account"),
            uint8(num(j, ".kind")),
            b32(j, ".body"),
            uint64(num(j, ".nonce")),
            uint40(num(j, ".expiry"))
        );
    }

    /// @return type_ the type hash of this type in the contracts; zero: they do not know it
    function hashes(string memory t, string memory j) private view returns (bytes32 type_, bytes32 struct_) {
        if (is_(t, "Hot")) return (Documents.HOT, this.hashOfHot(packHot(hotOf(j, ""))));
        if (is_(t, "Cold")) return (Documents.COLD, coldHashOf(j, ""));
        if (is_(t, "Deal")) {
            bytes32 h = this.hashOfHot(packHot(hotOf(j, ".hot")));
            return (Documents.DEAL, Documents.deal(h, coldHashOf(j, ".cold")));
        }
        if (is_(t, "Result")) return (Documents.RESULT, resultHash(j));
        if (is_(t, "Acceptance")) {
            return (Documents.ACCEPTANCE, Documents.acceptance(b32(j, ".deal"), b32(j, ".result")));
        }
        if (is_(t, "ChannelAcceptance")) return (Documents.CHANNEL_ACCEPTANCE, termsHash(j));
        if (is_(t, "Check")) {
            Claim memory k = Claim(uint8(num(j, ".claim")), b32(j, ".salt"), uint64(num(j, ".segment")));
            return (Documents.CHECK, this.hashOfCheck(b32(j, ".deal"), b32(j, ".result"), k));
        }
        if (is_(t, "Verdict")) return (Documents.VERDICT, verdictHash(j));
        if (is_(t, "Pass")) {
            bytes32 p = Documents.pass(b32(j, ".deal"), uint8(num(j, ".round")), adr(j, ".mediator"));
            return (Documents.PASS, p);
        }
        if (is_(t, "Decline")) {
            return (Documents.DECLINE, Documents.decline(b32(j, ".deal"), uint8(num(j, ".reason"))));
        }
        if (is_(t, "Cancel")) {
            return (Documents.CANCEL, Documents.cancel(b32(j, ".deal"), uint40(num(j, ".expiry"))));
        }
        return more(t, j);
    }

    function more(string memory t, string memory j) private pure returns (bytes32 type_, bytes32 struct_) {
        if (is_(t, "ChannelId")) {
            bytes32 id = Documents.channelId(
                adr(j, ".jobCreator"), adr(j, ".provider"), uint64(num(j, ".serial")), uint8(num(j, ".kind"))
            );
            return (Documents.CHANNEL_ID, id);
        }
        if (is_(t, "Channel")) return (Documents.CHANNEL, channelHash(j));
        if (is_(t, "ChannelLeave")) {
            return (Documents.CHANNEL_LEAVE, Documents.channelLeave(b32(j, ".channel"), uint40(num(j, ".expiry"))));
        }
        if (is_(t, "Voucher")) {
            bytes32 v = Documents.voucher(
                b32(j, ".channel"), uint96(num(j, ".sum")), uint64(num(j, ".number")), uint64(num(j, ".claims"))
            );
            return (Documents.VOUCHER, v);
        }
        if (is_(t, "Send")) return (Documents.SEND, sendHash(j));
        if (is_(t, "Registration")) return (Documents.REGISTRATION, registrationHash(j));
        type_ = body(t);
        if (is_(t, "Withdrawal")) struct_ = keccak256(abi.encode(type_, num(j, ".amount")));
        if (is_(t, "Payout")) struct_ = keccak256(abi.encode(type_, adr(j, ".to")));
        if (is_(t, "NonceCancel")) struct_ = keccak256(abi.encode(type_, num(j, ".nonce")));
        if (is_(t, "Pause")) struct_ = keccak256(abi.encode(type_, vm.parseJsonBool(j, ".paused")));
        if (is_(t, "TopUp")) struct_ = keccak256(abi.encode(type_, b32(j, ".channel"), num(j, ".amount")));
        if (is_(t, "Leave")) struct_ = keccak256(abi.encode(type_, b32(j, ".channel")));
    }

    function body(string memory t) private pure returns (bytes32) {
        if (is_(t, "Withdrawal")) return Documents.WITHDRAWAL;
        if (is_(t, "Payout")) return Documents.PAYOUT;
        if (is_(t, "NonceCancel")) return Documents.NONCE_CANCEL;
        if (is_(t, "Pause")) return Documents.PAUSE;
        if (is_(t, "TopUp")) return Documents.TOP_UP;
        if (is_(t, "Leave")) return Documents.LEAVE;
        return 0;
    }

    function test_vectors() public {
        address controller = vm.parseJsonAddress(all, ".controller");
        vm.etch(controller, address(new Signer()).code);
        vm.chainId(vm.parseJsonUint(all, ".chainId"));
        equal(Signer(controller).domain(), vm.parseJsonBytes32(all, ".domains.evm"), "domain");
        address account = vm.parseJsonAddress(all, ".account");
        for (uint256 i = 0; vm.keyExistsJson(all, string.concat(".documents[", vm.toString(i), "]")); ++i) {
            one(string.concat(".documents[", vm.toString(i), "]"), Signer(controller), account);
        }
        equal(tried, 23 * 3, "documents");
    }

    function one(string memory at_, Signer signer, address account) private {
        string memory encoded = vm.parseJsonString(all, string.concat(at_, ".encodeType"));
        string memory what = vm.parseJsonString(all, string.concat(at_, ".type"));
        (bytes32 type_, bytes32 doc) = hashes(what, vm.parseJsonString(all, string.concat(at_, ".json")));
        if (type_ == 0) return;
        ++tried;
        equal(keccak256(bytes(encoded)), type_, what);
        equal(vm.parseJsonBytes32(all, string.concat(at_, ".structHash")), doc, what);
        bytes memory sig = vm.parseJsonBytes(all, string.concat(at_, ".evm.signature"));
        isTrue(signer.isSigned(doc, sig, account), what);
        isTrue(!signer.isSigned(~doc, sig, account), what);
    }

    function test_no_signature_but_low_s_in_64_or_65_bytes() public {
        Signer signer = new Signer();
        bytes32 doc = keccak256("document");
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", signer.domain(), doc));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(JC, digest);
        address who = vm.addr(JC);
        isTrue(signer.isSigned(doc, abi.encodePacked(r, s, v), who), "65 bytes");
        bytes32 vs = bytes32(uint256(s) | (uint256(v) - 27) << 255);
        isTrue(signer.isSigned(doc, abi.encodePacked(r, vs), who), "64 bytes");
        isTrue(!signer.isSigned(doc, abi.encodePacked(r, s, v - 27), who), "v 0 or 1");
        isTrue(!signer.isSigned(doc, abi.encodePacked(r, s, v, uint8(0)), who), "66 bytes");
        isTrue(!signer.isSigned(doc, abi.encodePacked(r, s), who) || v == 27, "no v");
        isTrue(!signer.isSigned(doc, abi.encodePacked(r), who), "32 bytes");
        isTrue(!signer.isSigned(doc, "", who), "empty, and another sends");
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory high = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        isTrue(!signer.isSigned(doc, high, who), "high s");
        isTrue(!signer.isSigned(doc, abi.encodePacked(r, s, uint8(29)), address(0)), "account zero");
        isTrue(!signer.isSigned(doc, new bytes(65), address(0)), "account zero");
    }

    function test_the_domain_follows_a_fork_of_the_chain() public {
        Signer signer = new Signer();
        bytes32 before = signer.domain();
        equal(before, Documents.domain(block.chainid, address(signer)), "domain");
        vm.chainId(77);
        equal(signer.domain(), Documents.domain(77, address(signer)), "domain of the fork");
    }
}

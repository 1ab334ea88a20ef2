// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./Types.sol";

/// @title Struct hashes of the documents (EIP-712)
/// @notice Protocol 2.0.1: the id of a document is its struct hash. The type hashes are those of appendix A;
/// contracts/test compares every function here with tests/vectors/documents.json.
library Documents {
    bytes32 internal constant HOT = 0x6f9d3c3510ebb9ad53efde9377e8cd2feb820286bec9f496c2414ae7d7cacdae;
    bytes32 internal constant COLD = 0x80a18e5c8b5db25245ded250745f1c4fa3dbb1bdd4b84fcc1131948e7eac60d0;
    bytes32 internal constant DEAL = 0x77da43ab7ab94e2c50667ab06eb46f6a0de41b9bc2a1837946d88f2eae031c5c;
    bytes32 internal constant RESULT = 0xed606613400c95267c74ae70fecb9f4a70de1a06ebc69dea430df1e94fc57e42;
    bytes32 internal constant ACCEPTANCE = 0x916aeac42365653144b93eee9185a2452986b4ea998e1fbca247e73b2dc212fe;
    bytes32 internal constant CHANNEL_ACCEPTANCE = 0x436f519b7bdf207d869692513fc6c5067ae1589ea6f3bd441afb58979f13126a;
    bytes32 internal constant CHECK = 0x4e8857ef40a5e1c49ac73aca887c44cec35c9971c2a438e969ab7582f77f181d;
    bytes32 internal constant VERDICT = 0x4ff434a63ee0a74c16539a209620cd4bb123c8339e80d482eeee60a45d6f153a;
    bytes32 internal constant PASS = 0xc026f1e1cc29e68d86b95187e658a2f703603b389ec22e35b43789a4d3b03829;
    bytes32 internal constant DECLINE = 0x026a691f65aed43b81b4b0ecd7987f1aba0f79606b8b7291c259121ff62c798a;
    bytes32 internal constant CANCEL = 0x51412213de83208e3cefa6aa8d43d691c43345ea8179a000b3155167f619118e;
    bytes32 internal constant CHANNEL_ID = 0x8e7bb7587932f6a4d3e97434af01271877a82d473e6b4bebcccf5a516f1bd662;
    bytes32 internal constant CHANNEL = 0xb204af1f4b80c360cf411190ec5e0129734f94ae29aec51b94af2c633fd80fba;
    bytes32 internal constant CHANNEL_LEAVE = 0x9008c565b010492f3b439e6eafaac1e6bbb60ade7fe93ac6c64c50ae4114f8fa;
    bytes32 internal constant VOUCHER = 0x45b7079c1a7f0391610761cc947266e209f243173862e2efaa213af6d7274ef1;
    bytes32 internal constant SEND = 0xd66e6351c8ebe1051a5eb5d2ef08f2c17c4352961748ec59ef7cb90c5af36d8e;
    bytes32 internal constant WITHDRAWAL = 0xb840d9ae69f195f10ce3e0b74ab49ea8fd0cc5bf21a18d62830693726cc677c0;
    bytes32 internal constant PAYOUT = 0xa6f6256177322846d311f3068f80580d88742ba2c82e38b7dad1d05ed9cc4e54;
    bytes32 internal constant NONCE_CANCEL = 0x68f9c552359cec42695cd2be439349c269596fdbcc6a172a7e7d9d91d34d6266;
    bytes32 internal constant REGISTRATION = 0x7c0641a64b6b809c1c0743878e4283402cc7c9d283abe838b163a430fd1d9f62;
    bytes32 internal constant PAUSE = 0xd3d5c3afc47b10c373a0baeb2d5f873f9e0cc158bbb363239b4d071fdbd0aa3e;
    bytes32 internal constant TOP_UP = 0xf389cf6fc47ecee75f27d52f60018f70cb018cbc282bba9ea656473243f569f6;
    bytes32 internal constant LEAVE = 0x995b7260669f1adaf53a3b7530daf8d53f3deec6b96849676327c8840db78584;
    bytes32 internal constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    uint256 internal constant ENGINE_MAX = 64;
    uint256 internal constant MEDIATORS_MAX = 32;
    uint256 internal constant CLASSES_MAX = 16;
    uint256 internal constant URL_MAX = 255;

    /// @notice The domain of every signature (protocol 2.0.1).
    function domain(uint256 chain, address controller) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, keccak256("lilypad"), keccak256("1"), chain, controller));
    }

    /// @notice A struct in memory is its members, a word each: its encoding but for the type hash, which is put before
    /// it for as long as the hashing takes.
    function hash(Hot memory h) internal pure returns (bytes32 r) {
        bytes32 t = HOT;
        assembly ("memory-safe") {
            let p := sub(h, 32)
            let before := mload(p)
            mstore(p, t)
            r := keccak256(p, 928)
            mstore(p, before)
        }
    }

    /// @notice A ChannelAcceptance, in the same way.
    function hash(Terms memory a) internal pure returns (bytes32 r) {
        bytes32 t = CHANNEL_ACCEPTANCE;
        assembly ("memory-safe") {
            let p := sub(a, 32)
            let before := mload(p)
            mstore(p, t)
            r := keccak256(p, 320)
            mstore(p, before)
        }
    }

    /// @notice The id of a deal from the struct hashes of its parts.
    function deal(bytes32 hot, bytes32 cold) internal pure returns (bytes32) {
        return _hash(DEAL, hot, cold);
    }

    /// @notice Three words, in memory that nobody keeps.
    function _hash(bytes32 t, bytes32 a, bytes32 b) private pure returns (bytes32 r) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, t)
            mstore(add(p, 32), a)
            mstore(add(p, 64), b)
            r := keccak256(p, 96)
        }
    }

    /// @notice The members are read one by one, which tests their bounds.
    function result(bytes32 id, Outcome calldata o) internal pure returns (bytes32 r) {
        bytes32 t = RESULT;
        (uint256 status, uint256 count, uint256 size) = (o.status, o.count, o.size);
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, t)
            mstore(add(p, 32), id)
            mstore(add(p, 64), status)
            mstore(add(p, 96), count)
            mstore(add(p, 128), size)
            calldatacopy(add(p, 160), add(o, 96), 64)
            r := keccak256(p, 224)
        }
    }

    function acceptance(bytes32 id, bytes32 named) internal pure returns (bytes32) {
        return _hash(ACCEPTANCE, id, named);
    }

    function check(bytes32 id, bytes32 named, Claim calldata c) internal pure returns (bytes32) {
        return keccak256(abi.encode(CHECK, id, named, c.claim, c.salt, c.segment));
    }

    function verdict(bytes32 id, Ruling calldata v) internal pure returns (bytes32) {
        return keccak256(abi.encode(VERDICT, id, v.round, v.mediator, v.ruling, v.output, v.count, v.size, v.salt));
    }

    function pass(bytes32 id, uint8 round, address mediator) internal pure returns (bytes32) {
        return keccak256(abi.encode(PASS, id, round, mediator));
    }

    function decline(bytes32 id, uint8 reason) internal pure returns (bytes32) {
        return keccak256(abi.encode(DECLINE, id, reason));
    }

    function cancel(bytes32 id, uint40 expiry) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCEL, id, expiry));
    }

    function channelId(address jc, address rp, uint64 serial, uint8 kind) internal pure returns (bytes32 r) {
        bytes32 t = CHANNEL_ID;
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, t)
            mstore(add(p, 32), jc)
            mstore(add(p, 64), rp)
            mstore(add(p, 96), serial)
            mstore(add(p, 128), kind)
            r := keccak256(p, 160)
        }
    }

    function channel(bytes32 id, uint96 jobSum, uint96 providerSum, uint40 openBy) internal pure returns (bytes32) {
        return keccak256(abi.encode(CHANNEL, id, jobSum, providerSum, openBy));
    }

    function channelLeave(bytes32 id, uint40 expiry) internal pure returns (bytes32) {
        return keccak256(abi.encode(CHANNEL_LEAVE, id, expiry));
    }

    function voucher(bytes32 id, uint96 sum, uint64 number, uint64 claims) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER, id, sum, number, claims));
    }

    function send(address account, uint8 kind, bytes32 body, uint64 nonce, uint40 expiry)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SEND, account, kind, body, nonce, expiry));
    }

    /// @notice Range: more than 16 classes, or a URL above 255 bytes (appendix A).
    function registration(Registration memory g) internal pure returns (bytes32) {
        if (g.classes.length > CLASSES_MAX) revert Range(g.classes.length);
        if (bytes(g.url).length > URL_MAX) revert Range(bytes(g.url).length);
        bytes32[] memory k = g.classes;
        bytes32 all;
        assembly ("memory-safe") {
            all := keccak256(add(k, 32), shl(5, mload(k)))
        }
        return keccak256(
            abi.encode(REGISTRATION, g.stake, all, g.baseFee, g.perInstruction, keccak256(bytes(g.url)))
        );
    }
}

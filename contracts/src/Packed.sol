// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "./Documents.sol";
import "./Types.sol";

/// @title Documents as calls carry them
/// @notice Packed, a document costs half of what the ABI's words would, and no member can be out of its bounds.
library Packed {
    /// @notice Memory for a Hot, uncleared: hot() writes all of it. (A struct that is declared is cleared, which costs as
    /// much as reading it from the calldata.)
    function newHot() internal pure returns (Hot[] memory box) {
        assembly ("memory-safe") {
            box := mload(0x40)
            mstore(box, 1)
            mstore(add(box, 0x20), add(box, 0x40))
            mstore(0x40, add(box, 0x3c0))
        }
    }

    /// @notice The same for Terms.
    function newTerms() internal pure returns (Terms[] memory box) {
        assembly ("memory-safe") {
            box := mload(0x40)
            mstore(box, 1)
            mstore(add(box, 0x20), add(box, 0x40))
            mstore(0x40, add(box, 0x160))
        }
    }

    /// @notice The Hot at `p`.
    function hot(bytes32[9] calldata p, Hot memory h) internal pure {
        assembly ("memory-safe") {
            let o := p
            function put(at_, from, bits) {
                mstore(at_, shr(bits, calldataload(from)))
            }
            put(h, o, 96) // jobCreator
            put(add(h, 0x020), add(o, 20), 96) // provider
            put(add(h, 0x040), add(o, 40), 96) // solver
            put(add(h, 0x060), add(o, 60), 96) // author
            put(add(h, 0x080), add(o, 80), 160) // pay
            put(add(h, 0x0a0), add(o, 92), 160) // jobBond
            put(add(h, 0x0c0), add(o, 104), 160) // resultBond
            put(add(h, 0x0e0), add(o, 116), 160) // lateJudge
            put(add(h, 0x100), add(o, 128), 160) // lateSubmit
            put(add(h, 0x120), add(o, 140), 160) // damages
            put(add(h, 0x140), add(o, 152), 160) // fee
            put(add(h, 0x160), add(o, 164), 160) // base
            put(add(h, 0x180), add(o, 176), 160) // perInstruction
            put(add(h, 0x1a0), add(o, 188), 160) // perByte
            put(add(h, 0x1c0), add(o, 200), 192) // instructionLimit
            put(add(h, 0x1e0), add(o, 208), 192) // byteLimit
            put(add(h, 0x200), add(o, 216), 248) // mediation
            put(add(h, 0x220), add(o, 217), 248) // seats
            put(add(h, 0x240), add(o, 218), 248) // appeal
            put(add(h, 0x260), add(o, 219), 240) // royalty
            put(add(h, 0x280), add(o, 221), 240) // solverShare
            put(add(h, 0x2a0), add(o, 223), 216) // agreeTimeout
            put(add(h, 0x2c0), add(o, 228), 216) // submitTimeout
            put(add(h, 0x2e0), add(o, 233), 216) // judgeTimeout
            put(add(h, 0x300), add(o, 238), 216) // mediateTimeout
            put(add(h, 0x320), add(o, 243), 216) // openBy
            put(add(h, 0x340), add(o, 248), 0) // channel
            put(add(h, 0x360), add(o, 280), 192) // nonce
        }
    }

    /// @notice The Hot that begins `p`. Range: it is shorter.
    function hot(bytes calldata p, Hot memory h) internal pure {
        if (p.length < HOT_BYTES) revert Range(p.length);
        bytes32[9] calldata words;
        assembly ("memory-safe") {
            words := p.offset
        }
        hot(words, h);
    }

    /// @notice The Cold that follows a Hot. Range: it is not all that follows, or its engine or list of mediators is too
    /// long (appendix A).
    function rest(bytes calldata p, Rest memory c) internal pure {
        // In words: type hash, 4 hashes, engine, determinism, issuer, tolerance, directory, mediators.
        uint256 engine = p.length > HOT_BYTES + 128 ? uint8(p[HOT_BYTES + 128]) : 0;
        uint256 o = HOT_BYTES + 129 + engine;
        c.named = p.length > o + 43 ? uint8(p[o + 43]) : 0;
        if (p.length != o + 44 + 20 * c.named) revert Range(p.length);
        if (engine > Documents.ENGINE_MAX) revert Range(engine);
        if (c.named > Documents.MEDIATORS_MAX) revert Range(c.named);
        bytes32 t = Documents.COLD;
        assembly ("memory-safe") {
            let m := mload(0x40)
            let from := add(p.offset, o)
            calldatacopy(m, sub(from, engine), engine)
            let all := keccak256(m, engine)
            mstore(add(m, 0xa0), all)
            let n := mload(add(c, 0x40))
            for { let i := 0 } lt(i, n) { i := add(i, 1) } {
                mstore(add(m, add(0x160, shl(5, i))), shr(96, calldataload(add(from, add(44, mul(20, i))))))
            }
            mstore(add(c, 0x60), mul(gt(n, 0), mload(add(m, 0x160))))
            all := keccak256(add(m, 0x160), shl(5, n))
            mstore(m, t)
            calldatacopy(add(m, 0x20), add(p.offset, 288), 128)
            mstore(add(c, 0x20), shr(248, calldataload(from)))
            mstore(add(m, 0xc0), mload(add(c, 0x20)))
            mstore(add(m, 0xe0), shr(96, calldataload(add(from, 1))))
            mstore(add(m, 0x100), shr(240, calldataload(add(from, 21))))
            mstore(add(m, 0x120), shr(96, calldataload(add(from, 23))))
            mstore(add(m, 0x140), all)
            mstore(c, keccak256(m, 0x160))
        }
    }

    /// @notice A group of a list: JC, serial, number of items; at `from` of the calldata, where GROUP_BYTES are.
    function group(uint256 from) internal pure returns (address jc, uint64 serial, uint256 n) {
        assembly ("memory-safe") {
            jc := shr(96, calldataload(from))
            serial := shr(192, calldataload(add(from, 20)))
            n := byte(0, calldataload(add(from, 28)))
        }
    }

    /// @notice An account's Send but for kind and body, and its signature: SEND_BYTES at `from` of the calldata.
    function send(uint256 from) internal pure returns (address account, uint64 nonce, uint40 expiry) {
        assembly ("memory-safe") {
            account := shr(96, calldataload(from))
            nonce := shr(192, calldataload(add(from, 20)))
            expiry := shr(216, calldataload(add(from, 28)))
        }
    }

    /// @notice A voucher: VOUCHER_BYTES at `from` of the calldata.
    function voucher(uint256 from)
        internal
        pure
        returns (address jc, uint64 serial, uint96 sum, uint64 last, uint64 claims)
    {
        assembly ("memory-safe") {
            jc := shr(96, calldataload(from))
            serial := shr(192, calldataload(add(from, 20)))
            sum := shr(160, calldataload(add(from, 28)))
            last := shr(192, calldataload(add(from, 40)))
            claims := shr(192, calldataload(add(from, 48)))
        }
    }

    /// @notice Where a packed argument begins in the calldata. Range: it is shorter than `least`.
    function start(bytes calldata p, uint256 least) internal pure returns (uint256 o) {
        if (p.length < least) revert Range(p.length);
        assembly ("memory-safe") {
            o := p.offset
        }
    }

    /// @notice The terms of an acceptance, all but the channel: TERMS_BYTES at `from` of the calldata.
    function terms(uint256 from, Terms memory a) internal pure {
        assembly ("memory-safe") {
            calldatacopy(a, from, 64)
            mstore(add(a, 0x60), shr(192, calldataload(add(from, 64))))
            mstore(add(a, 0x80), shr(160, calldataload(add(from, 72))))
            mstore(add(a, 0xa0), shr(240, calldataload(add(from, 84))))
            mstore(add(a, 0xc0), shr(96, calldataload(add(from, 86))))
            mstore(add(a, 0xe0), shr(240, calldataload(add(from, 106))))
            mstore(add(a, 0x100), shr(96, calldataload(add(from, 108))))
        }
    }
}

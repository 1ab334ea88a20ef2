// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "./Documents.sol";
import {Signature} from "./Types.sol";

/// @notice ERC-1271: how a contract signs.
interface IERC1271 {
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4);
}

/// @title Who signed what (protocol 2.0.1)
/// @notice A signature is 65 bytes (v 27 or 28) or 64 (EIP-2098), with low s; of a contract, whatever its ERC-1271
/// accepts. Nothing at all stands for the signature of whoever sends the transaction (2.0.4): that is signed too.
abstract contract Signing {
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    /// @notice What a contract may spend to check one signature, so that none can make a list fail.
    uint256 internal constant ERC1271_GAS = 100_000;

    uint256 private immutable CHAIN = block.chainid;
    address private immutable SELF = address(this);
    bytes32 private immutable DOMAIN = Documents.domain(block.chainid, address(this));

    /// @notice The domain of every signature (protocol 2.0.1): of the Controller, also where Annex runs for it; after
    /// a fork of the chain, that of the fork.
    function _domain() internal view returns (bytes32) {
        bool same = block.chainid == CHAIN && address(this) == SELF;
        return same ? DOMAIN : Documents.domain(block.chainid, address(this));
    }

    /// @notice What is signed of a document: the typed-data hash.
    function _digest(bytes32 domain_, bytes32 doc) internal pure returns (bytes32 r) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, hex"1901")
            mstore(add(p, 2), domain_)
            mstore(add(p, 34), doc)
            r := keccak256(p, 66)
        }
    }

    /// @notice Who signed `digest` with the signature of `size` bytes at `o` of the calldata; zero: it is malformed.
    function _recovered(bytes32 digest, uint256 o, uint256 size) internal view returns (address by) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            let s := calldataload(add(o, 32))
            let v := byte(0, calldataload(add(o, 64)))
            if eq(size, 64) {
                v := add(27, shr(255, s))
                s := shr(1, shl(1, s))
            }
            mstore(0, 0)
            if and(or(eq(size, 64), eq(size, 65)), iszero(gt(s, HALF_ORDER))) {
                mstore(p, digest)
                mstore(add(p, 32), v)
                mstore(add(p, 64), calldataload(o))
                mstore(add(p, 96), s)
                // Of a v that is not 27 or 28, and of no point, nothing is returned.
                pop(staticcall(gas(), 1, p, 128, 0, 32))
            }
            by := mload(0)
        }
    }

    function _contractSigned(bytes32 digest, bytes memory sig, address who) private view returns (bool) {
        if (who.code.length == 0) return false;
        (bool ok, bytes memory answer) =
            who.staticcall{gas: ERC1271_GAS}(abi.encodeCall(IERC1271.isValidSignature, (digest, sig)));
        return ok && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @notice The same with a signature of 64 bytes at `o` of the calldata.
    function _contractSigned(bytes32 digest, uint256 o, address who) internal view returns (bool) {
        bytes32 r;
        bytes32 vs;
        assembly ("memory-safe") {
            r := calldataload(o)
            vs := calldataload(add(o, 32))
        }
        return _contractSigned(digest, bytes.concat(r, vs), who);
    }

    /// @notice Did `who` sign the document with this struct hash?
    function _isSigned(bytes32 doc, bytes calldata sig, address who) internal view returns (bool) {
        if (sig.length == 0) return msg.sender == who;
        uint256 o;
        assembly ("memory-safe") {
            o := sig.offset
        }
        bytes32 digest = _digest(_domain(), doc);
        address by = _recovered(digest, o, sig.length);
        return (by == who && by != address(0)) || _contractSigned(digest, sig, who);
    }

    /// @notice Signature: `who` did not sign it.
    function _signed(bytes32 doc, bytes calldata sig, address who) internal view {
        if (!_isSigned(doc, sig, who)) revert Signature(who);
    }
}

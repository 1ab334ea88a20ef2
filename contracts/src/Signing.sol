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
    function _digest(bytes32 doc) internal view returns (bytes32 r) {
        bytes32 d = _domain();
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, hex"1901")
            mstore(add(p, 2), d)
            mstore(add(p, 34), doc)
            r := keccak256(p, 66)
        }
    }

    function _recovered(bytes32 digest, bytes32 r, bytes32 s, uint8 v) private pure returns (address) {
        return uint256(s) > HALF_ORDER ? address(0) : ecrecover(digest, v, r, s);
    }

    function _compact(bytes32 digest, bytes32 r, bytes32 vs) private pure returns (address) {
        return _recovered(digest, r, bytes32((uint256(vs) << 1) >> 1), uint8(uint256(vs) >> 255) + 27);
    }

    function _contractSigned(bytes32 digest, bytes memory sig, address who) private view returns (bool) {
        if (who.code.length == 0) return false;
        (bool ok, bytes memory answer) =
            who.staticcall{gas: ERC1271_GAS}(abi.encodeCall(IERC1271.isValidSignature, (digest, sig)));
        return ok && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @notice Did `who` sign the document with this struct hash?
    function _isSigned(bytes32 doc, bytes calldata sig, address who) internal view returns (bool) {
        if (sig.length == 0) return msg.sender == who;
        bytes32 digest = _digest(doc);
        address by;
        if (sig.length == 64) by = _compact(digest, bytes32(sig[:32]), bytes32(sig[32:]));
        else if (sig.length == 65) by = _recovered(digest, bytes32(sig[:32]), bytes32(sig[32:64]), uint8(sig[64]));
        return (by != address(0) && by == who) || _contractSigned(digest, sig, who);
    }

    /// @notice The same for a signature in two words, as the items of a list have it.
    function _isSigned(bytes32 doc, bytes32 r, bytes32 vs, address who) internal view returns (bool) {
        bytes32 digest = _digest(doc);
        address by = _compact(digest, r, vs);
        return (by != address(0) && by == who) || _contractSigned(digest, abi.encodePacked(r, vs), who);
    }

    /// @notice Signature: `who` did not sign it.
    function _signed(bytes32 doc, bytes calldata sig, address who) internal view {
        if (!_isSigned(doc, sig, who)) revert Signature(who);
    }
}

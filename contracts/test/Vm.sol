// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the tests use of the test machine.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function getCode(string calldata artifact) external view returns (bytes memory);
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 time) external;
    function roll(uint256 number) external;
    function chainId(uint256 id) external;
    function prank(address from) external;
    function startPrank(address from) external;
    function stopPrank() external;
    function expectRevert() external;
    function expectRevert(bytes calldata data) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function readFile(string calldata path) external view returns (string memory);
    function parseJson(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBool(string calldata json, string calldata key) external pure returns (bool);
    function parseJsonAddressArray(string calldata json, string calldata key) external pure returns (address[] memory);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function toString(uint256 n) external pure returns (string memory);
    function assume(bool ok) external pure;
    function store(address who, bytes32 slot, bytes32 value) external;
    function load(address who, bytes32 slot) external view returns (bytes32);
    function etch(address who, bytes calldata code) external;
    function deal(address who, uint256 wei_) external;
    function snapshotState() external returns (uint256);
    function revertToState(uint256 id) external returns (bool);
    function cool(address who) external;
    function getNonce(address who) external view returns (uint64);
    function isolate() external;
    function lastCallGas() external view returns (Gas memory);
    function writeFile(string calldata path, string calldata data) external;

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }
}

abstract contract Checks {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Unequal(uint256 is_, uint256 must, string what);

    function equal(uint256 is_, uint256 must, string memory what) internal pure {
        if (is_ != must) revert Unequal(is_, must, what);
    }

    function equal(bytes32 is_, bytes32 must, string memory what) internal pure {
        if (is_ != must) revert Unequal(uint256(is_), uint256(must), what);
    }

    function isTrue(bool ok, string memory what) internal pure {
        require(ok, what);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IJobCallback, OnChainJobs} from "../src/OnChainJobs.sol";

/// @title A contract that buys jobs: what is needed, and no more
contract Buyer is IJobCallback {
    /// @notice What became of a job: `result` is the hash of the Result, which names the output.
    struct Outcome {
        bool ended;
        bool success;
        uint8 state;
        bytes32 result;
    }

    uint32 private constant CALLBACK_GAS = 200_000;
    OnChainJobs public immutable jobs;
    address public immutable owner = msg.sender;
    mapping(uint64 => Outcome) public outcome;

    constructor(OnChainJobs jobs_, IERC20 token) {
        jobs = jobs_;
        token.approve(address(jobs_), type(uint256).max);
    }

    modifier onlyOwner() {
        require(msg.sender == owner, "only its owner");
        _;
    }

    /// @notice Orders a job; this contract must hold pay + bond tokens. `lilypad onchain prepare` says what `spec`,
    /// `judge`, `pay` and `bond` are. Nobody takes it before `matchBy`: the tokens come back.
    function buy(bytes32 spec, address judge, uint96 pay, uint96 bond, uint40 matchBy)
        external
        onlyOwner
        returns (uint64)
    {
        return jobs.request(OnChainJobs.Order(spec, judge, pay, bond, matchBy, CALLBACK_GAS));
    }

    /// @notice Takes an order back that nobody has taken.
    function cancel(uint64 number) external onlyOwner {
        jobs.cancel(number);
    }

    /// @inheritdoc IJobCallback
    function jobEnded(uint64 number, bool success, uint8 state, bytes32 result) external {
        require(msg.sender == address(jobs), "only the contract of jobs");
        outcome[number] = Outcome(true, success, state, result);
    }
}

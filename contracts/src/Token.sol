// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token to pay with (ERC-20 with permit)
/// @notice For test networks and for markets that want one of their own; a Controller takes any ERC-20 that moves what
/// it is asked to. All of it exists from the start: nobody can mint more.
contract Token is ERC20Permit {
    uint8 private immutable DECIMALS;

    /// @param name_ also of the permit's domain
    /// @param decimals_ units of one token, as a power of ten
    /// @param to who holds all of it at first
    /// @param supply in units
    constructor(string memory name_, string memory symbol_, uint8 decimals_, address to, uint256 supply)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        DECIMALS = decimals_;
        _mint(to, supply);
    }

    /// @notice Units of one token, as a power of ten.
    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}

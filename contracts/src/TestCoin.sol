// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ERC-20 that anyone may mint. For tests only.
contract TestCoin is ERC20("Test Coin", "COIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

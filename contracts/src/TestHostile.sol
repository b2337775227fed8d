// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A contract that answers everything as its mood has it: 1 a word of ones, 2 a megabyte of zeros, 3 burns all gas,
/// 4 reverts, 5 a list that claims more entries than there are, 6 nothing. For tests only.
contract TestHostile {
    uint256 private _mood;

    constructor(uint256 mood) {
        _mood = mood;
    }

    fallback() external {
        uint256 mood = _mood;
        if (mood == 3) while (true) {}
        if (mood == 4) revert("no");
        assembly {
            switch mood
            case 1 {
                mstore(0, not(0))
                return(0, 32)
            }
            case 2 { return(0, 0x100000) }
            case 5 {
                mstore(0, 32)
                mstore(32, 0xffffffffffffffff)
                return(0, 64)
            }
        }
    }
}

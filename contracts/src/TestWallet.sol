// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// A contract wallet with one owner, for tests.
contract TestWallet {
    address public owner;
    /// How it answers isValidSignature: 0 honestly, 1 reverts, 2 burns all gas, 3 with a word too few,
    /// 4 with dirt after the magic, 5 "true", 6 a megabyte, 7 by writing state.
    uint8 public mood;

    constructor(address owner_) {
        owner = owner_;
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }

    function setMood(uint8 mood_) external {
        mood = mood_;
    }

    function isValidSignature(bytes32 hash, bytes calldata sig) external returns (bytes4) {
        uint8 m = mood;
        if (m == 1) revert("no");
        if (m == 2) while (true) {}
        if (m == 7) owner = address(this);
        bytes32 magic = bytes32(bytes4(0x1626ba7e));
        assembly {
            switch m
            case 3 {
                mstore(0, magic)
                return(0, 4)
            }
            case 4 {
                mstore(0, or(magic, 1))
                return(0, 32)
            }
            case 5 {
                mstore(0, 1)
                return(0, 32)
            }
            case 6 { return(0, 0x100000) }
        }
        if (sig.length != 65) return 0xffffffff;
        address signer = ecrecover(hash, uint8(sig[64]), bytes32(sig[0:32]), bytes32(sig[32:64]));
        return signer != address(0) && signer == owner ? bytes4(magic) : bytes4(0xffffffff);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A contract whose answers no honest token gives. For tests only.
contract TestOddities {
    /// @notice Answers with fewer bytes than a word, by account: 1 none, 2 short,
    /// 3 a word and a byte, 4 a megabyte, 5 burns all gas, 6 panics.
    function balanceOf(address account) external pure returns (uint256) {
        uint256 kind = uint256(uint160(account));
        if (kind == 5) while (true) {}
        if (kind == 6) assert(false);
        assembly {
            switch kind
            case 1 { return(0, 0) }
            case 2 { mstore(0, 1) return(0, 31) }
            case 3 { mstore(0, 1) return(0, 33) }
            case 4 { return(0, 1048576) }
        }
        return 0;
    }

    /// @notice Answers with a word that is no address for token 1, with the zero address otherwise.
    function ownerOf(uint256 tokenId) external pure returns (address) {
        assembly {
            if eq(tokenId, 1) {
                mstore(0, not(0))
                return(0, 32)
            }
        }
        return address(0);
    }

    /// @notice Answers with a word that is no bool.
    function maybe() external pure returns (bool) {
        assembly {
            mstore(0, 2)
            return(0, 32)
        }
    }

    /// @notice Answers with a string whose length points outside the data.
    function story() external pure returns (string memory) {
        assembly {
            mstore(0, 32)
            mstore(32, not(0))
            return(0, 64)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ERC-5192 minimal soulbound NFTs. The identifier of this interface is 0xb45a3c0e.
interface IERC5192 {
    /// @notice A token became locked: it cannot be transferred.
    event Locked(uint256 tokenId);

    /// @notice A token became unlocked.
    event Unlocked(uint256 tokenId);

    /// @notice Whether tokenId is locked.
    function locked(uint256 tokenId) external view returns (bool);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ERC-5643 subscription NFTs. The identifier of this interface is 0x8c65f84d.
interface IERC5643 {
    /// @notice The expiration of a token changed.
    event SubscriptionUpdate(uint256 indexed tokenId, uint64 expiration);

    /// @notice Prolongs the subscription of tokenId by duration seconds.
    function renewSubscription(uint256 tokenId, uint64 duration) external payable;

    /// @notice Ends the subscription of tokenId.
    function cancelSubscription(uint256 tokenId) external payable;

    /// @notice The time, in seconds since 1970, at which tokenId expires.
    function expiresAt(uint256 tokenId) external view returns (uint64);

    /// @notice Whether the subscription of tokenId can be renewed.
    function isRenewable(uint256 tokenId) external view returns (bool);
}

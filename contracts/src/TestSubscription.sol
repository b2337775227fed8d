// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";

/// @title Subscriptions as the reference of ERC-5643 has them: 0 is one that never ran or was cancelled. Anyone
/// may mint and renew. For tests only.
contract TestSubscription is ERC721Enumerable {
    event SubscriptionUpdate(uint256 indexed tokenId, uint64 expiration);

    mapping(uint256 tokenId => uint64) private _expiration;

    constructor() ERC721("Test Subscription", "SUB") {}

    function mint(address to, uint256 tokenId) external {
        _mint(to, tokenId);
    }

    /// @notice Sets the end of a subscription, as renewing does in the reference.
    function setEnd(uint256 tokenId, uint64 expiration) external {
        _expiration[tokenId] = expiration;
        emit SubscriptionUpdate(tokenId, expiration);
    }

    function cancelSubscription(uint256 tokenId) external payable {
        delete _expiration[tokenId];
        emit SubscriptionUpdate(tokenId, 0);
    }

    function expiresAt(uint256 tokenId) external view returns (uint64) {
        return _expiration[tokenId];
    }

    function isRenewable(uint256) external pure returns (bool) {
        return true;
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0x8c65f84d || super.supportsInterface(interfaceId);
    }
}

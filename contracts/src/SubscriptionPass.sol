// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IERC5643} from "./IERC5643.sol";
import {NFTPass} from "./NFTPass.sol";

/// @title A subscription to gated video, as an ERC-721 token that expires (ERC-5643).
/// @notice Expiry moves no token: who gates on it reads expiresAt. The contract takes no money; renewing is the creator's doing.
contract SubscriptionPass is NFTPass, IERC5643 {
    /// @notice A duration is due, and it must end within what a time can hold.
    error InvalidDuration(uint64 duration);
    /// @notice The contract takes no money.
    error NoPayment();

    mapping(uint256 tokenId => uint64) private _expiration;

    constructor(Terms memory t) NFTPass(t) {}

    /// @notice Mints a subscription that runs for duration seconds from now, once for each order.
    /// @return tokenId The new pass.
    function subscribe(address to, uint64 duration, bytes32 order) external onlyMinter returns (uint256 tokenId) {
        tokenId = _issue(to, order);
        _prolong(tokenId, uint64(block.timestamp), duration);
    }

    /// @inheritdoc IERC5643
    /// @dev An expired subscription is prolonged from now on, a running one from its end. For minters.
    function renewSubscription(uint256 tokenId, uint64 duration) external payable onlyMinter {
        if (msg.value != 0) revert NoPayment();
        _requireOwned(tokenId);
        uint64 from = _expiration[tokenId];
        if (from < block.timestamp) from = uint64(block.timestamp);
        _prolong(tokenId, from, duration);
    }

    /// @inheritdoc IERC5643
    /// @dev The subscription ends now, if it has not ended before. For minters, the holder and whom the holder approved.
    function cancelSubscription(uint256 tokenId) external payable {
        if (msg.value != 0) revert NoPayment();
        address holder = _requireOwned(tokenId);
        if (msg.sender != owner() && !isMinter[msg.sender]) _checkAuthorized(holder, msg.sender, tokenId);
        if (_expiration[tokenId] <= block.timestamp) return;
        _expiration[tokenId] = uint64(block.timestamp);
        emit SubscriptionUpdate(tokenId, uint64(block.timestamp));
    }

    /// @inheritdoc IERC5643
    /// @dev A pass that was minted without a duration has expired: its expiration is 0.
    function expiresAt(uint256 tokenId) external view returns (uint64) {
        _requireOwned(tokenId);
        return _expiration[tokenId];
    }

    /// @inheritdoc IERC5643
    function isRenewable(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5643).interfaceId || super.supportsInterface(interfaceId);
    }

    function _prolong(uint256 tokenId, uint64 from, uint64 duration) private {
        if (duration == 0 || duration > type(uint64).max - from) revert InvalidDuration(duration);
        _expiration[tokenId] = from + duration;
        emit SubscriptionUpdate(tokenId, from + duration);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC5643} from "./IERC5643.sol";

/// @title A pass to gated video, as an ERC-721 token with an optional expiry (ERC-5643).
/// @notice The creator owns the contract and mints. Token ids are 1, 2, 3 ...
/// A pass whose expiry is 0 never expires. Expiry moves no token: who gates on it
/// reads expiresAt. The contract takes no money; renewing is the creator's doing.
contract AccessPass is ERC721, Ownable, IERC5643 {
    /// @notice The creator gave an expiry that is not in the future, or 0 where one is due.
    error InvalidExpiration(uint64 expiration);
    /// @notice The pass never expires, so there is nothing to renew.
    error NotRenewable(uint256 tokenId);
    /// @notice The contract takes no money.
    error NoPayment();

    uint256 private _lastId;
    mapping(uint256 tokenId => uint64) private _expiration;

    constructor(string memory name_, string memory symbol_) ERC721(name_, symbol_) Ownable(msg.sender) {}

    /// @notice Mints a pass that never expires.
    /// @return tokenId The new pass.
    function mint(address to) external onlyOwner returns (uint256 tokenId) {
        tokenId = ++_lastId;
        _mint(to, tokenId);
    }

    /// @notice Mints a pass that expires at a time in the future.
    /// @param expires Seconds since 1970.
    /// @return tokenId The new pass.
    function mintWithExpiry(address to, uint64 expires) external onlyOwner returns (uint256 tokenId) {
        if (expires <= block.timestamp) revert InvalidExpiration(expires);
        tokenId = ++_lastId;
        _mint(to, tokenId);
        _setExpiration(tokenId, expires);
    }

    /// @inheritdoc IERC5643
    /// @dev An expired pass is prolonged from now on, a running one from its end. Creator only.
    function renewSubscription(uint256 tokenId, uint64 duration) external payable onlyOwner {
        if (msg.value != 0) revert NoPayment();
        _requireOwned(tokenId);
        uint64 from = _expiration[tokenId];
        if (from == 0) revert NotRenewable(tokenId);
        if (from < block.timestamp) from = uint64(block.timestamp);
        if (duration == 0) revert InvalidExpiration(from);
        _setExpiration(tokenId, from + duration);
    }

    /// @inheritdoc IERC5643
    /// @dev The pass expires now. For the creator, the holder and whom the holder approved.
    function cancelSubscription(uint256 tokenId) external payable {
        if (msg.value != 0) revert NoPayment();
        address holder = _requireOwned(tokenId);
        if (msg.sender != owner()) _checkAuthorized(holder, msg.sender, tokenId);
        _setExpiration(tokenId, uint64(block.timestamp));
    }

    /// @inheritdoc IERC5643
    /// @dev 0 means never.
    function expiresAt(uint256 tokenId) external view returns (uint64) {
        _requireOwned(tokenId);
        return _expiration[tokenId];
    }

    /// @inheritdoc IERC5643
    function isRenewable(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return _expiration[tokenId] != 0;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5643).interfaceId || super.supportsInterface(interfaceId);
    }

    function _setExpiration(uint256 tokenId, uint64 expiration) private {
        _expiration[tokenId] = expiration;
        emit SubscriptionUpdate(tokenId, expiration);
    }
}

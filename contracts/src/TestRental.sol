// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title An ERC-721 that can be rented out (ERC-4907) and that anyone may mint. For tests only.
contract TestRental is ERC721("Test Rental", "RENT") {
    event UpdateUser(uint256 indexed tokenId, address indexed user, uint64 expires);

    mapping(uint256 tokenId => address) private _user;
    mapping(uint256 tokenId => uint64) private _expires;

    function mint(address to, uint256 tokenId) external {
        _mint(to, tokenId);
    }

    /// @notice Lends a token to user until a time. For its owner and whom the owner approved.
    function setUser(uint256 tokenId, address user, uint64 expires) external {
        _checkAuthorized(_requireOwned(tokenId), msg.sender, tokenId);
        _user[tokenId] = user;
        _expires[tokenId] = expires;
        emit UpdateUser(tokenId, user, expires);
    }

    function userOf(uint256 tokenId) external view returns (address) {
        return block.timestamp <= _expires[tokenId] ? _user[tokenId] : address(0);
    }

    function userExpires(uint256 tokenId) external view returns (uint256) {
        return _expires[tokenId];
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0xad092b5c || super.supportsInterface(interfaceId);
    }
}

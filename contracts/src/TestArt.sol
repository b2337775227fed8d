// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";

/// @title An ERC-721 Enumerable of which anyone may mint tokens and say where their metadata is. For tests only.
contract TestArt is ERC721Enumerable {
    mapping(uint256 tokenId => string) private _uri;

    constructor() ERC721("Test Art", "ART") {}

    function mint(address to, uint256 tokenId, string calldata uri) external {
        _mint(to, tokenId);
        _uri[tokenId] = uri;
    }

    function setURI(uint256 tokenId, string calldata uri) external {
        _uri[tokenId] = uri;
    }

    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return _uri[tokenId];
    }
}

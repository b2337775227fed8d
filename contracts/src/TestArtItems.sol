// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title An ERC-1155 that anyone may mint, with one address of metadata for all tokens. For tests only.
contract TestArtItems is ERC1155("") {
    function mint(address to, uint256 id, uint256 amount) external {
        _mint(to, id, amount, "");
    }

    function setURI(string calldata uri_) external {
        _setURI(uri_);
    }
}

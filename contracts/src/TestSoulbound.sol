// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title Tokens that cannot be moved (ERC-5192), only issued, withdrawn and issued anew, by anyone. For tests only.
contract TestSoulbound is ERC721("Test Soulbound", "SOUL") {
    error Bound();

    event Locked(uint256 tokenId);

    function issue(address to, uint256 tokenId) external {
        _mint(to, tokenId);
        emit Locked(tokenId);
    }

    function withdraw(uint256 tokenId) external {
        _burn(tokenId);
    }

    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from != address(0) && to != address(0)) revert Bound();
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0xb45a3c0e || super.supportsInterface(interfaceId);
    }
}

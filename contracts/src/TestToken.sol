// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title An ERC-721 of which anyone may mint any id, by the range, too (ERC-2309's event). For tests only.
contract TestToken is ERC721("Test Token", "TOKEN") {
    event ConsecutiveTransfer(uint256 indexed fromTokenId, uint256 toTokenId, address indexed from, address indexed to);

    function mint(address to, uint256 tokenId) external {
        _mint(to, tokenId);
    }

    /// @notice Logs a range as minted, as ERC-2309 does, and mints nothing.
    function announceRange(address to, uint256 first, uint256 last) external {
        emit ConsecutiveTransfer(first, last, address(0), to);
    }

    /// @notice Logs a Transfer whose accounts are not indexed, as tokens older than the standard do.
    function announceOldTransfer(address from, address to, uint256 tokenId) external {
        bytes32 topic = keccak256("Transfer(address,address,uint256)");
        assembly {
            let p := mload(64)
            mstore(p, from)
            mstore(add(p, 32), to)
            mstore(add(p, 64), tokenId)
            log1(p, 96, topic)
        }
    }
}

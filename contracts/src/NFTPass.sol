// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";
import {IERC5192} from "./IERC5192.sol";
import {Issuer} from "./Issuer.sol";

/// @title A pass to gated video, as an ERC-721 token.
/// @notice Token ids are 1, 2, 3 ... Of a soulbound collection every token is locked (ERC-5192): it can be burned by
/// its holder and not be given away. A holder's tokens can be listed (ERC-721 Enumerable), so that rules over keys and traits find
/// them. The contract takes no money.
contract NFTPass is ERC721Enumerable, Issuer, IERC5192 {
    /// @notice What the creator chooses. maxSupply 0 is no limit; burned passes count.
    struct Terms {
        string name;
        string symbol;
        string baseURI;
        uint256 maxSupply;
        bool soulbound;
        address owner;
        address minter;
    }

    /// @notice Metadata of all tokens may have changed (ERC-4906).
    event BatchMetadataUpdate(uint256 fromTokenId, uint256 toTokenId);

    /// @notice The most that can be minted; 0 is no limit.
    uint256 public maxSupply;
    /// @notice Whether passes are bound to their holders.
    bool public soulbound;
    /// @notice How many were minted, and the last token's id.
    uint256 public lastId;
    string private _base;

    constructor(Terms memory t) ERC721(t.name, t.symbol) Issuer(t.owner, t.minter) {
        maxSupply = t.maxSupply;
        soulbound = t.soulbound;
        _base = t.baseURI;
    }

    /// @notice Mints a pass, once for each order.
    /// @return tokenId The new pass.
    function mint(address to, bytes32 order) external onlyMinter returns (uint256 tokenId) {
        return _issue(to, order);
    }

    /// @notice Burns a pass. For its holder and whom the holder approved.
    function burn(uint256 tokenId) external {
        _update(address(0), tokenId, msg.sender);
    }

    /// @notice Changes where metadata is: a token's URI is this and its id.
    function setBaseURI(string calldata baseURI) external onlyOwner {
        _base = baseURI;
        emit BatchMetadataUpdate(1, type(uint256).max);
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return soulbound;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view virtual override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || interfaceId == bytes4(0x49064906) || super.supportsInterface(interfaceId);
    }

    function _issue(address to, bytes32 order) internal returns (uint256 tokenId) {
        tokenId = ++lastId;
        if (maxSupply != 0 && tokenId > maxSupply) revert SoldOut(maxSupply);
        _once(order, tokenId);
        _mint(to, tokenId);
        if (soulbound) emit Locked(tokenId);
    }

    function _baseURI() internal view override returns (string memory) {
        return _base;
    }

    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (soulbound && from != address(0) && to != address(0)) revert BoundToHolder();
    }
}

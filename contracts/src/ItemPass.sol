// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IERC5192} from "./IERC5192.sol";
import {Issuer} from "./Issuer.sol";

/// @title Passes to gated video of several kinds, as ERC-1155 tokens: the id is the kind, such as a tier.
/// @notice Of a soulbound collection nothing can be given away; holders can burn. The contract takes no money.
contract ItemPass is ERC1155, Issuer, IERC5192 {
    using Strings for uint256;

    /// @notice What the creator chooses. maxSupply is for each id, 0 is no limit; what was burned counts.
    struct Terms {
        string name;
        string symbol;
        string baseURI;
        uint256 maxSupply;
        bool soulbound;
        address owner;
        address minter;
    }

    /// @notice The collection's name.
    string public name;
    /// @notice The collection's symbol.
    string public symbol;
    /// @notice The most that can be minted of each id; 0 is no limit.
    uint256 public maxSupply;
    /// @notice Whether passes are bound to their holders.
    bool public soulbound;
    /// @notice How many were minted of an id.
    mapping(uint256 id => uint256) public mintedOf;
    string private _base;

    constructor(Terms memory t) ERC1155("") Issuer(t.owner, t.minter) {
        name = t.name;
        symbol = t.symbol;
        maxSupply = t.maxSupply;
        soulbound = t.soulbound;
        _base = t.baseURI;
    }

    /// @notice Mints amount passes of a kind, once for each order.
    function mint(address to, uint256 id, uint256 amount, bytes32 order) external onlyMinter {
        uint256 total = mintedOf[id] + amount;
        if (maxSupply != 0 && total > maxSupply) revert SoldOut(maxSupply);
        mintedOf[id] = total;
        _once(order, id);
        _mint(to, id, amount, "");
    }

    /// @notice Burns passes. For their holder and whom the holder approved.
    function burn(address from, uint256 id, uint256 amount) external {
        if (from != msg.sender && !isApprovedForAll(from, msg.sender)) revert ERC1155MissingApprovalForAll(msg.sender, from);
        _burn(from, id, amount);
    }

    /// @notice Changes where metadata is: an id's URI is this and the id in decimal.
    function setBaseURI(string calldata baseURI) external onlyOwner {
        _base = baseURI;
    }

    /// @notice Where an id's metadata is.
    function uri(uint256 id) public view override returns (string memory) {
        return bytes(_base).length == 0 ? "" : string.concat(_base, id.toString());
    }

    /// @inheritdoc IERC5192
    function locked(uint256) external view returns (bool) {
        return soulbound;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        if (soulbound && from != address(0) && to != address(0)) revert BoundToHolder();
        super._update(from, to, ids, values);
    }
}

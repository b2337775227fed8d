// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Who may mint, and that an order is minted once.
/// @notice The owner is the creator; minters are keys the owner lets mint, such as that of the platform.
/// An order is a number that whoever mints chooses and gives with the mint. The contract mints an order once,
/// whatever happened to the transactions that asked for it: lost, replaced, or sent again from another account.
abstract contract Issuer is Ownable {
    /// @notice The caller is neither the owner nor a minter.
    error NotMinter(address account);
    /// @notice The order was minted before, as this token.
    error AlreadyMinted(bytes32 order, uint256 tokenId);
    /// @notice No more can be minted.
    error SoldOut(uint256 maxSupply);
    /// @notice The token cannot be given away: it is bound to its holder.
    error BoundToHolder();

    /// @notice A minter was added or removed.
    event MinterChanged(address indexed account, bool may);

    /// @notice Whether an account may mint, beside the owner.
    mapping(address account => bool) public isMinter;

    struct Minted {
        bool done;
        uint256 tokenId;
    }

    mapping(bytes32 order => Minted) private _orders;

    modifier onlyMinter() {
        if (msg.sender != owner() && !isMinter[msg.sender]) revert NotMinter(msg.sender);
        _;
    }

    constructor(address owner_, address minter) Ownable(owner_) {
        if (minter != address(0)) _setMinter(minter, true);
    }

    /// @notice Adds or removes a minter.
    function setMinter(address account, bool may) external onlyOwner {
        _setMinter(account, may);
    }

    /// @notice Whether an order was minted.
    function isMinted(bytes32 order) external view returns (bool) {
        return _orders[order].done;
    }

    /// @notice The token an order was minted as; 0 where it was not.
    function tokenOf(bytes32 order) external view returns (uint256) {
        return _orders[order].tokenId;
    }

    /// @dev Zero is no order: who mints by hand may go without one.
    function _once(bytes32 order, uint256 tokenId) internal {
        if (order == bytes32(0)) return;
        Minted storage m = _orders[order];
        if (m.done) revert AlreadyMinted(order, m.tokenId);
        m.done = true;
        m.tokenId = tokenId;
    }

    function _setMinter(address account, bool may) private {
        isMinter[account] = may;
        emit MinterChanged(account, may);
    }
}

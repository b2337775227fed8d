// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A lock with the functions by which version 13 of the Unlock Protocol's PublicLock tells of keys. Anyone may
/// grant them. For tests only.
contract TestLock {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event ExpireKey(uint256 indexed tokenId);

    uint256 private _last;
    mapping(uint256 tokenId => address) private _owner;
    mapping(uint256 tokenId => uint256) private _end;
    mapping(address owner => uint256[]) private _keys;
    /// What the lock's hook says of an account: 0 nothing, 1 refuses, 2 admits.
    mapping(address account => uint8) public hook;

    function grantKey(address to, uint256 end) external returns (uint256 tokenId) {
        tokenId = ++_last;
        _owner[tokenId] = to;
        _end[tokenId] = end;
        _keys[to].push(tokenId);
        emit Transfer(address(0), to, tokenId);
    }

    function expireKey(uint256 tokenId) external {
        _end[tokenId] = block.timestamp;
        emit ExpireKey(tokenId);
    }

    function setHook(address account, uint8 verdict) external {
        hook[account] = verdict;
    }

    function transferFrom(address from, address to, uint256 tokenId) external {
        require(msg.sender == from && _owner[tokenId] == from, "not yours");
        _owner[tokenId] = to;
        uint256[] storage had = _keys[from];
        for (uint256 i = 0; i < had.length; i++) {
            if (had[i] == tokenId) {
                had[i] = had[had.length - 1];
                had.pop();
                break;
            }
        }
        _keys[to].push(tokenId);
        emit Transfer(from, to, tokenId);
    }

    function isValidKey(uint256 tokenId) public view returns (bool) {
        return _end[tokenId] > block.timestamp;
    }

    function getHasValidKey(address account) external view returns (bool) {
        if (hook[account] != 0) return hook[account] == 2;
        return balanceOf(account) > 0;
    }

    /// @notice Keys in time only.
    function balanceOf(address account) public view returns (uint256 n) {
        uint256[] storage has = _keys[account];
        for (uint256 i = 0; i < has.length; i++) if (isValidKey(has[i])) n++;
    }

    function totalKeys(address account) external view returns (uint256) {
        return _keys[account].length;
    }

    function tokenOfOwnerByIndex(address account, uint256 index) external view returns (uint256) {
        return _keys[account][index];
    }

    function ownerOf(uint256 tokenId) external view returns (address) {
        return _owner[tokenId];
    }

    function keyExpirationTimestampFor(uint256 tokenId) external view returns (uint256) {
        return _end[tokenId];
    }
}

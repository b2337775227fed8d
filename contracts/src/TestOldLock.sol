// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A lock with the functions of PublicLock before its version 10: one key an account. For tests only.
contract TestOldLock {
    mapping(address account => uint256) private _end;

    function grantKey(address to, uint256 end) external {
        _end[to] = end;
    }

    function getHasValidKey(address account) public view returns (bool) {
        return _end[account] > block.timestamp;
    }

    function balanceOf(address account) external view returns (uint256) {
        return getHasValidKey(account) ? 1 : 0;
    }

    function keyExpirationTimestampFor(address account) external view returns (uint256) {
        require(_end[account] > 0, "HAS_NEVER_OWNED_KEY");
        return _end[account];
    }
}

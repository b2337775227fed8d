// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A membership tier for each account, which anyone may set. For tests and examples of the "call" leaf.
contract TierRegistry {
    mapping(address account => uint8) private _tier;

    /// @notice Sets the tier of account.
    function setTier(address account, uint8 tier) external {
        _tier[account] = tier;
    }

    /// @notice The tier of account; 0 is none.
    function tierOf(address account) external view returns (uint8) {
        return _tier[account];
    }

    /// @notice Whether account has at least the given tier.
    function hasTier(address account, uint8 tier) external view returns (bool) {
        return _tier[account] >= tier;
    }

    /// @notice The name of a tier.
    function tierName(uint8 tier) external pure returns (string memory) {
        if (tier == 0) return "none";
        if (tier == 1) return "silver";
        return "gold";
    }
}

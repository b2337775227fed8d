// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Makes the accounts of tokens as the registry of ERC-6551 does. For tests only.
contract TestAccountRegistry {
    event ERC6551AccountCreated(
        address account, address indexed implementation, bytes32 salt, uint256 chainId, address indexed tokenContract, uint256 indexed tokenId
    );

    function createAccount(address implementation, bytes32 salt, uint256 chainId, address tokenContract, uint256 tokenId)
        external
        returns (address made)
    {
        bytes memory code = _code(implementation, salt, chainId, tokenContract, tokenId);
        assembly ("memory-safe") {
            made := create2(0, add(code, 32), mload(code), salt)
        }
        require(made != address(0), "it is there");
        emit ERC6551AccountCreated(made, implementation, salt, chainId, tokenContract, tokenId);
    }

    function account(address implementation, bytes32 salt, uint256 chainId, address tokenContract, uint256 tokenId)
        external
        view
        returns (address)
    {
        bytes32 init = keccak256(_code(implementation, salt, chainId, tokenContract, tokenId));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, init)))));
    }

    /// The creation code: a minimal proxy (ERC-1167) with what the account is bound to behind it.
    function _code(address implementation, bytes32 salt, uint256 chainId, address tokenContract, uint256 tokenId)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(
            hex"3d60ad80600a3d3981f3363d3d373d3d3d363d73",
            implementation,
            hex"5af43d82803e903d91602b57fd5bf3",
            abi.encode(salt, chainId, tokenContract, tokenId)
        );
    }
}

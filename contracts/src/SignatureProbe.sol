// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Never deployed: an eth_call runs its creation code, which answers, instead of code to deploy, one
/// word: 0 the wallet refuses the signature, 1 it accepts it (ERC-1271), 2 there is no contract. With a
/// factory, a wallet that is not there yet is made first (ERC-6492); nothing of it outlives the call.
///
/// A wallet that is there is asked as it is. ERC-6492 lets a verifier call the factory and ask again when
/// it refuses; then whoever made the signature could bend the state that the wallet judges by.
contract SignatureProbe {
    bytes4 private constant MAGIC = 0x1626ba7e;

    constructor(address wallet, bytes32 hash, bytes memory signature, address factory, bytes memory factoryCall) {
        uint256 verdict = probe(wallet, hash, signature, factory, factoryCall);
        assembly ("memory-safe") {
            mstore(0, verdict)
            return(0, 32)
        }
    }

    function probe(address wallet, bytes32 hash, bytes memory signature, address factory, bytes memory factoryCall)
        private
        returns (uint256)
    {
        if (wallet.code.length == 0) {
            if (factory == address(0)) return 2;
            // What it returns is not copied, so it cannot cost more than its own gas. The verdict lies
            // in the code being there, not in what the factory says.
            assembly ("memory-safe") {
                pop(call(gas(), factory, 0, add(factoryCall, 32), mload(factoryCall), 0, 0))
            }
            if (wallet.code.length == 0) return 0;
        }
        return accepts(wallet, abi.encodeWithSelector(MAGIC, hash, signature)) ? 1 : 0;
    }

    function accepts(address wallet, bytes memory data) private view returns (bool ok) {
        bytes32 word;
        assembly ("memory-safe") {
            mstore(0, 0)
            ok := staticcall(gas(), wallet, add(data, 32), mload(data), 0, 32)
            ok := and(ok, gt(returndatasize(), 31))
            word := mload(0)
        }
        return ok && word == bytes32(MAGIC);
    }
}

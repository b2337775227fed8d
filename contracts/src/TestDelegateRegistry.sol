// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A registry with the functions of delegate.xyz v2 that a gate asks and its tests call. For tests only.
contract TestDelegateRegistry {
    enum DelegationType {
        NONE,
        ALL,
        CONTRACT,
        ERC721,
        ERC20,
        ERC1155
    }

    struct Delegation {
        DelegationType type_;
        address to;
        address from;
        bytes32 rights;
        address contract_;
        uint256 tokenId;
        uint256 amount;
    }

    mapping(address to => Delegation[]) private _incoming;

    function delegateAll(address to, bytes32 rights, bool enable) external payable {
        _set(Delegation(DelegationType.ALL, to, msg.sender, rights, address(0), 0, 0), enable);
    }

    function delegateContract(address to, address contract_, bytes32 rights, bool enable) external payable {
        _set(Delegation(DelegationType.CONTRACT, to, msg.sender, rights, contract_, 0, 0), enable);
    }

    function delegateERC721(address to, address contract_, uint256 tokenId, bytes32 rights, bool enable) external payable {
        _set(Delegation(DelegationType.ERC721, to, msg.sender, rights, contract_, tokenId, 0), enable);
    }

    function delegateERC20(address to, address contract_, bytes32 rights, uint256 amount) external payable {
        _set(Delegation(DelegationType.ERC20, to, msg.sender, rights, contract_, 0, amount), amount > 0);
    }

    function delegateERC1155(address to, address contract_, uint256 tokenId, bytes32 rights, uint256 amount) external payable {
        _set(Delegation(DelegationType.ERC1155, to, msg.sender, rights, contract_, tokenId, amount), amount > 0);
    }

    function getIncomingDelegations(address to) external view returns (Delegation[] memory) {
        return _incoming[to];
    }

    function checkDelegateForERC721(address to, address from, address contract_, uint256 tokenId, bytes32 rights)
        external
        view
        returns (bool)
    {
        Delegation[] storage all = _incoming[to];
        for (uint256 i = 0; i < all.length; i++) {
            Delegation storage d = all[i];
            if (d.from != from || (d.rights != 0 && d.rights != rights)) continue;
            if (d.type_ == DelegationType.ALL) return true;
            if (d.contract_ != contract_) continue;
            if (d.type_ == DelegationType.CONTRACT) return true;
            if (d.type_ == DelegationType.ERC721 && d.tokenId == tokenId) return true;
        }
        return false;
    }

    function _set(Delegation memory d, bool enable) private {
        Delegation[] storage all = _incoming[d.to];
        for (uint256 i = 0; i < all.length; i++) {
            Delegation storage o = all[i];
            if (o.type_ != d.type_ || o.from != d.from || o.rights != d.rights) continue;
            if (o.contract_ != d.contract_ || o.tokenId != d.tokenId) continue;
            all[i] = all[all.length - 1];
            all.pop();
            break;
        }
        if (enable) all.push(d);
    }
}

package rule

import "slices"

// cost is the most reads of the chain that n takes for one account. What is read through a list the chain
// keeps (vaults, keys, tokens) counts with the bound of the list.
func (n *Node) cost(s Subject) int {
	reads := 0
	for _, c := range n.Children {
		reads += c.cost(s)
	}
	switch n.Kind {
	case KindHold:
		reads = n.Hold.cost(s)
	case KindKey:
		reads = n.Key.cost()
	case KindCall, KindSol, KindBlock:
		reads = 1
	}
	if n.Leaf() && !n.Evidence.Finality.Latest() {
		reads *= 2
	}
	return reads
}

// DelegateXYZ is the registry of delegations that is read.
const DelegateXYZ = "delegate.xyz/v2"

// Holders returns As and, where the subject counts delegations by DelegateXYZ, Delegate beside Owner.
func (h *HoldLeaf) Holders(s Subject) []Holder {
	if !slices.Contains(s.Delegation, DelegateXYZ) || !slices.Contains(h.As, Owner) || slices.Contains(h.As, Delegate) {
		return h.As
	}
	return append([]Holder{Delegate}, h.As...)
}

func (h *HoldLeaf) cost(s Subject) int {
	ids, ok := h.Tokens()
	if !ok {
		return 0
	}
	tokens, reads := len(ids), 0
	for _, as := range h.Holders(s) {
		switch {
		case as == Owner && ids != nil:
			reads += tokens
		case as == Owner && len(h.Traits) > 0: // their number, then id and URI of each
			reads += 1 + 2*MaxIDs
		case as == Owner:
			reads++
		case as == Delegate && ids != nil && h.Asset.Standard == "erc721": // the owner, and whether he delegated
			reads += 2 * tokens
		case as == Delegate: // the list of delegations, and each vault's balance
			reads += max(1, tokens) * (1 + MaxVaults)
		case as == Renter: // user and end
			reads += 2 * tokens
		case as == BoundAccount: // the owner, its code, and the owner of what it is bound to
			reads += 3 * tokens
		}
	}
	if ids != nil && len(h.Traits) > 0 {
		reads += tokens // the URIs
	}
	return reads
}

func (k *KeyLeaf) cost() int {
	switch {
	case k.Check == ERC4907:
		return 2
	case k.Asset.Token != "":
		return 3
	case k.Check == Unlock: // four questions to the lock, then id and end of each key
		return 4 + 2*MaxKeys
	}
	return 1 + 2*MaxKeys
}

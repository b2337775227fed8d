package rule

import (
	"math/big"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Kind names a node: the operators, and the leaves by their JSON member.
type Kind string

// The kinds of nodes.
const (
	KindAll     Kind = "all"
	KindAny     Kind = "any"
	KindAtLeast Kind = "atLeast"
	KindNot     Kind = "not"
	KindHold    Kind = "hold"
	KindKey     Kind = "key"
	KindCall    Kind = "call"
	KindSol     Kind = "sol"
	KindIs      Kind = "is"
	KindList    Kind = "list"
	KindMerkle  Kind = "merkle"
	KindRole    Kind = "role"
	KindAfter   Kind = "after"
	KindBefore  Kind = "before"
	KindBlock   Kind = "block"
)

// Node is one node of a rule. It is read-only: a Rule is shared by many goroutines.
type Node struct {
	Kind Kind
	// Pointer is the JSON pointer of the node in the rule.
	Pointer string
	// ID is the author's name for the node; may be empty.
	ID string
	// Evidence is resolved: what the node does not say is inherited.
	Evidence Evidence
	// Children are the operands of all, any, atLeast and not.
	Children []*Node
	// N is how many children of an atLeast must pass.
	N int

	// The one of these that Kind names is set.
	Hold    *HoldLeaf
	Key     *KeyLeaf
	Call    *CallLeaf
	Sol     *SolLeaf
	Account caip.AccountID // is
	Name    string         // list and role; the 0x root of merkle
	Time    time.Time      // after and before, UTC
	Block   *BlockTest

	phrase string // "holds …", set once after parsing
}

// Leaf reports whether the node has no operands.
func (n *Node) Leaf() bool {
	switch n.Kind {
	case KindAll, KindAny, KindAtLeast, KindNot:
		return false
	}
	return true
}

// Walk calls fn for n and everything below it, parents first.
func (n *Node) Walk(fn func(*Node)) {
	fn(n)
	for _, c := range n.Children {
		c.Walk(fn)
	}
}

// Holder is a way to have the use of a token.
type Holder string

// The holders. Owner is the default.
const (
	Owner        Holder = "owner"
	Delegate     Holder = "delegate"
	Renter       Holder = "renter"
	BoundAccount Holder = "boundAccount"
)

// HoldLeaf asks for a token balance.
type HoldLeaf struct {
	Asset caip.AssetID
	// Min is the least balance, or the least number of the tokens IDs names (default 1).
	Min *big.Int
	// IDs are decimal token ids, sorted by value and distinct.
	IDs []string
	// From and To bound the token ids, inclusive; nil when the rule has no range.
	From, To *big.Int
	// Traits maps a trait to the values that pass.
	Traits map[string][]string
	// As is sorted; never empty.
	As []Holder
}

// Tokens returns the token ids that are looked at one by one: that of the
// asset, IDs, or the range. ok is false when the range is wider than MaxIDs;
// nil with ok means the whole collection.
func (h *HoldLeaf) Tokens() (ids []string, ok bool) {
	switch {
	case h.Asset.Token != "":
		return []string{h.Asset.Token}, true
	case h.IDs != nil:
		return h.IDs, true
	case h.From == nil:
		return nil, true
	}
	if width := new(big.Int).Sub(h.To, h.From); width.Cmp(big.NewInt(MaxIDs)) >= 0 {
		return nil, false
	}
	for id := new(big.Int).Set(h.From); id.Cmp(h.To) <= 0; id.Add(id, big.NewInt(1)) {
		ids = append(ids, id.String())
	}
	return ids, true
}

// KeyCheck is how a time-limited key is tested.
type KeyCheck string

// The checks of the key leaf.
const (
	Unlock  KeyCheck = "unlock"
	ERC5643 KeyCheck = "erc5643"
	ERC4907 KeyCheck = "erc4907"
)

// KeyLeaf asks for a key or rental that has not run out.
type KeyLeaf struct {
	Asset caip.AssetID
	Check KeyCheck
}

// CallLeaf compares the result of a read-only contract call.
type CallLeaf struct {
	Contract caip.AccountID
	// Fn is the Solidity signature with its return type.
	Fn string
	// Args are Solidity literals, or ":account" for the account asked about.
	Args []string
	Op   string // ==, !=, <, <=, >, >=, contains
	// Value is an integer, a lower-case address, "true"/"false", a string or 0x hex.
	Value string
}

// SolLeaf asks for a Solana token, or one of a collection or creator.
type SolLeaf struct {
	// Asset is set for a mint, Chain alone for a collection or creator.
	Asset      caip.AssetID
	Chain      caip.ChainID
	Collection string // mint of the collection
	Creator    string
	// Verified is whether collection or creator must be verified on chain.
	Verified bool
	Min      *big.Int
	Allow    []string // frozen, delegated, compressed; sorted
}

// BlockTest compares the newest block number of a chain.
type BlockTest struct {
	Chain caip.ChainID
	Op    string
	Value *big.Int
}

// Wallets says which of a subject's accounts count.
type Wallets string

// The choices. Signer is the default.
const (
	Signer Wallets = "signer"
	Linked Wallets = "linked"
)

// Subject says who is asked about.
type Subject struct {
	Wallets    Wallets
	Delegation []string
	// Per and Max limit streams at once: Max per asset, account or token; Max 0 is no limit.
	Per string
	Max int
}

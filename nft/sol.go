package nft

import (
	"slices"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/rule"
)

// solTarget returns the chain of a sol leaf and the address it is about.
func solTarget(s *rule.SolLeaf) (caip.ChainID, string) {
	switch {
	case s.Collection != "":
		return s.Chain, s.Collection
	case s.Creator != "":
		return s.Chain, s.Creator
	}
	return s.Asset.Chain, s.Asset.Reference
}

// solQuery is the one read of a sol leaf for one account.
func solQuery(s *rule.SolLeaf, account string) Query {
	_, contract := solTarget(s)
	q := Query{Op: OpSolMint, Contract: contract, Account: account, Sol: SolQuery{
		Frozen: slices.Contains(s.Allow, "frozen"), Delegated: slices.Contains(s.Allow, "delegated"),
		Compressed: slices.Contains(s.Allow, "compressed"),
	}}
	if s.Min.IsUint64() {
		q.Sol.Enough = s.Min.Uint64()
	}
	switch {
	case s.Collection != "":
		q.Op, q.Sol.Unverified = OpSolCollection, !s.Verified
	case s.Creator != "":
		q.Op, q.Sol.Unverified = OpSolCreator, !s.Verified
	}
	return q
}

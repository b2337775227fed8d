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
	}}
	switch {
	case s.Collection != "":
		q.Op, q.Sol.Unverified = OpSolCollection, !s.Verified
	case s.Creator != "":
		q.Op, q.Sol.Unverified = OpSolCreator, !s.Verified
	}
	return q
}

// maybeCompressed reports whether a rule also counts compressed tokens. No verifier
// reads those yet, so the lack of others is no "no".
func maybeCompressed(s *rule.SolLeaf) bool { return slices.Contains(s.Allow, "compressed") }

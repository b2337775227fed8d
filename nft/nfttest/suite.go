// Package nfttest tests implementations of nft.Verifier: Run is the suite every
// verifier passes, and Chain is a scripted chain in memory that passes it and
// that tests of other packages put under a Decider.
package nfttest

import (
	"context"
	"testing"
	"time"

	"github.com/streamgate/streamgate/nft"
)

// OpKind names what an Op does to the chain.
type OpKind string

// The operations a fixture must be able to mine.
const (
	// Mint721 gives the new token TokenID to To.
	Mint721 OpKind = "mint721"
	// Transfer721 moves TokenID from From to To.
	Transfer721 OpKind = "transfer721"
	// Mint1155 gives Amount of TokenID to To.
	Mint1155 OpKind = "mint1155"
	// Transfer1155 moves Amount of TokenID from From to To.
	Transfer1155 OpKind = "transfer1155"
	// Mint20 gives Amount to To; Chain alone knows it, the suite does not use it.
	Mint20 OpKind = "mint20"
)

// Op is one transaction. From and To are accounts of the fixture.
type Op struct {
	Kind     OpKind
	From, To string
	TokenID  string
	Amount   uint64 // ERC-1155 and ERC-20
	// Contract chooses among several of one standard; empty is the fixture's one.
	Contract string
	// Until is a second since 1970, Text what the kind says.
	Until uint64
	Text  string
}

// Fixture is one fresh chain under test, with two empty token contracts.
type Fixture struct {
	Verifier nft.Verifier
	// NFT and Multi are the canonical addresses of an ERC-721 and an ERC-1155
	// contract, without tokens. NoCode is an address that has no contract.
	NFT, Multi, NoCode string
	// Rights are further contracts; the zero value skips the tests of what they offer.
	Rights Rights
	// Bind makes the account (ERC-6551) of a token and returns its address. Nil skips the test of it.
	Bind func(ctx context.Context, contract, token string) (string, error)
	// Accounts are canonical addresses the fixture can send from.
	Accounts [3]string
	// Mine applies ops in order in one new block (several blocks where the chain
	// cannot do otherwise) and returns the newest. No ops mine an empty block.
	Mine func(ctx context.Context, ops ...Op) (nft.Block, error)
	// Reorg removes the newest depth blocks and mines depth+1 others, the first
	// of which holds ops. Nil skips the tests of reorganisation.
	Reorg func(ctx context.Context, depth int, ops ...Op) error
	// Ask is how the chain is asked; the zero value asks an EVM.
	Ask Dialect
	// HeadsOnly says that the chain has no log of transfers, so that Watch tells heads alone.
	HeadsOnly bool
	// NoHistory says that its nodes keep no past states, so that more than one
	// confirmation is an error of kind unsupported.
	NoHistory bool
	// Break makes the provider fail until restore is called. Nil skips the tests of outages.
	Break func() (restore func())
}

// Dialect makes the suite's questions in the operations of a chain.
type Dialect struct {
	// Count asks how many tokens of NFT an account has, Amount how much of the token
	// of Multi. Owner asks who has a token of NFT.
	Count  func(account string) nft.Query
	Amount func(account, token string) nft.Query
	Owner  func(token string) nft.Query
	// NoOwner says that the chain has no such question as Owner.
	NoOwner bool
}

// Check is one promise of nft.Verifier. Func returns what is broken, or nil.
type Check struct {
	Name string
	Func func(ctx context.Context, f Fixture) error
	// Needs tells whether the fixture can show it; nil means always.
	Needs func(f Fixture) bool
}

// Run tests a verifier. newFixture is called once a subtest, cleans up through
// t, and may be called in parallel.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if c.Needs != nil && !c.Needs(f) {
				t.Skip("the fixture cannot show this")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := c.Func(ctx, f); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Checks returns what Run runs, so that the suite itself can be tested.
func Checks() []Check {
	canReorg := func(f Fixture) bool { return f.Reorg != nil }
	transfers := func(f Fixture) bool { return !f.HeadsOnly }
	return append(rightsChecks(), []Check{
		{Name: "chain and head", Func: chainAndHead},
		{Name: "ERC-721 balances and owners", Func: holds721},
		{Name: "ERC-1155 balances", Func: holds1155},
		{Name: "one answer a query, in order, at one block", Func: answersInOrder},
		{Name: "no contract is an error of its query alone", Func: noContract},
		{Name: "nonsense has no value", Func: nonsense},
		{Name: "finality reads the past", Func: finality},
		{Name: "calls made together do not mix", Func: together},
		{Name: "a caller who hangs up gets no answer", Func: hangUp},
		{Name: "an outage is unavailable", Func: outage, Needs: func(f Fixture) bool { return f.Break != nil }},
		{Name: "watch tells heads and transfers", Func: watchTransfers, Needs: transfers},
		{Name: "watch tells heads in order", Func: watchHeads},
		{Name: "watch takes up new contracts", Func: watchGrows, Needs: transfers},
		{Name: "watch tells reorganisations", Func: watchReorg, Needs: canReorg},
		{Name: "answers follow reorganisations", Func: checkReorg, Needs: canReorg},
	}...)
}

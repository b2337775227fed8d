// Package nfttest tests implementations of nft.Verifier: Run is the suite every
// verifier passes, and Chain is a scripted chain in memory that passes it and
// that tests of other packages put under a Decider.
package nfttest

import (
	"context"
	"testing"

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
	// Contract chooses among several of one standard on a Chain; the suite leaves it empty.
	Contract string
}

// Fixture is one fresh chain under test, with two empty token contracts.
type Fixture struct {
	Verifier nft.Verifier
	// NFT and Multi are the canonical addresses of an ERC-721 and an ERC-1155
	// contract, without tokens. NoCode is an address that has no contract.
	NFT, Multi, NoCode string
	// Accounts are canonical addresses the fixture can send from.
	Accounts [3]string
	// Mine applies ops in order in one new block (several blocks where the chain
	// cannot do otherwise) and returns the newest. No ops mine an empty block.
	Mine func(ctx context.Context, ops ...Op) (nft.Block, error)
	// Reorg removes the newest depth blocks and mines depth+1 others, the first
	// of which holds ops. Nil skips the tests of reorganisation.
	Reorg func(ctx context.Context, depth int, ops ...Op) error
	// Break makes the provider fail until restore is called. Nil skips the tests of outages.
	Break func() (restore func())
}

// Run tests a verifier. newFixture is called once a subtest, cleans up through
// t, and may be called in parallel.
func Run(t *testing.T, newFixture func(t *testing.T) Fixture) {
	t.Helper()
}

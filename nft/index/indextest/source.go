package indextest

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/nfttest"
)

// Fixture is a fresh chain with two empty token contracts, and the source under test.
type Fixture struct {
	Source index.Source
	// NFT and Multi are an ERC-721 and an ERC-1155 contract, NoCode is none.
	NFT, Multi, NoCode string
	// Accounts can send.
	Accounts [3]string
	// Mine and Reorg are those of nfttest.Fixture.
	Mine  func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error)
	Reorg func(ctx context.Context, depth int, ops ...nfttest.Op) error
}

// NewFixture makes a fixture; it may be called in parallel.
type NewFixture func(t testing.TB) Fixture

// RunSource checks the promises of index.Source.
func RunSource(t *testing.T, open NewFixture) { suite.Run(t, sourceChecks(), open) }

// FailingSource returns the names of the checks that a source fails, to test the suite.
func FailingSource(t *testing.T, open NewFixture) []string {
	return suite.Failing(t, sourceChecks(), open)
}

func sourceChecks() []suite.Check[NewFixture] {
	return []suite.Check[NewFixture]{
		{Name: "blocks are linked up to the tip", Run: blocksLink},
		{Name: "transfers of a range, in order", Run: rangeTransfers},
		{Name: "transfers of blocks, each by itself", Run: blockTransfers},
		{Name: "a block that went has no transfers", Run: blockGone},
		{Name: "contracts are not born after they are there", Run: birth},
		{Name: "a source whose caller hung up gives nothing", Run: sourceHungUp},
	}
}

func (f Fixture) mine(t testing.TB, ops ...nfttest.Op) nft.Block {
	t.Helper()
	b, err := f.Mine(t.Context(), ops...)
	must(t, err)
	return b
}

func (f Fixture) blocks(t testing.TB, from, to uint64) []index.Header {
	t.Helper()
	hs, err := f.Source.Blocks(t.Context(), from, to)
	must(t, err)
	if uint64(len(hs)) != to-from+1 {
		t.Fatalf("%d blocks from %d to %d", len(hs), from, to)
	}
	return hs
}

func blocksLink(t testing.TB, open NewFixture) {
	f := open(t)
	var head nft.Block
	for range 4 {
		head = f.mine(t)
	}
	tip, err := f.Source.Tip(t.Context(), "latest")
	must(t, err)
	if tip.Number != head.Number || tip.Hash != head.Hash || tip.Parent == "" || tip.Time.IsZero() {
		t.Errorf("tip %+v, the newest block is %+v", tip, head)
	}
	before := index.Header{}
	for _, h := range f.blocks(t, head.Number-3, head.Number) {
		if before.Hash != "" && (h.Parent != before.Hash || h.Number != before.Number+1) {
			t.Errorf("block %+v does not follow %+v", h, before)
		}
		before = h
	}
	if before.Hash != head.Hash {
		t.Errorf("the last block is %s, not %s", before.Hash, head.Hash)
	}
	newest := tip.Number
	for _, tag := range []string{"safe", "finalized"} {
		if h, err := f.Source.Tip(t.Context(), tag); err == nil {
			if h.Number > newest {
				t.Errorf("%s is block %d, newer than %d", tag, h.Number, newest)
			}
			newest = h.Number
		}
	}
	if _, err := f.Source.Tip(t.Context(), "pending"); err == nil {
		t.Error("the tag \"pending\" is answered")
	}
	if _, err := f.Source.Blocks(t.Context(), head.Number, head.Number+5); !errors.Is(err, fault.Unavailable) {
		t.Errorf("blocks that are not there: %v, want kind unavailable", err)
	}
}

// script makes a history with a transfer of each sort, and returns what it moved.
func (f Fixture) script(t testing.TB) (first, last uint64, want []index.Transfer) {
	t.Helper()
	a, b := f.Accounts[0], f.Accounts[1]
	steps := [][]nfttest.Op{
		{{Kind: nfttest.Mint721, To: a, TokenID: "1"}, {Kind: nfttest.Mint1155, To: a, TokenID: "7", Amount: 5}},
		nil,
		{{Kind: nfttest.Transfer721, From: a, To: b, TokenID: "1"}},
		{{Kind: nfttest.Transfer1155, From: a, To: b, TokenID: "7", Amount: 2}, {Kind: nfttest.Transfer721, From: b, To: b, TokenID: "1"}},
	}
	for _, ops := range steps {
		block := f.mine(t, ops...)
		if last = block.Number; first == 0 {
			first = last
		}
		for _, op := range ops {
			tr := index.Transfer{Block: block.Number, Hash: block.Hash, Contract: f.NFT, Kind: index.ERC721, From: op.From, To: op.To, Token: op.TokenID}
			if op.Kind == nfttest.Mint1155 || op.Kind == nfttest.Transfer1155 {
				tr.Contract, tr.Kind = f.Multi, index.ERC1155
			}
			want = append(want, tr)
		}
	}
	return first, last, want
}

func compare(t testing.TB, got, want []index.Transfer) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d transfers, want %d: %+v", len(got), len(want), got)
	}
	for i, g := range got {
		amount := g.Amount
		if g.Amount = nil; g != want[i] {
			t.Errorf("transfer %d is %+v, want %+v", i, g, want[i])
		}
		if amount == nil || want[i].Kind == index.ERC721 && amount.Int64() != 1 || want[i].Kind == index.ERC1155 && amount.Int64() < 2 {
			t.Errorf("transfer %d is of %v", i, amount)
		}
	}
}

func only(ts []index.Transfer, fits func(index.Transfer) bool) (out []index.Transfer) {
	for _, t := range ts {
		if fits(t) {
			out = append(out, t)
		}
	}
	return out
}

func rangeTransfers(t testing.TB, open NewFixture) {
	f := open(t)
	first, last, want := f.script(t)
	get := func(from, to uint64, contracts ...string) []index.Transfer {
		t.Helper()
		got, err := f.Source.Transfers(t.Context(), from, to, contracts)
		must(t, err)
		return got
	}
	compare(t, get(first, last, f.NFT, f.Multi), want)
	compare(t, get(first, last, f.NFT), only(want, func(x index.Transfer) bool { return x.Contract == f.NFT }))
	compare(t, get(first+1, last-1, f.NFT, f.Multi), only(want, func(x index.Transfer) bool { return x.Block > first && x.Block < last }))
	compare(t, get(0, last, f.Multi), only(want, func(x index.Transfer) bool { return x.Contract == f.Multi }))
	compare(t, get(first, last, f.NoCode), nil)
}

func blockTransfers(t testing.TB, open NewFixture) {
	f := open(t)
	first, last, want := f.script(t)
	for _, contracts := range [][]string{{f.NFT, f.Multi}, {f.Multi}, {f.NoCode}} {
		got, err := f.Source.TransfersIn(t.Context(), f.blocks(t, first, last), contracts)
		must(t, err)
		if uint64(len(got)) != last-first+1 {
			t.Fatalf("transfers of %d blocks, not %d", len(got), last-first+1)
		}
		for i, some := range got {
			compare(t, some, only(want, func(x index.Transfer) bool {
				return x.Block == first+uint64(i) && (x.Contract == contracts[0] || x.Contract == contracts[len(contracts)-1])
			}))
		}
	}
}

// blockGone: transfers of a block that was reorganised away are an error, or those of that very block.
func blockGone(t testing.TB, open NewFixture) {
	f := open(t)
	a := f.Accounts[0]
	block := f.mine(t, nfttest.Op{Kind: nfttest.Mint721, To: a, TokenID: "1"})
	gone := f.blocks(t, block.Number, block.Number)
	must(t, f.Reorg(t.Context(), 1, nfttest.Op{Kind: nfttest.Mint721, To: a, TokenID: "2"}))
	got, err := f.Source.TransfersIn(t.Context(), gone, []string{f.NFT})
	if err != nil {
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("%v, want kind unavailable", err)
		}
		return
	}
	if len(got) != 1 || len(got[0]) != 1 || got[0][0].Token != "1" || got[0][0].Hash != block.Hash {
		t.Errorf("a block that went is answered with %+v", got)
	}
}

func birth(t testing.TB, open NewFixture) {
	f := open(t)
	first, _, _ := f.script(t)
	born, err := f.Source.Born(t.Context(), f.NFT)
	if err != nil || born > first {
		t.Errorf("born in %d, %v; the first transfer is in %d", born, err, first)
	}
	if _, err := f.Source.Born(t.Context(), f.NoCode); !errors.Is(err, fault.NotFound) {
		t.Errorf("no contract: %v, want kind not_found", err)
	}
}

func sourceHungUp(t testing.TB, open NewFixture) {
	f := open(t)
	head := f.mine(t)
	hs := f.blocks(t, head.Number, head.Number)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, tipErr := f.Source.Tip(ctx, "latest")
	_, blocksErr := f.Source.Blocks(ctx, 0, 0)
	_, rangeErr := f.Source.Transfers(ctx, 0, 1, []string{f.NFT})
	_, inErr := f.Source.TransfersIn(ctx, hs, []string{f.NFT})
	_, bornErr := f.Source.Born(ctx, f.NFT)
	for op, err := range map[string]error{"Tip": tipErr, "Blocks": blocksErr, "Transfers": rangeErr, "TransfersIn": inErr, "Born": bornErr} {
		if !errors.Is(err, fault.Canceled) {
			t.Errorf("%s: %v, want kind canceled", op, err)
		}
	}
}

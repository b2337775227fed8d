package indextest_test

import (
	"context"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/index/indextest"
	"github.com/streamgate/streamgate/nft/nfttest"
)

// broken is a store that breaks one promise.
type broken struct {
	index.Store
	load   func(s index.State) index.State
	apply  func(s index.Store, ctx context.Context, chain string, step index.Step) error
	want   func(s index.Store, ctx context.Context, chain string, contracts []string) error
	values func(m index.Mark, v []string) (index.Mark, []string)
	keys   func(keys []index.Key) []index.Key
	sample func(keys []index.Key) []index.Key
	chain  string
	deaf   bool
}

func (b *broken) of(ctx context.Context, chain string) (context.Context, string) {
	if b.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if b.chain != "" {
		chain = b.chain
	}
	return ctx, chain
}

func (b *broken) Load(ctx context.Context, chain string) (index.State, error) {
	ctx, chain = b.of(ctx, chain)
	s, err := b.Store.Load(ctx, chain)
	if b.load != nil {
		s = b.load(s)
	}
	return s, err
}

func (b *broken) Apply(ctx context.Context, chain string, s index.Step) error {
	ctx, chain = b.of(ctx, chain)
	if b.apply != nil {
		return b.apply(b.Store, ctx, chain, s)
	}
	return b.Store.Apply(ctx, chain, s)
}

func (b *broken) Want(ctx context.Context, chain string, contracts []string) error {
	ctx, chain = b.of(ctx, chain)
	if b.want != nil {
		return b.want(b.Store, ctx, chain, contracts)
	}
	return b.Store.Want(ctx, chain, contracts)
}

func (b *broken) Values(ctx context.Context, chain string, keys []index.Key) (index.Mark, []string, error) {
	ctx, chain = b.of(ctx, chain)
	if b.keys != nil {
		keys = b.keys(keys)
	}
	m, v, err := b.Store.Values(ctx, chain, keys)
	if b.values != nil && err == nil {
		m, v = b.values(m, v)
	}
	return m, v, err
}

func (b *broken) Sample(ctx context.Context, chain, contract string, limit int) ([]index.Key, error) {
	ctx, chain = b.of(ctx, chain)
	keys, err := b.Store.Sample(ctx, chain, contract, limit)
	if b.sample != nil {
		keys = b.sample(keys)
	}
	return keys, err
}

func TestTheStoreSuiteNotices(t *testing.T) {
	t.Parallel()
	// change makes a step with one member changed.
	change := func(edit func(*index.Step)) *broken {
		return &broken{apply: func(s index.Store, ctx context.Context, chain string, step index.Step) error {
			edit(&step)
			return s.Apply(ctx, chain, step)
		}}
	}
	for name, tc := range map[string]struct {
		store func() *broken
		want  string
	}{
		"forgets the base":      {func() *broken { return change(func(s *index.Step) { s.Base = nil }) }, "a step is taken over as it is"},
		"withdraws nothing":     {func() *broken { return change(func(s *index.Step) { s.Withdraw = false }) }, "a step is taken over as it is"},
		"drops nothing":         {func() *broken { return change(func(s *index.Step) { s.Drop = nil }) }, "what is dropped is gone, of that contract alone"},
		"keeps owners":          {func() *broken { return change(func(s *index.Step) { s.Owners = nil }) }, "amounts are added and owners replaced"},
		"forgets the contracts": {func() *broken { return change(func(s *index.Step) { s.Contracts = nil }) }, "a step is taken over as it is"},
		"counts in int64": {func() *broken {
			return change(func(s *index.Step) {
				s.Amounts = maps.Clone(s.Amounts)
				for k, v := range s.Amounts {
					s.Amounts[k] = big.NewInt(v.Int64())
				}
			})
		}, "amounts are added and owners replaced"},
		"ignores the revision": {func() *broken {
			return &broken{apply: func(s index.Store, ctx context.Context, chain string, step index.Step) error {
				now, err := s.Load(ctx, chain)
				if err != nil {
					return err
				}
				step.Revision = now.Revision
				return s.Apply(ctx, chain, step)
			}}
		}, "a step of another revision changes nothing"},
		"replaces what is known": {func() *broken {
			return &broken{want: func(s index.Store, ctx context.Context, chain string, contracts []string) error {
				now, err := s.Load(ctx, chain)
				for _, c := range contracts {
					if err == nil {
						err = s.Apply(ctx, chain, index.Step{Revision: now.Revision, Contracts: []index.Contract{{Address: c, Status: index.Wanted}}})
						now.Revision++
					}
				}
				return err
			}}
		}, "wanting changes nothing that is known"},
		"mixes chains": {func() *broken { return &broken{chain: "eip155:1"} }, "chains are apart"},
		"marks the state after": {func() *broken {
			return &broken{values: func(m index.Mark, v []string) (index.Mark, []string) {
				m.Number++
				return m, v
			}}
		}, "values are of the state of their mark"},
		"answers the first keys alone": {func() *broken {
			return &broken{values: func(m index.Mark, v []string) (index.Mark, []string) {
				for i := 1000; i < len(v); i++ {
					v[i] = ""
				}
				return m, v
			}}
		}, "many keys at once"},
		"samples the same":  {func() *broken { return &broken{sample: func([]index.Key) []index.Key { return nil }} }, "samples are keys of the contract"},
		"samples no owners": {func() *broken { return &broken{sample: withoutOwners} }, "samples are keys of the contract"},
		"is deaf":           {func() *broken { return &broken{deaf: true} }, "who hung up is told so and changes nothing"},
		"lists as it likes": {func() *broken {
			return &broken{load: func(s index.State) index.State {
				slices.Reverse(s.Contracts)
				return s
			}}
		}, "a step is taken over as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := indextest.FailingStore(t, func(testing.TB) index.Store {
				b := tc.store()
				b.Store = index.NewMemory()
				return b
			})
			if !slices.Contains(failing, tc.want) {
				t.Errorf("failing are %q, want %q among them", failing, tc.want)
			}
		})
	}
}

func withoutOwners(keys []index.Key) []index.Key {
	return slices.DeleteFunc(keys, func(k index.Key) bool { return k.Account == "" })
}

// lying is a source that breaks one promise.
type lying struct {
	index.Source
	edit   func([]index.Transfer) []index.Transfer
	blocks func([]index.Header) []index.Header
	from   uint64 // added to the beginning of ranges
	born   uint64
	deaf   bool
}

func (l lying) ctx(ctx context.Context) context.Context {
	if l.deaf {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (l lying) Blocks(ctx context.Context, from, to uint64) ([]index.Header, error) {
	hs, err := l.Source.Blocks(l.ctx(ctx), from, to)
	if l.blocks != nil {
		hs = l.blocks(hs)
	}
	return hs, err
}

func (l lying) Transfers(ctx context.Context, from, to uint64, contracts []string) ([]index.Transfer, error) {
	ts, err := l.Source.Transfers(l.ctx(ctx), from+l.from, to, contracts)
	if l.edit != nil {
		ts = l.edit(slices.Clone(ts))
	}
	return ts, err
}

func (l lying) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	out, err := l.Source.TransfersIn(l.ctx(ctx), blocks, contracts)
	for i := range out {
		if l.edit != nil {
			out[i] = l.edit(slices.Clone(out[i]))
		}
	}
	return out, err
}

func (l lying) Born(ctx context.Context, contract string) (uint64, error) {
	born, err := l.Source.Born(ctx, contract)
	return born + l.born, err
}

func fixture(lie lying) indextest.NewFixture {
	return func(testing.TB) indextest.Fixture {
		c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
		l := lie
		l.Source = c.IndexSource()
		return indextest.Fixture{
			Source: l, NFT: c.Deploy("erc721"), Multi: c.Deploy("erc1155"), NoCode: "0x00000000000000000000000000000000000000ff",
			Accounts: [3]string{"0x00000000000000000000000000000000000000a1", "0x00000000000000000000000000000000000000a2", "0x00000000000000000000000000000000000000a3"},
			Mine:     func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return c.Mine(ops...), nil },
			Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
				c.Reorg(depth, ops...)
				return nil
			},
		}
	}
}

func TestTheSourceSuiteNotices(t *testing.T) {
	t.Parallel()
	const inRange, inBlocks = "transfers of a range, in order", "transfers of blocks, each by itself"
	for name, tc := range map[string]struct {
		lie  lying
		want []string
	}{
		"drops the last": {lying{edit: func(ts []index.Transfer) []index.Transfer { return ts[:max(0, len(ts)-1)] }}, []string{inRange, inBlocks}},
		"turns round": {lying{edit: func(ts []index.Transfer) []index.Transfer {
			slices.Reverse(ts)
			return ts
		}}, []string{inRange, inBlocks}},
		"names another token": {lying{edit: func(ts []index.Transfer) []index.Transfer {
			for i := range ts {
				ts[i].Token = "1"
			}
			return ts
		}}, []string{inRange, inBlocks}},
		"moves everything from nobody": {lying{edit: func(ts []index.Transfer) []index.Transfer {
			for i := range ts {
				ts[i].From = ""
			}
			return ts
		}}, []string{inRange, inBlocks}},
		"begins late":        {lying{from: 1}, []string{inRange}},
		"is born late":       {lying{born: 9}, []string{"contracts are not born after they are there"}},
		"turns blocks round": {lying{blocks: func(hs []index.Header) []index.Header { slices.Reverse(hs); return hs }}, []string{"blocks are linked up to the tip"}},
		"is deaf":            {lying{deaf: true}, []string{"a source whose caller hung up gives nothing"}},
		"answers a block that went with the one that came": {lying{edit: func(ts []index.Transfer) []index.Transfer {
			for i := range ts {
				ts[i].Hash = "0x00"
			}
			return ts
		}}, []string{inBlocks}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := indextest.FailingSource(t, fixture(tc.lie))
			for _, want := range tc.want {
				if !slices.Contains(failing, want) {
					t.Errorf("failing are %q, want %q among them", failing, want)
				}
			}
		})
	}
}

package quorum_test

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
)

// A Verifier over several providers keeps every promise of one, also with one of three out of order.
func TestVerifier(t *testing.T) {
	t.Parallel()
	for name, third := range map[string]trouble{"all well": {}, "one down": {err: errDown, dead: true}, "one lags": {lag: 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
				w := newWorld(t, quorum.Options{}, nil)
				w.nodes[0].set(third)
				// So that all are heard of, as they are where somebody watches.
				if _, err := w.v.CheckQuorum(t.Context(), latest, twoOfThree, nil); err != nil {
					t.Fatal(err)
				}
				return nfttest.Fixture{
					Verifier: w.v, NFT: w.token, Multi: w.Deploy("erc1155"), NoCode: "0x00000000000000000000000000000000000000ff",
					Accounts: [3]string{alice, bob, "0x00000000000000000000000000000000000000a3"},
					Mine:     func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return w.Mine(ops...), nil },
					Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
						w.Reorg(depth, ops...)
						return nil
					},
					Break: func() func() {
						w.Fail(nfttest.Faults{Err: errors.New("connection refused")})
						return func() { w.Fail(nfttest.Faults{}) }
					},
				}
			})
		})
	}
}

// asQuorum has every Check be one of a quorum.
type asQuorum struct{ *quorum.Verifier }

func (v asQuorum) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	return v.CheckQuorum(ctx, at, nft.Quorum{N: 2, Of: 3}, qs)
}

// What a quorum answers keeps the promises of Check.
func TestQuorumIsACheck(t *testing.T) {
	t.Parallel()
	nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
		w := newWorld(t, quorum.Options{}, nil)
		w.nodes[1].set(trouble{lie: hundred})
		return nfttest.Fixture{
			Verifier: asQuorum{w.v}, NFT: w.token, Multi: w.Deploy("erc1155"), NoCode: "0x00000000000000000000000000000000000000ff",
			Accounts: [3]string{alice, bob, "0x00000000000000000000000000000000000000a3"},
			Mine:     func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return w.Mine(ops...), nil },
			Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
				w.Reorg(depth, ops...)
				return nil
			},
		}
	})
}

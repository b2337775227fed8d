package solana_test

import (
	"errors"
	"math/big"
	"testing"

	"context"

	"github.com/streamgate/streamgate/caip"
	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/quorum"
	"github.com/streamgate/streamgate/nft/rule"
)

// liar is a provider that says of everybody what it likes.
type liar struct {
	nft.Verifier
	count int64
}

func (l liar) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	r, err := l.Verifier.Check(ctx, at, qs)
	for i := range r.Answers {
		n := big.NewInt(l.count)
		r.Answers[i] = nft.Answer{Value: n.String(), Int: n}
	}
	return r, err
}

// Solana has no past to read at, so a quorum there is of answers at slots near each other.
func TestQuorum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	provider := func() *sol.Verifier {
		v, err := sol.New(sol.Options{RPCURL: w.RPCURL, Chain: w.ID, MaxStale: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		return v
	}
	elsewhere, err := sol.New(sol.Options{RPCURL: w.RPCURL, Chain: caip.ChainID{Namespace: "solana", Reference: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(elsewhere.Close)
	if _, err := elsewhere.Head(t.Context()); !errors.Is(err, nft.ErrOtherChain) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a provider of another cluster: %v", err)
	}
	for name, c := range map[string]struct {
		lies [2]int64 // of the first two; -1 is the truth
		a, b nft.Outcome
	}{
		"all honest":        {[2]int64{-1, -1}, yes, no},
		"one says all hold": {[2]int64{1, -1}, yes, no},
		"one says none do":  {[2]int64{-1, 0}, yes, no},
		"nobody agrees":     {[2]int64{7, 3}, unknown, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			var ps []quorum.Provider
			for i, label := range []string{"one", "two", "three"} {
				v := nft.Verifier(provider())
				if i < 2 && c.lies[i] >= 0 {
					v = liar{v, c.lies[i]}
				}
				ps = append(ps, quorum.Provider{Name: label, Verifier: v})
			}
			v, err := quorum.New(ps, quorum.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}})
			r := rule.Sol(w.ID.String()+"/token:"+mint.String()).Quorum(2, 3).MustBuild()
			for who, want := range map[string]nft.Outcome{w.a.PublicKey().String(): c.a, w.b.PublicKey().String(): c.b} {
				got, err := d.DecideFresh(t.Context(), r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: w.ID, Address: who}}})
				if err != nil || got.Outcome != want {
					t.Errorf("%v, %v, want %v: %+v", got.Outcome, err, want, got.Explain)
				}
			}
		})
	}
}

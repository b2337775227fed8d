package nft_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// ledger answers each query from a table, and nothing else.
type ledger struct {
	id      caip.ChainID
	answers map[nft.Query]nft.Answer
}

func (l *ledger) Chain() caip.ChainID { return l.id }

func (l *ledger) Head(context.Context) (nft.Block, error) { return nft.Block{Number: 1}, nil }

func (l *ledger) Watch(ctx context.Context, _ func() []string, _ func(nft.Change)) error {
	<-ctx.Done()
	return nil
}

func (l *ledger) Check(_ context.Context, _ nft.Finality, qs []nft.Query) (nft.Reply, error) {
	r := nft.Reply{Block: nft.Block{Number: 1, Time: time.Unix(1, 0)}, Calls: 1}
	for _, q := range qs {
		a, ok := l.answers[q]
		if !ok {
			a.Err = fault.Newf(fault.Unavailable, "ledger", "%+v is not in the table", q)
		}
		r.Answers = append(r.Answers, a)
	}
	return r, nil
}

// Each sol leaf makes exactly the query of its table row, and decides by its answer.
func TestSolLeaves(t *testing.T) {
	t.Parallel()
	const (
		mint  = "J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"
		who   = "So11111111111111111111111111111111111111112"
		chain = "solana:mainnet"
		asset = chain + "/token:" + mint
	)
	id, err := caip.ParseChainID(chain)
	if err != nil {
		t.Fatal(err)
	}
	count := func(n int64, note string) nft.Answer {
		return nft.Answer{Value: big.NewInt(n).String(), Int: big.NewInt(n), Note: note}
	}
	q := func(op nft.Op, s nft.SolQuery) nft.Query {
		s.Enough = max(s.Enough, 1)
		return nft.Query{Op: op, Contract: mint, Account: who, Sol: s}
	}
	compressed := nft.SolQuery{Compressed: true}
	notRead := nft.Answer{Err: fault.Wrap(fault.Unsupported, "x", nft.ErrCompressed)}
	unproven := nft.Answer{Err: fault.New(fault.Conflict, "x", "the chain does not prove it")}
	for _, tc := range []struct {
		e      rule.Expr
		q      nft.Query
		a      nft.Answer
		o      nft.Outcome
		reason string
		saw    string
	}{
		{rule.Sol(asset), q(nft.OpSolMint, nft.SolQuery{}), count(1, ""), nft.Yes, "allowed", "1"},
		{rule.Sol(asset).Min(2), q(nft.OpSolMint, nft.SolQuery{Enough: 2}), count(1, ""), nft.No, "not_held", "1"},
		{rule.Sol(asset), q(nft.OpSolMint, nft.SolQuery{}), count(1, "permanent delegate"), nft.Yes, "allowed", "1 (permanent delegate)"},
		{rule.Sol(asset).Allow("frozen"), q(nft.OpSolMint, nft.SolQuery{Frozen: true}), count(0, "1 delegated"), nft.No, "not_held", "0 (1 delegated)"},
		{rule.Sol(asset).Allow("delegated", "frozen"), q(nft.OpSolMint, nft.SolQuery{Frozen: true, Delegated: true}), count(1, ""), nft.Yes, "allowed", "1"},
		{rule.Sol(asset).Allow("compressed"), q(nft.OpSolMint, compressed), count(1, "1 compressed"), nft.Yes, "allowed", "1 (1 compressed)"},
		{rule.Sol(asset).Allow("compressed"), q(nft.OpSolMint, compressed), count(0, ""), nft.No, "not_held", "0"},
		{rule.Sol(asset).Allow("compressed"), q(nft.OpSolMint, compressed), notRead, nft.Unknown, "unsupported", ""},
		{rule.Not(rule.Sol(asset).Allow("compressed")), q(nft.OpSolMint, compressed), notRead, nft.Unknown, "unsupported", ""},
		{rule.SolCollection(chain, mint).Allow("compressed"), q(nft.OpSolCollection, compressed), unproven, nft.Unknown, "not_proven", ""},
		{rule.Not(rule.SolCollection(chain, mint).Allow("compressed")), q(nft.OpSolCollection, compressed), unproven, nft.Unknown, "not_proven", ""},
		{rule.SolCollection(chain, mint), q(nft.OpSolCollection, nft.SolQuery{}), count(1, ""), nft.Yes, "allowed", "1"},
		{rule.SolCreator(chain, mint), q(nft.OpSolCreator, nft.SolQuery{}), count(0, ""), nft.No, "not_held", "0"},
		{rule.Sol(asset).HeldForBlocks(9), q(nft.OpSolMint, nft.SolQuery{}), count(1, ""), nft.Unknown, "unsupported", "1"},
		{rule.Sol(asset), q(nft.OpSolMint, nft.SolQuery{}), nft.Answer{Err: fault.New(fault.Unsupported, "x", "no such mint")}, nft.Unknown, "not_a_contract", ""},
		{rule.Sol(asset).Quorum(2, 3), q(nft.OpSolMint, nft.SolQuery{}), count(1, ""), nft.Unknown, "too_few_operators", ""},
	} {
		r, err := tc.e.Build()
		if err != nil {
			t.Fatal(err)
		}
		d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{&ledger{id, map[nft.Query]nft.Answer{tc.q: tc.a}}}})
		out, err := d.Decide(t.Context(), r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: id, Address: who}}})
		if err != nil {
			t.Fatal(err)
		}
		if out.Outcome != tc.o || out.Reason != tc.reason || out.Explain.Observed != tc.saw {
			t.Errorf("%s: %v %s, observed %q; want %v %s %q", r.Canonical(), out.Outcome, out.Reason, out.Explain.Observed, tc.o, tc.reason, tc.saw)
		}
	}
}

package quorum_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
	"github.com/streamgate/streamgate/nft/rule"
)

var twoOfThree = nft.Quorum{N: 2, Of: 3}

// ask makes one quorum check of alice's balance.
func (w *world) ask(t testing.TB, q nft.Quorum) (nft.Reply, error) {
	t.Helper()
	return w.v.CheckQuorum(t.Context(), latest, q, w.balance(alice))
}

func TestALiarIsOutvoted(t *testing.T) {
	t.Parallel()
	for liar := range 3 {
		w := newWorld(t, quorum.Options{}, nil)
		w.nodes[liar].set(trouble{lie: hundred})
		head := w.mint("1")
		r, err := w.ask(t, twoOfThree)
		answered(t, r, err, "1")
		if r.Block.Number != head.Number || r.Block.Hash != head.Hash || len(r.Agreement.Asked) < 2 || len(r.Agreement.Agreed) != 2 {
			t.Errorf("read at %+v, %+v", r.Block, r.Agreement)
		}
		w.v.Close() // what came too late is heard out
		name := []string{"alpha", "beta", "gamma"}[liar]
		if slices.Contains(r.Agreement.Agreed, name) || state(w.v, name).Outvoted != 1 {
			t.Errorf("%s agreed or was not outvoted: %+v, %+v", name, r.Agreement, state(w.v, name))
		}
		got := w.v.Disagreements()
		if len(got) != 1 || len(got[0].Answers) != 3 || got[0].Block.Hash != head.Hash || got[0].Chain != chainID.String() || got[0].Answers[liar].Value != "100" {
			t.Errorf("evidence: %+v", got)
		}
	}
}

func TestNoMajorityIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	w.mint("1")
	w.nodes[0].set(trouble{lie: hundred})
	w.nodes[1].set(trouble{err: errDown})
	r, err := w.ask(t, twoOfThree)
	unknown(t, r, err, nft.ErrDisagreement)
	w.nodes[2].set(trouble{err: errDown})
	r, err = w.ask(t, twoOfThree)
	unknown(t, r, err, nil)
	if r.Agreement == nil || r.Agreement.N != 2 {
		t.Errorf("no agreement beside the error: %+v", r)
	}
}

func TestTwoQuorumsAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	fourth := newNode(w.Chain)
	ps := []quorum.Provider{{Name: "delta", Verifier: fourth}}
	for i, n := range w.nodes {
		ps = append(ps, quorum.Provider{Name: fmt.Sprint("p", i), Verifier: n})
	}
	v, err := quorum.New(ps, quorum.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	w.mint("1")
	fourth.set(trouble{lie: hundred})
	w.nodes[0].set(trouble{lie: hundred})
	r, err := v.CheckQuorum(t.Context(), latest, nft.Quorum{N: 2, Of: 4}, w.balance(alice))
	unknown(t, r, err, nft.ErrDisagreement)
}

// A failed operator has no voice, and none is asked in its place beyond those of the rule.
func TestNoMoreOperatorsAreAskedThanTheRuleSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	w.nodes[0].set(trouble{err: errDown})
	w.nodes[1].set(trouble{lie: hundred})
	r, err := w.ask(t, nft.Quorum{N: 2, Of: 2}) // alpha and beta
	unknown(t, r, err, nil)
	if w.nodes[2].asked() != 0 {
		t.Error("a third operator was asked for 2 of 2")
	}
}

// Two answers of one operator are one voice; its second provider stands in for its first.
func TestOperatorsCountAndNotProviders(t *testing.T) {
	t.Parallel()
	one := func(ps []quorum.Provider) {
		for i := range ps {
			ps[i].Operator = []string{"acme", "acme", "gamma"}[i]
		}
	}
	w := newWorld(t, quorum.Options{}, one)
	w.mint("1")
	if r, err := w.ask(t, twoOfThree); !errors.Is(err, nft.ErrTooFewOperators) || fault.KindOf(err) != fault.Unsupported || len(r.Answers) > 0 {
		t.Fatalf("three providers of two operators: %+v, %v", r, err)
	}
	w.nodes[0].set(trouble{err: errDown})
	r, err := w.ask(t, nft.Quorum{N: 2, Of: 2})
	answered(t, r, err, "1")
	if b, err := w.v.CheckQuorum(t.Context(), latest, nft.Quorum{N: 2, Of: 2}, nil); err != nil || b.Block.Hash != r.Block.Hash {
		t.Errorf("asked for the block alone: %+v, %v", b, err)
	}
	if !slices.Equal(r.Agreement.Agreed, []string{"beta", "gamma"}) && !slices.Equal(r.Agreement.Agreed, []string{"gamma", "beta"}) {
		t.Errorf("agreed: %v", r.Agreement.Agreed)
	}
	w.nodes[0].set(trouble{lie: hundred})
	w.nodes[1].set(trouble{lie: hundred})
	r, err = w.ask(t, nft.Quorum{N: 2, Of: 2})
	unknown(t, r, err, nft.ErrDisagreement)
}

func TestHeadsOfDifferentAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		before := w.mint("1")
		w.mint("2")
		w.nodes[0].set(trouble{lag: 1})
		w.nodes[1].set(trouble{lag: 2})
		r, err := w.ask(t, twoOfThree) // alpha is at the first mint, beta before it, gamma at the head
		answered(t, r, err, "1")
		if r.Block.Hash != before.Hash {
			t.Errorf("read at %+v, two know %+v", r.Block, before)
		}
	})
}

func TestAnOldBlockIsNoAnswerHoweverManyAgree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		w.mint("1")
		w.Mine(nfttest.Op{Kind: nfttest.Transfer721, From: alice, To: bob, TokenID: "1"})
		for range 5 {
			w.Mine()
		}
		w.nodes[0].set(trouble{lag: 6})
		w.nodes[1].set(trouble{lag: 6})
		r, err := w.ask(t, twoOfThree)
		unknown(t, r, err, nft.ErrDisagreement)
		if got := w.v.Disagreements(); len(got) != 1 || got[0].Query != "block" || len(got[0].Answers) < 2 {
			t.Errorf("evidence: %+v", got)
		}
		// The third was heard of before, and is silent now.
		w.nodes[2].set(trouble{err: errDown})
		r, err = w.ask(t, twoOfThree)
		unknown(t, r, err, nil)
	})
}

// A head that nobody else has spoils nothing, be it above or beside the others'.
func TestForgedHeads(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]func(nft.Block) nft.Block{
		"another hash": func(b nft.Block) nft.Block { b.Hash = "0xff"; return b },
		"one ahead":    func(b nft.Block) nft.Block { b.Number, b.Hash = b.Number+1, "0xff"; return b },
		"another time": func(b nft.Block) nft.Block { b.Time = b.Time.Add(time.Second); return b },
		"of the future": func(b nft.Block) nft.Block {
			b.Number, b.Hash, b.Time = b.Number+1e6, "0xff", time.Now().Add(time.Hour)
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quorum.Options{}, nil)
			w.mint("1")
			w.nodes[0].set(trouble{head: head, lie: hundred})
			r, err := w.ask(t, twoOfThree)
			answered(t, r, err, "1")
			w.v.Close()
			left := name == "of the future" // left out before it has a say, which its state tells
			if kept := len(w.v.Disagreements()) > 0; kept == left || left && state(w.v, "alpha").State != "implausible" {
				t.Errorf("kept as evidence: %v", w.v.Disagreements())
			}
		})
	}
}

// By the clock a fresh block is no laggard's, so a head far ahead of all others outdates nothing.
func TestABlockFarAhead(t *testing.T) {
	t.Parallel()
	ahead := trouble{head: func(b nft.Block) nft.Block { b.Number, b.Hash = b.Number+1e6, "0xff"; return b }}
	for _, fresh := range []bool{true, false} {
		w := newWorld(t, quorum.Options{}, nil)
		head := w.mint("1")
		opt := quorum.Options{Now: func() time.Time { return head.Time.Add(5 * time.Second) }}
		if !fresh {
			opt.FreshFor = -1
		}
		var ps []quorum.Provider
		for i, n := range w.nodes {
			ps = append(ps, quorum.Provider{Name: fmt.Sprint("p", i), Verifier: n})
		}
		v, err := quorum.New(ps, opt)
		if err != nil {
			t.Fatal(err)
		}
		w.nodes[0].set(ahead)
		r, err := v.CheckQuorum(t.Context(), latest, twoOfThree, w.balance(alice))
		if fresh {
			answered(t, r, err, "1")
			r, err = v.Check(t.Context(), latest, w.balance(alice)) // and the others have outlawed it by now
			answered(t, r, err, "1")
			if s := state(v, "p0"); s.State != "implausible" && s.State != "ok" {
				t.Errorf("%+v", s)
			}
		} else {
			unknown(t, r, err, nft.ErrDisagreement)
		}
		v.Close()
	}
}

// A dawdling third is not waited for, once enough have spoken.
func TestADawdlerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		w.mint("1")
		w.nodes[0].set(trouble{delay: time.Minute})
		for _, n := range w.nodes[1:] {
			n.set(trouble{delay: 100 * time.Millisecond})
		}
		start := time.Now()
		r, err := w.ask(t, twoOfThree)
		answered(t, r, err, "1")
		if took := time.Since(start); took > 450*time.Millisecond {
			t.Errorf("took %v of two round trips of 100 ms", took)
		}
	})
}

func TestWhoHangsUpGetsNoQuorum(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		for _, n := range w.nodes {
			n.set(trouble{delay: time.Second})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := w.v.CheckQuorum(ctx, latest, twoOfThree, w.balance(alice)); fault.KindOf(err) != fault.Canceled {
			t.Errorf("%v", err)
		}
	})
}

// plain hides the power to read at a block.
type plain struct{ nft.Verifier }

// On a chain without a past the answers must be the same, at blocks close to each other.
func TestAChainWithoutAPast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, func(ps []quorum.Provider) {
		for i := range ps {
			ps[i].Verifier = plain{ps[i].Verifier}
		}
	})
	w.mint("1")
	w.Mine()
	w.nodes[0].set(trouble{lag: 1})
	w.nodes[1].set(trouble{lie: hundred})
	r, err := w.ask(t, twoOfThree)
	answered(t, r, err, "1")
	head, _ := w.Head(t.Context())
	if r.Block.Number != head.Number-1 {
		t.Errorf("the block is %d, the older of both %d", r.Block.Number, head.Number-1)
	}
	if r, err = w.v.CheckQuorum(t.Context(), latest, twoOfThree, nil); err != nil || r.Block.Hash == "" {
		t.Errorf("asked for the block alone: %+v, %v", r, err)
	}
	w.nodes[0].set(trouble{lie: func(_ nft.Query, a *nft.Answer) { a.Value = "7" }})
	r, err = w.ask(t, twoOfThree)
	unknown(t, r, err, nft.ErrDisagreement)
	w.nodes[0].set(trouble{err: errDown})
	w.nodes[1].set(trouble{err: errDown})
	r, err = w.ask(t, twoOfThree)
	unknown(t, r, err, nil)
}

// The rule's quorum reaches the providers, and what they say of it the explanation.
func TestRulesAskForAQuorum(t *testing.T) {
	t.Parallel()
	subject := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: chainID, Address: alice}}}
	for name, c := range map[string]struct {
		trouble [3]trouble
		quorum  [2]int
		outcome nft.Outcome
		reason  string
	}{
		"all well":            {quorum: [2]int{2, 3}, outcome: nft.Yes, reason: "allowed"},
		"one liar":            {trouble: [3]trouble{1: {lie: zero}}, quorum: [2]int{2, 3}, outcome: nft.Yes, reason: "allowed"},
		"two liars":           {trouble: [3]trouble{1: {lie: zero}, 2: {lie: zero}}, quorum: [2]int{2, 3}, outcome: nft.No, reason: "not_held"},
		"all must agree":      {trouble: [3]trouble{1: {lie: zero}}, quorum: [2]int{3, 3}, outcome: nft.Unknown, reason: "providers_disagree"},
		"too few operators":   {quorum: [2]int{2, 4}, outcome: nft.Unknown, reason: "too_few_operators"},
		"too few that answer": {trouble: [3]trouble{0: {err: errDown}, 1: {err: errDown}}, quorum: [2]int{2, 3}, outcome: nft.Unknown, reason: "chain_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quorum.Options{}, nil)
			w.mint("1")
			for i, x := range c.trouble {
				w.nodes[i].set(x)
			}
			d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.v}})
			r := rule.Hold("eip155:1/erc721:"+w.token).Quorum(c.quorum[0], c.quorum[1]).MustBuild()
			got, err := d.Decide(t.Context(), r, subject)
			if err != nil || got.Outcome != c.outcome || got.Reason != c.reason || got.Message == "" {
				t.Fatalf("%+v, %v; want %v %s", got, err, c.outcome, c.reason)
			}
			if a := got.Explain.Quorum; a == nil || a.N != c.quorum[0] || a.Of != c.quorum[1] || c.outcome == nft.Yes && len(a.Agreed) < 2 {
				t.Errorf("the explanation says %+v", a)
			}
		})
	}
}

func zero(_ nft.Query, a *nft.Answer) { a.Value = "0" }

// Leaves of different quorum are read apart, and one provider's answer decides none that wants two.
func TestLeavesOfDifferentQuorum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	w.nodes[0].set(trouble{lie: hundred}) // believed where one is enough, if it is the one asked
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.v}})
	hold := func() rule.Expr { return rule.Hold("eip155:1/erc721:" + w.token) }
	s := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: chainID, Address: alice}}}
	got, err := d.Decide(t.Context(), rule.All(hold(), hold().Quorum(2, 3)).MustBuild(), s)
	if err != nil || got.Outcome != nft.No {
		t.Fatalf("%+v, %v", got, err)
	}
	one, two := got.Explain.Children[0], got.Explain.Children[1]
	if one.Quorum != nil || two.Outcome != nft.No || two.Quorum == nil || two.Observed != "0" {
		t.Errorf("%+v\n%+v", one, two)
	}
}

func ExampleNew() {
	chain := nfttest.NewChain(chainID)
	token := chain.Deploy("erc721")
	chain.Mine(nfttest.Op{Kind: nfttest.Mint721, To: alice, TokenID: "1"})
	v, err := quorum.New([]quorum.Provider{
		{Name: "alpha-main", Operator: "alpha", Verifier: newNode(chain)},
		{Name: "beta", Verifier: newNode(chain), Budget: quorum.NewBudget(50, 100_000, nil)},
		{Name: "own-node", Verifier: newNode(chain)},
	}, quorum.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	r, err := v.CheckQuorum(context.Background(), nft.Finality{Tag: "latest"}, nft.Quorum{N: 2, Of: 3},
		[]nft.Query{{Op: nft.OpBalance721, Contract: token, Account: alice}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("holds", r.Answers[0].Value, "by", len(r.Agreement.Agreed), "providers")
	// Output: holds 1 by 2 providers
}

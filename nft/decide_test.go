package nft_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

func TestLeaves(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, nft.DeciderOptions{
		Now: func() time.Time { return now },
		Lists: func(_ context.Context, tenant, list, acct string) (bool, error) {
			if list == "broken" {
				return false, errors.New("no database")
			}
			return tenant == "t" && list == "vip" && acct == eth(a).String(), nil
		},
	})
	w.chain.Mine(mint(a, "1"), mint(a, "2"), mint(b, "3"),
		nfttest.Op{Kind: nfttest.Mint1155, To: a, TokenID: "7", Amount: 2},
		nfttest.Op{Kind: nfttest.Mint1155, To: a, TokenID: "8", Amount: 1},
		nfttest.Op{Kind: nfttest.Mint20, To: a, Amount: 1000})
	w.chain.SetCall(w.misc, "tierOf(address)(uint8)", "10")
	w.chain.SetCall(w.misc, "name()(string)", "gold pass")
	w.chain.SetCall(w.misc, "open()(bool)", "true")
	w.chain.SetCall(w.misc, "odd()(uint8)", "many")
	n, m, c := w.asset("erc721"), w.asset("erc1155"), w.asset("erc20")
	call := func(fn, op, value string, args ...string) rule.Expr {
		return rule.Call("eip155:1:"+w.misc, fn, args...).Test(op, value)
	}
	tier := func(op, value string) rule.Expr { return call("tierOf(address)(uint8)", op, value, ":account") }
	nowhere := "eip155:1/erc721:" + account(99)
	for i, tc := range []struct {
		e      rule.Expr
		o      nft.Outcome
		reason string
	}{
		{rule.Hold(n), nft.Yes, "allowed"},
		{rule.Hold(n).Min(2), nft.Yes, "allowed"},
		{rule.Hold(n).Min(3), nft.No, "not_held"},
		{rule.Hold(n + "/1"), nft.Yes, "allowed"},
		{rule.Hold(n + "/3"), nft.No, "not_held"},
		{rule.Hold(n + "/404"), nft.No, "not_held"},
		{rule.Hold(n).IDs("1", "3"), nft.Yes, "allowed"},
		{rule.Hold(n).IDs("1", "3").Min(2), nft.No, "not_held"},
		{rule.Hold(n).IDs("1", "2", "3").Min(2), nft.Yes, "allowed"},
		{rule.Hold(n).IDRange(2, 200), nft.Yes, "allowed"},
		{rule.Hold(n).IDRange(3, 200), nft.No, "not_held"},
		{rule.Hold(n).IDRange(1, 1000), nft.Unknown, "unsupported"},
		{rule.Hold(m + "/7").Min(2), nft.Yes, "allowed"},
		{rule.Hold(m + "/7").Min(3), nft.No, "not_held"},
		{rule.Hold(m).IDs("7", "8").Min(3), nft.Yes, "allowed"},
		{rule.Hold(m).IDs("7", "8").Min(4), nft.No, "not_held"},
		{rule.Hold(m), nft.Unknown, "unsupported"},
		{rule.Hold(c).Min(1000), nft.Yes, "allowed"},
		{rule.Hold(c).Min(1001), nft.No, "not_held"},
		{rule.Hold(nowhere), nft.Unknown, "not_a_contract"},
		{rule.Hold(nowhere + "/1"), nft.Unknown, "not_a_contract"},
		{rule.Hold(strings.Replace(n, "eip155:1/", "eip155:10/", 1)), nft.Unknown, "no_verifier"},
		{rule.Hold(n).As(rule.Delegate), nft.No, "not_held"},
		{rule.Hold(n).As(rule.BoundAccount), nft.Unknown, "unsupported"},
		{rule.Hold(n).As(rule.Owner, rule.Delegate), nft.Yes, "allowed"},
		{rule.Hold(n).Min(3).As(rule.Owner, rule.Delegate), nft.No, "not_held"},
		{rule.Hold(n).As(rule.Owner, rule.BoundAccount), nft.Yes, "allowed"},
		{rule.Hold(n).Min(3).As(rule.Owner, rule.BoundAccount), nft.Unknown, "unsupported"},
		{rule.Hold(n).As(rule.Renter), nft.Unknown, "unsupported"}, // which tokens?
		{rule.Hold(n).Min(3).Delegation("delegate.xyz/v2"), nft.No, "not_held"},
		{rule.Hold(n).Min(3).Delegation("delegate.xyz/v2", "other/v1"), nft.Unknown, "unsupported"},
		{rule.Hold(n).Min(3).Delegation("other/v1"), nft.Unknown, "unsupported"},
		{rule.Hold(n).As(rule.Delegate).Delegation("other/v1"), nft.Unknown, "unsupported"},
		{rule.Hold(n).HeldForBlocks(1), nft.Yes, "allowed"},
		{call("open()(bool)", "==", "true").HeldForBlocks(1), nft.Unknown, "unsupported"},
		{call("open()(bool)", "==", "false").HeldForBlocks(1), nft.No, "call_failed"},
		{rule.Hold(n).HeldForBlocks(5), nft.No, "held_too_short"},
		{rule.Hold(n).HeldForBlocks(1).As(rule.Owner, rule.Delegate), nft.Yes, "allowed"},
		{rule.Hold(n).HeldForBlocks(5).As(rule.Owner, rule.Delegate), nft.No, "held_too_short"},
		{rule.Hold(n).HeldForBlocks(5).As(rule.Owner, rule.BoundAccount), nft.Unknown, "unsupported"},
		{rule.Hold(m).IDs("7", "8").Min(3).HeldForBlocks(4), nft.Yes, "allowed"},
		{rule.Hold(m).IDs("7", "8").Min(3).HeldForBlocks(5), nft.No, "held_too_short"},
		{rule.Hold(c).Min(1000).HeldFor(48 * time.Second), nft.Yes, "allowed"},
		{rule.Hold(c).Min(1000).HeldFor(49 * time.Second), nft.No, "held_too_short"},
		{rule.Hold(n).Min(3).HeldForBlocks(1), nft.No, "not_held"},
		{rule.Not(rule.Hold(n).HeldForBlocks(1)), nft.No, "excluded"},
		{rule.Hold(n).Quorum(2, 3), nft.Unknown, "too_few_operators"},
		{rule.Hold(n).Prove(rule.ProofRequire), nft.Unknown, "unsupported"},
		{rule.Hold(n).Prove(rule.ProofPrefer), nft.Yes, "allowed"},
		{rule.Hold(n).Trait("a", "b"), nft.Unknown, "unsupported"},
		{rule.Hold("solana:mainnet/token:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"), nft.Unknown, "unsupported"},
		{rule.Key(n, rule.Unlock), nft.Unknown, "not_a_contract"},
		{rule.Key(n, rule.ERC4907), nft.Unknown, "unsupported"},
		{rule.Key(m+"/7", rule.ERC5643), nft.Unknown, "unsupported"},
		{rule.Sol("solana:mainnet/token:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"), nft.No, "no_account"},
		{rule.Sol("solana:mainnet/domain:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"), nft.Unknown, "unsupported"},
		{rule.Merkle("0x" + strings.Repeat("ab", 32)), nft.Unknown, "unsupported"},
		{rule.Role("press"), nft.Unknown, "unsupported"},
		{rule.Block("eip155:1", ">", 1), nft.Yes, "allowed"},
		{rule.Block("eip155:1", "<", 2), nft.No, "block_failed"},
		{rule.Block("eip155:10", ">", 1), nft.Unknown, "no_verifier"},
		{rule.Is(eth(a).String()), nft.Yes, "allowed"},
		{rule.Is("eip155:137:" + a), nft.Yes, "allowed"}, // one key pair on every eip155 chain
		{rule.Is("solana:mainnet:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"), nft.No, "not_account"},
		{rule.Is(eth(b).String()), nft.No, "not_account"},
		{rule.List("vip"), nft.Yes, "allowed"},
		{rule.List("other"), nft.No, "not_listed"},
		{rule.List("broken"), nft.Unknown, "list_unavailable"},
		{rule.After(now), nft.Yes, "allowed"},
		{rule.After(now.Add(1)), nft.No, "too_early"},
		{rule.Before(now), nft.No, "expired"},
		{rule.Before(now.Add(1)), nft.Yes, "allowed"},
		{tier("==", "10"), nft.Yes, "allowed"},
		{tier("!=", "10"), nft.No, "call_failed"},
		{tier(">", "9"), nft.Yes, "allowed"}, // as numbers: as text "10" comes before "9"
		{tier(">=", "10"), nft.Yes, "allowed"},
		{tier("<", "9"), nft.No, "call_failed"},
		{tier("<=", "10"), nft.Yes, "allowed"},
		{call("name()(string)", "contains", "gold"), nft.Yes, "allowed"},
		{call("name()(string)", "==", "gold"), nft.No, "call_failed"},
		{call("open()(bool)", "==", "true"), nft.Yes, "allowed"},
		{call("odd()(uint8)", "==", "1"), nft.Unknown, "bad_reply"},
		{call("gone()(bool)", "==", "true"), nft.Unknown, "not_a_contract"},
		{rule.Not(rule.Hold(n)), nft.No, "excluded"},
		{rule.Not(rule.Hold(n).Min(3)), nft.Yes, "allowed"},
	} {
		r, err := tc.e.Build()
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		d := w.want(r, subject(a), tc.o, tc.reason)
		if d.Explain == nil || d.RuleID != r.ID() || d.Message == "" || d.At != now || !d.ValidUntil.After(now) {
			t.Errorf("%s: incomplete decision %+v", r.Sentence(), d)
		}
	}
}

func TestKleene(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{Lists: func(_ context.Context, _, list, _ string) (bool, error) {
		if list == "u" {
			return false, errors.New("?")
		}
		return list == "y", nil
	}})
	y, n, u := rule.List("y"), rule.List("n"), rule.List("u")
	for _, tc := range []struct {
		e    rule.Expr
		want nft.Outcome
	}{
		{rule.Not(y), nft.No}, {rule.Not(n), nft.Yes}, {rule.Not(u), nft.Unknown},
		{rule.All(y, y), nft.Yes}, {rule.All(y, n), nft.No}, {rule.All(y, u), nft.Unknown}, {rule.All(n, u), nft.No}, {rule.All(u, u), nft.Unknown},
		{rule.Any(y, u), nft.Yes}, {rule.Any(n, n), nft.No}, {rule.Any(n, u), nft.Unknown},
		{rule.AtLeast(2, y, y, u), nft.Yes}, {rule.AtLeast(2, y, n, u), nft.Unknown}, {rule.AtLeast(2, n, n, u), nft.No},
		{rule.Not(rule.All(y, rule.Not(u))), nft.Unknown}, {rule.Any(rule.Not(n), u), nft.Yes},
	} {
		r := tc.e.MustBuild()
		if d := w.decide(r, subject(account(1))); d.Outcome != tc.want {
			t.Errorf("%s is %v, want %v", r.Canonical(), d.Outcome, tc.want)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	w := newWorld(t, nft.DeciderOptions{})
	w.chain.Mine(mint(b, "1"), mint(a, "2"))
	hold := rule.Hold(w.asset("erc721") + "/1")
	w.want(hold.MustBuild(), subject(a, b), nft.No, "not_held") // the signer alone
	w.want(hold.Wallets(rule.Linked).MustBuild(), subject(a, b), nft.Yes, "allowed")
	w.want(hold.MustBuild(), subject(b, a), nft.Yes, "allowed")
	// Each wallet must pass by itself.
	w.want(rule.Hold(w.asset("erc721")).Min(2).Wallets(rule.Linked).MustBuild(), subject(a, b), nft.No, "not_held")
	w.want(hold.MustBuild(), subject(), nft.No, "no_account")
	sol := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "solana", Reference: "x"}, Address: b}}}
	w.want(hold.MustBuild(), sol, nft.No, "no_account")
	polygon := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "eip155", Reference: "137"}, Address: b}}}
	w.want(hold.MustBuild(), polygon, nft.Yes, "allowed")
	// The same address proven twice is read once.
	before := w.chain.Queries()
	both := nft.Subject{Tenant: "u", Accounts: append(slices.Clone(polygon.Accounts), eth(b))}
	w.want(rule.Hold(w.asset("erc721")).Wallets(rule.Linked).MustBuild(), both, nft.Yes, "allowed")
	if n := w.chain.Queries() - before; n != 1 {
		t.Errorf("%d queries, want 1", n)
	}
}

func TestOneCheckPerChainAndFinality(t *testing.T) {
	t.Parallel()
	other := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "10"})
	there := other.Deploy("erc721")
	w := newWorld(t, nft.DeciderOptions{Verifiers: []nft.Verifier{other}})
	for range 9 {
		w.chain.Mine()
	}
	n := w.asset("erc721")
	r := rule.Any(rule.Hold(n+"/1"), rule.Hold(n+"/2"), rule.Hold(n+"/1"), rule.Hold(w.asset("erc1155")+"/1"),
		rule.Hold("eip155:10/erc721:"+there), rule.Hold(n+"/3").Finalized()).MustBuild()
	d := w.want(r, subject(account(1)), nft.No, "not_held")
	if c := w.chain.Checks(); c != 2 { // latest, and finalized
		t.Errorf("%d checks of one chain at two finalities", c)
	}
	if q := w.chain.Queries(); q != 5 { // tokens 1 to 3 and the 1155 at latest, token 3 at finalized
		t.Errorf("%d queries, want 5", q)
	}
	if c := other.Checks(); c != 1 {
		t.Errorf("%d checks of the other chain", c)
	}
	if len(d.Explain.Children) != 6 || d.Explain.Children[4].Chain != "eip155:10" || d.Explain.Children[0].Block.Number != 9 ||
		d.Explain.Children[0].Pointer != "/when/any/0" {
		t.Errorf("explanation %+v", d.Explain)
	}
}

func TestLocalLeavesDecideAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	now := time.Now()
	n := w.asset("erc721")
	past, future := rule.Before(now.Add(-time.Hour)), rule.Before(now.Add(time.Hour))
	w.want(rule.All(rule.Hold(n), past).MustBuild(), subject(account(1)), nft.No, "expired")
	d := w.want(rule.Any(rule.Hold(n), future).MustBuild(), subject(account(1)), nft.Yes, "allowed")
	if d.Explain.Children[0].Reason != "not_needed" {
		t.Errorf("the leaf that was not read says %s", d.Explain.Children[0].Reason)
	}
	if c := w.chain.Checks(); c != 0 {
		t.Errorf("%d checks, want none", c)
	}
	w.want(rule.Any(rule.All(rule.Hold(n+"/1"), past), rule.Hold(n+"/2")).MustBuild(), subject(account(1)), nft.No, "expired")
	if q := w.chain.Queries(); q != 1 {
		t.Errorf("%d queries, want 1: the branch that has failed is not read", q)
	}
}

func TestChainFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := account(1)
		w := newWorld(t, nft.DeciderOptions{})
		w.chain.Mine(mint(a, "1"))
		hold := rule.Hold(w.asset("erc721"))
		for _, tc := range []struct {
			f      nfttest.Faults
			reason string
		}{
			{nfttest.Faults{Err: errors.New("refused")}, "chain_unavailable"},
			{nfttest.Faults{Err: context.DeadlineExceeded}, "chain_timeout"},
			{nfttest.Faults{Delay: time.Hour}, "chain_timeout"},
			{nfttest.Faults{Drop: 1}, "bad_reply"},
		} {
			w.chain.Fail(tc.f)
			w.want(hold.MustBuild(), subject(a), nft.Unknown, tc.reason)
			w.want(rule.Not(hold).MustBuild(), subject(a), nft.Unknown, tc.reason)
		}
		w.chain.Fail(nfttest.Faults{})
		if d := w.want(hold.MustBuild(), subject(a), nft.Yes, "allowed"); d.Cached {
			t.Error("an unknown was cached")
		}
	})
}

func TestNegativeBalanceIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"-1", "", "0x1", "+1", "1e3", strings.Repeat("9", 80)} {
		v := lying{newWorld(t, nft.DeciderOptions{}).chain, value}
		d, err := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}}).
			Decide(t.Context(), rule.Not(rule.Hold("eip155:1/erc721:"+account(9))).MustBuild(), subject(account(1)))
		if err != nil || d.Outcome != nft.Unknown || d.Reason != "bad_reply" {
			t.Errorf("a balance of %q: %v %s %v", value, d.Outcome, d.Reason, err)
		}
	}
}

type lying struct {
	nft.Verifier
	value string
}

func (l lying) Check(_ context.Context, _ nft.Finality, qs []nft.Query) (nft.Reply, error) {
	return nft.Reply{Answers: slices.Repeat([]nft.Answer{{Value: l.value}}, len(qs))}, nil
}

func TestGrantingWaitsRevokingDoesNot(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	w := newWorld(t, nft.DeciderOptions{})
	w.run()
	w.chain.SetFinality(1, 3)
	mine := func(ops ...nfttest.Op) {
		w.chain.Mine(ops...)
		w.sync()
	}
	final := rule.Hold(w.asset("erc721")).Finalized().MustBuild()
	third := rule.Hold(w.asset("erc721")).Confirmations(3).MustBuild()
	mine()
	mine()
	mine()
	mine(mint(a, "1"))
	d := w.want(final, subject(a), nft.No, "not_final")
	if len(d.HowTo) != 0 {
		t.Errorf("how to get in: %v", d.HowTo)
	}
	mine()
	w.want(third, subject(a), nft.No, "not_final")
	mine()
	w.want(third, subject(a), nft.Yes, "allowed")
	w.want(final, subject(a), nft.No, "not_final")
	mine()
	if d := w.want(final, subject(a), nft.Yes, "allowed"); d.Explain.Finality != "finalized" || d.Explain.Block.Number != 4 {
		t.Errorf("explained by %s at %d", d.Explain.Finality, d.Explain.Block.Number)
	}
	mine(transfer(a, b, "1"))
	d = w.want(final, subject(a), nft.No, "revoked_at_head")
	if d.Explain.Finality != "latest" || len(d.HowTo) != 1 {
		t.Errorf("explained by %+v, how to %v", d.Explain, d.HowTo)
	}
	w.want(final, subject(b), nft.No, "not_final")
	w.chain.Reorg(1) // the transfer never was
	w.sync()
	w.want(final, subject(a), nft.Yes, "allowed")
	w.want(final, subject(b), nft.No, "not_held")
	// Under a "not" the sides change places.
	none := rule.Not(rule.Hold(w.asset("erc721"))).Finalized().MustBuild()
	w.want(none, subject(b), nft.Yes, "allowed")
	mine(transfer(a, b, "1"))
	w.want(none, subject(b), nft.No, "revoked_at_head")
	w.want(none, subject(a), nft.No, "not_final")
	// More confirmations than blocks: we cannot tell, but the head can refuse.
	w.want(rule.Hold(w.asset("erc721")).Confirmations(99).MustBuild(), subject(b), nft.Unknown, "chain_unavailable")
	w.want(rule.Hold(w.asset("erc721")).Confirmations(99).MustBuild(), subject(a), nft.No, "not_held")
}

func TestHowTo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	a := account(1)
	w := newWorld(t, nft.DeciderOptions{
		Now:   func() time.Time { return now },
		Lists: func(_ context.Context, _, list, _ string) (bool, error) { return list == "in", nil },
	})
	w.chain.Mine(mint(a, "1"))
	w.chain.SetCall(w.misc, "tier()(uint8)", "1")
	n, m, subs := w.asset("erc721"), w.asset("erc1155"), w.chain.Deploy("erc5643")
	where := " of " + rule.Short(w.nft) + " on Ethereum (eip155:1)"
	tier := rule.Call("eip155:1:"+w.misc, "tier()(uint8)").Test(">", "5")
	for _, tc := range []struct {
		e    rule.Expr
		want []string
	}{
		{rule.Hold(n).Min(2), []string{"Get 2 tokens" + where + "."}},
		{rule.Hold(n + "/2"), []string{"Get token 2" + where + "."}},
		{rule.Any(rule.Hold(n+"/2"), rule.List("vip")), []string{"Get token 2" + where + ".", `Ask to be put on the list "vip".`}},
		{rule.All(rule.Hold(n+"/2"), rule.Hold(n+"/3")), []string{"Get token 2" + where + ", and get token 3" + where + "."}},
		// One step beats two.
		{rule.Any(rule.All(rule.Hold(n+"/2"), rule.Hold(n+"/3")), rule.List("vip")), []string{`Ask to be put on the list "vip".`}},
		{rule.All(rule.Hold(n), rule.Hold(n+"/2")), []string{"Get token 2" + where + "."}},
		{rule.Not(rule.Hold(n)), []string{"Part with 1 token" + where + "."}},
		{rule.Not(rule.Any(rule.Hold(n), rule.Hold(n+"/1"))), []string{"Part with 1 token" + where + ", and part with token 1" + where + "."}},
		{rule.Not(rule.All(rule.Hold(n), rule.List("in"))), []string{"Part with 1 token" + where + ".", `Ask to be taken off the list "in".`}},
		{rule.AtLeast(2, rule.List("in"), rule.List("b"), rule.All(rule.List("c"), rule.List("d"))), []string{`Ask to be put on the list "b".`}},
		{rule.Not(rule.AtLeast(1, rule.List("in"), rule.List("b"))), []string{`Ask to be taken off the list "in".`}},
		{rule.Is(eth(account(2)).String()), []string{"Sign in with the wallet " + rule.Short(account(2)) + " on Ethereum (eip155:1)."}},
		{rule.Not(rule.Is(eth(a).String())), []string{"Sign in with another wallet than " + rule.Short(a) + " on Ethereum (eip155:1)."}},
		{rule.After(now.Add(time.Hour)), []string{"Wait until 1 June 2026 01:00 UTC."}},
		{rule.Not(rule.Before(now.Add(time.Hour))), []string{"Wait until 1 June 2026 01:00 UTC."}},
		{rule.Before(now), nil},
		{rule.Not(rule.After(now)), nil},
		{rule.All(rule.List("vip"), rule.Before(now)), nil},
		{tier, []string{"Reach tier() > 5 at " + rule.Short(w.misc) + " on Ethereum (eip155:1)."}},
		{rule.Not(rule.Call("eip155:1:"+w.misc, "tier()(uint8)").Test("==", "1")), []string{"No longer have tier() == 1 at " + rule.Short(w.misc) + " on Ethereum (eip155:1)."}},
		{rule.All(rule.List("vip"), rule.Role("r"), rule.Key(n, rule.ERC5643), rule.Merkle("0x"+strings.Repeat("ab", 32)), rule.Block("eip155:1", ">", 1)),
			[]string{`Ask to be put on the list "vip", and ask for the role "r", and use a wallet in the list of the rule.`}},
		{rule.Not(rule.AtLeast(1, rule.List("in"), rule.Role("r"), rule.Merkle("0x"+strings.Repeat("ab", 32)), rule.Key(n, rule.ERC5643))),
			[]string{`Ask to be taken off the list "in", and give up the role "r", and use a wallet outside the list of the rule.`}},
		{rule.Key(asset721(subs), rule.ERC5643), []string{"Get a running subscription of " + rule.Short(subs) + " on Ethereum (eip155:1)."}},
		// The token was not read, since the list had decided: it is not asked for twice.
		{rule.All(rule.List("vip"), rule.Hold(m+"/1")), []string{`Ask to be put on the list "vip".`}},
		{rule.Any(rule.List("a"), rule.List("b"), rule.List("c"), rule.List("d"), rule.List("e")), []string{
			`Ask to be put on the list "a".`, `Ask to be put on the list "b".`, `Ask to be put on the list "c".`, `Ask to be put on the list "d".`}},
	} {
		r := tc.e.MustBuild()
		d := w.decide(r, subject(a))
		if d.Outcome != nft.No || !slices.Equal(d.HowTo, tc.want) {
			t.Errorf("%s: %v\n got %q\nwant %q", r.Sentence(), d.Outcome, d.HowTo, tc.want)
		}
	}
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{MaxReads: 10})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hold := rule.Hold(w.asset("erc721"))
	for name, tc := range map[string]struct {
		ctx  context.Context
		r    *rule.Rule
		s    nft.Subject
		kind fault.Kind
	}{
		"no rule":           {t.Context(), nil, subject(account(1)), fault.Invalid},
		"empty rule":        {t.Context(), &rule.Rule{}, subject(account(1)), fault.Invalid},
		"hung up":           {ctx, hold.MustBuild(), subject(account(1)), fault.Canceled},
		"too many ids":      {t.Context(), hold.IDRange(1, 11).MustBuild(), subject(account(1)), fault.TooLarge},
		"too many accounts": {t.Context(), hold.Wallets(rule.Linked).MustBuild(), subject(slices.Repeat([]string{account(1)}, 11)...), fault.TooLarge},
	} {
		_, err := w.d.Decide(tc.ctx, tc.r, tc.s)
		_, fresh := w.d.DecideFresh(tc.ctx, tc.r, tc.s)
		if !errors.Is(err, tc.kind) || !errors.Is(fresh, tc.kind) {
			t.Errorf("%s: %v and %v, want kind %v", name, err, fresh, tc.kind)
		}
	}
	if w.chain.Checks() != 0 {
		t.Error("the chain was asked")
	}
}

func TestOutcomeText(t *testing.T) {
	t.Parallel()
	for _, o := range []nft.Outcome{nft.Unknown, nft.No, nft.Yes} {
		b, err := json.Marshal(o)
		var back nft.Outcome
		if err != nil || json.Unmarshal(b, &back) != nil || back != o {
			t.Errorf("%v is %s and back %v", o, b, back)
		}
	}
	var o nft.Outcome
	if err := o.UnmarshalText([]byte("maybe")); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
	var zero nft.Decision
	if zero.Outcome == nft.Yes {
		t.Error("the zero decision opens")
	}
}

func TestConcurrentMissesMakeOneCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	w.chain.Mine(mint(account(1), "1"))
	r := rule.Hold(w.asset("erc721")).MustBuild()
	entered, release := w.chain.HoldReply()
	var wg sync.WaitGroup
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { // the first caller, whose flight it is, hangs up
		_, err := w.d.Decide(ctx, r, subject(account(1)))
		gone <- err
	}()
	<-entered
	hangUp()
	if err := <-gone; !errors.Is(err, fault.Canceled) {
		t.Errorf("who hung up gets %v", err)
	}
	var mu sync.Mutex
	outcomes := map[nft.Outcome]int{}
	for range 10_000 {
		wg.Go(func() {
			d, err := w.d.Decide(t.Context(), r, subject(account(1)))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[d.Outcome]++
		})
	}
	release()
	wg.Wait()
	if outcomes[nft.Yes] != 10_000 || w.chain.Checks() != 1 {
		t.Errorf("%v with %d checks", outcomes, w.chain.Checks())
	}
}

func ExampleNewDecider() {
	chain := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	contract := chain.Deploy("erc721")
	viewer := eth("0x00000000000000000000000000000000000000a1")
	chain.Mine(nfttest.Op{Kind: nfttest.Mint721, To: viewer.Address, TokenID: "1"})

	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{chain}})
	r := rule.Hold("eip155:1/erc721:" + contract).MustBuild()
	d, err := decider.Decide(context.Background(), r, nft.Subject{Tenant: "default", Accounts: []caip.AccountID{viewer}})
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Outcome, d.Reason)
	// Output: yes allowed
}

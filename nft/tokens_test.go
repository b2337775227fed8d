package nft_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// rights are the addresses of the contracts that a world has beside the usual ones.
type rights struct{ rental, subs, lock, art string }

func (w *world) deployRights() rights {
	return rights{w.chain.Deploy("erc4907"), w.chain.Deploy("erc5643"), w.chain.Deploy("unlock"), w.chain.Deploy("art")}
}

func asset721(contract string) string { return "eip155:1/erc721:" + contract }

// headTime is the time of the chain's head.
func (w *world) headTime() time.Time {
	w.t.Helper()
	b, err := w.chain.Head(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Time
}

func TestKeysAndRentals(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	var clock atomic.Int64
	w := newWorld(t, nft.DeciderOptions{Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
	x := w.deployRights()
	clock.Store(w.headTime().Unix())
	end := uint64(clock.Load()) + 1000
	w.chain.Mine(
		nfttest.Op{Kind: nfttest.Mint721, Contract: x.rental, To: b, TokenID: "1"}, nfttest.Op{Kind: nfttest.Mint721, Contract: x.rental, To: b, TokenID: "2"},
		nfttest.Op{Kind: nfttest.Rent, From: b, To: a, TokenID: "1", Until: end},
		nfttest.Op{Kind: nfttest.Mint721, Contract: x.subs, To: a, TokenID: "5"}, nfttest.Op{Kind: nfttest.Extend, TokenID: "5", Until: end},
		nfttest.Op{Kind: nfttest.Mint721, Contract: x.subs, To: b, TokenID: "6"},
		nfttest.Op{Kind: nfttest.GrantKey, To: a, Until: end})
	rows := []struct {
		e      rule.Expr
		who    string
		o      nft.Outcome
		reason string
		after  string // the reason once the time is over
	}{
		{rule.Key(asset721(x.rental)+"/1", rule.ERC4907), a, nft.Yes, "allowed", "key_expired"},
		{rule.Key(asset721(x.rental)+"/1", rule.ERC4907), b, nft.No, "not_held", "not_held"},
		{rule.Key(asset721(x.rental)+"/2", rule.ERC4907), a, nft.No, "not_held", "not_held"},
		{rule.Key(asset721(x.subs)+"/5", rule.ERC5643), a, nft.Yes, "allowed", "key_expired"},
		{rule.Key(asset721(x.subs), rule.ERC5643), a, nft.Yes, "allowed", "key_expired"},
		{rule.Key(asset721(x.subs), rule.ERC5643), b, nft.No, "not_held", "not_held"}, // never ran
		{rule.Key(asset721(x.subs)+"/5", rule.ERC5643), b, nft.No, "not_held", "not_held"},
		{rule.Key(asset721(x.lock), rule.Unlock), a, nft.Yes, "allowed", "key_expired"},
		{rule.Key(asset721(x.lock)+"/1", rule.Unlock), a, nft.Yes, "allowed", "key_expired"},
		{rule.Key(asset721(x.lock), rule.Unlock), b, nft.No, "not_held", "not_held"},
		{rule.Not(rule.Key(asset721(x.lock), rule.Unlock)), a, nft.No, "excluded", ""},
		{rule.Hold(asset721(x.rental)).IDs("1", "2").As(rule.Renter), a, nft.Yes, "allowed", "not_held"},
		{rule.Hold(asset721(x.rental)).IDs("1", "2").As(rule.Renter).Min(2), a, nft.No, "not_held", "not_held"},
		{rule.Hold(asset721(x.rental)+"/2").As(rule.Renter, rule.Owner), b, nft.Yes, "allowed", ""},
		{rule.Key(asset721(x.lock), rule.Unlock).HeldForBlocks(5), a, nft.Unknown, "unsupported", "key_expired"},
	}
	check := func(what string, pick func(int) (nft.Outcome, string)) {
		t.Helper()
		for i, row := range rows {
			r := row.e.MustBuild()
			o, reason := pick(i)
			if reason == "" {
				continue
			}
			d := w.decide(r, subject(row.who))
			if d.Outcome != o || d.Reason != reason {
				t.Errorf("%s: %s\n got %v %s, want %v %s", what, r.Sentence(), d.Outcome, d.Reason, o, reason)
			}
			if d.Outcome == nft.Yes && d.ValidUntil.After(time.Unix(int64(end), 0)) && row.after != "" {
				t.Errorf("%s: %s: valid until %v, which is after the end", what, r.Sentence(), d.ValidUntil)
			}
		}
	}
	check("in time", func(i int) (nft.Outcome, string) { return rows[i].o, rows[i].reason })
	clock.Store(int64(end) - 1)
	check("in the last second", func(i int) (nft.Outcome, string) { return rows[i].o, rows[i].reason })
	clock.Store(int64(end))
	check("by the clock", func(i int) (nft.Outcome, string) { return nft.No, rows[i].after })
	// A clock that stands still does not prolong it: the block's time counts, too.
	clock.Store(int64(end) - 500)
	w.d = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.chain}, Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
	for range 90 {
		w.chain.Mine()
	}
	for i, row := range rows {
		if row.after != "" && row.o == nft.Yes {
			if d := w.decide(row.e.MustBuild(), subject(row.who)); d.Outcome != nft.No {
				t.Errorf("row %d, by the block: %v %s", i, d.Outcome, d.Reason)
			}
		}
	}
	d := w.decide(rule.Key(asset721(x.lock), rule.Unlock).MustBuild(), subject(a))
	if len(d.HowTo) != 1 || !strings.HasPrefix(d.HowTo[0], "Renew the Unlock key of ") || !strings.Contains(d.Message, "has run out") {
		t.Errorf("%q, %q", d.Message, d.HowTo)
	}
	if !strings.HasPrefix(d.Explain.Observed, "until 2") || !strings.HasPrefix(d.Explain.Wanted, "after 2") || d.Explain.Block == nil {
		t.Errorf("the explanation is %+v", d.Explain)
	}
}

// A key that runs out during the film tells the watch at that very second, though nothing happens on the chain.
func TestKeyRunsOutMidFilm(t *testing.T) {
	t.Parallel()
	for name, leaf := range map[string]func(x rights) rule.Expr{
		"key":    func(x rights) rule.Expr { return rule.Key(asset721(x.lock), rule.Unlock) },
		"renter": func(x rights) rule.Expr { return rule.Hold(asset721(x.rental) + "/1").As(rule.Renter) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ahead time.Duration // of the chain, whose blocks are younger than the bubble's clock
				now := func() time.Time { return time.Now().Add(ahead) }
				w := newWorld(t, nft.DeciderOptions{Now: now})
				x := w.deployRights()
				a := account(1)
				ahead = time.Until(w.headTime())
				end := now().Add(7 * time.Minute).Truncate(time.Second)
				w.chain.Mine(nfttest.Op{Kind: nfttest.GrantKey, To: a, Until: uint64(end.Unix())},
					nfttest.Op{Kind: nfttest.Mint721, Contract: x.rental, To: account(2), TokenID: "1"},
					nfttest.Op{Kind: nfttest.Rent, From: account(2), To: a, TokenID: "1", Until: uint64(end.Unix())})
				w.run()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ch := w.d.Watch(ctx, leaf(x).MustBuild(), subject(a))
				w.next(ch, nft.Yes, "allowed")
				d := <-ch
				if late := now().Sub(end); d.Outcome != nft.No || late < 0 || late > 50*time.Millisecond {
					t.Errorf("%v %s, %v after the end", d.Outcome, d.Reason, late)
				}
			})
		})
	}
}

// A delegation counts while the vault holds the token and lets the viewer act, and ends at the head that ends either.
func TestDelegationEndsAtTheHead(t *testing.T) {
	t.Parallel()
	vault, hot := account(1), account(2)
	for name, tc := range map[string]struct {
		leaf func(w *world) rule.Expr
		give []nfttest.Op
		end  nfttest.Op
	}{
		"revoked":           {func(w *world) rule.Expr { return rule.Hold(w.asset("erc721")).As(rule.Owner, rule.Delegate) }, nil, nfttest.Op{Kind: nfttest.Revoke, From: vault, To: hot}},
		"sold by the vault": {func(w *world) rule.Expr { return rule.Hold(w.asset("erc721")).As(rule.Delegate) }, nil, transfer(vault, account(3), "1")},
		"of one token":      {func(w *world) rule.Expr { return rule.Hold(w.asset("erc721") + "/1").Delegation("delegate.xyz/v2") }, nil, transfer(vault, account(3), "1")},
		"of an ERC-1155": {func(w *world) rule.Expr {
			return rule.Hold(w.asset("erc1155") + "/7").Min(2).Delegation("delegate.xyz/v2")
		},
			[]nfttest.Op{{Kind: nfttest.Mint1155, To: vault, TokenID: "7", Amount: 2}}, nfttest.Op{Kind: nfttest.Transfer1155, From: vault, To: account(3), TokenID: "7", Amount: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nft.DeciderOptions{})
			w.chain.Mine(append(tc.give, mint(vault, "1"))...)
			r := tc.leaf(w).MustBuild()
			w.want(r, subject(hot), nft.No, "not_held")
			w.chain.Mine(nfttest.Op{Kind: nfttest.Delegate, From: vault, To: hot})
			w.run()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ch := w.d.Watch(ctx, r, subject(hot))
			d := w.next(ch, nft.Yes, "allowed")
			if d.Explain.Reason != "delegated" {
				t.Errorf("the leaf says %s", d.Explain.Reason)
			}
			w.chain.Mine()
			w.chain.Mine(tc.end)
			w.next(ch, nft.No, "not_held")
			w.chain.Reorg(1)
			w.next(ch, nft.Yes, "allowed")
		})
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	press := rule.Role("press").MustBuild()
	none := rule.Not(rule.Role("press")).MustBuild()
	with := func(roles ...string) nft.Subject {
		s := subject(account(1))
		s.Roles = append([]string{}, roles...)
		return s
	}
	w := newWorld(t, nft.DeciderOptions{})
	w.want(press, with("press", "crew"), nft.Yes, "allowed")
	w.want(press, with("crew"), nft.No, "no_role") // not the answer kept for another set of roles
	w.want(press, with(), nft.No, "no_role")
	w.want(none, with(), nft.Yes, "allowed")
	w.want(press, subject(account(1)), nft.Unknown, "unsupported")
	w.want(none, subject(account(1)), nft.Unknown, "unsupported") // no roles known is not no roles
	var roles atomic.Pointer[[]string]
	var down atomic.Bool
	w = newWorld(t, nft.DeciderOptions{Roles: func(_ context.Context, tenant string, accounts []caip.AccountID) ([]string, error) {
		if tenant != "t" || len(accounts) != 1 || down.Load() {
			return nil, errors.New("no database")
		}
		return *roles.Load(), nil
	}})
	roles.Store(&[]string{"press"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ch := w.d.Watch(ctx, press, subject(account(1)))
	w.next(ch, nft.Yes, "allowed")
	roles.Store(&[]string{})
	w.d.RolesChanged("t")
	w.next(ch, nft.No, "no_role")
	w.want(press, with("press"), nft.Yes, "allowed") // a subject that brings its roles
	down.Store(true)
	w.d.RolesChanged("t")
	w.want(press, subject(account(1)), nft.Unknown, "list_unavailable")
}

func TestMerkleLeaf(t *testing.T) {
	t.Parallel()
	a, b, c := account(1), account(2), account(3)
	list, err := merkle.New([]string{a, b, account(4), account(5), account(6)})
	if err != nil {
		t.Fatal(err)
	}
	var wrong, down atomic.Bool
	w := newWorld(t, nft.DeciderOptions{Proofs: func(_ context.Context, tenant, root, address string) (merkle.Proof, error) {
		switch {
		case down.Load() || tenant != "t":
			return nil, fault.New(fault.Unavailable, "test", "no database")
		case root != list.Root().String():
			return nil, fault.New(fault.Unsupported, "test", "that list is not here")
		case wrong.Load():
			return list.Proof(a)
		}
		return list.Proof(address)
	}})
	root := list.Root().String()
	leaf := rule.Merkle(root)
	w.want(leaf.MustBuild(), subject(a), nft.Yes, "allowed")
	w.want(leaf.MustBuild(), subject(b), nft.Yes, "allowed")
	w.want(leaf.MustBuild(), subject(c), nft.No, "not_listed")
	w.want(leaf.Wallets(rule.Linked).MustBuild(), subject(c, b), nft.Yes, "allowed")
	w.want(rule.Merkle("0x"+strings.Repeat("ab", 32)).MustBuild(), subject(a), nft.Unknown, "list_unavailable")
	w.want(rule.Not(rule.Merkle("0x"+strings.Repeat("ab", 32))).MustBuild(), subject(a), nft.Unknown, "list_unavailable")
	wrong.Store(true)
	w.d.ListChanged("t", root)
	w.want(leaf.MustBuild(), subject(b), nft.Unknown, "bad_proof") // the proof of another is no proof
	w.want(rule.Not(leaf).MustBuild(), subject(c), nft.Unknown, "bad_proof")
	w.want(leaf.MustBuild(), subject(a), nft.Yes, "allowed")
	down.Store(true)
	w.d.ListChanged("t", root)
	w.want(leaf.MustBuild(), subject(a), nft.Unknown, "list_unavailable")
	sol := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "solana", Reference: "x"}, Address: "y"}}}
	w.want(leaf.MustBuild(), sol, nft.No, "not_listed")
}

func TestBlockLeaf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	for range 9 {
		w.chain.Mine()
	}
	for _, tc := range []struct {
		e    rule.Expr
		o    nft.Outcome
		why  string
		help string
	}{
		{rule.Block("eip155:1", ">=", 9), nft.Yes, "allowed", ""},
		{rule.Block("eip155:1", ">", 9), nft.No, "block_failed", "Wait until the block number of Ethereum (eip155:1) is > 9."},
		{rule.Block("eip155:1", "==", 9), nft.Yes, "allowed", ""},
		{rule.Block("eip155:1", "==", 12), nft.No, "block_failed", "Wait until the block number of Ethereum (eip155:1) is == 12."},
		{rule.Block("eip155:1", "==", 3), nft.No, "block_failed", ""},
		{rule.Block("eip155:1", "!=", 9), nft.No, "block_failed", "Wait until the block number of Ethereum (eip155:1) is != 9."},
		{rule.Block("eip155:1", "<", 9), nft.No, "block_failed", ""},
		{rule.Block("eip155:1", "<=", 9), nft.Yes, "allowed", ""},
		{rule.Block("eip155:1", ">=", 9).Confirmations(2), nft.No, "not_final", ""},
		{rule.Block("eip155:1", ">=", 8).Confirmations(2), nft.Yes, "allowed", ""},
		{rule.Block("eip155:1", "<", 9).Confirmations(2), nft.No, "revoked_at_head", ""},
	} {
		d := w.want(tc.e.MustBuild(), subject(), tc.o, tc.why) // nobody's wallet matters
		if got := strings.Join(d.HowTo, "|"); got != tc.help {
			t.Errorf("%s: %q, want %q", d.Explain.Sentence, got, tc.help)
		}
	}
	w.run()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ch := w.d.Watch(ctx, rule.Block("eip155:1", "<=", 10).MustBuild(), subject(account(1)))
	w.next(ch, nft.Yes, "allowed")
	w.chain.Mine()
	w.chain.Mine()
	w.next(ch, nft.No, "block_failed")
}

// library is metadata in memory.
type library map[string]map[string][]string

func (l library) Traits(_ context.Context, uri, token string) (map[string][]string, error) {
	if token != "" {
		uri = strings.ReplaceAll(uri, "{id}", token)
	}
	if t, ok := l[uri]; ok {
		return t, nil
	}
	return nil, fault.New(fault.Unavailable, "test", "no such document")
}

func TestTraits(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	gold, tin := map[string][]string{"Tier": {"gold"}, "Year": {"1999", "2001"}}, map[string][]string{"Tier": {"tin"}}
	w := newWorld(t, nft.DeciderOptions{Metadata: library{"g": gold, "t": tin, "m/7": gold, "m/8": tin, "": tin}})
	x := w.deployRights()
	var ops []nfttest.Op
	for _, token := range []struct{ id, to, uri string }{{"1", a, "g"}, {"2", a, "t"}, {"3", a, "gone"}, {"4", b, "g"}, {"5", b, "g"}} {
		ops = append(ops, nfttest.Op{Kind: nfttest.Mint721, Contract: x.art, To: token.to, TokenID: token.id}, nfttest.Op{Kind: nfttest.SetURI, TokenID: token.id, Text: token.uri})
	}
	for _, id := range []string{"7", "8"} {
		ops = append(ops, nfttest.Op{Kind: nfttest.Mint1155, To: a, TokenID: id, Amount: 2}, nfttest.Op{Kind: nfttest.SetURI, Contract: w.multi, TokenID: id, Text: "m/{id}"})
	}
	ops = append(ops, mint(a, "1"), nfttest.Op{Kind: nfttest.Delegate, From: b, To: a})
	w.chain.Mine(ops...)
	art, multi := asset721(x.art), w.asset("erc1155")
	for _, tc := range []struct {
		e   rule.Expr
		who string
		o   nft.Outcome
		why string
	}{
		{rule.Hold(art).Trait("Tier", "gold"), a, nft.Yes, "allowed"},
		{rule.Hold(art).Trait("Tier", "gold").Min(2), a, nft.Unknown, "metadata_unavailable"}, // token 3 may be gold
		{rule.Not(rule.Hold(art).Trait("Tier", "none")), a, nft.Unknown, "metadata_unavailable"},
		{rule.Hold(art).Trait("Tier", "gold").Min(2), b, nft.Yes, "allowed"},
		{rule.Hold(art).Trait("Tier", "gold").Min(3), b, nft.No, "not_held"},
		{rule.Hold(art).Trait("Tier", "tin", "gold").Min(2), a, nft.Yes, "allowed"},
		{rule.Hold(art).Trait("Tier", "gold").Trait("Year", "2001"), b, nft.Yes, "allowed"},
		{rule.Hold(art).Trait("Tier", "gold").Trait("Year", "2000"), b, nft.No, "not_held"},
		{rule.Hold(art).Trait("tier", "gold"), b, nft.No, "not_held"}, // names and values as they are written
		{rule.Hold(art).Trait("Tier", "gold"), account(9), nft.No, "not_held"},
		{rule.Hold(art+"/1").Trait("Tier", "gold"), a, nft.Yes, "allowed"},
		{rule.Hold(art+"/1").Trait("Tier", "gold"), b, nft.No, "not_held"},
		{rule.Hold(art+"/2").Trait("Tier", "gold"), a, nft.No, "not_held"},
		{rule.Hold(art+"/3").Trait("Tier", "gold"), a, nft.Unknown, "metadata_unavailable"},
		{rule.Hold(art+"/3").Trait("Tier", "gold"), b, nft.No, "not_held"}, // who does not hold it need not be told what it is
		{rule.Hold(art).IDs("1", "3").Trait("Tier", "gold"), a, nft.Yes, "allowed"},
		{rule.Hold(art).IDs("4", "5").Trait("Tier", "gold").As(rule.Owner, rule.Delegate).Min(2), a, nft.Yes, "allowed"},
		{rule.Hold(art).Trait("Tier", "none").As(rule.Owner, rule.Delegate), b, nft.Unknown, "unsupported"}, // b's delegated tokens are not listed
		{rule.Hold(multi).IDs("7", "8").Trait("Tier", "gold").Min(2), a, nft.Yes, "allowed"},
		{rule.Hold(multi).IDs("7", "8").Trait("Tier", "gold").Min(3), a, nft.No, "not_held"},
		{rule.Hold(w.asset("erc721")).Trait("Tier", "gold"), a, nft.Unknown, "not_enumerable"},
		{rule.Hold(art).Trait("Tier", "gold").Finalized(), b, nft.No, "not_final"},
	} {
		r := tc.e.MustBuild()
		if d := w.decide(r, subject(tc.who)); d.Outcome != tc.o || d.Reason != tc.why {
			t.Errorf("%s\n got %v %s, want %v %s", r.Sentence(), d.Outcome, d.Reason, tc.o, tc.why)
		}
	}
}

// The documents of one evaluation are bounded, and what is beyond the bound is not known.
func TestDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	w := newWorld(t, nft.DeciderOptions{Metadata: counting(func() { asked.Add(1) })})
	x := w.deployRights()
	y := w.chain.Deploy("art")
	var ops []nfttest.Op
	for i := range 200 {
		for _, c := range []string{x.art, y} {
			id := fmt.Sprint(i + 1)
			ops = append(ops, nfttest.Op{Kind: nfttest.Mint721, Contract: c, To: account(1), TokenID: id}, nfttest.Op{Kind: nfttest.SetURI, Contract: c, TokenID: id, Text: c + id})
		}
	}
	w.chain.Mine(ops...)
	leaf := func(c string) rule.Expr { return rule.Hold(asset721(c)).Trait("Tier", "gold") }
	w.want(rule.Any(leaf(x.art), leaf(y)).MustBuild(), subject(account(1)), nft.Unknown, "metadata_unavailable")
	if n := asked.Load(); n != 256 {
		t.Errorf("%d documents were read, want 256", n)
	}
	for i := range 60 {
		w.chain.Mine(nfttest.Op{Kind: nfttest.Mint721, Contract: x.art, To: account(1), TokenID: fmt.Sprint(1000 + i)})
	}
	w.want(leaf(x.art).MustBuild(), subject(account(1)), nft.Unknown, "too_many")
}

type counting func()

func (c counting) Traits(context.Context, string, string) (map[string][]string, error) {
	c()
	return map[string][]string{"Tier": {"tin"}}, nil
}

// A token in the account of another token (ERC-6551) counts for the owner of that one.
func TestBoundAccount(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	w := newWorld(t, nft.DeciderOptions{})
	w.chain.Mine(mint(a, "1"))
	w.chain.Mine(mint(w.chain.Bind(w.nft, "1"), "9"))
	r := rule.Hold(w.asset("erc721")+"/9").As(rule.Owner, rule.BoundAccount).MustBuild()
	if d := w.want(r, subject(a), nft.Yes, "allowed"); d.Explain.Reason != "bound" {
		t.Errorf("the leaf says %s", d.Explain.Reason)
	}
	w.want(r, subject(b), nft.No, "not_held")
	w.run()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ch := w.d.Watch(ctx, r, subject(a))
	w.next(ch, nft.Yes, "allowed")
	w.chain.Mine(transfer(a, b, "1"))
	w.next(ch, nft.No, "not_held")
	w.want(r, subject(b), nft.Yes, "allowed")
}

// What cannot be answered says which part of the rule it is.
func TestUnsupportedIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	for _, tc := range []struct {
		e    rule.Expr
		says string
	}{
		{rule.Hold(w.asset("erc721")).As(rule.BoundAccount), "ERC-6551"},
		{rule.Hold(w.asset("erc721")).As(rule.Renter), "without token ids"},
		{rule.Hold(w.asset("erc1155")), "an ERC-1155 without token ids"},
		{rule.Key(w.asset("erc721"), rule.ERC4907), "without a token id"},
		{rule.Key(w.asset("erc1155"), rule.Unlock), "keys of an ERC-1155"},
		{rule.Hold(w.asset("erc721")).Delegation("warm.xyz/v1"), "warm.xyz/v1"},
	} {
		d := w.decide(tc.e.MustBuild(), subject(account(1)))
		if d.Outcome != nft.Unknown || d.Reason != "unsupported" || !strings.Contains(d.Message, tc.says) {
			t.Errorf("%s: %v %s, %q", d.Explain.Sentence, d.Outcome, d.Reason, d.Message)
		}
	}
}

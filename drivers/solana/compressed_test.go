package solana_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// forest is a world with an indexer and a tree in which a has the first token and b the second.
type forest struct {
	*world
	x             *indexer
	tree          *merkle
	one, two      *cnft
	club, artist  solana.PublicKey
	asset, as, by rule.Expr
}

func newForest(t *testing.T, program solana.PublicKey, opt sol.Options) *forest {
	t.Helper()
	x := newIndexer(t)
	opt.DASURL = x.URL
	f := &forest{world: newWorld(t, opt), x: x, artist: solana.NewWallet().PublicKey()}
	if program == mplCompression {
		f.club = solana.NewWallet().PublicKey()
		f.must(f.SetAccount(t.Context(), f.club, coreProgram, coreCollection()))
	} else {
		f.club = f.mint(chaintest.SolanaMint{}, f.world.a, 0)
	}
	f.tree = newMerkle(program, 5, 8, 0)
	token := cnft{creator: f.artist, creatorVerified: true, collection: f.club, verified: true, standard: true}
	token.owner = f.world.a.PublicKey()
	f.one = f.tree.mintTo(token)
	token.owner = f.world.b.PublicKey()
	f.two = f.tree.mintTo(token)
	f.asset = f.sol(f.one.id()).Allow("compressed")
	f.as, f.by = f.collection(f.club).Allow("compressed"), f.creator(f.artist).Allow("compressed")
	f.publish()
	return f
}

// publish puts the tree on the chain and lets the indexer see it.
func (f *forest) publish() {
	f.t.Helper()
	f.onChain()
	f.x.see(f.one, f.two)
}

func (f *forest) onChain() { f.t.Helper(); f.must(f.tree.publish(context.Background(), f.Solana)) }

// leaves are the three ways to ask for the token.
func (f *forest) leaves() map[string]rule.Expr {
	return map[string]rule.Expr{"asset": f.asset, "collection": f.as, "creator": f.by}
}

const oneCompressed = "1 (compressed)"

// Compressed tokens count when their tree proves them: for the holder, not for others, and not after they moved.
func TestCompressed(t *testing.T) {
	t.Parallel()
	for version, program := range map[string]solana.PublicKey{"version 1": splCompression, "version 2": mplCompression} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := newForest(t, program, sol.Options{})
			a, b := f.a.PublicKey(), f.b.PublicKey()
			for what, e := range f.leaves() {
				f.want(what+" of the holder", e, f.a, yes, allowed, oneCompressed)
			}
			f.want("asset of another", f.asset, f.b, no, notHeld, "0")
			f.want("collection, of which the other has one too", f.as, f.b, yes, allowed, oneCompressed)
			f.want("two of the collection", f.as.Min(2), f.a, no, notHeld, oneCompressed)
			f.want("who does not ask for compressed ones", f.collection(f.club), f.a, no, notHeld, "0")
			f.want("another collection", f.collection(f.mint(chaintest.SolanaMint{}, f.a, 0)).Allow("compressed"), f.a, no, notHeld, "0")
			f.want("another creator", f.creator(a).Allow("compressed"), f.a, no, notHeld, "0")

			f.one.update(func(n *cnft) { n.delegate = b })
			f.publish()
			for what, e := range f.leaves() {
				f.want(what+" delegated", e, f.a, no, notHeld, "0 (1 delegated not counted)")
				f.want(what+" delegated but allowed", e.Allow("compressed", "delegated"), f.a, yes, allowed, oneCompressed)
			}
			f.one.give(b)
			f.publish()
			for what, e := range f.leaves() {
				f.want(what+" of the old holder", e, f.a, no, notHeld, "0")
				f.want(what+" of the new holder", e, f.b, yes, allowed, oneCompressed)
			}
			f.want("two of the collection by now", f.as.Min(2), f.b, yes, allowed, "2 (compressed)")
			f.one.update(func(n *cnft) { n.burnt = true })
			f.publish()
			f.want("burned", f.asset, f.b, no, notHeld, "0")
		})
	}
	t.Run("frozen", func(t *testing.T) {
		t.Parallel()
		f := newForest(t, mplCompression, sol.Options{})
		for flags := byte(1); flags <= 3; flags++ {
			f.one.update(func(n *cnft) { n.flags = flags })
			f.publish()
			for what, e := range f.leaves() {
				f.want(fmt.Sprint(what, " with flags ", flags), e, f.a, no, notHeld, "0 (1 frozen not counted)")
				f.want(fmt.Sprint(what, " with flags ", flags, " allowed"), e.Allow("compressed", "frozen"), f.a, yes, allowed, oneCompressed)
			}
		}
	})
	t.Run("with others", func(t *testing.T) {
		t.Parallel()
		f := newForest(t, splCompression, sol.Options{})
		plain := f.mint(chaintest.SolanaMint{}, f.a, 1)
		f.must(setMeta(t.Context(), t, f.Solana, meta{mint: plain, collection: f.club, verified: true}))
		f.want("one of each", f.as.Min(2), f.a, yes, allowed, "2 (compressed)")
		f.x.set(nil, func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "down", 503) })
		// Enough of the others need no indexer; more do.
		f.want("indexer down, enough without", f.as, f.a, yes, allowed, "1")
		r := f.as.Min(3).MustBuild()
		d, err := f.d.DecideFresh(t.Context(), r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: f.ID, Address: f.a.PublicKey().String()}}})
		if err != nil || d.Outcome != unknown {
			t.Errorf("indexer down, not enough without: %v %v", d, err)
		}
	})
}

// Proofs of an earlier state of the tree are brought forward, shortened ones completed from the canopy: an
// indexer that is honest but behind, or sparing, is good enough.
func TestCompressedHonestButOdd(t *testing.T) {
	t.Parallel()
	f := newForest(t, splCompression, sol.Options{})
	ctx, a := t.Context(), f.a.PublicKey()
	fresh := func() *sol.Verifier { // remembers nothing
		v, err := sol.New(sol.Options{RPCURL: f.RPCURL, Chain: f.ID, DASURL: f.x.URL})
		f.must(err)
		t.Cleanup(v.Close)
		return v
	}
	holds := func(what string) {
		t.Helper()
		for op, contract := range map[nft.Op]solana.PublicKey{nft.OpSolMint: f.one.id(), nft.OpSolCollection: f.club, nft.OpSolCreator: f.artist} {
			q := holding(op, contract, f.a)
			q.Sol.Compressed, q.Sol.Enough = true, 1
			r, err := fresh().Check(ctx, latest, []nft.Query{q})
			if err != nil || r.Answers[0].Value != "1" {
				t.Errorf("%s, %s: %+v, %v", what, op, r, err)
			}
		}
	}
	for i := range 5 { // others mint: the picture of the indexer is of before
		f.tree.mintTo(cnft{owner: f.b.PublicKey(), name: fmt.Sprint("other ", i)})
		f.onChain()
		holds(fmt.Sprintf("%d changes behind", i+1))
	}
	f.two.give(a) // its sibling
	f.onChain()
	holds("the sibling changed since")
	f.publish()
	f.tree.canopy = 3
	f.publish()
	f.x.set(func(method string, params map[string]any) (any, bool) {
		if method != "getAssetProof" {
			return nil, false
		}
		p := f.one.proofAnswer()
		if params["id"] == f.two.id().String() {
			p = f.two.proofAnswer()
		}
		p["proof"] = p["proof"].([]string)[:2]
		return p, true
	}, nil)
	holds("a proof that leaves the canopy out")
	f.x.set(nil, nil)
	f.one.update(func(n *cnft) { n.standard = false })
	f.publish()
	holds("metadata without a token standard")
	// The indexer is ahead of what is final.
	f.must(f.Lags(ctx, 1, 3))
	f.must(f.Tick(ctx, 4))
	f.tree.mintTo(cnft{owner: f.b.PublicKey(), name: "newest"})
	f.publish()
	f.want("finalized, with a proof of a newer state", f.as.Finalized(), f.a, yes, allowed, oneCompressed)
}

// Whatever the indexer says, what the chain does not prove is no yes; and the rest of the answer is none either.
func TestCompressedLies(t *testing.T) {
	t.Parallel()
	f := newForest(t, splCompression, sol.Options{Timeout: 4 * time.Second, MaxReply: 4 << 20, MaxTokens: 500})
	thief := f.a // has the first token; asks for what he has not
	f.one.update(func(n *cnft) { n.collection, n.creatorVerified = solana.NewWallet().PublicKey(), false })
	f.publish()
	e := map[string]rule.Expr{"asset": f.sol(f.two.id()).Allow("compressed"), "collection": f.as, "creator": f.by}
	for what, x := range e {
		f.want(what+" before", x, thief, no, notHeld, "0")
	}
	// say answers everything with one asset as the lie has it, and its proof.
	say := func(n *cnft, change func(asset, proof map[string]any)) func(string, map[string]any) (any, bool) {
		return func(method string, _ map[string]any) (any, bool) {
			a, p := n.asset(), n.proofAnswer()
			change(a, p)
			switch method {
			case "getAsset":
				return a, true
			case "getAssetsByOwner":
				return map[string]any{"items": []any{a}}, true
			}
			return p, true
		}
	}
	me := thief.PublicKey().String()
	mine := func(a map[string]any) { a["ownership"] = map[string]any{"owner": me} }
	club := func(a map[string]any) {
		a["grouping"] = []any{map[string]any{"group_key": "collection", "group_value": f.club.String()}}
	}
	artist := func(a map[string]any) {
		a["creators"] = []any{map[string]any{"address": f.artist.String(), "share": 100, "verified": true}}
	}
	forged := newMerkle(splCompression, 5, 8, 0) // a tree of the thief's own
	forged.authority = thief.PublicKey()
	fake := forged.mintTo(cnft{owner: thief.PublicKey(), creator: f.artist, creatorVerified: true, collection: f.club, verified: true, standard: true})
	f.must(forged.publish(t.Context(), f.Solana))
	other := newMerkle(solana.MemoProgramID, 5, 8, 0) // the bytes of a tree, of another program
	planted := other.mintTo(*fake)
	f.must(other.publish(t.Context(), f.Solana))
	claimed := f.tree.mintTo(cnft{owner: thief.PublicKey(), creator: f.artist, collection: f.club, standard: true, name: "unverified"})
	f.publish()
	garbage := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = solana.NewWallet().PublicKey().String()
		}
		return out
	}
	for name, lie := range map[string]func(string, map[string]any) (any, bool){
		"another owner": say(f.two, func(a, _ map[string]any) { mine(a) }),
		"owner and asset hash": say(f.two, func(a, _ map[string]any) {
			mine(a)
			a["compression"].(map[string]any)["asset_hash"] = b58(f.two.leaf())
		}),
		"a tree of one's own":       say(fake, func(map[string]any, map[string]any) {}),
		"a tree of another program": say(planted, func(map[string]any, map[string]any) {}),
		"an unverified collection":  say(claimed, func(a, _ map[string]any) { club(a) }),
		"a collection it is not of": say(f.one, func(a, _ map[string]any) { club(a) }),
		"a creator it is not of":    say(f.one, func(a, _ map[string]any) { artist(a) }),
		"another number":            say(f.one, func(a, _ map[string]any) { a["id"] = f.two.id().String(); club(a); artist(a) }),
		"garbage for a proof":       say(f.two, func(a, p map[string]any) { mine(a); p["proof"] = garbage(5) }),
		"no proof":                  say(f.two, func(a, p map[string]any) { mine(a); p["proof"] = []string{} }),
		"a long proof":              say(f.two, func(a, p map[string]any) { mine(a); p["proof"] = garbage(31) }),
		"no hashes":                 say(f.two, func(a, p map[string]any) { mine(a); p["proof"] = []string{"x"} }),
		"the proof of another tree": say(f.two, func(a, p map[string]any) { mine(a); p["tree_id"] = forged.key.String() }),
		"no tree":                   say(f.two, func(a, _ map[string]any) { mine(a); a["compression"].(map[string]any)["tree"] = "" }),
		"a huge number":             say(f.two, func(a, _ map[string]any) { mine(a); a["compression"].(map[string]any)["leaf_id"] = uint64(1) << 40 }),
	} {
		f.x.set(lie, nil)
		for what, x := range e {
			r := x.MustBuild()
			for not, r := range map[bool]*rule.Rule{false: r, true: rule.Not(x).MustBuild()} {
				d, err := f.d.DecideFresh(t.Context(), r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: f.ID, Address: me}}})
				f.must(err)
				// Where the lie does not even claim what is asked for, there is nothing to prove.
				if d.Outcome == yes && !not {
					t.Errorf("%s: the lie about %s is believed", what, name)
				}
			}
		}
	}
	f.x.set(say(f.two, func(a, _ map[string]any) { mine(a) }), nil)
	for what, x := range e {
		f.want(what+", claimed and not proven", x, thief, unknown, "not_proven", "")
		f.want(what+", claimed and not proven, negated", rule.Not(x), thief, unknown, "not_proven", "")
	}
	f.x.set(nil, nil)
	// The token is sold, and the indexer does not know yet: its picture and its proof are of before.
	f.two.give(solana.NewWallet().PublicKey())
	f.onChain()
	f.want("sold, unknown to the indexer", e["asset"], f.b, unknown, "not_proven", "")
	f.want("sold, unknown to the indexer, collection", f.as, f.b, unknown, "not_proven", "")
	f.want("sold, negated", rule.Not(f.as), f.b, unknown, "not_proven", "")
	for name, raw := range map[string]http.HandlerFunc{
		"503":     func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", 503) },
		"429":     func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", 429) },
		"no JSON": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>")) },
		"huge": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"jsonrpc":"2.0","id":0,"result":"` + strings.Repeat("x", 5<<20) + `"}`))
		},
		"redirect": func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "http://127.0.0.1:1/", 307) },
	} {
		f.x.set(nil, raw)
		f.want(name, f.as, thief, unknown, "chain_unavailable", "")
		f.want(name+", negated", rule.Not(f.as), thief, unknown, "chain_unavailable", "")
	}
	impatient, err := sol.New(sol.Options{RPCURL: f.RPCURL, Chain: f.ID, DASURL: f.x.URL, Timeout: time.Second})
	f.must(err)
	defer impatient.Close()
	f.x.set(nil, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	q := holding(nft.OpSolCollection, f.club, thief)
	q.Sol.Compressed, q.Sol.Enough = true, 1
	if r, err := impatient.Check(t.Context(), latest, []nft.Query{q}); err == nil && !errors.Is(r.Answers[0].Err, fault.Unavailable) {
		t.Errorf("slow: %+v", r)
	}
	endless := func(method string, p map[string]any) (any, bool) {
		items := make([]any, 250)
		for i := range items {
			items[i] = f.two.asset()
		}
		return map[string]any{"items": items}, method == "getAssetsByOwner"
	}
	f.x.set(endless, nil)
	was := f.x.count("getAssetsByOwner")
	f.want("pages without end", f.as, thief, unknown, "chain_unavailable", "")
	if n := f.x.count("getAssetsByOwner") - was; n < 1 || n > 2 {
		t.Errorf("%d pages were asked for, where the bound of 500 tokens allows 2", n)
	}
	f.x.set(func(method string, _ map[string]any) (any, bool) {
		return map[string]any{"items": make([]any, 251)}, method == "getAssetsByOwner"
	}, nil)
	f.want("a page longer than asked for", f.as, thief, unknown, "chain_unavailable", "")
}

// Without an indexer there is no answer, unless there is enough of other kinds.
func TestCompressedWithoutDAS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	w.want("not needed", w.sol(mint).Allow("compressed"), w.a, yes, allowed, "1")
	w.want("not read", w.sol(mint).Allow("compressed"), w.b, unknown, "unsupported", "")
	r, err := w.v.Check(t.Context(), latest, []nft.Query{{Op: nft.OpSolMint, Contract: mint.String(), Account: w.b.PublicKey().String(), Sol: nft.SolQuery{Compressed: true}}})
	if err != nil || !errors.Is(r.Answers[0].Err, nft.ErrCompressed) || !errors.Is(r.Answers[0].Err, fault.Unsupported) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A sold token ends the viewing at the slot of the sale, though the indexer says for long that nothing happened;
// and an indexer that is down ends none, since the tree itself shows that the token has not moved.
func TestCompressedRevocation(t *testing.T) {
	t.Parallel()
	f := newForest(t, splCompression, sol.Options{PollInterval: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = f.d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	ch := f.d.Watch(ctx, f.as.MustBuild(), nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: f.ID, Address: f.a.PublicKey().String()}}})
	next := func() nft.Decision {
		t.Helper()
		select {
		case d := <-ch:
			return d
		case <-time.After(30 * time.Second):
			t.Fatal("no decision within 30 s")
			return nft.Decision{}
		}
	}
	for d := next(); d.Outcome != yes; d = next() {
	}
	f.x.set(nil, func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", 503) })
	for i := range 12 { // more than the buffer holds
		f.tree.mintTo(cnft{owner: f.b.PublicKey(), name: fmt.Sprint("other ", i)})
		f.onChain()
		f.must(f.settled(ctx))
	}
	select {
	case d := <-ch:
		t.Fatalf("with the indexer down, and the token where it was: %v %s", d.Outcome, d.Reason)
	default:
	}
	f.x.set(nil, nil)
	f.one.give(f.b.PublicKey())
	f.onChain()
	if d := next(); d.Outcome != unknown || d.Reason != "not_proven" {
		t.Errorf("sold, and the indexer does not know: %v %s", d.Outcome, d.Reason)
	}
	f.x.see(f.one, f.two)
	for d := next(); d.Outcome != no; d = next() {
	}
}

// settled waits until the decider has asked about the newest slot.
func (w *world) settled(ctx context.Context) error {
	head, err := w.Head(ctx)
	if err != nil {
		return err
	}
	for late := time.Now().Add(30 * time.Second); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if s := w.d.Chains(ctx); s[0].Head != nil && s[0].Head.Number >= head.Number {
			return nil
		}
	}
	return errors.New("the newest slot was not seen within 30 s")
}

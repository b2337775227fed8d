package solana_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// audience is watches of one rule, a wallet each.
type audience struct {
	*world
	rule    *rule.Rule
	wallets []solana.PrivateKey
	changes []<-chan nft.Decision
}

func (a *audience) watch(ctx context.Context) {
	for _, w := range a.wallets {
		a.changes = append(a.changes, a.d.Watch(ctx, a.rule, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: a.ID, Address: w.PublicKey().String()}}}))
	}
}

// hear waits until the i-th watch says o.
func (a *audience) hear(i int, o nft.Outcome) {
	a.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case d := <-a.changes[i]:
			if d.Outcome == o {
				return
			}
		case <-late:
			a.t.Fatalf("watch %d does not say %v within a minute", i, o)
		}
	}
}

// A thousand watching sessions cost a few requests a slot, whether they hold one mint or a token of a collection each,
// and one transfer ends one session.
func TestManyWatches(t *testing.T) {
	t.Parallel()
	n := 150
	if s := os.Getenv("SOLANA_WATCHES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for what, kind := range map[string]string{"one mint": "mint", "a collection": "collection"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sol.Options{PollInterval: 250 * time.Millisecond, WSURL: "here", Timeout: 20 * time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			a := &audience{world: w}
			club := w.mint(chaintest.SolanaMint{}, w.a, 0)
			a.rule = w.sol(club).MustBuild()
			if kind == "collection" {
				a.rule = w.collection(club).MustBuild()
			}
			var tokens []solana.PublicKey
			for range n {
				key, mint := solana.NewWallet().PrivateKey, club
				if kind == "collection" {
					mint = w.mint(chaintest.SolanaMint{}, key, 0)
					w.must(setMeta(ctx, t, w.Solana, meta{mint: mint, collection: club, verified: true}))
				}
				w.must(w.MintTo(ctx, mint, key.PublicKey(), 1))
				a.wallets, tokens = append(a.wallets, key), append(tokens, mint)
			}
			d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.v}, Timeout: time.Minute, HealthEvery: time.Hour})
			w.d = d
			var run sync.WaitGroup
			run.Go(func() { _ = d.Run(ctx) })
			defer run.Wait()
			defer cancel()
			a.watch(ctx)
			for i := range a.changes {
				a.hear(i, nft.Yes)
			}
			w.warm(ctx)
			before, _ := w.v.Requests()
			const slots = 5
			for range slots {
				w.must(w.Tick(ctx, 1))
				w.must(w.settled(ctx))
			}
			w.must(w.quiet(ctx))
			after, _ := w.v.Requests()
			counts, err := w.Counts(ctx)
			w.must(err)
			perSlot := float64(after-before) / slots
			t.Logf("%d watches of %s: %.1f HTTP requests and %.1f calls of getMultipleAccounts a slot", n, what, perSlot, float64(counts["getMultipleAccounts"])/slots)
			// Each step asks for the head, and again with what showed the holdings: 100 accounts a call, 40 calls a request.
			if perSlot > 12 {
				t.Errorf("%.1f requests a slot for %d watches", perSlot, n)
			}
			if lists := counts["getTokenAccountsByOwner"]; lists > 0 {
				t.Errorf("%d lists were asked for although nothing changed", lists)
			}
			i := n / 2
			start := time.Now()
			w.must(w.Transfer(ctx, tokens[i], a.wallets[i], a.wallets[i].PublicKey(), w.b.PublicKey(), 1))
			a.hear(i, nft.No)
			t.Log("from before the transfer was sent to the flip:", time.Since(start))
			for j := range a.changes {
				select {
				case d := <-a.changes[j]:
					t.Errorf("watch %d, whose token did not move: %v %s", j, d.Outcome, d.Reason)
				default:
				}
			}
		})
	}
}

// warm makes slots until one passes without that anybody is looked for: the first who were asked about may be forgotten by now.
func (w *world) warm(ctx context.Context) {
	w.t.Helper()
	for range 20 {
		w.must(w.Tick(ctx, 1))
		w.must(w.settled(ctx))
		w.must(w.quiet(ctx))
		counts, err := w.Counts(ctx)
		w.must(err)
		if counts["getTokenAccountsByOwner"] == 0 {
			return
		}
	}
	w.t.Fatal("holders are looked for at every slot")
}

// quiet waits until no request was made for a while.
func (w *world) quiet(ctx context.Context) error {
	for range 100 {
		before, _ := w.v.Requests()
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if after, _ := w.v.Requests(); after-before <= 2 {
			return nil
		}
	}
	return fmt.Errorf("requests go on")
}

// heads is what a Watch told.
type heads struct {
	mu  sync.Mutex
	all []nft.Change
}

func (h *heads) tell(c nft.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, c)
}

func (h *heads) has(fits func(nft.Change) bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.all, fits)
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for late := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			w.t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func (w *world) listening(kind string) int {
	w.t.Helper()
	n, err := w.Listening(w.t.Context())
	w.must(err)
	return n[kind]
}

// What may go wrong with notices: Watch hears less, and asks itself.
func TestNotices(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]chaintest.SolanaFault{
		"as they should be":                 {},
		"accounts are not told of":          {Mute: true},
		"nothing is told":                   {Deaf: true},
		"slots are refused":                 {Refuse: []string{"slotSubscribe"}},
		"accounts and programs are refused": {Refuse: []string{"accountSubscribe", "programSubscribe"}},
		"everything is refused":             {Refuse: []string{"accountSubscribe", "programSubscribe", "slotSubscribe"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sol.Options{PollInterval: 100 * time.Millisecond, WSURL: "here"})
			ctx, cancel := context.WithCancel(t.Context())
			w.must(w.Fault(ctx, f))
			club, mint := w.mint(chaintest.SolanaMint{}, w.a, 0), w.mint(chaintest.SolanaMint{}, w.a, 1)
			w.must(setMeta(ctx, t, w.Solana, meta{mint: mint, collection: club, verified: true}))
			var run sync.WaitGroup
			run.Go(func() { _ = w.d.Run(ctx) })
			defer run.Wait()
			defer cancel()
			for kind, e := range map[string]rule.Expr{"program": w.sol(mint), "account": w.collection(club)} {
				a := &audience{world: w, rule: e.MustBuild(), wallets: []solana.PrivateKey{w.a}}
				a.watch(ctx)
				a.hear(0, nft.Yes)
				if name == "as they should be" {
					w.until("a subscription of kind "+kind, func() bool { return w.listening(kind) > 0 && w.listening("slot") == 1 })
				}
				w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
				a.hear(0, nft.No)
				w.must(w.Transfer(ctx, mint, w.b, w.b.PublicKey(), w.a.PublicKey(), 1))
				a.hear(0, nft.Yes)
			}
		})
	}
}

// A connection that is lost is a gap, and is made again.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{PollInterval: 50 * time.Millisecond, WSURL: "here"})
	ctx, cancel := context.WithCancel(t.Context())
	h := &heads{}
	done := make(chan error, 1)
	go func() { done <- w.v.Watch(ctx, func() []string { return nil }, h.tell) }()
	w.until("a subscription", func() bool { return w.listening("slot") == 1 })
	w.must(w.Tick(ctx, 1))
	w.until("a head", func() bool { return h.has(func(c nft.Change) bool { return !c.Gap }) })
	if h.has(func(c nft.Change) bool { return c.Gap }) {
		t.Error("a gap before anything was lost")
	}
	w.must(w.Cut(ctx))
	w.until("a gap", func() bool { return h.has(func(c nft.Change) bool { return c.Gap }) })
	w.until("a new subscription", func() bool { return w.listening("slot") == 1 })
	w.must(w.Tick(ctx, 1))
	head, err := w.Head(ctx)
	w.must(err)
	w.until("the head after it", func() bool {
		return h.has(func(c nft.Change) bool { return !c.Gap && c.Block.Number == head.Number })
	})
	cancel()
	if err := <-done; err == nil {
		t.Error("Watch ends without an error")
	}
	w.until("the end of the subscription", func() bool { n, _ := w.Listening(context.Background()); return n["slot"] == 0 })
}

// A node that answers from an old slot, or says that it is asked too often, takes no right away and gives none.
func TestWatchedFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{PollInterval: 20 * time.Millisecond, WSURL: "here", Timeout: 2 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	var run sync.WaitGroup
	run.Go(func() { _ = w.d.Run(ctx) })
	defer run.Wait()
	defer cancel()
	a := &audience{world: w, rule: w.sol(mint).MustBuild(), wallets: []solana.PrivateKey{w.a}}
	a.watch(ctx)
	a.hear(0, nft.Yes)
	for name, f := range map[string]chaintest.SolanaFault{
		"429": {Status: 429, Methods: []string{"getMultipleAccounts"}}, "stale": {Lag: 3}, "stale and hiding it": {Lag: 3, IgnoreMin: true},
	} {
		w.must(w.Fault(ctx, f))
		before, _ := w.v.Requests()
		w.until(name+": some questions", func() bool { n, _ := w.v.Requests(); return n > before+5 })
		select {
		case d := <-a.changes[0]:
			t.Errorf("%s: %v %s", name, d.Outcome, d.Reason)
		default:
		}
		if f.Lag == 0 { // a transaction needs the newest blockhash
			w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
		}
		w.must(w.Fault(ctx, chaintest.SolanaFault{}))
		if f.Lag > 0 {
			w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
		}
		a.hear(0, nft.No)
		w.must(w.Transfer(ctx, mint, w.b, w.b.PublicKey(), w.a.PublicKey(), 1))
		a.hear(0, nft.Yes)
	}
}

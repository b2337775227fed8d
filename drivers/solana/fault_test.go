package solana_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

var latest = nft.Finality{Tag: "latest"}

func holding(op nft.Op, contract solana.PublicKey, who solana.PrivateKey) nft.Query {
	return nft.Query{Op: op, Contract: contract.String(), Account: who.PublicKey().String()}
}

// Whatever the provider does, there is no wrong value: an error of kind unavailable,
// and the right answer once it is well again.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{Timeout: time.Second, MaxReply: 1 << 20})
	ctx := t.Context()
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
	q := []nft.Query{holding(nft.OpSolMint, mint, w.a), holding(nft.OpSolMint, mint, w.b)}
	ask := func() (nft.Reply, error) { return w.v.Check(ctx, latest, q) }
	one, far := uint64(1), uint64(1<<40)
	for name, f := range map[string]chaintest.SolanaFault{
		"lag":                          {Lag: 2},
		"lag that ignores the minimum": {Lag: 2, IgnoreMin: true},
		"old slot in the context":      {StaleSlot: &one, IgnoreMin: true},
		"future slot in the context":   {StaleSlot: &far},
		"429":                          {Status: 429},
		"503":                          {Status: 503},
		"redirect":                     {Status: 307},
		"slow":                         {Delay: 5000},
		"huge":                         {Huge: 2 << 20},
		"cut off":                      {Drop: true},
		"another cluster":              {Genesis: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"},
		"no genesis":                   {Genesis: "1"},
	} {
		if r, err := ask(); err != nil || r.Answers[0].Value != "0" || r.Answers[1].Value != "1" {
			t.Fatalf("before %s: %+v, %v", name, r, err)
		}
		w.must(w.Fault(ctx, f))
		r, err := ask()
		if !errors.Is(err, fault.Unavailable) || len(r.Answers) != 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := w.v.Head(ctx); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: the head says %v", name, err)
		}
		w.must(w.Fault(ctx, chaintest.SolanaFault{}))
	}
	// A dead node's clock stands still.
	late, err := sol.New(sol.Options{RPCURL: w.RPCURL, Chain: w.ID, Now: func() time.Time { return time.Now().Add(time.Hour) }})
	w.must(err)
	defer late.Close()
	if _, err := late.Check(ctx, latest, q); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "too old") {
		t.Errorf("an hour old: %v", err)
	}
	crowded, err := sol.New(sol.Options{RPCURL: w.RPCURL, Chain: w.ID, MaxTokens: 1})
	w.must(err)
	defer crowded.Close()
	w.mint(chaintest.SolanaMint{}, w.b, 1)
	r, err := crowded.Check(ctx, latest, []nft.Query{holding(nft.OpSolCollection, mint, w.b), holding(nft.OpSolMint, mint, w.b)})
	if err != nil || !errors.Is(r.Answers[0].Err, fault.Limited) || r.Answers[0].Value != "" || r.Answers[1].Value != "1" {
		t.Errorf("an owner of many tokens: %+v, %v", r, err)
	}
}

// hook runs fn after the n-th reply, counted from 1.
type hook struct {
	mu sync.Mutex
	n  int
	fn func(n int)
}

func (h *hook) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fn != nil && err == nil {
		h.n++
		h.fn(h.n)
	}
	return resp, err
}

// A token that moves while it is looked for is at one place.
func TestReadsAreOfOneSlot(t *testing.T) {
	t.Parallel()
	h := &hook{}
	w := newWorld(t, sol.Options{Client: &http.Client{Transport: h}})
	ctx := t.Context()
	club := w.mint(chaintest.SolanaMint{}, w.a, 0)
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	w.must(setMeta(ctx, t, w.Solana, meta{mint: mint, collection: club, verified: true}))
	w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1)) // so that both have accounts
	from, to := w.b, w.a
	move := func() {
		w.must(w.Transfer(ctx, mint, from, from.PublicKey(), to.PublicKey(), 1))
		from, to = to, from
	}
	for _, op := range []nft.Op{nft.OpSolMint, nft.OpSolCollection} {
		contract := map[nft.Op]solana.PublicKey{nft.OpSolMint: mint, nft.OpSolCollection: club}[op]
		q := []nft.Query{holding(op, contract, w.a), holding(op, contract, w.b)}
		for at := 1; at <= 4; at++ {
			h.n, h.fn = 0, func(n int) {
				if n == at {
					move()
				}
			}
			r, err := w.v.Check(ctx, latest, q)
			h.fn = nil
			if err != nil {
				t.Errorf("%s, moved after reply %d: %v", op, at, err)
				continue
			}
			if got := r.Answers[0].Value + r.Answers[1].Value; got != "01" && got != "10" {
				t.Errorf("%s, moved after reply %d: the two hold %s", op, at, got)
			}
			if len(r.Block.Hash) < 32 && !strings.HasPrefix(r.Block.Hash, "slot:") {
				t.Errorf("block %+v", r.Block)
			}
		}
		// Slots that pass without a change disturb nobody.
		h.n, h.fn = 0, func(int) { w.must(w.Tick(ctx, 1)) }
		if _, err := w.v.Check(ctx, latest, q); err != nil {
			t.Errorf("%s while slots pass: %v", op, err)
		}
		h.fn = func(int) { move() }
		if _, err := w.v.Check(ctx, latest, q); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s while the token always moves: %v", op, err)
		}
		h.fn = nil
	}
}

// From the transfer to the flip of a watched decision, with no other news than slots.
func TestRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	done := make(chan struct{})
	go func() { defer close(done); _ = w.d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	r := w.sol(mint).MustBuild()
	ch := w.d.Watch(ctx, r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: w.ID, Address: w.a.PublicKey().String()}}})
	next := func(o nft.Outcome) {
		t.Helper()
		for {
			select {
			case d := <-ch:
				if d.Outcome == o {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("no decision %v within 30 s", o)
			}
		}
	}
	next(nft.Yes)
	for range 3 {
		w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
		start := time.Now()
		next(nft.No)
		t.Log("from the slot of the transfer to the flip:", time.Since(start))
		w.must(w.Transfer(ctx, mint, w.b, w.b.PublicKey(), w.a.PublicKey(), 1))
		next(nft.Yes)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	chain := caip.ChainID{Namespace: "solana", Reference: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}
	for name, o := range map[string]sol.Options{
		"no URL":    {Chain: chain},
		"scheme":    {Chain: chain, RPCURL: "ws://127.0.0.1:1"},
		"EVM chain": {Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, RPCURL: "http://127.0.0.1:1"},
	} {
		if _, err := sol.New(o); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := sol.Dial(t.Context(), sol.Options{Chain: chain, RPCURL: "http://user:hunter22@127.0.0.1:1/secretpath?api-key=topsecret"})
	if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a provider that is down: %v", err)
	}
	v, err := sol.New(sol.Options{Chain: chain, RPCURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, q := range []nft.Query{{Op: nft.OpSolMint, Contract: "x", Account: chain.Reference}, {Op: nft.OpSolMint}} {
		if _, err := v.Check(t.Context(), latest, []nft.Query{q}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

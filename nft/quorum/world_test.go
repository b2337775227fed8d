package quorum_test

import (
	"context"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
)

var (
	chainID = caip.ChainID{Namespace: "eip155", Reference: "1"}
	latest  = nft.Finality{Tag: "latest"}
)

const (
	alice = "0x00000000000000000000000000000000000000a1"
	bob   = "0x00000000000000000000000000000000000000a2"
)

// trouble is what is wrong with a node; the zero value is nothing.
type trouble struct {
	err   error
	delay time.Duration
	lag   uint64                       // heads are that many blocks old
	head  func(nft.Block) nft.Block    // forges heads
	lie   func(nft.Query, *nft.Answer) // forges answers
	mute  bool                         // its watch leaves transfers out
	dead  bool                         // its watch tells nothing at all
}

// scripted is embedded, so that its method Chain can be seen.
type scripted = nfttest.Chain

// node is one provider of a scripted chain.
type node struct {
	*scripted
	mu    sync.Mutex
	t     trouble
	calls int
	gap   chan struct{} // its watch says that it may have missed something
}

func newNode(c *nfttest.Chain) *node { return &node{scripted: c, gap: make(chan struct{}, 1)} }

func (n *node) set(t trouble) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.t = t
}

func (n *node) asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls
}

// begin is the start of a call.
func (n *node) begin(ctx context.Context) (trouble, error) {
	n.mu.Lock()
	n.calls++
	t := n.t
	n.mu.Unlock()
	if t.delay > 0 {
		select {
		case <-time.After(t.delay):
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return t, fault.Wrap(fault.Canceled, "node", ctx.Err())
	}
	return t, t.err
}

func (t trouble) at(f nft.Finality) nft.Finality {
	if t.lag == 0 || f.Tag != "latest" {
		return f
	}
	return nft.Finality{Confirmations: t.lag + 1}
}

func (t trouble) forge(b nft.Block) nft.Block {
	if t.head != nil {
		return t.head(b)
	}
	return b
}

func (n *node) Head(ctx context.Context) (nft.Block, error) { return n.BlockAt(ctx, latest) }

func (n *node) BlockAt(ctx context.Context, f nft.Finality) (nft.Block, error) {
	t, err := n.begin(ctx)
	if err != nil {
		return nft.Block{}, err
	}
	b, err := n.scripted.BlockAt(ctx, t.at(f))
	return t.forge(b), err
}

func (n *node) Check(ctx context.Context, f nft.Finality, qs []nft.Query) (nft.Reply, error) {
	t, err := n.begin(ctx)
	if err != nil {
		return nft.Reply{}, err
	}
	r, err := n.scripted.Check(ctx, t.at(f), qs)
	r.Block = t.forge(r.Block)
	t.forgeAll(qs, r.Answers)
	return r, err
}

func (n *node) CheckAt(ctx context.Context, b nft.Block, qs []nft.Query) (nft.Reply, error) {
	t, err := n.begin(ctx)
	if err != nil {
		return nft.Reply{}, err
	}
	if t.lag > 0 {
		if newest, err := n.scripted.BlockAt(ctx, t.at(latest)); err != nil || b.Number > newest.Number {
			return nft.Reply{}, fault.New(fault.Unavailable, "node", "header not found")
		}
	}
	r, err := n.scripted.CheckAt(ctx, b, qs)
	t.forgeAll(qs, r.Answers)
	return r, err
}

func (t trouble) forgeAll(qs []nft.Query, answers []nft.Answer) {
	for i := range answers {
		if t.lie != nil {
			t.lie(qs[i], &answers[i])
		}
	}
}

func (n *node) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		for {
			select {
			case <-n.gap:
				mu.Lock()
				fn(nft.Change{Gap: true})
				mu.Unlock()
			case <-inner.Done():
				return
			}
		}
	}()
	defer cancel()
	return n.scripted.Watch(ctx, contracts, func(ch nft.Change) {
		n.mu.Lock()
		t := n.t
		n.mu.Unlock()
		if t.dead || t.mute && ch.Contract != "" {
			return
		}
		ch.Block = t.forge(ch.Block)
		mu.Lock()
		defer mu.Unlock()
		fn(ch)
	})
}

// world is a chain with a token and three providers of three operators.
type world struct {
	*nfttest.Chain
	token string
	nodes []*node
	v     *quorum.Verifier
}

// clock is later than the scripted chain's blocks, also in a bubble of testing/synctest, where it is the year 2000.
func clock() time.Time {
	now := time.Now()
	if now.Year() < 2023 {
		now = now.AddDate(30, 0, 0)
	}
	return now
}

func newWorld(t testing.TB, opt quorum.Options, change func([]quorum.Provider)) *world {
	t.Helper()
	w := &world{Chain: nfttest.NewChain(chainID)}
	w.token = w.Deploy("erc721")
	var ps []quorum.Provider
	for _, name := range []string{"alpha", "beta", "gamma"} {
		n := newNode(w.Chain)
		w.nodes = append(w.nodes, n)
		ps = append(ps, quorum.Provider{Name: name, Verifier: n})
	}
	if change != nil {
		change(ps)
	}
	if opt.Now == nil {
		opt.Now = clock
	}
	v, err := quorum.New(ps, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	w.v = v
	for range 10 {
		w.Mine()
	}
	return w
}

func (w *world) balance(account string) []nft.Query {
	return []nft.Query{{Op: nft.OpBalance721, Contract: w.token, Account: account}}
}

func (w *world) mint(id string) nft.Block {
	return w.Mine(nfttest.Op{Kind: nfttest.Mint721, To: alice, TokenID: id})
}

// hundred is a lie about every balance.
func hundred(_ nft.Query, a *nft.Answer) { *a = nft.Answer{Value: "100", Int: big.NewInt(100)} }

var errDown = fault.New(fault.Unavailable, "node", "connection refused")

func answered(t testing.TB, r nft.Reply, err error, want string) {
	t.Helper()
	if err != nil || len(r.Answers) != 1 || r.Answers[0].Err != nil || r.Answers[0].Value != want {
		t.Fatalf("%+v, %v; want %q", r, err, want)
	}
}

func unknown(t testing.TB, r nft.Reply, err error, cause error) {
	t.Helper()
	if err == nil && len(r.Answers) == 1 {
		err = r.Answers[0].Err
	}
	if err == nil || cause != nil && !errors.Is(err, cause) || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("%+v, %v; want unavailable by %v", r, err, cause)
	}
}

func state(v *quorum.Verifier, name string) nft.ProviderStatus {
	for _, p := range v.Providers() {
		if p.Name == name {
			return p
		}
	}
	return nft.ProviderStatus{}
}

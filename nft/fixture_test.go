package nft_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

func account(i int) string { return fmt.Sprintf("0x%038xa%x", i, i%16) }

func eth(addr string) caip.AccountID {
	return caip.AccountID{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: addr}
}

func subject(accounts ...string) nft.Subject {
	s := nft.Subject{Tenant: "t"}
	for _, a := range accounts {
		s.Accounts = append(s.Accounts, eth(a))
	}
	return s
}

// world is a chain with contracts and a decider upon it.
type world struct {
	t                      *testing.T
	chain                  *nfttest.Chain
	nft, multi, coin, misc string
	d                      *nft.Decider
}

func newWorld(t *testing.T, opt nft.DeciderOptions) *world {
	t.Helper()
	c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	w := &world{t: t, chain: c, nft: c.Deploy("erc721"), multi: c.Deploy("erc1155"), coin: c.Deploy("erc20"), misc: c.Deploy("call")}
	opt.Verifiers = append(opt.Verifiers, c)
	w.d = nft.NewDecider(opt)
	return w
}

// run starts Run, and waits for it when the test ends.
func (w *world) run() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.d.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	if err := w.chain.Watching(ctx, 1); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) asset(standard string) string {
	return "eip155:1/" + standard + ":" + map[string]string{"erc721": w.nft, "erc1155": w.multi, "erc20": w.coin}[standard]
}

func (w *world) sync() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.chain.Sync(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decide(r *rule.Rule, s nft.Subject) nft.Decision {
	w.t.Helper()
	d, err := w.d.Decide(context.Background(), r, s)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) want(r *rule.Rule, s nft.Subject, o nft.Outcome, reason string) nft.Decision {
	w.t.Helper()
	d := w.decide(r, s)
	if d.Outcome != o || d.Reason != reason {
		w.t.Fatalf("%s\n got %v %s (%s)\nwant %v %s", r.Sentence(), d.Outcome, d.Reason, d.Message, o, reason)
	}
	return d
}

// next waits for a decision of a watch.
func (w *world) next(ch <-chan nft.Decision, o nft.Outcome, reason string) nft.Decision {
	w.t.Helper()
	select {
	case d, ok := <-ch:
		if !ok || d.Outcome != o || d.Reason != reason {
			w.t.Fatalf("the watch sends %v %s (open %v), want %v %s", d.Outcome, d.Reason, ok, o, reason)
		}
		return d
	case <-time.After(10 * time.Minute): // of the bubble's time in synctest, else the test's own timeout comes first
		w.t.Fatalf("the watch sends nothing, want %v %s", o, reason)
	}
	panic("unreachable")
}

func mint(to, token string) nfttest.Op {
	return nfttest.Op{Kind: nfttest.Mint721, To: to, TokenID: token}
}

func transfer(from, to, token string) nfttest.Op {
	return nfttest.Op{Kind: nfttest.Transfer721, From: from, To: to, TokenID: token}
}

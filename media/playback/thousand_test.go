package playback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
)

// audience is how many sessions watch at once.
func audience() int {
	if n, err := strconv.Atoi(os.Getenv("STREAMGATE_AUDIENCE")); err == nil {
		return n
	}
	if raced {
		return 200
	}
	return 1000
}

// hall is many sessions that watch one asset, each by a token of its own, on a real decider over a scripted chain.
type hall struct {
	*fixture
	chain  *nfttest.Chain
	pass   string
	people []auth.Principal
	tokens []string
	kid    string

	mu      sync.Mutex
	flipped []time.Time
	late    int
}

// fill opens the hall for n viewers; with a feed the decider follows the chain.
func fill(t *testing.T, n int, feed bool) *hall {
	t.Helper()
	chain := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	h := &hall{chain: chain, pass: chain.Deploy("erc721"), flipped: make([]time.Time, n)}
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{chain}})
	h.fixture = setup(t, func(o *playback.Options) { o.Decider = d })
	h.lib.change("film", func(a *media.Asset) {
		a.Gate = json.RawMessage(`{"gr":1,"when":{"hold":"eip155:1/erc721:` + h.pass + `"},"evidence":{"maxAge":"10s","grace":"5s"}}`)
	})
	h.run(t)
	if feed {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		if err := chain.Watching(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	var mints []nfttest.Op
	for i := range n {
		h.people = append(h.people, viewer(fmt.Sprintf("0x%040x", 0xabc0000+i)))
		mints = append(mints, nfttest.Op{Kind: nfttest.Mint721, To: h.people[i].Accounts[0].Address, TokenID: strconv.Itoa(i)})
	}
	chain.Mine(mints...)
	for i, p := range h.people {
		g := h.open(t, p, "film")
		h.tokens = append(h.tokens, g.Token)
		if h.kid == "" {
			h.kid = h.kids(t, g.Token)[0]
		}
		if !h.ask(i) {
			t.Fatalf("session %d has no key", i)
		}
	}
	return h
}

// watch notes when each session is told that its right is gone.
func (h *hall) watch(ctx context.Context, t *testing.T, wg *sync.WaitGroup) {
	t.Helper()
	for i, token := range h.tokens {
		notices, err := h.Notices(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := range notices {
				if n.Type != playback.Revoked {
					continue
				}
				h.mu.Lock()
				h.flipped[i] = time.Now()
				h.mu.Unlock()
			}
		})
	}
}

// ask asks for a session's key, and notes one that is given although the session was told of its end before.
func (h *hall) ask(i int) bool {
	h.mu.Lock()
	over := !h.flipped[i].IsZero()
	h.mu.Unlock()
	_, err := h.Key(context.Background(), h.tokens[i], h.kid)
	if err == nil && over {
		h.mu.Lock()
		h.late++
		h.mu.Unlock()
	}
	return err == nil
}

// One transfer each: every session is told in the moment of its block, and gets no key from then on; the others
// play on. Then the feed and the provider die, and no key leaves later than maxAge and grace allow.
func TestAThousandSessionsLoseTheirTokens(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		n := audience()
		h := fill(t, n, true)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		h.watch(ctx, t, &wg)
		for range 4 { // until the contract's transfers are certain to be told
			h.chain.Mine()
			if err := h.chain.Sync(ctx); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		stay := n / 10
		checks := h.chain.Checks()
		h.chain.Fail(nfttest.Faults{Delay: 5 * time.Millisecond})
		var players sync.WaitGroup
		for from := stay; from < n; from += 50 {
			var ops []nfttest.Op
			for i := from; i < min(from+50, n); i++ {
				ops = append(ops, nfttest.Op{Kind: nfttest.Transfer721, From: h.people[i].Accounts[0].Address, To: "0x00000000000000000000000000000000000000ee", TokenID: strconv.Itoa(i)})
				players.Go(func() { // while the block comes
					for range 3 {
						h.ask(i)
					}
				})
			}
			mined := time.Now()
			h.chain.Mine(ops...)
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			for i := from; i < min(from+50, n); i++ {
				if at := h.flipped[i]; at.IsZero() || at.Sub(mined) > 250*time.Millisecond {
					t.Fatalf("session %d was told at %v, its block came at %v", i, at, mined)
				}
				if h.ask(i) {
					t.Fatalf("session %d gets a key after its flip", i)
				}
			}
			players.Wait()
		}
		if h.late > 0 {
			t.Errorf("%d keys were given after a flip", h.late)
		}
		for i := range stay {
			if !h.flipped[i].IsZero() || !h.ask(i) {
				t.Fatalf("session %d still has its token and does not play", i)
			}
		}
		// One for the last key asked for in vain of each; the flips of a block ask together, and so do those who stay at each maxAge.
		if c := h.chain.Checks() - checks; c > n+n/2 {
			t.Errorf("%d checks for %d transfers", c, n-stay)
		}
		h.chain.Fail(nfttest.Faults{Err: errors.New("connection refused")})
		died := time.Now()
		last := time.Duration(0)
		for time.Since(died) < 30*time.Second {
			for i := range stay {
				if h.ask(i) {
					last = time.Since(died)
				}
			}
			time.Sleep(500 * time.Millisecond)
		}
		if last > 15*time.Second || last < 5*time.Second {
			t.Errorf("the last key left %v after the chain died, maxAge and grace make 15 s", last)
		}
		// It comes back, and so do they, with no new sign-in.
		h.chain.Fail(nfttest.Faults{})
		time.Sleep(5 * time.Second)
		for i := range stay {
			if !h.ask(i) {
				t.Fatalf("session %d does not play again", i)
			}
		}
		leave()
		wg.Wait()
	})
}

// The same gate without a feed is right too, only as late as its answers are old.
func TestWithoutAFeedTheRightEndsWithTheAgeOfAnswers(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		h := fill(t, 20, false)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		h.watch(ctx, t, &wg)
		mined := time.Now()
		for i, p := range h.people {
			h.chain.Mine(nfttest.Op{Kind: nfttest.Transfer721, From: p.Accounts[0].Address, To: "0x00000000000000000000000000000000000000ee", TokenID: strconv.Itoa(i)})
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		slow := time.Duration(0)
		for i, at := range h.flipped {
			if at.IsZero() {
				t.Fatalf("session %d is not told", i)
			}
			slow = max(slow, at.Sub(mined))
			_, err := h.Key(ctx, h.tokens[i], h.kid)
			wantKind(t, err, fault.Forbidden)
		}
		if slow < 5*time.Second || slow > 11*time.Second {
			t.Errorf("the last was told after %v, answers live 10 s", slow)
		}
		leave()
		wg.Wait()
	})
}

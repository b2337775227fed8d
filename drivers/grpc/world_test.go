package grpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/cache"
)

// world is one implementation in memory, as a process serves it: in this process or in
// another, where do is how the test has things happen to it.
type world struct {
	near     any
	register func(s gogrpc.ServiceRegistrar)
	do       func(ctx context.Context, what string, args json.RawMessage) (any, error)
	end      func()
}

// newWorld makes the implementation of a kind.
func newWorld(kind string, config json.RawMessage) (*world, error) {
	w := &world{end: func() {}}
	w.do = func(_ context.Context, what string, _ json.RawMessage) (any, error) {
		return nil, fmt.Errorf("%s cannot %s", kind, what)
	}
	switch kind {
	case "cache":
		clock := &fakeClock{now: time.Unix(1_800_000_000, 0)}
		c := cache.NewLRU(cache.LRUOptions{Now: clock.Now})
		w.near, w.register = c, func(s gogrpc.ServiceRegistrar) { grpc.RegisterCache(s, c) }
		w.do = func(_ context.Context, _ string, args json.RawMessage) (any, error) {
			var d time.Duration
			err := json.Unmarshal(args, &d)
			clock.pass(d)
			return nil, err
		}
	case "gate":
		ctx, cancel := context.WithCancel(context.Background())
		g, wait, err := playbacktest.NewChainGate(ctx)
		if err != nil {
			cancel()
			return nil, err
		}
		w.near, w.register, w.end = g.GateFixture, func(s gogrpc.ServiceRegistrar) { grpc.RegisterGate(s, g.Decider) }, func() { cancel(); wait() }
		w.do = func(ctx context.Context, _ string, _ json.RawMessage) (any, error) { return nil, g.Flip(ctx) }
	case "assets":
		l := playbacktest.NewLibrary()
		w.near, w.register = l, func(s gogrpc.ServiceRegistrar) { grpc.RegisterAssets(s, l) }
		w.do = func(_ context.Context, what string, _ json.RawMessage) (any, error) {
			if what == "grow" {
				l.Grow()
			} else {
				l.Regrid()
			}
			return nil, nil
		}
	case "auth":
		h, err := authtest.NewHome(context.Background())
		if err != nil {
			return nil, err
		}
		w.near, w.register = h, func(s gogrpc.ServiceRegistrar) { grpc.RegisterAuthenticator(s, h) }
		w.do = func(ctx context.Context, what string, _ json.RawMessage) (any, error) {
			switch what {
			case "logout":
				return nil, h.End(ctx)
			case "break":
				return nil, h.Break(ctx)
			}
			return h.SignedIn, nil
		}
	case "keys":
		m := keys.NewMemory()
		w.near, w.register = m, func(s gogrpc.ServiceRegistrar) { grpc.RegisterKeys(s, m) }
	case "jobs":
		var c jobtest.Config
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, err
		}
		q := job.NewMemory(job.Options{Backoff: c.Backoff})
		w.near, w.register = q, func(s gogrpc.ServiceRegistrar) { grpc.RegisterJobs(s, q) }
	case "events":
		var c eventtest.Config
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, err
		}
		b := event.NewMemory(event.Options{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff})
		w.near, w.register = b, func(s gogrpc.ServiceRegistrar) { grpc.RegisterEvents(s, b) }
		w.end = func() {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = b.Close(ctx)
		}
	case "verifier":
		c := nfttest.NewChain(nfttestChain)
		contracts := [6]string{c.Deploy("erc721"), c.Deploy("erc1155"), c.Deploy("erc4907"), c.Deploy("erc5643"), c.Deploy("unlock"), c.Deploy("art")}
		w.near, w.register = c, func(s gogrpc.ServiceRegistrar) { grpc.RegisterVerifiers(s, c) }
		w.do = func(_ context.Context, what string, args json.RawMessage) (any, error) {
			return script(c, contracts, what, args)
		}
	default:
		return nil, fmt.Errorf("there is no %s", kind)
	}
	return w, nil
}

// nfttestChain is the chain of the worlds.
var nfttestChain = caip.ChainID{Namespace: "eip155", Reference: "31337"}

// chainOrder is what a test has a chain do.
type chainOrder struct {
	Depth int
	Ops   []nfttest.Op
}

func script(c *nfttest.Chain, contracts [6]string, what string, args json.RawMessage) (any, error) {
	var o chainOrder
	if err := json.Unmarshal(args, &o); err != nil {
		return nil, err
	}
	switch what {
	case "contracts":
		return contracts, nil
	case "mine":
		return c.Mine(o.Ops...), nil
	case "reorg":
		c.Reorg(o.Depth, o.Ops...)
	case "break":
		c.Fail(nfttest.Faults{Err: errors.New("the provider is down")})
	case "mend":
		c.Fail(nfttest.Faults{})
	}
	return nil, nil
}

// fakeClock is a clock that tests move.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open makes a world of kind somewhere and returns it, with a connection to it unless it is near.
type open func(t testing.TB, kind string, config any) (w *world, conn *gogrpc.ClientConn)

// everywhere runs suite with worlds in this process, over a connection in memory, and in another process.
func everywhere(t *testing.T, suite func(t *testing.T, at open)) {
	t.Helper()
	t.Run("in process", func(t *testing.T) { t.Parallel(); suite(t, near) })
	t.Run("over memory", func(t *testing.T) { t.Parallel(); suite(t, overMemory) })
	t.Run("in another process", func(t *testing.T) { t.Parallel(); suite(t, elsewhere) })
}

func account(n int) caip.AccountID {
	return caip.AccountID{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: fmt.Sprintf("0x%040x", n)}
}

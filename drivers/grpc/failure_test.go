package grpc_test

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
)

// patience is for what must happen, on however busy a machine.
const patience = 30 * time.Second

// ownChild is another process that a test may kill, serving one world at one place. revive
// starts it again with a new world there.
func ownChild(t *testing.T, kind string, config any) (c *child, conn *gogrpc.ClientConn, revive func() *world) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs another process")
	}
	c = &child{}
	t.Cleanup(c.end)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	_, conn = c.open(t, kind, config)
	return c, conn, func() *world {
		if err := c.process.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		w, _ := c.open(t, kind, config)
		return w
	}
}

// eventually calls f until it returns nil.
func eventually(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestAKilledServiceIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	c, conn, revive := ownChild(t, "jobs", map[string]int{})
	jobs := grpc.NewJobs(conn)
	if _, err := jobs.Stats(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	waiting := make(chan struct{})
	wg.Go(func() {
		close(waiting)
		begin := time.Now()
		if _, err := jobs.Lease(t.Context(), []string{"k"}, time.Minute); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a call under way when the service was killed: %v, want fault.Unavailable", err)
		}
		if took := time.Since(begin); took > patience {
			t.Errorf("it took %v to say so", took)
		}
	})
	<-waiting
	time.Sleep(100 * time.Millisecond) // so that it is under way, most times
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	begin := time.Now()
	if _, err := jobs.Stats(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a call to a dead service: %v, want fault.Unavailable", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	revive()
	eventually(t, "after the restart", func(ctx context.Context) error { _, err := jobs.Stats(ctx); return err })
}

func question(t *testing.T) (yes, flipping playbacktest.Question) {
	t.Helper()
	w, _ := near(t, "gate", nil)
	f := w.near.(playbacktest.GateFixture)
	return f.Yes, f.Flipping
}

func hear(t *testing.T, ch <-chan nft.Decision, want nft.Outcome) nft.Decision {
	t.Helper()
	select {
	case d, ok := <-ch:
		if !ok || d.Outcome != want {
			t.Fatalf("the watch says %v (%s, open: %v), want %v", d.Outcome, d.Reason, ok, want)
		}
		return d
	case <-time.After(patience):
		t.Fatalf("the watch says nothing, want %v", want)
	}
	return nft.Decision{}
}

// A yes must not outlive the service that said it by more than the grace.
func TestAWatchGoesBlindInTime(t *testing.T) {
	t.Parallel()
	c, conn, revive := ownChild(t, "gate", nil)
	const grace = 2 * time.Second
	yes, _ := question(t)
	ctx, cancel := context.WithCancel(t.Context())
	ch := grpc.NewGateWith(conn, grpc.GateOptions{Grace: grace}).Watch(ctx, yes.Rule, yes.Subject)
	hear(t, ch, nft.Yes)
	begin := time.Now()
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	d := hear(t, ch, nft.Unknown)
	if took := time.Since(begin); took < grace/4 {
		t.Errorf("unknown after %v: the grace of %v was not given", took, grace)
	}
	if d.Reason != "chain_unavailable" || d.Message == "" || d.RuleID != yes.Rule.ID() || d.At.IsZero() {
		t.Errorf("the unknown lacks its reason: %+v", d)
	}
	d, err := grpc.NewGate(conn).Decide(t.Context(), yes.Rule, yes.Subject)
	if err != nil || d.Outcome != nft.Unknown || d.Reason != "chain_unavailable" || d.RuleID != yes.Rule.ID() || !d.ValidUntil.After(d.At) {
		t.Errorf("Decide with the service gone: %+v, %v, want an unknown", d, err)
	}
	revive()
	hear(t, ch, nft.Yes)
	cancel()
	for range ch { // until it closes
	}
}

func TestAWatchOfNobodyIsUnknownAtOnce(t *testing.T) {
	t.Parallel()
	l := listener(t)
	addr := l.Addr().String()
	_ = l.Close()
	yes, _ := question(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ch := grpc.NewGate(dial(t, grpc.DialOptions{Target: addr, Insecure: true})).Watch(ctx, yes.Rule, yes.Subject)
	hear(t, ch, nft.Unknown)
}

// A restart within the grace is no news, and flips are heard again after it.
func TestAWatchOutlivesARestart(t *testing.T) {
	t.Parallel()
	c, conn, revive := ownChild(t, "gate", nil)
	_, flipping := question(t)
	ctx, cancel := context.WithCancel(t.Context())
	ch := grpc.NewGateWith(conn, grpc.GateOptions{Grace: 5 * time.Minute}).Watch(ctx, flipping.Rule, flipping.Subject)
	hear(t, ch, nft.No)
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	w := revive()
	if _, err := w.do(t.Context(), "flip", nil); err != nil {
		t.Fatal(err)
	}
	hear(t, ch, nft.Yes)
	cancel()
	for range ch { // until it closes
	}
}

func TestASubscriptionOutlivesARestart(t *testing.T) {
	t.Parallel()
	c, conn, revive := ownChild(t, "events", map[string]int{})
	bus := grpc.NewEvents(conn)
	got := make(chan string, 100)
	cancel, err := bus.Subscribe("a.*", func(_ context.Context, e event.Event) error {
		got <- e.ID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	if err := bus.Publish(t.Context(), event.Event{ID: "before", Topic: "a.b", Tenant: "t"}); err != nil {
		t.Fatal(err)
	}
	if id := <-got; id != "before" {
		t.Errorf("got %q", id)
	}
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Subscribe("b", func(context.Context, event.Event) error { return nil }); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Subscribe at a dead service: %v, want fault.Unavailable", err)
	}
	revive()
	eventually(t, "an event after the restart", func(ctx context.Context) error {
		if err := bus.Publish(ctx, event.Event{ID: "after", Topic: "a.b", Tenant: "t"}); err != nil {
			return err
		}
		select {
		case <-got:
			return nil
		case <-time.After(50 * time.Millisecond):
			return errors.New("nothing came")
		}
	})
}

func TestAChainWatchTellsTheGap(t *testing.T) {
	t.Parallel()
	c, conn, revive := ownChild(t, "verifier", nil)
	v := grpc.NewVerifier(conn, nfttestChain)
	told := make(chan nft.Change, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Watch(ctx, func() []string { return nil }, func(ch nft.Change) { told <- ch }) }()
	until := func(what string, w *world, fits func(nft.Change) bool) {
		t.Helper()
		eventually(t, what, func(ctx context.Context) error {
			if w != nil {
				if _, err := w.do(ctx, "mine", marshal(chainOrder{Ops: []nfttest.Op{}})); err != nil {
					return err
				}
			}
			for {
				select {
				case ch := <-told:
					if fits(ch) {
						return nil
					}
				case <-time.After(100 * time.Millisecond):
					return errors.New("it is not told")
				}
			}
		})
	}
	first := &world{do: (&childWorld{c, 1}).do}
	until("a head", first, func(ch nft.Change) bool { return ch.Block.Number > 0 })
	if err := c.process.Kill(); err != nil {
		t.Fatal(err)
	}
	until("the gap of the loss", nil, func(ch nft.Change) bool { return ch.Gap })
	w := revive()
	until("the gap of the return", nil, func(ch nft.Change) bool { return ch.Gap })
	until("a head after the return", w, func(ch nft.Change) bool { return ch.Block.Number > 0 && !ch.Gap })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Watch: %v", err)
	}
	other := nfttestChain
	other.Reference = "1"
	if err := grpc.NewVerifier(conn, other).Watch(t.Context(), func() []string { return nil }, func(nft.Change) {}); !errors.Is(err, fault.Unsupported) {
		t.Errorf("Watch of a chain that is not served: %v, want fault.Unsupported", err)
	}
}

// A service that hangs says nothing, and neither does its connection: a watch must notice by itself.
func TestAWatchNoticesAHungService(t *testing.T) {
	t.Parallel()
	c, conn, _ := ownChild(t, "gate", nil)
	yes, _ := question(t)
	ctx, cancel := context.WithCancel(t.Context())
	ch := grpc.NewGateWith(conn, grpc.GateOptions{Grace: 2 * time.Second}).Watch(ctx, yes.Rule, yes.Subject)
	hear(t, ch, nft.Yes)
	if err := c.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hear(t, ch, nft.Unknown)
	if err := c.process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	hear(t, ch, nft.Yes)
	cancel()
	for range ch { // until it closes
	}
}

package grpc_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// roster is a registry whose lists the test sets.
type roster struct {
	mu      sync.Mutex
	list    []registry.Instance
	changed chan struct{}
}

func newRoster(list ...registry.Instance) *roster {
	return &roster{list: list, changed: make(chan struct{})}
}

func (r *roster) Register(context.Context, registry.Instance) (func(context.Context) error, error) {
	return nil, errors.New("the test sets the list")
}

func (r *roster) set(list ...registry.Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = list
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *roster) Watch(ctx context.Context, service string) (<-chan []registry.Instance, error) {
	out := make(chan []registry.Instance)
	go func() {
		defer close(out)
		for {
			r.mu.Lock()
			changed := r.changed
			var list []registry.Instance
			for _, i := range r.list {
				if i.Service == service {
					list = append(list, i)
				}
			}
			r.mu.Unlock()
			select {
			case out <- list:
			case <-ctx.Done():
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// replica is a server of one authenticator that says its name.
type replica struct {
	*grpc.Server
	instance registry.Instance
	served   chan error
}

func newReplica(t *testing.T, name string) *replica {
	t.Helper()
	s, err := grpc.NewServer(grpc.ServerOptions{Insecure: true, Notice: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	grpc.RegisterAuthenticator(s, says(name))
	l := listener(t)
	r := &replica{s, registry.Instance{ID: name, Service: "auth", GRPC: l.Addr().String()}, make(chan error, 1)}
	go func() { r.served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Stop(context.Background())
		<-r.served
	})
	return r
}

// who calls until every name has answered and nobody else does.
func who(t *testing.T, a *grpc.Authenticator, names ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("only %q answer", names), func(ctx context.Context) error {
		var heard []string
		for range 4 * len(names) {
			p, err := a.Authenticate(ctx, "t", "x")
			if err != nil {
				return err
			}
			heard = append(heard, p.UserID)
		}
		slices.Sort(heard)
		if heard = slices.Compact(heard); !slices.Equal(heard, names) {
			return fmt.Errorf("%q answer", heard)
		}
		return nil
	})
}

func TestInstancesComeAndGo(t *testing.T) {
	t.Parallel()
	a, b := newReplica(t, "a"), newReplica(t, "b")
	reg := newRoster(registry.Instance{ID: "http", Service: "auth", HTTP: "127.0.0.1:1"}, registry.Instance{ID: "x", Service: "other", GRPC: "127.0.0.1:1"})
	conn := dial(t, grpc.DialOptions{Registry: reg, Service: "auth", Insecure: true, BreakAfter: 1000})
	client := grpc.NewAuthenticator(conn)
	if _, err := client.Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("with no instance: %v, want fault.Unavailable", err)
	}
	reg.set(a.instance)
	who(t, client, "a")
	reg.set(a.instance, b.instance)
	who(t, client, "a", "b")
	a.SetServing("", false) // unhealthy, and still on the list
	who(t, client, "b")
	a.SetServing("", true)
	who(t, client, "a", "b")
	reg.set(b.instance)
	who(t, client, "b")
	reg.set()
	eventually(t, "nobody is left", func(ctx context.Context) error {
		if _, err := client.Authenticate(ctx, "t", "x"); !errors.Is(err, fault.Unavailable) {
			return fmt.Errorf("the answer is %w, want fault.Unavailable", err)
		}
		return nil
	})
}

func TestADrainFailsNoCall(t *testing.T) {
	t.Parallel()
	a, b := newReplica(t, "a"), newReplica(t, "b")
	reg := newRoster(a.instance, b.instance)
	client := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Registry: reg, Service: "auth", Insecure: true}))
	who(t, client, "a", "b")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var calls, fromA atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				p, err := client.Authenticate(t.Context(), "t", "x")
				if err != nil {
					t.Errorf("a call failed while one of two drained: %v", err)
					return
				}
				calls.Add(1)
				if p.UserID == "a" {
					fromA.Add(1)
				}
			}
		})
	}
	eventually(t, "both work", func(context.Context) error {
		if calls.Load() < 100 {
			return errors.New("not yet")
		}
		return nil
	})
	if err := a.Stop(t.Context()); err != nil {
		t.Errorf("Stop: %v", err)
	}
	after := calls.Load()
	eventually(t, "the other goes on", func(context.Context) error {
		if calls.Load() < after+200 {
			return errors.New("not yet")
		}
		return nil
	})
	stop()
	wg.Wait()
	if fromA.Load() == 0 {
		t.Error("the drained one had no part in it")
	}
}

// dead is a service that answers nothing but that it is unavailable, and counts.
func dead(t *testing.T) (addr string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	s := gogrpc.NewServer(gogrpc.UnknownServiceHandler(func(any, gogrpc.ServerStream) error {
		calls.Add(1)
		return status.Error(codes.Unavailable, "down")
	}))
	healthpb.RegisterHealthServer(s, health.NewServer())
	l := listener(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() { s.Stop(); <-done })
	return l.Addr().String(), calls
}

// An outage is not made worse: whatever the number of calls, the tries on top are bounded.
func TestTheRetryBudget(t *testing.T) {
	t.Parallel()
	addr, asked := dead(t)
	const calls, budget = 60, 8
	conn := dial(t, grpc.DialOptions{Target: addr, Insecure: true, Attempts: 4, RetryBudget: budget, BreakAfter: 1_000_000})
	for range calls {
		if _, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	}
	if extra := asked.Load() - calls; extra < 1 || extra > budget {
		t.Errorf("%d calls asked %d times: %d tries on top, want 1 to %d", calls, asked.Load(), extra, budget)
	}
	// What may not be made twice is made once.
	addr, asked = dead(t)
	cache := grpc.NewCache(dial(t, grpc.DialOptions{Target: addr, Insecure: true, BreakAfter: 1_000_000}))
	for range 5 {
		if err := cache.Set(t.Context(), "k", nil, time.Minute); !errors.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	}
	if asked.Load() != 5 {
		t.Errorf("5 calls that are not idempotent asked %d times", asked.Load())
	}
}

// A dependency of the service that is away was asked just now: nobody asks again at once.
func TestAnAnswerIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	l := listener(t)
	serve(t, l, grpc.ServerOptions{Insecure: true}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(context.Context, string, string) (auth.Principal, error) {
			asked.Add(1)
			return auth.Principal{}, fault.New(fault.Unavailable, "x", "the records are away").After(time.Second)
		}))
	})
	a := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Target: l.Addr().String(), Insecure: true, BreakAfter: 3}))
	for range 10 {
		_, err := a.Authenticate(t.Context(), "t", "x")
		if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Unavailable) || msg != "the records are away" {
			t.Errorf("%v, want what the service said and no open breaker", err)
		}
	}
	if asked.Load() != 10 {
		t.Errorf("10 calls asked %d times", asked.Load())
	}
}

func TestTheBreaker(t *testing.T) {
	t.Parallel()
	addr, asked := dead(t)
	clock := &fakeClock{now: time.Unix(1_800_000_000, 0)}
	conn := dial(t, grpc.DialOptions{Target: addr, Insecure: true, Attempts: 1, BreakAfter: 5, Cooldown: time.Minute, Now: clock.Now})
	a := grpc.NewAuthenticator(conn)
	ask := func() error { _, err := a.Authenticate(t.Context(), "t", "x"); return err }
	for range 50 {
		if err := ask(); !errors.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	}
	if asked.Load() != 5 {
		t.Errorf("50 calls reached the dead service %d times, want 5", asked.Load())
	}
	_, _, retry := fault.Public(ask())
	if retry <= 0 || retry > time.Minute {
		t.Errorf("an open breaker says to come back in %v", retry)
	}
	clock.pass(time.Minute)
	for range 10 {
		_ = ask()
	}
	if asked.Load() != 6 {
		t.Errorf("after the cooldown %d calls reached it, want one probe", asked.Load()-5)
	}
	clock.pass(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Authenticate(ctx, "t", "x"); !errors.Is(err, fault.Canceled) {
		t.Errorf("a caller who had left: %v", err)
	}
	_ = ask()
	if asked.Load() != 7 {
		t.Errorf("a caller who had left took the probe: %d calls reached it", asked.Load())
	}
}

func TestTheBreakerCloses(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{now: time.Unix(1_800_000_000, 0)}
	l := listener(t)
	var fails atomic.Bool
	fails.Store(true)
	s := gogrpc.NewServer(gogrpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *gogrpc.UnaryServerInfo, h gogrpc.UnaryHandler) (any, error) {
		if _, is := req.(*healthpb.HealthCheckRequest); !is && fails.Load() {
			return nil, status.Error(codes.Unavailable, "down")
		}
		return h(ctx, req)
	}))
	grpc.RegisterAuthenticator(s, says("u"))
	healthpb.RegisterHealthServer(s, health.NewServer())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() { s.Stop(); <-done })
	a := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Target: l.Addr().String(), Insecure: true, Attempts: 1, BreakAfter: 2, Now: clock.Now}))
	for range 5 {
		if _, err := a.Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
	}
	fails.Store(false)
	if _, err := a.Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("an open breaker let a call through: %v", err)
	}
	clock.pass(time.Second)
	for range 5 {
		if _, err := a.Authenticate(t.Context(), "t", "x"); err != nil {
			t.Errorf("after a good probe: %v", err)
		}
	}
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	for _, opt := range []grpc.DialOptions{
		{}, {Target: "a:1"}, {Target: "a:1", Insecure: true, TLS: &grpc.TLS{}}, {Registry: newRoster(), Insecure: true},
		{Registry: newRoster(), Service: "s", Target: "a:1", Insecure: true}, {Target: "a:1", Insecure: true, Pick: "worst"},
		{Target: "a:1", Insecure: true, Attempts: 9}, {Target: "a:1", TLS: &grpc.TLS{}}, {Target: "a:1", Insecure: true, RetryBudget: -1},
	} {
		if conn, err := grpc.Dial(t.Context(), opt); !errors.Is(err, fault.Invalid) {
			t.Errorf("Dial(%+v): %v, want fault.Invalid", opt, err)
			_ = conn.Close()
		}
	}
}

func newReplicaAt(id, addr string) registry.Instance {
	return registry.Instance{ID: id, Service: "auth", GRPC: addr}
}

func TestPickOneStays(t *testing.T) {
	t.Parallel()
	a, b := newReplica(t, "a"), newReplica(t, "b")
	client := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Registry: newRoster(a.instance, b.instance), Service: "auth", Insecure: true, Pick: grpc.PickOne}))
	first, err := client.Authenticate(t.Context(), "t", "x")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if p, err := client.Authenticate(t.Context(), "t", "x"); err != nil || p.UserID != first.UserID {
			t.Errorf("%q, %v answers after %q", p.UserID, err, first.UserID)
		}
	}
}

func TestTheTraceGoesAlong(t *testing.T) {
	t.Parallel()
	seen := make(chan trace.TraceID, 1)
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(ctx context.Context, tenant, token string) (auth.Principal, error) {
			seen <- trace.SpanContextFromContext(ctx).TraceID()
			return says("u")(ctx, tenant, token)
		}))
	})
	want := trace.TraceID{1, 2, 3}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: want, SpanID: trace.SpanID{4}, TraceFlags: trace.FlagsSampled}))
	if _, err := grpc.NewAuthenticator(conn).Authenticate(ctx, "t", "x"); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != want {
		t.Errorf("the service sees trace %v, want %v", got, want)
	}
}

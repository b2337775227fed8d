package consul_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/streamgate/streamgate/drivers/consul"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/kernel/registry/registrytest"
)

const patience = 60 * time.Second

func open(t testing.TB, srv *servers.Consul, more string) *consul.Registry {
	t.Helper()
	r, err := consul.OpenURL(t.Context(), "consul://"+srv.Addr+"?every=1s"+more)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestSuite(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	newRegistry := func(t testing.TB) registry.Registry { return open(t, srv, "") }
	config := registrytest.Config{Patience: patience, Quiet: 2 * time.Second}
	registrytest.Run(t, config, newRegistry)
	registrytest.RunHealth(t, config, newRegistry)
}

func TestSuiteWithTTL(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	registrytest.Run(t, registrytest.Config{Patience: patience, Quiet: 2 * time.Second}, func(t testing.TB) registry.Registry {
		return open(t, srv, "&check=ttl")
	})
}

// readyz is the HTTP side of a healthy instance.
func readyz(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func register(t testing.TB, r *consul.Registry, i registry.Instance) {
	t.Helper()
	leave, err := r.Register(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leave(context.WithoutCancel(t.Context())) })
}

func watch(t testing.TB, r *consul.Registry, service string) <-chan []registry.Instance {
	t.Helper()
	lists, err := r.Watch(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	return lists
}

func until(t testing.TB, lists <-chan []registry.Instance, want ...registry.Instance) {
	t.Helper()
	over := time.After(patience)
	var last []registry.Instance
	for {
		select {
		case last = <-lists:
			if slices.Equal(last, want) {
				return
			}
		case <-over:
			t.Fatalf("the last list is %v, want %v", last, want)
		}
	}
}

func TestAgentKilledAndRestarted(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	r := open(t, srv, "&grace=60s")
	a := registry.Instance{ID: "a", Service: "streaming", HTTP: readyz(t)}
	b := registry.Instance{ID: "b", Service: "streaming", HTTP: readyz(t), GRPC: "127.0.0.1:9"}
	register(t, r, a)
	register(t, r, b)
	lists := watch(t, r, "streaming")
	until(t, lists, a, b)
	if err := errors.Join(r.Ping(t.Context()), srv.Kill()); err != nil {
		t.Fatal(err)
	}
	if err := r.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Ping without the agent: %v, want kind unavailable", err)
	}
	if _, err := r.Watch(t.Context(), "streaming"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a first Watch without the agent: %v, want kind unavailable", err)
	}
	if _, err := r.Register(t.Context(), registry.Instance{ID: "c", Service: "streaming", HTTP: "127.0.0.1:9"}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Register without the agent: %v, want kind unavailable", err)
	}
	select {
	case list := <-lists:
		t.Errorf("without the agent the list became %v", list)
	case <-time.After(2 * time.Second): // what must not happen
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The agent forgot everything. Both are known again, and nobody saw an empty list.
	over := time.After(patience)
	fresh := watch(t, r, "streaming")
	for {
		select {
		case list := <-lists:
			if len(list) == 0 {
				t.Fatal("an empty list came after the restart")
			}
			continue
		case list := <-fresh:
			if !slices.Equal(list, []registry.Instance{a, b}) {
				continue
			}
		case <-over:
			t.Fatal("the instances were not registered again")
		}
		return
	}
}

func TestASilentAgent(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	r := open(t, srv, "&timeout=500ms")
	a := registry.Instance{ID: "a", Service: "streaming", HTTP: readyz(t)}
	register(t, r, a)
	lists := watch(t, r, "streaming")
	until(t, lists, a)
	if err := srv.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	err := r.Ping(t.Context())
	for late := time.Now().Add(patience); err == nil && time.Now().Before(late); { // a stop takes a moment to reach every thread
		err = r.Ping(t.Context())
	}
	if !errors.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ping of a silent agent: %v, want kind unavailable and no ended context", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Ping(ctx); !errors.Is(err, fault.Canceled) {
		t.Errorf("a caller who gives up: %v, want kind canceled", err)
	}
	if err := srv.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b := registry.Instance{ID: "b", Service: "streaming", HTTP: readyz(t)}
	over := time.After(patience)
	for registered := false; !registered; {
		_, err := r.Register(t.Context(), b)
		registered = err == nil
		select {
		case <-over:
			t.Fatalf("the agent is back, Register: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	until(t, lists, a, b)
}

func TestGRPCHealth(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	r := open(t, srv, "&check=both")
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	state := health.NewServer()
	g := grpc.NewServer()
	healthpb.RegisterHealthServer(g, state)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	onlyGRPC := registry.Instance{ID: "g", Service: "auth", GRPC: l.Addr().String()}
	both := registry.Instance{ID: "h", Service: "auth", GRPC: l.Addr().String(), HTTP: readyz(t)}
	dead := registry.Instance{ID: "i", Service: "auth", GRPC: "127.0.0.1:9", HTTP: readyz(t)}
	register(t, r, onlyGRPC)
	register(t, r, both)
	register(t, r, dead)
	lists := watch(t, r, "auth")
	until(t, lists, onlyGRPC, both)
	state.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	until(t, lists)
	state.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	until(t, lists, onlyGRPC, both)
}

func TestTTLReportsReadiness(t *testing.T) {
	t.Parallel()
	srv := servers.ConsulFor(t)
	var unready atomic.Bool
	r, err := consul.New(srv.Addr, consul.Options{Check: consul.CheckTTL, Every: time.Second, Ready: func(context.Context) error {
		if unready.Load() {
			return errors.New("draining")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	a := registry.Instance{ID: "a", Service: "worker", HTTP: "127.0.0.1:9"}
	register(t, r, a)
	lists := watch(t, r, "worker")
	until(t, lists, a)
	unready.Store(true)
	until(t, lists)
	unready.Store(false)
	until(t, lists, a)
	// A process that is gone reports no more, and stays registered until its check fails.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	other := open(t, srv, "")
	until(t, watch(t, other, "worker"))
	if _, err := r.Register(t.Context(), a); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Register on a closed registry: %v, want kind unavailable", err)
	}
}

func TestTheTokenIsSentAndNotShown(t *testing.T) {
	const token = "8a5f2d5e-secret"
	t.Setenv("CONSUL_HTTP_TOKEN", "from-the-environment")
	var got atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("X-Consul-Token"))
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "Permission denied")
	}))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	for user, want := range map[string]string{token + "@": token, "": ""} {
		r, err := consul.OpenURL(t.Context(), "consul://"+user+host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		_, err = r.Watch(t.Context(), "streaming")
		if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), token) {
			t.Errorf("Watch: %v, want kind unavailable and no token", err)
		}
		if msg, _, _ := fault.Public(err); !strings.Contains(msg, "token") {
			t.Errorf("Watch says %q, want it to name the token", msg)
		}
		if got.Load() != want {
			t.Errorf("the token sent is %q, want %q", got.Load(), want)
		}
	}
}

func TestOpenURLRefuses(t *testing.T) {
	t.Parallel()
	const token = "8a5f2d5e-secret"
	for _, c := range []struct{ raw, says string }{
		{"consul://" + token + "@h:8500?colour=red", "colour"},
		{"consul://" + token + "@h:8500?every=5s;tls=true", "parameters"},
		{"consul://" + token + "@h", "consul://"},
		{"consul://x:" + token + "@h:8500", "colon"},
		{"consul://" + token + "@h:8500?every=10ms", "once a second"},
		{"consul://" + token + "@h:8500?every=often", "every"},
		{"consul://" + token + "@h:8500?deregister_after=1s", "a minute"},
		{"consul://" + token + "@h:8500?check=smell", "check"},
		{"consul://" + token + "@h:8500?tls=perhaps", "tls"},
		{"consul://" + token + "@h:8500/path", "consul://"},
		{"http://" + token + "@h:8500", "consul://"},
		{"consul://" + token + "@h:x\x7f", "consul://"},
	} {
		_, err := consul.OpenURL(t.Context(), c.raw)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(err), c.says) || strings.Contains(fmt.Sprint(err), token) {
			t.Errorf("OpenURL(%q): %v, want kind invalid, %q and no token", c.raw, err, c.says)
		}
	}
}

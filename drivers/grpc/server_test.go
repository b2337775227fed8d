package grpc_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
)

// listener is one on loopback.
func listener(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// says answers every token with the user it is given.
func says(user string) asker {
	return func(_ context.Context, tenant, _ string) (auth.Principal, error) {
		return auth.Principal{Tenant: tenant, UserID: user}, nil
	}
}

func TestOpenListenersNeedTLS(t *testing.T) {
	t.Parallel()
	for _, opt := range []grpc.ServerOptions{{}, {Insecure: true, TLS: &grpc.TLS{}}, {Insecure: true, Callers: []string{"a"}}, {TLS: &grpc.TLS{CertFile: "x"}}} {
		if _, err := grpc.NewServer(opt); !errors.Is(err, fault.Invalid) {
			t.Errorf("NewServer(%+v): %v, want fault.Invalid", opt, err)
		}
	}
	s, err := grpc.NewServer(grpc.ServerOptions{Insecure: true, Notice: 1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, fault.Invalid) {
		t.Errorf("Serve on every address without TLS: %v, want fault.Invalid", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	var mu sync.Mutex
	logger := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	}), nil))
	calls := 0
	conn := over(t, grpc.ServerOptions{Logger: logger}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(ctx context.Context, tenant, token string) (auth.Principal, error) {
			if calls++; calls == 1 {
				panic("secret of the panic")
			}
			return says("u")(ctx, tenant, token)
		}))
	})
	a := grpc.NewAuthenticator(conn)
	if _, err := a.Authenticate(t.Context(), "t", "x"); fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("a panic is %v, want fault.Internal that says nothing", err)
	}
	if _, err := a.Authenticate(t.Context(), "t", "x"); err != nil {
		t.Errorf("after a panic: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(log.String(), "secret of the panic") {
		t.Errorf("the log does not tell of the panic: %s", log.String())
	}
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestAFullServerSaysSo(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	conn := over(t, grpc.ServerOptions{MaxCalls: 2}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(ctx context.Context, tenant, token string) (auth.Principal, error) {
			entered <- struct{}{}
			<-leave
			return says("u")(ctx, tenant, token)
		}))
	})
	a := grpc.NewAuthenticator(conn)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := a.Authenticate(t.Context(), "t", "x"); err != nil {
				t.Error(err)
			}
		})
		<-entered
	}
	_, err := a.Authenticate(t.Context(), "t", "x")
	if _, _, retry := fault.Public(err); !errors.Is(err, fault.Limited) || retry <= 0 {
		t.Errorf("one too many: %v, want fault.Limited with a time", err)
	}
	if resp, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("a full server's health: %v, %v", resp, err)
	}
	close(leave)
	wg.Wait()
}

// The tenant of the metadata and of the message are one, or the request is refused.
func TestTenantsAgree(t *testing.T) {
	t.Parallel()
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, says("u"))
		w, _ := near(t, "assets", nil)
		w.register(s)
		g, _ := near(t, "gate", nil)
		g.register(s)
		e, _ := near(t, "events", map[string]int{})
		e.register(s)
	})
	const key = "streamgate-tenant-bin"
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "another": metadata.AppendToOutgoingContext(t.Context(), key, "b"), "two": metadata.AppendToOutgoingContext(t.Context(), key, "a", key, "a"),
	} {
		for what, call := range map[string]func() error{
			"Authenticate": func() error {
				_, err := pb.NewAuthServiceClient(conn).Authenticate(ctx, &pb.AuthenticateRequest{Tenant: "a"})
				return err
			},
			"GetAsset": func() error {
				_, err := pb.NewAssetsServiceClient(conn).GetAsset(ctx, &pb.GetAssetRequest{Tenant: "a"})
				return err
			},
			"GetVersion": func() error {
				_, err := pb.NewAssetsServiceClient(conn).GetVersion(ctx, &pb.GetVersionRequest{Tenant: "a"})
				return err
			},
			"Decide": func() error {
				_, err := pb.NewGateServiceClient(conn).Decide(ctx, &pb.DecideRequest{Tenant: "a"})
				return err
			},
			"Publish": func() error {
				_, err := pb.NewEventServiceClient(conn).Publish(ctx, &pb.PublishRequest{Tenant: "a", Event: &pb.Event{Tenant: "a", Topic: "x"}})
				return err
			},
			"WatchDecision": func() error {
				s, err := pb.NewGateServiceClient(conn).WatchDecision(ctx, &pb.WatchDecisionRequest{Tenant: "a"})
				if err == nil {
					_, err = s.Recv()
				}
				return err
			},
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), "two tenants") {
				t.Errorf("%s with the tenant of %s in its metadata: %v, want a refusal", what, name, err)
			}
		}
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), key, "a")
	_, err := pb.NewEventServiceClient(conn).Publish(ctx, &pb.PublishRequest{Tenant: "a", Event: &pb.Event{Tenant: "b", Topic: "x"}})
	if err == nil || !strings.Contains(err.Error(), "two tenants") {
		t.Errorf("an event of another tenant: %v, want a refusal", err)
	}
}

func TestHealthAndReflection(t *testing.T) {
	t.Parallel()
	l := listener(t)
	s := serve(t, l, grpc.ServerOptions{Insecure: true}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, says("u"))
		grpc.RegisterKeys(s, keys.NewMemory())
	})
	conn, err := gogrpc.NewClient(l.Addr().String(), gogrpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		resp, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatalf("%q: %v", service, err)
		}
		return resp.GetStatus()
	}
	const name = "streamgate.v1.KeysService"
	s.SetServing(name, false)
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"": healthpb.HealthCheckResponse_SERVING, "streamgate.v1.AuthService": healthpb.HealthCheckResponse_SERVING, name: healthpb.HealthCheckResponse_NOT_SERVING,
	} {
		if got := health(service); got != want {
			t.Errorf("%q is %v, want %v", service, got, want)
		}
	}
	s.SetServing(name, true)
	if got := health(name); got != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%q is %v again", name, got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	info, err := reflectpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = info.Send(&reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{}})
	resp, err := info.Recv()
	if err != nil || !strings.Contains(resp.String(), name) {
		t.Errorf("reflection says %v, %v", resp, err)
	}
}

// A drain ends what would last for ever, waits for what ends by itself, and is bounded.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	l := listener(t)
	s, err := grpc.NewServer(grpc.ServerOptions{Insecure: true, Notice: 1, DrainTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	grpc.RegisterAuthenticator(s, asker(func(ctx context.Context, _, _ string) (auth.Principal, error) {
		close(entered)
		<-ctx.Done()
		return auth.Principal{}, ctx.Err()
	}))
	w, _ := near(t, "gate", nil)
	w.register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn := dial(t, grpc.DialOptions{Target: l.Addr().String(), Insecure: true, Attempts: 1})
	called := make(chan error, 1)
	go func() {
		_, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x")
		called <- err
	}()
	<-entered
	if err := s.Stop(t.Context()); !errors.Is(err, fault.Canceled) {
		t.Errorf("Stop with a call that does not end: %v, want fault.Canceled", err)
	}
	if err := <-called; !errors.Is(err, fault.Unavailable) {
		t.Errorf("the call that was cut off: %v, want fault.Unavailable", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("Stop again: %v", err)
	}
}

func plain() credentials.TransportCredentials { return insecure.NewCredentials() }

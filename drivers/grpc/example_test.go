package grpc_test

import (
	"context"
	"fmt"
	"net"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/cache"
)

// The process that has the keys serves them; another one uses them as if they were its own.
func Example() {
	server, err := grpc.NewServer(grpc.ServerOptions{Insecure: true, Notice: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	grpc.RegisterKeys(server, keys.NewMemory())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	ctx := context.Background()
	conn, err := grpc.Dial(ctx, grpc.DialOptions{Target: l.Addr().String(), Insecure: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	var far keys.Manager = grpc.NewKeys(conn)
	plain, wrapped, err := far.DataKey(ctx, "t/default/a/film")
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := far.Unwrap(ctx, "t/default/a/film", wrapped)
	fmt.Println(string(again) == string(plain), err)

	_ = conn.Close()
	fmt.Println(server.Stop(ctx), <-served)
	// Output:
	// true <nil>
	// <nil> <nil>
}

// A role finds another by its name and shows its certificate.
func ExampleDial() {
	open := func(ctx context.Context, reg registry.Registry) (*gogrpc.ClientConn, error) {
		return grpc.Dial(ctx, grpc.DialOptions{
			Registry: reg, Service: "auth",
			TLS: &grpc.TLS{CertFile: "/etc/streamgate/tls.crt", KeyFile: "/etc/streamgate/tls.key", CAFile: "/etc/streamgate/ca.crt"},
		})
	}
	_ = open
}

// Keys are served to the roles that use them, and to no other.
func ExampleNewServer() {
	serve := func(m keys.Manager, l net.Listener) error {
		s, err := grpc.NewServer(grpc.ServerOptions{
			TLS:     &grpc.TLS{CertFile: "/etc/streamgate/tls.crt", KeyFile: "/etc/streamgate/tls.key", CAFile: "/etc/streamgate/ca.crt"},
			Callers: []string{"streaming", "worker"},
		})
		if err != nil {
			return err
		}
		grpc.RegisterKeys(s, m)
		return s.Serve(l)
	}
	_ = serve
}

// What a streaming process has of others, over one connection each.
func ExampleNewGate() {
	wire := func(metadata, authority, redis, monitor *gogrpc.ClientConn) (playback.Options, auth.Authenticator, cache.Cache, job.Queue, nft.Verifier) {
		return playback.Options{
				Assets: grpc.NewAssets(metadata), Decider: grpc.NewGate(authority), Keys: grpc.NewKeys(authority), Events: grpc.NewEvents(redis),
			}, grpc.NewAuthenticator(authority), grpc.NewCache(redis), grpc.NewJobs(redis),
			grpc.NewVerifier(monitor, caip.ChainID{Namespace: "eip155", Reference: "1"})
	}
	_ = wire
}

// What a process that has it all serves of it.
func ExampleRegisterGate() {
	register := func(s *grpc.Server, d *nft.Decider, a playback.Assets, svc *auth.Service, c cache.Cache, m keys.Manager, b event.Bus, q job.Queue, v nft.Verifier) {
		grpc.RegisterGate(s, d)
		grpc.RegisterAssets(s, a)
		grpc.RegisterAuthenticator(s, svc)
		grpc.RegisterCache(s, c)
		grpc.RegisterKeys(s, m)
		grpc.RegisterEvents(s, b)
		grpc.RegisterJobs(s, q)
		grpc.RegisterVerifiers(s, v)
	}
	_ = register
}

// KEDA asks the queue how many workers are wanted.
func ExampleRegisterScaler() {
	register := func(s *grpc.Server, q job.Inspector) {
		grpc.RegisterScaler(s, func(ctx context.Context) (grpc.Load, error) {
			st, err := q.Stats(ctx)
			return grpc.Load{Depth: st.Waiting + st.Leased}, err
		})
	}
	_ = register
}

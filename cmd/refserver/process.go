package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"crypto/rand"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/cache"
)

// process is one of several that make the platform up: it runs some roles, registers them and
// calls the others.
type process struct {
	*wiring
	platform *streamgate.Platform // nil when no role needs one
	handler  http.Handler
	rpc      *grpc.Server
	rpcLn    net.Listener
	balancer *registry.Balancer // of a gateway
	leaves   []func(context.Context) error
}

// serveRoles runs the target's roles until ctx ends. Then it leaves the registry, serves on for
// the drain delay, and stops.
func serveRoles(ctx context.Context, cfg *Config, metrics http.Handler, log *slog.Logger, stdout io.Writer) (err error) {
	if cfg.Instance == "" {
		host, _ := os.Hostname() // for people only; the rest makes it unique
		cfg.Instance = host + "-" + rand.Text()[:8]
	}
	p := &process{wiring: newWiring(cfg, log)}
	defer func() { err = errors.Join(err, p.shut()) }()
	if err := p.openRegistry(ctx); err != nil {
		return err
	}
	if err := p.build(ctx, metrics); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return err
	}
	if err := p.listenRPC(); err != nil {
		return errors.Join(err, ln.Close())
	}
	// What runs beside HTTP ends after it, so that requests under way find everything there.
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	fail := make(chan error, 2)
	running.Go(func() { fail <- p.rpc.Serve(p.rpcLn) })
	if p.balancer != nil {
		running.Go(func() { fail <- p.balancer.Follow(beside, p.routed()...) })
	}
	serving, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	running.Go(func() {
		select {
		case <-ctx.Done():
			p.drain(ctx)
			stop(nil)
		case err := <-fail:
			stop(err)
		case <-beside.Done():
		}
	})
	run := func(inner context.Context) error {
		return p.run(inner, func() error {
			if err := p.register(inner, ln.Addr().String()); err != nil {
				return err
			}
			_, err := fmt.Fprintf(stdout, "StreamGate %s (%s) serves http://%s\n", cfg.Instance, targetText(cfg), ln.Addr())
			return err
		})
	}
	drain := func() {}
	if p.platform != nil {
		drain = p.platform.Drain
	}
	err = serve(serving, ln, p.handler, run, drain, log)
	if cause := context.Cause(serving); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return errors.Join(err, p.stopRPC(ctx))
}

func targetText(cfg *Config) string { return fmt.Sprint(cfg.Targets) }

// run runs the platform, if there is one, and calls ready once all of it is.
func (p *process) run(ctx context.Context, ready func() error) error {
	if p.platform == nil {
		if err := ready(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.platform.Run(inner) }()
	select {
	case err := <-ended:
		return err
	case <-p.platform.Ready():
	}
	if err := ready(); err != nil {
		cancel()
		return errors.Join(err, <-ended)
	}
	return <-ended
}

// build makes what the roles of this process need.
func (p *process) build(ctx context.Context, metrics http.Handler) error {
	var err error
	p.rpc, err = grpc.NewServer(grpc.ServerOptions{TLS: p.tls(), Insecure: p.tls() == nil, Logger: p.log})
	if err != nil {
		return err
	}
	heavy := slices.DeleteFunc(slices.Clone(p.cfg.Targets), func(t string) bool { return t == "gateway" || t == "cache" })
	if slices.Contains(p.cfg.Targets, "cache") {
		if err := p.buildCache(ctx); err != nil {
			return err
		}
	}
	if len(heavy) > 0 {
		return p.buildPlatform(ctx, heavy, metrics)
	}
	own, err := httpapi.New(httpapi.Options{
		Roles: []string{httpapi.RoleNone}, NoWeb: !slices.Contains(p.cfg.Targets, "gateway"), Metrics: metrics, Logger: p.log,
		TrustedProxies: p.cfg.TrustedProxies,
	})
	if err != nil {
		return err
	}
	p.handler = own
	if slices.Contains(p.cfg.Targets, "gateway") {
		p.balancer = registry.NewBalancer(p.registry, registry.BalancerOptions{})
		p.handler, err = httpapi.NewGateway(httpapi.GatewayOptions{Balancer: p.balancer, Own: own, TrustedProxies: p.cfg.TrustedProxies, Logger: p.log})
	}
	return err
}

// buildCache offers a cache to the others: a process's own memory, or the Redis that it is put before.
func (p *process) buildCache(ctx context.Context) error {
	var c cache.Cache
	if p.cfg.Cache != "" && p.cfg.Cache != "role:" {
		var err error
		if c, err = openBackend(ctx, p.wiring, needCache, p.cfg.Cache, caches()); err != nil {
			return err
		}
	}
	if c == nil {
		c = cache.NewLRU(cache.LRUOptions{})
	}
	grpc.RegisterCache(p.rpc, c)
	return nil
}

func (p *process) buildPlatform(ctx context.Context, heavy []string, metrics http.Handler) error {
	opts := append(platformOptions(p.cfg, p.log), streamgate.WithMetrics(metrics), streamgate.WithRoles(heavy...), streamgate.WithoutWeb(), streamgate.WithSystem(p.system))
	shared, err := p.backends(ctx)
	if err != nil {
		return err
	}
	opts = append(opts, shared...)
	has := func(role string) bool { return slices.Contains(heavy, role) }
	if has("auth") {
		chainOpts, closeChains, err := openChains(ctx, p.cfg.Chains, p.log)
		if err != nil {
			return err
		}
		p.onClose(func() error { closeChains(); return nil })
		opts = append(opts, chainOpts...)
	} else if has("metadata") || has("upload") || has("streaming") || has("monitor") {
		conn, err := p.dial(ctx, "auth")
		if err != nil {
			return err
		}
		opts = append(opts, streamgate.WithAuthenticator(grpc.NewAuthenticator(conn)))
		if has("streaming") {
			opts = append(opts, streamgate.WithGate(grpc.NewGate(conn)))
		}
	}
	if has("metadata") {
		issuers, closeIssuers, err := openIssuers(ctx, p.cfg, p.log)
		if err != nil {
			return err
		}
		p.onClose(func() error { closeIssuers(); return nil })
		opts = append(opts, issuers...)
	}
	if has("streaming") && !has("metadata") {
		conn, err := p.dial(ctx, "metadata")
		if err != nil {
			return err
		}
		opts = append(opts, streamgate.WithAssets(grpc.NewAssets(conn)))
	}
	if p.platform, err = streamgate.New(ctx, opts...); err != nil {
		return err
	}
	p.handler = p.platform.Handler()
	recover := p.platform.Recover
	p.recover.Store(&recover)
	p.offer(has)
	return nil
}

// offer registers what the roles of this process have for the others.
func (p *process) offer(has func(string) bool) {
	if has("auth") {
		grpc.RegisterAuthenticator(p.rpc, p.platform.Auth)
		grpc.RegisterGate(p.rpc, p.platform.Decider)
	}
	if has("metadata") {
		grpc.RegisterAssets(p.rpc, p.platform.Media)
	}
	if has("monitor") {
		grpc.RegisterScaler(p.rpc, func(ctx context.Context) (grpc.Load, error) {
			l, err := p.platform.Media.Load(ctx)
			return scalerLoad(l), err
		})
	}
}

// scalerLoad is what an autoscaler wants to know: how much there is, and how long one worker would take.
func scalerLoad(l media.Load) grpc.Load {
	var out grpc.Load
	for _, n := range l.Open {
		out.Depth += n
	}
	if l.Speed > 0 {
		out.Drain = time.Duration(l.MediaSec / l.Speed * float64(time.Second))
	}
	return out
}

func (p *process) listenRPC() error {
	addr := p.cfg.GRPCListen
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("grpc.listen: %w", err)
	}
	p.rpcLn = ln
	return nil
}

// register makes each role of this process known at its addresses.
func (p *process) register(ctx context.Context, httpAddr string) error {
	httpAddr = reachable(httpAddr)
	if p.cfg.Advertise != "" {
		httpAddr = p.cfg.Advertise
	}
	rpcAddr := reachable(p.rpcLn.Addr().String())
	if p.cfg.GRPCAdvertise != "" {
		rpcAddr = p.cfg.GRPCAdvertise
	}
	for _, role := range p.cfg.Targets {
		leave, err := p.registry.Register(ctx, registry.Instance{ID: p.cfg.Instance + "-" + role, Service: role, HTTP: httpAddr, GRPC: rpcAddr})
		if err != nil {
			return fmt.Errorf("registry: %w", err)
		}
		p.leaves = append(p.leaves, leave)
	}
	return nil
}

// reachable is where others reach what listens on addr. Where that stands for every address of the machine
// it is the machine's name, which the networks of containers resolve.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !unspecified(host) {
		return addr
	}
	name, err := os.Hostname()
	if err != nil {
		return addr
	}
	return net.JoinHostPort(name, port)
}

// routed lists the roles that requests are forwarded to.
func (p *process) routed() []string {
	var names []string
	for _, r := range roles() {
		if r.routes != "" {
			names = append(names, r.name)
		}
	}
	return names
}

// drain leaves the registry and serves on until the others have heard of it.
func (p *process) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, leave := range p.leaves {
		if err := leave(ctx); err != nil {
			p.log.Warn("registry_not_left", "error", err)
		}
	}
	time.Sleep(p.cfg.DrainDelay)
}

func (p *process) stopRPC(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return p.rpc.Stop(ctx)
}

// shut closes what was opened.
func (p *process) shut() error {
	var errs []error
	if p.platform != nil {
		errs = append(errs, p.platform.Close())
	}
	return errors.Join(append(errs, p.close())...)
}

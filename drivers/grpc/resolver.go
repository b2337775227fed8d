package grpc

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/resolver"

	"github.com/streamgate/streamgate/kernel/registry"
)

// scheme names the resolver of Dial in a target. It is known to the connection alone.
const scheme = "streamgate"

// builder resolves the one service of a connection from a registry.
type builder struct {
	reg     registry.Registry
	service string
}

// Scheme implements resolver.Builder.
func (b *builder) Scheme() string { return scheme }

// Build implements resolver.Builder. The registry is asked until the connection closes.
func (b *builder) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &watching{b: b, cc: cc, cancel: cancel, done: make(chan struct{})}
	go r.run(ctx)
	return r, nil
}

type watching struct {
	b      *builder
	cc     resolver.ClientConn
	cancel context.CancelFunc
	done   chan struct{}
}

// ResolveNow implements resolver.Resolver. Changes come by themselves.
func (r *watching) ResolveNow(resolver.ResolveNowOptions) {}

// Close implements resolver.Resolver.
func (r *watching) Close() {
	r.cancel()
	<-r.done
}

func (r *watching) run(ctx context.Context) {
	defer close(r.done)
	for failures := 0; ; failures++ {
		list, err := r.b.reg.Watch(ctx, r.b.service)
		if err != nil {
			if ctx.Err() == nil {
				r.cc.ReportError(err)
			}
		} else {
			for instances := range list {
				failures = 0
				r.update(instances)
			}
		}
		if !pause(ctx, redial(failures)) {
			return
		}
	}
}

// errNobody is why calls fail while no instance is known.
var errNobody = errors.New("no instance of the service is known")

func (r *watching) update(instances []registry.Instance) {
	var state resolver.State
	for _, i := range instances {
		if i.GRPC != "" {
			state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: i.GRPC}}})
		}
	}
	if len(state.Endpoints) == 0 {
		r.cc.ReportError(errNobody)
	}
	// An empty list too: whoever left must not be called any more.
	state.Endpoints = slices.Clip(state.Endpoints)
	_ = r.cc.UpdateState(state)
}

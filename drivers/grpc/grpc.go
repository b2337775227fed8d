// Package grpc puts the interfaces that cross a process on the wire: for each there
// is RegisterX, which serves an implementation, and NewX, which is that interface
// again at the far end of a connection. Near or far is chosen in wiring alone; the
// conformance suite of the interface passes on both.
//
// Server and Dial are what a process serves and calls with: mutual TLS, health and
// draining, deadlines, a retry budget, a circuit breaker and traces. Control goes
// this way and video never does: there is no storage.Store here.
//
// An error keeps its kind, operation, public message, fields and retry time across
// the wire (status.go); its cause stays where it happened. What cannot be asked is
// fault.Unavailable, and for a gate nft.Unknown: never a yes.
package grpc

import (
	"context"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/streamgate/streamgate/fault"
)

// maxMessage bounds a message of either direction unless options say otherwise. The
// largest there are the indexes of long films, some hundred kilobytes.
const maxMessage = 16 << 20

// tenantKey is the metadata that repeats the tenant of a request, for whoever stands
// between and looks at no message. It is binary since a tenant may be any text.
const tenantKey = "streamgate-tenant-bin"

// withTenant returns ctx with the tenant in its outgoing metadata.
func withTenant(ctx context.Context, tenant string) context.Context {
	if tenant == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, tenantKey, tenant)
}

// checkTenant refuses a request whose metadata names another tenant than its message.
func checkTenant(ctx context.Context, op, tenant string) error {
	said := metadata.ValueFromIncomingContext(ctx, tenantKey)
	if len(said) > 1 || len(said) == 1 && said[0] != tenant || len(said) == 0 && tenant != "" {
		return answer(ctx, fault.New(fault.Forbidden, op, "the request names two tenants"))
	}
	return nil
}

// invoke makes one call and turns what comes back into the error vocabulary.
func invoke[Req, Resp any](ctx context.Context, op string, call func(context.Context, *Req, ...gogrpc.CallOption) (*Resp, error),
	req *Req, opts ...gogrpc.CallOption,
) (*Resp, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	out := ctx
	if t, ok := any(req).(interface{ GetTenant() string }); ok {
		out = withTenant(ctx, t.GetTenant())
	}
	resp, err := call(out, req, opts...)
	if err != nil {
		return nil, failure(ctx, op, err)
	}
	return resp, nil
}

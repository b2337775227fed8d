// Package registry tells which processes serve a role and where they are.
// Registry is the interface: drivers/consul implements it; Static and DNS, here, are the light
// choices, and Memory is for tests and for roles in one process. cmd registers each
// role's process and hands the registry to whoever calls other roles: the gateway's
// proxy, which chooses with a Balancer, and the gRPC clients. It carries addresses only,
// never a decision: who is not found cannot be asked, and what cannot be asked is unknown.
package registry

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// Instance is one process that serves.
type Instance struct {
	// ID is unique among all instances of all services.
	ID string
	// Service is the role served, such as streaming.
	Service string
	// HTTP and GRPC are host:port; an instance without one does not serve that protocol.
	HTTP, GRPC string
}

// Registry knows the instances. All methods are safe for concurrent use.
type Registry interface {
	// Register makes i known until leave is called or the process is gone for longer
	// than the registry's patience. An instance is listed once its health check passes.
	// Registering an ID again replaces what was there, whose leave then does nothing.
	// leave is idempotent. An instance that CheckInstance refuses is fault.Invalid.
	Register(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error)
	// Watch sends the healthy instances of service, sorted by ID, now and at each change, until ctx
	// ends; then it closes the channel. A slow reader gets the newest list. While the
	// registry is out of reach the last list stands. The slices are the receiver's own.
	Watch(ctx context.Context, service string) (<-chan []Instance, error)
}

// CheckInstance tells what is wrong with an instance, as fault.Invalid: it needs an ID, a
// service and at least one address with a host and a port.
func CheckInstance(i Instance) error {
	const op = "registry.CheckInstance"
	if !named(i.ID) || !named(i.Service) {
		return fault.New(fault.Invalid, op, "an instance needs an ID and a service: letters, digits and . _ - @, at most 128")
	}
	if i.HTTP == "" && i.GRPC == "" {
		return fault.New(fault.Invalid, op, "an instance needs an address")
	}
	for _, address := range []string{i.HTTP, i.GRPC} {
		if address == "" {
			continue
		}
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" || port == "0" {
			return fault.New(fault.Invalid, op, "an address is host:port, as others reach it")
		}
	}
	return nil
}

func named(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
	})
}

// ordered sorts instances by ID, in place.
func ordered(list []Instance) []Instance {
	slices.SortFunc(list, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// offer makes list the one the reader gets next. It is called by one goroutine only;
// the channel has room for one.
func offer(out chan []Instance, list []Instance) {
	select {
	case <-out:
	default:
	}
	out <- slices.Clone(list)
}

func nothing(context.Context) error { return nil }

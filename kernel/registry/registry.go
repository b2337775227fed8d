// Package registry tells which processes serve a role and where they are.
// Registry is the interface: drivers/consul implements it; Static and DNS, here, are the light
// choices. cmd registers each role's process and hands the registry to whoever calls other
// roles: the gateway's proxy and the gRPC clients. It carries addresses only, never
// a decision: who is not found cannot be asked, and what cannot be asked is unknown.
package registry

import "context"

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
	// Registering an ID again replaces what was there. leave is idempotent.
	Register(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error)
	// Watch sends the healthy instances of service, sorted by ID, now and at each change, until ctx
	// ends; then it closes the channel. A slow reader gets the newest list. While the
	// registry is out of reach the last list stands. The slices are the receiver's own.
	Watch(ctx context.Context, service string) (<-chan []Instance, error)
}

package registry

import (
	"context"

	"github.com/streamgate/streamgate/fault"
)

// Static is a Registry with a fixed list, for processes whose addresses are settings.
// Nobody asks how the instances are: a Balancer passes over those that fail.
type Static struct{ services map[string][]Instance }

var _ Registry = (*Static)(nil)

// NewStatic returns a Static with these instances. One that CheckInstance refuses, or
// an ID that comes twice, is fault.Invalid.
func NewStatic(instances ...Instance) (*Static, error) {
	s := &Static{services: map[string][]Instance{}}
	seen := map[string]bool{}
	for _, i := range instances {
		if err := CheckInstance(i); err != nil {
			return nil, fault.At("registry.NewStatic", err)
		}
		if seen[i.ID] {
			return nil, fault.Newf(fault.Invalid, "registry.NewStatic", "the instance %s is listed twice", i.ID)
		}
		seen[i.ID] = true
		s.services[i.Service] = append(s.services[i.Service], i)
	}
	for _, list := range s.services {
		ordered(list)
	}
	return s, nil
}

// Register implements Registry. The list stays as it is: who is on it was decided elsewhere.
func (s *Static) Register(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error) {
	return given(ctx, i)
}

// given is Register where instances come from elsewhere.
func given(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error) {
	const op = "registry.Register"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	if err := CheckInstance(i); err != nil {
		return nil, fault.At(op, err)
	}
	return nothing, nil
}

// Watch implements Registry.
func (s *Static) Watch(ctx context.Context, service string) (<-chan []Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "registry.Static.Watch", err)
	}
	out := make(chan []Instance, 1)
	offer(out, s.services[service])
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// BalancerOptions configures a Balancer. The zero value is the documented default.
type BalancerOptions struct {
	// Eject is how long an instance is passed over after a failure (default 1 s). Each
	// further failure in a row doubles it, up to MaxEject (default 30 s).
	Eject, MaxEject time.Duration
	// Now is the clock (default time.Now).
	Now func() time.Time
	// Rand returns a number from 0 to n-1 (default math/rand/v2: this is no secret).
	Rand func(n int) int
}

// Balancer picks an instance for each call from what a Registry knows. It passes over
// instances that just failed, which the registry notices only later. All methods
// are safe for concurrent use.
type Balancer struct {
	registry Registry
	opt      BalancerOptions

	mu       sync.Mutex
	services map[string][]Instance
	failed   map[string]*failure // by ID
}

// failure is the recent past of an instance that failed.
type failure struct {
	pause time.Duration // the last ejection's
	until time.Time
}

// NewBalancer returns a Balancer on r. It knows nobody until Follow runs.
func NewBalancer(r Registry, opt BalancerOptions) *Balancer {
	if opt.Eject <= 0 {
		opt.Eject = time.Second
	}
	if opt.MaxEject <= 0 {
		opt.MaxEject = max(30*time.Second, opt.Eject)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.IntN
	}
	return &Balancer{registry: r, opt: opt, services: map[string][]Instance{}, failed: map[string]*failure{}}
}

// Follow keeps the instances of services up to date until ctx ends, and returns nil
// then. While the registry does not answer it asks again; any other error ends it.
func (b *Balancer) Follow(ctx context.Context, services ...string) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, service := range services {
		wg.Go(func() {
			if err := b.follow(inner, service); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fault.At("registry.Balancer.Follow", context.Cause(inner))
}

func (b *Balancer) follow(ctx context.Context, service string) error {
	for ctx.Err() == nil {
		lists, err := b.registry.Watch(ctx, service)
		if err == nil {
			for list := range lists {
				b.set(service, list)
			}
		} else if !errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(b.opt.Eject):
		}
	}
	return nil
}

func (b *Balancer) set(service string, list []Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range b.services[service] {
		if !slices.ContainsFunc(list, func(now Instance) bool { return now == i }) {
			delete(b.failed, i.ID) // gone, or another process now: its past is not the next one's
		}
	}
	b.services[service] = list
}

// Pick returns an instance of service at random, of those that did not just fail, or
// of all when all did: a wrong guess costs less than no answer. No instance at all is
// fault.Unavailable.
func (b *Balancer) Pick(service string) (Instance, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.services[service]
	if len(all) == 0 {
		return Instance{}, fault.New(fault.Unavailable, "registry.Balancer.Pick", "no instance of "+service+" is known")
	}
	now := b.opt.Now()
	good := make([]Instance, 0, len(all))
	for _, i := range all {
		if f := b.failed[i.ID]; f == nil || !now.Before(f.until) {
			good = append(good, i)
		}
	}
	if len(good) == 0 {
		good = all
	}
	return good[b.opt.Rand(len(good))], nil
}

// Report tells how reaching the instance id went. Success makes it as good as new. A
// caller who gave up (fault.Canceled) says nothing about the instance, nor do
// failures of calls that began before it was passed over.
func (b *Balancer) Report(id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch f := b.failed[id]; {
	case err == nil:
		delete(b.failed, id)
	case fault.KindOf(err) == fault.Canceled, !b.knows(id):
	case f == nil:
		b.failed[id] = &failure{b.opt.Eject, b.opt.Now().Add(b.opt.Eject)}
	case !b.opt.Now().Before(f.until):
		f.pause = min(2*f.pause, b.opt.MaxEject)
		f.until = b.opt.Now().Add(f.pause)
	}
}

func (b *Balancer) knows(id string) bool {
	for _, list := range b.services {
		if slices.ContainsFunc(list, func(i Instance) bool { return i.ID == id }) {
			return true
		}
	}
	return false
}

package kernel

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Health asks every component at once whether it can serve and returns the
// answer of each by name, nil for yes. A component that is not started yet, is
// stopping or does not answer in time is fault.Unavailable. Health returns within the
// health timeout, or when ctx ends. Concurrent calls share one question to each
// component.
func (k *Kernel) Health(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, k.healthTimeout)
	defer cancel()
	answers := make([]error, len(k.units))
	var wg sync.WaitGroup
	for i, u := range k.units {
		wg.Go(func() { answers[i] = u.health(ctx, k.healthTimeout) })
	}
	wg.Wait()
	health := make(map[string]error, len(k.units))
	for i, u := range k.units {
		health[u.Name] = answers[i]
	}
	return health
}

func (u *unit) health(ctx context.Context, timeout time.Duration) error {
	switch u.state.Load() {
	case stateNew, stateStarting:
		return fault.Newf(fault.Unavailable, "kernel.Health", "component %q has not started yet", u.Name)
	case stateStopping, stateStopped:
		return fault.Newf(fault.Unavailable, "kernel.Health", "component %q has been stopped", u.Name)
	}
	if u.done != nil {
		select {
		case <-u.done:
			return fault.Newf(fault.Unavailable, "kernel.Health", "component %q has ended", u.Name)
		default:
		}
	}
	if u.Ready == nil {
		return nil
	}
	p := u.ask(context.WithoutCancel(ctx), timeout)
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fault.Newf(fault.Unavailable, "kernel.Health", "component %q did not answer in time", u.Name)
	}
}

// probe is one question to a component, shared by everyone who asks meanwhile.
type probe struct {
	done chan struct{}
	err  error // valid once done is closed
}

// ask joins the question that is open or puts a new one. The question has its own
// deadline, as the caller who put it may leave before the others. One that hangs for
// ever stays the only one, so that it does not gather a goroutine a call.
func (u *unit) ask(ctx context.Context, timeout time.Duration) *probe {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open != nil {
		return u.open
	}
	p := &probe{done: make(chan struct{})}
	u.open = p
	go func() {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, errLate)
		defer cancel()
		p.err = errors.New("exited its goroutine")
		defer func() {
			p.err = u.answer(ctx, "health", p.err)
			u.mu.Lock()
			u.open = nil
			u.mu.Unlock()
			close(p.done)
		}()
		p.err = fault.Catch("kernel.Health", func() error { return u.Ready(ctx) })
	}()
	return p
}

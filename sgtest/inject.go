package sgtest

import (
	"context"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// draw is what happens to one call.
type draw struct {
	i      *Injector
	method string
	before error // instead of the call
	lost   error // after the call, if that succeeds
	delay  time.Duration
}

// draw decides about a call of a method.
func (i *Injector) draw(method string) draw {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	f, d := i.faults, draw{i: i, method: method}
	// Always three draws, so that one rate does not change what another does.
	fails, loses, waits := i.random.Float64(), i.random.Float64(), i.random.Float64()
	if len(f.Only) > 0 && !slices.Contains(f.Only, method) {
		return d
	}
	err := f.Err
	if err == nil {
		err = fault.Newf(fault.Unavailable, "sgtest."+method, "a fault was injected")
	}
	switch {
	case fails < f.Error:
		d.before = err
	case loses < f.Lost:
		d.lost = err
	}
	if waits < f.Slow {
		d.delay = f.Delay
	}
	return d
}

func (d draw) count() {
	d.i.mu.Lock()
	defer d.i.mu.Unlock()
	d.i.fired[d.method]++
}

// wait waits as drawn and returns the error that the call is to fail with.
func (d draw) wait(ctx context.Context) error {
	if d.delay > 0 {
		d.count()
		t := time.NewTimer(d.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "sgtest."+d.method, ctx.Err())
		}
	}
	if d.before != nil {
		d.count()
	}
	return d.before
}

// do makes a call that has an effect and no result but an error.
func (i *Injector) do(ctx context.Context, method string, call func() error) error {
	_, err := effect(ctx, i, method, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// effect makes a call that has an effect. When its answer is lost its result is, too.
func effect[T any](ctx context.Context, i *Injector, method string, call func() (T, error)) (result T, err error) {
	d := i.draw(method)
	if err := d.wait(ctx); err != nil {
		return result, err
	}
	got, err := call()
	if err == nil && d.lost != nil {
		d.count()
		return result, d.lost
	}
	return got, err
}

// read makes a call that only reads, so that a lost answer is an error like any.
func (i *Injector) read(ctx context.Context, method string) error {
	d := i.draw(method)
	if d.before == nil {
		d.before = d.lost
	}
	return d.wait(ctx)
}

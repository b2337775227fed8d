package quorum

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Bounds of the wait before a second provider is asked.
const (
	hedgeUnknown  = 250 * time.Millisecond // nothing is known of the first
	hedgeShortest = 10 * time.Millisecond
	hedgeLongest  = time.Second
)

// hedgeAfter is how long p usually takes: it answers 19 of 20 calls sooner.
func hedgeAfter(p *provider) time.Duration {
	d := p.p95()
	if d == 0 {
		return hedgeUnknown
	}
	return min(hedgeLongest, max(hedgeShortest, d+d/10))
}

// hedged asks the healthiest provider, the next one when it fails or dawdles, and returns the first answer that is good.
// When none is, it returns the first answer there was, or the last error. What is still under way is called off.
func hedged[T any](ctx context.Context, v *Verifier, op string, do func(context.Context, *provider) (T, int, error), good func(T) bool) (T, error) {
	type result struct {
		out T
		err error
	}
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, fault.Wrap(fault.Canceled, op, err)
	}
	list := v.ranked(v.providers, v.opt.Now())
	results := make(chan result, len(list))
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	running := 0
	start := func() *provider {
		for len(list) > 0 {
			p := list[0]
			if list = list[1:]; !p.take(v.opt.Now()) {
				continue
			}
			running++
			v.asking.Go(func() {
				out, err := call(inner, v, p, do)
				results <- result{out, err}
			})
			return p
		}
		return nil
	}
	first := start()
	if first == nil {
		return zero, v.nobody(op, v.opt.Now())
	}
	timer := time.NewTimer(hedgeAfter(first))
	defer timer.Stop()
	var second *T
	var last error
	for running > 0 {
		select {
		case r := <-results:
			running--
			switch {
			case r.err == nil && good(r.out), r.err != nil && settledError(r.err):
				return r.out, r.err
			case r.err == nil && second == nil:
				second = &r.out
			case r.err != nil:
				last = r.err
			}
			start()
		case <-timer.C:
			if p := start(); p != nil {
				v.meters.hedge(ctx)
				timer.Reset(hedgeAfter(p))
			}
		case <-ctx.Done():
			return zero, fault.Wrap(fault.Canceled, op, ctx.Err())
		}
	}
	if second != nil {
		return *second, nil
	}
	return zero, last
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// DefaultTimeout bounds one call of a Flight or Loader unless options say otherwise.
const DefaultTimeout = 10 * time.Second

// Flight lets concurrent callers for one key share one call. It keeps no
// results: a caller that comes after the call has ended starts the next one. The
// zero Flight is ready; it must not be copied.
type Flight[K comparable, V any] struct {
	// Timeout bounds each call (default DefaultTimeout). Set it before the first Do.
	Timeout time.Duration

	mu    sync.Mutex
	calls map[K]*call[V]
	wg    sync.WaitGroup
}

type call[V any] struct {
	done chan struct{} // closed when val and err are set
	val  V
	err  error
	// ctx is the call's own: nobody's hanging up ends it, only Timeout does.
	ctx context.Context

	// mu serialises keep with Forget.
	mu        sync.Mutex
	forgotten bool
}

// Do returns what fn returns, called by this or by another Do for the same key at
// the same time. fn runs in its own goroutine on a context that has the values
// of the first caller's but not its end: it ends after Timeout.
//
// A caller whose ctx ends gets fault.Canceled at once; the others and the call are not
// disturbed. A call that exceeds Timeout gives all its callers fault.Unavailable, even
// when fn does not heed its context. A panic in fn becomes fault.Internal. The error
// and the value are shared: nobody may change them.
func (f *Flight[K, V]) Do(ctx context.Context, key K, fn func(context.Context) (V, error)) (V, error) {
	return f.do(ctx, key, func(ctx context.Context, _ *call[V]) (V, error) { return fn(ctx) })
}

func (f *Flight[K, V]) do(ctx context.Context, key K, fn func(context.Context, *call[V]) (V, error)) (V, error) {
	var zero V
	if err := ctx.Err(); err != nil {
		return zero, fault.Wrap(fault.Canceled, "cache.Do", err)
	}
	c := f.join(ctx, key, fn)
	select {
	case <-c.done:
		return c.val, c.err
	default:
	}
	select {
	case <-c.done:
		return c.val, c.err
	case <-ctx.Done():
		return zero, fault.Wrap(fault.Canceled, "cache.Do", context.Cause(ctx))
	case <-c.ctx.Done():
	}
	select {
	case <-c.done: // it ended and then released its context
		return c.val, c.err
	default:
	}
	// fn does not heed its context. Whoever comes next shall not wait for it.
	f.drop(key, c)
	return zero, f.tooSlow(nil)
}

// join returns the running call for key, or starts it.
func (f *Flight[K, V]) join(ctx context.Context, key K, fn func(context.Context, *call[V]) (V, error)) *call[V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.calls[key]; ok {
		return c
	}
	callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.timeout())
	c := &call[V]{done: make(chan struct{}), ctx: callCtx}
	if f.calls == nil {
		f.calls = map[K]*call[V]{}
	}
	f.calls[key] = c
	f.wg.Go(func() {
		defer cancel()
		// Also when fn ends its goroutine, as a failing test helper does.
		defer func() {
			f.drop(key, c)
			close(c.done)
		}()
		f.run(c, fn)
	})
	return c
}

func (f *Flight[K, V]) run(c *call[V], fn func(context.Context, *call[V]) (V, error)) {
	const op = "cache.Do"
	c.err = fault.New(fault.Internal, op, "the call ended its goroutine")
	defer func() {
		if p := recover(); p != nil {
			c.err = fault.Wrap(fault.Internal, op, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	val, err := fn(c.ctx, c)
	if err != nil && errors.Is(c.ctx.Err(), context.DeadlineExceeded) && fault.KindOf(err) == fault.Canceled {
		// None of the callers gave up: to them it is a dependency that did not answer.
		err = f.tooSlow(err)
	}
	c.val, c.err = val, err
}

func (f *Flight[K, V]) tooSlow(cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "cache.Do", Msg: fmt.Sprintf("no answer within %v", f.timeout()), Err: cause}
}

func (f *Flight[K, V]) timeout() time.Duration {
	if f.Timeout <= 0 {
		return DefaultTimeout
	}
	return f.Timeout
}

// drop removes c, if it is still the call for key.
func (f *Flight[K, V]) drop(key K, c *call[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}

// Forget makes the next Do for key start a call of its own, though one may be
// running; that one still answers those who wait for it. Call it when what the
// running call has read may be out of date.
func (f *Flight[K, V]) Forget(key K) {
	f.mu.Lock()
	c := f.calls[key]
	delete(f.calls, key)
	f.mu.Unlock()
	if c != nil {
		c.mu.Lock()
		c.forgotten = true
		c.mu.Unlock()
	}
}

// keep runs store unless the call was forgotten; a Forget waits for store to end.
func (c *call[V]) keep(store func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.forgotten {
		store()
	}
}

// Wait returns when no call is running. Call it on shutdown, after the last Do.
func (f *Flight[K, V]) Wait() { f.wg.Wait() }

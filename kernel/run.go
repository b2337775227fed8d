package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// errLate is the cause of a context that ended by the component's own deadline,
// to tell it from the end of the caller's.
var errLate = errors.New("out of time")

// Run starts every component, then blocks until ctx ends or a component's Run
// does, stops everything in reverse order and returns. It returns nil when ctx
// ended and all stopped in time; otherwise the joined errors, each naming
// its component, the one that caused the end first. A kernel runs once; a second
// call is fault.Conflict.
//
// A function that outlives its deadline is reported and left behind; it is
// the only way a goroutine of the kernel survives Run.
func (k *Kernel) Run(ctx context.Context) error {
	if !k.ran.CompareAndSwap(false, true) {
		return fault.New(fault.Conflict, "kernel.Run", "this kernel has run already")
	}
	// up ends with ctx or with the first component that ends by itself, whose
	// error is then the cause.
	up, down := context.WithCancelCause(ctx)
	defer down(nil)

	n, err := k.startAll(up, down)
	if err == nil {
		close(k.started)
		<-up.Done()
	}
	var errs []error
	cause := context.Cause(up)
	if up.Err() != nil && ctx.Err() == nil {
		errs = append(errs, cause)
	}
	// A start that gave up because up ended says nothing new.
	if err != nil && (up.Err() == nil || !errors.Is(err, fault.Canceled)) {
		errs = append(errs, err)
	}
	for _, u := range slices.Backward(k.units[:n]) {
		begin := time.Now()
		for _, err := range u.halt(context.WithoutCancel(ctx)) {
			if err != cause { //nolint:errorlint // identity: the very error that is in the list already
				errs = append(errs, err)
			}
		}
		k.log.Info("component stopped", "component", u.Name, "took", time.Since(begin))
	}
	return errors.Join(errs...)
}

// startAll starts units in order and returns how many of them must be stopped.
func (k *Kernel) startAll(up context.Context, down context.CancelCauseFunc) (int, error) {
	for i, u := range k.units {
		if up.Err() != nil {
			return i, nil //nolint:nilerr // Run tells why up ended
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeoutCause(up, u.StartTimeout, errLate)
		err := u.start(ctx)
		if err != nil {
			cancel()
			u.state.Store(stateStopped)
			return i, err
		}
		u.run(up, down)
		err = u.await(ctx)
		cancel()
		if err != nil {
			return i + 1, err
		}
		u.state.Store(stateReady)
		k.log.Info("component started", "component", u.Name, "took", time.Since(begin))
	}
	return len(k.units), nil
}

func (u *unit) start(ctx context.Context) error {
	u.state.Store(stateStarting)
	return u.call(ctx, "start", u.Start)
}

// run starts the component's long work and watches it. The work does not end
// with up but when its turn to stop comes.
func (u *unit) run(up context.Context, down context.CancelCauseFunc) {
	if u.Run == nil {
		return
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(up))
	u.stop = stop
	u.done = make(chan struct{})
	go func() {
		// The deferred function speaks also when Run ends by runtime.Goexit.
		err := errors.New("exited its goroutine")
		defer func() {
			// One that watches the host's own context may be early; that is no failure.
			asked := u.state.Load() >= stateStopping || up.Err() != nil
			switch {
			case asked && (err == nil || errors.Is(err, context.Canceled)):
			case err == nil:
				u.runErr = fault.Newf(fault.Internal, "kernel.Run", "component %q: run ended although nothing stopped it", u.Name)
			default:
				u.runErr = u.wrap("run", err)
			}
			// The cause is set before done closes, so that whoever sees the
			// end sees its reason.
			if !asked {
				down(u.runErr)
			}
			close(u.done)
		}()
		err = fault.Catch("kernel.Run", func() error { return u.Run(ctx) })
	}()
}

// await asks Ready until it says yes, with growing pauses, while Run is alive.
func (u *unit) await(ctx context.Context) error {
	if u.Ready == nil {
		return nil
	}
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := u.call(ctx, "ready", u.Ready)
		if err == nil {
			return nil
		}
		select {
		case <-u.done: // which has ended up as well
			return fault.Wrap(fault.Canceled, "kernel.Run", context.Canceled)
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errLate) {
				return &fault.Error{Kind: fault.Unavailable, Op: "kernel.Run",
					Msg: fmt.Sprintf("component %q was not ready within %v", u.Name, u.StartTimeout), Err: err}
			}
			return fault.Wrap(fault.Canceled, "kernel.Run", ctx.Err())
		case <-time.After(pause):
		}
	}
}

// halt drains the component, then ends its Run, each with its own deadline.
func (u *unit) halt(ctx context.Context) []error {
	u.state.Store(stateStopping)
	defer u.state.Store(stateStopped)
	var errs []error
	if u.Stop != nil {
		stop, cancel := context.WithTimeoutCause(ctx, u.StopTimeout, errLate)
		if err := u.call(stop, "stop", u.Stop); err != nil {
			errs = append(errs, err)
		}
		cancel()
	}
	if u.done == nil {
		return errs
	}
	u.stop()
	late := time.NewTimer(u.StopTimeout)
	defer late.Stop()
	select {
	case <-u.done:
		if u.runErr != nil {
			errs = append(errs, u.runErr)
		}
	case <-late.C:
		errs = append(errs, fault.Newf(fault.Unavailable, "kernel.Run",
			"component %q: run did not return within %v of its context's end", u.Name, u.StopTimeout))
	}
	return errs
}

// call runs f with panics contained. One that ignores the end of ctx by deadline is
// left behind, so that it cannot hold up the others.
func (u *unit) call(ctx context.Context, what string, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	result := make(chan error, 1)
	go func() {
		err := errors.New("exited its goroutine")
		defer func() { result <- err }()
		err = fault.Catch("kernel", func() error { return f(ctx) })
	}()
	select {
	case err := <-result:
		return u.answer(ctx, what, err)
	case <-ctx.Done():
	}
	var wait time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		wait = max(0, time.Until(deadline))
	}
	select {
	case err := <-result:
		return u.answer(ctx, what, err)
	case <-time.After(wait + grace):
		return fault.Newf(fault.Unavailable, "kernel", "component %q: %s did not return by its deadline", u.Name, what)
	}
}

// answer is wrap for a function whose time ran out: that is our deadline, so
// its context error must not pass for the caller having given up.
func (u *unit) answer(ctx context.Context, what string, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errLate) {
		return &fault.Error{Kind: fault.Unavailable, Op: "kernel", Msg: fmt.Sprintf("component %q: %s: out of time", u.Name, what), Err: err}
	}
	return u.wrap(what, err)
}

// wrap names the component and what it did; the kind of err is kept.
func (u *unit) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: fault.KindOf(err), Op: "kernel", Msg: fmt.Sprintf("component %q: %s", u.Name, what), Err: err}
}

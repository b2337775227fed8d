// Package suite runs conformance suites: lists of checks that every
// implementation of an interface must pass. The same list is turned against
// broken implementations, to show that it would notice. The suites of the
// domains (storagetest, keystest, cachetest) are built on it.
package suite

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// Check is one promise of an interface. Fixture is what makes the
// implementation under test, most often a func(testing.TB) Interface.
type Check[Fixture any] struct {
	Name string
	Run  func(t testing.TB, f Fixture)
}

// Run runs every check as a parallel subtest of t.
func Run[F any](t *testing.T, checks []Check[F], f F) {
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(t, f)
		})
	}
}

// Failing runs every check, one after the other, and returns the names of those that fail.
// Their failures are logged to t and do not fail it.
func Failing[F any](t *testing.T, checks []Check[F], f F) []string {
	t.Helper()
	var failing []string
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) {
			if why := Failure(t, func(t testing.TB) { c.Run(t, f) }); why != "" {
				t.Logf("as hoped, %s fails: %s", c.Name, why)
				failing = append(failing, c.Name)
			}
		})
	}
	return failing
}

// Failure runs check with a recording testing.TB and returns what it complained
// of first, or "" when it was content. A check that panics is a complaint too.
func Failure(t testing.TB, check func(testing.TB)) string {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := &recorder{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() { // FailNow ends its goroutine
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v", v)
			}
		}()
		check(r)
	}()
	<-done
	cancel()
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// recorder is a TB whose failures stay its own.
type recorder struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	first    string
	cleanups []func()
}

func (r *recorder) fail(msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == "" {
		r.first = msg
	}
}

func (r *recorder) Helper()                           {}
func (r *recorder) Context() context.Context          { return r.ctx }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any)                 { r.fail(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }
func (r *recorder) Fail()                             { r.fail("failed") }
func (r *recorder) FailNow()                          { r.fail("failed"); runtime.Goexit() }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	r.FailNow()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first != ""
}

// Package suite runs conformance suites: lists of checks that every
// implementation of an interface must pass. The same list is turned against
// broken implementations, to show that it would notice. The suites of the
// domains (storagetest, keystest, cachetest) are built on it.
package suite

import (
	"fmt"
	"runtime"
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
			r := &recorder{TB: t, name: c.Name}
			done := make(chan struct{})
			// FailNow ends its goroutine: it gets one of its own.
			go func() {
				defer close(done)
				c.Run(r, f)
			}()
			<-done
			if r.failed {
				failing = append(failing, c.Name)
			}
		})
	}
	return failing
}

// recorder is a testing.TB that remembers failures instead of reporting them.
// As with testing.T, FailNow is called from the check's goroutine only, and so are
// here the others, since nothing locks failed.
type recorder struct {
	testing.TB
	name   string
	failed bool
}

func (r *recorder) note(msg string) {
	r.TB.Helper()
	r.failed = true
	r.TB.Logf("as hoped, %s fails: %s", r.name, msg)
}

func (r *recorder) Failed() bool              { return r.failed }
func (r *recorder) Fail()                     { r.failed = true }
func (r *recorder) FailNow()                  { r.failed = true; runtime.Goexit() }
func (r *recorder) Error(args ...any)         { r.note(fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.note(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(args ...any)         { r.note(fmt.Sprint(args...)); runtime.Goexit() }
func (r *recorder) Fatalf(f string, a ...any) { r.note(fmt.Sprintf(f, a...)); runtime.Goexit() }

// Package keystest is the conformance suite of keys.Manager: every promise of the
// interface's documentation as a check. An implementation is supported when Run
// passes on it, and RunShared too when several processes share its keys. RunMaster
// and RunScopes are the suites of the two halves of keys.Shared.
package keystest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/storage"
)

// NewManager returns a manager that holds no scope the suite uses ("t/test/...")
// and arranges for its end with t.Cleanup.
type NewManager = func(t testing.TB) keys.Manager

// Run checks that what newManager makes keeps the promises of keys.Manager. Each
// check gets a manager of its own and runs in parallel with the others.
func Run(t *testing.T, newManager NewManager) {
	suite.Run(t, checks(), newManager)
}

// Failing returns the names of the checks that the managers of newManager do not
// pass, without failing t: it is for tests of the suite.
func Failing(t *testing.T, newManager NewManager) []string {
	return suite.Failing(t, checks(), newManager)
}

func checks() []suite.Check[NewManager] {
	return []suite.Check[NewManager]{
		{Name: "unwrap gives the data key", Run: roundTrip},
		{Name: "data keys are fresh", Run: fresh},
		{Name: "wrapped hides plain", Run: wrappedHides},
		{Name: "another scope cannot unwrap", Run: boundToScope},
		{Name: "changed bytes are corrupt", Run: changedBytes},
		{Name: "an unknown scope is not found", Run: unknownScope},
		{Name: "invalid scopes", Run: invalidScopes},
		{Name: "shred destroys", Run: shredDestroys},
		{Name: "shred is for ever", Run: shredForEver},
		{Name: "shred spares other scopes", Run: shredSpares},
		{Name: "rotate keeps wrapped keys valid", Run: rotateKeeps},
		{Name: "rotate while others work", Run: rotateConcurrent},
		{Name: "one scope created by many", Run: createRace},
		{Name: "callers own the bytes", Run: callersOwn},
		{Name: "an ended context", Run: endedContext},
	}
}

const scope = "t/test/a/1"

func dataKey(t testing.TB, m keys.Manager, scope string) (plain, wrapped []byte) {
	t.Helper()
	plain, wrapped, err := m.DataKey(t.Context(), scope)
	if err != nil {
		t.Fatalf("DataKey(%q): %v", scope, err)
	}
	return plain, wrapped
}

func wantPlain(t testing.TB, m keys.Manager, scope string, wrapped, want []byte) {
	t.Helper()
	got, err := m.Unwrap(t.Context(), scope, wrapped)
	if err != nil {
		t.Errorf("Unwrap(%q): %v", scope, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("Unwrap(%q) returned another key", scope)
	}
}

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want kind %v", what, err, kind)
	}
}

func shred(t testing.TB, m keys.Manager, scope string) {
	t.Helper()
	if err := m.Shred(t.Context(), scope); err != nil {
		t.Fatalf("Shred(%q): %v", scope, err)
	}
}

func roundTrip(t testing.TB, newManager NewManager) {
	m := newManager(t)
	for _, scope := range []string{scope, "t/test", "t/test/" + strings.Repeat("x", storage.MaxElementLen), "t/test/A", "t/test/a"} {
		plain, wrapped := dataKey(t, m, scope)
		if len(plain) != 32 {
			t.Fatalf("the key has %d bytes, want 32", len(plain))
		}
		wantPlain(t, m, scope, wrapped, plain)
		wantPlain(t, m, scope, wrapped, plain)
	}
}

func fresh(t testing.TB, newManager NewManager) {
	m := newManager(t)
	seen := map[string]bool{}
	for i := range 50 {
		plain, wrapped := dataKey(t, m, fmt.Sprintf("t/test/%d", i%2))
		if seen[string(plain)] || seen[string(wrapped)] {
			t.Fatal("a key was given out twice")
		}
		seen[string(plain)], seen[string(wrapped)] = true, true
	}
}

func wrappedHides(t testing.TB, newManager NewManager) {
	plain, wrapped := dataKey(t, newManager(t), scope)
	for i := 0; i+8 <= len(plain); i++ {
		if bytes.Contains(wrapped, plain[i:i+8]) {
			t.Fatal("the wrapped key holds bytes of the key")
		}
	}
}

func boundToScope(t testing.TB, newManager NewManager) {
	m := newManager(t)
	_, wrapped := dataKey(t, m, scope)
	for _, other := range []string{"t/test/a/2", "t/test/a", "t/test/a/1/b"} {
		dataKey(t, m, other) // so that it exists
		_, err := m.Unwrap(t.Context(), other, wrapped)
		wantKind(t, "Unwrap under "+other, err, fault.Corrupt)
	}
}

func changedBytes(t testing.TB, newManager NewManager) {
	m := newManager(t)
	plain, wrapped := dataKey(t, m, scope)
	try := func(what string, b []byte) {
		_, err := m.Unwrap(t.Context(), scope, b)
		wantKind(t, "Unwrap of "+what, err, fault.Corrupt)
	}
	for i := range wrapped {
		bad := slices.Clone(wrapped)
		bad[i] ^= 1
		try(fmt.Sprintf("the wrapped key with byte %d changed", i), bad)
		try(fmt.Sprintf("the first %d bytes", i), wrapped[:i])
	}
	try("one byte more", append(slices.Clone(wrapped), 0))
	try("nothing", nil)
	try("the plain key", plain)
}

func unknownScope(t testing.TB, newManager NewManager) {
	m := newManager(t)
	_, wrapped := dataKey(t, m, scope)
	_, err := m.Unwrap(t.Context(), "t/test/a/never", wrapped)
	wantKind(t, "Unwrap under a scope that never was", err, fault.NotFound)
}

func invalidScopes(t testing.TB, newManager NewManager) {
	m := newManager(t)
	for _, scope := range []string{"", "/", "../x", "a//b", "a b", "t/test/\x00"} {
		_, _, err := m.DataKey(t.Context(), scope)
		wantKind(t, fmt.Sprintf("DataKey(%q)", scope), err, fault.Invalid)
		_, err = m.Unwrap(t.Context(), scope, make([]byte, 61))
		wantKind(t, fmt.Sprintf("Unwrap(%q)", scope), err, fault.Invalid)
		wantKind(t, fmt.Sprintf("Shred(%q)", scope), m.Shred(t.Context(), scope), fault.Invalid)
	}
}

func shredDestroys(t testing.TB, newManager NewManager) {
	m := newManager(t)
	plain, wrapped := dataKey(t, m, scope)
	wantPlain(t, m, scope, wrapped, plain) // whatever caches it is warm
	for range 2 {
		shred(t, m, scope)
		_, err := m.Unwrap(t.Context(), scope, wrapped)
		wantKind(t, "Unwrap after Shred", err, fault.NotFound)
		_, _, err = m.DataKey(t.Context(), scope)
		wantKind(t, "DataKey after Shred", err, fault.NotFound)
	}
}

func shredForEver(t testing.TB, newManager NewManager) {
	m := newManager(t)
	_, wrapped := dataKey(t, m, scope)
	shred(t, m, scope)
	shred(t, m, "t/test/never")
	if err := m.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{scope, "t/test/never"} {
		_, _, err := m.DataKey(t.Context(), scope)
		wantKind(t, "DataKey of "+scope+" after Shred and Rotate", err, fault.NotFound)
		_, err = m.Unwrap(t.Context(), scope, wrapped)
		wantKind(t, "Unwrap under "+scope+" after Shred and Rotate", err, fault.NotFound)
	}
}

func shredSpares(t testing.TB, newManager NewManager) {
	m := newManager(t)
	dataKey(t, m, scope)
	others := []string{"t/test/a/12", "t/test/a", "t/test/a/1/b"}
	var plains, wrappeds [][]byte
	for _, other := range others {
		plain, wrapped := dataKey(t, m, other)
		plains, wrappeds = append(plains, plain), append(wrappeds, wrapped)
	}
	shred(t, m, scope)
	for i, other := range others {
		wantPlain(t, m, other, wrappeds[i], plains[i])
	}
}

func rotateKeeps(t testing.TB, newManager NewManager) {
	m := newManager(t)
	plain, wrapped := dataKey(t, m, scope)
	for range 3 {
		if err := m.Rotate(t.Context()); err != nil {
			t.Fatalf("Rotate: %v", err)
		}
		wantPlain(t, m, scope, wrapped, plain)
		after, wrappedAfter := dataKey(t, m, scope)
		wantPlain(t, m, scope, wrappedAfter, after)
	}
}

func rotateConcurrent(t testing.TB, newManager NewManager) {
	m := newManager(t)
	done := make(chan struct{})
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				scope := fmt.Sprintf("t/test/%d/%d", w, i%5)
				plain, wrapped, err := m.DataKey(t.Context(), scope)
				if err == nil {
					var again []byte
					again, err = m.Unwrap(t.Context(), scope, wrapped)
					if err == nil && !bytes.Equal(plain, again) {
						err = errors.New("another key came back")
					}
				}
				if err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	for range 3 {
		if err := m.Rotate(t.Context()); err != nil {
			t.Errorf("Rotate: %v", err)
		}
	}
	close(done)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("beside Rotate: %v", err)
	}
}

func createRace(t testing.TB, newManager NewManager) {
	m := newManager(t)
	const callers = 30
	var plains, wrappeds [callers][]byte
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-start
			plains[i], wrappeds[i], _ = m.DataKey(t.Context(), scope)
		})
	}
	close(start)
	wg.Wait()
	for i := range callers {
		wantPlain(t, m, scope, wrappeds[i], plains[i])
	}
}

func callersOwn(t testing.TB, newManager NewManager) {
	m := newManager(t)
	plain, wrapped := dataKey(t, m, scope)
	want, kept := slices.Clone(plain), slices.Clone(wrapped)
	clear(plain)
	clear(wrapped)
	got, err := m.Unwrap(t.Context(), scope, kept)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("after the caller cleared what DataKey returned: %v", err)
	}
	clear(got)
	wantPlain(t, m, scope, kept, want)
}

func endedContext(t testing.TB, newManager NewManager) {
	m := newManager(t)
	plain, wrapped := dataKey(t, m, scope)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := m.DataKey(ctx, scope)
	wantKind(t, "DataKey", err, fault.Canceled)
	_, err = m.Unwrap(ctx, scope, wrapped)
	wantKind(t, "Unwrap", err, fault.Canceled)
	wantKind(t, "Rotate", m.Rotate(ctx), fault.Canceled)
	wantKind(t, "Shred", m.Shred(ctx, scope), fault.Canceled)
	wantPlain(t, m, scope, wrapped, plain)
}

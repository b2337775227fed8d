package keystest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
)

// NewMaster returns a master that has made no version yet and arranges for its end with t.Cleanup.
type NewMaster = func(t testing.TB) keys.Master

// RunMaster checks that what newMaster makes keeps the promises of keys.Master, and of
// keys.Rewrapper when it is one.
func RunMaster(t *testing.T, newMaster NewMaster) {
	suite.Run(t, masterChecks(), newMaster)
}

// FailingMaster is to RunMaster what Failing is to Run.
func FailingMaster(t *testing.T, newMaster NewMaster) []string {
	return suite.Failing(t, masterChecks(), newMaster)
}

func masterChecks() []suite.Check[NewMaster] {
	return []suite.Check[NewMaster]{
		{Name: "unwrap gives the scope key", Run: masterRoundTrip},
		{Name: "bound to scope and version", Run: masterBound},
		{Name: "changed bytes give no other key", Run: masterChanged},
		{Name: "next is new and the old ones stay", Run: masterNext},
		{Name: "next by several at once", Run: masterNextRace},
		{Name: "retire is idempotent and spares the others", Run: masterRetire},
		{Name: "an unknown version", Run: masterUnknown},
		{Name: "rewrap moves a key", Run: masterRewrap},
		{Name: "an ended context", Run: masterEnded},
	}
}

func next(t testing.TB, m keys.Master, from string) string {
	t.Helper()
	version, err := m.Next(t.Context(), from)
	if err != nil {
		t.Fatalf("Next(%q): %v", from, err)
	}
	if version == "" || version == from {
		t.Fatalf("Next(%q) = %q", from, version)
	}
	return version
}

func wrapped(t testing.TB, m keys.Master, version string) (plain, wrapped []byte) {
	t.Helper()
	plain = make([]byte, 32)
	rand.Read(plain)
	wrapped, err := m.Wrap(t.Context(), version, scope, slices.Clone(plain))
	if err != nil {
		t.Fatalf("Wrap under %q: %v", version, err)
	}
	return plain, wrapped
}

func wantUnwrap(t testing.TB, m keys.Master, version string, wrapped, want []byte) {
	t.Helper()
	if got, err := m.Unwrap(t.Context(), version, scope, wrapped); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Unwrap under %q: another key, or %v", version, err)
	}
}

// refused wants an error that says damaged or not to be had, and no key.
func refused(t testing.TB, what string, got []byte, err error) {
	t.Helper()
	if got != nil || !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unavailable) {
		t.Errorf("%s: %d bytes and %v, want none and kind corrupt or unavailable", what, len(got), err)
	}
}

func masterRoundTrip(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	version := next(t, m, "")
	plain, w := wrapped(t, m, version)
	for i := 0; i+8 <= len(plain); i++ {
		if bytes.Contains(w, plain[i:i+8]) {
			t.Fatal("the wrapped key holds bytes of the key")
		}
	}
	again, err := m.Wrap(t.Context(), version, scope, plain)
	if err != nil || bytes.Equal(again, w) {
		t.Errorf("the same key wrapped twice gives the same bytes, or %v", err)
	}
	wantUnwrap(t, m, version, w, plain)
	wantUnwrap(t, m, version, again, plain)
}

func masterBound(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	first := next(t, m, "")
	second := next(t, m, first)
	_, w := wrapped(t, m, first)
	for _, other := range []string{"t/test/a/2", "t/test/a", "T/test/a/1", ""} {
		got, err := m.Unwrap(t.Context(), first, other, w)
		refused(t, "Unwrap under scope "+other, got, err)
	}
	got, err := m.Unwrap(t.Context(), second, scope, w)
	refused(t, "Unwrap under another version", got, err)
}

func masterChanged(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	version := next(t, m, "")
	plain, w := wrapped(t, m, version)
	try := func(what string, b []byte) {
		got, err := m.Unwrap(t.Context(), version, scope, b)
		if err == nil && bytes.Equal(got, plain) {
			return
		}
		refused(t, "Unwrap of "+what, got, err)
	}
	// Not each byte: a Master may be far away.
	for _, i := range []int{0, len(w) / 3, len(w) / 2, len(w) - 1} {
		bad := slices.Clone(w)
		bad[i] ^= 1
		try("changed bytes", bad)
		try("a beginning", w[:i])
	}
	try("one byte more", append(slices.Clone(w), 0))
	try("nothing", nil)
}

func masterNext(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	var versions []string
	var plains, wrappeds [][]byte
	from := ""
	for range 3 {
		from = next(t, m, from)
		if slices.Contains(versions, from) {
			t.Fatalf("version %q came twice", from)
		}
		plain, w := wrapped(t, m, from)
		versions, plains, wrappeds = append(versions, from), append(plains, plain), append(wrappeds, w)
	}
	for i, version := range versions {
		wantUnwrap(t, m, version, wrappeds[i], plains[i])
		plain, w := wrapped(t, m, version)
		wantUnwrap(t, m, version, w, plain)
	}
}

func masterNextRace(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	first := next(t, m, "")
	var versions [4]string
	var errs [4]error
	var wg sync.WaitGroup
	for i := range versions {
		wg.Go(func() { versions[i], errs[i] = m.Next(t.Context(), first) })
	}
	wg.Wait()
	for i, version := range versions {
		if errs[i] != nil || version == first {
			t.Errorf("Next(%q) = %q, %v", first, version, errs[i])
			continue
		}
		plain, w := wrapped(t, m, version)
		wantUnwrap(t, m, version, w, plain)
	}
}

func masterRetire(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	first := next(t, m, "")
	second := next(t, m, first)
	third := next(t, m, second)
	p2, w2 := wrapped(t, m, second)
	p3, w3 := wrapped(t, m, third)
	for range 2 {
		if err := m.Retire(t.Context(), first); err != nil {
			t.Fatalf("Retire: %v", err)
		}
		wantUnwrap(t, m, second, w2, p2)
		wantUnwrap(t, m, third, w3, p3)
	}
	if got := next(t, m, third); got == first || got == second {
		t.Errorf("Next gives %q again", got)
	}
}

func masterUnknown(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	_, w := wrapped(t, m, next(t, m, ""))
	for _, version := range []string{"9999", "no-such-version"} {
		_, err := m.Wrap(t.Context(), version, scope, make([]byte, 32))
		wantKind(t, "Wrap under "+version, err, fault.Unavailable)
		got, err := m.Unwrap(t.Context(), version, scope, w)
		refused(t, "Unwrap under "+version, got, err)
	}
}

func masterRewrap(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	r, ok := m.(keys.Rewrapper)
	if !ok {
		return
	}
	first := next(t, m, "")
	second := next(t, m, first)
	plain, w := wrapped(t, m, first)
	moved, err := r.Rewrap(t.Context(), first, second, scope, w)
	if err != nil {
		t.Fatalf("Rewrap: %v", err)
	}
	wantUnwrap(t, m, second, moved, plain)
	wantUnwrap(t, m, first, w, plain)
	got, err := m.Unwrap(t.Context(), second, "t/test/other", moved)
	refused(t, "Unwrap of a re-wrapped key under another scope", got, err)
	got, err = r.Rewrap(t.Context(), first, second, "t/test/other", w)
	refused(t, "Rewrap under another scope", got, err)
}

func masterEnded(t testing.TB, newMaster NewMaster) {
	m := newMaster(t)
	version := next(t, m, "")
	_, w := wrapped(t, m, version)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.Wrap(ctx, version, scope, make([]byte, 32))
	wantKind(t, "Wrap", err, fault.Canceled)
	_, err = m.Unwrap(ctx, version, scope, w)
	wantKind(t, "Unwrap", err, fault.Canceled)
	_, err = m.Next(ctx, version)
	wantKind(t, "Next", err, fault.Canceled)
	wantKind(t, "Retire", m.Retire(ctx, version), fault.Canceled)
}

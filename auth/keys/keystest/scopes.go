package keystest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
)

// NewScopes returns an empty store and arranges for its end with t.Cleanup.
type NewScopes = func(t testing.TB) keys.ScopeStore

// RunScopes checks that what newScopes makes keeps the promises of keys.ScopeStore.
func RunScopes(t *testing.T, newScopes NewScopes) {
	suite.Run(t, scopeChecks(), newScopes)
}

// FailingScopes is to RunScopes what Failing is to Run.
func FailingScopes(t *testing.T, newScopes NewScopes) []string {
	return suite.Failing(t, scopeChecks(), newScopes)
}

func scopeChecks() []suite.Check[NewScopes] {
	return []suite.Check[NewScopes]{
		{Name: "an empty store", Run: emptyScopes},
		{Name: "a record comes back", Run: recordBack},
		{Name: "a scope is inserted once", Run: insertOnce},
		{Name: "a record is replaced by revision", Run: replaceByRevision},
		{Name: "only the current master's keys are stored", Run: currentOnly},
		{Name: "a tombstone stands", Run: tombstones},
		{Name: "stale records page by page", Run: stalePages},
		{Name: "versions change by revision", Run: versionsByRevision},
		{Name: "no key of an old master behind the listing", Run: noneBehind},
		{Name: "an ended context", Run: scopesEnded},
	}
}

func setVersions(t testing.TB, s keys.ScopeStore, v keys.Versions) {
	t.Helper()
	if err := s.SetVersions(t.Context(), v); err != nil {
		t.Fatalf("SetVersions(%+v): %v", v, err)
	}
}

func put(t testing.TB, s keys.ScopeStore, rec keys.ScopeRecord) {
	t.Helper()
	if err := s.Put(t.Context(), rec); err != nil {
		t.Fatalf("Put(%+v): %v", rec, err)
	}
}

func wantRecord(t testing.TB, s keys.ScopeStore, want keys.ScopeRecord) {
	t.Helper()
	got, err := s.Get(t.Context(), want.Scope)
	if err != nil {
		t.Fatalf("Get(%q): %v", want.Scope, err)
	}
	if got.Scope != want.Scope || got.Master != want.Master || !bytes.Equal(got.Wrapped, want.Wrapped) ||
		!got.Shredded.Equal(want.Shredded) || got.Revision != want.Revision {
		t.Errorf("Get(%q) = %+v, want %+v", want.Scope, got, want)
	}
}

func emptyScopes(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	_, err := s.Get(t.Context(), scope)
	wantKind(t, "Get", err, fault.NotFound)
	_, err = s.Versions(t.Context())
	wantKind(t, "Versions", err, fault.NotFound)
	if page, err := s.Stale(t.Context(), "1", "", 10); err != nil || len(page) != 0 {
		t.Errorf("Stale = %v, %v, want nothing", page, err)
	}
	wantKind(t, "Put without a master key", s.Put(t.Context(), keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("w")}), fault.Conflict)
}

func recordBack(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	master := "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
	setVersions(t, s, keys.Versions{Current: master})
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	var records []keys.ScopeRecord
	for i, scope := range []string{"t/test/A", "t/test/a", "t/test", "t/test/a/1"} {
		rec := keys.ScopeRecord{Scope: scope, Master: master, Wrapped: append(slices.Clone(all), byte(i))}
		put(t, s, rec)
		rec.Revision = 1
		records = append(records, rec)
	}
	for _, rec := range records {
		wantRecord(t, s, rec)
	}
	got, err := s.Get(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	clear(got.Wrapped)
	wantRecord(t, s, records[3])
}

func insertOnce(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "1"})
	const callers = 8
	var errs [callers]error
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			errs[i] = s.Put(t.Context(), keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte{byte(i)}})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("callers %d and %d both inserted the scope", won, i)
		case err == nil:
			won = i
		default:
			wantKind(t, "a second insert", err, fault.Conflict)
		}
	}
	if won < 0 {
		t.Fatal("nobody inserted the scope")
	}
	wantRecord(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte{byte(won)}, Revision: 1})
}

func replaceByRevision(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "1"})
	rec := keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a")}
	rec.Revision = 1
	wantKind(t, "a replacement of nothing", s.Put(t.Context(), rec), fault.Conflict)
	rec.Revision = 0
	put(t, s, rec)
	rec.Revision, rec.Wrapped = 1, []byte("b")
	put(t, s, rec)
	for _, revision := range []int64{0, 1, 3} {
		bad := keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("c"), Revision: revision}
		wantKind(t, fmt.Sprintf("a replacement of revision %d", revision), s.Put(t.Context(), bad), fault.Conflict)
	}
	rec.Revision = 2
	wantRecord(t, s, rec)
}

func currentOnly(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "1"})
	put(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a")})
	setVersions(t, s, keys.Versions{Current: "2", Old: []string{"1"}, Revision: 1})
	for _, master := range []string{"1", "3"} {
		wantKind(t, "an insert under master "+master, s.Put(t.Context(), keys.ScopeRecord{Scope: "t/test/b", Master: master, Wrapped: []byte("b")}), fault.Conflict)
		wantKind(t, "a replacement under master "+master, s.Put(t.Context(), keys.ScopeRecord{Scope: scope, Master: master, Wrapped: []byte("b"), Revision: 1}), fault.Conflict)
	}
	wantRecord(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a"), Revision: 1})
	put(t, s, keys.ScopeRecord{Scope: scope, Master: "2", Wrapped: []byte("c"), Revision: 1})
	wantRecord(t, s, keys.ScopeRecord{Scope: scope, Master: "2", Wrapped: []byte("c"), Revision: 2})
}

func tombstones(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	at := time.UnixMilli(1_700_000_000_000).UTC()
	// Also before there is any master key.
	put(t, s, keys.ScopeRecord{Scope: "t/test/never", Shredded: at})
	wantRecord(t, s, keys.ScopeRecord{Scope: "t/test/never", Shredded: at, Revision: 1})
	setVersions(t, s, keys.Versions{Current: "1"})
	put(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a")})
	put(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a"), Shredded: at, Revision: 77})
	dead := keys.ScopeRecord{Scope: scope, Shredded: at, Revision: 2}
	wantRecord(t, s, dead)
	put(t, s, keys.ScopeRecord{Scope: scope, Shredded: at.Add(time.Hour)})
	wantRecord(t, s, dead)
	for revision := range int64(4) {
		for _, scope := range []string{scope, "t/test/never"} {
			rec := keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("b"), Revision: revision}
			wantKind(t, fmt.Sprintf("a key over a tombstone, revision %d", revision), s.Put(t.Context(), rec), fault.Conflict)
		}
	}
	wantRecord(t, s, dead)
}

// stale collects all pages.
func stale(t testing.TB, s keys.ScopeStore, current string, limit int) []string {
	t.Helper()
	var scopes []string
	for after := ""; ; {
		page, err := s.Stale(t.Context(), current, after, limit)
		if err != nil {
			t.Fatalf("Stale: %v", err)
		}
		if len(page) == 0 {
			slices.Sort(scopes)
			return scopes
		}
		if len(page) > limit || len(scopes) > 1000 {
			t.Fatalf("Stale gave a page of %d, want at most %d; %d so far", len(page), limit, len(scopes))
		}
		for _, rec := range page {
			got, err := s.Get(t.Context(), rec.Scope)
			if err != nil || got.Revision != rec.Revision || got.Master != rec.Master || !bytes.Equal(got.Wrapped, rec.Wrapped) {
				t.Errorf("Stale gave %+v, Get %+v, %v", rec, got, err)
			}
			scopes = append(scopes, rec.Scope)
		}
		after = page[len(page)-1].Scope
	}
}

func stalePages(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "1"})
	var want []string
	for i := range 25 {
		scope := fmt.Sprintf("t/test/%c%d", "aB"[i%2], i)
		put(t, s, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte{1, byte(i)}})
		want = append(want, scope)
	}
	put(t, s, keys.ScopeRecord{Scope: want[3], Shredded: time.UnixMilli(5)})
	if got := stale(t, s, "1", 7); len(got) != 0 {
		t.Errorf("stale under the current master: %q", got)
	}
	setVersions(t, s, keys.Versions{Current: "2", Old: []string{"1"}, Revision: 1})
	put(t, s, keys.ScopeRecord{Scope: want[5], Master: "2", Wrapped: []byte("b"), Revision: 1})
	put(t, s, keys.ScopeRecord{Scope: "t/test/new", Master: "2", Wrapped: []byte("b")})
	want = slices.Delete(want, 5, 6)
	want = slices.Delete(want, 3, 4)
	slices.Sort(want)
	for _, limit := range []int{1, 7, 100} {
		if got := stale(t, s, "2", limit); !slices.Equal(got, want) {
			t.Errorf("stale by %d: %q, want %q", limit, got, want)
		}
	}
}

func versionsByRevision(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	wantKind(t, "a change of nothing", s.SetVersions(t.Context(), keys.Versions{Current: "1", Revision: 1}), fault.Conflict)
	const callers = 6
	var errs [callers]error
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { errs[i] = s.SetVersions(t.Context(), keys.Versions{Current: fmt.Sprint(i)}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantKind(t, "a second first version", err, fault.Conflict)
		}
	}
	if won != 1 {
		t.Fatalf("%d callers set the first version, want one", won)
	}
	setVersions(t, s, keys.Versions{Current: "b", Old: []string{"x, y", `"z"`}, Revision: 1})
	for _, revision := range []int64{0, 1, 3} {
		wantKind(t, fmt.Sprintf("a change of revision %d", revision), s.SetVersions(t.Context(), keys.Versions{Current: "c", Revision: revision}), fault.Conflict)
	}
	v, err := s.Versions(t.Context())
	if err != nil || v.Current != "b" || !slices.Equal(v.Old, []string{"x, y", `"z"`}) || v.Revision != 2 {
		t.Errorf("Versions = %+v, %v", v, err)
	}
	setVersions(t, s, keys.Versions{Current: "b", Revision: 2})
	if v, err = s.Versions(t.Context()); err != nil || len(v.Old) != 0 || v.Revision != 3 {
		t.Errorf("Versions without old ones = %+v, %v", v, err)
	}
}

// noneBehind: what was stored under a master that is no longer the current one is
// in a listing that began after the change, however the calls overlap.
func noneBehind(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "0"})
	var mu sync.Mutex
	stored := map[string]string{} // master by scope
	const puts = 150
	var errs [4]error
	tried := make(chan struct{}, puts*len(errs))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := range puts {
				tried <- struct{}{}
				v, err := s.Versions(t.Context())
				scope := fmt.Sprintf("t/test/%d/%d", w, i)
				if err == nil {
					err = s.Put(t.Context(), keys.ScopeRecord{Scope: scope, Master: v.Current, Wrapped: []byte("w")})
				}
				switch {
				case err == nil:
					mu.Lock()
					stored[scope] = v.Current
					mu.Unlock()
				case !errors.Is(err, fault.Conflict):
					errs[w] = err // and go on: the listings wait for the tries
				}
			}
		})
	}
	const rounds = 5
	behind := map[string][]string{} // what each listing found
	for r := 1; r <= rounds; r++ {
		current := fmt.Sprint(r)
		for range puts * len(errs) / (rounds + 1) {
			<-tried
		}
		setVersions(t, s, keys.Versions{Current: current, Revision: int64(r)})
		behind[current] = stale(t, s, current, 1000)
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	for scope, master := range stored {
		var n int
		_, _ = fmt.Sscan(master, &n)
		for r := n + 1; r <= rounds; r++ {
			if _, found := slices.BinarySearch(behind[fmt.Sprint(r)], scope); !found {
				t.Errorf("%s was stored under master %s behind the listing for %d", scope, master, r)
			}
		}
	}
}

func scopesEnded(t testing.TB, newScopes NewScopes) {
	s := newScopes(t)
	setVersions(t, s, keys.Versions{Current: "1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, scope)
	wantKind(t, "Get", err, fault.Canceled)
	wantKind(t, "Put", s.Put(ctx, keys.ScopeRecord{Scope: scope, Master: "1", Wrapped: []byte("a")}), fault.Canceled)
	_, err = s.Stale(ctx, "1", "", 1)
	wantKind(t, "Stale", err, fault.Canceled)
	_, err = s.Versions(ctx)
	wantKind(t, "Versions", err, fault.Canceled)
	wantKind(t, "SetVersions", s.SetVersions(ctx, keys.Versions{Current: "2", Revision: 1}), fault.Canceled)
	_, err = s.Get(t.Context(), scope)
	wantKind(t, "Get after a Put that was canceled", err, fault.NotFound)
}

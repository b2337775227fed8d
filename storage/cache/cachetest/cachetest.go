// Package cachetest is the conformance suite of cache.Cache: every promise of the
// interface's documentation as a check. An implementation is supported when Run
// passes on it.
package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/storage/cache"
)

// NewCache returns an empty cache with room for 4 MiB at least, which ends with
// t.Cleanup, and a function that lets time pass for it: by a clock of the test, or
// by waiting where time cannot be set.
type NewCache = func(t testing.TB) (c cache.Cache, pass func(time.Duration))

// Run checks that what newCache makes keeps the promises of cache.Cache. Each
// check gets a cache of its own and runs in parallel with the others.
func Run(t *testing.T, newCache NewCache) {
	suite.Run(t, checks(), newCache)
}

// Failing returns the names of the checks that the caches of newCache do not
// pass, without failing t: it is for tests of the suite.
func Failing(t *testing.T, newCache NewCache) []string {
	return suite.Failing(t, checks(), newCache)
}

func checks() []suite.Check[NewCache] {
	return []suite.Check[NewCache]{
		{Name: "set then get", Run: setThenGet},
		{Name: "a later set wins", Run: laterWins},
		{Name: "delete", Run: deleteRemoves},
		{Name: "values expire", Run: expires},
		{Name: "no time to live", Run: noTTL},
		{Name: "a value too large drops the old one", Run: tooLarge},
		{Name: "an ended context", Run: endedContext},
		{Name: "concurrent use", Run: concurrent},
	}
}

func set(t testing.TB, c cache.Cache, key, val string, ttl time.Duration) {
	t.Helper()
	if err := c.Set(t.Context(), key, []byte(val), ttl); err != nil {
		t.Fatalf("Set(%.20q): %v", key, err)
	}
}

func want(t testing.TB, c cache.Cache, when, key, val string) {
	t.Helper()
	got, ok, err := c.Get(t.Context(), key)
	if err != nil || !ok || string(got) != val {
		t.Errorf("%s: Get(%.20q) is %.20q, %v, %v, want %.20q", when, key, got, ok, err, val)
	}
}

func wantNone(t testing.TB, c cache.Cache, when, key string) {
	t.Helper()
	if got, ok, err := c.Get(t.Context(), key); err != nil || ok || got != nil {
		t.Errorf("%s: Get(%.20q) is %.20q, %v, %v, want nothing", when, key, got, ok, err)
	}
}

func setThenGet(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	wantNone(t, c, "at first", "k")
	entries := map[string]string{"k": "v", "": "the empty key", "K": "another case", "with \x00 and é and spaces": "x", "empty": "",
		strings.Repeat("long", 200): strings.Repeat("large", 20_000), "bytes": "\x00\xff\r\n"}
	for key, val := range entries {
		set(t, c, key, val, time.Hour)
	}
	for range 2 {
		for key, val := range entries {
			want(t, c, "after Set", key, val)
		}
	}
}

func laterWins(t testing.TB, newCache NewCache) {
	c, pass := newCache(t)
	for i := range 20 {
		set(t, c, "k", fmt.Sprint(i), time.Hour)
		want(t, c, "after setting again", "k", fmt.Sprint(i))
	}
	set(t, c, "k", "longer", time.Hour)
	set(t, c, "k", "shorter", 2*time.Second)
	pass(3 * time.Second)
	wantNone(t, c, "after a second Set's shorter time", "k")
	set(t, c, "k", "shorter", 2*time.Second)
	set(t, c, "k", "longer", time.Hour)
	pass(3 * time.Second)
	want(t, c, "after a first Set's shorter time", "k", "longer")
}

func deleteRemoves(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	set(t, c, "k", "v", time.Hour)
	set(t, c, "other", "w", time.Hour)
	for range 2 {
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		wantNone(t, c, "after Delete", "k")
	}
	want(t, c, "after Delete of another key", "other", "w")
	set(t, c, "k", "again", time.Hour)
	want(t, c, "after Delete and Set", "k", "again")
}

func expires(t testing.TB, newCache NewCache) {
	c, pass := newCache(t)
	set(t, c, "short", "v", 2*time.Second)
	set(t, c, "long", "w", time.Hour)
	pass(500 * time.Millisecond)
	want(t, c, "before its time", "short", "v")
	pass(2 * time.Second) // reading does not prolong
	wantNone(t, c, "after its time", "short")
	want(t, c, "before its time", "long", "w")
}

func noTTL(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	for _, ttl := range []time.Duration{0, -1, -time.Hour} {
		set(t, c, "k", "v", ttl)
		wantNone(t, c, "set for no time", "k")
		set(t, c, "k", "old", time.Hour)
		set(t, c, "k", "new", ttl)
		wantNone(t, c, "an old value after a Set for no time", "k")
	}
}

// tooLarge takes no stand on what is too large, only on what may come back.
func tooLarge(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	set(t, c, "k", "old", time.Hour)
	large := bytes.Repeat([]byte("x"), 128<<20)
	err := c.Set(t.Context(), "k", large, time.Hour)
	got, ok, getErr := c.Get(t.Context(), "k")
	if getErr != nil {
		t.Fatal(getErr)
	}
	if err == nil && ok && len(got) != len(large) {
		t.Errorf("after a Set of a large value Get gives %.20q", got)
	}
}

func endedContext(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	set(t, c, "k", "v", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok, err := c.Get(ctx, "k")
	if ok || !errors.Is(err, fault.Canceled) {
		t.Errorf("Get: %v, %v, want kind canceled", ok, err)
	}
	if err := c.Set(ctx, "k", []byte("w"), time.Hour); !errors.Is(err, fault.Canceled) {
		t.Errorf("Set: %v, want kind canceled", err)
	}
	if err := c.Delete(ctx, "k"); !errors.Is(err, fault.Canceled) {
		t.Errorf("Delete: %v, want kind canceled", err)
	}
	want(t, c, "afterwards", "k", "v")
}

// concurrent has each key written by one goroutine, which then knows what it may read.
func concurrent(t testing.TB, newCache NewCache) {
	c, _ := newCache(t)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			key := fmt.Sprint(w)
			for i := range 200 {
				val := fmt.Sprintf("%d/%d", w, i)
				if err := c.Set(t.Context(), key, []byte(val), time.Hour); err != nil {
					t.Errorf("Set: %v", err)
					return
				}
				if got, ok, err := c.Get(t.Context(), key); err != nil || ok && string(got) != val {
					t.Errorf("Get(%q) is %q, %v, want %q or nothing", key, got, err, val)
					return
				}
			}
		})
	}
	wg.Wait()
}

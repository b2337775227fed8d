package cachetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/storage/cache"
)

// RunClaimer checks that what newCache makes is a cache.Claimer and keeps its promises.
func RunClaimer(t *testing.T, newCache NewCache) { suite.Run(t, claimerChecks(), newCache) }

// RunLimiter checks that what newCache makes is a cache.Limiter and keeps its promises.
func RunLimiter(t *testing.T, newCache NewCache) { suite.Run(t, limiterChecks(), newCache) }

// RunUpdater checks that what newCache makes is a cache.Updater and keeps its promises.
func RunUpdater(t *testing.T, newCache NewCache) { suite.Run(t, updaterChecks(), newCache) }

// FailingPowers is Failing for RunClaimer, RunLimiter and RunUpdater together.
func FailingPowers(t *testing.T, newCache NewCache) []string {
	return suite.Failing(t, append(append(claimerChecks(), limiterChecks()...), updaterChecks()...), newCache)
}

func claimerChecks() []suite.Check[NewCache] {
	return []suite.Check[NewCache]{
		{Name: "one holder at a time", Run: oneHolder},
		{Name: "a claim ends with its time", Run: claimEnds},
		{Name: "a holder extends", Run: claimExtends},
		{Name: "of many claimants one holds", Run: manyClaim},
		{Name: "claims and values are apart", Run: claimsApart},
		{Name: "bad claims", Run: badClaims},
	}
}

func limiterChecks() []suite.Check[NewCache] {
	return []suite.Check[NewCache]{
		{Name: "a burst, then a wait", Run: burstThenWait},
		{Name: "one more at each turn", Run: refills},
		{Name: "a bucket holds no more than its burst", Run: holdsBurst},
		{Name: "a refusal takes nothing", Run: refusalIsFree},
		{Name: "of many takers only the burst gets", Run: manyTake},
		{Name: "bad buckets", Run: badBuckets},
	}
}

func updaterChecks() []suite.Check[NewCache] {
	return []suite.Check[NewCache]{
		{Name: "update sees and sets the value", Run: updates},
		{Name: "an error of change changes nothing", Run: updateFails},
		{Name: "a nil result drops the key", Run: updateDrops},
		{Name: "an updated value expires", Run: updateExpires},
		{Name: "concurrent updates all count", Run: manyUpdate},
		{Name: "update under an ended context", Run: updateEnded},
	}
}

// power returns the cache with a power; not having it fails the check.
func power[T any](t testing.TB, newCache NewCache) (p T, c cache.Cache, pass func(time.Duration)) {
	t.Helper()
	c, pass = newCache(t)
	p, ok := cache.As[T](c)
	if !ok {
		t.Fatalf("the cache has not the power %T", &p)
	}
	return p, c, pass
}

func claims(t testing.TB, c cache.Claimer, when, key, owner string, ttl time.Duration, want bool) {
	t.Helper()
	if held, err := c.Claim(t.Context(), key, owner, ttl); err != nil || held != want {
		t.Errorf("%s: Claim(%q, %q) is %v, %v, want %v", when, key, owner, held, err, want)
	}
}

func releases(t testing.TB, c cache.Claimer, key, owner string) {
	t.Helper()
	if err := c.Release(t.Context(), key, owner); err != nil {
		t.Errorf("Release(%q, %q): %v", key, owner, err)
	}
}

func oneHolder(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Claimer](t, newCache)
	releases(t, c, "k", "nobody")
	claims(t, c, "at first", "k", "a", time.Hour, true)
	claims(t, c, "held by another", "k", "b", time.Hour, false)
	claims(t, c, "held by itself", "k", "a", time.Hour, true)
	claims(t, c, "another key", "other", "b", time.Hour, true)
	releases(t, c, "k", "b")
	claims(t, c, "after another's release", "k", "b", time.Hour, false)
	releases(t, c, "k", "a")
	claims(t, c, "after its release", "k", "b", time.Hour, true)
	releases(t, c, "k", "a")
	claims(t, c, "after a late release of an earlier holder", "k", "a", time.Hour, false)
}

func claimEnds(t testing.TB, newCache NewCache) {
	c, _, pass := power[cache.Claimer](t, newCache)
	claims(t, c, "at first", "k", "a", 2*time.Second, true)
	pass(3 * time.Second)
	claims(t, c, "after its time", "k", "b", time.Hour, true)
	claims(t, c, "the earlier holder", "k", "a", time.Hour, false)
}

func claimExtends(t testing.TB, newCache NewCache) {
	c, _, pass := power[cache.Claimer](t, newCache)
	claims(t, c, "at first", "k", "a", 2*time.Second, true)
	claims(t, c, "again", "k", "a", time.Hour, true)
	pass(3 * time.Second)
	claims(t, c, "after the first time", "k", "b", time.Hour, false)
}

func manyClaim(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Claimer](t, newCache)
	var holders atomic.Int64
	together(16, func(w int) {
		held, err := c.Claim(t.Context(), "k", "owner"+strconv.Itoa(w), time.Hour)
		if err != nil {
			t.Errorf("Claim: %v", err)
		}
		if held {
			holders.Add(1)
		}
	})
	if n := holders.Load(); n != 1 {
		t.Errorf("%d of 16 hold the claim", n)
	}
}

func claimsApart(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Claimer](t, newCache)
	claims(t, p, "at first", "k", "a", time.Hour, true)
	wantNone(t, c, "of a claim", "k")
	set(t, c, "k", "v", time.Hour)
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	claims(t, p, "after a value came and went", "k", "b", time.Hour, false)
}

func badClaims(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Claimer](t, newCache)
	for owner, ttl := range map[string]time.Duration{"": time.Hour, "a": 0, "b": -1} {
		if held, err := c.Claim(t.Context(), "k", owner, ttl); held || !errors.Is(err, fault.Invalid) {
			t.Errorf("Claim by %q for %v: %v, %v, want kind invalid", owner, ttl, held, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if held, err := c.Claim(ctx, "k", "a", time.Hour); held || !errors.Is(err, fault.Canceled) {
		t.Errorf("Claim: %v, %v, want kind canceled", held, err)
	}
	if err := c.Release(ctx, "k", "a"); !errors.Is(err, fault.Canceled) {
		t.Errorf("Release: %v, want kind canceled", err)
	}
}

func take(t testing.TB, c cache.Limiter, key string, burst int, every time.Duration) time.Duration {
	t.Helper()
	wait, err := c.Take(t.Context(), key, burst, every)
	if err != nil || wait < 0 {
		t.Fatalf("Take(%q): %v, %v", key, wait, err)
	}
	return wait
}

func burstThenWait(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Limiter](t, newCache)
	for _, key := range []string{"k", "other"} {
		for i := range 3 {
			if wait := take(t, c, key, 3, time.Hour); wait != 0 {
				t.Errorf("take %d of 3 of %q waits %v", i+1, key, wait)
			}
		}
		if wait := take(t, c, key, 3, time.Hour); wait > time.Hour || wait < 50*time.Minute {
			t.Errorf("the fourth take waits %v, want about an hour", wait)
		}
	}
}

func refills(t testing.TB, newCache NewCache) {
	c, _, pass := power[cache.Limiter](t, newCache)
	const every = 4 * time.Second
	take(t, c, "k", 2, every)
	take(t, c, "k", 2, every)
	wait := take(t, c, "k", 2, every)
	if wait <= 0 || wait > every {
		t.Fatalf("an empty bucket waits %v", wait)
	}
	pass(wait)
	if wait := take(t, c, "k", 2, every); wait != 0 {
		t.Errorf("after the wait it was told to keep one still waits %v", wait)
	}
	if wait := take(t, c, "k", 2, every); wait <= 0 {
		t.Error("one turn fills more than one")
	}
}

func holdsBurst(t testing.TB, newCache NewCache) {
	c, _, pass := power[cache.Limiter](t, newCache)
	// Time for four, of which the bucket can keep two. The hour that the last answer is
	// about comes of another rate, so that a slow machine does not refill it meanwhile.
	take(t, c, "k", 2, time.Second)
	pass(4 * time.Second)
	take(t, c, "k", 2, time.Hour)
	take(t, c, "k", 2, time.Hour)
	if take(t, c, "k", 2, time.Hour) == 0 {
		t.Error("a bucket of two gave three at once")
	}
}

func refusalIsFree(t testing.TB, newCache NewCache) {
	c, _, pass := power[cache.Limiter](t, newCache)
	const every = 4 * time.Second
	take(t, c, "k", 1, every)
	for range 20 {
		if take(t, c, "k", 1, every) == 0 {
			t.Fatal("an empty bucket gave one")
		}
	}
	pass(every)
	if wait := take(t, c, "k", 1, every); wait != 0 {
		t.Errorf("refusals made a taker wait %v longer", wait)
	}
}

func manyTake(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Limiter](t, newCache)
	var got atomic.Int64
	together(8, func(int) {
		for range 10 {
			wait, err := c.Take(t.Context(), "k", 10, time.Hour)
			if err != nil {
				t.Errorf("Take: %v", err)
			} else if wait == 0 {
				got.Add(1)
			}
		}
	})
	if n := got.Load(); n != 10 {
		t.Errorf("%d of 80 got one of a bucket of 10", n)
	}
}

func badBuckets(t testing.TB, newCache NewCache) {
	c, _, _ := power[cache.Limiter](t, newCache)
	for _, b := range []struct {
		burst int
		every time.Duration
	}{{0, time.Second}, {-1, time.Second}, {1, 0}, {1, -1}, {1 << 40, time.Hour}, {1, 2 * cache.MaxRefill}} {
		if _, err := c.Take(t.Context(), "k", b.burst, b.every); !errors.Is(err, fault.Invalid) {
			t.Errorf("Take of %+v: %v, want kind invalid", b, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Take(ctx, "k", 1, time.Second); !errors.Is(err, fault.Canceled) {
		t.Errorf("Take: %v, want kind canceled", err)
	}
}

func update(t testing.TB, c cache.Updater, key string, ttl time.Duration, change func([]byte) ([]byte, error)) {
	t.Helper()
	if err := c.Update(t.Context(), key, ttl, change); err != nil {
		t.Fatalf("Update(%q): %v", key, err)
	}
}

func updates(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Updater](t, newCache)
	to := func(key string, wantOld []byte, val string) {
		t.Helper()
		update(t, p, key, time.Hour, func(old []byte) ([]byte, error) {
			if string(old) != string(wantOld) || (old == nil) != (wantOld == nil) {
				t.Errorf("change of %q is given %q, want %q", key, old, wantOld)
			}
			return []byte(val), nil
		})
		want(t, c, "after Update", key, val)
	}
	to("k", nil, "one")
	to("k", []byte("one"), "two")
	set(t, c, "k", "set", time.Hour)
	to("k", []byte("set"), "")
	to("k", []byte{}, "\x00\xff bytes")
	to("other", nil, "one")
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	to("k", nil, "anew")
}

func updateFails(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Updater](t, newCache)
	set(t, c, "k", "v", time.Hour)
	mine := errors.New("of change")
	for _, key := range []string{"k", "none"} {
		err := p.Update(t.Context(), key, time.Hour, func([]byte) ([]byte, error) { return []byte("w"), mine })
		if err != mine { // returned as it is
			t.Errorf("Update: %v, want the error of change itself", err)
		}
	}
	want(t, c, "after a failed Update", "k", "v")
	wantNone(t, c, "after a failed Update", "none")
}

func updateDrops(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Updater](t, newCache)
	for range 2 {
		update(t, p, "k", time.Hour, func([]byte) ([]byte, error) { return nil, nil })
		wantNone(t, c, "after a nil result", "k")
		set(t, c, "k", "v", time.Hour)
	}
	update(t, p, "k", 0, func([]byte) ([]byte, error) { return []byte("w"), nil })
	wantNone(t, c, "after an update for no time", "k")
}

func updateExpires(t testing.TB, newCache NewCache) {
	p, c, pass := power[cache.Updater](t, newCache)
	set(t, c, "k", "v", time.Hour)
	update(t, p, "k", 2*time.Second, func([]byte) ([]byte, error) { return []byte("w"), nil })
	pass(3 * time.Second)
	wantNone(t, c, "after its time", "k")
	update(t, p, "k", time.Hour, func(old []byte) ([]byte, error) {
		if old != nil {
			t.Errorf("change is given %q, which has expired", old)
		}
		return nil, nil
	})
}

func manyUpdate(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Updater](t, newCache)
	together(8, func(int) {
		for range 25 {
			err := p.Update(t.Context(), "k", time.Hour, func(old []byte) ([]byte, error) {
				n, _ := strconv.Atoi(string(old)) // 0 of nothing
				return []byte(strconv.Itoa(n + 1)), nil
			})
			if err != nil {
				t.Errorf("Update: %v", err)
				return
			}
		}
	})
	want(t, c, "after 200 increments", "k", "200")
}

func updateEnded(t testing.TB, newCache NewCache) {
	p, c, _ := power[cache.Updater](t, newCache)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.Update(ctx, "k", time.Hour, func([]byte) ([]byte, error) { return []byte("v"), nil })
	if !errors.Is(err, fault.Canceled) {
		t.Errorf("Update: %v, want kind canceled", err)
	}
	wantNone(t, c, "afterwards", "k")
}

// together runs f n times at once and waits.
func together(n int, f func(worker int)) {
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { f(w) })
	}
	wg.Wait()
}

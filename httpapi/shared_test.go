package httpapi

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// away is a shared cache that does not answer while it is down.
type away struct {
	*cache.LRU
	down atomic.Bool
}

func (a *away) err() error {
	if a.down.Load() {
		return fault.New(fault.Unavailable, "test", "the cache is away")
	}
	return nil
}

func (a *away) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := a.err(); err != nil {
		return nil, false, err
	}
	return a.LRU.Get(ctx, key)
}

func (a *away) Claim(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
	if err := a.err(); err != nil {
		return false, err
	}
	return a.LRU.Claim(ctx, key, owner, ttl)
}

func (a *away) Take(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
	if err := a.err(); err != nil {
		return 0, err
	}
	return a.LRU.Take(ctx, key, burst, every)
}

func TestLimitsHoldOverProcesses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	clock := func() time.Time { return now }
	shared := &away{LRU: cache.NewLRU(cache.LRUOptions{Now: clock})}
	one, two := newLimiter("x", 60, 100, shared, clock), newLimiter("x", 60, 100, shared, clock)
	ip := netip.MustParseAddr("203.0.113.7")
	for i := range 60 {
		if err := []*limiter{one, two}[i%2].allow(t.Context(), ip); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	for _, l := range []*limiter{one, two} {
		if err := l.allow(t.Context(), ip); !errors.Is(err, fault.Limited) {
			t.Errorf("beyond the limit: %v", err)
		}
	}
	if err := newLimiter("y", 60, 100, shared, clock).allow(t.Context(), ip); err != nil {
		t.Errorf("another budget: %v", err)
	}
	shared.down.Store(true) // each for itself, but still bounded
	for i := range 61 {
		if err := one.allow(t.Context(), ip); (err != nil) != (i == 60) {
			t.Errorf("request %d without the cache: %v", i, err)
		}
	}
}

func TestIdempotencyHoldsOverProcesses(t *testing.T) {
	t.Parallel()
	shared := &away{LRU: cache.NewLRU(cache.LRUOptions{})}
	one, two := newOnce(10, shared, time.Now), newOnce(10, shared, time.Now)
	var runs atomic.Int64
	do := func(o once, key, body string) (string, bool, error) {
		_, answer, replayed, err := o.do(t.Context(), idempotencyKey{"t", "u", key}, []byte(body), func() (int, []byte, error) {
			runs.Add(1)
			return 201, []byte("made"), nil
		})
		return string(answer), replayed, err
	}
	if a, replayed, err := do(one, "k", "b"); a != "made" || replayed || err != nil {
		t.Fatal(a, replayed, err)
	}
	if a, replayed, err := do(two, "k", "b"); a != "made" || !replayed || err != nil {
		t.Fatal("the repeat at another process:", a, replayed, err)
	}
	if _, _, err := do(two, "k", "other"); !errors.Is(err, fault.Invalid) {
		t.Errorf("another request with the key: %v", err)
	}
	if runs.Load() != 1 {
		t.Errorf("done %d times", runs.Load())
	}

	// One that runs makes the others wait, wherever they come.
	begun, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, _, err := one.do(t.Context(), idempotencyKey{"t", "u", "slow"}, nil, func() (int, []byte, error) {
			close(begun)
			<-end
			return 201, nil, errors.New("failed")
		})
		if err == nil {
			t.Error("a failure was kept")
		}
	})
	<-begun
	if _, _, err := do(two, "slow", ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("while the first runs: %v", err)
	}
	close(end)
	wg.Wait()
	if _, replayed, err := do(two, "slow", ""); replayed || err != nil {
		t.Errorf("after a failure: %v %v", replayed, err)
	}

	shared.down.Store(true)
	before := runs.Load()
	if _, _, err := do(two, "k2", "b"); !errors.Is(err, fault.Unavailable) || runs.Load() != before {
		t.Errorf("done although nobody could tell whether it was: %v", err)
	}
	if _, _, err := do(two, "", "b"); err != nil {
		t.Errorf("without a key: %v", err)
	}
}

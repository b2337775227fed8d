package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

func newTiered(t testing.TB, shared cache.Cache, opt cache.TieredOptions) *cache.Tiered {
	t.Helper()
	c, err := cache.NewTiered(shared, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTiered(t *testing.T) {
	t.Parallel()
	cachetest.Run(t, func(t testing.TB) (cache.Cache, func(time.Duration)) {
		now := time.Unix(1000, 0)
		clock := func() time.Time { return now }
		shared := cache.NewLRU(cache.LRUOptions{Now: clock})
		return newTiered(t, shared, cache.TieredOptions{Now: clock, ProcessTTL: time.Minute}), func(d time.Duration) { now = now.Add(d) }
	})
	if _, err := cache.NewTiered(nil, cache.TieredOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a shared cache: %v", err)
	}
}

func value(val string, ttl time.Duration) func(context.Context) ([]byte, time.Duration, error) {
	return func(context.Context) ([]byte, time.Duration, error) { return []byte(val), ttl, nil }
}

func TestTieredReadsThroughAndCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := sdk.NewManualReader()
		meters := sdk.NewMeterProvider(sdk.WithReader(reader))
		shared := cache.NewLRU(cache.LRUOptions{})
		a := newTiered(t, shared, cache.TieredOptions{Name: "films", Meters: meters})
		b := newTiered(t, shared, cache.TieredOptions{})
		load := func(c *cache.Tiered, fn func(context.Context) ([]byte, time.Duration, error)) {
			t.Helper()
			if val, err := c.Load(t.Context(), "k", fn); err != nil || string(val) != "v" {
				t.Errorf("Load: %q, %v", val, err)
			}
		}
		never := func(context.Context) ([]byte, time.Duration, error) {
			t.Error("loaded what is there")
			return nil, 0, nil
		}
		load(a, value("v", time.Hour))
		load(a, never)
		load(b, never)
		time.Sleep(3 * time.Second) // beyond what a process remembers
		load(a, never)
		if got, want := a.Stats(cache.AtProcess), (cache.Stats{Hits: 1, Misses: 2}); got != want {
			t.Errorf("in the process %+v, want %+v", got, want)
		}
		if got, want := a.Stats(cache.AtShared), (cache.Stats{Hits: 1, Misses: 1}); got != want {
			t.Errorf("in the shared cache %+v, want %+v", got, want)
		}
		if got, want := a.Stats(cache.Overall), (cache.Stats{Hits: 2, Misses: 1}); got != want {
			t.Errorf("overall %+v, want %+v", got, want)
		}
		var out metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		m := out.ScopeMetrics[0].Metrics[0]
		got := map[string]int64{}
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			label := func(k attribute.Key) string { v, _ := p.Attributes.Value(k); return v.AsString() }
			got[label("cache")+" "+label("level")+" "+label("outcome")] = p.Value
		}
		if fmt.Sprint(got) != "map[films overall hit:2 films overall miss:1 films process hit:1 films process miss:2 films shared hit:1 films shared miss:1]" || m.Name != "streamgate.cache.requests" {
			t.Errorf("%s: %v", m.Name, got)
		}
	})
}

// The bound on this process's memory is never longer than the value's own life.
func TestTieredForgetsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := cache.NewLRU(cache.LRUOptions{})
		a, b := newTiered(t, shared, cache.TieredOptions{}), newTiered(t, shared, cache.TieredOptions{})
		if _, err := a.Load(t.Context(), "k", value("v", 3*time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2500 * time.Millisecond)
		if val, ok, err := b.Get(t.Context(), "k"); !ok || string(val) != "v" || err != nil {
			t.Errorf("before its end: %q, %v, %v", val, ok, err)
		}
		time.Sleep(time.Second)
		for _, c := range []*cache.Tiered{a, b} {
			if val, ok, err := c.Get(t.Context(), "k"); ok || err != nil {
				t.Errorf("after its end: %q, %v, %v", val, ok, err)
			}
		}
		// A change made elsewhere is seen after the bound.
		for _, val := range []string{"old", "new"} {
			if err := a.Set(t.Context(), "k", []byte(val), time.Hour); err != nil {
				t.Fatal(err)
			}
			b.Get(t.Context(), "k")
		}
		time.Sleep(2 * time.Second)
		if val, _, _ := b.Get(t.Context(), "k"); string(val) != "new" {
			t.Errorf("two seconds after a change: %q", val)
		}
	})
}

func TestAStampedeOfProcessesMakesOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := cache.NewLRU(cache.LRUOptions{})
		var calls atomic.Int64
		var wg sync.WaitGroup
		for range 5 {
			c := newTiered(t, shared, cache.TieredOptions{})
			for range 200 {
				wg.Go(func() {
					val, err := c.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
						calls.Add(1)
						time.Sleep(time.Second)
						return []byte("v"), time.Minute, nil
					})
					if err != nil || string(val) != "v" {
						t.Errorf("Load: %q, %v", val, err)
					}
				})
			}
		}
		wg.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls of five processes, want 1", n)
		}
	})
}

// Nobody hangs because a process died, failed or keeps nothing while it held the claim.
func TestAHolderThatDoesNotFill(t *testing.T) {
	t.Parallel()
	t.Run("dead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			shared := cache.NewLRU(cache.LRUOptions{})
			if held, err := shared.Claim(t.Context(), "k", "the dead", time.Hour); !held || err != nil {
				t.Fatal(held, err)
			}
			start := time.Now()
			val, err := newTiered(t, shared, cache.TieredOptions{Wait: time.Second}).Load(t.Context(), "k", value("v", time.Minute))
			if took := time.Since(start); err != nil || string(val) != "v" || took != time.Second {
				t.Errorf("Load: %q, %v, after %v", val, err, took)
			}
		})
	})
	t.Run("failing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			shared := cache.NewLRU(cache.LRUOptions{})
			a, b := newTiered(t, shared, cache.TieredOptions{}), newTiered(t, shared, cache.TieredOptions{})
			down := fault.New(fault.Unavailable, "test", "the chain is down")
			go func() {
				_, err := a.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
					time.Sleep(500 * time.Millisecond)
					return nil, 0, down
				})
				if !errors.Is(err, down) {
					t.Errorf("the failing load: %v", err)
				}
			}()
			synctest.Wait()
			start := time.Now()
			val, err := b.Load(t.Context(), "k", value("v", time.Minute))
			if took := time.Since(start); err != nil || string(val) != "v" || took > time.Second {
				t.Errorf("Load: %q, %v, after %v", val, err, took)
			}
			a.Wait()
		})
	})
}

func TestTieredWithoutItsSharedCache(t *testing.T) {
	t.Parallel()
	var told, calls atomic.Int64
	c := newTiered(t, brokenCache{fault.New(fault.Unavailable, "test", "down")}, cache.TieredOptions{
		OnCacheError: func(context.Context, string, error) { told.Add(1) },
	})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			val, err := c.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
				calls.Add(1)
				return []byte("v"), time.Minute, nil
			})
			if err != nil || string(val) != "v" {
				t.Errorf("Load: %q, %v", val, err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 1 || told.Load() == 0 || c.Stats(cache.AtShared).Failed == 0 {
		t.Errorf("%d calls, told %d times, %+v", calls.Load(), told.Load(), c.Stats(cache.AtShared))
	}
	if _, _, err := c.Get(t.Context(), "other"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Get: %v, want the shared cache's error", err)
	}
	for name, err := range map[string]error{"Set": c.Set(t.Context(), "k", []byte("w"), time.Hour), "Delete": c.Delete(t.Context(), "k")} {
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want the shared cache's error", name, err)
		}
	}
	if val, err := c.Load(t.Context(), "k", value("fresh", 0)); err != nil || string(val) != "fresh" {
		t.Errorf("after a failed Delete this process still says %q, %v", val, err)
	}
}

func TestSharedDropsWhatIsNotAccepted(t *testing.T) {
	t.Parallel()
	c := cache.NewLRU(cache.LRUOptions{})
	s := cache.NewShared(c, cache.SharedOptions{})
	if err := c.Set(t.Context(), "k", []byte("poison"), time.Hour); err != nil {
		t.Fatal(err)
	}
	accept := func(val []byte) bool { return string(val) != "poison" }
	if val, err := s.Load(t.Context(), "k", accept, value("v", time.Hour)); err != nil || string(val) != "v" {
		t.Errorf("Load: %q, %v", val, err)
	}
	if val, _, _ := c.Get(t.Context(), "k"); string(val) != "v" {
		t.Errorf("the cache keeps %q", val)
	}
	if val, err := s.Load(t.Context(), "k", accept, nil); err != nil || string(val) != "v" {
		t.Errorf("Load again: %q, %v", val, err)
	}
}

func TestInvalidateReachesEveryProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared, bus := cache.NewLRU(cache.LRUOptions{}), event.NewMemory(event.Options{})
		opt := cache.TieredOptions{Name: "films", Events: bus, ProcessTTL: time.Hour}
		a, b := newTiered(t, shared, opt), newTiered(t, shared, opt)
		other := newTiered(t, cache.NewLRU(cache.LRUOptions{}), cache.TieredOptions{ProcessTTL: time.Hour})
		for _, c := range []*cache.Tiered{a, b, other} {
			cancel, err := c.Follow(bus)
			if err != nil {
				t.Fatal(err)
			}
			defer cancel()
			if _, err := c.Load(t.Context(), "k", value("old", time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		// A load that has read what is now out of date, and will store it everywhere.
		release, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			b.Load(t.Context(), "late", func(context.Context) ([]byte, time.Duration, error) {
				<-release
				return []byte("stale"), time.Hour, nil
			})
		}()
		synctest.Wait()
		for _, key := range []string{"k", "late"} {
			if err := a.Invalidate(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		close(release)
		<-done
		for _, key := range []string{"k", "late"} {
			for name, c := range map[string]*cache.Tiered{"who asked": a, "the other": b} {
				if val, ok, err := c.Get(t.Context(), key); ok || err != nil {
					t.Errorf("%s still has %s: %q, %v", name, key, val, err)
				}
			}
		}
		if val, ok, _ := other.Get(t.Context(), "k"); !ok || string(val) != "old" {
			t.Error("another cache lost its entry")
		}
		if err := bus.Publish(t.Context(), event.Event{Topic: cache.DropTopic, Key: "k", Data: []byte("nonsense")}); err != nil {
			t.Fatal(err)
		}
		if err := bus.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if dead, _ := bus.DeadLetters(t.Context(), 10); len(dead) > 0 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}

func ExampleNewTiered() {
	ctx := context.Background()
	shared := cache.NewLRU(cache.LRUOptions{}) // of drivers/redis, where there is more than one process
	c, err := cache.NewTiered(shared, cache.TieredOptions{Name: "films"})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		val, err := c.Load(ctx, "k", func(context.Context) ([]byte, time.Duration, error) {
			fmt.Println("loading")
			return []byte("v"), time.Minute, nil
		})
		fmt.Printf("%s %v\n", val, err)
	}
	fmt.Printf("%+v\n", c.Stats(cache.Overall))
	// Output:
	// loading
	// v <nil>
	// v <nil>
	// {Hits:1 Misses:1 Joined:0 Failed:0}
}

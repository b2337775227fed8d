package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

func TestLRU(t *testing.T) {
	t.Parallel()
	newLRU := func(testing.TB) (cache.Cache, func(time.Duration)) {
		now := time.Unix(1000, 0)
		return cache.NewLRU(cache.LRUOptions{Now: func() time.Time { return now }}), func(d time.Duration) { now = now.Add(d) }
	}
	cachetest.Run(t, newLRU)
	cachetest.RunClaimer(t, newLRU)
	cachetest.RunLimiter(t, newLRU)
	cachetest.RunUpdater(t, newLRU)
}

func TestLRUIsBounded(t *testing.T) {
	t.Parallel()
	const room, size = 1 << 20, 10_000
	c := cache.NewLRU(cache.LRUOptions{MaxBytes: room})
	for i := range 1000 {
		if err := c.Set(t.Context(), fmt.Sprint(i), make([]byte, size), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	for i := range 1000 {
		if _, ok, _ := c.Get(t.Context(), fmt.Sprint(i)); ok {
			kept++
		}
	}
	if kept*size > room || kept*size < room/2 {
		t.Errorf("%d values of %d bytes are kept in %d", kept, size, room)
	}
}

func ExampleNewLRU() {
	ctx := context.Background()
	c := cache.NewLRU(cache.LRUOptions{MaxBytes: 1 << 20})
	if err := c.Set(ctx, "k", []byte("v"), time.Minute); err != nil {
		log.Fatal(err)
	}
	val, ok, err := c.Get(ctx, "k")
	fmt.Printf("%s %v %v\n", val, ok, err)
	// Output: v true <nil>
}

func ExampleNewLoader() {
	ctx := context.Background()
	l := cache.NewLoader(cache.NewLRU(cache.LRUOptions{}), cache.LoaderOptions{})
	for range 2 {
		val, err := l.Load(ctx, "k", func(context.Context) ([]byte, time.Duration, error) {
			fmt.Println("loading")
			return []byte("v"), time.Minute, nil
		})
		fmt.Printf("%s %v\n", val, err)
	}
	// Output:
	// loading
	// v <nil>
	// v <nil>
}

func newLoader(opt cache.LoaderOptions) (*cache.Loader, *cache.LRU) {
	c := cache.NewLRU(cache.LRUOptions{})
	return cache.NewLoader(c, opt), c
}

func TestTenThousandMissesMakeOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLoader(cache.LoaderOptions{})
		var calls atomic.Int64
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 10_000 {
			wg.Go(func() {
				val, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
					calls.Add(1)
					<-release
					return []byte("v"), time.Minute, nil
				})
				if err != nil || string(val) != "v" {
					t.Errorf("Load: %q, %v", val, err)
				}
			})
		}
		synctest.Wait() // all of them wait
		close(release)
		wg.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// The same without a bubble: callers come as they do, some after the call has ended.
func TestAStampedeMakesOneCall(t *testing.T) {
	t.Parallel()
	l, _ := newLoader(cache.LoaderOptions{})
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 10_000 {
		wg.Go(func() {
			l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
				calls.Add(1)
				runtime.Gosched()
				return []byte("v"), time.Minute, nil
			})
		})
	}
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestACallerHangingUpFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLoader(cache.LoaderOptions{})
		type key struct{}
		first, hangUp := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		release := make(chan struct{})
		load := func(ctx context.Context) ([]byte, time.Duration, error) {
			<-release
			if ctx.Value(key{}) != "value" {
				t.Error("the call does not see the first caller's values")
			}
			return []byte("v"), time.Minute, ctx.Err()
		}
		errs := make(chan error, 2)
		go func() {
			_, err := l.Load(first, "k", load)
			errs <- err
		}()
		synctest.Wait()
		go func() {
			_, err := l.Load(t.Context(), "k", load)
			errs <- err
		}()
		synctest.Wait()
		hangUp()
		if err := <-errs; !errors.Is(err, fault.Canceled) {
			t.Errorf("the caller who hung up: %v, want kind canceled", err)
		}
		close(release)
		if err := <-errs; err != nil {
			t.Errorf("the other caller: %v", err)
		}
		if _, err := l.Load(first, "k2", load); !errors.Is(err, fault.Canceled) {
			t.Errorf("a caller who hung up before: %v, want kind canceled", err)
		}
		l.Wait()
	})
}

func TestErrorsAreSharedAndNotKept(t *testing.T) {
	t.Parallel()
	l, c := newLoader(cache.LoaderOptions{})
	broken := fault.New(fault.Unavailable, "test", "the chain is down")
	for range 2 { // the second call is made, too
		asked := false
		_, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
			asked = true
			return []byte("half"), time.Minute, broken
		})
		if !errors.Is(err, fault.Unavailable) || !asked {
			t.Errorf("Load: %v, asked %v", err, asked)
		}
	}
	for _, ttl := range []time.Duration{0, -1} {
		val, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), ttl, nil })
		if err != nil || string(val) != "v" {
			t.Errorf("Load of a value not to be kept: %q, %v", val, err)
		}
	}
	if _, ok, _ := c.Get(t.Context(), "k"); ok {
		t.Error("something was kept")
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	l, _ := newLoader(cache.LoaderOptions{})
	for name, load := range map[string]func(context.Context) ([]byte, time.Duration, error){
		"panic":  func(context.Context) ([]byte, time.Duration, error) { panic("boom") },
		"goexit": func(context.Context) ([]byte, time.Duration, error) { runtime.Goexit(); return nil, 0, nil },
	} {
		if _, err := l.Load(t.Context(), "k", load); !errors.Is(err, fault.Internal) {
			t.Errorf("%s: %v, want kind internal", name, err)
		}
	}
	if val, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), 0, nil }); err != nil || string(val) != "v" {
		t.Errorf("afterwards: %q, %v", val, err)
	}
}

func TestSlowCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLoader(cache.LoaderOptions{Timeout: 3 * time.Second})
		start := time.Now()
		_, err := l.Load(t.Context(), "k", func(ctx context.Context) ([]byte, time.Duration, error) {
			<-ctx.Done()
			return nil, 0, ctx.Err()
		})
		if !errors.Is(err, fault.Unavailable) || time.Since(start) != 3*time.Second {
			t.Errorf("a call that heeds its context: %v after %v, want kind unavailable after 3s", err, time.Since(start))
		}
		stuck := make(chan struct{})
		start = time.Now()
		_, err = l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
			<-stuck
			return []byte("late"), time.Minute, nil
		})
		if !errors.Is(err, fault.Unavailable) || time.Since(start) != 3*time.Second {
			t.Errorf("a call that does not: %v after %v, want kind unavailable after 3s", err, time.Since(start))
		}
		fresh := func(context.Context) ([]byte, time.Duration, error) { return []byte("fresh"), time.Minute, nil }
		if val, err := l.Load(t.Context(), "k", fresh); err != nil || string(val) != "fresh" {
			t.Errorf("the next call: %q, %v", val, err)
		}
		close(stuck)
		l.Wait()
		if val, err := l.Load(t.Context(), "k", fresh); err != nil || string(val) != "fresh" {
			t.Errorf("after the stuck call ended: %q, %v", val, err)
		}
	})
}

func TestInvalidateOutrunsARunningLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, c := newLoader(cache.LoaderOptions{})
		release, old := make(chan struct{}), make(chan string)
		go func() {
			val, _ := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
				<-release
				return []byte("stale"), time.Minute, nil
			})
			old <- string(val)
		}()
		synctest.Wait()
		if err := l.Invalidate(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		val, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return []byte("new"), time.Minute, nil })
		if err != nil || string(val) != "new" {
			t.Errorf("Load after Invalidate: %q, %v", val, err)
		}
		close(release)
		if got := <-old; got != "stale" {
			t.Errorf("who waited before gets %q", got)
		}
		l.Wait()
		if val, ok, _ := c.Get(t.Context(), "k"); !ok || string(val) != "new" {
			t.Errorf("kept: %q, %v, want the new value", val, ok)
		}
	})
}

type brokenCache struct{ err error }

func (b brokenCache) Get(context.Context, string) ([]byte, bool, error)        { return nil, false, b.err }
func (b brokenCache) Set(context.Context, string, []byte, time.Duration) error { return b.err }
func (b brokenCache) Delete(context.Context, string) error                     { return b.err }

func TestABrokenCacheCostsOnlyTime(t *testing.T) {
	t.Parallel()
	down := fault.New(fault.Unavailable, "test", "down")
	var told atomic.Int64
	l := cache.NewLoader(brokenCache{down}, cache.LoaderOptions{OnCacheError: func(_ context.Context, key string, err error) {
		if key != "k" || !errors.Is(err, down) {
			t.Errorf("told of %q, %v", key, err)
		}
		told.Add(1)
	}})
	val, err := l.Load(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), time.Minute, nil })
	if err != nil || string(val) != "v" || told.Load() != 3 {
		t.Errorf("Load: %q, %v, told %d times", val, err, told.Load())
	}
	if err := l.Invalidate(t.Context(), "k"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Invalidate: %v, want the cache's error", err)
	}
}

func TestFlightOfAnyType(t *testing.T) {
	t.Parallel()
	var f cache.Flight[int, bool]
	for i := range 4 {
		got, err := f.Do(t.Context(), i, func(context.Context) (bool, error) { return i%2 == 0, nil })
		if err != nil || got != (i%2 == 0) {
			t.Errorf("Do(%d): %v, %v", i, got, err)
		}
	}
	f.Wait()
}

func BenchmarkLRUGet(b *testing.B) {
	c := cache.NewLRU(cache.LRUOptions{})
	c.Set(b.Context(), "k", bytes.Repeat([]byte("v"), 100), time.Hour)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		c.Get(ctx, "k")
	}
}

func BenchmarkLoaderHit(b *testing.B) {
	l, c := newLoader(cache.LoaderOptions{})
	c.Set(b.Context(), "k", []byte("v"), time.Hour)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		l.Load(ctx, "k", nil)
	}
}

func BenchmarkLoaderMiss(b *testing.B) {
	l, _ := newLoader(cache.LoaderOptions{})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		l.Load(ctx, "k", func(context.Context) ([]byte, time.Duration, error) { return nil, 0, nil })
	}
}

package cachetest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

// flawed is an LRU of which one power is broken.
type flawed struct {
	*cache.LRU
	claim   func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error)
	release func(ctx context.Context, key, owner string) error
	take    func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error)
	update  func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error
}

func (f *flawed) Claim(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
	if f.claim != nil {
		return f.claim(ctx, key, owner, ttl)
	}
	return f.LRU.Claim(ctx, key, owner, ttl)
}

func (f *flawed) Release(ctx context.Context, key, owner string) error {
	if f.release != nil {
		return f.release(ctx, key, owner)
	}
	return f.LRU.Release(ctx, key, owner)
}

func (f *flawed) Take(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
	if f.take != nil {
		return f.take(ctx, key, burst, every)
	}
	return f.LRU.Take(ctx, key, burst, every)
}

func (f *flawed) Update(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
	if f.update != nil {
		return f.update(ctx, key, ttl, change)
	}
	return f.LRU.Update(ctx, key, ttl, change)
}

func TestPowerSuitesFailOnBrokenCaches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(f *flawed, l *cache.LRU)
		caught  string
	}{
		"everybody holds": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				_, err := l.Claim(ctx, key, owner, ttl)
				return err == nil, err
			}
		}, "one holder at a time"},
		"a claim looks, then takes": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				if held, err := l.Claim(ctx, key, "look", time.Nanosecond); err != nil || !held {
					return false, err
				}
				runtime.Gosched()
				time.Sleep(time.Millisecond)
				l.Release(ctx, key, "look")
				l.Set(ctx, "claim/"+key, []byte(owner), ttl)
				return true, nil
			}
		}, "of many claimants one holds"},
		"claims last": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				return l.Claim(ctx, key, owner, max(ttl, min(ttl*1000, time.Hour)))
			}
		}, "a claim ends with its time"},
		"a holder does not extend": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				if held, _, _ := l.Get(ctx, "holder/"+key); string(held) == owner && owner != "" {
					return true, nil
				}
				l.Set(ctx, "holder/"+key, []byte(owner), time.Hour)
				return l.Claim(ctx, key, owner, ttl)
			}
		}, "a holder extends"},
		"anybody releases": {func(f *flawed, l *cache.LRU) {
			f.release = func(ctx context.Context, key, _ string) error {
				for _, owner := range []string{"a", "b"} {
					if err := l.Release(ctx, key, owner); err != nil {
						return err
					}
				}
				return nil
			}
		}, "one holder at a time"},
		"a claim is a value": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				if old, ok, err := l.Get(ctx, key); err != nil || ok && string(old) != owner {
					return false, err
				}
				return true, l.Set(ctx, key, []byte(owner), ttl)
			}
		}, "claims and values are apart"},
		"nobody may hold": {func(f *flawed, l *cache.LRU) {
			f.claim = func(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
				if owner == "" {
					owner = "nobody"
				}
				return l.Claim(ctx, key, owner, max(ttl, time.Second))
			}
		}, "bad claims"},
		"one burst for all keys": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, _ string, burst int, every time.Duration) (time.Duration, error) {
				return l.Take(ctx, "", burst, every)
			}
		}, "a burst, then a wait"},
		"never refills": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
				wait, err := l.Take(ctx, key, burst, min(every*1000, cache.MaxRefill/time.Duration(max(burst, 1))))
				return min(wait, every), err
			}
		}, "one more at each turn"},
		"a refusal costs": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
				wait, err := l.Take(ctx, key, burst, every)
				if wait > 0 {
					l.Take(ctx, key, burst+1, every)
				}
				return wait, err
			}
		}, "a refusal takes nothing"},
		"one beyond the burst": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
				if burst < 1 {
					return l.Take(ctx, key, burst, every)
				}
				return l.Take(ctx, key, burst+1, every)
			}
		}, "of many takers only the burst gets"},
		"saves beyond the burst": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
				wait, err := l.Take(ctx, key, burst, every)
				if wait > 0 {
					return l.Take(ctx, key+"/saved", 1, every)
				}
				return wait, err
			}
		}, "a bucket holds no more than its burst"},
		"no bucket is bad": {func(f *flawed, l *cache.LRU) {
			f.take = func(ctx context.Context, key string, burst int, every time.Duration) (time.Duration, error) {
				return l.Take(ctx, key, max(burst, 1), max(every, 1))
			}
		}, "bad buckets"},
		"update looks, then sets": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				old, _, err := l.Get(ctx, key)
				if err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
				val, err := change(old)
				if err != nil {
					return err
				}
				return l.Set(ctx, key, val, ttl)
			}
		}, "concurrent updates all count"},
		"update sees nothing": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				return l.Update(ctx, key, ttl, func([]byte) ([]byte, error) { return change(nil) })
			}
		}, "update sees and sets the value"},
		"update keeps on an error": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				var mine error
				err := l.Update(ctx, key, ttl, func(old []byte) (val []byte, err error) {
					val, mine = change(old)
					return val, nil
				})
				return errors.Join(err, mine)
			}
		}, "an error of change changes nothing"},
		"update keeps nil": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				return l.Update(ctx, key, ttl, func(old []byte) ([]byte, error) {
					val, err := change(old)
					return append([]byte{}, val...), err
				})
			}
		}, "a nil result drops the key"},
		"update keeps for ever": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				if ttl > 0 {
					ttl = time.Hour
				}
				return l.Update(ctx, key, ttl, change)
			}
		}, "an updated value expires"},
		"update ignores the context": {func(f *flawed, l *cache.LRU) {
			f.update = func(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
				return l.Update(context.WithoutCancel(ctx), key, ttl, change)
			}
		}, "update under an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := cachetest.FailingPowers(t, func(testing.TB) (cache.Cache, func(time.Duration)) {
				now := time.Unix(1000, 0)
				lru := cache.NewLRU(cache.LRUOptions{Now: func() time.Time { return now }})
				f := &flawed{LRU: lru}
				c.breakIt(f, lru)
				return f, func(d time.Duration) { now = now.Add(d) }
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suites do not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
	t.Run("without the powers", func(t *testing.T) {
		t.Parallel()
		failing := cachetest.FailingPowers(t, func(testing.TB) (cache.Cache, func(time.Duration)) {
			return &broken{Cache: cache.NewLRU(cache.LRUOptions{})}, func(time.Duration) {}
		})
		if len(failing) != 18 {
			t.Errorf("only %d checks of 18 fail", len(failing))
		}
	})
}

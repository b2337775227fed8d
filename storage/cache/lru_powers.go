package cache

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/streamgate/streamgate/fault"
)

var (
	_ Claimer = (*LRU)(nil)
	_ Limiter = (*LRU)(nil)
	_ Updater = (*LRU)(nil)
)

// Claim implements Claimer.
func (l *LRU) Claim(ctx context.Context, key, owner string, ttl time.Duration) (held bool, err error) {
	const op = "cache.Claim"
	if err := ctx.Err(); err != nil {
		return false, fault.Wrap(fault.Canceled, op, err)
	}
	if err := CheckClaim(op, owner, ttl); err != nil {
		return false, err
	}
	l.c.Compute(lruKey{claims, key}, func(old lruEntry, found bool) (lruEntry, otter.ComputeOp) {
		if found && l.now().Before(old.expires) && string(old.val) != owner {
			held = false
			return old, otter.CancelOp
		}
		held = true
		return l.entry([]byte(owner), ttl), otter.WriteOp
	})
	return held, nil
}

// Release implements Claimer.
func (l *LRU) Release(ctx context.Context, key, owner string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "cache.Release", err)
	}
	l.c.Compute(lruKey{claims, key}, func(old lruEntry, found bool) (lruEntry, otter.ComputeOp) {
		if !found || string(old.val) != owner {
			return old, otter.CancelOp
		}
		return old, otter.InvalidateOp
	})
	return nil
}

// Take implements Limiter.
func (l *LRU) Take(ctx context.Context, key string, burst int, every time.Duration) (wait time.Duration, err error) {
	const op = "cache.Take"
	if err := ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Canceled, op, err)
	}
	if err := CheckTake(op, burst, every); err != nil {
		return 0, err
	}
	l.c.Compute(lruKey{buckets, key}, func(old lruEntry, found bool) (lruEntry, otter.ComputeOp) {
		now := l.now()
		full := now
		if found && old.expires.After(now) {
			full = old.expires
		}
		if wait = full.Sub(now) - time.Duration(burst-1)*every; wait > 0 {
			return old, otter.CancelOp
		}
		wait = 0
		return lruEntry{expires: full.Add(every)}, otter.WriteOp
	})
	return wait, nil
}

// Update implements Updater. change runs outside of any lock and may use the cache.
func (l *LRU) Update(ctx context.Context, key string, ttl time.Duration, change func(old []byte) ([]byte, error)) error {
	k := lruKey{values, key}
	for {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, "cache.Update", err)
		}
		seen, there := l.c.GetIfPresent(k)
		var old []byte
		if there && l.now().Before(seen.expires) {
			if old = seen.val; old == nil {
				old = []byte{}
			}
		}
		val, err := change(old)
		if err != nil {
			return err
		}
		done := false
		l.c.Compute(k, func(cur lruEntry, found bool) (lruEntry, otter.ComputeOp) {
			if done = found == there && cur.seq == seen.seq; !done {
				return cur, otter.CancelOp
			}
			if val == nil || ttl <= 0 || !l.fits(key, val) {
				return cur, otter.InvalidateOp
			}
			return l.entry(val, ttl), otter.WriteOp
		})
		if done {
			return nil
		}
	}
}

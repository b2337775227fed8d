package redis

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// Cache is the cache.Cache of a Client, with every power. Its promises are those of the
// interfaces. A value larger than Options.MaxValue is not stored. A call that failed may take effect late, so
// who must know that a key is gone deletes it again.
type Cache struct{ c *Client }

var (
	_ cache.Cache   = (*Cache)(nil)
	_ cache.Claimer = (*Cache)(nil)
	_ cache.Limiter = (*Cache)(nil)
	_ cache.Updater = (*Cache)(nil)
)

// Cache returns the cache that c's server keeps.
func (c *Client) Cache() *Cache { return &Cache{c} }

// The spaces of keys. Values begin with a mark, so that a part of one tells it from none.
const (
	values  = "v:"
	claims  = "c:"
	buckets = "b:"
	mark    = "\x01"
)

func (s *Cache) key(space, key string) string { return s.c.opt.Prefix + space + key }

// Get implements cache.Cache.
func (s *Cache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	stored, err := s.get(ctx, "redis.Get", key)
	if err != nil {
		return nil, false, err
	}
	val := s.value(stored)
	return val, val != nil, nil
}

// get returns what is stored under key, cut where it is too large to be a value.
func (s *Cache) get(ctx context.Context, op, key string) (stored string, err error) {
	err = s.c.do(ctx, op, func(ctx context.Context) (err error) {
		// A range bounds what may come, whoever wrote it.
		stored, err = s.c.rdb.GetRange(ctx, s.key(values, key), 0, int64(s.c.opt.MaxValue+len(mark))).Result()
		return err
	})
	return stored, err
}

// value returns the value that is stored, or nil for what is none of ours.
func (s *Cache) value(stored string) []byte {
	if val, ok := strings.CutPrefix(stored, mark); ok && len(val) <= s.c.opt.MaxValue {
		return append([]byte{}, val...)
	}
	return nil
}

// Set implements cache.Cache.
func (s *Cache) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	if ttl < time.Millisecond || len(val) > s.c.opt.MaxValue {
		return s.del(ctx, "redis.Set", key)
	}
	return s.c.do(ctx, "redis.Set", func(ctx context.Context) error {
		return s.c.rdb.Do(ctx, "SET", s.key(values, key), mark+string(val), "PX", ttl.Milliseconds()).Err()
	})
}

// Delete implements cache.Cache.
func (s *Cache) Delete(ctx context.Context, key string) error { return s.del(ctx, "redis.Delete", key) }

func (s *Cache) del(ctx context.Context, op, key string) error {
	return s.c.do(ctx, op, func(ctx context.Context) error { return s.c.rdb.Unlink(ctx, s.key(values, key)).Err() })
}

// The steps that are one for the server. Scripts read its clock, so that the clocks of
// the processes do not matter.
var (
	claimScript = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

	releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`)

	// What is kept is when the bucket is full, in microseconds. It cannot be farther away than
	// an empty bucket's, unless the clock was set back or the bucket was larger before.
	takeScript = redis.NewScript(`
local burst, every = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
full = math.min(math.max(full, now), now + burst * every)
local wait = full - now - (burst - 1) * every
if wait > 0 then return wait end
full = full + every
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 0`)

	// An empty argument stands for no value: values are never empty, they have a mark.
	swapScript = redis.NewScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`)
)

func (s *Cache) run(ctx context.Context, op string, script *redis.Script, key string, args ...any) (n int64, err error) {
	err = s.c.do(ctx, op, func(ctx context.Context) (err error) {
		n, err = script.Run(ctx, s.c.rdb, []string{key}, args...).Int64()
		return err
	})
	return n, err
}

// millis rounds up: a claim must not end early.
func millis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// Claim implements cache.Claimer.
func (s *Cache) Claim(ctx context.Context, key, owner string, ttl time.Duration) (held bool, err error) {
	const op = "redis.Claim"
	if err := cache.CheckClaim(op, owner, ttl); err != nil {
		return false, err
	}
	n, err := s.run(ctx, op, claimScript, s.key(claims, key), owner, millis(ttl))
	return n == 1, err
}

// Release implements cache.Claimer.
func (s *Cache) Release(ctx context.Context, key, owner string) error {
	_, err := s.run(ctx, "redis.Release", releaseScript, s.key(claims, key), owner)
	return err
}

// Take implements cache.Limiter, by the server's clock.
func (s *Cache) Take(ctx context.Context, key string, burst int, every time.Duration) (wait time.Duration, err error) {
	const op = "redis.Take"
	if err := cache.CheckTake(op, burst, every); err != nil {
		return 0, err
	}
	micros := (every + time.Microsecond - 1) / time.Microsecond
	n, err := s.run(ctx, op, takeScript, s.key(buckets, key), burst, int64(micros))
	return time.Duration(n) * time.Microsecond, err
}

// maxTries bounds an Update against others of the same key.
const maxTries = 100

// Update implements cache.Updater. When others keep changing the key all the time it
// gives up with fault.Unavailable.
func (s *Cache) Update(ctx context.Context, key string, ttl time.Duration, change func(old []byte) ([]byte, error)) error {
	const op = "redis.Update"
	for try := range maxTries {
		stored, err := s.get(ctx, op, key)
		if err != nil {
			return err
		}
		if len(stored) > s.c.opt.MaxValue+len(mark) {
			// It was cut, so it could not be compared.
			if err := s.del(ctx, op, key); err != nil {
				return err
			}
			continue
		}
		val, err := change(s.value(stored))
		if err != nil {
			return err
		}
		next := ""
		if val != nil && ttl >= time.Millisecond && len(val) <= s.c.opt.MaxValue {
			next = mark + string(val)
		}
		n, err := s.run(ctx, op, swapScript, s.key(values, key), stored, next, ttl.Milliseconds())
		if err != nil || n == 1 {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return fault.Wrap(fault.Canceled, op, err)
		}
	}
	return fault.New(fault.Unavailable, op, "too many change the same entry").After(time.Second)
}

// pause lets others go first: a random time, longer with each try up to 32 ms.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(rand.N(time.Millisecond << min(try, 5)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

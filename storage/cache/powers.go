package cache

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// The powers below are what a cache shared by several processes can also do. They are found
// with As, also through decorators. LRU has them for the callers of one process, drivers/redis for all
// that share a server. As with every entry of a cache what they keep may be lost at any time, by a restart or
// a flush: who uses them must stay right then, only slower or stricter. Claims, buckets and
// values are apart: the same key may name one of each. Errors are those of Cache: an ended ctx is
// fault.Canceled, a server that does not answer fault.Unavailable, and then it is not known
// whether the call had its effect.

// Claimer lets one of many do a thing.
type Claimer interface {
	// Claim makes owner the holder of key for ttl, unless another holds it, and
	// tells whether owner holds it now. Who holds it already extends it to ttl from now.
	// An empty owner or ttl <= 0 is fault.Invalid.
	Claim(ctx context.Context, key, owner string, ttl time.Duration) (held bool, err error)
	// Release gives key up if owner holds it; otherwise it does nothing.
	Release(ctx context.Context, key, owner string) error
}

// Limiter counts what is taken, by the generic cell rate algorithm.
type Limiter interface {
	// Take takes one from the bucket of key, which holds burst and gets one more at
	// each `every`. wait is zero when there was one, else how long until there will
	// be; nothing is taken then. burst < 1 and every <= 0 are fault.Invalid, and so is
	// a bucket that takes longer than MaxRefill to fill.
	Take(ctx context.Context, key string, burst int, every time.Duration) (wait time.Duration, err error)
}

// Updater changes values as one step.
type Updater interface {
	// Update sets key to what change makes of its value, nil when there is none,
	// and keeps it for ttl. No other Update of the key comes in between; change may run
	// again when one did, and does not change the bytes it is given. An error of change leaves
	// the value as it was and is returned as it is. A nil result drops the key, and so does ttl <= 0.
	Update(ctx context.Context, key string, ttl time.Duration, change func(old []byte) ([]byte, error)) error
}

// MaxRefill is the longest that the bucket of a Limiter may take to fill.
const MaxRefill = 365 * 24 * time.Hour

// CheckTake tells whether a bucket is one that a Limiter can keep, or returns fault.Invalid.
func CheckTake(op string, burst int, every time.Duration) error {
	if burst < 1 || every <= 0 || int64(burst) > int64(MaxRefill/every) {
		return fault.Newf(fault.Invalid, op, "a bucket of %d that gets one more each %v cannot be kept", burst, every)
	}
	return nil
}

// CheckClaim tells whether owner can hold something for ttl, or returns fault.Invalid.
func CheckClaim(op, owner string, ttl time.Duration) error {
	if owner == "" || ttl <= 0 {
		return fault.New(fault.Invalid, op, "a claim needs an owner and a time to live")
	}
	return nil
}

// Unwrapper is implemented by decorators, so that As can look beneath them.
type Unwrapper interface{ Unwrap() Cache }

// As finds the first cache in c's chain of decorators that has the power T.
func As[T any](c Cache) (T, bool) {
	for {
		if t, ok := c.(T); ok {
			return t, true
		}
		u, ok := c.(Unwrapper)
		if !ok {
			var zero T
			return zero, false
		}
		c = u.Unwrap()
	}
}

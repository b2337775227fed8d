package cache

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// DropTopic is the topic of the events that tell every process to forget a key. The event's key is
// the cache's, its data {"cache":name}.
const DropTopic = "cache.drop"

// TieredOptions configures a Tiered. The zero value is the documented default.
type TieredOptions struct {
	// Name tells the cache from others in metrics and events (default "default").
	Name string
	// MaxBytes bounds the level in this process (default 64 MiB).
	MaxBytes int64
	// ProcessTTL bounds how long this process answers from its own memory (default 2 s), and so
	// how late it sees a change made elsewhere when no event tells of it.
	ProcessTTL time.Duration
	// Timeout bounds one call of a load function (default DefaultTimeout).
	Timeout time.Duration
	// Wait bounds the wait for another process that loads the same (default 2 s).
	Wait time.Duration
	// Events, when not nil, carries Invalidate to the other processes; they Follow it.
	Events event.Bus
	// OnCacheError is told of errors of the shared cache, which never fail a Load. nil
	// ignores them.
	OnCacheError func(ctx context.Context, key string, err error)
	// Meters counts the answers; nil means the global provider.
	Meters metric.MeterProvider
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Tiered is a Cache of two levels: an LRU in this process over a cache that processes
// share. All methods are safe for concurrent use.
//
// Within this process it keeps the promises of Cache. What another process sets or deletes is
// seen after ProcessTTL at the latest. What it stores in the shared cache is marked with its
// expiry: only another Tiered of the same name should use these entries.
type Tiered struct {
	opt     TieredOptions
	process *LRU
	loader  *Loader // of Load
	reader  *Loader // of Get, which has nothing to load: a Load must not join it
	shared  *Shared
	counts  *Counts
}

var _ Cache = (*Tiered)(nil)

// NewTiered returns a Tiered over shared.
func NewTiered(shared Cache, opt TieredOptions) (*Tiered, error) {
	if shared == nil {
		return nil, fault.New(fault.Invalid, "cache.NewTiered", "a shared cache is required")
	}
	if opt.Name == "" {
		opt.Name = "default"
	}
	if opt.ProcessTTL <= 0 {
		opt.ProcessTTL = 2 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	counts, err := NewCounts(opt.Name, opt.Meters)
	if err != nil {
		return nil, err
	}
	t := &Tiered{opt: opt, counts: counts, process: NewLRU(LRUOptions{MaxBytes: opt.MaxBytes, Now: opt.Now})}
	t.loader = NewLoader(t.process, LoaderOptions{Timeout: opt.Timeout})
	t.reader = NewLoader(t.process, LoaderOptions{Timeout: opt.Timeout})
	t.shared = NewShared(shared, SharedOptions{Wait: opt.Wait, ClaimTTL: opt.Timeout, OnCacheError: opt.OnCacheError, Counts: counts})
	return t, nil
}

// sealed is how an entry is stored in the shared cache: a version byte, the expiry in
// milliseconds of Unix time, the value.
const sealedHeader, sealedVersion = 9, 1

func (t *Tiered) seal(val []byte, ttl time.Duration) []byte {
	b := make([]byte, 0, sealedHeader+len(val))
	b = append(b, sealedVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(t.opt.Now().Add(ttl).UnixMilli()))
	return append(b, val...)
}

// left is how long a sealed entry is still good for, 0 or less for none.
func (t *Tiered) left(sealed []byte) time.Duration {
	if len(sealed) < sealedHeader || sealed[0] != sealedVersion {
		return 0
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(sealed[1:]))).Sub(t.opt.Now())
}

func (t *Tiered) good(sealed []byte) bool { return t.left(sealed) > 0 }

// Load returns the value of key from this process, from the shared cache, or what load
// returns, which it keeps for ttl; ttl <= 0 keeps nothing. Concurrent misses make one call of load in
// this process, under the terms of Flight.Do, and one among all processes as long as the shared
// cache can be reached and is a Claimer. Errors are not cached. Nobody may change the bytes returned.
func (t *Tiered) Load(ctx context.Context, key string, load func(context.Context) (val []byte, ttl time.Duration, err error)) ([]byte, error) {
	val, outcome, err := t.get(ctx, key, load)
	t.counts.Add(ctx, Overall, outcome)
	return val, err
}

func (t *Tiered) get(ctx context.Context, key string, load func(context.Context) ([]byte, time.Duration, error)) ([]byte, Outcome, error) {
	val, ok, err := t.process.Get(ctx, key)
	if err != nil {
		return nil, Failed, err
	}
	if ok {
		t.counts.Add(ctx, AtProcess, Hit)
		return val, Hit, nil
	}
	t.counts.Add(ctx, AtProcess, Miss)
	var outcome atomic.Uint32
	outcome.Store(uint32(Joined)) // unless this call becomes the flight
	val, err = t.loader.miss(ctx, key, func(ctx context.Context, keep func(func())) ([]byte, time.Duration, error) {
		outcome.Store(uint32(Hit))
		sealed, err := t.shared.load(ctx, key, t.good, func(ctx context.Context) ([]byte, time.Duration, error) {
			outcome.Store(uint32(Miss))
			val, ttl, err := load(ctx)
			if err != nil {
				return nil, 0, err
			}
			return t.seal(val, ttl), ttl, nil
		}, keep)
		if err != nil {
			return nil, 0, err
		}
		return sealed[sealedHeader:], min(t.left(sealed), t.opt.ProcessTTL), nil
	})
	if err != nil {
		return nil, Failed, err
	}
	return val, Outcome(outcome.Load()), nil
}

// Get implements Cache. A shared cache that cannot be reached is an error, where Load would
// go on without it.
func (t *Tiered) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if val, ok, err := t.process.Get(ctx, key); ok || err != nil {
		return val, ok, err
	}
	none := errors.New("no value")
	val, err := t.reader.miss(ctx, key, func(ctx context.Context, _ func(func())) ([]byte, time.Duration, error) {
		sealed, ok, err := t.shared.cache.Get(ctx, key)
		if err != nil {
			return nil, 0, err
		}
		if !ok || !t.good(sealed) {
			return nil, 0, none
		}
		return sealed[sealedHeader:], min(t.left(sealed), t.opt.ProcessTTL), nil
	})
	if errors.Is(err, none) {
		return nil, false, nil
	}
	return val, err == nil, err
}

// Set implements Cache. With an error it is not known what the shared cache holds.
func (t *Tiered) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	if ttl <= 0 {
		return t.Delete(ctx, key)
	}
	// Before, so that a load which runs now does not overwrite it; after, so that one which
	// has read the old entry meanwhile does not bring it back.
	t.forget(key)
	err := t.shared.cache.Set(ctx, key, t.seal(val, ttl), ttl)
	t.forget(key)
	if err != nil {
		return errors.Join(err, t.process.Delete(context.WithoutCancel(ctx), key))
	}
	return t.process.Set(ctx, key, val, min(ttl, t.opt.ProcessTTL))
}

// Delete implements Cache. Other processes see it after ProcessTTL; Invalidate tells them at once.
func (t *Tiered) Delete(ctx context.Context, key string) error {
	t.forget(key)
	err := t.shared.cache.Delete(ctx, key)
	t.forget(key)
	return errors.Join(err, t.process.Delete(context.WithoutCancel(ctx), key))
}

// forget keeps what is being read or loaded now from being kept.
func (t *Tiered) forget(key string) {
	t.loader.flight.Forget(key)
	t.reader.flight.Forget(key)
}

type drop struct {
	Cache string `json:"cache"`
}

// Invalidate removes key here, in the shared cache and, by an event, in every process that follows. A
// value whose load began before, here, is not kept after Invalidate has returned nil.
func (t *Tiered) Invalidate(ctx context.Context, key string) error {
	const op = "cache.Invalidate"
	err := t.Delete(ctx, key)
	if t.opt.Events == nil {
		return fault.At(op, err)
	}
	data, jsonErr := json.Marshal(drop{t.opt.Name})
	if jsonErr != nil {
		return fault.Wrap(fault.Internal, op, jsonErr)
	}
	return fault.At(op, errors.Join(err, t.opt.Events.Publish(ctx, event.Event{Topic: DropTopic, Key: key, Data: data})))
}

// Follow drops here what other processes invalidate, until cancel is called. The shared entry is
// deleted once more, because a load of this process may have stored what it read before.
func (t *Tiered) Follow(bus event.Bus) (cancel func(), err error) {
	return bus.Subscribe(DropTopic, func(ctx context.Context, e event.Event) error {
		var d drop
		if err := json.Unmarshal(e.Data, &d); err != nil || d.Cache != t.opt.Name {
			return nil //nolint:nilerr // another cache's, or not to be understood at a later attempt either
		}
		return t.Delete(ctx, e.Key)
	})
}

// Stats returns what was counted at a level. Only Loads count.
func (t *Tiered) Stats(l Level) Stats { return t.counts.Stats(l) }

// Wait returns when nothing is being read or loaded. Call it on shutdown.
func (t *Tiered) Wait() {
	t.loader.Wait()
	t.reader.Wait()
}

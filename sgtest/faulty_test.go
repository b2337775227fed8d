package sgtest_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/sgtest"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// The kit is in the tests of others: it must not bring the chain clients and servers that
// they did not choose.
func TestTheKitIsLight(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, heavy := range []string{"ethereum/go-ethereum", "gagliardetto/solana-go", "minio/minio-go", "ipfs/boxo", "google.golang.org/grpc", "nats-io", "go-redis"} {
		if strings.Contains(string(out), heavy) {
			t.Errorf("it brings %s", heavy)
		}
	}
}

// Without faults a decorator keeps every promise.
func TestDecoratorsAreTransparent(t *testing.T) {
	t.Parallel()
	t.Run("store", func(t *testing.T) {
		storagetest.Run(t, func(testing.TB) storage.Store { return sgtest.NewFaultyStore(mem.New(), sgtest.Faults{}) })
	})
	t.Run("cache", func(t *testing.T) {
		cachetest.Run(t, func(testing.TB) (cache.Cache, func(time.Duration)) {
			now := time.Unix(1000, 0)
			lru := cache.NewLRU(cache.LRUOptions{Now: func() time.Time { return now }})
			return sgtest.NewFaultyCache(lru, sgtest.Faults{}), func(d time.Duration) { now = now.Add(d) }
		})
	})
	t.Run("bus", func(t *testing.T) {
		eventtest.Run(t, func(t testing.TB, c eventtest.Config) event.Bus {
			bus := event.NewMemory(event.Options{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff})
			t.Cleanup(func() {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = bus.Close(ctx)
			})
			return sgtest.NewFaultyBus(bus, sgtest.Faults{})
		})
	})
	t.Run("queue", func(t *testing.T) {
		jobtest.Run(t, func(_ testing.TB, c jobtest.Config) job.Queue {
			return sgtest.NewFaultyQueue(job.NewMemory(job.Options{Backoff: c.Backoff}), sgtest.Faults{})
		})
	})
	t.Run("keys", func(t *testing.T) {
		keystest.Run(t, func(testing.TB) keys.Manager { return sgtest.NewFaultyKeys(keys.NewMemory(), sgtest.Faults{}) })
	})
}

func mustChain(t testing.TB) caip.ChainID {
	t.Helper()
	id, err := caip.ParseChainID(sgtest.ChainID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// calls calls every method once, of back-ends that all have the faults f. Each says what
// came of it, and whether its effect is there.
func calls(t *testing.T, f sgtest.Faults) map[string]struct {
	err   error
	fired int
	done  bool
} {
	t.Helper()
	ctx := t.Context()
	out := map[string]struct {
		err   error
		fired int
		done  bool
	}{}
	note := func(name string, i *sgtest.Injector, err error, done bool) {
		out[name] = struct {
			err   error
			fired int
			done  bool
		}{err, i.Fired(), done}
	}
	objects := mem.New()
	put := sgtest.NewFaultyStore(objects, f)
	_, err := put.Put(ctx, "k", strings.NewReader("x"), storage.PutOptions{})
	_, statErr := objects.Stat(ctx, "k")
	note("store.Put", put.Injector, err, statErr == nil)
	if _, err := objects.Put(ctx, "k", strings.NewReader("x"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(s *sgtest.FaultyStore) error{
		"store.Stat": func(s *sgtest.FaultyStore) error { _, err := s.Stat(ctx, "k"); return err },
		"store.List": func(s *sgtest.FaultyStore) error { _, err := s.List(ctx, "", "", 0); return err },
		"store.Get":  func(s *sgtest.FaultyStore) error { _, err := s.Get(ctx, "k", 0, -1); return err },
	} {
		s := sgtest.NewFaultyStore(objects, f)
		err := call(s)
		note(name, s.Injector, err, err == nil)
	}
	del := sgtest.NewFaultyStore(objects, f)
	err = del.Delete(ctx, "k")
	_, statErr = objects.Stat(ctx, "k")
	note("store.Delete", del.Injector, err, errors.Is(statErr, fault.NotFound))

	lru := cache.NewLRU(cache.LRUOptions{})
	set := sgtest.NewFaultyCache(lru, f)
	err = set.Set(ctx, "k", []byte("x"), time.Minute)
	_, ok, _ := lru.Get(ctx, "k")
	note("cache.Set", set.Injector, err, ok)

	bus := event.NewMemory(event.Options{})
	defer bus.Close(context.WithoutCancel(ctx))
	heard := make(chan struct{}, 1)
	cancel, err := bus.Subscribe("a.b", func(context.Context, event.Event) error { heard <- struct{}{}; return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	pub := sgtest.NewFaultyBus(bus, f)
	err = pub.Publish(ctx, event.Event{Topic: "a.b"})
	told := false
	if f.Error == 0 {
		select {
		case <-heard:
			told = true
		case <-time.After(sgtest.Patience):
		}
	}
	note("bus.Publish", pub.Injector, err, told)

	queue := job.NewMemory(job.Options{})
	q := sgtest.NewFaultyQueue(queue, f)
	err = q.Enqueue(ctx, job.Job{ID: "1", Kind: "k", MaxAttempts: 1})
	stats, _ := queue.Stats(ctx)
	note("queue.Enqueue", q.Injector, err, stats.Waiting == 1)

	ring := keys.NewMemory()
	_, wrapped, err := ring.DataKey(ctx, "s")
	if err != nil {
		t.Fatal(err)
	}
	shred := sgtest.NewFaultyKeys(ring, f)
	err = shred.Shred(ctx, "s")
	_, unwrapErr := ring.Unwrap(ctx, "s", wrapped)
	note("keys.Shred", shred.Injector, err, errors.Is(unwrapErr, fault.NotFound))

	chain := nfttest.NewChain(mustChain(t))
	check := sgtest.NewFaultyVerifier(chain, f)
	_, err = check.Check(ctx, nft.Finality{Tag: "latest"}, nil)
	note("verifier.Check", check.Injector, err, err == nil)
	return out
}

func TestFaults(t *testing.T) {
	t.Parallel()
	reads := map[string]bool{"store.Stat": true, "store.List": true, "store.Get": true, "verifier.Check": true}
	own := errors.New("mine")
	t.Run("none", func(t *testing.T) {
		for name, c := range calls(t, sgtest.Faults{}) {
			if c.err != nil || c.fired != 0 || !c.done {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
	t.Run("errors have no effect", func(t *testing.T) {
		for name, c := range calls(t, sgtest.Faults{Error: 1}) {
			if !errors.Is(c.err, fault.Unavailable) || c.fired != 1 || c.done {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
	t.Run("a lost answer's effect is there", func(t *testing.T) {
		for name, c := range calls(t, sgtest.Faults{Lost: 1, Err: own}) {
			if !errors.Is(c.err, own) || c.fired != 1 || c.done == reads[name] {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
	t.Run("only the methods named", func(t *testing.T) {
		for name, c := range calls(t, sgtest.Faults{Error: 1, Only: []string{"Shred"}}) {
			if struck := name == "keys.Shred"; (c.err != nil) != struck || (c.fired == 1) != struck {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
}

func TestSameSeedSameFaults(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (failed string) {
		s := sgtest.NewFaultyStore(mem.New(), sgtest.Faults{Seed: seed, Error: 0.3})
		for range 100 {
			if _, err := s.List(t.Context(), "", "", 0); err != nil {
				failed += "x"
			} else {
				failed += "."
			}
		}
		if n := strings.Count(failed, "x"); n != s.Fired() || n != s.FiredOn("List") || s.Calls() != 100 || n < 10 || n > 50 {
			t.Errorf("%d of 100 calls failed, %d are said to", n, s.Fired())
		}
		return failed
	}
	if first, again, other := run(1), run(1), run(2); first != again || first == other {
		t.Error("the faults do not follow from the seed")
	}
}

func TestReadersBreak(t *testing.T) {
	t.Parallel()
	s := sgtest.NewFaultyStore(mem.New(), sgtest.Faults{})
	if _, err := s.Put(t.Context(), "k", strings.NewReader("text"), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.Inject(sgtest.Faults{Error: 1, Only: []string{"Read"}})
	if _, err := io.ReadAll(r); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Read: %v", err)
	}
	s.Inject(sgtest.Faults{})
	if b, err := io.ReadAll(r); err != nil || string(b) != "text" {
		t.Errorf("healed: %q, %v", b, err)
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sgtest.NewFaultyStore(mem.New(), sgtest.Faults{Slow: 1, Delay: time.Hour})
		before := time.Now()
		if _, err := s.List(t.Context(), "", "", 0); err != nil || time.Since(before) != time.Hour {
			t.Errorf("after %v: %v", time.Since(before), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.List(ctx, "", "", 0); !errors.Is(err, fault.Canceled) {
			t.Errorf("the context ended first: %v", err)
		}
		if s.Fired() != 2 {
			t.Errorf("%d delays, want 2", s.Fired())
		}
	})
}

func TestDecoratorsUnwrap(t *testing.T) {
	t.Parallel()
	objects, lru := mem.New(), cache.NewLRU(cache.LRUOptions{})
	if got, ok := storage.As[*mem.Store](sgtest.NewFaultyStore(objects, sgtest.Faults{})); !ok || got != objects {
		t.Error("the store does not unwrap")
	}
	if got, ok := cache.As[*cache.LRU](sgtest.NewFaultyCache(lru, sgtest.Faults{})); !ok || got != lru {
		t.Error("the cache does not unwrap")
	}
}

// The platform over a store and a chain that fail: what plays is right, the rest is "we cannot tell".
func TestPlatformOverFaults(t *testing.T) {
	t.Parallel()
	store := sgtest.NewFaultyStore(mem.New(), sgtest.Faults{})
	ring := sgtest.NewFaultyKeys(keys.NewMemory(), sgtest.Faults{})
	kit := sgtest.New(t, streamgate.WithStorage(store), streamgate.WithKeys(ring))
	pass := kit.Collection()
	film := kit.Film(rule.Hold(pass.Asset()))
	kit.Give(kit.Wallet(1), pass)
	fan, stranger := kit.SignIn(kit.Wallet(1)), kit.SignIn(kit.Wallet(2))
	store.Inject(sgtest.Faults{Seed: 1, Error: 0.3})
	ring.Inject(sgtest.Faults{Seed: 2, Error: 0.3})
	for range 20 {
		if v := fan.Play(film); v.Status == 200 {
			_ = v.Watch() // may fail, must not hang
		} else if v.Status != 503 {
			t.Errorf("the holder: %+v", v)
		}
		if v := stranger.Play(film); v.Status != 403 && v.Status != 503 {
			t.Errorf("the stranger: %+v", v)
		}
	}
	store.Inject(sgtest.Faults{})
	ring.Inject(sgtest.Faults{})
	if err := fan.Play(film).Watch(); err != nil {
		t.Errorf("healed: %v", err)
	}
	if store.Fired()+ring.Fired() == 0 {
		t.Error("no fault fired")
	}
}

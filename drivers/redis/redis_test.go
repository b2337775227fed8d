package redis_test

import (
	"context"
	"errors"
	"log"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/streamgate/streamgate/drivers/redis"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is a time-out for tests that are not about it: the machine may be busy.
const patient = 20 * time.Second

func open(t testing.TB, s *servers.Redis, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	opt := redis.Options{Addr: s.Addr, Password: s.Password, Prefix: t.Name() + ":", Timeout: patient}
	for _, fn := range change {
		fn(&opt)
	}
	c, err := redis.Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	newCache := func(t testing.TB) (cache.Cache, func(time.Duration)) {
		return open(t, s).Cache(), time.Sleep
	}
	t.Run("cache", func(t *testing.T) { cachetest.Run(t, newCache) })
	t.Run("claimer", func(t *testing.T) { cachetest.RunClaimer(t, newCache) })
	t.Run("limiter", func(t *testing.T) { cachetest.RunLimiter(t, newCache) })
	t.Run("updater", func(t *testing.T) { cachetest.RunUpdater(t, newCache) })
}

func TestClientsShareAServer(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	a, b := open(t, s).Cache(), open(t, s).Cache()
	other := open(t, s, func(o *redis.Options) { o.Prefix = "elsewhere:" }).Cache()
	ctx := t.Context()
	if err := a.Set(ctx, "k", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := b.Get(ctx, "k"); !ok || string(got) != "v" || err != nil {
		t.Errorf("the other client gets %q, %v, %v", got, ok, err)
	}
	if _, ok, err := other.Get(ctx, "k"); ok || err != nil {
		t.Errorf("another prefix gets it too: %v, %v", ok, err)
	}
	if held, err := a.Claim(ctx, "k", "a", time.Hour); !held || err != nil {
		t.Errorf("first claim: %v, %v", held, err)
	}
	if held, err := b.Claim(ctx, "k", "b", time.Hour); held || err != nil {
		t.Errorf("second claim: %v, %v", held, err)
	}
	got := 0
	for i := range 10 {
		wait, err := []*redis.Cache{a, b}[i%2].Take(ctx, "k", 4, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if wait == 0 {
			got++
		}
	}
	if got != 4 {
		t.Errorf("two clients got %d of a bucket of 4", got)
	}
}

// A flush loses everything and nothing worse: what was kept is not there, what was held
// can be held again, and a late release of the earlier holder does no harm.
func TestFlush(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := open(t, s).Cache()
	ctx := t.Context()
	use := func(owner string) {
		t.Helper()
		if _, ok, err := c.Get(ctx, "k"); ok || err != nil {
			t.Errorf("Get: %v, %v", ok, err)
		}
		if held, err := c.Claim(ctx, "k", owner, time.Hour); !held || err != nil {
			t.Errorf("Claim: %v, %v", held, err)
		}
		if wait, err := c.Take(ctx, "k", 1, time.Hour); wait != 0 || err != nil {
			t.Errorf("Take: %v, %v", wait, err)
		}
		err := c.Update(ctx, "k", time.Hour, func(old []byte) ([]byte, error) {
			if old != nil {
				t.Errorf("change is given %q", old)
			}
			return []byte("v"), nil
		})
		if err != nil {
			t.Errorf("Update: %v", err)
		}
	}
	use("first")
	if err := s.FlushAll(ctx); err != nil {
		t.Fatal(err)
	}
	use("second")
	if err := c.Release(ctx, "k", "first"); err != nil {
		t.Fatal(err)
	}
	if held, err := c.Claim(ctx, "k", "third", time.Hour); held || err != nil {
		t.Errorf("Claim after a late release: %v, %v", held, err)
	}
	// A flush between the two halves of an Update: change runs again on what is there then.
	calls := 0
	err := c.Update(ctx, "k", time.Hour, func(old []byte) ([]byte, error) {
		if calls++; calls == 1 {
			return []byte("w"), s.FlushAll(ctx)
		}
		if old != nil {
			t.Errorf("after the flush change is given %q", old)
		}
		return []byte("x"), nil
	})
	if got, _, _ := c.Get(ctx, "k"); err != nil || calls != 2 || string(got) != "x" {
		t.Errorf("Update: %v, after %d calls, which leaves %q", err, calls, got)
	}
}

// Whoever uses the cache while the server is killed gets fault.Unavailable, and everything
// works again, by itself, after it came back.
func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := open(t, s, func(o *redis.Options) { o.Cooldown = 50 * time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	var using sync.WaitGroup
	for range 4 {
		using.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Cache().Take(ctx, "k", 1, time.Hour); err != nil && !errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
					t.Errorf("Take: %v", err)
				}
				_, _, err := c.Cache().Get(ctx, "k")
				if err != nil && !errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
					t.Errorf("Get: %v", err)
				}
				time.Sleep(time.Millisecond) // a load and not a spin
			}
		})
	}
	for range 3 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Ping of a dead server: %v", err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server is found again", func() bool { return c.Ping(t.Context()) == nil })
	}
	stop()
	using.Wait()
	if held, err := c.Cache().Claim(t.Context(), "k", "a", time.Hour); !held || err != nil {
		t.Errorf("Claim: %v, %v", held, err)
	}
}

// A server that takes connections and does not answer costs its time-out twice.
func TestAFrozenServerCostsLittle(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := open(t, s, func(o *redis.Options) { o.Timeout, o.Cooldown = time.Second, 2*time.Second })
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for range 1000 {
		_, _, err := c.Cache().Get(t.Context(), "k")
		if !errors.Is(err, fault.Unavailable) {
			t.Fatalf("Get: %v, want kind unavailable", err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("the error looks as if the caller's time was over")
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("1000 calls of a frozen server took %v", took)
	}
	// A caller with less patience than the time-out is told that it gave up, and does not
	// keep the circuit from closing.
	eventually(t, "the circuit lets one through", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, _, err := c.Cache().Get(ctx, "k")
		return errors.Is(err, fault.Canceled)
	})
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is found again", func() bool { return c.Ping(t.Context()) == nil })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// What others wrote under our keys is no value and no obstacle.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := open(t, s, func(o *redis.Options) { o.MaxValue, o.Prefix = 100, "p:" }).Cache()
	ctx := t.Context()
	for name, stored := range map[string]string{"no mark": "xyz", "too large": "\x01" + strings.Repeat("x", 200), "large, no mark": strings.Repeat("x", 200)} {
		if err := s.Admin().Set(ctx, "p:v:k", stored, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := c.Get(ctx, "k"); got != nil || ok || err != nil {
			t.Errorf("%s: Get gives %q, %v, %v", name, got, ok, err)
		}
		err := c.Update(ctx, "k", time.Hour, func(old []byte) ([]byte, error) {
			if old != nil {
				t.Errorf("%s: change is given %q", name, old)
			}
			return []byte("v"), nil
		})
		if got, _, _ := c.Get(ctx, "k"); err != nil || string(got) != "v" {
			t.Errorf("%s: Update: %v, which leaves %q", name, err, got)
		}
	}
	for _, stored := range []string{"nonsense", "9007199254740991", "-1"} {
		if err := s.Admin().Set(ctx, "p:b:k", stored, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if wait, err := c.Take(ctx, "k", 2, time.Minute); err != nil || wait > 2*time.Minute {
			t.Errorf("a bucket of %q: %v, %v", stored, wait, err)
		}
	}
	if err := s.Admin().LPush(ctx, "p:v:list", "x").Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Get(ctx, "list"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Get of a list: %v, want kind unavailable", err)
	}
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	const secret = "hunter2secret"
	port, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		opt  redis.Options
		kind fault.Kind
	}{
		"no address":     {redis.Options{}, fault.Invalid},
		"no port":        {redis.Options{Addr: "127.0.0.1"}, fault.Invalid},
		"a bad database": {redis.Options{Addr: s.Addr, Password: s.Password, DB: 999, Timeout: patient}, fault.Invalid},
		"no password":    {redis.Options{Addr: s.Addr, Timeout: patient}, fault.Invalid},
		"wrong password": {redis.Options{Addr: s.Addr, Password: secret, Timeout: patient}, fault.Invalid},
		"nobody there":   {redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(port), Password: secret}, fault.Unavailable},
	} {
		_, err := redis.Open(t.Context(), c.opt)
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want kind %v", name, err, c.kind)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the password", name)
		}
	}
	c, err := redis.OpenURL(t.Context(), s.URL()+"?prefix=mine:&timeout=20s")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Cache().Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Admin().Exists(t.Context(), "mine:v:k").Result(); n != 1 || err != nil {
		t.Errorf("the prefix of the URL is not used: %d, %v", n, err)
	}
	for _, u := range []string{
		"", "redis://", "http://h", "redis://u:" + secret + "@h:x", "redis://h/abc", "redis://h/-1", "redis://h?timeout=soon", "redis://h?timeout=-1s",
		"redis://u:" + secret + "@h?colour=red", "redis://h?%zz", "redis://u:" + secret + "@h#f", "redis://u:" + secret + "%zz@h",
	} {
		_, err := redis.OpenURL(t.Context(), u)
		if !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), secret) {
			t.Errorf("OpenURL(%q): %v, want kind invalid", u, err)
		}
		if strings.Contains(u, "colour") && !strings.Contains(err.Error(), "colour") {
			t.Errorf("the unknown parameter is not named: %v", err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	c := open(t, servers.RedisFor(t))
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Ping: %v, want kind unavailable", err)
	}
}

func ExampleOpen() {
	ctx := context.Background()
	c, err := redis.Open(ctx, redis.Options{Addr: "127.0.0.1:6379", Password: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	log.Print(c.Cache().Set(ctx, "k", []byte("v"), time.Minute))
}

func ExampleOpenURL() {
	ctx := context.Background()
	c, err := redis.OpenURL(ctx, "rediss://user:secret@cache.example:6380/0?prefix=streamgate:")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	log.Print(c.Ping(ctx))
}

func BenchmarkGet(b *testing.B) {
	c := open(b, servers.RedisFor(b)).Cache()
	if err := c.Set(b.Context(), "k", make([]byte, 1024), time.Hour); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := c.Get(b.Context(), "k"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	c := open(b, servers.RedisFor(b)).Cache()
	for b.Loop() {
		if _, err := c.Take(b.Context(), "k", 1000, time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

// Two processes over one server fill a key once; killing the server fails no load.
func TestTieredOverRedis(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	var tiers []*cache.Tiered
	for range 2 {
		c, err := cache.NewTiered(open(t, s).Cache(), cache.TieredOptions{Wait: patient, Timeout: patient, ProcessTTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		tiers = append(tiers, c)
	}
	var calls atomic.Int64
	load := func(context.Context) ([]byte, time.Duration, error) {
		calls.Add(1)
		return []byte("v"), time.Hour, nil
	}
	stampede := func(key string) {
		t.Helper()
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				if val, err := tiers[i%2].Load(context.Background(), key, load); err != nil || string(val) != "v" {
					t.Errorf("Load: %q, %v", val, err)
				}
			})
		}
		wg.Wait()
	}
	stampede("a")
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls of two processes, want 1", n)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	stampede("b")
	if n := calls.Load(); n != 3 {
		t.Errorf("%d calls, want one more of each process without the server", n)
	}
}

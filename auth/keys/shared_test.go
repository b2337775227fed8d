package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

func fileMaster(t testing.TB, path string, opt keys.FileOptions) *keys.FileMaster {
	t.Helper()
	m, err := keys.OpenFileMaster(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func shared(t testing.TB, m keys.Master, s keys.ScopeStore, opt keys.SharedOptions) *keys.Shared {
	t.Helper()
	k, err := keys.NewShared(m, s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSharedIsAManager(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]keys.SharedOptions{
		"by default":           {},
		"with a small cache":   {CachedScopes: 1},
		"asking all the time":  {Recheck: 1, Lifetime: 1},
		"rechecking each time": {Recheck: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keystest.Run(t, func(t testing.TB) keys.Manager {
				return shared(t, fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{}), keys.NewMemoryScopes(), opt)
			})
		})
	}
}

func TestSharedByManyProcesses(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]keys.SharedOptions{
		"short recheck": {Recheck: 20 * time.Millisecond},
		"small cache":   {Recheck: 20 * time.Millisecond, CachedScopes: 2, Lifetime: 30 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keystest.RunShared(t, func(t testing.TB) func() keys.Manager {
				path, store := filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes()
				return func() keys.Manager { return shared(t, fileMaster(t, path, keys.FileOptions{}), store, opt) }
			})
		})
	}
}

func TestMemoryScopes(t *testing.T) {
	t.Parallel()
	keystest.RunScopes(t, func(testing.TB) keys.ScopeStore { return keys.NewMemoryScopes() })
}

// frail breaks off after some operations, as a process does that is killed: what it was
// doing then may or may not have happened.
type frail struct {
	keys.Master
	keys.ScopeStore
	left atomic.Int64
	late bool // the operation happens, its answer is lost
}

var errKilled = errors.New("killed")

func step[T any](f *frail, do func() (T, error)) (T, error) {
	n := f.left.Add(-1)
	var none T
	if n < 0 && (n < -1 || !f.late) {
		return none, fault.Wrap(fault.Unavailable, "test", errKilled)
	}
	v, err := do()
	if n < 0 {
		return none, fault.Wrap(fault.Unavailable, "test", errKilled)
	}
	return v, err
}

func step0(f *frail, do func() error) error {
	_, err := step(f, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *frail) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	return step(f, func() ([]byte, error) { return f.Master.Wrap(ctx, version, scope, plain) })
}

func (f *frail) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	return step(f, func() ([]byte, error) { return f.Master.Unwrap(ctx, version, scope, wrapped) })
}

func (f *frail) Next(ctx context.Context, from string) (string, error) {
	return step(f, func() (string, error) { return f.Master.Next(ctx, from) })
}

func (f *frail) Retire(ctx context.Context, version string) error {
	return step0(f, func() error { return f.Master.Retire(ctx, version) })
}

func (f *frail) Get(ctx context.Context, scope string) (keys.ScopeRecord, error) {
	return step(f, func() (keys.ScopeRecord, error) { return f.ScopeStore.Get(ctx, scope) })
}

func (f *frail) Put(ctx context.Context, rec keys.ScopeRecord) error {
	return step0(f, func() error { return f.ScopeStore.Put(ctx, rec) })
}

func (f *frail) Stale(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error) {
	return step(f, func() ([]keys.ScopeRecord, error) { return f.ScopeStore.Stale(ctx, current, after, limit) })
}

func (f *frail) Versions(ctx context.Context) (keys.Versions, error) {
	return step(f, func() (keys.Versions, error) { return f.ScopeStore.Versions(ctx) })
}

func (f *frail) SetVersions(ctx context.Context, v keys.Versions) error {
	return step0(f, func() error { return f.ScopeStore.SetVersions(ctx, v) })
}

// Rotate is killed after each number of operations, before and after the one it is
// in: nothing may be lost, and another process finishes.
func TestRotateSurvivesAKillAnywhere(t *testing.T) {
	t.Parallel()
	for _, finish := range []struct {
		name string
		do   func(*keys.Shared, context.Context) error
	}{{"Rotate", (*keys.Shared).Rotate}, {"Resume", (*keys.Shared).Resume}} {
		t.Run(finish.name, func(t *testing.T) {
			t.Parallel()
			killed := 0
			for n := 0; ; n++ {
				for _, late := range []bool{false, true} {
					path, store := filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes()
					steady := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{Recheck: 1, Lifetime: 1})
					type data struct{ plain, wrapped []byte }
					all := map[string]data{}
					for i := range 4 {
						scope := fmt.Sprint("s/", i)
						plain, wrapped, err := steady.DataKey(t.Context(), scope)
						if err != nil {
							t.Fatal(err)
						}
						all[scope] = data{plain, wrapped}
					}
					check := func(when string) {
						t.Helper()
						for scope, d := range all {
							if got, err := steady.Unwrap(t.Context(), scope, d.wrapped); err != nil || !bytes.Equal(got, d.plain) {
								t.Fatalf("killed at operation %d, %s: %v", n, when, err)
							}
						}
					}
					f := &frail{Master: fileMaster(t, path, keys.FileOptions{}), ScopeStore: store, late: late}
					f.left.Store(int64(n))
					err := shared(t, f, f, keys.SharedOptions{}).Rotate(t.Context())
					if err == nil {
						if killed < 20 {
							t.Errorf("killed at %d places only", killed)
						}
						return
					}
					if !errors.Is(err, errKilled) {
						t.Fatalf("killed at operation %d: %v", n, err)
					}
					killed++
					check("before another rotation")
					if _, _, err := steady.DataKey(t.Context(), "s/new"); err != nil {
						t.Fatalf("killed at operation %d, a new scope: %v", n, err)
					}
					if err := finish.do(steady, t.Context()); err != nil {
						t.Fatalf("killed at operation %d, another %s: %v", n, finish.name, err)
					}
					check("after another " + finish.name)
					wantOneMaster(t, path, store)
				}
			}
		})
	}
}

// wantOneMaster checks that nothing needs or has an old master key. One that was made and
// never used may wait for the next rotation.
func wantOneMaster(t *testing.T, path string, store keys.ScopeStore) {
	t.Helper()
	v, err := store.Versions(t.Context())
	if err != nil || len(v.Old) > 0 {
		t.Fatalf("versions after the rotation: %+v, %v", v, err)
	}
	if left, err := store.Stale(t.Context(), v.Current, "", 10); err != nil || len(left) > 0 {
		t.Fatalf("%d keys under old masters, %v", len(left), err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	number, _, _ := strings.Cut(v.Current, "-")
	if first, _, _ := strings.Cut(string(data), " "); first != number {
		t.Errorf("the file starts with master key %s, the store uses %s", first, number)
	}
}

// clock is a time that moves when told to.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_700_000_000, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// counted counts what is asked.
type counted struct {
	keys.Master
	keys.ScopeStore
	unwraps, gets atomic.Int64
	down          atomic.Bool
}

func (c *counted) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	return c.Master.Wrap(ctx, version, scope, plain)
}

func (c *counted) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	c.unwraps.Add(1)
	return c.Master.Unwrap(ctx, version, scope, wrapped)
}

func (c *counted) Get(ctx context.Context, scope string) (keys.ScopeRecord, error) {
	c.gets.Add(1)
	if c.down.Load() {
		return keys.ScopeRecord{}, fault.New(fault.Unavailable, "test", "the store is down")
	}
	return c.ScopeStore.Get(ctx, scope)
}

func TestShredIsNoticedWithinTheRecheckTime(t *testing.T) {
	t.Parallel()
	var c clock
	master, store := fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{}), keys.NewMemoryScopes()
	n := &counted{Master: master, ScopeStore: store}
	a, b := shared(t, master, store, keys.SharedOptions{}), shared(t, n, n, keys.SharedOptions{Now: c.now})
	plain, wrapped, err := a.DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	read := func(want error, unwraps, gets int64) {
		t.Helper()
		got, err := b.Unwrap(t.Context(), "s", wrapped)
		if want == nil && (err != nil || !bytes.Equal(got, plain)) || want != nil && (!errors.Is(err, want) || got != nil) {
			t.Errorf("Unwrap: %v, want %v", err, want)
		}
		if n.unwraps.Load() != unwraps || n.gets.Load() != gets {
			t.Errorf("%d asked of the master and %d of the store, want %d and %d", n.unwraps.Load(), n.gets.Load(), unwraps, gets)
		}
	}
	read(nil, 1, 1)
	c.advance(5*time.Second - 1)
	read(nil, 1, 1)
	c.advance(1)
	read(nil, 1, 2) // the store says it lives; the master is not asked
	read(nil, 1, 2)
	c.advance(15*time.Minute - 5*time.Second)
	read(nil, 2, 3) // the lifetime is over: the master is asked
	// A store that does not answer is no proof that the scope lives.
	c.advance(5 * time.Second)
	n.down.Store(true)
	read(fault.Unavailable, 2, 4)
	n.down.Store(false)
	read(nil, 2, 5)
	if err := a.Shred(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	read(nil, 2, 5) // the stated time in which it may go unnoticed
	c.advance(5 * time.Second)
	read(fault.NotFound, 2, 6)
	c.advance(-time.Hour)
	read(fault.NotFound, 2, 7)
}

func TestOneScopeIsOpenedOnce(t *testing.T) {
	t.Parallel()
	master, store := fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{}), keys.NewMemoryScopes()
	_, wrapped, err := shared(t, master, store, keys.SharedOptions{}).DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	n := &counted{Master: master, ScopeStore: store}
	k := shared(t, n, n, keys.SharedOptions{Recheck: time.Hour})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := k.Unwrap(t.Context(), "s", wrapped); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n.unwraps.Load() != 1 || n.gets.Load() != 1 {
		t.Errorf("50 readers at once asked the master %d times and the store %d times, want once", n.unwraps.Load(), n.gets.Load())
	}
}

func TestADamagedScopeDoesNotKeepTheOthersFromRotating(t *testing.T) {
	t.Parallel()
	path, store := filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes()
	k := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{})
	for i := range 3 {
		if _, _, err := k.DataKey(t.Context(), fmt.Sprint("s/", i)); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := store.Get(t.Context(), "s/1")
	if err != nil {
		t.Fatal(err)
	}
	rec.Wrapped[7] ^= 1
	if err := store.Put(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	err = k.Rotate(t.Context())
	if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Corrupt) || !strings.Contains(msg, "s/1") {
		t.Fatalf("Rotate with a damaged scope: %v, want kind corrupt and its name", err)
	}
	v, err := store.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := store.Stale(t.Context(), v.Current, "", 10); err != nil || len(left) != 1 || len(v.Old) != 1 {
		t.Errorf("%d keys under %q, %v: want the damaged one, its master kept", len(left), v.Old, err)
	}
	if err := errors.Join(k.Shred(t.Context(), "s/1"), k.Resume(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantOneMaster(t, path, store)
}

func TestManyScopesAreRotated(t *testing.T) {
	t.Parallel()
	path, store := filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes()
	k := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{})
	wrapped := map[string][]byte{}
	for i := range 700 { // more than two pages
		scope := fmt.Sprint("s/", i)
		var err error
		if _, wrapped[scope], err = k.DataKey(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantOneMaster(t, path, store)
	other := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{})
	for scope, w := range wrapped {
		if _, err := other.Unwrap(t.Context(), scope, w); err != nil {
			t.Fatal(err)
		}
	}
}

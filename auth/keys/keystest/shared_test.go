package keystest_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

// brokenScopes changes what a good store does, by the hooks that are set.
type brokenScopes struct {
	keys.ScopeStore
	put         func(ctx context.Context, rec keys.ScopeRecord) error
	stale       func(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error)
	versions    func(ctx context.Context) (keys.Versions, error)
	setVersions func(ctx context.Context, v keys.Versions) error
}

func (b *brokenScopes) Put(ctx context.Context, rec keys.ScopeRecord) error {
	if b.put != nil {
		return b.put(ctx, rec)
	}
	return b.ScopeStore.Put(ctx, rec)
}

func (b *brokenScopes) Stale(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error) {
	if b.stale != nil {
		return b.stale(ctx, current, after, limit)
	}
	return b.ScopeStore.Stale(ctx, current, after, limit)
}

func (b *brokenScopes) Versions(ctx context.Context) (keys.Versions, error) {
	if b.versions != nil {
		return b.versions(ctx)
	}
	return b.ScopeStore.Versions(ctx)
}

func (b *brokenScopes) SetVersions(ctx context.Context, v keys.Versions) error {
	if b.setVersions != nil {
		return b.setVersions(ctx, v)
	}
	return b.ScopeStore.SetVersions(ctx, v)
}

// naive is a store that checks what it is told to, and nothing else.
type naive struct {
	brokenScopes
	mu       sync.Mutex
	records  map[string]keys.ScopeRecord
	current  keys.Versions
	revision bool // Put compares the revision
	guard    bool // Put compares the master
	stone    bool // Put respects tombstones
	cas      bool // SetVersions compares the revision
}

func (n *naive) Get(ctx context.Context, scope string) (keys.ScopeRecord, error) {
	if err := ctx.Err(); err != nil {
		return keys.ScopeRecord{}, fault.Wrap(fault.Canceled, "naive", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	rec, ok := n.records[scope]
	if !ok {
		return rec, fault.New(fault.NotFound, "naive", "no such scope")
	}
	rec.Wrapped = slices.Clone(rec.Wrapped)
	return rec, nil
}

func (n *naive) Put(ctx context.Context, rec keys.ScopeRecord) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "naive", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	had := n.records[rec.Scope]
	if rec.Shredded.IsZero() {
		if n.stone && !had.Shredded.IsZero() || n.revision && had.Revision != rec.Revision || n.guard && n.current.Current != rec.Master {
			return fault.New(fault.Conflict, "naive", "changed")
		}
	} else if !had.Shredded.IsZero() {
		return nil
	} else {
		rec.Master, rec.Wrapped = "", nil
	}
	rec.Wrapped = slices.Clone(rec.Wrapped)
	rec.Revision = had.Revision + 1
	n.records[rec.Scope] = rec
	return nil
}

func (n *naive) Stale(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "naive", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var page []keys.ScopeRecord
	for scope, rec := range n.records {
		if scope > after && rec.Master != current && rec.Shredded.IsZero() {
			page = append(page, rec)
		}
	}
	slices.SortFunc(page, func(a, b keys.ScopeRecord) int {
		if a.Scope < b.Scope {
			return -1
		}
		return 1
	})
	return page[:min(len(page), limit)], nil
}

func (n *naive) Versions(ctx context.Context) (keys.Versions, error) {
	if err := ctx.Err(); err != nil {
		return keys.Versions{}, fault.Wrap(fault.Canceled, "naive", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current.Revision == 0 {
		return keys.Versions{}, fault.New(fault.NotFound, "naive", "none")
	}
	return n.current, nil
}

func (n *naive) SetVersions(ctx context.Context, v keys.Versions) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "naive", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cas && v.Revision != n.current.Revision {
		return fault.New(fault.Conflict, "naive", "changed")
	}
	v.Revision = n.current.Revision + 1
	n.current = v
	return nil
}

func good() *naive {
	return &naive{records: map[string]keys.ScopeRecord{}, revision: true, guard: true, stone: true, cas: true}
}

func TestScopeSuiteFailsOnBrokenStores(t *testing.T) {
	t.Parallel()
	if failing := keystest.FailingScopes(t, func(testing.TB) keys.ScopeStore { return good() }); len(failing) > 0 {
		t.Fatalf("a good store fails %q", failing)
	}
	for name, c := range map[string]struct {
		broken func() keys.ScopeStore
		caught string
	}{
		"ignores revisions":     {func() keys.ScopeStore { n := good(); n.revision = false; return n }, "a record is replaced by revision"},
		"inserts over a record": {func() keys.ScopeStore { n := good(); n.revision = false; return n }, "a scope is inserted once"},
		"stores any master's":   {func() keys.ScopeStore { n := good(); n.guard = false; return n }, "only the current master's keys are stored"},
		"checks the master before it locks": {func() keys.ScopeStore {
			n := good()
			n.guard = false
			b := &brokenScopes{ScopeStore: n}
			b.put = func(ctx context.Context, rec keys.ScopeRecord) error {
				if v, err := n.Versions(ctx); rec.Shredded.IsZero() && (err != nil || v.Current != rec.Master) {
					return fault.New(fault.Conflict, "broken", "not current")
				}
				time.Sleep(time.Millisecond)
				return n.Put(ctx, rec)
			}
			return b
		}, "no key of an old master behind the listing"},
		"revives the dead": {func() keys.ScopeStore { n := good(); n.stone = false; return n }, "a tombstone stands"},
		"keeps the dead's bytes": {func() keys.ScopeStore {
			n := good()
			return &brokenScopes{ScopeStore: n, put: func(ctx context.Context, rec keys.ScopeRecord) error {
				if !rec.Shredded.IsZero() {
					n.mu.Lock()
					defer n.mu.Unlock()
					had := n.records[rec.Scope]
					had.Shredded = rec.Shredded
					had.Revision++
					n.records[rec.Scope] = had
					return nil
				}
				return n.Put(ctx, rec)
			}}
		}, "a tombstone stands"},
		"lists one page": {func() keys.ScopeStore {
			n := good()
			return &brokenScopes{ScopeStore: n, stale: func(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error) {
				if after != "" {
					return nil, nil
				}
				return n.Stale(ctx, current, after, limit)
			}}
		}, "stale records page by page"},
		"lists without a limit": {func() keys.ScopeStore {
			n := good()
			return &brokenScopes{ScopeStore: n, stale: func(ctx context.Context, current, after string, _ int) ([]keys.ScopeRecord, error) {
				return n.Stale(ctx, current, after, 1<<30)
			}}
		}, "stale records page by page"},
		"sets versions whatever was there": {func() keys.ScopeStore { n := good(); n.cas = false; return n }, "versions change by revision"},
		"works for nobody": {func() keys.ScopeStore {
			n := good()
			return &brokenScopes{ScopeStore: n, put: func(ctx context.Context, rec keys.ScopeRecord) error {
				return n.Put(context.WithoutCancel(ctx), rec)
			}}
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := keystest.FailingScopes(t, func(testing.TB) keys.ScopeStore { return c.broken() })
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}

// place is where the managers of a check keep their keys.
type place struct {
	path  string
	store keys.ScopeStore
	opt   keys.SharedOptions
}

func (p place) open(t testing.TB) keys.Manager {
	m, err := keys.OpenFileMaster(p.path, keys.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.NewShared(m, p.store, p.opt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSharedSuiteFailsOnBrokenManagers(t *testing.T) {
	t.Parallel()
	opt := keys.SharedOptions{Recheck: 5 * time.Millisecond}
	for name, c := range map[string]struct {
		open   func(p place) func(t testing.TB) keys.Manager
		caught string
	}{
		"each has its own keys": {func(p place) func(t testing.TB) keys.Manager {
			return func(t testing.TB) keys.Manager { p.store = keys.NewMemoryScopes(); return p.open(t) }
		}, "one unwraps what another wrapped"},
		"the last to create a scope wins": {func(p place) func(t testing.TB) keys.Manager {
			n := good()
			n.revision = false
			p.store = n
			return p.open
		}, "one scope created by many processes"},
		"never asks again": {func(p place) func(t testing.TB) keys.Manager {
			return func(t testing.TB) keys.Manager {
				m := p.open(t)
				var mu sync.Mutex
				known := map[string][]byte{}
				return &broken{Manager: m, unwrap: func(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
					mu.Lock()
					defer mu.Unlock()
					if key, ok := known[string(wrapped)]; ok {
						return slices.Clone(key), nil
					}
					key, err := m.Unwrap(ctx, scope, wrapped)
					if err == nil {
						known[string(wrapped)] = slices.Clone(key)
					}
					return key, err
				}}
			}
		}, "shred is noticed by the others"},
		"revives the dead when it rotates": {func(p place) func(t testing.TB) keys.Manager {
			n := good()
			n.stone, n.revision = false, false
			var mu sync.Mutex
			lived := map[string]keys.ScopeRecord{}
			p.store = &brokenScopes{
				ScopeStore: n,
				put: func(ctx context.Context, rec keys.ScopeRecord) error {
					if rec.Shredded.IsZero() {
						mu.Lock()
						defer mu.Unlock()
						lived[rec.Scope] = rec
					}
					return n.Put(ctx, rec)
				},
				stale: func(_ context.Context, current, after string, _ int) (page []keys.ScopeRecord, _ error) {
					mu.Lock()
					defer mu.Unlock()
					for _, rec := range lived {
						if rec.Master != current && rec.Scope > after {
							page = append(page, rec)
						}
					}
					slices.SortFunc(page, func(a, b keys.ScopeRecord) int {
						if a.Scope < b.Scope {
							return -1
						}
						return 1
					})
					return page, nil
				},
			}
			return p.open
		}, "shred beside rotate is final"},
		"wraps under the master it knew at first": {func(p place) func(t testing.TB) keys.Manager {
			n := good()
			n.guard = false
			return func(t testing.TB) keys.Manager {
				var mu sync.Mutex
				var first *keys.Versions
				p := p
				p.store = &brokenScopes{
					ScopeStore: n,
					versions: func(ctx context.Context) (keys.Versions, error) {
						mu.Lock()
						defer mu.Unlock()
						if first != nil {
							return *first, nil
						}
						v, err := n.Versions(ctx)
						if err == nil {
							first = &v
						}
						return v, err
					},
					setVersions: func(ctx context.Context, v keys.Versions) error {
						mu.Lock()
						defer mu.Unlock()
						first = nil
						return n.SetVersions(ctx, v)
					},
				}
				return p.open(t)
			}
		}, "one rotates for all"},
		"re-wraps the first one only": {func(p place) func(t testing.TB) keys.Manager {
			n := good()
			p.store = &brokenScopes{ScopeStore: n, stale: func(ctx context.Context, current, after string, _ int) ([]keys.ScopeRecord, error) {
				if after != "" {
					return nil, nil
				}
				return n.Stale(ctx, current, after, 1)
			}}
			return p.open
		}, "one rotates for all"},
		"cannot be interrupted": {func(p place) func(t testing.TB) keys.Manager {
			return func(t testing.TB) keys.Manager {
				m := p.open(t)
				return &broken{Manager: m, rotate: func(ctx context.Context) error {
					if err := m.Rotate(context.WithoutCancel(ctx)); err != nil {
						return err
					}
					if ctx.Err() != nil {
						return errors.New("too late")
					}
					return nil
				}}
			}
		}, "an interrupted rotate is finished by another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := keystest.FailingShared(t, func(t testing.TB) func() keys.Manager {
				open := c.open(place{filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes(), opt})
				return func() keys.Manager { return open(t) }
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}

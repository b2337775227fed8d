package keys

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

// MemoryScopes is a ScopeStore that forgets everything when the process ends: for tests.
type MemoryScopes struct {
	mu       sync.Mutex
	records  map[string]ScopeRecord
	versions Versions
}

var _ ScopeStore = (*MemoryScopes)(nil)

// NewMemoryScopes returns an empty MemoryScopes.
func NewMemoryScopes() *MemoryScopes { return &MemoryScopes{records: map[string]ScopeRecord{}} }

func (m *MemoryScopes) begin(ctx context.Context, op string) error {
	return fault.Wrap(fault.Canceled, op, ctx.Err())
}

// Get implements ScopeStore.
func (m *MemoryScopes) Get(ctx context.Context, scope string) (ScopeRecord, error) {
	const op = "keys.MemoryScopes.Get"
	if err := m.begin(ctx, op); err != nil {
		return ScopeRecord{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rec, ok := m.records[scope]
	if !ok {
		return ScopeRecord{}, fault.New(fault.NotFound, op, "no such scope")
	}
	rec.Wrapped = bytes.Clone(rec.Wrapped)
	return rec, nil
}

// Put implements ScopeStore.
func (m *MemoryScopes) Put(ctx context.Context, rec ScopeRecord) error {
	const op = "keys.MemoryScopes.Put"
	if err := m.begin(ctx, op); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	had := m.records[rec.Scope]
	switch dead := !had.Shredded.IsZero(); {
	case !rec.Shredded.IsZero() && dead:
		return nil
	case !rec.Shredded.IsZero():
		rec = ScopeRecord{Scope: rec.Scope, Shredded: rec.Shredded}
	case dead, had.Revision != rec.Revision:
		return fault.New(fault.Conflict, op, "the scope has been changed")
	case m.versions.Current == "" || m.versions.Current != rec.Master:
		return fault.New(fault.Conflict, op, "the master key is not the current one")
	}
	rec.Revision = had.Revision + 1
	rec.Wrapped = bytes.Clone(rec.Wrapped)
	m.records[rec.Scope] = rec
	return nil
}

// Stale implements ScopeStore.
func (m *MemoryScopes) Stale(ctx context.Context, current, after string, limit int) ([]ScopeRecord, error) {
	if err := m.begin(ctx, "keys.MemoryScopes.Stale"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var page []ScopeRecord
	for _, scope := range slices.Sorted(maps.Keys(m.records)) {
		rec := m.records[scope]
		if len(page) < limit && scope > after && rec.Shredded.IsZero() && rec.Master != current {
			rec.Wrapped = bytes.Clone(rec.Wrapped)
			page = append(page, rec)
		}
	}
	return page, nil
}

// Versions implements ScopeStore.
func (m *MemoryScopes) Versions(ctx context.Context) (Versions, error) {
	const op = "keys.MemoryScopes.Versions"
	if err := m.begin(ctx, op); err != nil {
		return Versions{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.versions.Revision == 0 {
		return Versions{}, fault.New(fault.NotFound, op, "there is no master key yet")
	}
	v := m.versions
	v.Old = slices.Clone(v.Old)
	return v, nil
}

// SetVersions implements ScopeStore.
func (m *MemoryScopes) SetVersions(ctx context.Context, v Versions) error {
	const op = "keys.MemoryScopes.SetVersions"
	if err := m.begin(ctx, op); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.Revision != m.versions.Revision {
		return fault.New(fault.Conflict, op, "the master keys have been changed")
	}
	v.Old = slices.Clone(v.Old)
	v.Revision++
	m.versions = v
	return nil
}

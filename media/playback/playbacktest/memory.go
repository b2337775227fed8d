// Package playbacktest holds what is needed to test against package playback: the
// suite that every playback.Store passes, a store in memory, and a small film as
// the pipeline would leave it.
package playbacktest

import (
	"context"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
)

var _ playback.Store = (*Memory)(nil)

// Memory keeps grants in memory. The zero value is ready.
type Memory struct {
	mu      sync.Mutex
	records map[string]playback.Record
}

// Insert implements playback.Store.
func (m *Memory) Insert(_ context.Context, r playback.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.records[r.Hash]; there {
		return fault.New(fault.Conflict, "playbacktest.Insert", "the grant is there already")
	}
	if m.records == nil {
		m.records = map[string]playback.Record{}
	}
	m.records[r.Hash] = r
	return nil
}

// Get implements playback.Store.
func (m *Memory) Get(_ context.Context, hash string) (playback.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, there := m.records[hash]
	if !there {
		return r, fault.New(fault.NotFound, "playbacktest.Get", "no such grant")
	}
	return r, nil
}

// Extend implements playback.Store.
func (m *Memory) Extend(_ context.Context, hash string, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, there := m.records[hash]
	if !there {
		return fault.New(fault.NotFound, "playbacktest.Extend", "no such grant")
	}
	r.ExpiresAt = expires
	m.records[hash] = r
	return nil
}

// Delete implements playback.Store.
func (m *Memory) Delete(_ context.Context, hash string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, hash)
	return nil
}

// DeleteExpired implements playback.Store.
func (m *Memory) DeleteExpired(_ context.Context, t time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for h, r := range m.records {
		if r.ExpiresAt.Before(t) {
			delete(m.records, h)
			n++
		}
	}
	return n, nil
}

package keys

import (
	"crypto/cipher"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

const masterFile = "master"

// masterRecord is the content of the master file.
type masterRecord struct {
	Format  int            `json:"format"`
	Current int            `json:"current"`
	Keys    map[int][]byte `json:"keys"`
}

// masters are the master keys by version.
type masters struct {
	mu    sync.RWMutex
	rec   masterRecord
	aeads map[int]cipher.AEAD
}

// load reads the master file, or makes the first one of a new key ring.
func (m *masters) load(d dir) error {
	const op = "keys.loadMaster"
	data, err := d.readPrivate(masterFile)
	if errors.Is(err, fs.ErrNotExist) {
		used, err := d.names(scopesDir)
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return fault.New(fault.Corrupt, op, `the file "master" of the key ring is missing though there are scope keys: restore it from a backup`)
		}
		return m.add(d)
	}
	if err != nil {
		return err
	}
	damaged := fault.New(fault.Corrupt, op, `the file "master" of the key ring is damaged: restore it from a backup`)
	var rec masterRecord
	if err := json.Unmarshal(data, &rec); err != nil {
		damaged.Err = err
		return damaged
	}
	clear(data)
	if rec.Format > 1 {
		return fault.Newf(fault.Unsupported, op, "the key ring has format %d, this program knows format 1", rec.Format)
	}
	aeads := map[int]cipher.AEAD{}
	for v, key := range rec.Keys {
		aead, err := newWrapper(key)
		if err != nil || len(key) != keySize {
			return damaged
		}
		aeads[v] = aead
	}
	if aeads[rec.Current] == nil || rec.Format != 1 {
		return damaged
	}
	m.rec, m.aeads = rec, aeads
	return nil
}

// add makes a new current master key and keeps the others.
func (m *masters) add(d dir) error {
	m.mu.RLock()
	next := masterRecord{Format: 1, Current: m.rec.Current + 1, Keys: map[int][]byte{}}
	maps.Copy(next.Keys, m.rec.Keys)
	m.mu.RUnlock()
	next.Keys[next.Current] = randomKey()
	return m.replace(d, next)
}

// retire destroys all master keys but the current one.
func (m *masters) retire(d dir) error {
	m.mu.RLock()
	cur := m.rec.Current
	next := masterRecord{Format: 1, Current: cur, Keys: map[int][]byte{cur: m.rec.Keys[cur]}}
	old := slices.Collect(maps.Values(m.rec.Keys))
	m.mu.RUnlock()
	if err := m.replace(d, next); err != nil {
		return err
	}
	for _, key := range old {
		if &key[0] != &next.Keys[cur][0] {
			clear(key)
		}
	}
	return nil
}

// replace makes next durable first and current second. Only Rotate and
// OpenKeyring change the masters, one at a time.
func (m *masters) replace(d dir, next masterRecord) error {
	aeads := map[int]cipher.AEAD{}
	for v, key := range next.Keys {
		aead, err := newWrapper(key)
		if err != nil {
			return err
		}
		aeads[v] = aead
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	defer clear(data)
	if err := d.write(masterFile, data, true); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rec, m.aeads = next, aeads
	return nil
}

func (m *masters) isCurrent(version int) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return version == m.rec.Current
}

// wrap sets rec's key and master version.
func (m *masters) wrap(rec *scopeRecord, raw []byte) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	rec.Format = 1
	rec.Master = m.rec.Current
	rec.Key = m.aeads[rec.Master].Seal(nil, nil, raw, []byte(scopeLabel+rec.Scope))
	return nil
}

func (m *masters) unwrap(rec scopeRecord) ([]byte, error) {
	const op = "keys.unwrapScope"
	m.mu.RLock()
	aead := m.aeads[rec.Master]
	m.mu.RUnlock()
	if aead == nil {
		return nil, fault.Newf(fault.Corrupt, op, "the scope key needs master key %d, which the key ring does not have: it is from another backup", rec.Master)
	}
	raw, err := aead.Open(nil, nil, rec.Key, []byte(scopeLabel+rec.Scope))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the file of the scope key was changed", Err: err}
	}
	return raw, nil
}

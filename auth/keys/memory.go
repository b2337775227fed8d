package keys

import (
	"context"
	"crypto/cipher"
	"sync"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Memory is a Manager that forgets everything when the process ends: for tests
// and for data that need not outlive it. Its scope keys are wrapped by nothing,
// so Rotate has nothing to do.
type Memory struct {
	mu     sync.RWMutex
	scopes map[string]cipher.AEAD // nil once shredded
}

var _ Manager = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{scopes: map[string]cipher.AEAD{}} }

// DataKey implements Manager.
func (m *Memory) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	const op = "keys.DataKey"
	if err := check(ctx, op, scope); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key, known := m.scopes[scope]
	if !known {
		if key, err = newWrapper(randomKey()); err != nil {
			return nil, nil, fault.Wrap(fault.Internal, op, err)
		}
		m.scopes[scope] = key
	}
	if key == nil {
		return nil, nil, noScope(op)
	}
	plain, wrapped = wrapData(key, scope)
	return plain, wrapped, nil
}

// Unwrap implements Manager.
func (m *Memory) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	const op = "keys.Unwrap"
	if err := check(ctx, op, scope); err != nil {
		return nil, err
	}
	m.mu.RLock()
	key := m.scopes[scope]
	m.mu.RUnlock()
	if key == nil {
		return nil, noScope(op)
	}
	return unwrapData(key, scope, wrapped)
}

// Rotate implements Manager.
func (m *Memory) Rotate(ctx context.Context) error {
	return fault.Wrap(fault.Canceled, "keys.Rotate", ctx.Err())
}

// Shred implements Manager.
func (m *Memory) Shred(ctx context.Context, scope string) error {
	if err := check(ctx, "keys.Shred", scope); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scopes[scope] = nil
	return nil
}

func check(ctx context.Context, op, scope string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	return fault.At(op, storage.CheckKey(scope))
}

package keystest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

type broken struct {
	keys.Manager
	dataKey func(ctx context.Context, scope string) (plain, wrapped []byte, err error)
	unwrap  func(ctx context.Context, scope string, wrapped []byte) ([]byte, error)
	rotate  func(ctx context.Context) error
	shred   func(ctx context.Context, scope string) error
}

func (b *broken) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	if b.dataKey != nil {
		return b.dataKey(ctx, scope)
	}
	return b.Manager.DataKey(ctx, scope)
}

func (b *broken) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	if b.unwrap != nil {
		return b.unwrap(ctx, scope, wrapped)
	}
	return b.Manager.Unwrap(ctx, scope, wrapped)
}

func (b *broken) Rotate(ctx context.Context) error {
	if b.rotate != nil {
		return b.rotate(ctx)
	}
	return b.Manager.Rotate(ctx)
}

func (b *broken) Shred(ctx context.Context, scope string) error {
	if b.shred != nil {
		return b.shred(ctx, scope)
	}
	return b.Manager.Shred(ctx, scope)
}

func TestSuiteFailsOnBrokenManagers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(b *broken, m keys.Manager)
		caught  string
	}{
		"wraps nothing": {func(b *broken, m keys.Manager) {
			b.dataKey = func(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
				plain, _, err = m.DataKey(ctx, scope)
				return plain, plain, err
			}
			b.unwrap = func(_ context.Context, _ string, wrapped []byte) ([]byte, error) { return wrapped, nil }
		}, "wrapped hides plain"},
		"has one key for all scopes": {func(b *broken, m keys.Manager) {
			b.dataKey = func(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
				return m.DataKey(ctx, "one")
			}
			b.unwrap = func(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
				return m.Unwrap(ctx, "one", wrapped)
			}
		}, "another scope cannot unwrap"},
		"gives the same data key again": {func(b *broken, m keys.Manager) {
			var mu sync.Mutex
			known := map[string][2][]byte{}
			b.dataKey = func(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
				mu.Lock()
				defer mu.Unlock()
				if k, ok := known[scope]; ok {
					return slices.Clone(k[0]), slices.Clone(k[1]), nil
				}
				plain, wrapped, err = m.DataKey(ctx, scope)
				known[scope] = [2][]byte{slices.Clone(plain), slices.Clone(wrapped)}
				return plain, wrapped, err
			}
		}, "data keys are fresh"},
		"caches beyond shred": {func(b *broken, m keys.Manager) {
			var known sync.Map
			b.unwrap = func(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
				if key, ok := known.Load(string(wrapped)); ok {
					return slices.Clone(key.([]byte)), nil
				}
				key, err := m.Unwrap(ctx, scope, wrapped)
				if err == nil {
					known.Store(string(wrapped), slices.Clone(key))
				}
				return key, err
			}
		}, "shred destroys"},
		"complains of a second shred": {func(b *broken, m keys.Manager) {
			b.shred = func(ctx context.Context, scope string) error {
				if _, _, err := m.DataKey(ctx, scope); err != nil {
					return err
				}
				return m.Shred(ctx, scope)
			}
		}, "shred destroys"},
		"shreds only what it knows": {func(b *broken, m keys.Manager) {
			b.shred = func(ctx context.Context, scope string) error {
				if _, err := m.Unwrap(ctx, scope, nil); errors.Is(err, fault.NotFound) {
					return nil
				}
				return m.Shred(ctx, scope)
			}
		}, "shred is for ever"},
		"forgets everything on rotate": {func(b *broken, m keys.Manager) {
			b.rotate = func(ctx context.Context) error { *b = broken{Manager: keys.NewMemory()}; return nil }
		}, "rotate keeps wrapped keys valid"},
		"calls changed bytes not found": {func(b *broken, m keys.Manager) {
			b.unwrap = func(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
				key, err := m.Unwrap(ctx, scope, wrapped)
				if errors.Is(err, fault.Corrupt) {
					err = fault.Wrap(fault.NotFound, "broken", err)
				}
				return key, err
			}
		}, "changed bytes are corrupt"},
		"goes on after the context ended": {func(b *broken, m keys.Manager) {
			b.shred = func(ctx context.Context, scope string) error { return m.Shred(context.WithoutCancel(ctx), scope) }
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := keystest.Failing(t, func(testing.TB) keys.Manager {
				m := keys.NewMemory()
				b := &broken{Manager: m}
				c.breakIt(b, m)
				return b
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}

package keystest_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

// brokenMaster changes what a good master does, by the hooks that are set. It is
// a Rewrapper too.
type brokenMaster struct {
	keys.Master
	wrap   func(ctx context.Context, version, scope string, plain []byte) ([]byte, error)
	unwrap func(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error)
	next   func(ctx context.Context, from string) (string, error)
	retire func(ctx context.Context, version string) error
	rewrap func(ctx context.Context, from, to, scope string, wrapped []byte) ([]byte, error)
}

func (b *brokenMaster) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	if b.wrap != nil {
		return b.wrap(ctx, version, scope, plain)
	}
	return b.Master.Wrap(ctx, version, scope, plain)
}

func (b *brokenMaster) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	if b.unwrap != nil {
		return b.unwrap(ctx, version, scope, wrapped)
	}
	return b.Master.Unwrap(ctx, version, scope, wrapped)
}

func (b *brokenMaster) Next(ctx context.Context, from string) (string, error) {
	if b.next != nil {
		return b.next(ctx, from)
	}
	return b.Master.Next(ctx, from)
}

func (b *brokenMaster) Retire(ctx context.Context, version string) error {
	if b.retire != nil {
		return b.retire(ctx, version)
	}
	return b.Master.Retire(ctx, version)
}

func (b *brokenMaster) Rewrap(ctx context.Context, from, to, scope string, wrapped []byte) ([]byte, error) {
	if b.rewrap != nil {
		return b.rewrap(ctx, from, to, scope, wrapped)
	}
	plain, err := b.Unwrap(ctx, from, scope, wrapped)
	if err != nil {
		return nil, err
	}
	return b.Wrap(ctx, to, scope, plain)
}

func TestMasterSuiteFailsOnBrokenMasters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(b *brokenMaster, m keys.Master)
		caught  string
	}{
		"wraps nothing": {func(b *brokenMaster, _ keys.Master) {
			b.wrap = func(_ context.Context, _, _ string, plain []byte) ([]byte, error) { return plain, nil }
			b.unwrap = func(_ context.Context, _, _ string, wrapped []byte) ([]byte, error) { return wrapped, nil }
		}, "unwrap gives the scope key"},
		"forgets the scope": {func(b *brokenMaster, m keys.Master) {
			b.wrap = func(ctx context.Context, version, _ string, plain []byte) ([]byte, error) {
				return m.Wrap(ctx, version, "s", plain)
			}
			b.unwrap = func(ctx context.Context, version, _ string, wrapped []byte) ([]byte, error) {
				return m.Unwrap(ctx, version, "s", wrapped)
			}
		}, "bound to scope and version"},
		"calls changed bytes invalid": {func(b *brokenMaster, m keys.Master) {
			b.unwrap = func(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
				key, err := m.Unwrap(ctx, version, scope, wrapped)
				return key, fault.Wrap(fault.Invalid, "broken", err)
			}
		}, "changed bytes give no other key"},
		"has one version": {func(b *brokenMaster, m keys.Master) {
			b.next = func(ctx context.Context, _ string) (string, error) { return m.Next(ctx, "") }
		}, "next is new and the old ones stay"},
		"drops the old ones at next": {func(b *brokenMaster, m keys.Master) {
			b.next = func(ctx context.Context, from string) (string, error) {
				version, err := m.Next(ctx, from)
				if err == nil && from != "" {
					err = m.Retire(ctx, from)
				}
				return version, err
			}
		}, "next is new and the old ones stay"},
		"complains of a second retire": {func(b *brokenMaster, m keys.Master) {
			gone := map[string]bool{}
			b.retire = func(ctx context.Context, version string) error {
				if gone[version] {
					return fault.New(fault.NotFound, "broken", "gone")
				}
				gone[version] = true
				return m.Retire(ctx, version)
			}
		}, "retire is idempotent and spares the others"},
		"calls an unknown version corrupt": {func(b *brokenMaster, m keys.Master) {
			b.wrap = func(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
				w, err := m.Wrap(ctx, version, scope, plain)
				return w, fault.Wrap(fault.Corrupt, "broken", err)
			}
		}, "an unknown version"},
		"rewraps nothing": {func(b *brokenMaster, _ keys.Master) {
			b.rewrap = func(_ context.Context, _, _, _ string, wrapped []byte) ([]byte, error) { return wrapped, nil }
		}, "rewrap moves a key"},
		"goes on after the context ended": {func(b *brokenMaster, m keys.Master) {
			b.next = func(ctx context.Context, from string) (string, error) {
				return m.Next(context.WithoutCancel(ctx), from)
			}
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := keystest.FailingMaster(t, func(t testing.TB) keys.Master {
				m, err := keys.OpenFileMaster(filepath.Join(t.TempDir(), "m"), keys.FileOptions{})
				if err != nil {
					t.Fatal(err)
				}
				b := &brokenMaster{Master: m}
				c.breakIt(b, m)
				return b
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}

package playbacktest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
)

func library(t testing.TB) playbacktest.AssetsFixture {
	l := playbacktest.NewLibrary()
	do := func(f func()) func(context.Context) error { return func(context.Context) error { f(); return nil } }
	return playbacktest.AssetsFixture{Assets: l, Grow: do(l.Grow), Regrid: do(l.Regrid)}
}

func TestLibraryIsAssets(t *testing.T) {
	t.Parallel()
	playbacktest.RunAssets(t, library)
}

type brokenAssets struct {
	playback.Assets
	version func(a playback.Assets, ctx context.Context, tenant, id string, number int) (*media.Version, error)
}

func (b *brokenAssets) Version(ctx context.Context, tenant, id string, number int) (*media.Version, error) {
	return b.version(b.Assets, ctx, tenant, id, number)
}

func TestTheAssetsSuiteNotices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version func() func(a playback.Assets, ctx context.Context, tenant, id string, number int) (*media.Version, error)
		want    string
	}{
		"never asks again": {func() func(playback.Assets, context.Context, string, string, int) (*media.Version, error) {
			var known sync.Map
			return func(a playback.Assets, ctx context.Context, tenant, id string, number int) (*media.Version, error) {
				if v, ok := known.Load(id); ok {
					return v.(*media.Version), nil
				}
				v, err := a.Version(ctx, tenant, id, number)
				if err == nil {
					known.Store(id, v)
				}
				return v, err
			}
		}, "a change is seen at the next call"},
		"looks at the revision alone": {func() func(playback.Assets, context.Context, string, string, int) (*media.Version, error) {
			var known sync.Map
			return func(a playback.Assets, ctx context.Context, tenant, id string, number int) (*media.Version, error) {
				v, err := a.Version(ctx, tenant, id, number)
				if err != nil {
					return nil, err
				}
				old, _ := known.LoadOrStore(v.Revision, v)
				return old.(*media.Version), nil
			}
		}, "a change is seen at the next call"},
		"loses the end": {func() func(playback.Assets, context.Context, string, string, int) (*media.Version, error) {
			return func(a playback.Assets, ctx context.Context, tenant, id string, number int) (*media.Version, error) {
				v, err := a.Version(ctx, tenant, id, number)
				if err != nil {
					return nil, err
				}
				short := *v
				short.Tracks = short.Tracks[:6]
				return &short, nil
			}
		}, "records are whole"},
		"mixes tenants": {func() func(playback.Assets, context.Context, string, string, int) (*media.Version, error) {
			return func(a playback.Assets, ctx context.Context, _, id string, number int) (*media.Version, error) {
				return a.Version(ctx, "test", id, number)
			}
		}, "what is not there is not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := playbacktest.FailingAssets(t, func(t testing.TB) playbacktest.AssetsFixture {
				f := library(t)
				f.Assets = &brokenAssets{f.Assets, c.version()}
				return f
			})
			if !slices.Contains(failing, c.want) {
				t.Errorf("failing are %q, want %q among them", failing, c.want)
			}
		})
	}
}

package grpc_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

func TestCache(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		cachetest.Run(t, func(t testing.TB) (cache.Cache, func(time.Duration)) {
			w, conn := at(t, "cache", nil)
			pass := func(d time.Duration) {
				if _, err := w.do(t.Context(), "pass", marshal(d)); err != nil {
					t.Error(err)
				}
			}
			if conn == nil {
				return w.near.(cache.Cache), pass
			}
			return grpc.NewCache(conn), pass
		})
	})
}

func TestGate(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		playbacktest.RunGate(t, func(t testing.TB) playbacktest.GateFixture {
			w, conn := at(t, "gate", nil)
			if conn == nil {
				return w.near.(playbacktest.GateFixture)
			}
			// The questions are the same wherever they are asked.
			f, _ := near(t, "gate", nil)
			out := f.near.(playbacktest.GateFixture)
			out.Gate = grpc.NewGate(conn)
			out.Flip = func(ctx context.Context) error { _, err := w.do(ctx, "flip", nil); return err }
			return out
		})
	})
}

func TestAssets(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		playbacktest.RunAssets(t, func(t testing.TB) playbacktest.AssetsFixture {
			w, conn := at(t, "assets", nil)
			var a playback.Assets
			if conn == nil {
				a = w.near.(playback.Assets)
			} else {
				a = grpc.NewAssets(conn)
			}
			do := func(what string) func(context.Context) error {
				return func(ctx context.Context) error { _, err := w.do(ctx, what, nil); return err }
			}
			return playbacktest.AssetsFixture{Assets: a, Grow: do("grow"), Regrid: do("regrid")}
		})
	})
}

func TestAuthenticator(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		authtest.RunAuthenticator(t, func(t testing.TB) authtest.AuthenticatorFixture {
			w, conn := at(t, "auth", nil)
			signedIn, err := w.do(t.Context(), "who", nil)
			if err != nil {
				t.Fatal(err)
			}
			do := func(what string) func(context.Context) error {
				return func(ctx context.Context) error { _, err := w.do(ctx, what, nil); return err }
			}
			f := authtest.AuthenticatorFixture{Logout: do("logout"), Break: do("break")}
			if err := json.Unmarshal(marshal(signedIn), &f.SignedIn); err != nil {
				t.Fatal(err)
			}
			f.WantAPIKey.Accounts = nil // JSON tells no empty list from none
			var a auth.Authenticator
			if conn == nil {
				a = w.near.(auth.Authenticator)
			} else {
				a = grpc.NewAuthenticator(conn)
			}
			f.Authenticator = a
			return f
		})
	})
}

package grpc_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

func TestCache(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		newCache := func(t testing.TB) (cache.Cache, func(time.Duration)) {
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
		}
		cachetest.Run(t, newCache)
		cachetest.RunClaimer(t, newCache)
		cachetest.RunLimiter(t, newCache)
		cachetest.RunUpdater(t, newCache)
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

func TestKeys(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		keystest.Run(t, func(t testing.TB) keys.Manager {
			w, conn := at(t, "keys", nil)
			if conn == nil {
				return w.near.(keys.Manager)
			}
			return grpc.NewKeys(conn)
		})
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		eventtest.Run(t, func(t testing.TB, c eventtest.Config) event.Bus {
			w, conn := at(t, "events", c)
			if conn == nil {
				return w.near.(event.Bus)
			}
			return &tidyBus{Events: grpc.NewEvents(conn), t: t}
		})
	})
}

// tidyBus ends the subscriptions that a check leaves to the end of its bus.
type tidyBus struct {
	*grpc.Events
	t testing.TB
}

func (b *tidyBus) Subscribe(pattern string, h event.Handler) (func(), error) {
	cancel, err := b.Events.Subscribe(pattern, h)
	if err == nil {
		b.t.Cleanup(cancel)
	}
	return cancel, err
}

func TestJobs(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		jobtest.Run(t, func(t testing.TB, c jobtest.Config) job.Queue {
			w, conn := at(t, "jobs", c)
			if conn == nil {
				return w.near.(job.Queue)
			}
			return grpc.NewJobs(conn)
		})
	})
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at open) {
		nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
			w, conn := at(t, "verifier", nil)
			do := func(ctx context.Context, what string, o chainOrder, out any) error {
				v, err := w.do(ctx, what, marshal(o))
				if err == nil && out != nil {
					err = json.Unmarshal(marshal(v), out)
				}
				return err
			}
			var contracts [6]string
			if err := do(t.Context(), "contracts", chainOrder{}, &contracts); err != nil {
				t.Fatal(err)
			}
			f := nfttest.Fixture{
				NFT: contracts[0], Multi: contracts[1], NoCode: account(99).Address, Holds: true,
				Rights:   nfttest.Rights{Rental: contracts[2], Subscription: contracts[3], Lock: contracts[4], Art: contracts[5]},
				Accounts: [3]string{account(1).Address, account(2).Address, account(3).Address},
				Mine: func(ctx context.Context, ops ...nfttest.Op) (b nft.Block, err error) {
					err = do(ctx, "mine", chainOrder{Ops: ops}, &b)
					return b, err
				},
				Reorg: func(ctx context.Context, depth int, ops ...nfttest.Op) error {
					return do(ctx, "reorg", chainOrder{Depth: depth, Ops: ops}, nil)
				},
				Break: func() func() {
					_ = do(t.Context(), "break", chainOrder{}, nil)
					return func() { _ = do(t.Context(), "mend", chainOrder{}, nil) }
				},
			}
			if f.Verifier = grpc.NewVerifier(conn, nfttestChain); conn == nil {
				f.Verifier = w.near.(nft.Verifier)
			}
			return f
		})
	})
}

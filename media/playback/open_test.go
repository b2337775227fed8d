package playback_test

import (
	"context"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	playbacktest.RunStore(t, func(*testing.T) playback.Store { return &playbacktest.Memory{} })
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := playback.New(playback.Options{})
	wantKind(t, err, fault.Invalid)
	if _, fields, _ := fault.Public(err); len(fields) != 6 {
		t.Errorf("fields: %v", fields)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := context.Background()
	t.Run("yes", func(t *testing.T) {
		g := f.open(t, viewer(alice), "film")
		if g.Token == "" || g.Owner || g.Decision.Outcome != nft.Yes || time.Until(g.ExpiresAt) < 3*time.Hour {
			t.Errorf("got %+v", g)
		}
	})
	t.Run("no", func(t *testing.T) {
		_, err := f.Open(ctx, viewer(bob), "film")
		wantKind(t, err, fault.Forbidden)
		if reason(err) != "told_no" {
			t.Errorf("reason %q", reason(err))
		}
	})
	t.Run("unknown is never yes", func(t *testing.T) {
		_, err := f.Open(ctx, viewer("0x00000000000000000000000000000000000000cc"), "film")
		wantKind(t, err, fault.Unavailable)
		if _, _, retry := fault.Public(err); retry == 0 || reason(err) != "told_unknown" {
			t.Errorf("retry %v, reason %q", retry, reason(err))
		}
	})
	t.Run("nobody is asked to sign in", func(t *testing.T) {
		_, err := f.Open(ctx, auth.Principal{}, "film")
		wantKind(t, err, fault.Unauthenticated)
		if reason(err) != "not_signed_in" {
			t.Errorf("reason %q", reason(err))
		}
	})
	t.Run("an owner previews, gate or not", func(t *testing.T) {
		for _, id := range []string{"film", "private"} {
			if g := f.open(t, auth.Principal{Tenant: "default", UserID: owner}, id); !g.Owner {
				t.Errorf("%s: %+v", id, g)
			}
		}
	})
	t.Run("without a gate only the owner", func(t *testing.T) {
		_, err := f.Open(ctx, viewer(alice), "private")
		wantKind(t, err, fault.Forbidden)
		if reason(err) != "no_rule" {
			t.Errorf("reason %q", reason(err))
		}
	})
	t.Run("another tenant's owner is nobody", func(t *testing.T) {
		_, err := f.Open(ctx, auth.Principal{Tenant: "other", UserID: owner}, "film")
		wantKind(t, err, fault.NotFound)
	})
	t.Run("not yet playable", func(t *testing.T) {
		_, err := f.Open(ctx, auth.Principal{}, "new")
		wantKind(t, err, fault.Unavailable)
		if _, _, retry := fault.Public(err); retry == 0 {
			t.Error("no RetryAfter")
		}
	})
	t.Run("failed", func(t *testing.T) {
		_, err := f.Open(ctx, auth.Principal{}, "broken")
		wantKind(t, err, fault.NotFound)
	})
	t.Run("a gate that cannot be read", func(t *testing.T) {
		f.lib.change("private", func(a *media.Asset) { a.Gate = []byte(`{"gr":9}`) })
		_, err := f.Open(ctx, viewer(alice), "private")
		wantKind(t, err, fault.Unavailable)
	})
}

func TestForeignTokensOpenNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	for _, token := range []string{"", "x", g.Token[1:], g.Token + "A", "A" + g.Token[1:], "!" + g.Token[1:]} {
		_, err := f.HLS(ctx, token, "master.m3u8")
		wantKind(t, err, fault.Forbidden)
		_, err = f.DASH(ctx, token)
		wantKind(t, err, fault.Forbidden)
		_, err = f.Key(ctx, token, f.kids(t, g.Token)[0])
		wantKind(t, err, fault.Forbidden)
		_, err = f.Notices(ctx, token)
		wantKind(t, err, fault.Forbidden)
		_, err = f.Renew(ctx, token)
		wantKind(t, err, fault.Forbidden)
	}
}

func TestGrantSurvivesARestart(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	kid := f.kids(t, g.Token)[0]
	f.restart(t)
	if _, err := f.Key(ctx, g.Token, kid); err != nil {
		t.Fatal(err)
	}
	f.gate.say(alice, nft.No, false)
	f.restart(t)
	_, err := f.HLS(ctx, g.Token, "master.m3u8")
	wantKind(t, err, fault.Forbidden)
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	kid := f.kids(t, g.Token)[0]
	notices, err := f.Notices(ctx, g.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(ctx, g.Token); err != nil {
		t.Fatal(err)
	}
	if n, open := <-notices; open {
		t.Errorf("got %+v after Close", n)
	}
	_, err = f.Key(ctx, g.Token, kid)
	wantKind(t, err, fault.Forbidden)
	f.restart(t)
	_, err = f.Key(ctx, g.Token, kid)
	wantKind(t, err, fault.Forbidden)
	if err := f.Close(ctx, g.Token); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestDeletedAssetIsGone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.run(t)
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	kid := f.kids(t, g.Token)[0]
	if _, err := f.Media(ctx, "film", 1, "v180", "h0.m4s"); err != nil {
		t.Fatal(err)
	}
	f.following(t, 1)
	notices, err := f.Notices(ctx, g.Token)
	if err != nil {
		t.Fatal(err)
	}
	f.lib.mu.Lock()
	delete(f.lib.assets, "film")
	delete(f.lib.versions, "film")
	f.lib.mu.Unlock()
	if err := f.events.Publish(ctx, event.Event{Topic: "asset.deleted", Tenant: "default", Key: "film"}); err != nil {
		t.Fatal(err)
	}
	if n := <-notices; n.Type != playback.Revoked || n.Decision.Reason != "gone" {
		t.Errorf("notice %+v", n)
	}
	_, err = f.Key(ctx, g.Token, kid)
	wantKind(t, err, fault.Forbidden)
	_, err = f.Media(ctx, "film", 1, "v180", "h0.m4s")
	wantKind(t, err, fault.NotFound)
}

package playback_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
)

func (f *fixture) listen(t *testing.T, token string) <-chan playback.Notice {
	t.Helper()
	c, err := f.Notices(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRevocationAndReorg(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.run(t)
	ctx := context.Background()
	first, second := f.open(t, viewer(alice), "film"), f.open(t, viewer(alice), "film")
	// Two viewings of one wallet under one rule share a watch.
	f.following(t, 1)
	kids := f.kids(t, first.Token)
	notices := []<-chan playback.Notice{f.listen(t, first.Token), f.listen(t, second.Token)}
	f.gate.say(alice, nft.No, true)
	for _, c := range notices {
		if n := <-c; n.Type != playback.Revoked || n.Decision.Reason != "told_no" {
			t.Errorf("notice %+v", n)
		}
	}
	asked := f.gate.asked.Load()
	for range 50 {
		_, err := f.Key(ctx, first.Token, kids[0])
		wantKind(t, err, fault.Forbidden)
	}
	// A refused player is not a load on the chain.
	if n := f.gate.asked.Load() - asked; n > 2 {
		t.Errorf("the gate was asked %d times for 50 refused keys", n)
	}
	for _, err := range []error{
		second3(f.HLS(ctx, first.Token, "master.m3u8")), second3(f.DASH(ctx, first.Token)), second3(f.Renew(ctx, first.Token)),
	} {
		wantKind(t, err, fault.Forbidden)
		if reason(err) != "told_no" {
			t.Errorf("reason %q", reason(err))
		}
	}
	if n := <-f.listen(t, first.Token); n.Type != playback.Revoked {
		t.Errorf("a late listener got %+v", n)
	}
	// The block was reorganised away: the same grant plays on.
	f.gate.say(alice, nft.Yes, true)
	for _, c := range notices {
		if n := <-c; n.Type != playback.Restored {
			t.Errorf("notice %+v", n)
		}
	}
	if _, err := f.Key(ctx, first.Token, kids[0]); err != nil {
		t.Error(err)
	}
	// The last viewing out ends the watch.
	for _, g := range []playback.Grant{first, second} {
		if err := f.Close(ctx, g.Token); err != nil {
			t.Fatal(err)
		}
	}
	f.following(t, 0)
}

func second3[T any](_ T, err error) error { return err }

func TestALostRightIsFoundByTheNextKey(t *testing.T) {
	t.Parallel()
	f := setup(t) // nobody runs it: no watch
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	c := f.listen(t, g.Token)
	f.gate.say(alice, nft.No, false)
	_, err := f.Key(t.Context(), g.Token, kids[0])
	wantKind(t, err, fault.Forbidden)
	if n := <-c; n.Type != playback.Revoked {
		t.Errorf("notice %+v", n)
	}
}

func TestARegainedRightIsFoundWithoutAWatch(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		g := f.open(t, viewer(alice), "film")
		kids := f.kids(t, g.Token)
		f.gate.say(alice, nft.No, false)
		_, err := f.Key(t.Context(), g.Token, kids[0])
		wantKind(t, err, fault.Forbidden)
		f.gate.say(alice, nft.Yes, false)
		time.Sleep(3 * time.Second)
		if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
			t.Error(err)
		}
		if f.gate.fresh.Load() == 0 {
			t.Error("a cached answer overruled a refusal")
		}
	})
}

func TestUnknownIsUnavailableNotForbidden(t *testing.T) {
	t.Parallel()
	f := setup(t)
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	f.gate.say(alice, nft.Unknown, false)
	_, err := f.Key(t.Context(), g.Token, kids[0])
	wantKind(t, err, fault.Unavailable)
	_, err = f.Renew(t.Context(), g.Token)
	wantKind(t, err, fault.Unavailable)
	f.gate.say(alice, nft.Yes, false)
	if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Error(err)
	}
}

func TestAChangedGateIsAskedAnew(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.run(t)
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	f.following(t, 1)
	c := f.listen(t, g.Token)
	change := func(fn func(*media.Asset)) {
		t.Helper()
		f.lib.change("film", fn)
		if err := f.events.Publish(ctx, event.Event{Topic: "gate.changed", Tenant: "default", Key: "film"}); err != nil {
			t.Fatal(err)
		}
	}
	change(func(a *media.Asset) { a.Gate = nil })
	if n := <-c; n.Type != playback.Revoked || n.Decision.Reason != "no_rule" {
		t.Errorf("without a gate: %+v", n)
	}
	change(func(a *media.Asset) { a.Policy.Public = true })
	if n := <-c; n.Type != playback.Restored || n.Decision.Reason != "public" {
		t.Errorf("public: %+v", n)
	}
	f.gate.say(alice, nft.No, true)
	change(func(a *media.Asset) {
		a.Policy.Public, a.Gate = false, json.RawMessage(`{"gr":1,"when":{"is":"eip155:1:`+bob+`"}}`)
	})
	if n := <-c; n.Type != playback.Revoked || n.Decision.Reason != "told_no" {
		t.Errorf("another gate: %+v", n)
	}
}

func TestGrantLife(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, func(o *playback.Options) { o.GrantTTL = time.Hour })
		f.run(t)
		ctx := context.Background()
		g := f.open(t, viewer(alice), "film")
		kids := f.kids(t, g.Token)
		c := f.listen(t, g.Token)
		start := time.Now()
		if n := <-c; n.Type != playback.RenewSoon || time.Since(start) != 54*time.Minute {
			t.Errorf("%+v after %v", n, time.Since(start))
		}
		renewed, err := f.Renew(ctx, g.Token)
		if err != nil || time.Until(renewed.ExpiresAt) != time.Hour || renewed.Token != g.Token {
			t.Errorf("renewed %+v, %v", renewed, err)
		}
		if n := <-c; n.Type != playback.RenewSoon || time.Since(start) != 108*time.Minute {
			t.Errorf("%+v after %v", n, time.Since(start))
		}
		if n, open := <-c; open || time.Since(start) != 114*time.Minute {
			t.Errorf("%+v after %v", n, time.Since(start))
		}
		_, err = f.Key(ctx, g.Token, kids[0])
		wantKind(t, err, fault.Forbidden)
		time.Sleep(2 * time.Minute)
		// Swept from the store too.
		if n, err := f.store.DeleteExpired(ctx, time.Now()); n != 0 || err != nil {
			t.Errorf("%d left, %v", n, err)
		}
	})
}

func TestIdleViewingsLeaveMemoryAndComeBack(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		f.run(t)
		g := f.open(t, viewer(alice), "film")
		kids := f.kids(t, g.Token)
		synctest.Wait()
		f.following(t, 1)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		f.following(t, 0)
		if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		f.following(t, 1)
	})
}

func TestAnOutageOfTheLibraryIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		g := f.open(t, viewer(alice), "film")
		kids := f.kids(t, g.Token)
		f.lib.mu.Lock()
		f.lib.down = fault.New(fault.Unavailable, "library", "down")
		f.lib.mu.Unlock()
		time.Sleep(3 * time.Second)
		_, err := f.Key(t.Context(), g.Token, kids[0])
		wantKind(t, err, fault.Unavailable)
	})
}

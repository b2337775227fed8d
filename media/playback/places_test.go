package playback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/cache"
)

const pass = "eip155:1/erc721:0x00000000000000000000000000000000000000cc"

// crowd gates the film by when, with so many streams at once, and lets all of n wallets in.
func (f *fixture) crowd(when, per string, most, n int) []auth.Principal {
	f.lib.change("film", func(a *media.Asset) {
		a.Gate = json.RawMessage(fmt.Sprintf(`{"gr":1,"when":%s,"subject":{"concurrency":{"per":%q,"max":%d}}}`, when, per, most))
	})
	var out []auth.Principal
	for i := range n {
		address := fmt.Sprintf("0x%040x", 0xabc000+i)
		f.gate.outcome[address] = nft.Yes
		out = append(out, viewer(address))
	}
	return out
}

// full checks the refusal of one stream too many.
func full(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.Is(err, fault.Limited) || reason(err) != playback.TooManyStreams || !errors.As(err, &f) || f.RetryAfter <= 0 || f.Msg == "" {
		t.Errorf("got %v (%s), want one stream too many", err, reason(err))
	}
}

func TestOneStreamTooManyIsRefused(t *testing.T) {
	t.Parallel()
	hold := `{"hold":"` + pass + `"}`
	one := `{"any":[{"is":"eip155:1:0x00000000000000000000000000000000000000ee"},{"hold":"` + pass + `/7"}]}`
	for _, tc := range []struct {
		name, when, per string
		explain         *nft.Node
		// who opens, by number; the last one is refused, and the one named by free is let in still.
		opens []int
		free  int
	}{
		{"of an asset, whoever watches", hold, "asset", nil, []int{0, 1, 2}, -1},
		{"with an account, each his own", hold, "account", nil, []int{0, 0, 0}, 1},
		{"with a token that the rule names, whoever uses it", one, "token",
			&nft.Node{Pointer: "/when", Outcome: nft.Yes, Children: []*nft.Node{{Pointer: "/when/any/0", Outcome: nft.No}, {Pointer: "/when/any/1", Outcome: nft.Yes}}},
			[]int{0, 1, 2}, -1},
		{"with a token of a collection, each his own", hold, "token", &nft.Node{Pointer: "/when", Outcome: nft.Yes}, []int{0, 0, 0}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			f.gate.explain = tc.explain
			who := f.crowd(tc.when, tc.per, 2, 4)
			var grants []playback.Grant
			for _, n := range tc.opens[:2] {
				grants = append(grants, f.open(t, who[n], "film"))
			}
			_, err := f.Open(t.Context(), who[tc.opens[2]], "film")
			full(t, err)
			if tc.free >= 0 {
				f.open(t, who[tc.free], "film")
			}
			// Who plays goes on.
			for _, g := range grants {
				if _, err := f.Key(t.Context(), g.Token, f.kids(t, g.Token)[0]); err != nil {
					t.Error(err)
				}
			}
			// A stream that is closed frees its place at once.
			if err := f.Close(t.Context(), grants[0].Token); err != nil {
				t.Fatal(err)
			}
			f.open(t, who[tc.opens[2]], "film")
			_, err = f.Open(t.Context(), who[tc.opens[2]], "film")
			full(t, err)
		})
	}
}

// One token, a hundred wallets that may use it, and two screens.
func TestATokenWithAHundredUsersPlaysTwice(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.gate.explain = &nft.Node{Pointer: "/when", Outcome: nft.Yes}
	who := f.crowd(`{"hold":"`+pass+`/7","as":["owner","delegate"]}`, "token", 2, 101)
	let := 0
	for _, p := range who {
		if _, err := f.Open(t.Context(), p, "film"); err == nil {
			let++
		} else {
			full(t, err)
		}
	}
	if let != 2 {
		t.Errorf("%d streams run", let)
	}
}

func TestTheOwnerAndThePublicAreNotCounted(t *testing.T) {
	t.Parallel()
	f := setup(t)
	who := f.crowd(`{"hold":"`+pass+`"}`, "asset", 1, 2)
	f.open(t, who[0], "film")
	me := who[1]
	me.UserID = owner
	f.open(t, me, "film")
	_, err := f.Open(t.Context(), who[1], "film")
	full(t, err)
	f.lib.change("film", func(a *media.Asset) { a.Policy.Public = true })
	f.restart(t)
	f.open(t, who[1], "film")
	f.open(t, who[1], "film")
}

// A tab that is closed without a word is noticed by its silence, within a bound.
func TestASilentStreamLosesItsPlace(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		f.long(200)
		who := f.crowd(`{"hold":"`+pass+`"}`, "asset", 1, 2)
		g := f.open(t, who[0], "film")
		if _, err := f.Key(t.Context(), g.Token, f.kids(t, g.Token)[0]); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for {
			_, err := f.Open(t.Context(), who[1], "film")
			if err == nil {
				break
			}
			full(t, err)
			time.Sleep(time.Second)
		}
		if d := time.Since(start); d < 10*time.Second || d > 35*time.Second {
			t.Errorf("the place was free after %v", d)
		}
		// The first comes back and finds the room full.
		_, err := f.Key(t.Context(), g.Token, f.kids(t, g.Token)[0])
		full(t, err)
		_, err = f.Renew(t.Context(), g.Token)
		full(t, err)
	})
}

// Who plays, or has paused with the page open, keeps his place however long.
func TestALiveStreamKeepsItsPlace(t *testing.T) {
	t.Parallel()
	film(t)
	for _, plays := range []bool{true, false} {
		t.Run(fmt.Sprintf("plays %v", plays), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := setup(t)
				f.long(200)
				who := f.crowd(`{"hold":"`+pass+`"}`, "asset", 1, 2)
				g := f.open(t, who[0], "film")
				ctx, leave := context.WithCancel(t.Context())
				var notices <-chan playback.Notice
				if !plays {
					var err error
					if notices, err = f.Notices(ctx, g.Token); err != nil {
						t.Fatal(err)
					}
				}
				kids := f.kids(t, g.Token)
				for i := range 75 { // five minutes
					if plays {
						if _, err := f.Key(t.Context(), g.Token, kids[i]); err != nil {
							t.Fatalf("key %d: %v", i, err)
						}
					}
					_, err := f.Open(t.Context(), who[1], "film")
					full(t, err)
					time.Sleep(4 * time.Second)
				}
				leave()
				if notices != nil {
					for range notices {
						t.Error("a notice")
					}
				}
				time.Sleep(40 * time.Second)
				f.open(t, who[1], "film")
			})
		})
	}
}

// Places are counted over all processes, also when everybody comes at once.
func TestProcessesShareTheirPlaces(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	for name, caches := range map[string][2]cache.Cache{
		"over Redis": {client(t, s), client(t, s)},
		"in memory":  {cache.NewLRU(cache.LRUOptions{}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, func(o *playback.Options) { o.SharedCache = caches[0] })
			who := f.crowd(`{"hold":"`+pass+`"}`, "asset", 3, 60)
			processes := []*fixture{f, f.another(t, caches[1])}
			var let atomic.Int32
			var mu sync.Mutex
			var tokens []string
			var wg sync.WaitGroup
			for i, p := range who {
				wg.Go(func() {
					g, err := processes[i%2].Open(context.Background(), p, "film")
					if err != nil {
						full(t, err)
						return
					}
					let.Add(1)
					mu.Lock()
					defer mu.Unlock()
					tokens = append(tokens, g.Token)
				})
			}
			wg.Wait()
			if let.Load() != 3 {
				t.Fatalf("%d streams run, want 3", let.Load())
			}
			// Each may ask any process for its keys.
			for _, token := range tokens {
				for _, p := range processes {
					if _, err := p.Key(t.Context(), token, p.kids(t, token)[0]); err != nil {
						t.Error(err)
					}
				}
			}
			for _, p := range processes {
				if err := p.Close(t.Context(), tokens[0]); err != nil {
					t.Error(err)
				}
			}
			processes[1].open(t, who[0], "film")
			_, err := processes[0].Open(t.Context(), who[1], "film")
			full(t, err)
		})
	}
}

// mute is a cache that can be cut off.
type mute struct {
	*cache.LRU
	down atomic.Bool
}

func (m *mute) Update(ctx context.Context, key string, ttl time.Duration, change func([]byte) ([]byte, error)) error {
	if m.down.Load() && strings.HasPrefix(key, "place/") {
		return fault.New(fault.Unavailable, "mute", "down")
	}
	return m.LRU.Update(ctx, key, ttl, change)
}

// While nobody can count, who has a place keeps it until it lapses and nobody new is let in.
func TestWithoutAnAnswerAboutPlacesNobodyNewIsLetIn(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		m := &mute{LRU: cache.NewLRU(cache.LRUOptions{})}
		f := setup(t, func(o *playback.Options) { o.SharedCache = m })
		f.long(200)
		who := f.crowd(`{"hold":"`+pass+`"}`, "asset", 5, 2)
		g := f.open(t, who[0], "film")
		kids := f.kids(t, g.Token)
		if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
			t.Fatal(err)
		}
		m.down.Store(true)
		_, err := f.Open(t.Context(), who[1], "film")
		wantKind(t, err, fault.Unavailable)
		time.Sleep(20 * time.Second)
		if _, err := f.Key(t.Context(), g.Token, kids[1]); err != nil {
			t.Errorf("within its time: %v", err)
		}
		time.Sleep(20 * time.Second)
		_, err = f.Key(t.Context(), g.Token, kids[2])
		wantKind(t, err, fault.Unavailable)
		m.down.Store(false)
		if _, err := f.Key(t.Context(), g.Token, kids[2]); err != nil {
			t.Error(err)
		}
		// A state that is lost or spoilt lets those who play take their places anew.
		if err := m.LRU.Update(t.Context(), "place/x", time.Hour, func([]byte) ([]byte, error) { return []byte("nonsense"), nil }); err != nil {
			t.Fatal(err)
		}
	})
}

// A page that renews when it is told to is never cut, however short the grants.
func TestRenewedInTimeNobodyIsCut(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, func(o *playback.Options) { o.GrantTTL = 20 * time.Second })
		f.long(200)
		f.run(t)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		g := f.open(t, viewer(alice), "film")
		notices, err := f.Notices(ctx, g.Token)
		if err != nil {
			t.Fatal(err)
		}
		var renewed atomic.Int32
		go func() {
			for n := range notices {
				if n.Type != playback.RenewSoon {
					t.Errorf("notice %+v", n)
				}
				if _, err := f.Renew(ctx, g.Token); err != nil {
					t.Errorf("renewal: %v", err)
				}
				renewed.Add(1)
			}
		}()
		kids := f.kids(t, g.Token)
		for i := range 60 { // four minutes: a dozen lives
			if _, err := f.Key(ctx, g.Token, kids[i]); err != nil {
				t.Fatalf("key %d after %d renewals: %v", i, renewed.Load(), err)
			}
			if _, err := f.HLS(ctx, g.Token, "v180.m3u8"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Second)
		}
		if n := renewed.Load(); n < 10 || n > 14 {
			t.Errorf("%d renewals", n)
		}
	})
}

// What ends a session tells the viewer why before his stream ends.
func TestAViewerIsToldWhyHisSessionEnded(t *testing.T) {
	t.Parallel()
	for want, data := range map[string]string{
		"session_ended":    `{"session_id":"s1"}`,
		auth.SignerChanged: `{"session_id":"s1","reason":"` + auth.SignerChanged + `"}`,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			f.run(t)
			p := viewer(alice)
			p.SessionID = "s1"
			g := f.open(t, p, "film")
			f.following(t, 1)
			c := f.listen(t, g.Token)
			if err := f.events.Publish(t.Context(), sessionEnd(data)); err != nil {
				t.Fatal(err)
			}
			if n, ok := <-c; !ok || n.Type != playback.Revoked || n.Decision.Reason != want || n.Decision.Message == "" || n.Decision.Outcome != nft.No {
				t.Errorf("notice %+v %v", n, ok)
			}
			if n, ok := <-c; ok {
				t.Errorf("then %+v", n)
			}
			_, err := f.DASH(t.Context(), g.Token)
			wantKind(t, err, fault.Forbidden)
		})
	}
}

func sessionEnd(data string) event.Event {
	return event.Event{Topic: "session.ended", Key: "s1", Data: []byte(data)}
}

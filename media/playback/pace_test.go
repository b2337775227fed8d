package playback_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/nft"
)

// long makes the film's index pretend to n segments: keys need no bytes.
func (f *fixture) long(n int) {
	v := *f.lib.versions["film"]
	v.Tracks = append([]cmaf.Track(nil), v.Tracks...)
	for i := range v.Tracks {
		t := &v.Tracks[i]
		t.Segments = append([]cmaf.Segment(nil), t.Segments...)
		for len(t.Segments) < n {
			last := t.Segments[len(t.Segments)-1]
			last.Time += last.Duration
			t.Segments = append(t.Segments, last)
		}
	}
	v.Revision++
	f.lib.versions["film"] = &v
}

// at asks for the key of an epoch and returns how long that took.
func (f *fixture) at(token string, kids []string, epoch int) (time.Duration, error) {
	start := time.Now()
	_, err := f.Key(context.Background(), token, kids[epoch])
	return time.Since(start).Round(time.Millisecond), err
}

func paced(t *testing.T, test func(t *testing.T, f *fixture, token string, kids []string)) {
	film(t) // encoded outside the bubble
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		f.long(64)
		g := f.open(t, viewer(alice), "film")
		test(t, f, g.Token, f.kids(t, g.Token))
	})
}

func TestPaceOfAnHonestPlayer(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		// With E = 4 s and L = 4 s two epochs leave at once, then one each 4 s,
		// however eagerly the player asks.
		for epoch, want := range []time.Duration{0, 0, 4 * time.Second, 4 * time.Second, 4 * time.Second} {
			if took, err := f.at(token, kids, epoch); err != nil || took != want {
				t.Errorf("epoch %d after %v (%v), want %v", epoch, took, err, want)
			}
		}
		// Asking again is free.
		if took, err := f.at(token, kids, 1); err != nil || took != 0 {
			t.Errorf("again: %v, %v", took, err)
		}
	})
}

func TestPauseEarnsNothingBeyondTheLead(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		for epoch := range 2 {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		for epoch, want := range map[int]time.Duration{2: 0} {
			if took, err := f.at(token, kids, epoch); err != nil || took != want {
				t.Errorf("epoch %d after %v (%v)", epoch, took, err)
			}
		}
		if took, err := f.at(token, kids, 3); err != nil || took != 0 {
			t.Errorf("the lead after a pause: %v (%v)", took, err)
		}
		if took, err := f.at(token, kids, 4); err != nil || took != 4*time.Second {
			t.Errorf("beyond the lead: %v (%v)", took, err)
		}
	})
}

// A client that asks for everything all the time never has more than the bound.
func TestHoardingIsBounded(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		start := time.Now()
		for epoch := 0; time.Since(start) < 2*time.Minute; {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
			epoch++
			ahead := time.Duration(epoch)*4*time.Second - time.Since(start)
			if ahead > 8*time.Second {
				t.Fatalf("after %v a client holds %v ahead, the bound is 8 s", time.Since(start), ahead)
			}
		}
	})
}

func TestSeeksAreFastAndFew(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		if _, err := f.at(token, kids, 0); err != nil {
			t.Fatal(err)
		}
		var waits []time.Duration
		for i := range 6 {
			took, err := f.at(token, kids, 10+5*i)
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, took)
		}
		if got, want := fmt.Sprint(waits), "[0s 0s 0s 0s 5s 5s]"; got != want {
			t.Errorf("seeks took %s, want %s", got, want)
		}
		// The clock starts anew where the last seek went.
		for i, want := range []time.Duration{0, 4 * time.Second} {
			if took, err := f.at(token, kids, 36+i); err != nil || took != want {
				t.Errorf("epoch %d after %v (%v), want %v", 36+i, took, err, want)
			}
		}
		// And what was released stays so.
		if took, err := f.at(token, kids, 10); err != nil || took != 0 {
			t.Errorf("back: %v (%v)", took, err)
		}
	})
}

func TestTooManyHeldRequestsComeBackLater(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		for epoch := range 2 {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		held, refused := 0, 0
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				took, err := f.at(token, kids, 2)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && took == 4*time.Second:
					held++
				case took == 0:
					wantKind(t, err, fault.Unavailable)
					if _, _, retry := fault.Public(err); retry < time.Second {
						t.Errorf("RetryAfter %v", retry)
					}
					refused++
				default:
					t.Errorf("%v after %v", err, took)
				}
			})
		}
		wg.Wait()
		if held != 8 || refused != 12 {
			t.Errorf("%d held, %d refused", held, refused)
		}
	})
}

func TestLongEpochsAreHeldThenToldToComeBack(t *testing.T) {
	t.Parallel()
	film(t)
	synctest.Test(t, func(t *testing.T) {
		f := setup(t)
		f.lib.versions["film"].Grid.EpochSegments = 4 // 16 s
		f.long(64)
		g := f.open(t, viewer(alice), "film")
		all := f.kids(t, g.Token)
		if all[0] != all[3] || all[0] == all[4] {
			t.Fatal("an epoch of four segments has one key")
		}
		kids := []string{all[0], all[4]}
		if _, err := f.at(g.Token, kids, 0); err != nil {
			t.Fatal(err)
		}
		// Due at 16 s - 4 s: two holds of 6 s.
		took, err := f.at(g.Token, kids, 1)
		wantKind(t, err, fault.Unavailable)
		if took != 6*time.Second {
			t.Errorf("held %v", took)
		}
		if took, err := f.at(g.Token, kids, 1); err != nil || took != 6*time.Second {
			t.Errorf("second try: %v after %v", err, took)
		}
	})
}

func TestARightLostWhileHeldIsRefused(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		for epoch := range 2 {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(time.Second, func() { f.gate.say(alice, nft.No, false) })
		took, err := f.at(token, kids, 2)
		wantKind(t, err, fault.Forbidden)
		if took != 4*time.Second || reason(err) != "told_no" {
			t.Errorf("%q after %v", reason(err), took)
		}
	})
}

func TestAHeldRequestEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		for epoch := range 2 {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Key(ctx, token, kids[2])
		wantKind(t, err, fault.Canceled)
	})
}

func TestUnknownKeepsKeysForTheGraceOnly(t *testing.T) {
	t.Parallel()
	film(t)
	for name, set := range map[string]func(f *fixture){
		"from the options": func(f *fixture) { f.opt.Grace = 10 * time.Second },
		"from the rule": func(f *fixture) {
			f.lib.change("film", func(a *media.Asset) {
				a.Gate = json.RawMessage(`{"gr":1,"when":{"is":"eip155:1:` + alice + `"},"evidence":{"grace":"10s"}}`)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := setup(t)
				set(f)
				f.restart(t)
				g := f.open(t, viewer(alice), "film")
				kids := f.kids(t, g.Token)
				f.gate.say(alice, nft.Unknown, false)
				time.Sleep(9 * time.Second)
				if _, err := f.at(g.Token, kids, 0); err != nil {
					t.Errorf("within the grace: %v", err)
				}
				time.Sleep(2 * time.Second)
				_, err := f.at(g.Token, kids, 0)
				wantKind(t, err, fault.Unavailable)
				if reason(err) != "told_unknown" {
					t.Errorf("reason %q", reason(err))
				}
			})
		})
	}
}

func TestKeyRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	keys := f.contentKeys(t)
	for name, kid := range map[string]string{
		"garbage": "zz", "zero": fmt.Sprintf("%032x", 0), "changed": "0" + kids[0][1:] + "0", "a DASH key": keys.KID(cmaf.DASH, 0).String(),
		"beyond the end": keys.KID(cmaf.HLS, 4).String(),
	} {
		if _, err := f.Key(t.Context(), g.Token, kid); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := f.Key(t.Context(), g.Token, kids[0])
	if want := keys.Key(cmaf.HLS, 0); err != nil || string(got) != string(want[:]) {
		t.Errorf("got %x, %v", got, err)
	}
}

// contentKeys derives the film's keys as an outsider with the secret would.
func (f *fixture) contentKeys(t testing.TB) *cmaf.ContentKeys {
	t.Helper()
	v := f.film.Version
	secret, err := f.film.Keys.Unwrap(t.Context(), media.Scope(v.Tenant, v.AssetID), v.Secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := cmaf.NewContentKeys(secret, v.AssetID, v.Number)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func license(kids ...cmaf.Key) []byte {
	in := struct {
		KIDs []string `json:"kids"`
		Type string   `json:"type"`
	}{Type: "temporary"}
	for _, k := range kids {
		in.KIDs = append(in.KIDs, base64.RawURLEncoding.EncodeToString(k[:]))
	}
	b, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return b
}

func TestLicense(t *testing.T) {
	t.Parallel()
	f := setup(t)
	g := f.open(t, auth.Principal{Tenant: "default", UserID: owner}, "film")
	keys := f.contentKeys(t)
	b, err := f.License(t.Context(), g.Token, license(keys.KID(cmaf.DASH, 0), keys.KID(cmaf.DASH, 1), keys.KID(cmaf.DASH, 0)))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Keys []struct{ Kty, Kid, K string }
		Type string
	}
	if err := json.Unmarshal(b, &got); err != nil || len(got.Keys) != 2 || got.Type != "temporary" {
		t.Fatalf("%s: %v", b, err)
	}
	for i, k := range got.Keys {
		kid, key := keys.KID(cmaf.DASH, i), keys.Key(cmaf.DASH, i)
		if k.Kty != "oct" || k.Kid != base64.RawURLEncoding.EncodeToString(kid[:]) || k.K != base64.RawURLEncoding.EncodeToString(key[:]) {
			t.Errorf("key %d: %+v", i, k)
		}
	}
	many := make([]cmaf.Key, 17)
	for i := range many {
		many[i] = keys.KID(cmaf.DASH, i)
	}
	for name, c := range map[string]struct {
		body string
		kind fault.Kind
	}{
		"not JSON":     {"kids", fault.Invalid},
		"no kids":      {`{"kids":[]}`, fault.Invalid},
		"bad base64":   {`{"kids":["!!"]}`, fault.Invalid},
		"short kid":    {`{"kids":["AAAA"]}`, fault.Invalid},
		"persistent":   {`{"kids":["` + hex.EncodeToString(make([]byte, 8)) + `"],"type":"persistent-license"}`, fault.Invalid},
		"too many":     {string(license(many...)), fault.Invalid},
		"too long":     {`{"kids":["` + string(make([]byte, 5000)) + `"]}`, fault.TooLarge},
		"an HLS key":   {string(license(keys.KID(cmaf.HLS, 0))), fault.NotFound},
		"one is false": {string(license(keys.KID(cmaf.DASH, 0), cmaf.Key{})), fault.NotFound},
	} {
		if _, err := f.License(t.Context(), g.Token, []byte(c.body)); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
}

// One epoch has an HLS and a DASH key, and the pace counts it once.
func TestHLSAndDASHKeysShareThePace(t *testing.T) {
	t.Parallel()
	paced(t, func(t *testing.T, f *fixture, token string, kids []string) {
		keys := f.contentKeys(t)
		for epoch := range 2 {
			if _, err := f.at(token, kids, epoch); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := f.License(t.Context(), token, license(keys.KID(cmaf.DASH, epoch))); err != nil || time.Since(start) != 0 {
				t.Errorf("licence of epoch %d: %v after %v", epoch, err, time.Since(start))
			}
		}
		start := time.Now()
		if _, err := f.License(t.Context(), token, license(keys.KID(cmaf.DASH, 2))); err != nil || time.Since(start) != 4*time.Second {
			t.Errorf("licence of epoch 2: %v after %v", err, time.Since(start))
		}
	})
}

func FuzzLicense(f *testing.F) {
	fx := setup(f)
	g := fx.open(f, auth.Principal{Tenant: "default", UserID: owner}, "film")
	keys := fx.contentKeys(f)
	f.Add(license(keys.KID(cmaf.DASH, 0)))
	f.Add([]byte(`{"kids":[null],"type":3}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := fx.License(t.Context(), g.Token, body)
		if err == nil && !json.Valid(b) {
			t.Fatalf("%q", b)
		}
		if k := fault.KindOf(err); err != nil && k == fault.Internal {
			t.Fatal(err)
		}
	})
}

func FuzzMediaName(f *testing.F) {
	fx := setup(f)
	f.Add("v180", "h0.m4s")
	f.Add("a64", "d0-init.mp4")
	f.Add("v180", "d00.m4s")
	f.Fuzz(func(t *testing.T, track, name string) {
		r, err := fx.Media(t.Context(), "film", 1, track, name)
		if err != nil {
			wantKind(t, err, fault.NotFound)
			return
		}
		if r.Size == 0 || r.ETag == "" || !r.Immutable {
			t.Fatalf("%+v", r)
		}
	})
}

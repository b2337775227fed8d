package playback_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage"
)

// theFilm is encoded once: tests only read it.
var theFilm = sync.OnceValues(func() (*playbacktest.Film, error) {
	return playbacktest.MakeFilm(context.Background(), "default", "film")
})

func film(t testing.TB) *playbacktest.Film {
	t.Helper()
	f, err := theFilm()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// library is the catalogue of assets that media.Service would keep.
type library struct {
	mu       sync.Mutex
	assets   map[string]media.Asset
	versions map[string]*media.Version
	down     error
}

func (l *library) Get(_ context.Context, tenant, id string) (media.Asset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.assets[id]
	switch {
	case l.down != nil:
		return media.Asset{}, l.down
	case !ok || a.Tenant != tenant:
		return media.Asset{}, fault.New(fault.NotFound, "library.Get", "no such asset")
	}
	return a, nil
}

func (l *library) Version(_ context.Context, tenant, id string, number int) (*media.Version, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.versions[id]
	if !ok || v.Tenant != tenant || v.Number != number {
		return nil, fault.New(fault.NotFound, "library.Version", "no such version")
	}
	return v, nil
}

func (l *library) change(id string, fn func(*media.Asset)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.assets[id]
	fn(&a)
	l.assets[id] = a
}

// gate answers as it is told, by account, and tells its watchers of changes. It
// stands where a Decider needs a chain: the Decider has its own tests.
type gate struct {
	mu       sync.Mutex
	outcome  map[string]nft.Outcome
	watchers map[chan nft.Decision]string
	explain  *nft.Node
	asked    atomic.Int64
	fresh    atomic.Int64
}

func newGate() *gate {
	return &gate{outcome: map[string]nft.Outcome{}, watchers: map[chan nft.Decision]string{}}
}

func (g *gate) decision(account string) nft.Decision {
	o := g.outcome[account]
	return nft.Decision{Outcome: o, Reason: "told_" + o.String(), Message: "The gate said " + o.String() + ".", At: time.Now(), Explain: g.explain}
}

func (g *gate) Decide(_ context.Context, _ *rule.Rule, s nft.Subject) (nft.Decision, error) {
	g.asked.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.decision(s.Accounts[0].Address), nil
}

func (g *gate) DecideFresh(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error) {
	g.fresh.Add(1)
	return g.Decide(ctx, r, s)
}

func (g *gate) Watch(ctx context.Context, _ *rule.Rule, s nft.Subject) <-chan nft.Decision {
	c := make(chan nft.Decision, 16)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watchers[c] = s.Accounts[0].Address
	c <- g.decision(s.Accounts[0].Address)
	context.AfterFunc(ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watchers, c)
		close(c)
	})
	return c
}

// say changes the answer about an account; tell says whether watchers hear it.
func (g *gate) say(account string, o nft.Outcome, tell bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outcome[account] = o
	for c, a := range g.watchers {
		if tell && a == account {
			c <- g.decision(a)
		}
	}
}

// following waits until n watches run, which is after Run has subscribed.
func (f *fixture) following(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		f.gate.mu.Lock()
		have := len(f.gate.watchers)
		f.gate.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d watches, want %d", have, n)
		}
	}
}

type fixture struct {
	*playback.Service
	film    *playbacktest.Film
	lib     *library
	gate    *gate
	events  *event.Memory
	store   playback.Store
	objects *countingStore
	opt     playback.Options
}

// countingStore counts the reads of the origin.
type countingStore struct {
	storage.Store
	reads atomic.Int64
	block chan struct{} // when not nil, reads wait for it
}

func (c *countingStore) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	c.reads.Add(1)
	if c.block != nil {
		<-c.block
	}
	return c.Store.Get(ctx, key, offset, length)
}

const (
	alice = "0x00000000000000000000000000000000000000aa"
	bob   = "0x00000000000000000000000000000000000000bb"
	owner = "user-owner"
)

func viewer(address string) auth.Principal {
	return auth.Principal{Tenant: "default", UserID: "user-" + address, Accounts: []caip.AccountID{
		{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: address},
	}}
}

// setup makes a service over the film, gated by a rule, with alice let in.
func setup(t testing.TB, change ...func(*playback.Options)) *fixture {
	t.Helper()
	f := &fixture{film: film(t), gate: newGate(), events: event.NewMemory(event.Options{}), store: &playbacktest.Memory{}}
	f.gate.outcome[alice], f.gate.outcome[bob] = nft.Yes, nft.No
	version := f.film.Version
	f.lib = &library{assets: map[string]media.Asset{}, versions: map[string]*media.Version{"film": &version}}
	for id, fn := range map[string]func(*media.Asset){
		"film":    func(a *media.Asset) { a.Gate = json.RawMessage(`{"gr":1,"when":{"is":"eip155:1:` + alice + `"}}`) },
		"private": func(*media.Asset) {},
		"new":     func(a *media.Asset) { a.Version, a.Status, a.Policy.Public = 0, media.Processing, true },
		"broken":  func(a *media.Asset) { a.Version, a.Status, a.Policy.Public = 0, media.Failed, true },
	} {
		a := media.Asset{ID: id, Tenant: "default", Owner: owner, Status: media.Ready, Version: 1}
		fn(&a)
		f.lib.assets[id] = a
	}
	f.objects = &countingStore{Store: f.film.Objects}
	f.opt = playback.Options{Assets: f.lib, Store: f.store, Objects: f.objects, Keys: f.film.Keys, Decider: f.gate, Events: f.events}
	for _, fn := range change {
		fn(&f.opt)
	}
	f.restart(t)
	return f
}

// restart makes a new service over the same stores.
func (f *fixture) restart(t testing.TB) {
	t.Helper()
	var err error
	if f.Service, err = playback.New(f.opt); err != nil {
		t.Fatal(err)
	}
}

// run runs the service until the test ends.
func (f *fixture) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (f *fixture) open(t testing.TB, p auth.Principal, asset string) playback.Grant {
	t.Helper()
	g, err := f.Open(context.Background(), p, asset)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func text(t testing.TB, r playback.Resource, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil || int64(len(b)) != r.Size {
		t.Fatalf("read %d of %d: %v", len(b), r.Size, err)
	}
	return string(b)
}

var keyURI = regexp.MustCompile(`URI="\.\./key/([0-9a-f]{32})",IV=0x([0-9a-f]{32})`)

// kids returns the ids of the AES-128 keys in order of epochs.
func (f *fixture) kids(t testing.TB, token string) []string {
	t.Helper()
	r, err := f.HLS(context.Background(), token, "v180.m3u8")
	var ids []string
	for _, m := range keyURI.FindAllStringSubmatch(text(t, r, err), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if !errors.Is(err, k) {
		t.Errorf("got error %v, want %v", err, k)
	}
}

func reason(err error) string {
	var d *playback.Denied
	if errors.As(err, &d) {
		return d.Decision.Reason
	}
	return ""
}

// hashOf is how a token is stored.
func hashOf(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

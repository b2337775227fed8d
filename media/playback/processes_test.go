package playback_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/storage/cache"
)

// clock is moved by hand: the servers of these tests live in real time.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(1_800_000_000e9)
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// on makes f's service run by c, and not hold requests that come too early.
func (c *clock) on(o *playback.Options) { o.Now, o.Hold = c.now, -1 }

// released is when each epoch's key was first had by a client that asks for the next one, and
// for some ahead, all the time.
type hoarder struct {
	token string
	kids  []string
	had   map[int]time.Duration
}

// ask tries every epoch of want on p once and notes those it gets.
func (h *hoarder) ask(t *testing.T, p *fixture, at time.Duration, want ...int) {
	t.Helper()
	for _, e := range want {
		_, err := p.Key(context.Background(), h.token, h.kids[e])
		switch {
		case err == nil:
			if _, ok := h.had[e]; !ok {
				h.had[e] = at
			}
		case !errors.Is(err, fault.Unavailable):
			t.Fatalf("epoch %d: %v", e, err)
		}
	}
}

// next is the first epoch that the hoarder has not.
func (h *hoarder) next() int {
	for e := 0; ; e++ {
		if _, ok := h.had[e]; !ok {
			return e
		}
	}
}

// hoard opens a grant on the first process and asks for a minute, turn by turn. each is
// called before every step of 250 ms.
func hoard(t *testing.T, c *clock, processes []*fixture, each func(at time.Duration)) *hoarder {
	t.Helper()
	g := processes[0].open(t, viewer(alice), "film")
	h := &hoarder{token: g.Token, kids: processes[0].kids(t, g.Token), had: map[int]time.Duration{}}
	for i := range 240 {
		at := time.Duration(i) * 250 * time.Millisecond
		if each != nil {
			each(at)
		}
		// Thrice, for what one process refuses the other might give.
		for turn := range 3 {
			h.ask(t, processes[(i+turn)%len(processes)], at, h.next())
		}
		c.advance(250 * time.Millisecond)
	}
	return h
}

func TestSeveralProcessesGiveNoKeyEarlierThanOne(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	alone := newClock()
	f := setup(t, alone.on)
	f.long(64)
	one := hoard(t, alone, []*fixture{f}, nil)
	for name, other := range map[string]func() cache.Cache{
		"over Redis": func() cache.Cache { return client(t, s) },
		"in memory":  func() cache.Cache { return nil }, // the first one's
	} {
		c := newClock()
		f := setup(t, c.on, func(o *playback.Options) {
			if o.SharedCache = other(); o.SharedCache == nil {
				o.SharedCache = cache.NewLRU(cache.LRUOptions{Now: c.now})
			}
		})
		f.long(64)
		two := hoard(t, c, []*fixture{f, f.another(t, other())}, nil)
		for e := range 64 {
			a, have := one.had[e]
			b, had := two.had[e]
			if have != had || a != b {
				t.Errorf("%s: epoch %d after %v (%v), with one process after %v (%v)", name, e, b, had, a, have)
			}
		}
	}
	if n := len(one.had); n < 15 || n > 17 {
		t.Errorf("one process gave %d epochs of 4 s in a minute", n)
	}
}

// Seeks are counted over all processes too.
func TestSeveralProcessesShareSeeks(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := newClock()
	f := setup(t, c.on, func(o *playback.Options) { o.SharedCache = client(t, s) })
	f.long(64)
	processes := []*fixture{f, f.another(t, client(t, s))}
	g := f.open(t, viewer(alice), "film")
	h := &hoarder{token: g.Token, kids: f.kids(t, g.Token), had: map[int]time.Duration{}}
	for i := range 10 {
		h.ask(t, processes[i%2], 0, 5*i)
	}
	if len(h.had) != 5 {
		t.Errorf("%d epochs had, want one and four seeks", len(h.had))
	}
	// What one process released the other gives again.
	for e := range h.had {
		for _, p := range processes {
			if _, err := p.Key(t.Context(), h.token, h.kids[e]); err != nil {
				t.Errorf("epoch %d again: %v", e, err)
			}
		}
	}
}

// Each flush earns at most one opening lead, wherever the client asks next.
func TestAFlushEarnsOneOpening(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	alone := newClock()
	f := setup(t, alone.on)
	f.long(64)
	one := hoard(t, alone, []*fixture{f}, nil)
	c := newClock()
	f = setup(t, c.on, func(o *playback.Options) { o.SharedCache = client(t, s) })
	f.long(64)
	const flushes = 2
	two := hoard(t, c, []*fixture{f, f.another(t, client(t, s)), f.another(t, client(t, s))}, func(at time.Duration) {
		if at == 21*time.Second || at == 42*time.Second {
			if err := s.FlushAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	// An opening is two epochs of 4 s at most: the one asked for and one within the lead.
	if n := len(two.had) - len(one.had); n < 0 || n > 2*flushes {
		t.Errorf("%d flushes earned %d epochs more than %d", flushes, n, len(one.had))
	}
}

// A client that jumps about gains no seeks by a flush.
func TestAFlushEarnsNoSeeks(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := newClock()
	f := setup(t, c.on, func(o *playback.Options) { o.SharedCache = client(t, s) })
	f.long(64)
	fresh := f.another(t, client(t, s)) // knows nothing of the grant
	g := f.open(t, viewer(alice), "film")
	h := &hoarder{token: g.Token, kids: f.kids(t, g.Token), had: map[int]time.Duration{}}
	h.ask(t, f, 0, 0, 10, 20, 30, 40, 50)
	if len(h.had) != 5 {
		t.Fatalf("%d epochs had before the flush", len(h.had))
	}
	if err := s.FlushAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ask(t, f, 0, 50, 55) // its own tokens are used up
	if len(h.had) != 5 {
		t.Errorf("a process that knows the tokens gave %d epochs", len(h.had))
	}
	h.ask(t, fresh, 0, 50, 55, 60, 45)
	h.ask(t, f, 0, 55, 60, 45)
	if len(h.had) != 6 {
		t.Errorf("%d epochs had after the flush, want one more", len(h.had))
	}
}

// Without the shared cache no process decides alone: what it released stays released,
// nothing new is.
func TestWithoutTheSharedCacheNoNewKeyLeaves(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := newClock()
	f := setup(t, c.on, func(o *playback.Options) { o.SharedCache = client(t, s) })
	f.long(64)
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	_, err := f.Key(t.Context(), g.Token, kids[1])
	wantKind(t, err, fault.Unavailable)
	if _, _, retry := fault.Public(err); retry < time.Second {
		t.Errorf("RetryAfter %v", retry)
	}
	if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Errorf("what was released: %v", err)
	}
	// A grant can be opened all the same, and plays on when the server is back.
	late := f.open(t, viewer(alice), "film")
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{g.Token, late.Token} {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			_, err := f.Key(t.Context(), token, kids[1])
			if err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after the restart: %v", err)
			}
		}
	}
}

// Many requests at once for the same keys, on both processes, release each epoch once.
func TestConcurrentRequestsOnBothProcesses(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	c := newClock()
	f := setup(t, c.on, func(o *playback.Options) { o.SharedCache = client(t, s) })
	f.long(64)
	processes := []*fixture{f, f.another(t, client(t, s))}
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	var got [3]atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for e := range got {
				_, err := processes[i%2].Key(context.Background(), g.Token, kids[e])
				if err == nil {
					got[e].Add(1)
				} else if !errors.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for e, want := range []int64{64, 64, 0} {
		if n := got[e].Load(); n != want {
			t.Errorf("%d of 64 got epoch %d, want %d", n, e, want)
		}
	}
}

// sessions is what auth.Service would tell.
type sessions struct {
	mu    sync.Mutex
	ended map[string]bool
	down  error
}

func (s *sessions) active(_ context.Context, _, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended[id] && s.down == nil, s.down
}

func (s *sessions) set(fn func(s *sessions)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s)
}

func signedIn(session string) auth.Principal {
	p := viewer(alice)
	p.SessionID = session
	return p
}

// What one process ends the others notice within two seconds, without any event.
func TestEndsInAnotherProcess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f *fixture, ses *sessions, token string) error{
		"closed": func(f *fixture, _ *sessions, token string) error { return f.Close(context.Background(), token) },
		"signed out": func(_ *fixture, ses *sessions, _ string) error {
			ses.set(func(s *sessions) { s.ended["s1"] = true })
			return nil
		},
		"out of the store": func(f *fixture, _ *sessions, _ string) error {
			_, err := f.store.DeleteExpired(context.Background(), time.Now().Add(100*365*24*time.Hour))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ses := newClock(), &sessions{ended: map[string]bool{}}
			f := setup(t, c.on, func(o *playback.Options) { o.SessionActive = ses.active })
			second := f.another(t, nil)
			g := f.open(t, signedIn("s1"), "film")
			kids := f.kids(t, g.Token)
			if _, err := second.Key(t.Context(), g.Token, kids[0]); err != nil {
				t.Fatal(err)
			}
			notices, err := second.Notices(t.Context(), g.Token)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(f, ses, g.Token); err != nil {
				t.Fatal(err)
			}
			c.advance(2 * time.Second)
			for what, ask := range map[string]func(p *fixture) error{
				"key":      func(p *fixture) error { _, err := p.Key(t.Context(), g.Token, kids[0]); return err },
				"playlist": func(p *fixture) error { _, err := p.HLS(t.Context(), g.Token, "master.m3u8"); return err },
				"renewal":  func(p *fixture) error { _, err := p.Renew(t.Context(), g.Token); return err },
			} {
				for _, p := range []*fixture{second, f, f.another(t, nil)} {
					if err := ask(p); !errors.Is(err, fault.Forbidden) {
						t.Errorf("%s: %v, want kind forbidden", what, err)
					}
				}
			}
			// Why is told by the process that notices first; the end by all.
			for n := range notices {
				if n.Type != playback.Revoked || n.Decision.Reason != "session_ended" {
					t.Errorf("notice %+v", n)
				}
			}
			if _, err := f.store.Get(t.Context(), hashOf(g.Token)); !errors.Is(err, fault.NotFound) {
				t.Errorf("the grant is still stored: %v", err)
			}
		})
	}
}

// With the bus it is at once.
func TestEndsAreToldByEvent(t *testing.T) {
	t.Parallel()
	c := newClock() // stands still: nothing is noticed by age
	f := setup(t, c.on)
	second := f.another(t, nil)
	second.run(t)
	for name, end := range map[string]func(token string) error{
		"closed": func(token string) error { return f.Close(context.Background(), token) },
		"session": func(string) error {
			return f.events.Publish(context.Background(), event.Event{Topic: "session.ended", Key: "s1", Data: []byte(`{"session_id":"s1"}`)})
		},
		"user": func(string) error {
			data, err := json.Marshal(map[string]string{"user_id": viewer(alice).UserID})
			if err != nil {
				return err
			}
			return f.events.Publish(context.Background(), event.Event{Topic: "session.ended", Tenant: "default", Key: "u", Data: data})
		},
	} {
		g, other := f.open(t, signedIn("s1"), "film"), f.open(t, auth.Principal{Tenant: "default", UserID: owner, SessionID: "s2"}, "film")
		for _, token := range []string{g.Token, other.Token} {
			if _, err := second.HLS(t.Context(), token, "master.m3u8"); err != nil {
				t.Fatal(err)
			}
		}
		second.following(t, 1) // Run has subscribed
		c2, err := second.Notices(t.Context(), g.Token)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []event.Event{
			{Topic: "session.ended", Key: "x", Data: []byte("nonsense")}, {Topic: "grant.ended", Key: "film", Data: []byte("nonsense")},
			{Topic: "session.ended", Key: "x", Data: []byte(`{}`)}, {Topic: "session.ended", Tenant: "elsewhere", Key: "x", Data: []byte(`{"user_id":"user-owner"}`)},
		} {
			if err := f.events.Publish(t.Context(), bad); err != nil {
				t.Fatal(err)
			}
		}
		if err := end(g.Token); err != nil {
			t.Fatal(err)
		}
		told := 0
		for n := range c2 {
			if told++; name == "closed" || n.Type != playback.Revoked || n.Decision.Reason != "session_ended" {
				t.Errorf("%s: notice %+v", name, n)
			}
		}
		if name != "closed" && told != 1 {
			t.Errorf("%s: the viewer is told %d times why", name, told)
		}
		_, err = second.HLS(t.Context(), g.Token, "master.m3u8")
		wantKind(t, err, fault.Forbidden)
		if _, err := second.HLS(t.Context(), other.Token, "master.m3u8"); err != nil {
			t.Errorf("%s: another viewer's grant: %v", name, err)
		}
		if err := f.Close(t.Context(), other.Token); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARenewalInAnotherProcessIsSeen(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := setup(t, c.on, func(o *playback.Options) { o.GrantTTL = time.Hour })
	second := f.another(t, nil)
	g := f.open(t, viewer(alice), "film")
	kids := f.kids(t, g.Token)
	if _, err := second.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Fatal(err)
	}
	c.advance(50 * time.Minute)
	if _, err := f.Renew(t.Context(), g.Token); err != nil {
		t.Fatal(err)
	}
	c.advance(50 * time.Minute)
	if _, err := second.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Errorf("after a renewal elsewhere: %v", err)
	}
	c.advance(time.Hour)
	_, err := second.Key(t.Context(), g.Token, kids[0])
	wantKind(t, err, fault.Forbidden)
}

// Whether a session goes on cannot be learned: the last answer stands for the grace and no longer.
func TestAnOutageOfSessionsIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	c, ses := newClock(), &sessions{ended: map[string]bool{}}
	f := setup(t, c.on, func(o *playback.Options) { o.SessionActive, o.Grace = ses.active, 10*time.Second })
	g := f.open(t, signedIn("s1"), "film")
	kids := f.kids(t, g.Token)
	ses.set(func(s *sessions) { s.down = fault.New(fault.Unavailable, "test", "down") })
	c.advance(11 * time.Second)
	if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	c.advance(2 * time.Second)
	_, err := f.Key(t.Context(), g.Token, kids[0])
	wantKind(t, err, fault.Unavailable)
	_, err = f.another(t, nil).Key(t.Context(), g.Token, kids[0])
	wantKind(t, err, fault.Unavailable)
	ses.set(func(s *sessions) { s.down = nil })
	if _, err := f.Key(t.Context(), g.Token, kids[0]); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

package sqldb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

func ExampleDB_Relay() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := Open(ctx, filepath.Join(dir, "sg.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	bus := event.NewMemory(event.Options{})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- db.Relay(bus, RelayOptions{}).Run(ctx) }()
	cancel()
	fmt.Println(<-done)
	// Output: <nil>
}

// bus notes what is published, and can be told to go wrong.
type bus struct {
	mu    sync.Mutex
	seen  []event.Event
	wrong func(e event.Event) error // or a panic
	heard chan struct{}
}

func newBus() *bus { return &bus{heard: make(chan struct{}, 10000)} }

func (b *bus) Publish(_ context.Context, e event.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wrong != nil {
		if err := b.wrong(e); err != nil {
			return err
		}
	}
	b.seen = append(b.seen, e)
	b.heard <- struct{}{}
	return nil
}

func (b *bus) Subscribe(string, event.Handler) (func(), error) { return nil, errors.ErrUnsupported }

func (b *bus) goWrong(f func(event.Event) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = f
}

// ids returns what was published of a key, in order.
func (b *bus) ids(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.seen {
		if e.Key == key {
			out = append(out, e.ID)
		}
	}
	return strings.Join(out, " ")
}

func (b *bus) await(t testing.TB, n int) {
	t.Helper()
	for range n {
		select {
		case <-b.heard:
		case <-time.After(time.Minute):
			t.Fatalf("only %d of %d events arrived", len(b.seen), n)
		}
	}
}

// change makes a change with an event, of an asset that there is.
func change(t testing.TB, db *DB, key, id string) []event.Event {
	t.Helper()
	r, err := db.Media().ChangeAsset(context.Background(), "t", key, func(r *media.Record) error {
		r.Events = []event.Event{{ID: id, Topic: "asset.changed", Tenant: "t", Key: key, At: time.Unix(5, 7).UTC(), Data: []byte(`{"id":"` + id + `"}`)}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Events
}

func create(t testing.TB, db *DB, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := db.Media().CreateAsset(t.Context(), media.Record{Asset: media.Asset{ID: k}, Tenant: "t"}); err != nil {
			t.Fatal(err)
		}
	}
}

// relay runs a relay until the test ends.
func relay(t testing.TB, db *DB, b event.Bus, opt RelayOptions) *Relay {
	t.Helper()
	if opt.Every == 0 {
		opt.Every = 10 * time.Millisecond
	}
	r := db.Relay(b, opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestRelayPublishesWhatIsLeft: the process that made a change died before it had published.
func TestRelayPublishesWhatIsLeft(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		create(t, db, "a", "b", "c")
		began := time.Now()
		change(t, db, "a", "a1")
		change(t, db, "a", "a2")
		if err := db.Media().Published(t.Context(), change(t, db, "b", "b1")...); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Media().DeleteAsset(t.Context(), "t", "c", event.Event{ID: "c1", Topic: "asset.deleted", Tenant: "t", Key: "c"}); err != nil {
			t.Fatal(err)
		}
		relay(t, db, b, RelayOptions{})
		b.await(t, 3)
		if took := time.Since(began); took < publishGrace {
			t.Errorf("after %v: the maker had no time to do it himself", took)
		}
		if b.ids("a") != "a1 a2" || b.ids("b") != "" || b.ids("c") != "c1" {
			t.Errorf("%q %q %q", b.ids("a"), b.ids("b"), b.ids("c"))
		}
		for _, e := range b.seen {
			if e.ID == "a1" && (e.Topic != "asset.changed" || e.Tenant != "t" || !e.At.Equal(time.Unix(5, 7)) || string(e.Data) != `{"id":"a1"}`) {
				t.Errorf("%+v", e)
			}
			if e.ID == "c1" && (e.Data != nil || !e.At.IsZero()) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestRelayOutlivesABus that does not answer, then panics; meanwhile other keys are refused for good.
func TestRelayOutlivesABus(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		db.outbox.grace = 0
		create(t, db, "a", "b")
		trouble := make(chan struct{}, 3)
		n := 0
		b.goWrong(func(e event.Event) error {
			if e.Key == "b" {
				return fault.New(fault.TooLarge, "test", "the bus takes no such thing")
			}
			if n++; n <= 3 {
				trouble <- struct{}{}
				if n == 2 {
					panic("the bus")
				}
				return fault.New(fault.Unavailable, "test", "the bus is down")
			}
			return nil
		})
		change(t, db, "b", "b1")
		change(t, db, "a", "a1")
		change(t, db, "a", "a2")
		relay(t, db, b, RelayOptions{Lease: 200 * time.Millisecond})
		for range 3 {
			<-trouble
		}
		b.await(t, 2)
		if b.ids("a") != "a1 a2" {
			t.Errorf("%q", b.ids("a"))
		}
		b.goWrong(nil)
		change(t, db, "b", "b2")
		b.await(t, 1)
		if b.ids("b") != "b2" {
			t.Errorf("%q, want that what was refused holds nothing up", b.ids("b"))
		}
	})
}

// TestRelayGoesRound an event that always makes the bus fail: only its own key waits.
func TestRelayGoesRound(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		db.outbox.grace = 0
		create(t, db, "a", "b")
		b.goWrong(func(e event.Event) error {
			if e.Key == "a" {
				panic("always")
			}
			return nil
		})
		change(t, db, "a", "a1")
		change(t, db, "a", "a2")
		change(t, db, "b", "b1")
		relay(t, db, b, RelayOptions{Lease: 50 * time.Millisecond})
		b.await(t, 1)
		b.goWrong(nil)
		b.await(t, 2)
		if b.ids("a") != "a1 a2" || b.ids("b") != "b1" {
			t.Errorf("%q %q", b.ids("a"), b.ids("b"))
		}
	})
}

// TestRelaysKeepTheOrder has several processes relay at the same time, from a bus that fails now
// and then, while changes are made.
func TestRelaysKeepTheOrder(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			const keys, changes = 6, 10
			address, b := d.fresh(t), newBus()
			b.goWrong(func(event.Event) error {
				if rand.N(10) == 0 {
					return fault.New(fault.Unavailable, "test", "not now")
				}
				return nil
			})
			var dbs []*DB
			for range 3 {
				db := openURL(t, address, PostgresOptions{MaxConns: 3})
				db.outbox.grace = 0
				dbs = append(dbs, db)
				relay(t, db, b, RelayOptions{Batch: 4})
			}
			var wg sync.WaitGroup
			for k := range keys {
				key := fmt.Sprint("k", k)
				create(t, dbs[0], key)
				wg.Go(func() {
					for i := range changes {
						change(t, dbs[(k+i)%len(dbs)], key, fmt.Sprintf("%s-%d", key, i))
					}
				})
			}
			wg.Wait()
			b.await(t, keys*changes)
			for k := range keys {
				var want []string
				for i := range changes {
					want = append(want, fmt.Sprintf("k%d-%d", k, i))
				}
				if got := b.ids(fmt.Sprint("k", k)); got != strings.Join(want, " ") {
					t.Errorf("key %d: %s", k, got)
				}
			}
		})
	}
}

// TestMakerAndRelayTakeTurns: the maker publishes at once; a change that overtakes him is published
// after him, without waiting for anybody's turn.
func TestMakerAndRelayTakeTurns(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		db.outbox.grace = time.Hour
		create(t, db, "a")
		relay(t, db, b, RelayOptions{Every: time.Hour})
		first := change(t, db, "a", "1")
		if overtaking := change(t, db, "a", "2"); len(overtaking) != 0 {
			t.Fatalf("%+v", overtaking)
		}
		if b.ids("a") != "" {
			t.Fatalf("%q was published over the maker's head", b.ids("a"))
		}
		if err := errors.Join(b.Publish(t.Context(), first[0]), db.Media().Published(t.Context(), first...)); err != nil {
			t.Fatal(err)
		}
		b.await(t, 2)
		if b.ids("a") != "1 2" {
			t.Errorf("%q", b.ids("a"))
		}
	})
}

// TestReplay publishes again what a bus was given that has lost it, and only within the retention.
func TestReplay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		db.outbox.grace = 0
		create(t, db, "a", "b")
		r := db.Relay(b, RelayOptions{Batch: 2, Retention: time.Hour})
		for i := range 5 {
			change(t, db, "a", fmt.Sprint("a", i))
		}
		change(t, db, "b", "b0")
		for b.ids("a") != "a0 a1 a2 a3 a4" || b.ids("b") != "b0" {
			if _, err := r.pass(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := r.Replay(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
			t.Errorf("of later: %d, %v", n, err)
		}
		b.seen = nil
		if n, err := r.Replay(t.Context(), time.Now().Add(-time.Minute)); n != 6 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if b.ids("a") != "a0 a1 a2 a3 a4" || b.ids("b") != "b0" {
			t.Errorf("%q %q", b.ids("a"), b.ids("b"))
		}
		if err := r.prune(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := r.Replay(t.Context(), time.Time{}); n != 6 || err != nil {
			t.Errorf("retained: %d, %v", n, err)
		}
		r.opt.Retention = -time.Minute
		if err := r.prune(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := r.Replay(t.Context(), time.Time{}); n != 0 || err != nil {
			t.Errorf("after the retention: %d, %v", n, err)
		}
	})
}

// TestClaimsOfTheDead: what a process had claimed that died over it is another's when the lease is over.
func TestClaimsOfTheDead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db, b := open(t), newBus()
		db.outbox.grace = 0
		create(t, db, "a")
		change(t, db, "a", "1")
		ctx := everyTenant(t.Context(), byRelay)
		if got, err := db.claim(ctx, 9, time.Hour); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if n, err := db.Relay(b, RelayOptions{}).pass(ctx); n != 0 || err != nil {
			t.Fatalf("another's claim: %d, %v", n, err)
		}
		if _, err := db.write.ExecContext(ctx, `UPDATE outbox SET claimed_until = claimed_until - 3600000`); err != nil {
			t.Fatal(err)
		}
		relay(t, db, b, RelayOptions{})
		b.await(t, 1)
	})
}

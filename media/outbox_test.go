package media_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

// heard is a bus that keeps the topics of what it takes, as long as it is up.
type heard struct {
	mu     sync.Mutex
	down   bool
	topics []string
	ids    map[string]int
}

func (h *heard) Publish(_ context.Context, e event.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		return fault.New(fault.Unavailable, "test", "the bus is down")
	}
	h.topics = append(h.topics, e.Topic)
	if h.ids == nil {
		h.ids = map[string]int{}
	}
	h.ids[e.ID]++
	return nil
}

func (h *heard) Subscribe(string, event.Handler) (func(), error) { return func() {}, nil }

func (h *heard) setDown(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

func (h *heard) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.topics)
}

// life is all that the owner can do to an asset, and the topics that tell of it in order.
func life(t *testing.T, svc *media.Service) []string {
	t.Helper()
	ctx, title := t.Context(), "new"
	a, err := svc.Create(ctx, ann, media.CreateAsset{Title: "old"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Patch(ctx, ann, a.ID, media.PatchAsset{Title: &title}); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.SetGate(ctx, ann, a.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := svc.Delete(ctx, ann, a.ID); err != nil {
		t.Fatal(err)
	}
	return []string{media.TopicChanged, media.TopicChanged, media.TopicGate, media.TopicChanged, media.TopicDeleted}
}

// TestEventsAreNotLost: with the bus up every change is told when the call returns; what happens while
// it is down is told by the relay when it is up again, in order and once.
func TestEventsAreNotLost(t *testing.T) {
	t.Parallel()
	bus := &heard{}
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sg.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	begun := time.Now()
	h := newHouse(t, func(o *media.Options) {
		o.Events, o.Store = bus, db.Media()
		o.Now = func() time.Time { return begun } // so that no second passes on a busy machine, after which the relay would tell
	})
	want := life(t, h.svc)
	if got := bus.got(); !slices.Equal(got, want) {
		t.Fatalf("at once: %v, want %v", got, want)
	}
	bus.setDown(true)
	want = append(want, life(t, h.svc)...)
	bus.setDown(false)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Relay(bus, sqldb.RelayOptions{Every: 20 * time.Millisecond}).Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); len(bus.got()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := bus.got(); !slices.Equal(got, want) {
		t.Errorf("after the bus came back: %v, want %v", got, want)
	}
	for id, n := range bus.ids {
		if n != 1 {
			t.Errorf("event %s came %d times", id, n)
		}
	}
}

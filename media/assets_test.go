package media_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

var bob = auth.Principal{Tenant: "default", UserID: "bob"}

func ptr[T any](v T) *T { return &v }

func wantKind(t *testing.T, err error, k fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Fatalf("want %s, got %v", k, err)
	}
}

func TestCreateBounds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.MayCreate = func(p auth.Principal) bool { return p.UserID != "bob" } })
	_, err := h.svc.Create(t.Context(), bob, media.CreateAsset{Title: "x"})
	wantKind(t, err, fault.Forbidden)
	_, err = h.svc.Create(t.Context(), auth.Principal{}, media.CreateAsset{Title: "x"})
	wantKind(t, err, fault.Unauthenticated)
	_, err = h.svc.Create(t.Context(), ann, media.CreateAsset{
		Title: "two\nlines", Description: strings.Repeat("d", 5001), Tags: []string{"ok", ""},
		Policy: media.Policy{EpochMS: 5000}, Gate: json.RawMessage(`{"nonsense":1}`),
	})
	wantKind(t, err, fault.Invalid)
	_, fields, _ := fault.Public(err)
	got := map[string]bool{}
	for _, f := range fields {
		if f.Detail == "" {
			t.Errorf("no advice for %s", f.Pointer)
		}
		p := f.Pointer
		if strings.HasPrefix(p, "/gate") {
			p = "/gate"
		}
		got[p] = true
	}
	for _, want := range []string{"/title", "/description", "/tags/1", "/policy/epoch_ms", "/gate"} {
		if !got[want] {
			t.Errorf("%s is not named in %v", want, fields)
		}
	}
	a, err := h.svc.Create(t.Context(), ann, media.CreateAsset{Title: "  trimmed  "})
	if err != nil || a.Title != "trimmed" || a.Policy.EpochMS != 4000 || a.Status != media.Created {
		t.Fatalf("%+v %v", a, err)
	}
}

func TestOnlyTheOwnerChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("mine")
	_, err := h.svc.Patch(t.Context(), bob, a.ID, media.PatchAsset{Title: ptr("his")})
	wantKind(t, err, fault.Forbidden)
	_, err = h.svc.SetGate(t.Context(), bob, a.ID, nil)
	wantKind(t, err, fault.Forbidden)
	wantKind(t, h.svc.Delete(t.Context(), bob, a.ID), fault.Forbidden)
	other := auth.Principal{Tenant: "other", UserID: "ann"}
	_, err = h.svc.Patch(t.Context(), other, a.ID, media.PatchAsset{})
	wantKind(t, err, fault.NotFound)
	_, err = h.svc.Get(t.Context(), "other", a.ID)
	wantKind(t, err, fault.NotFound)
	got, err := h.svc.Patch(t.Context(), ann, a.ID, media.PatchAsset{Title: ptr("new"), Description: ptr("d"), Tags: &[]string{"a"}, Policy: &media.Policy{Public: true}})
	if err != nil || got.Title != "new" || got.Description != "d" || len(got.Tags) != 1 || !got.Policy.Public || got.Policy.EpochMS != 4000 {
		t.Fatalf("%+v %v", got, err)
	}
	_, err = h.svc.Patch(t.Context(), ann, a.ID, media.PatchAsset{Title: ptr("")})
	wantKind(t, err, fault.Invalid)
	if now, _ := h.svc.Get(t.Context(), "default", a.ID); now.Title != "new" {
		t.Fatalf("a refused change was kept: %+v", now)
	}
}

func TestGateIsStoredCanonical(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	told := make(chan event.Event, 1)
	cancel, err := h.opt.Events.Subscribe(media.TopicGate, func(_ context.Context, e event.Event) error { told <- e; return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	a := h.create("gated")
	_, err = h.svc.SetGate(t.Context(), ann, a.ID, []byte(`{`))
	wantKind(t, err, fault.Invalid)
	a, err = h.svc.SetGate(t.Context(), ann, a.ID, []byte(` null `))
	if err != nil || a.Gate != nil || a.RuleID != "" {
		t.Fatalf("%+v %v", a, err)
	}
	if e := <-told; e.Key != a.ID || e.Tenant != "default" {
		t.Fatalf("%+v", e)
	}
}

func TestListPagesAndSearches(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	h := newHouse(t, func(o *media.Options) { o.Now = func() time.Time { at = at.Add(time.Second); return at } })
	for i := range 7 {
		h.create(fmt.Sprintf("Film 100%% no_%d", i))
	}
	if _, err := h.svc.Create(t.Context(), bob, media.CreateAsset{Title: "Bob's", Tags: []string{"Cats"}}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	cursor := ""
	for {
		page, next, err := h.svc.List(t.Context(), "default", media.ListOptions{Owner: "ann", Limit: 3, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			seen = append(seen, a.Title[len(a.Title)-1:])
		}
		if cursor = next; next == "" {
			break
		}
	}
	if got := strings.Join(seen, ""); got != "6543210" {
		t.Fatalf("order %s", got)
	}
	for q, want := range map[string]int{"cats": 1, "film": 7, "FILM 100%": 7, "no_3": 1, "%": 7, "_": 7, "nothing": 0, "": 8} {
		page, _, err := h.svc.List(t.Context(), "default", media.ListOptions{Query: q})
		if err != nil || len(page) != want {
			t.Errorf("%q: %d, want %d, %v", q, len(page), want, err)
		}
	}
	_, _, err := h.svc.List(t.Context(), "", media.ListOptions{})
	wantKind(t, err, fault.Invalid)
	if page, _, err := h.svc.List(t.Context(), "other", media.ListOptions{}); err != nil || len(page) != 0 {
		t.Fatalf("another tenant sees %v %v", page, err)
	}
}

func TestVersionBeforeThereIsOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("early")
	_, err := h.svc.Version(t.Context(), "default", a.ID, 0)
	if _, _, retry := fault.Public(err); fault.KindOf(err) != fault.Unavailable || retry == 0 {
		t.Fatal(err)
	}
	_, _, err = h.svc.Source(t.Context(), "default", a.ID)
	wantKind(t, err, fault.NotFound)
	_, err = h.svc.Watch(t.Context(), "default", "nope")
	wantKind(t, err, fault.NotFound)
}

// TestDeleteShreds plays an asset, deletes it, and finds nothing: no row, no
// object, no key.
func TestDeleteShreds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.run()
	a := h.create("short life")
	h.upload(a.ID, clip(t, "a.mp4", append(bars("160x90", "25", 5), "-c:v", "libx264", "-preset", "ultrafast")...))
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
	v, err := h.svc.Version(t.Context(), "", a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.opt.Keys.Unwrap(t.Context(), media.Scope("default", a.ID), v.Secret); err != nil {
		t.Fatal(err)
	}
	_, err = h.svc.Version(t.Context(), "other", a.ID, 1)
	wantKind(t, err, fault.NotFound)
	_, err = h.svc.Version(t.Context(), "default", a.ID, 2)
	wantKind(t, err, fault.NotFound)
	_, err = h.svc.Patch(t.Context(), ann, a.ID, media.PatchAsset{Policy: &media.Policy{EpochMS: 8000}})
	wantKind(t, err, fault.Conflict)
	watch, err := h.svc.Watch(t.Context(), "default", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.svc.Delete(t.Context(), ann, a.ID); err != nil {
		t.Fatal(err)
	}
	for range watch { // ends with the asset
	}
	_, err = h.svc.Get(t.Context(), "default", a.ID)
	wantKind(t, err, fault.NotFound)
	_, err = h.svc.Version(t.Context(), "", a.ID, 1)
	wantKind(t, err, fault.NotFound)
	_, err = h.opt.Keys.Unwrap(t.Context(), media.Scope("default", a.ID), v.Secret)
	wantKind(t, err, fault.NotFound)
	if infos, _ := h.objects.List(t.Context(), "", "", 0); len(infos) != 0 {
		t.Fatalf("objects left: %v", infos)
	}
	wantKind(t, h.svc.Delete(t.Context(), ann, a.ID), fault.NotFound)
}

// stubborn is a key manager that refuses to shred until told otherwise.
type stubborn struct {
	keys.Manager
	refuse bool
}

func (k *stubborn) Shred(ctx context.Context, scope string) error {
	if k.refuse {
		return fault.New(fault.Unavailable, "test", "")
	}
	return k.Manager.Shred(ctx, scope)
}

// keeping is storage that acknowledges deletions and, while told so, does not do them.
type keeping struct {
	storage.Store
	on    atomic.Bool
	asked atomic.Int32
}

func (k *keeping) Delete(ctx context.Context, key string) error {
	if k.on.Load() {
		k.asked.Add(1)
		return nil
	}
	return k.Store.Delete(ctx, key)
}

// TestDeleteIsFinishedByTheNextRun: an interrupted delete hides the asset at once, and
// Run completes it.
func TestDeleteIsFinishedByTheNextRun(t *testing.T) {
	t.Parallel()
	k, s := &stubborn{Manager: keys.NewMemory()}, &keeping{Store: mem.New()}
	for name, broken := range map[string]func(bool){
		"keys are not shredded": func(on bool) { k.refuse = on },
		"objects are kept":      s.on.Store,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *media.Options) { o.Keys, o.Objects = k, s })
			a := h.create("half gone")
			key := media.Scope("default", a.ID) + "/src/left"
			if _, err := s.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			broken(true)
			wantKind(t, h.svc.Delete(t.Context(), ann, a.ID), fault.Unavailable)
			if n := s.asked.Load(); n > 10 {
				t.Errorf("one object was deleted %d times", n)
			}
			_, err := h.svc.Get(t.Context(), "default", a.ID)
			wantKind(t, err, fault.NotFound)
			broken(false)
			gone := make(chan struct{}, 1)
			cancel, err := h.opt.Events.Subscribe(media.TopicDeleted, func(context.Context, event.Event) error { gone <- struct{}{}; return nil })
			if err != nil {
				t.Fatal(err)
			}
			defer cancel()
			h.run()
			<-gone
			_, err = h.store.Asset(t.Context(), "", a.ID)
			wantKind(t, err, fault.NotFound)
			_, err = s.Stat(t.Context(), key)
			wantKind(t, err, fault.NotFound)
		})
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := media.New(media.Options{})
	wantKind(t, err, fault.Invalid)
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("watched")
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := h.svc.Watch(ctx, "default", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-ch; got.ID != a.ID {
		t.Fatalf("%+v", got)
	}
	cancel()
	for range ch {
	}
}

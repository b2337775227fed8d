package mediatest

import (
	"errors"
	"fmt"
	"slices"
	gosync "sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

// StoreCase is one promise of media.Store.
type StoreCase struct {
	Name  string
	Check func(t testing.TB, s media.Store)
}

// StoreCases returns all of them, so that the suite itself can be tried on broken stores.
func StoreCases() []StoreCase {
	return []StoreCase{
		{"changes are not lost", changesAreNotLost},
		{"a tenant's asset is nobody else's", tenantsApart},
		{"a canceled change leaves nothing", canceledChange},
		{"an asset goes with all it has", deletesAll},
		{"parts only at the offset", partsAtTheOffset},
		{"one of many appends wins", appendsRace},
		{"uploads of all tenants, pledges of one", uploadIndex},
		{"versions keep their tasks", versions},
		{"events are handed back and not stored", eventsAreHandedBack},
		{"later events wait for earlier ones", eventsInOrder},
	}
}

// RunStore holds the stores that newStore makes, each empty, to the contract of media.Store.
func RunStore(t *testing.T, newStore func(t testing.TB) media.Store) {
	for _, c := range StoreCases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, newStore(t))
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, what string, err error, k fault.Kind) {
	t.Helper()
	if !errors.Is(err, k) {
		t.Errorf("%s: %v, want %v", what, err, k)
	}
}

func record(tenant, id string) media.Record {
	return media.Record{Asset: media.Asset{ID: id, Owner: "o", Title: "Title " + id, Status: media.Created}, Tenant: tenant}
}

func changesAreNotLost(t testing.TB, s media.Store) {
	must(t, s.CreateAsset(t.Context(), record("t", "a")))
	wantKind(t, "the same again", s.CreateAsset(t.Context(), record("t", "a")), fault.Conflict)
	var wg gosync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := s.ChangeAsset(t.Context(), "t", "a", func(r *media.Record) error { r.Faults++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r, err := s.Asset(t.Context(), "t", "a"); err != nil || r.Faults != 40 || r.Asset.Tenant != "t" {
		t.Errorf("%+v %v", r, err)
	}
}

func tenantsApart(t testing.TB, s media.Store) {
	ctx := t.Context()
	must(t, s.CreateAsset(ctx, record("t", "a")))
	must(t, s.CreateAsset(ctx, record("u", "b")))
	_, err := s.Asset(ctx, "u", "a")
	wantKind(t, "another tenant's", err, fault.NotFound)
	_, err = s.ChangeAsset(ctx, "u", "a", func(r *media.Record) error { r.Faults++; return nil })
	wantKind(t, "changing another tenant's", err, fault.NotFound)
	_, err = s.DeleteAsset(ctx, "u", "a")
	must(t, err)
	if r, err := s.Asset(ctx, "", "a"); err != nil || r.Faults != 0 || r.Tenant != "t" {
		t.Errorf("any tenant's: %+v %v", r, err)
	}
	if _, err := s.ChangeAsset(ctx, "", "a", func(r *media.Record) error { r.Faults = 7; return nil }); err != nil {
		t.Errorf("changing any tenant's: %v", err)
	}
	page, _, err := s.Assets(ctx, "t", media.ListOptions{Limit: 10, Query: "title"})
	if err != nil || len(page) != 1 || page[0].Faults != 7 {
		t.Errorf("%+v %v", page, err)
	}
}

func canceledChange(t testing.TB, s media.Store) {
	must(t, s.CreateAsset(t.Context(), record("t", "a")))
	stop := errors.New("no")
	_, err := s.ChangeAsset(t.Context(), "t", "a", func(r *media.Record) error {
		r.Faults++
		r.Events = append(r.Events, occurrence("t", "a", "1"))
		return stop
	})
	if err != stop {
		t.Errorf("%v, want the change's own error as it is", err)
	}
	r, err := s.ChangeAsset(t.Context(), "t", "a", func(r *media.Record) error {
		r.Events = append(r.Events, occurrence("t", "a", "2"))
		return nil
	})
	if err != nil || r.Faults != 0 || ids(r.Events) != "[2]" {
		t.Errorf("%+v %v", r, err)
	}
}

func deletesAll(t testing.TB, s media.Store) {
	ctx := t.Context()
	must(t, s.CreateAsset(ctx, record("t", "a")))
	must(t, s.CreateUpload(ctx, upload("t", "u", "a")))
	must(t, s.AppendParts(ctx, "u", 0, []media.Part{{Key: "k", Size: 3}}, nil, time.UnixMilli(5)))
	must(t, s.PutVersion(ctx, media.VersionRecord{Asset: "a", Tenant: "t", Number: 1, Plan: media.Plan{Tasks: []media.Task{{ID: "x"}}}}))
	for range 2 {
		if _, err := s.DeleteAsset(ctx, "t", "a"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Asset(ctx, "t", "a")
	wantKind(t, "asset", err, fault.NotFound)
	_, err = s.Upload(ctx, "u")
	wantKind(t, "upload", err, fault.NotFound)
	_, err = s.VersionRecord(ctx, "a", 1)
	wantKind(t, "version", err, fault.NotFound)
	wantKind(t, "task", s.ChangeTask(ctx, "a", 1, "x", func(*media.Task) error { return nil }), fault.NotFound)
	if parts, err := s.Parts(ctx, "u"); err != nil || len(parts) != 0 {
		t.Errorf("parts: %v %v", parts, err)
	}
}

func upload(tenant, id, asset string) media.Upload {
	return media.Upload{ID: id, Tenant: tenant, Owner: "o", Asset: asset, Size: 10, UpdatedAt: time.UnixMilli(5).UTC()}
}

func partsAtTheOffset(t testing.TB, s media.Store) {
	ctx, at := t.Context(), time.UnixMilli(5).UTC()
	must(t, s.CreateUpload(ctx, upload("t", "u", "a")))
	two := []media.Part{{Key: "k0", Size: 3}, {Key: "k1", Size: 4}}
	must(t, s.AppendParts(ctx, "u", 0, two, []byte("state"), at))
	for _, from := range []int64{0, 3, 8} {
		wantKind(t, fmt.Sprint("from ", from), s.AppendParts(ctx, "u", from, []media.Part{{Key: "x", Size: 1}}, nil, at), fault.Conflict)
	}
	wantKind(t, "beyond the size", s.AppendParts(ctx, "u", 7, []media.Part{{Key: "x", Size: 4}}, nil, at), fault.Conflict)
	got, err := s.Upload(ctx, "u")
	parts, err2 := s.Parts(ctx, "u")
	if err != nil || err2 != nil || got.Offset != 7 || string(got.Hash) != "state" || !slices.Equal(parts, two) {
		t.Errorf("%+v %v %v %v", got, parts, err, err2)
	}
	if _, err := s.ChangeUpload(ctx, "u", func(u *media.Upload) error { u.Finished = true; return nil }); err != nil {
		t.Error(err)
	}
	wantKind(t, "finished", s.AppendParts(ctx, "u", 7, []media.Part{{Key: "x", Size: 1}}, nil, at), fault.Conflict)
	must(t, s.DeleteUpload(ctx, "u"))
	_, err = s.Upload(ctx, "u")
	wantKind(t, "deleted", err, fault.NotFound)
}

func appendsRace(t testing.TB, s media.Store) {
	must(t, s.CreateUpload(t.Context(), upload("t", "u", "a")))
	var wg gosync.WaitGroup
	won := make(chan int, 8)
	for i := range 8 {
		wg.Go(func() {
			err := s.AppendParts(t.Context(), "u", 0, []media.Part{{Key: fmt.Sprint(i), Size: 5}}, nil, time.UnixMilli(5))
			if err == nil {
				won <- i
			} else if !errors.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	parts, err := s.Parts(t.Context(), "u")
	if err != nil || len(won) != 1 || len(parts) != 1 || parts[0].Key != fmt.Sprint(<-won) {
		t.Errorf("%v %v", parts, err)
	}
}

func uploadIndex(t testing.TB, s media.Store) {
	ctx := t.Context()
	for _, u := range []media.Upload{upload("t", "1", "a"), upload("t", "2", "a"), upload("u", "3", "b")} {
		must(t, s.CreateUpload(ctx, u))
	}
	if _, err := s.ChangeUpload(ctx, "2", func(u *media.Upload) error { u.Finished = true; return nil }); err != nil {
		t.Fatal(err)
	}
	open, err := s.Uploads(ctx)
	if err != nil || len(open) != 2 || open[0].ID != "1" || open[1].ID != "3" || open[1].Tenant != "u" {
		t.Errorf("%+v %v", open, err)
	}
	for tenant, want := range map[string]int64{"t": 20, "u": 10, "v": 0} {
		if n, err := s.Pledged(ctx, tenant, "o"); err != nil || n != want {
			t.Errorf("%s: %d %v", tenant, n, err)
		}
	}
}

func versions(t testing.TB, s media.Store) {
	ctx := t.Context()
	v := media.VersionRecord{Asset: "a", Tenant: "t", Number: 1, Secret: []byte("s"), Plan: media.Plan{Tasks: []media.Task{{ID: "x"}, {ID: "b"}}}}
	must(t, s.PutVersion(ctx, v))
	wantKind(t, "the same again", s.PutVersion(ctx, v), fault.Conflict)
	must(t, s.ChangeTask(ctx, "a", 1, "b", func(t *media.Task) error { t.Done = true; return nil }))
	got, err := s.VersionRecord(ctx, "a", 1)
	if err != nil || len(got.Plan.Tasks) != 2 || got.Plan.Tasks[0].ID != "x" || !got.Plan.Tasks[1].Done || string(got.Secret) != "s" {
		t.Errorf("%+v %v", got, err)
	}
	for id, change := range map[string]func(*media.Record){
		"p": func(r *media.Record) { r.Asset.Status = media.Processing }, "d": func(r *media.Record) { r.Deleting = true }, "r": func(r *media.Record) { r.Asset.Status = media.Ready },
	} {
		r := record("t"+id, id)
		change(&r)
		must(t, s.CreateAsset(ctx, r))
	}
	open, err := s.Unsettled(ctx)
	if err != nil || len(open) != 2 || open[0].Asset.ID != "d" || open[1].Asset.ID != "p" || open[1].Asset.Tenant != "tp" {
		t.Errorf("%+v %v", open, err)
	}
	must(t, s.DeleteVersion(ctx, "a", 1))
	_, err = s.VersionRecord(ctx, "a", 1)
	wantKind(t, "deleted", err, fault.NotFound)
}

func occurrence(tenant, key, id string) event.Event {
	return event.Event{ID: id, Topic: "asset.changed", Tenant: tenant, Key: key, At: time.Unix(1, 2).UTC(), Data: []byte(`{"n":` + id + `}`)}
}

func ids(events []event.Event) string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.ID)
	}
	return fmt.Sprint(out)
}

func happens(t testing.TB, s media.Store, tenant string, n ...string) []event.Event {
	t.Helper()
	r, err := s.ChangeAsset(t.Context(), tenant, "a", func(r *media.Record) error {
		for _, id := range n {
			r.Events = append(r.Events, occurrence("t", "a", id))
		}
		return nil
	})
	must(t, err)
	return r.Events
}

// published marks events where the store keeps them.
func published(t testing.TB, s media.Store, events []event.Event) {
	t.Helper()
	if o, ok := s.(media.Outbox); ok {
		must(t, o.Published(t.Context(), events...))
	}
}

func eventsAreHandedBack(t testing.TB, s media.Store) {
	r := record("t", "a")
	r.Events = []event.Event{occurrence("t", "a", "0")}
	must(t, s.CreateAsset(t.Context(), r))
	published(t, s, r.Events)
	if got := happens(t, s, "t", "1", "2"); ids(got) != "[1 2]" || string(got[1].Data) != `{"n":2}` {
		t.Errorf("%+v", got)
	} else {
		published(t, s, got)
	}
	got := happens(t, s, "", "3") // any tenant's asset
	if ids(got) != "[3]" {
		t.Errorf("%+v", got)
	}
	published(t, s, got)
	if r, err := s.Asset(t.Context(), "t", "a"); err != nil || len(r.Events) != 0 {
		t.Errorf("the record has events: %+v %v", r.Events, err)
	}
	if got, err := s.DeleteAsset(t.Context(), "t", "a", occurrence("t", "a", "4")); err != nil || ids(got) != "[4]" {
		t.Errorf("%+v %v", got, err)
	}
}

func eventsInOrder(t testing.TB, s media.Store) {
	if _, ok := s.(media.Outbox); !ok {
		return
	}
	must(t, s.CreateAsset(t.Context(), record("t", "a")))
	first := happens(t, s, "t", "1")
	if got := happens(t, s, "t", "2"); len(got) != 0 {
		t.Errorf("%v is handed back before the one before it was published", ids(got))
	}
	published(t, s, first)
	if got, err := s.DeleteAsset(t.Context(), "t", "a", occurrence("t", "a", "3")); err != nil || len(got) != 0 {
		t.Errorf("%v is handed back before the one before it was published: %v", ids(got), err)
	}
}

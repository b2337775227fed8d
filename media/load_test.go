package media_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage"
)

// steered is a Transcoder whose chunks come as far as the test says before they end.
type steered struct {
	media.Transcoder
	end  chan struct{}
	tell chan func(frames int64)
}

func (s *steered) Video(ctx context.Context, j media.VideoJob, progress func(int64)) error {
	if j.First == 0 {
		return s.Transcoder.Video(ctx, j, progress)
	}
	s.tell <- progress
	select {
	case <-s.end:
	case <-ctx.Done():
		return fault.Wrap(fault.Canceled, "test", ctx.Err())
	}
	return s.Transcoder.Video(ctx, j, progress)
}

// TestProgressOfTwoWorkers: two processes encode one asset; everyone sees the sum of what they have done.
func TestProgressOfTwoWorkers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Lanes = media.LanePlan })
	h.run()
	workers := make([]*steered, 2)
	houses := make([]*house, 2)
	for i := range workers {
		workers[i] = &steered{Transcoder: h.opt.Transcoder, end: make(chan struct{}), tell: make(chan func(int64), 64)}
		houses[i] = h.another(func(o *media.Options) { o.Lanes, o.Transcoder = media.LaneEncode, workers[i] })
		houses[i].run()
	}
	a := h.create("shared work")
	h.upload(a.ID, clip(t, "p.mp4", append(bars("64x36", "10", 64), "-c:v", "libx264", "-preset", "ultrafast")...))
	h.await(a.ID, media.Playable)
	watch, err := h.svc.Watch(t.Context(), "default", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	tell := []func(int64){<-workers[0].tell, <-workers[1].tell}
	vr, err := h.store.VersionRecord(t.Context(), a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	base, err := h.svc.Get(t.Context(), "default", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	var chunks []float64 // frames
	for _, task := range vr.Plan.Tasks {
		if task.First > 0 {
			end := task.End
			if end == 0 {
				end = 640
			}
			chunks = append(chunks, float64(end-task.First))
		}
	}
	if len(chunks) < 2 {
		t.Fatalf("chunks: %v", chunks)
	}
	// Half of each: the sum is half of the two, whichever worker or watcher is asked.
	tell[0](int64(chunks[0] / 2))
	tell[1](int64(chunks[1] / 2))
	want := base.Progress.Percent + 100*(chunks[0]+chunks[1])/2/640
	last := 0.0
	for _, p := range slices.Concat(houses, []*house{h}) {
		eventually(t, "the sum", func() bool {
			got, err := p.svc.Get(t.Context(), "default", a.ID)
			if err != nil {
				t.Fatal(err)
			}
			if last = got.Progress.Percent; last > want+1.5 {
				t.Fatalf("%.1f %%, want %.1f", last, want)
			}
			return last > want-1.5
		})
	}
	for got := range watch {
		if got.Progress.Percent > want-1.5 {
			break
		}
	}
	for _, w := range workers {
		close(w.end)
	}
	was := 0.0
	for got := range watch {
		if got.Progress.Percent < was {
			t.Errorf("progress went back from %.1f to %.1f", was, got.Progress.Percent)
		}
		was = got.Progress.Percent
		if got.Status == media.Failed {
			t.Fatal(got.Reason)
		}
		if got.Status == media.Ready {
			break
		}
	}
}

// TestLoad: what there is to do, and how fast it goes, wherever one asks.
func TestLoad(t *testing.T) {
	t.Parallel()
	clock := &skew{}
	h := newHouse(t, func(o *media.Options) { o.Lanes, o.Now = media.LaneNone, clock.now })
	h.run()
	load := func() media.Load {
		t.Helper()
		clock.forward(10 * time.Second)
		l, err := h.svc.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if l := load(); l.Assets != 0 || l.MediaSec != 0 || l.OldestSec != 0 || l.Open["media.quick"] != 0 {
		t.Errorf("%+v", l)
	}
	body := clip(t, "l.mp4", append(bars("64x36", "10", 64), "-c:v", "libx264", "-preset", "ultrafast")...)
	for range 2 {
		h.upload(h.create("load").ID, body)
	}
	if l := load(); l.Assets != 2 || l.Open["media.quick"] != 2 || l.Jobs["media.quick"].Waiting != 2 || l.OldestSec < 10 || l.OldestSec > 300 {
		t.Errorf("%+v", l)
	}
	h.another(func(o *media.Options) { o.Lanes = media.LanePlan }).run()
	eventually(t, "all plans", func() bool { l := load(); return l.Jobs["media.work"].Waiting >= 4 })
	l := load()
	if l.MediaSec < 119 || l.MediaSec > 121 || l.Speed != 0 || l.DrainSec != 0 || l.Open["media.work"] != l.Jobs["media.work"].Waiting {
		t.Errorf("%+v", l)
	}
	enc := &steered{Transcoder: h.opt.Transcoder, end: make(chan struct{}, 1), tell: make(chan func(int64), 64)}
	worker := h.another(func(o *media.Options) { o.Lanes, o.Transcoder = media.LaneEncode, enc })
	worker.run()
	<-enc.tell
	clock.forward(time.Minute)
	enc.end <- struct{}{}
	<-enc.tell
	l = load() // one chunk is done, which took a minute and more by the clock
	if l.Speed <= 0 || l.Speed > 1 || l.DrainSec < l.MediaSec || l.Jobs["media.work"].Leased != 1 {
		t.Errorf("%+v", l)
	}
	clock.forward(10 * time.Second)
	if wl, err := worker.svc.Load(t.Context()); err != nil || wl.Seats != 1 || wl.Working != 1 || wl.MediaSec != l.MediaSec {
		t.Errorf("%+v %v", wl, err)
	}
	if b, err := json.Marshal(l); err != nil || !strings.Contains(string(b), `"drain_sec"`) {
		t.Errorf("%s %v", b, err)
	}
}

// TestLoadOfAQueueThatDoesNotCount says what the store knows.
func TestLoadOfAQueueThatDoesNotCount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Lanes, o.Queue = media.LaneNone, struct{ job.Queue }{o.Queue} })
	h.upload(h.create("load").ID, soundFilm(t, 2))
	if l, err := h.svc.Load(t.Context()); err != nil || l.Jobs != nil || l.Open["media.quick"] != 1 {
		t.Errorf("%+v %v", l, err)
	}
}

// TestCollect: objects whose asset was deleted go, those of others and those whose key is there stay.
func TestCollect(t *testing.T) {
	t.Parallel()
	clock := &skew{}
	h := newHouse(t, func(o *media.Options) { o.Lanes, o.Now = media.LaneNone, clock.now })
	kept, gone := h.create("kept"), h.create("gone")
	h.upload(kept.ID, soundFilm(t, 2))
	if err := h.svc.Delete(t.Context(), ann, gone.ID); err != nil {
		t.Fatal(err)
	}
	put := func(key string) {
		t.Helper()
		if _, err := h.objects.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(media.Scope("default", gone.ID) + "/v/1/plan/late.m4s")
	put(media.Scope("default", "unknown") + "/v/1/x")
	put("t/other")
	put("elsewhere/file")
	if _, _, err := h.opt.Keys.DataKey(t.Context(), media.Scope("default", "unknown")); err != nil {
		t.Fatal(err)
	}
	if n, err := h.svc.Collect(t.Context()); n != 0 || err != nil {
		t.Errorf("young objects were removed: %d %v", n, err)
	}
	clock.forward(2 * time.Hour)
	if n, err := h.svc.Collect(t.Context()); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	infos, err := h.objects.List(t.Context(), "", "", 0)
	if err != nil || len(infos) != 4 {
		t.Errorf("%v %v", infos, err)
	}
}

// TestTwoSweepers: two processes end the same uploads at once, and reconcile the same deletions, without harm.
func TestTwoSweepers(t *testing.T) {
	t.Parallel()
	clock := &skew{}
	h := newHouse(t, func(o *media.Options) { o.Now, o.ReconcileEvery = clock.now, 20*time.Millisecond })
	other := h.another(nil)
	a := h.create("abandoned")
	h.patch(h.begin(a.ID, 1<<20), 0, noise(1000))
	clock.forward(25 * time.Hour)
	var wg sync.WaitGroup
	defer wg.Wait()
	var deleted sync.Map
	cancel, err := h.opt.Events.Subscribe(media.TopicDeleted, func(_ context.Context, e event.Event) error { deleted.Store(e.Key, true); return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	h.run()
	other.run()
	h.await(a.ID, media.Created)
	h.tidy()
	if infos, err := h.objects.List(t.Context(), "", "", 0); err != nil || len(infos) != 0 {
		t.Errorf("%v %v", infos, err)
	}
	b := h.create("half deleted")
	if _, err := h.store.ChangeAsset(t.Context(), "default", b.ID, func(r *media.Record) error { r.Deleting = true; return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deletion", func() bool { _, ok := deleted.Load(b.ID); return ok })
}

// TestAFailedUploadIsNotTakenTwice: a sweeper that was slow does not start a failed asset's upload again.
func TestAFailedUploadIsNotTakenTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Lanes = media.LanePlan })
	a := h.create("no film")
	up := media.Upload{ID: "u1", Tenant: "default", Owner: "ann", Asset: a.ID}
	if err := h.store.CreateUpload(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.ChangeAsset(t.Context(), "default", a.ID, func(r *media.Record) error {
		r.Asset.Status, r.Asset.Reason, r.Spent, r.Building = media.Failed, "no film", "u1", 1
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.run()
	eventually(t, "the end of the upload", func() bool {
		_, err := h.store.Upload(t.Context(), "u1")
		return err != nil && fault.KindOf(err) == fault.NotFound
	})
	if r, err := h.store.Asset(t.Context(), "", a.ID); err != nil || r.Asset.Status != media.Failed || r.Building != 1 || r.Asset.Reason != "no film" {
		t.Errorf("%+v %v", r, err)
	}
}

// TestPartsOfTheSourceStay: a partial upload left by a crash is swept, and the parts that the source took from it are not.
func TestPartsOfTheSourceStay(t *testing.T) {
	t.Parallel()
	clock := &skew{}
	h := newHouse(t, func(o *media.Options) { o.Lanes, o.Now = media.LanePlan, clock.now })
	a := h.create("joined")
	key := media.Scope("default", a.ID) + "/src/p1/0"
	if err := errors.Join(
		h.store.CreateUpload(t.Context(), media.Upload{ID: "p1", Tenant: "default", Owner: "ann", Asset: a.ID, Size: 3, Partial: true}),
		h.store.CreateUpload(t.Context(), media.Upload{ID: "f1", Tenant: "default", Owner: "ann", Asset: a.ID, Size: 3, Final: true, Of: []string{"p1"}, Finished: true}),
		putPart(h, key, "abc"),
		h.store.AppendParts(t.Context(), "p1", 0, []media.Part{{Key: key, Size: 3}}, nil, clock.now()),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.ChangeAsset(t.Context(), "default", a.ID, func(r *media.Record) error {
		r.Asset.Status, r.Upload = media.Ready, "f1"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	clock.forward(48 * time.Hour)
	h.run()
	eventually(t, "the end of the upload", func() bool {
		_, err := h.store.Upload(t.Context(), "p1")
		return err != nil && fault.KindOf(err) == fault.NotFound
	})
	if _, err := h.objects.Stat(t.Context(), key); err != nil {
		t.Error(err)
	}
}

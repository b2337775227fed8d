package media_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage"
)

// The tests here have several Services over one database, one storage, one queue and one bus, as processes have.

// another returns one more process of the house.
func (h *house) another(change func(*media.Options)) *house {
	h.t.Helper()
	other := *h
	if change != nil {
		change(&other.opt)
	}
	var err error
	if other.svc, err = media.New(other.opt); err != nil {
		h.t.Fatal(err)
	}
	handler, err := other.svc.UploadHandler("/v1/uploads/", principal)
	if err != nil {
		h.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/uploads", handler)
	mux.Handle("/v1/uploads/", handler)
	srv := httptest.NewServer(mux)
	h.t.Cleanup(srv.Close)
	other.url = srv.URL + "/v1/uploads"
	return &other
}

// skew is a clock that can be put forward.
type skew struct{ by atomic.Int64 }

func (s *skew) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

func (s *skew) forward(d time.Duration) { s.by.Add(int64(d)) }

// asleep is what a process sees of the queue that is paused and does not know: its leases seem to last. It tells when
// it ends a job.
type asleep struct {
	job.Queue
	ended chan struct{}
}

func (q *asleep) Extend(context.Context, string, time.Duration) error { return nil }

func (q *asleep) Ack(ctx context.Context, token string) error {
	defer q.tell()
	return q.Queue.Ack(ctx, token)
}

func (q *asleep) Nack(ctx context.Context, token string, d time.Duration, cause error) error {
	defer q.tell()
	return q.Queue.Nack(ctx, token, d, cause)
}

func (q *asleep) tell() {
	select {
	case q.ended <- struct{}{}:
	default:
	}
}

// stopper pauses a process at a point of its work, as SIGSTOP does: contexts do not wake it.
type stopper struct {
	armed   atomic.Bool
	reached chan struct{}
	goOn    chan struct{}
}

func newStopper() *stopper {
	s := &stopper{reached: make(chan struct{}), goOn: make(chan struct{})}
	s.armed.Store(true)
	return s
}

// here pauses the first that comes.
func (s *stopper) here() bool {
	if !s.armed.CompareAndSwap(true, false) {
		return false
	}
	close(s.reached)
	<-s.goOn
	return true
}

// pausedCoder pauses after a chunk was encoded.
type pausedCoder struct {
	media.Transcoder
	*stopper
	err error // what the chunk then ends with
}

func (p *pausedCoder) Video(ctx context.Context, j media.VideoJob, progress func(int64)) error {
	err := p.Transcoder.Video(context.WithoutCancel(ctx), j, progress)
	if j.First > 0 && p.here() && p.err != nil {
		return p.err
	}
	return err
}

// pausedStore pauses before or after an object of a chunk was written.
type pausedStore struct {
	storage.Store
	*stopper
	after bool
	match func(key string) bool
}

func (p *pausedStore) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	if p.match(key) && !p.after && p.here() {
		ctx = context.WithoutCancel(ctx)
	}
	info, err := p.Store.Put(ctx, key, r, opt)
	if p.match(key) && p.after {
		p.here()
	}
	return info, err
}

// awaitSignal waits with patience.
func awaitSignal(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s never happened", what)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never happened", what)
		}
	}
}

// fleet is two processes, the first of which is paused with a chunk in its hands; the second has got its lease.
type fleet struct {
	*house        // the second, awake
	sleeper       *house
	asset         media.Asset
	stop          *stopper
	sleepersQueue *asleep
}

// pausedFleet brings a process to the pause that arm sets up, lets its leases expire and starts another.
func pausedFleet(t *testing.T, arm func(*media.Options, *stopper)) *fleet {
	t.Helper()
	clock := &skew{}
	queue := job.NewMemory(job.Options{Now: clock.now, Backoff: 50 * time.Millisecond})
	h := newHouse(t, func(o *media.Options) {
		o.Queue, o.ReconcileEvery = queue, 200*time.Millisecond
	})
	f := &fleet{house: h, stop: newStopper(), sleepersQueue: &asleep{Queue: queue, ended: make(chan struct{}, 64)}}
	f.sleeper = h.another(func(o *media.Options) {
		o.Queue = f.sleepersQueue
		arm(o, f.stop)
	})
	f.sleeper.run()
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { f.wake() }) })
	f.asset = h.create("paused")
	h.upload(f.asset.ID, soundFilm(t, 9))
	awaitSignal(t, "the pause", f.stop.reached)
	h.run()
	clock.forward(31 * time.Second)
	return f
}

// wake lets the sleeper go on; it may be called twice.
func (f *fleet) wake() {
	defer func() { _ = recover() }()
	close(f.stop.goOn)
}

// wakeAndEnd lets the sleeper go on and waits until it has ended its job.
func (f *fleet) wakeAndEnd(t *testing.T) {
	t.Helper()
	for len(f.sleepersQueue.ended) > 0 {
		<-f.sleepersQueue.ended
	}
	f.wake()
	awaitSignal(t, "the end of the sleeper's job", f.sleepersQueue.ended)
}

// whole checks that the asset plays and that storage holds nothing but what it names.
func whole(t *testing.T, f *fleet) {
	t.Helper()
	f.svc.Reconcile(t.Context())
	v, err := f.another(nil).svc.Version(t.Context(), "", f.asset.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := onGrid(v); err != nil {
		t.Error(err)
	}
	if err := playsClean(t, f.house, v); err != nil {
		t.Error(err)
	}
	named := map[string]bool{}
	for _, tr := range v.Tracks {
		for _, s := range tr.Segments {
			named[s.Object] = true
		}
	}
	infos, err := f.objects.List(t.Context(), media.Scope("default", f.asset.ID)+"/v/", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if !named[i.Key] {
			t.Errorf("nobody names %s", i.Key)
		}
		delete(named, i.Key)
	}
	if len(named) > 0 {
		t.Errorf("missing: %v", named)
	}
}

// nothing checks that no trace of the asset is left.
func nothing(t *testing.T, f *fleet) {
	t.Helper()
	if infos, err := f.objects.List(t.Context(), "", "", 0); err != nil || len(infos) != 0 {
		t.Errorf("objects left: %v %v", infos, err)
	}
	_, err := f.store.VersionRecord(t.Context(), f.asset.ID, 1)
	wantKind(t, err, fault.NotFound)
	_, err = f.opt.Keys.Unwrap(t.Context(), media.Scope("default", f.asset.ID), nil)
	wantKind(t, err, fault.NotFound)
}

func chunkObject(key string) bool {
	return len(key) > 4 && key[len(key)-4:] == ".m4s" && contains(key, "/v90-1-")
}

// TestStaleWorker: a worker that was paused past its lease changes nothing of what another has done since.
func TestStaleWorker(t *testing.T) {
	t.Parallel()
	ready := func(t *testing.T, f *fleet) {
		if a := f.await(f.asset.ID, media.Ready, media.Failed); a.Status != media.Ready {
			t.Fatal(a.Reason)
		}
	}
	remove := func(t *testing.T, f *fleet) {
		if err := f.svc.Delete(t.Context(), ann, f.asset.ID); err != nil {
			t.Fatal(err)
		}
	}
	encoded := func(o *media.Options, s *stopper) { o.Transcoder = &pausedCoder{Transcoder: o.Transcoder, stopper: s} }
	corrupt := func(o *media.Options, s *stopper) {
		o.Transcoder = &pausedCoder{Transcoder: o.Transcoder, stopper: s, err: fault.New(fault.Corrupt, "test", "the sleeper's dream")}
	}
	putting := func(after bool) func(*media.Options, *stopper) {
		return func(o *media.Options, s *stopper) {
			o.Objects = &pausedStore{Store: o.Objects, stopper: s, after: after, match: chunkObject}
		}
	}
	for _, c := range []struct {
		name  string
		arm   func(*media.Options, *stopper)
		mean  func(*testing.T, *fleet)
		check func(*testing.T, *fleet)
	}{
		{"encoded, then the other was ready", encoded, ready, whole},
		{"failed, then the other was ready", corrupt, ready, whole},
		{"writing, then the other was ready", putting(false), ready, whole},
		{"written, then the other was ready", putting(true), ready, whole},
		{"encoded, then the asset was deleted", encoded, remove, nothing},
		{"writing, then the asset was deleted", putting(false), remove, nothing},
		{"written, then the asset was deleted", putting(true), remove, nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := pausedFleet(t, c.arm)
			c.mean(t, f)
			f.wakeAndEnd(t)
			c.check(t, f)
		})
	}
}

// TestLostQueue: what a wiped queue has forgotten goes on when it is reconciled, on its own or because the host asks.
func TestLostQueue(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Lanes, o.Transcoder = media.LaneNone, nil })
	h.run()
	a, b := h.create("periodic"), h.create("on demand")
	h.upload(a.ID, soundFilm(t, 5))
	lost := h.opt.Queue
	h.opt.Queue = job.NewMemory(job.Options{})
	h.opt.Transcoder = newHouse(t, nil).opt.Transcoder
	worker := h.another(func(o *media.Options) { o.Lanes, o.ReconcileEvery = media.LaneEncode, time.Hour })
	worker.run()
	planner := h.another(func(o *media.Options) { o.Lanes, o.ReconcileEvery = media.LanePlan, 100*time.Millisecond })
	planner.run()
	if got := h.await(a.ID, media.Ready, media.Failed); got.Status != media.Ready {
		t.Fatal(got.Reason)
	}
	// The upload process still has the lost queue; a planner that would not look for an hour is asked to.
	h.upload(b.ID, soundFilm(t, 5))
	if st, err := lost.(job.Inspector).Stats(t.Context()); err != nil || st.Waiting != 2 {
		t.Fatalf("%+v %v", st, err)
	}
	slow := h.another(func(o *media.Options) { o.ReconcileEvery, o.Lanes = time.Hour, media.LaneNone })
	for range 3 {
		if err := slow.svc.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.await(b.ID, media.Ready, media.Failed); got.Status != media.Ready {
		t.Fatal(got.Reason)
	}
}

// TestLanes: each process does what its lanes are for and nothing else.
func TestLanes(t *testing.T) {
	t.Parallel()
	var encoders, planners counting
	h := newHouse(t, func(o *media.Options) {
		encoders.Transcoder, planners.Transcoder = o.Transcoder, o.Transcoder
		o.Transcoder, o.Lanes = nil, media.LaneNone
	})
	h.run()
	h.another(func(o *media.Options) { o.Lanes, o.Transcoder = media.LanePlan, &planners }).run()
	h.another(func(o *media.Options) { o.Lanes, o.Transcoder = media.LaneEncode, &encoders }).run()
	a := h.create("lanes")
	h.upload(a.ID, soundFilm(t, 9))
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
	if p, e := planners.counts(), encoders.counts(); p != [4]int64{1, 1, 0, 0} || e != [4]int64{0, 0, 1, 1} {
		t.Errorf("planners %v, encoders %v (probes, first segments, chunks, sounds)", p, e)
	}
	for _, bad := range []media.Lanes{8, media.LaneNone | media.LanePlan} {
		opt := h.opt
		opt.Lanes = bad
		if _, err := media.New(opt); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("lanes %d: %v", bad, err)
		}
	}
	opt := h.opt
	opt.Lanes = media.LanePlan
	if _, err := media.New(opt); err == nil {
		t.Error("a planner without a transcoder")
	}
}

// counting counts what is asked of a Transcoder.
type counting struct {
	media.Transcoder
	probes, firsts, chunks, sounds atomic.Int64
}

func (c *counting) counts() [4]int64 {
	return [4]int64{c.probes.Load(), c.firsts.Load(), c.chunks.Load(), c.sounds.Load()}
}

func (c *counting) Probe(ctx context.Context, source string, l media.Limits) (media.Probe, error) {
	c.probes.Add(1)
	return c.Transcoder.Probe(ctx, source, l)
}

func (c *counting) Video(ctx context.Context, j media.VideoJob, progress func(int64)) error {
	if j.Urgent {
		c.firsts.Add(1)
	} else {
		c.chunks.Add(1)
	}
	return c.Transcoder.Video(ctx, j, progress)
}

func (c *counting) Audio(ctx context.Context, j media.AudioJob, progress func(time.Duration)) error {
	c.sounds.Add(1)
	return c.Transcoder.Audio(ctx, j, progress)
}

// TestScratchIsDroppedEverywhere: a worker keeps no source of an asset whose work has ended in another process, also when it hears nothing of it.
func TestScratchIsDroppedEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Lanes = media.LanePlan })
	h.run()
	worker := h.another(func(o *media.Options) {
		o.Lanes, o.WorkDir, o.ReconcileEvery = media.LaneEncode, t.TempDir(), 50*time.Millisecond
		o.Events = deaf{o.Events}
	})
	worker.work = worker.opt.WorkDir
	worker.run()
	a := h.create("scratch")
	h.upload(a.ID, soundFilm(t, 9))
	h.await(a.ID, media.Ready)
	for _, p := range []*house{h, worker} {
		eventually(t, "tidy scratch", func() bool { return len(glob(t, p.work, "*", "*")) <= 1 }) // the lock
	}
}

// deaf hears nothing.
type deaf struct{ event.Bus }

func (d deaf) Subscribe(string, event.Handler) (func(), error) { return func() {}, nil }

// TestDrain: a process told to end gives its chunk back at once, its encoder is gone, and another goes on.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	first := h.another(nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- first.svc.Run(ctx) }()
	a := h.create("drained")
	h.upload(a.ID, clip(t, "d.mp4", append(bars("1280x720", "30", 40), "-c:v", "libx264", "-preset", "ultrafast")...))
	q := h.opt.Queue.(job.KindInspector)
	eventually(t, "a chunk", func() bool {
		st, err := q.StatsByKind(t.Context())
		return err == nil && st["media.work"].Leased == 1
	})
	begun := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("drained in %s", time.Since(begun))
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("draining took %s", took)
	}
	st, err := q.StatsByKind(t.Context())
	if err != nil || st["media.work"].Leased != 0 || st["media.work"].Delayed != 0 || st["media.work"].Waiting == 0 {
		t.Fatalf("%+v %v", st, err)
	}
	if vr, err := h.store.VersionRecord(t.Context(), a.ID, 1); err != nil || vr.Plan.Tasks[1].Attempts != 0 {
		t.Errorf("draining was counted as a failure: %+v %v", vr.Plan.Tasks, err)
	}
	h.run()
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
}

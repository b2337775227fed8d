package media_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage"
)

// troubled is a Transcoder that goes wrong in stated ways before it does its work.
type troubled struct {
	media.Transcoder
	// cut makes the first runs of Audio leave only the start of the file, and fail.
	cut atomic.Int32
	// small makes runs of Video give a picture of another size.
	small atomic.Int32
	// hold keeps Audio from ending.
	hold chan struct{}
	// fails makes runs of Video fail with err; runs counts them all.
	fails, runs atomic.Int32
	err         error
}

func (t *troubled) Audio(ctx context.Context, job media.AudioJob, progress func(time.Duration)) error {
	if t.cut.Add(-1) >= 0 {
		dir := job.Dir
		job.Dir, _ = os.MkdirTemp(dir, "")
		if err := t.Transcoder.Audio(ctx, job, nil); err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(job.Dir, job.Name+".mp4"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, job.Name+".mp4"), b[:len(b)*2/3], 0o600); err != nil {
			return err
		}
		return fault.New(fault.Unavailable, "test", "the machine went away")
	}
	err := t.Transcoder.Audio(ctx, job, progress)
	if t.hold != nil {
		select {
		case <-t.hold:
		case <-ctx.Done():
		}
	}
	return err
}

func (t *troubled) Video(ctx context.Context, job media.VideoJob, progress func(int64)) error {
	t.runs.Add(1)
	if t.fails.Add(-1) >= 0 {
		return t.err
	}
	if t.small.Add(-1) >= 0 {
		job.Rungs = append([]media.Rung(nil), job.Rungs...)
		for i := range job.Rungs {
			job.Rungs[i].Width /= 2
		}
	}
	return t.Transcoder.Video(ctx, job, progress)
}

func trouble(o *media.Options) *troubled {
	t := &troubled{Transcoder: o.Transcoder}
	o.Transcoder = t
	return t
}

func soundFilm(t *testing.T, seconds float64) []byte {
	t.Helper()
	return clip(t, "s.mp4", append(append(bars("160x90", "25", seconds), tone(seconds)...), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")...)
}

// TestSoundGoesOn: sound whose encoding broke off keeps the pieces stored, and ends as the same as in one run.
func TestSoundGoesOn(t *testing.T) {
	t.Parallel()
	var tr *troubled
	h := newHouse(t, func(o *media.Options) { tr = trouble(o) })
	h.run()
	body := soundFilm(t, 21)
	tracks := map[int32][]byte{}
	for _, broken := range []int32{0, 1} {
		tr.cut.Store(broken)
		a := h.create("sound")
		h.upload(a.ID, body)
		if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
			t.Fatal(a.Reason)
		}
		v, err := h.svc.Version(t.Context(), "", a.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := onGrid(v); err != nil {
			t.Error(err)
		}
		if err := playsClean(t, h, v); err != nil {
			t.Error(err)
		}
		tracks[broken] = h.stored(v.Tracks[len(v.Tracks)-1])
	}
	if !bytes.Equal(tracks[0], tracks[1]) {
		t.Error("the sound that was taken up again differs")
	}
}

// TestWhatIsAwayIsWaitedFor: an outage of ours, however long, costs nobody an upload; a fault that stays is told.
func TestWhatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	for kind, want := range map[fault.Kind]media.Status{fault.Unavailable: media.Ready, fault.Limited: media.Ready, fault.Internal: media.Failed} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(o *media.Options) {
				tr := trouble(o)
				tr.err = fault.New(kind, "test", "")
				tr.fails.Store(40) // more than a job has leases
				o.Queue = job.NewMemory(job.Options{Backoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond})
				o.ReconcileEvery = 50 * time.Millisecond
			})
			h.run()
			a := h.create("waits")
			h.upload(a.ID, soundFilm(t, 2))
			if a = h.await(a.ID, media.Ready, media.Failed); a.Status != want || (a.Reason != "") != (want == media.Failed) {
				t.Errorf("%s, %q, want %s", a.Status, a.Reason, want)
			}
		})
	}
}

// TestPlaysBeforeTheSoundIsDone: the first piece of sound is enough to begin with.
func TestPlaysBeforeTheSoundIsDone(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	h := newHouse(t, func(o *media.Options) { trouble(o).hold = hold })
	h.run()
	a := h.create("sound")
	h.upload(a.ID, soundFilm(t, 13))
	h.await(a.ID, media.Playable)
	v, err := h.svc.Version(t.Context(), "", a.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	sound := v.Tracks[len(v.Tracks)-1]
	if v.Complete || sound.Complete || len(sound.Segments) == 0 || v.Revision == 0 {
		t.Errorf("%+v", sound)
	}
	close(hold)
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
}

// TestWrongPictureIsMadeAgain: output that is not what was asked for is not taken.
func TestWrongPictureIsMadeAgain(t *testing.T) {
	t.Parallel()
	var tr *troubled
	h := newHouse(t, func(o *media.Options) { tr = trouble(o) })
	tr.small.Store(1)
	h.run()
	a := h.create("small")
	h.upload(a.ID, soundFilm(t, 2))
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
	v, err := h.svc.Version(t.Context(), "", a.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if v.Tracks[0].Width != 160 {
		t.Errorf("width %d", v.Tracks[0].Width)
	}
}

// refusing is a store that refuses the first writes of what the encoder made.
type refusing struct {
	storage.Store
	left atomic.Int32
	forgotten
}

// forgotten notes the scopes whose keys are to be dropped.
type forgotten struct{ scope atomic.Value }

func (f *forgotten) Forget(scope string) { f.scope.Store(scope) }

func (s *refusing) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	if filepath.Ext(key) == ".m4s" && s.left.Add(-1) >= 0 {
		return storage.Info{}, fault.New(fault.Unavailable, "test", "the disk is away")
	}
	return s.Store.Put(ctx, key, r, opt)
}

// TestStorageAway: storage that is away for a moment delays an asset and does not fail it; what encrypted
// storage holds of a deleted asset's key is dropped.
func TestStorageAway(t *testing.T) {
	t.Parallel()
	var st *refusing
	h := newHouse(t, func(o *media.Options) {
		st = &refusing{Store: o.Objects}
		st.left.Store(3)
		o.Objects = st
	})
	h.run()
	a := h.create("away")
	h.upload(a.ID, soundFilm(t, 2))
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		t.Fatal(a.Reason)
	}
	if st.left.Load() > 0 {
		t.Error("nothing was refused")
	}
	if err := h.svc.Delete(t.Context(), ann, a.ID); err != nil {
		t.Fatal(err)
	}
	if got := st.scope.Load(); got != media.Scope("default", a.ID) {
		t.Errorf("forgot %v", got)
	}
}

// unread is a Store whose assets cannot be read for a while. It tells of each try.
type unread struct {
	media.Store
	away  atomic.Bool
	tried chan struct{}
}

func (u *unread) Asset(ctx context.Context, tenant, id string) (media.Record, error) {
	if u.away.Load() {
		select {
		case u.tried <- struct{}{}:
		default:
		}
		return media.Record{}, fault.New(fault.Unavailable, "test", "the database is away")
	}
	return u.Store.Asset(ctx, tenant, id)
}

// TestWatchOutlivesTheStore: what a watcher was woken for while the store was away comes when it is back.
func TestWatchOutlivesTheStore(t *testing.T) {
	t.Parallel()
	u := &unread{tried: make(chan struct{}, 1)}
	h := newHouse(t, func(o *media.Options) { u.Store = o.Store; o.Store = u })
	a := h.create("old")
	watch, err := h.svc.Watch(t.Context(), "default", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-watch; got.Title != "old" {
		t.Fatalf("title %q", got.Title)
	}
	u.away.Store(true)
	title := "new"
	if _, err := h.svc.Patch(t.Context(), ann, a.ID, media.PatchAsset{Title: &title}); err != nil {
		t.Fatal(err)
	}
	awaitSignal(t, "the watcher's look", u.tried)
	u.away.Store(false)
	for patience := time.After(time.Minute); ; {
		select {
		case got := <-watch:
			if got.Title == "new" {
				return
			}
		case <-patience:
			t.Fatal("the change never came")
		}
	}
}

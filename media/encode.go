package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
)

// attempt is one run of one task.
type attempt struct {
	s      *Service
	r      Record
	vr     VersionRecord
	task   Task
	source string
	dir    string
	// fresh are the objects written and not recorded.
	fresh map[string]bool
}

// make encodes, and stores each output that passes its checks.
func (e attempt) make(ctx context.Context) ([]Output, error) {
	if len(e.task.Rungs) == 0 {
		return e.audio(ctx)
	}
	return e.video(ctx)
}

func (e attempt) video(ctx context.Context) ([]Output, error) {
	p, t := e.vr.Plan, e.task
	job := VideoJob{
		Source: e.source, Dir: e.dir, Probe: p.Probe, First: t.First, End: t.End, Keyframes: p.keyframes(t),
		Attempt: t.Attempts + 1, Urgent: t.ID == firstTask, Threads: e.s.threads(t),
	}
	for _, id := range t.Rungs {
		job.Rungs = append(job.Rungs, p.rung(id))
	}
	frames := p.seconds(t) * p.Probe.Rate.Float()
	err := e.s.opt.Transcoder.Video(ctx, job, func(done int64) { e.report(ctx, float64(done)/max(frames, 1)) })
	if err != nil {
		return nil, err
	}
	outs := make([]Output, 0, len(job.Rungs))
	for _, r := range job.Rungs {
		o, err := e.store(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if err := e.checkVideo(o, r); err != nil {
			return nil, err
		}
		outs = append(outs, o)
	}
	return outs, nil
}

// audio encodes the sound whole, in one run, and stores and records it piece by piece while the
// encoder goes on: the first is there at once, however long the video is.
func (e attempt) audio(ctx context.Context) ([]Output, error) {
	p := e.vr.Plan.Probe
	job := AudioJob{Source: e.source, Dir: e.dir, Name: audioTrack, Probe: p, BitRate: audioBitRate, SampleRate: audioRate}
	total := p.Duration.Seconds()
	ctx, stop := context.WithCancel(ctx)
	f := &follower{path: filepath.Join(e.dir, audioTrack+".mp4"), grown: make(chan struct{}, 1), ended: make(chan struct{})}
	var encErr error
	go func() {
		defer close(f.ended)
		encErr = e.s.opt.Transcoder.Audio(ctx, job, func(d time.Duration) {
			f.poke()
			e.report(ctx, d.Seconds()/max(total, 1))
		})
	}()
	outs, err := e.pieces(ctx, f)
	if err != nil {
		stop()
	}
	<-f.ended
	stop()
	f.close()
	if encErr != nil && (err == nil || fault.KindOf(encErr) != fault.Canceled) {
		err = encErr // a cut-off file is the consequence
	}
	return outs, err
}

// pieces stores what f brings, from where an earlier attempt has come to: the encoder makes the
// same of the same source.
func (e attempt) pieces(ctx context.Context, f io.Reader) ([]Output, error) {
	const op = "media.audio"
	outs := e.task.Outputs
	kept := 0
	for _, o := range outs {
		kept += o.Samples
	}
	in, err := cmaf.NewIngester(f, cmaf.IngestOptions{SegmentMS: SegmentMS, FragmentMS: FragmentMS, BaseSample: int64(kept), Skip: Priming + kept})
	if err != nil {
		return nil, fault.At(op, err)
	}
	for {
		n := len(outs)
		o, err := e.put(ctx, audioTrack, n, func(w io.Writer, key string) (cmaf.Ingested, error) { return in.Next(w, key, pieceSegments(n)) })
		if errors.Is(err, io.EOF) && n > 0 {
			return outs, nil
		}
		if errors.Is(err, io.EOF) {
			err = fault.New(fault.Corrupt, op, "The sound of this video cannot be decoded; the file may be damaged.")
		}
		if err != nil {
			return nil, err
		}
		if o.Track.Kind != cmaf.Audio || o.Track.SampleRate != audioRate || (n > 0 && !bytes.Equal(o.Track.Init, outs[0].Track.Init)) {
			return nil, fault.New(fault.Internal, op, "the encoder's sound is not what was asked for")
		}
		o.Track.Language = e.vr.Plan.Probe.Language
		next := append(slices.Clip(outs), o)
		err = e.record(ctx, next, func(t *Task) error {
			if t.Done || len(t.Outputs) != n || !samePrefix(t.Outputs, next) {
				return errStale
			}
			t.Outputs = next
			return nil
		})
		if err != nil {
			return nil, err
		}
		outs = next
		if err := e.s.advance(ctx, e.r.Tenant, e.r.Asset.ID, e.vr.Number); err != nil {
			return nil, err
		}
	}
}

// pieceSegments is the length of piece n of the sound: short ones first, then about four minutes.
func pieceSegments(n int) int { return 1 << min(n, 6) }

// store normalises one file of the encoder's and stores it.
func (e attempt) store(ctx context.Context, track string) (Output, error) {
	const op = "media.store"
	f, err := os.Open(filepath.Join(e.dir, track+".mp4"))
	if err != nil {
		return Output{}, fault.Wrap(fault.Internal, op, err)
	}
	defer f.Close()
	return e.put(ctx, track, e.task.Chunk, func(w io.Writer, key string) (cmaf.Ingested, error) {
		in, err := cmaf.Ingest(f, w, cmaf.IngestOptions{Object: key, SegmentMS: SegmentMS, FragmentMS: FragmentMS, BaseSample: e.task.First})
		if fault.KindOf(err) == fault.Corrupt && err != nil {
			err = endsEarly(err)
		}
		return in, fault.At(op, err)
	})
}

// record makes a change of the task that names outs.
func (e attempt) record(ctx context.Context, outs []Output, change func(*Task) error) error {
	err := e.s.opt.Store.ChangeTask(ctx, e.r.Asset.ID, e.vr.Number, e.task.ID, change)
	if errors.Is(err, errStale) || (err != nil && fault.KindOf(err) == fault.NotFound) {
		return err
	}
	// With any other error the change may have been made all the same: then the objects must stay. If it was not, they go
	// when the version is finished (unused).
	for _, o := range outs {
		delete(e.fresh, o.Object)
	}
	return err
}

// discard removes what was written and did not come to count.
func (e attempt) discard(ctx context.Context) {
	ctx, cancel := detached(ctx, patience)
	defer cancel()
	for key := range e.fresh {
		if err := e.s.opt.Objects.Delete(ctx, key); err != nil {
			e.s.log.InfoContext(ctx, "object_not_removed", "key", key, "error", err)
		}
	}
}

// put puts what ingest writes into storage under a key that the plan, the track, the number and this attempt name. Encodes differ
// from run to run, so an object must never replace another attempt's: its index would be wrong.
func (e attempt) put(ctx context.Context, track string, number int, ingest func(w io.Writer, key string) (cmaf.Ingested, error)) (Output, error) {
	const op = "media.store"
	if err := e.s.reachable(e.r.Asset.Policy); err != nil {
		return Output{}, err
	}
	key := fmt.Sprintf("%s%s-%d-%s.m4s", objectPrefix(e.r, e.vr), track, number, newID(e.s.opt.Now())[10:])
	clean, err := os.Create(filepath.Join(e.dir, track+".m4s"))
	if err != nil {
		return Output{}, fault.Wrap(fault.Unavailable, op, err)
	}
	defer clean.Close()
	in, err := ingest(clean, key)
	if err != nil {
		return Output{}, err
	}
	if _, err := clean.Seek(0, 0); err != nil {
		return Output{}, fault.Wrap(fault.Unavailable, op, err)
	}
	e.fresh[key] = true // also when Put fails: it may have been done all the same
	if _, err := e.s.opt.Objects.Put(ctx, key, clean, storage.PutOptions{Size: in.Bytes}); err != nil {
		return Output{}, fault.At(op, err)
	}
	in.Track.ID = track
	return Output{Object: key, Bytes: in.Bytes, Samples: in.Samples, Track: in.Track}, nil
}

func endsEarly(cause error) error {
	e := fault.New(fault.Corrupt, "", "The video ends early; the file seems to be incomplete.")
	e.Err = cause
	return e
}

// checkVideo tells whether an output is exactly the frames asked for, on the grid, in the size planned.
func (e attempt) checkVideo(o Output, r Rung) error {
	const op = "media.check"
	p, t := e.vr.Plan, e.task
	if o.Track.Kind != cmaf.Video || o.Track.Width != r.Width || o.Track.Height != r.Height {
		return fault.New(fault.Internal, op, "the encoder's picture is not what was asked for")
	}
	if t.End > 0 && int64(o.Samples) != t.End-t.First {
		return fault.At(op, endsEarly(fmt.Errorf("task %s: %d frames of %d", t.ID, o.Samples, t.End-t.First)))
	}
	if o.Track.Timescale == 0 || int64(o.Track.Timescale)*p.Probe.Rate.Den%p.Probe.Rate.Num != 0 {
		return fault.New(fault.Internal, op, "a frame is not a whole number of ticks")
	}
	tick := uint64(int64(o.Track.Timescale) * p.Probe.Rate.Den / p.Probe.Rate.Num)
	frame := t.First
	for i, seg := range o.Track.Segments {
		n := t.First*1000*p.Probe.Rate.Den/p.Probe.Rate.Num/SegmentMS + int64(i)
		if seg.Time != uint64(frame)*tick || seg.Duration != uint64(seg.Samples)*tick || frame != p.Probe.Rate.FrameAt(n*SegmentMS) {
			return fault.Newf(fault.Internal, op, "segment %d of task %s is off the grid", i, t.ID)
		}
		frame += int64(seg.Samples)
	}
	// All chunks of a rendition share one init segment.
	for _, other := range p.Tasks {
		for _, done := range other.Outputs {
			if done.Track.ID == r.ID && !bytes.Equal(done.Track.Init, o.Track.Init) {
				return fault.Newf(fault.Internal, op, "the init segment of task %s differs", t.ID)
			}
		}
	}
	return nil
}

// report tells watchers how far the task has come.
func (e attempt) report(ctx context.Context, share float64) {
	_, weights := e.vr.Plan.share()
	rung := audioTrack
	if len(e.task.Rungs) > 0 {
		rung = e.task.Rungs[0]
	}
	done := map[string]float64{}
	for _, t := range e.vr.Plan.Tasks {
		if t.Done {
			done[t.ID] = weights[t.ID]
		}
	}
	if p, tell := e.s.progress.note(e.r.Asset.ID, stageTranscode, e.vr.Number, e.task.ID, rung, min(share, 1)*weights[e.task.ID], done, e.s.opt.Now()); tell {
		e.s.tell(ctx, TopicProgress, e.r.Tenant, e.r.Asset.ID, p)
	}
}

// share returns how much of the plan is done, and the weight of each task: seconds
// times pixels, sound being cheap.
func (p Plan) share() (done float64, weights map[string]float64) {
	weights = map[string]float64{}
	total := 0.0
	for _, t := range p.Tasks {
		w := 20_000.0
		if len(t.Rungs) > 0 {
			w = 50_000
		}
		for _, id := range t.Rungs {
			r := p.rung(id)
			w += float64(r.Width * r.Height)
		}
		weights[t.ID] = w * max(p.seconds(t), 0.1)
		total += weights[t.ID]
	}
	for _, t := range p.Tasks {
		weights[t.ID] /= total
		if t.Done {
			done += weights[t.ID]
		}
	}
	return done, weights
}

// verify is the last check before ready: every rung has the same frames, and as
// many as the source says, exactly where its word can be trusted.
func (p Plan) verify(log *slog.Logger) error {
	const op = "media.verify"
	counts := map[string]int64{}
	for _, t := range p.Tasks {
		for _, o := range t.Outputs {
			counts[o.Track.ID] += int64(o.Samples)
		}
	}
	sum := counts[p.Rungs[0].ID]
	for _, r := range p.Rungs {
		if counts[r.ID] != sum || sum == 0 {
			return fault.Newf(fault.Internal, op, "rungs differ: %v", counts)
		}
	}
	rate := p.Probe.Rate.Float()
	length := p.Probe.Duration.Seconds() * rate
	expect := int64(math.Round(length))
	if p.Probe.Constant && p.Probe.Frames == expect && math.Abs(length-float64(expect)) < 0.02 {
		// The container counts its pictures and its clock agrees: every one must be there, and no other.
		if sum < expect {
			return fault.At(op, endsEarly(fmt.Errorf("%d frames of %d", sum, expect)))
		}
		if sum > expect {
			return fault.Newf(fault.Internal, op, "%d frames of %d", sum, expect)
		}
		return nil
	}
	// No exact count: the source is of variable rate, the container does not count, or an edit list
	// plays only some of the pictures counted. What is left is a length, which may be the sound's or that of a
	// picture whose end is not known. More than that is missing picture.
	if float64(expect-sum)/rate > inexact.Seconds() {
		return fault.At(op, endsEarly(fmt.Errorf("%d frames of %d", sum, expect)))
	}
	if abs(sum-expect) > 1 {
		log.Info("frame_count_differs", "frames", sum, "expected", expect, "container", p.Probe.Container)
	}
	return nil
}

// inexact is by how much the picture may end before the length that a container states without counting.
const inexact = 500 * time.Millisecond

func abs(n int64) int64 { return max(n, -n) }

// length is the duration of the picture as encoded.
func (p Plan) length() time.Duration {
	var n int64
	for _, t := range p.Tasks {
		for _, o := range t.Outputs {
			if o.Track.ID == p.Rungs[0].ID {
				n += int64(o.Samples)
			}
		}
	}
	return time.Duration(float64(n) / p.Probe.Rate.Float() * float64(time.Second))
}

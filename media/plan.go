package media

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The time grid of every version. Segments are 4 s, the shortest key epoch; fragments 2 s,
// so that a player may start in the middle of a segment.
const (
	SegmentMS  = 4000
	FragmentMS = 2000
)

const (
	audioRate    = 48000
	audioBitRate = 128000
	audioTrack   = "a128"
	firstTask    = "v0-first" // the lowest rung of the first segment
	audioTask    = "audio"
)

// Plan is how a source becomes a version: the ladder and the tasks. It is made
// once, from the probe, and stored; every task's output is named by its hash.
//
// Chunks are cut on the grid, never at the source's keyframes: each starts a
// segment, so where it starts depends on the plan alone, all rungs agree, and a chunk lost or retried
// changes nothing for its neighbours. The price is decoding from the source's previous keyframe.
type Plan struct {
	Probe Probe  `json:"probe"`
	Rungs []Rung `json:"rungs"` // by height descending
	Tasks []Task `json:"tasks"`
	// ID names the plan: a hash of all the above and the source.
	ID string `json:"id"`
}

// Task is one job of a plan and what came of it.
type Task struct {
	ID string `json:"id"`
	// Rungs lists the rungs made, empty for the audio task.
	Rungs []string `json:"rungs,omitempty"`
	Chunk int      `json:"chunk"`
	First int64    `json:"first"` // frames, as in VideoJob
	End   int64    `json:"end,omitempty"`
	// Done, Attempts and Outputs change as work goes on.
	Done     bool     `json:"done,omitempty"`
	Attempts int      `json:"attempts,omitempty"`
	Outputs  []Output `json:"outputs,omitempty"`
	// TookMS is how long the attempt that succeeded took.
	TookMS int64 `json:"took_ms,omitempty"`
}

// newPlan lays out the work for p. workers is how many chunks can be made at a
// time.
func newPlan(p Probe, source string, workers int) Plan {
	plan := Plan{Probe: p, Rungs: ladder(p)}
	all := make([]string, len(plan.Rungs))
	for i, r := range plan.Rungs {
		all[i] = r.ID
	}
	lowest := len(all) - 1
	borders := cuts(p.Duration, workers)
	for i, b := range borders {
		t := Task{ID: fmt.Sprintf("v%d", i), Rungs: all, Chunk: i, First: p.Rate.FrameAt(b)}
		if i+1 < len(borders) {
			t.End = p.Rate.FrameAt(borders[i+1])
		}
		if i == 0 {
			// What a viewer needs first is a job of its own, small.
			plan.Tasks = append(plan.Tasks, Task{ID: firstTask, Rungs: all[lowest:], First: t.First, End: t.End})
			if lowest == 0 {
				continue
			}
			t.Rungs = all[:lowest]
		}
		plan.Tasks = append(plan.Tasks, t)
	}
	if p.AudioStream >= 0 {
		plan.Tasks = append(plan.Tasks, Task{ID: audioTask})
	}
	b, _ := json.Marshal(plan) // plain data always marshals
	h := sha256.Sum256(append(b, source...))
	plan.ID = hex.EncodeToString(h[:8])
	return plan
}

// cuts returns where chunks start, in ms. The first is one segment, for a fast
// start; the rest are 24 s to 60 s, so that each worker gets at least two where the video allows.
func cuts(d time.Duration, workers int) []int64 {
	// A container's duration may be the sound's, or rounded up: a last chunk
	// must not be shorter than what such errors amount to.
	const slack = 500
	segments := int((d.Milliseconds() - slack + SegmentMS - 1) / SegmentMS)
	out := []int64{0}
	if segments <= 1 {
		return out
	}
	rest := segments - 1
	size := min(max((rest+2*workers-1)/(2*workers), 6), 15)
	n := max((rest+size/2)/size, 1)
	for i := range n {
		out = append(out, int64(1+i*rest/n)*SegmentMS)
	}
	return out
}

// standard is the ladder by short side, with rate caps for up to 30 frames a
// second.
var standard = [...]struct {
	side int
	rate int64
}{{1080, 5_000_000}, {720, 2_800_000}, {480, 1_400_000}, {360, 800_000}}

// ladder returns the rungs for p: the standard ones not above the source, and
// the source's own size when it lies well between two or below all.
func ladder(p Probe) []Rung {
	short := min(p.Width, p.Height)
	var sides []int
	for _, s := range standard {
		if s.side <= short {
			sides = append(sides, s.side)
		}
	}
	if short < standard[0].side && (len(sides) == 0 || short*100 >= sides[0]*115) {
		sides = append([]int{short}, sides...)
	}
	rungs := make([]Rung, len(sides))
	for i, side := range sides {
		scale := float64(side) / float64(short)
		w, h := even(float64(p.Width)*scale), even(float64(p.Height)*scale)
		rate := capFor(side)
		if p.Rate.Float() > 31 {
			rate = rate * 3 / 2
		}
		rungs[i] = Rung{ID: fmt.Sprintf("v%d", side), Width: w, Height: h, MaxRate: rate}
	}
	return rungs
}

// capFor returns the rate cap for a short side: the standard one, or between
// them a rate that grows with the power of 1.6 of the side, as those do.
func capFor(side int) int64 {
	for _, s := range standard {
		if side == s.side {
			return s.rate
		}
	}
	r := 800_000 * math.Pow(float64(side)/360, 1.6)
	return max(int64(r)/1000*1000, 100_000)
}

func even(x float64) int { return max(int(math.Floor(x/2+0.25))*2, 2) }

// Keyframes returns the frames of [first, end) that start a fragment, counted
// from first. end 0 means as far as the probe tells, with some to spare.
func (p Plan) keyframes(t Task) []int64 {
	end := t.End
	if end == 0 {
		end = p.Probe.Rate.FrameAt(p.Probe.Duration.Milliseconds() + 60_000)
	}
	var out []int64
	n := t.First * p.Probe.Rate.Den * 1000 / p.Probe.Rate.Num / FragmentMS
	for ; ; n++ {
		f := p.Probe.Rate.FrameAt(n * FragmentMS)
		if f >= end {
			return out
		}
		if f >= t.First {
			out = append(out, f-t.First)
		}
	}
}

// Seconds returns how long the frames of t last, by the probe where t is open-ended.
func (p Plan) seconds(t Task) float64 {
	d := p.Probe.Duration.Seconds()
	if len(t.Rungs) == 0 {
		return d
	}
	start := float64(t.First) / p.Probe.Rate.Float()
	if t.End == 0 {
		return max(d-start, 0)
	}
	return float64(t.End)/p.Probe.Rate.Float() - start
}

func (p Plan) rung(id string) Rung {
	for _, r := range p.Rungs {
		if r.ID == id {
			return r
		}
	}
	return Rung{ID: id}
}

func (p Plan) task(id string) (Task, bool) {
	for _, t := range p.Tasks {
		if t.ID == id {
			return t, true
		}
	}
	return Task{}, false
}

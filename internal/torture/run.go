package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Options say what a run does. Binary and Dir are required.
type Options struct {
	// Binary is the reference server, Dir the folder for everything.
	Binary, Dir string
	Seed        uint64
	Counts      Counts
	// Most bounds the whole run (default two hours).
	Most time.Duration
	// Out receives a line for each fault.
	Out io.Writer
}

// Row is one fault as it went.
type Row struct {
	N              int           `json:"n"`
	Kind           string        `json:"kind"`
	What           string        `json:"what"`
	Fired          bool          `json:"fired"`
	Evidence       string        `json:"evidence"`
	Healed         time.Duration `json:"healed"`
	Violations     int           `json:"violations"`
	Took           time.Duration `json:"took"`
	ViolationsText []string      `json:"violation_texts,omitempty"`
}

// Report is how a run went.
type Report struct {
	Seed       uint64         `json:"seed"`
	Rows       []Row          `json:"rows"`
	Violations []Violation    `json:"violations"`
	Work       map[string]int `json:"work"`
	// ReadyIn, RefusedIn: from an upload's end to its video, from a transfer to the first key refused.
	ReadyIn, RefusedIn []time.Duration
	Took               time.Duration `json:"took"`
}

// Run tortures a platform of its own and reports. The error is that of the run itself, not of what it found.
func Run(ctx context.Context, o Options) (rep *Report, err error) {
	if o.Most <= 0 {
		o.Most = 2 * time.Hour
	}
	ctx, cancel := context.WithTimeout(ctx, o.Most)
	defer cancel()
	if err := adopt(); err != nil {
		return nil, err
	}
	began := time.Now()
	rep = &Report{Seed: o.Seed}
	r, err := newRig(ctx, rigOptions{binary: o.Binary, dir: o.Dir, seed: o.Seed, passes: 2})
	if err != nil {
		return rep, err
	}
	defer func() {
		err = errors.Join(err, r.close())
		rep.finish(r.hist, time.Since(began))
	}()
	if err := r.prepare(ctx); err != nil {
		return rep, fmt.Errorf("preparing: %w", err)
	}
	fmt.Fprintf(o.Out, "seed %d: the platform is up after %.0f s\n", o.Seed, time.Since(began).Seconds())
	working, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.work(working, o.Seed) })
	err = r.suffer(ctx, o, rep)
	stop()
	wg.Wait()
	if err == nil {
		err = r.conclude(ctx, o.Out)
	}
	return rep, err
}

// suffer goes through the plan.
func (r *rig) suffer(ctx context.Context, o Options, rep *Report) error {
	for n, i := range plan(o.Counts, rand.New(rand.NewPCG(o.Seed, 0))) {
		if ctx.Err() != nil {
			return fmt.Errorf("after %d faults: %w", n, ctx.Err())
		}
		row, err := r.suffer1(ctx, n+1, i)
		rep.Rows = append(rep.Rows, row)
		fmt.Fprintln(o.Out, row)
		if err != nil {
			return fmt.Errorf("fault %d (%s): %w", n+1, i, err)
		}
	}
	return nil
}

// suffer1 is one fault, the recovery from it and the look at all invariants.
func (r *rig) suffer1(ctx context.Context, n int, i injury) (Row, error) {
	t0, before := time.Now(), len(r.hist.broken())
	row := Row{N: n, Kind: i.kind, What: i.String()}
	r.hist.begin(fmt.Sprintf("#%d %s", n, i))
	var err error
	// What did not take effect is tried again: the plan counts faults, not tries.
	for range 3 {
		row.Fired, row.Evidence, err = r.inflict(ctx, i)
		if row.Fired || err != nil || ctx.Err() != nil {
			break
		}
	}
	r.hist.end()
	if err == nil {
		row.Healed = r.healed(ctx)
		err = r.check(ctx, false)
	}
	for _, v := range r.hist.broken()[before:] {
		row.Violations++
		row.ViolationsText = append(row.ViolationsText, v.String())
	}
	row.Took = time.Since(t0)
	return row, err
}

func (r Row) String() string {
	fired := "fired"
	if !r.Fired {
		fired = "NOT FIRED"
	}
	s := fmt.Sprintf("%3d %-28s %s (%s), healed after %.1f s, %d violations, %.1f s in all", r.N, r.What, fired, r.Evidence, r.Healed.Seconds(), r.Violations, r.Took.Seconds())
	for _, v := range r.ViolationsText {
		s += "\n    VIOLATION " + v
	}
	return s
}

// conclude lets all work come to its end, looks at everything whole, deletes everything, and looks whether
// anything is left.
func (r *rig) conclude(ctx context.Context, out io.Writer) error {
	r.hist.begin("the end")
	r.hist.end()
	finishing, cancel := context.WithTimeout(ctx, workBound)
	defer cancel()
	for _, a := range r.hist.pick(waiting) {
		if err := r.awaitReady(finishing, a); err != nil && r.kept(a) {
			r.hist.violate(invFinished, a.id, "it is not ready %.0f s after the last fault", workBound.Seconds())
		}
	}
	if err := r.check(ctx, true); err != nil {
		return err
	}
	stray, err := r.strays(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "all %d videos played whole at the end; %d objects of killed attempts lie beside them\n", len(r.hist.pick(live)), stray)
	return r.purge(ctx)
}

// strays counts objects of living videos that nothing names. They go with their video.
func (r *rig) strays(ctx context.Context) (n int, err error) {
	list, err := r.store.list(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range r.hist.pick(live) {
		named, _, _, err := r.store.outputs(ctx, a, list)
		if err != nil {
			continue // the check has told
		}
		m, err := r.store.stray(ctx, a, list, named)
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

// purge deletes all videos, also those whose creation's answer never came, and does what the platform does daily; then
// nothing may be left in storage.
func (r *rig) purge(ctx context.Context) error {
	deleting, cancel := context.WithTimeout(ctx, workBound)
	defer cancel()
	for _, c := range r.creators {
		for {
			var page struct{ Assets []struct{ ID string } }
			a, err := c.call(deleting, "GET", "/v1/assets?owner=me&limit=200", nil, &page)
			if err != nil || !a.ok() {
				return fmt.Errorf("listing: %w %s", err, a)
			}
			if len(page.Assets) == 0 {
				break
			}
			for _, x := range page.Assets {
				known := r.hist.pick(func(a *asset) bool { return a.id == x.ID })
				if len(known) == 0 {
					known = []*asset{{id: x.ID, owner: c}}
				}
				if err := r.remove(deleting, known[0]); err != nil {
					if ctx.Err() == nil {
						r.hist.violate(invTidy, x.ID, "its deletion was not acknowledged within %.0f s", workBound.Seconds())
					}
					return ctx.Err()
				}
			}
		}
	}
	return r.empty(ctx)
}

// empty looks whether storage is, once the platform's own cleaning has been done.
func (r *rig) empty(ctx context.Context) error {
	var left map[string]int64
	clearing, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var last error
	err := until(clearing, 2*time.Second, func(ctx context.Context) bool {
		if _, last = r.store.collect(ctx); last != nil {
			return false
		}
		left, last = r.store.list(ctx)
		return last == nil && len(left) == 0
	})
	if err != nil && ctx.Err() == nil {
		some := slices.Sorted(maps.Keys(left))
		r.hist.violate(invTidy, "storage", "%d objects are left after everything was deleted: %v %v", len(left), some[:min(3, len(some))], last)
	}
	return ctx.Err()
}

func (rep *Report) finish(h *history, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rep.Violations, rep.Work, rep.ReadyIn, rep.RefusedIn, rep.Took = slices.Clone(h.violations), maps.Clone(h.counts), h.readyIn, h.refusedIn, took
}

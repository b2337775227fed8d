package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// plantedFor is how long a planted bug may stay unseen while people use the platform.
const plantedFor = 100 * time.Second

// List prints the faults and the planted bugs.
func List(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "FAULT\tWHAT\tFIRED WHEN")
	for _, f := range [][3]string{
		{faultKill, "kill -9 of " + strings.Join(targets(), ", "), "the process is gone and another serves in its place"},
		{faultToxic, "one of 7 toxics on " + strings.Join(dependencies(), ", "), "bytes met it, and connections ended where it ends them"},
		{faultFlush, "Redis emptied", "keys were lost"},
		{faultWipe, "all NATS streams deleted", "there were some"},
		{faultLost, "S3 does writes and answers 500 or breaks off", "such answers were given"},
		{faultDisk, "a worker's or the S3 server's disk filled", "writes were refused for lack of space"},
		{faultPause, "SIGSTOP of a worker at work beyond its lease", "others did its work meanwhile"},
	} {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f[0], f[1], f[2])
	}
	fmt.Fprintln(tw, "\nPLANTED\tWHAT\tCAUGHT BY")
	for _, p := range plants() {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", p.name, p.what, p.caught)
	}
	return tw.Flush()
}

// Planted breaks promises, one a platform, while people use it, and wants each to be found out by the right check; on
// the platform where nothing is planted nothing may be found. only names one of them, empty means all.
func Planted(ctx context.Context, binary, dir, only string, out io.Writer) error {
	if err := adopt(); err != nil {
		return err
	}
	var missed []string
	tried := 0
	for _, p := range plants() {
		if only != "" && p.name != only {
			continue
		}
		tried++
		found, took, err := p.try(ctx, binary, filepath.Join(dir, p.name))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		i := slices.IndexFunc(found, p.is)
		switch {
		case p.caught == "" && len(found) == 0:
			fmt.Fprintf(out, "%-16s nothing found, as it should be (%.0f s)\n", p.name, took.Seconds())
		case p.caught == "":
			missed = append(missed, p.name)
			fmt.Fprintf(out, "%-16s FALSE ALARM: %v\n", p.name, found)
		case i < 0:
			missed = append(missed, p.name)
			fmt.Fprintf(out, "%-16s MISSED in %.0f s: %v\n", p.name, took.Seconds(), found)
		default:
			fmt.Fprintf(out, "%-16s caught in %.0f s: %s\n", p.name, took.Seconds(), found[i])
		}
	}
	if tried == 0 {
		return fmt.Errorf("there is no planted bug %q", only)
	}
	if len(missed) > 0 {
		return errors.New("not found out: " + strings.Join(missed, ", "))
	}
	return nil
}

// is tells that a violation is the one that the bug must show as.
func (p plant) is(v Violation) bool { return v.Invariant == p.caught }

func (p plant) foundIn(vs []Violation) bool { return slices.ContainsFunc(vs, p.is) }

// try runs a platform with the bug until it is found out, and then to the end of a run, which some need.
func (p plant) try(ctx context.Context, binary, dir string) (found []Violation, took time.Duration, err error) {
	o := rigOptions{binary: binary, dir: dir, seed: 1, small: true, passes: 1}
	sabotage := p.before(&o)
	r, err := newRig(ctx, o)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.prepare(ctx); err != nil {
		return nil, 0, err
	}
	r.hist.begin(p.name)
	working, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.work(working, 1) })
	undo := func() {}
	defer func() { // what was planted may wait for its end as well
		stop()
		wg.Wait()
		undo()
	}()
	began := time.Now()
	if undo, err = sabotage(working, r); err != nil {
		return nil, 0, err
	}
	most := plantedFor
	if p.atEnd {
		most = 15 * time.Second
	}
	for time.Since(began) < most && !p.foundIn(r.hist.broken()) {
		if err := r.check(ctx, false); err != nil {
			return nil, 0, err
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return nil, 0, err
		}
	}
	if p.atEnd {
		stop()
		wg.Wait()
		if err := r.conclude(ctx, io.Discard); err != nil {
			return nil, 0, err
		}
	}
	return r.hist.broken(), time.Since(began), nil
}

package torture

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Good tells that every fault fired and nothing was violated.
func (rep *Report) Good() bool {
	return len(rep.Violations) == 0 && len(rep.Rows) > 0 && !slices.ContainsFunc(rep.Rows, func(r Row) bool { return !r.Fired })
}

// quantile returns the value that a share of ds does not exceed.
func quantile(ds []time.Duration, share float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ds))
	i := int(share*float64(len(s))+0.999999) - 1
	return s[min(max(i, 0), len(s)-1)]
}

// Write prints the tables.
func (rep *Report) Write(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "\nFAULT\tTRIED\tFIRED\tVIOLATIONS\tHEALED p50\tp95\tMAX")
	line := func(name string, rows []Row) {
		var healed []time.Duration
		fired, broken := 0, 0
		for _, r := range rows {
			broken += r.Violations
			if r.Fired {
				fired++
				healed = append(healed, r.Healed)
			}
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%.1f s\t%.1f s\t%.1f s\n", name, len(rows), fired, broken,
			quantile(healed, 0.5).Seconds(), quantile(healed, 0.95).Seconds(), quantile(healed, 1).Seconds())
	}
	by := map[string][]Row{}
	for _, r := range rep.Rows {
		by[r.Kind] = append(by[r.Kind], r)
	}
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		line(kind, by[kind])
	}
	line("all", rep.Rows)
	_ = tw.Flush()
	var work []string
	for _, k := range slices.Sorted(maps.Keys(rep.Work)) {
		work = append(work, fmt.Sprintf("%s %d", k, rep.Work[k]))
	}
	fmt.Fprintf(w, "\nwork done meanwhile: %s\n", strings.Join(work, ", "))
	fmt.Fprintf(w, "from an upload's end to its video: p50 %.1f s, p95 %.1f s, max %.1f s\n",
		quantile(rep.ReadyIn, 0.5).Seconds(), quantile(rep.ReadyIn, 0.95).Seconds(), quantile(rep.ReadyIn, 1).Seconds())
	fmt.Fprintf(w, "from a transfer to the first key refused: p50 %.1f s, p95 %.1f s, max %.1f s (bound %.0f s)\n",
		quantile(rep.RefusedIn, 0.5).Seconds(), quantile(rep.RefusedIn, 0.95).Seconds(), quantile(rep.RefusedIn, 1).Seconds(), revocationBound.Seconds())
	for _, v := range rep.Violations {
		fmt.Fprintf(w, "VIOLATION %s\n", v)
	}
	fmt.Fprintf(w, "seed %d: %d faults in %.0f s, %d violations\n", rep.Seed, len(rep.Rows), rep.Took.Seconds(), len(rep.Violations))
}

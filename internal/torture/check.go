package torture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The bounds that the run holds the platform to.
const (
	// healBound is how long after a fault is over the platform may take until each of its parts does its work
	// for somebody again.
	healBound = 60 * time.Second
	// workBound is how long after a fault is over a video may take until it is ready: the lease of its jobs
	// (30 s), a round of reconciliation (30 s), and the encoding of what has piled up.
	workBound = 4 * time.Minute
	// orphanBound is how long an encoder may outlive the worker that started it.
	orphanBound = 5 * time.Second
)

// healed waits until everything works again, and returns how long that took.
func (r *rig) healed(ctx context.Context) time.Duration {
	t0 := time.Now()
	healing, cancel := context.WithTimeout(ctx, healBound)
	defer cancel()
	var first, last error
	err := until(healing, 100*time.Millisecond, func(ctx context.Context) bool {
		if last = r.probe(ctx); first == nil {
			first = last
		}
		return last == nil
	})
	took := time.Since(t0)
	if err != nil && ctx.Err() == nil {
		r.hist.violate(invHealed, r.hist.during, "not well %.0f s after the fault: at first %v, at last %v", took.Seconds(), first, last)
	}
	return took
}

// probe uses every part once: all processes are ready, a wallet signs in, a video is made, bytes are stored, it is
// deleted, and another is played.
func (r *rig) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for name, p := range r.cl.Roles() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.HTTP+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := r.prober.http.Do(req)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is not ready", name)
		}
	}
	// Probes follow each other more quickly than one address may sign in.
	c := r.prober
	c.ip = r.address()
	if err := c.signIn(ctx); err != nil {
		return err
	}
	if err := r.probeUpload(ctx, c); err != nil {
		return err
	}
	v, a, err := c.open(ctx, r.reference.id)
	if err != nil || !a.ok() {
		return fmt.Errorf("playing: %w %s", err, a)
	}
	master, err := c.once(ctx, http.MethodGet, v.HLS, "", nil, nil)
	if err != nil || !master.ok() {
		return fmt.Errorf("master playlist: %w %s", err, master)
	}
	video, _ := lists(master.body, v.HLS)
	playing, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = (&viewer{c, map[string][]byte{}}).track(playing, video[0], 1)
	return err
}

func (r *rig) probeUpload(ctx context.Context, c *client) error {
	var made struct{ ID string }
	a, err := c.call(ctx, http.MethodPost, "/v1/assets", map[string]any{"title": "probe"}, &made)
	if err != nil || !a.ok() {
		return fmt.Errorf("making a video: %w %s", err, a)
	}
	r.hist.count("probes")
	a, err = c.send(ctx, http.MethodPost, "/v1/uploads/", nil, map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Length": "1000", "Upload-Metadata": "asset_id " + b64(made.ID),
	})
	if err != nil || !a.ok() {
		return fmt.Errorf("beginning an upload: %w %s", err, a)
	}
	at := a.header.Get("Location")
	if i := strings.Index(at, "/v1/"); i > 0 {
		at = at[i:]
	}
	a, err = c.send(ctx, http.MethodPatch, at, make([]byte, 500), map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream",
	})
	if err != nil || a.offset() != 500 {
		return fmt.Errorf("uploading: %w %s", err, a)
	}
	a, err = c.send(ctx, http.MethodDelete, "/v1/assets/"+made.ID, nil, nil)
	if err != nil || !a.ok() {
		return fmt.Errorf("deleting: %w %s", err, a)
	}
	return nil
}

// check looks at every invariant. all looks at every video whole; otherwise each is looked at whole once,
// and two older ones again.
func (r *rig) check(ctx context.Context, all bool) error {
	r.settle(ctx)
	r.overdue()
	r.orphans(ctx)
	// Only what was live before the listing can be held against it.
	whole := r.hist.pick(live)
	done := r.hist.pick(func(a *asset) bool { return !a.completed.IsZero() && !a.deleting })
	list, err := r.store.list(ctx)
	if err != nil {
		return fmt.Errorf("listing storage: %w", err)
	}
	for _, a := range done {
		r.checkSource(ctx, a, list, all || !a.checked)
	}
	for _, a := range whole {
		r.checkOutputs(ctx, a, list)
	}
	old := slices.DeleteFunc(slices.Clone(whole), func(a *asset) bool { return !a.checked })
	look := slices.DeleteFunc(whole, func(a *asset) bool { return a.checked && !all })
	if !all {
		for range min(2, len(old)) {
			look = append(look, old[r.rnd.IntN(len(old))])
		}
	}
	r.checkPlays(ctx, look)
	return ctx.Err()
}

// kept tells whether the asset is still one that must be there, for what is found wrong may be its deletion.
func (r *rig) kept(a *asset) bool {
	r.hist.mu.Lock()
	defer r.hist.mu.Unlock()
	return !a.deleting
}

func (r *rig) checkSource(ctx context.Context, a *asset, list map[string]int64, read bool) {
	problem, err := r.store.source(ctx, a, list, read)
	if err != nil && ctx.Err() == nil {
		problem = err.Error()
	}
	if problem != "" && r.kept(a) {
		r.hist.violate(invKept, a.id, "%s", problem)
	}
}

func (r *rig) checkOutputs(ctx context.Context, a *asset, list map[string]int64) {
	named, missing, twice, err := r.store.outputs(ctx, a, list)
	switch {
	case ctx.Err() != nil || !r.kept(a):
		return
	case err != nil:
		r.hist.violate(invWhole, a.id, "%v", err)
		return
	case missing != "":
		r.hist.violate(invWhole, a.id, "%s", missing)
	}
	if twice != "" {
		r.hist.violate(invOnce, a.id, "%s", twice)
	}
	_ = named
}

// checkPlays plays videos whole, several at a time: most of it is waiting for keys.
func (r *rig) checkPlays(ctx context.Context, look []*asset) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 6)
	for _, a := range look {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			playing, cancel := context.WithTimeout(ctx, healBound)
			defer cancel()
			err := r.play(playing, a.owner, a, true)
			r.judgePlay(a, err)
			switch {
			case err == nil:
				r.hist.mu.Lock()
				a.checked = true
				r.hist.counts["played_whole"]++
				r.hist.mu.Unlock()
			case errors.Is(err, errUnavailable) && ctx.Err() == nil && r.kept(a):
				r.hist.violate(invHealed, a.id, "it cannot be played after the fault: %v", err)
			}
		})
	}
	wg.Wait()
}

// waiting chooses what was uploaded and is not known to be ready.
func waiting(a *asset) bool { return !a.completed.IsZero() && a.ready.IsZero() && !a.deleting }

// settle asks for those whose owner went on to something else before they were ready.
func (r *rig) settle(ctx context.Context) {
	for _, a := range r.hist.pick(waiting) {
		switch status, reason := r.status(ctx, a); status {
		case "ready":
			r.hist.isReady(a)
		case "failed":
			r.hist.violate(invKept, a.id, "the video failed: %s", reason)
		}
	}
}

// overdue finds videos that should be ready by now.
func (r *rig) overdue() {
	r.hist.mu.Lock()
	calm := r.hist.calm
	r.hist.mu.Unlock()
	// Each fault may cost a lease and a round of reconciliation anew, but not for ever.
	for _, a := range r.hist.pick(waiting) {
		since := a.completed
		if calm.After(since) {
			since = calm
		}
		if time.Since(since) > workBound || time.Since(a.completed) > 3*workBound {
			r.hist.violate(invFinished, a.id, "uploaded %.0f s ago and not ready", time.Since(a.completed).Seconds())
		}
	}
}

// adopt has the kernel give this process the orphans of those it started, so that an encoder that outlives its
// worker is seen here (prctl(2), PR_SET_CHILD_SUBREAPER).
func adopt() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// orphans looks for encoders whose worker is gone, and reaps those that have ended.
func (r *rig) orphans(ctx context.Context) {
	deadline := time.Now().Add(orphanBound)
	for {
		alive := encoders(os.Getpid())
		if len(alive) == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.hist.violate(invTidy, fmt.Sprint(alive), "encoders outlive their worker by more than %s", orphanBound)
			return
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			return
		}
	}
}

// process is one row of /proc.
type process struct {
	pid, parent int
	name        string
	zombie      bool
}

func processes() (all []process) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		head, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		pid, name, ok2 := strings.Cut(head, " (")
		if !ok || !ok2 || len(f) < 2 {
			continue
		}
		n, err := strconv.Atoi(pid)
		parent, err2 := strconv.Atoi(f[1])
		if err == nil && err2 == nil {
			all = append(all, process{n, parent, name, f[0] == "Z"})
		}
	}
	return all
}

// encoder tells whether a process is ffmpeg or its sandbox.
func (p process) encoder() bool {
	return p.name == "ffmpeg" || p.name == "ffprobe" || p.name == "bwrap"
}

// encoders returns the children of a process that encode, and reaps them where they are this one's and have ended.
func encoders(parent int) (alive []int) {
	for _, p := range processes() {
		if p.parent != parent || !(p.encoder() || p.name == "postgres") {
			continue
		}
		if p.zombie {
			if parent == os.Getpid() {
				_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil) // somebody else may have
			}
			continue
		}
		if p.encoder() {
			alive = append(alive, p.pid)
		}
	}
	return alive
}

// encoding tells whether a worker has an encoder below it.
func encoding(worker int) bool {
	parents := map[int]int{}
	var below []int
	for _, p := range processes() {
		parents[p.pid] = p.parent
		if p.name == "ffmpeg" {
			below = append(below, p.pid)
		}
	}
	for _, pid := range below {
		for p := pid; p > 1; p = parents[p] {
			if p == worker {
				return true
			}
		}
	}
	return false
}

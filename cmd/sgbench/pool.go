package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/file"
)

// poolSizes are the counts of workers measured.
var poolSizes = []int{1, 2, 4}

// poolSegments is a length whose chunks are equally long at every pool size: one segment first, then 3, 4 or 8 chunks.
const poolSegments = 49

// measurePool has the real pipeline encode one film with 1, 2 and 4 workers, each of which may use the same part of a
// processor, and tells how far that is from twice and four times as fast.
func measurePool(ctx context.Context, c config, dir string, out io.Writer) error {
	film := filepath.Join(dir, "film.mp4")
	seconds := c.film
	if err := makeFilm(ctx, film, seconds); err != nil {
		return err
	}
	body, err := os.ReadFile(film)
	if err != nil {
		return err
	}
	limit, kind := newQuotas(c.quota)
	defer limit.remove()
	fmt.Fprintf(out, "Pool: a film of %d s, 480x270 at 24/s, one rung; each worker has %s.\n\n", seconds, kind)
	fmt.Fprintln(out, "| workers | chunks | wall | video s/s | of ideal |\n|---|---|---|---|---|")
	one := 0.0
	for _, n := range poolSizes {
		var rates []float64
		var last poolRun
		for round := range c.rounds {
			run, err := encodeFilm(ctx, filepath.Join(dir, fmt.Sprintf("pool-%d-%d", n, round)), body, n, limit)
			if err != nil {
				return err
			}
			rates, last = append(rates, run.video/run.wall.Seconds()), run
		}
		rate := median(rates)
		if one == 0 {
			one = rate
		}
		fmt.Fprintf(out, "| %d | %d | %.1f s | %.2f | %.2f |\n", n, last.chunks, last.video/rate, rate, rate/one/float64(n)*float64(poolSizes[0]))
	}
	fmt.Fprintln(out)
	return nil
}

func makeFilm(ctx context.Context, path string, seconds int) error {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=480x270:r=24:d=%d", seconds),
		"-vf", "noise=alls=6:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-g", "48", path)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w %s", err, text)
	}
	return nil
}

type poolRun struct {
	chunks int
	video  float64 // seconds of video in the chunks
	wall   time.Duration
}

// encodeFilm runs the pipeline of one process whose chunks are made by n worker processes.
func encodeFilm(ctx context.Context, dir string, body []byte, n int, limit *quotas) (r poolRun, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	crew := &crew{Transcoder: ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: true}), free: make(chan *child, n)}
	for i := range n {
		w, err := start(ctx, "worker", workerOrders{Group: limit.group(i)}, &struct{}{})
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, w.stop()) }()
		crew.free <- w
	}
	db, err := sqldb.Open(ctx, filepath.Join(dir, "sg.db"))
	if err != nil {
		return r, err
	}
	defer db.Close()
	objects, err := file.Open(filepath.Join(dir, "objects"), file.Options{})
	if err != nil {
		return r, err
	}
	bus := event.NewMemory(event.Options{})
	svc, err := media.New(media.Options{
		Store: db.Media(), Objects: objects, Keys: keys.NewMemory(), Transcoder: crew, Queue: job.NewMemory(job.Options{}),
		Events: bus, WorkDir: filepath.Join(dir, "work"), Workers: n,
	})
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- svc.Run(ctx) }()
	go func() { ended <- db.Relay(bus, sqldb.RelayOptions{}).Run(ctx) }() // what the service was too late to tell itself
	defer func() { cancel(); err = errors.Join(err, <-ended, <-ended) }()
	if err := encodeOne(ctx, svc, body); err != nil {
		return r, err
	}
	return crew.result(), nil
}

// encodeOne uploads body and waits until it is encoded.
func encodeOne(ctx context.Context, svc *media.Service, body []byte) error {
	owner := auth.Principal{Tenant: "default", UserID: "bench"}
	a, err := svc.Create(ctx, owner, media.CreateAsset{Title: "bench"})
	if err != nil {
		return err
	}
	h, err := svc.UploadHandler("/uploads/", func(*http.Request) (auth.Principal, error) { return owner, nil })
	if err != nil {
		return err
	}
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/uploads/", bytes.NewReader(body))
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	req.Header.Set("Upload-Length", strconv.Itoa(len(body)))
	req.Header.Set("Upload-Metadata", "asset_id "+base64.StdEncoding.EncodeToString([]byte(a.ID)))
	res := httptest.NewRecorder()
	if h.ServeHTTP(res, req); res.Code != http.StatusCreated {
		return fmt.Errorf("upload: %d %s", res.Code, res.Body)
	}
	changes, err := svc.Watch(ctx, owner.Tenant, a.ID)
	if err != nil {
		return err
	}
	for a = range changes {
		switch a.Status {
		case media.Ready:
			return nil
		case media.Failed:
			return errors.New(a.Reason)
		}
	}
	return context.Cause(ctx)
}

// crew is a Transcoder that hands chunks to worker processes and notes when they were at work.
type crew struct {
	media.Transcoder
	free chan *child

	mu          sync.Mutex
	begun, done time.Time
	run         poolRun
}

// Video implements media.Transcoder.
func (c *crew) Video(ctx context.Context, j media.VideoJob, progress func(int64)) error {
	if j.Urgent {
		return c.Transcoder.Video(ctx, j, progress)
	}
	var w *child
	select {
	case w = <-c.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { c.free <- w }()
	c.mu.Lock()
	if c.begun.IsZero() {
		c.begun = time.Now()
	}
	c.mu.Unlock()
	j.Threads = 1
	var said workerReply
	if err := w.enc.Encode(j); err != nil {
		return err
	}
	if err := w.dec.Decode(&said); err != nil {
		return err
	}
	if said.Error != "" {
		return errors.New(said.Error)
	}
	frames := float64(j.End - j.First)
	if j.End == 0 {
		frames = j.Probe.Duration.Seconds()*j.Probe.Rate.Float() - float64(j.First)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = time.Now()
	c.run.chunks++
	c.run.video += frames / j.Probe.Rate.Float()
	return nil
}

func (c *crew) result() poolRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.wall = c.done.Sub(c.begun)
	return c.run
}

type workerOrders struct {
	Group string `json:"group"` // the control group to be in; empty: none
}

type workerReply struct {
	Error string `json:"error,omitempty"`
}

// serveWorker encodes the chunks it is given, one at a time, in its control group.
func serveWorker(ctx context.Context, o workerOrders, jobs *json.Decoder, out io.Writer) error {
	if o.Group != "" {
		if err := os.WriteFile(filepath.Join(o.Group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return err
		}
	}
	say := json.NewEncoder(out)
	if err := say.Encode(struct{}{}); err != nil {
		return err
	}
	coder := ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: true})
	for {
		var j media.VideoJob
		if err := jobs.Decode(&j); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var reply workerReply
		if err := coder.Video(ctx, j, nil); err != nil {
			reply.Error = err.Error()
		}
		if err := say.Encode(reply); err != nil {
			return err
		}
	}
}

// quotas are control groups, version 1, each with the same part of a processor.
type quotas struct{ dirs []string }

// newQuotas makes them, where this is allowed, and says what the workers have.
func newQuotas(cpus float64) (*quotas, string) {
	q := &quotas{}
	base := "/sys/fs/cgroup/cpu"
	if b, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 && (f[1] == "cpu" || f[1] == "cpu,cpuacct") {
				base = filepath.Join("/sys/fs/cgroup", f[1], f[2])
			}
		}
	}
	for i := range poolSizes[len(poolSizes)-1] {
		dir := filepath.Join(base, fmt.Sprintf("sgbench-%d-%d", os.Getpid(), i))
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			q.dirs = append(q.dirs, dir)
			// The shares let it have its quota also where others are at work: the quota is what is to bind.
			err = errors.Join(
				os.WriteFile(filepath.Join(dir, "cpu.cfs_quota_us"), []byte(strconv.Itoa(int(cpus*100_000))), 0),
				os.WriteFile(filepath.Join(dir, "cpu.shares"), []byte("20480"), 0),
			)
		}
		if err != nil {
			q.remove()
			return &quotas{}, "one thread (no control group can be made here: " + err.Error() + ")"
		}
	}
	return q, fmt.Sprintf("%g of a processor, by a control group", cpus)
}

func (q *quotas) group(i int) string {
	if i >= len(q.dirs) {
		return ""
	}
	return q.dirs[i]
}

func (q *quotas) remove() {
	for _, dir := range q.dirs {
		_ = os.Remove(dir) // empty once its process has ended
	}
}

package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/internal/servers"
)

// The kinds of faults.
const (
	faultKill  = "kill"
	faultToxic = "toxic"
	faultFlush = "redis_flush"
	faultWipe  = "nats_wipe"
	faultLost  = "s3_lost_answer"
	faultDisk  = "disk_full"
	faultPause = "pause"
)

// injury is one fault of the plan.
type injury struct {
	kind, target string
	toxic        toxicKind
}

func (i injury) String() string {
	if i.kind == faultToxic {
		return i.kind + " " + i.toxic.name + " on " + i.target
	}
	return strings.TrimSpace(i.kind + " " + i.target)
}

// Counts say how many faults of each kind a run has. Toxics are the kinds tried on each dependency.
type Counts struct {
	Kills, Toxics, Flushes, Wipes, Lost, Disks, Pauses int
}

// targets are what kill -9 strikes, each as likely as any other: a run goes through all of them before it
// strikes one again.
func targets() []string {
	return []string{
		"gateway-1", "auth-1", "metadata-1", "upload-1", "streaming-1", "streaming-2", "transcode-1", "worker-1", "worker-2",
		"cache-1", "monitor-1", "postgres", "redis", "nats", "s3", "consul",
	}
}

// plan draws the faults of a run and their order from the seed.
func plan(c Counts, rnd *rand.Rand) []injury {
	var all []injury
	var round []string
	for range c.Kills {
		if len(round) == 0 {
			round = targets()
			rnd.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		}
		all, round = append(all, injury{kind: faultKill, target: round[0]}), round[1:]
	}
	var toxics []injury
	for _, on := range dependencies() {
		for _, k := range toxicKinds() {
			toxics = append(toxics, injury{faultToxic, on, k})
		}
	}
	rnd.Shuffle(len(toxics), func(i, j int) { toxics[i], toxics[j] = toxics[j], toxics[i] })
	for i := range c.Toxics {
		all = append(all, toxics[i%len(toxics)])
	}
	add := func(n int, kind string, on ...string) {
		for i := range n {
			all = append(all, injury{kind: kind, target: on[i%len(on)]})
		}
	}
	add(c.Flushes, faultFlush, "redis")
	add(c.Wipes, faultWipe, "nats")
	add(c.Lost, faultLost, "s3")
	add(c.Disks, faultDisk, smallDisks()...)
	add(c.Pauses, faultPause, "worker-1", "worker-2")
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// inflict does one fault and heals it. fired tells that it was seen to take effect, by the evidence.
func (r *rig) inflict(ctx context.Context, i injury) (fired bool, evidence string, err error) {
	switch i.kind {
	case faultKill:
		return r.kill(ctx, i.target)
	case faultToxic:
		return r.toxic(ctx, i.toxic, i.target, 5*time.Second)
	case faultFlush:
		return r.flush(ctx)
	case faultWipe:
		return r.wipe(ctx)
	case faultLost:
		return r.loseAnswers(ctx)
	case faultDisk:
		return r.fillDisk(ctx, i.target)
	case faultPause:
		return r.pause(ctx, i.target)
	}
	return false, "", fmt.Errorf("there is no fault %q", i.kind)
}

// victim is what can be killed and started again.
type victim interface {
	Kill() error
	Restart(ctx context.Context) error
	Pid() int
}

func (r *rig) victim(name string) victim {
	switch name {
	case "postgres":
		return r.cl.Postgres
	case "redis":
		return r.cl.Redis
	case "nats":
		return r.cl.NATS
	case "s3":
		return r.cl.S3
	case "consul":
		return r.cl.Consul
	}
	return r.cl.Role(name)
}

// kill is kill -9 at a moment of chance, and a start after a while. It fired when the process is gone and another
// serves in its place.
func (r *rig) kill(ctx context.Context, name string) (bool, string, error) {
	v := r.victim(name)
	if err := sleep(ctx, time.Duration(r.rnd.IntN(1500))*time.Millisecond); err != nil {
		return false, "", err
	}
	before := v.Pid()
	if err := v.Kill(); err != nil {
		return false, "", err
	}
	gone := v.Pid() == 0 && before != 0 && !errors.Is(syscall.Kill(before, 0), nil)
	down := time.Duration(r.rnd.IntN(3000)) * time.Millisecond
	if err := sleep(ctx, down); err != nil {
		return false, "", err
	}
	// A start may need what is still coming back: the supervisor of a real one tries again, too.
	var err error
	for range 3 {
		if err = v.Restart(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	return gone && err == nil && v.Pid() != before, fmt.Sprintf("pid %d, down %.1f s", before, down.Seconds()), err
}

// flush empties Redis. It fired when there was something in it.
func (r *rig) flush(ctx context.Context) (bool, string, error) {
	n, err := r.cl.Redis.Admin().DBSize(ctx).Result()
	if err != nil {
		return false, "", err
	}
	err = r.cl.Redis.FlushAll(ctx)
	return err == nil && n > 0, fmt.Sprintf("%d keys lost", n), err
}

// wipe deletes all streams of NATS, with the work that waits in them. It fired when there were some.
func (r *rig) wipe(ctx context.Context) (bool, string, error) {
	n, err := r.cl.NATS.Streams(ctx)
	if err != nil {
		return false, "", err
	}
	err = r.cl.NATS.DeleteStreams(ctx, "")
	return err == nil && n > 0, fmt.Sprintf("%d streams deleted", n), err
}

// loseAnswers has S3 do writes and answer that it failed.
func (r *rig) loseAnswers(ctx context.Context) (bool, string, error) {
	before := r.s3.Fired(servers.S3LostAnswer) + r.s3.Fired(servers.S3LostConnection)
	put := func(q *http.Request) bool { return q.Method == http.MethodPut || q.Method == http.MethodPost }
	r.s3.Inject(servers.S3Fault{Kind: servers.S3LostAnswer, Match: put, Rate: 0.5})
	r.s3.Inject(servers.S3Fault{Kind: servers.S3LostConnection, Match: put, Rate: 0.5})
	err := sleep(ctx, 5*time.Second)
	r.s3.Heal()
	n := r.s3.Fired(servers.S3LostAnswer) + r.s3.Fired(servers.S3LostConnection) - before
	return n > 0, fmt.Sprintf("%d writes done and denied", n), err
}

// fillDisk fills the disk of a worker's scratch folder or of the S3 server, until somebody was seen to meet that.
func (r *rig) fillDisk(ctx context.Context, name string) (fired bool, evidence string, err error) {
	at := filepath.Join(r.cl.Dir(), name)
	if !slices.Contains(r.mounts, at) {
		return false, "not root: no disk to fill", nil
	}
	filler := filepath.Join(at, "filler")
	before, refused := r.log.count(name, noSpace), r.counted("uploads_refused")
	full, err := fill(filler)
	if err != nil || !full {
		return false, "", errors.Join(err, os.Remove(filler))
	}
	met := func() int {
		if name == "s3" {
			return r.counted("uploads_refused") - refused
		}
		return r.log.count(name, noSpace) - before
	}
	// A worker needs work to notice.
	if name != "s3" {
		if _, err := r.busy(ctx); err != nil {
			return false, "", errors.Join(err, os.Remove(filler))
		}
	}
	deadline := time.Now().Add(25 * time.Second)
	for met() == 0 && time.Now().Before(deadline) && err == nil {
		// What the server has let go of must not give it room.
		if _, err = fill(filler); err == nil {
			err = sleep(ctx, 100*time.Millisecond)
		}
	}
	if err == nil {
		err = sleep(ctx, 2*time.Second)
	}
	n := met()
	return n > 0, fmt.Sprintf("%d writes refused for lack of space", n), errors.Join(err, os.Remove(filler))
}

// fill writes to a file until the disk has no byte left.
func fill(file string) (full bool, err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Is(err, syscall.ENOSPC), nil
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err = f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 4
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *rig) counted(name string) int {
	r.hist.mu.Lock()
	defer r.hist.mu.Unlock()
	return r.hist.counts[name]
}

// busy uploads a long video, so that there is work, and returns it.
func (r *rig) busy(ctx context.Context) (*asset, error) {
	a, err := r.create(ctx, r.creators[0], r.long, nil, "long video")
	if err != nil {
		return nil, err
	}
	rnd := rand.New(rand.NewPCG(r.rnd.Uint64(), 0))
	return a, r.upload(ctx, a, rnd)
}

// The lease of a job, and how long a paused worker sleeps at most until another has taken over.
const (
	leaseFor  = 30 * time.Second
	mostPause = 100 * time.Second
)

// pause stops a worker by SIGSTOP while it encodes, beyond its lease, and lets it go on when others have done
// what it was doing. It fired when the worker held work, slept past its lease, and the work was done meanwhile.
func (r *rig) pause(ctx context.Context, name string) (fired bool, evidence string, err error) {
	w := r.cl.Role(name)
	finding, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	a, err := r.busy(finding)
	if err != nil {
		return false, "", err
	}
	// Until this worker has it in hand: the other may be quicker, then it is tried with another video.
	for !encoding(w.Pid()) {
		if status, _ := r.status(finding, a); status == "ready" {
			r.hist.isReady(a)
			if a, err = r.busy(finding); err != nil {
				return false, "", err
			}
		}
		if sleep(finding, 20*time.Millisecond) != nil {
			return false, name + " was given no work", ctx.Err()
		}
	}
	if err := w.Signal(syscall.SIGSTOP); err != nil {
		return false, "", err
	}
	defer func() { err = errors.Join(err, w.Signal(syscall.SIGCONT)) }()
	r.settle(ctx)
	inWork := r.hist.pick(waiting)
	stopped := time.Now()
	done := 0
	for time.Since(stopped) < mostPause && done < len(inWork) {
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return false, "", err
		}
		done = 0
		for _, a := range inWork {
			if status, _ := r.status(ctx, a); status == "ready" {
				done++
			}
		}
		if time.Since(stopped) < leaseFor+2*time.Second {
			done = 0
		}
	}
	slept := time.Since(stopped)
	return slept > leaseFor && done == len(inWork) && done > 0,
		fmt.Sprintf("slept %.0f s over %d videos in work, %d done by others", slept.Seconds(), len(inWork), done), nil
}

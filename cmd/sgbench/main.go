// Command sgbench measures StreamGate beside its peers in one run, on loopback, and
// prints a markdown table with the machine, the date and the command.
//
// Segments: requests/s and p99 of /v1/media, of nginx with secure_link on the same
// bytes as files, and of a bare net/http handler on the same bytes in memory. Each
// server is a process of its own; their turns are interleaved, round by round, and
// ratios are medians of the rounds' ratios, so that a busy moment hits all alike.
//
// Gated: an open loop of manifests, keys and licences of viewers who signed in,
// whose right is a token on a chain.
//
// Pool: the real pipeline with 1, 2 and 4 workers, each with the same part of a processor.
//
// Cluster: one process beside nine services of the same binary, on the same clip: latency of manifests, keys, segments and
// decisions at a modest constant rate, upload, time to play, and what a hop costs.
//
// Cache: the hit rate of a replay, and the reads of the origin by a crowd of first viewers, over two processes that share a real Redis.
//
// Index: how fast the ownership index takes in the transfers of a contract, from a node on loopback.
//
// Watch: many sessions that watch, one transfer each, and a chain that dies: from the head to the flip, and the keys given after it, of a gate that
// follows the chain and of the same gate that polls.
//
// Code: the Go benchmarks of single steps, through the go command; only in a source tree.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// config is what a run measures, and how long.
type config struct {
	only     string
	duration time.Duration
	rounds   int
	conns    int
	rate     float64
	gated    time.Duration
	viewers  int
	profile  string
	sizes    []int
	quota    float64
	film     int
	binary   string
	hopRate  float64
	hop      time.Duration
	clip     int
	assets   int
	plays    int
	crowd    int
	events   int
	sessions int
	stay     int
	burst    int
	age      time.Duration
}

func main() {
	if child := os.Getenv(childEnv); child != "" {
		if err := runChild(child, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "sgbench %s: %v\n", child, err)
			os.Exit(1)
		}
		return
	}
	var c config
	flag.StringVar(&c.only, "only", "segments,gated,code", "which parts to measure; pool, cluster, cache, index and watch are more")
	flag.DurationVar(&c.duration, "duration", 3*time.Second, "length of one turn of one server at one size")
	flag.IntVar(&c.rounds, "rounds", 5, "turns of each server at each size")
	flag.IntVar(&c.conns, "conns", 16, "connections of a segment turn")
	flag.Float64Var(&c.rate, "rate", 10_000, "gated requests per second")
	flag.DurationVar(&c.gated, "gated", 20*time.Second, "length of the gated part")
	flag.IntVar(&c.viewers, "viewers", 24, "viewers of the gated part, at most 28: sign-in is rate limited")
	flag.Func("sizes", "segment sizes in bytes, multiples of 16 (default 14000,500000,2600000)", func(text string) (err error) {
		c.sizes, err = parseSizes(text)
		return err
	})
	flag.StringVar(&c.profile, "profile", "", "write a CPU profile of the platform to this `file`")
	flag.Float64Var(&c.quota, "quota", 0.4, "processors of each worker of the pool part")
	flag.IntVar(&c.film, "film", 4*poolSegments, "seconds of the pool part's film")
	flag.StringVar(&c.binary, "binary", "", "reference `server` of the cluster part (empty: built from this source tree)")
	flag.Float64Var(&c.hopRate, "hop-rate", 50, "requests per second of the cluster part")
	flag.DurationVar(&c.hop, "hop", 5*time.Second, "length of one turn of the cluster part")
	flag.IntVar(&c.clip, "clip", 100, "seconds of the clip that the cluster part uploads")
	flag.IntVar(&c.assets, "assets", 1000, "assets of the cache part")
	flag.IntVar(&c.plays, "plays", 100_000, "plays of the cache part")
	flag.IntVar(&c.crowd, "crowd", 1000, "first viewers at once of the cache part")
	flag.IntVar(&c.events, "events", 20_000, "transfers of the index part")
	flag.IntVar(&c.sessions, "sessions", 1000, "sessions of the watch part that lose their right")
	flag.IntVar(&c.stay, "stay", 50, "sessions of the watch part that watch until the chain dies")
	flag.IntVar(&c.burst, "burst", 50, "transfers at once of the watch part, twice a second")
	flag.DurationVar(&c.age, "age", 10*time.Second, "maxAge of the watch part's rule; its grace is half of that")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sgbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c config, out io.Writer) error {
	if c.rounds < 1 || c.viewers < 1 || c.viewers > maxViewers {
		return fmt.Errorf("-rounds is at least 1 and -viewers 1 to %d", maxViewers)
	}
	if c.sizes == nil {
		c.sizes = []int{14_000, 500_000, 2_600_000} // an audio segment, one of 480p, one of 1080p
	}
	dir, err := os.MkdirTemp("", "sgbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(out, "%s; commit %s; load average before %s; %s, `sgbench %s`\n\n",
		machine(), commit(), load(), time.Now().UTC().Format("2006-01-02 15:04 MST"), strings.Join(os.Args[1:], " "))
	segments, gated := strings.Contains(c.only, "segments"), strings.Contains(c.only, "gated")
	if segments || gated {
		p, err := startPlatform(ctx, dir, c)
		if err != nil {
			return err
		}
		defer p.stop()
		if segments {
			if err := measureSegments(ctx, c, dir, p, out); err != nil {
				return err
			}
		}
		if gated {
			if err := measureGated(ctx, c, p, out); err != nil {
				return err
			}
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "pool") {
		if err := measurePool(ctx, c, dir, out); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "cluster") {
		if err := measureCluster(ctx, c, dir, out); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "cache") {
		if err := measureCache(ctx, c, dir, out); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "index") {
		if err := measureIndex(ctx, c, dir, out); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "watch") {
		if err := measureWatch(ctx, c, dir, out); err != nil {
			return err
		}
	}
	if strings.Contains(c.only, "code") {
		return measureCode(ctx, out)
	}
	return nil
}

func parseSizes(text string) (sizes []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 16 || n%16 != 0 || n > 16<<20 {
			return nil, fmt.Errorf("%q is not a multiple of 16 up to 16 MiB", part)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// machine describes where the numbers are from.
func machine() string {
	parts := []string{cpuName()}
	for _, cmd := range [][]string{{"uname", "-srm"}, {"go", "version"}, {"nginx", "-v"}} {
		if b, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err == nil {
			text := strings.TrimPrefix(strings.TrimSpace(string(b)), "go version ")
			parts = append(parts, strings.TrimPrefix(text, "nginx version: "))
		}
	}
	return strings.Join(parts, "; ")
}

// commit names what was measured, where this is a source tree.
func commit() string {
	b, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// load is the load average of the last 1, 5 and 15 minutes, where Linux tells.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}

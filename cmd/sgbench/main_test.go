package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's own binary be the children, as the command's is.
func TestMain(m *testing.M) {
	if kind := os.Getenv(childEnv); kind != "" {
		if err := runChild(kind, os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A run too short to mean anything: every server starts, serves the same bytes and
// lets nobody's request fail, which run checks itself.
func TestMeasuresAgainstThePeers(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Fatal("nginx is not installed: apt-get install -y nginx-light")
	}
	c := config{
		only: "segments,gated", duration: 20 * time.Millisecond, rounds: 1, conns: 2, rate: 200, gated: 100 * time.Millisecond, viewers: 2,
		sizes: []int{14_000, 48_000},
	}
	var out strings.Builder
	if err := run(t.Context(), c, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 14000 | StreamGate |", "| 48000 | nginx secure_link |", "| 14000 | bare net/http |", "| offered/s |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// A film too short for a ratio: every pool size encodes it whole.
func TestMeasuresThePool(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), config{only: "pool", rounds: 1, viewers: 1, quota: 1, film: 12}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 1 | ", "| 2 | ", "| 4 | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// So few sessions that the times say nothing: each flips, none gets a key after it, and the dead chain shuts the rest out.
func TestMeasuresWatching(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := run(t.Context(), config{only: "watch", rounds: 1, viewers: 1, sessions: 12, stay: 3, burst: 6, age: 4 * time.Second}, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"| StreamGate, following the chain | 12 |", "| the same gate, asking again every 4s | 12 |", "| last key after s |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	t.Log(out.String())
}

func TestReadsBenchmarks(t *testing.T) {
	t.Parallel()
	got := rows("goos: linux\nBenchmarkDecideWarm \t 5000000\t       230.5 ns/op\t   4338395 decisions/s\nBenchmarkX/a-2  3  4 ns/op\nPASS\n")
	if len(got) != 2 || got[0] != [2]string{"DecideWarm", "230.5 ns/op, 4338395 decisions/s"} || got[1][0] != "X/a-2" {
		t.Errorf("%q", got)
	}
}

func TestRefusesWhatItCannotMeasure(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "15", "0", "-16", "17000000", "16,x"} {
		if _, err := parseSizes(text); err == nil {
			t.Errorf("sizes %q were taken", text)
		}
	}
	for _, c := range []config{{rounds: 0, viewers: 1}, {rounds: 1}, {rounds: 1, viewers: maxViewers + 1}} {
		if err := run(t.Context(), c, nil); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if err := runChild("nobody", nil, nil); err == nil {
		t.Error("a child of no kind")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if m := median([]float64{3, 1, 2}); m != 2 {
		t.Error(m)
	}
	if m := median([]float64{4, 1}); m != 2.5 {
		t.Error(m)
	}
}

func TestCountsProcessorTime(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	for deadline := time.Now().Add(10 * time.Second); cpuTime(os.Getpid()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("a busy process used no time")
		}
	}
}

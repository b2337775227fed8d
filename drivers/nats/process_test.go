package nats_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
)

// child is the test binary in its other role, a second process with the queue and the bus of the
// first. It prints a line for each thing that happens and ends with its standard input.
func child(role string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c, err := nats.OpenURL(ctx, os.Getenv("NATS_TEST_URL"), nats.Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	in := bufio.NewScanner(os.Stdin)
	q := c.Queue(nats.QueueOptions{})
	switch role {
	case "worker":
		go func() {
			for {
				l, err := q.Lease(ctx, []string{"k"}, time.Minute)
				if err != nil {
					return
				}
				if err := q.Ack(ctx, l.Token); err == nil {
					fmt.Println("done", l.Job.ID)
				}
			}
		}()
	case "holder":
		l, err := q.Lease(ctx, []string{"k"}, 3*time.Second)
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("held", l.Job.ID)
		in.Scan()
		fmt.Println("extend", fault.KindOf(q.Extend(ctx, l.Token, time.Minute)))
		fmt.Println("ack", fault.KindOf(q.Ack(ctx, l.Token)))
	case "listener":
		_, err := c.Bus(nats.BusOptions{}).Subscribe("*", func(_ context.Context, e event.Event) error {
			fmt.Println("event", e.ID)
			return nil
		})
		fmt.Println("ready", err)
	}
	for in.Scan() {
		continue
	}
	_ = c.Close(ctx)
}

// other is a running child.
type other struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, role, url string) *other {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "NATS_TEST_CHILD="+role, "NATS_TEST_URL="+url)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Signal(syscall.SIGCONT)
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
	})
	return &other{cmd, in, bufio.NewScanner(out)}
}

// line returns the next line, which has to begin with word.
func (o *other) line(t *testing.T, word string) string {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = o.cmd.Process.Kill() })
	defer late.Stop()
	if !o.out.Scan() {
		t.Fatalf("the other process ended or was silent, want %q", word)
	}
	rest, ok := strings.CutPrefix(o.out.Text(), word+" ")
	if !ok {
		t.Fatalf("the other process says %q, want %q", o.out.Text(), word)
	}
	return rest
}

func TestTwoProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	const jobs = 200
	prefix := fresh()
	w := where{url: servers.NATSFor(t).URL()}
	far := start(t, "worker", w.url+"?prefix="+prefix)
	q := w.open(t, prefix).Queue(nats.QueueOptions{})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	done, there := newTally(), 0
	work(ctx, &wg, 2, time.Minute, done, q)
	wg.Go(func() {
		for far.out.Scan() {
			if id, ok := strings.CutPrefix(far.out.Text(), "done "); ok {
				there++
				done.add(id)
			}
		}
	})
	for i := range jobs {
		put(t, q, fmt.Sprint(i))
	}
	done.wait(t, jobs)
	stop()
	_ = far.in.Close()
	wg.Wait()
	for id, n := range done.n {
		if n != 1 {
			t.Errorf("job %s had its effect %d times", id, n)
		}
	}
	t.Logf("%d of %d jobs were done by the other process", there, jobs)
}

func TestEveryProcessGetsEveryEvent(t *testing.T) {
	t.Parallel()
	prefix := fresh()
	w := where{url: servers.NATSFor(t).URL()}
	far := []*other{start(t, "listener", w.url+"?prefix="+prefix), start(t, "listener", w.url+"?prefix="+prefix)}
	for _, o := range far {
		if err := o.line(t, "ready"); err != "<nil>" {
			t.Fatal(err)
		}
	}
	b := w.open(t, prefix).Bus(nats.BusOptions{})
	for i := range 50 {
		if err := b.Publish(t.Context(), event.Event{ID: fmt.Sprint(i), Topic: "a", Key: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range far {
		for i := range 50 {
			if id := o.line(t, "event"); id != fmt.Sprint(i) {
				t.Fatalf("event %s came when %d was due", id, i)
			}
		}
	}
}

// A worker that slept through its lease must not have an effect.
func TestStoppedWorkerFindsItsLeaseLost(t *testing.T) {
	t.Parallel()
	prefix := fresh()
	w := where{url: servers.NATSFor(t).URL()}
	q := w.open(t, prefix).Queue(nats.QueueOptions{})
	put(t, q, "1")
	far := start(t, "holder", w.url+"?prefix="+prefix)
	far.line(t, "held")
	if err := far.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := q.Lease(ctx, []string{"k"}, time.Minute)
	if err != nil || l.Attempt != 2 {
		t.Fatalf("%+v, %v; want the second attempt", l, err)
	}
	if err := far.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(far.in)
	for _, op := range []string{"extend", "ack"} {
		if kind := far.line(t, op); kind != fault.Conflict.String() {
			t.Errorf("%s of the lost lease: %s, want conflict", op, kind)
		}
	}
	if err := q.Ack(t.Context(), l.Token); err != nil {
		t.Errorf("Ack of the lease that counts: %v", err)
	}
	s, err := q.Stats(t.Context())
	if err != nil || s != (job.Stats{}) {
		t.Errorf("stats %+v, %v; want nothing left", s, err)
	}
}

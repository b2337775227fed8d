package media

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/kernel/job"
)

// TestScaler walks the scaler through time: each step is what it reads, for how long, and where it must have come to.
func TestScaler(t *testing.T) {
	t.Parallel()
	type step struct {
		last  time.Duration
		r     reading
		count int
		held  bool
	}
	for name, c := range map[string]struct {
		least, most int
		steps       []step
	}{
		"grows while chunks wait, and not at once": {1, 8, []step{
			{2 * time.Second, reading{working: 1, waiting: 50, room: 8}, 1, false},
			{4 * time.Second, reading{working: 1, waiting: 50, room: 8}, 2, false},
			{40 * time.Second, reading{working: 8, waiting: 50, room: 8}, 8, false},
		}},
		"no further than the machine has room": {1, 8, []step{{time.Minute, reading{working: 1, waiting: 50, room: 3}, 3, false}}},
		"the operator's least stands":          {4, 8, []step{{time.Minute, reading{working: 4, waiting: 50, room: 1}, 4, false}}},
		"comes down with the machine's room":   {1, 8, []step{{time.Minute, reading{working: 8, waiting: 50, room: 8}, 8, false}, {0, reading{working: 8, waiting: 50, room: 2}, 2, false}}},
		"shrinks when idle for long only": {1, 4, []step{
			{time.Minute, reading{working: 4, waiting: 9, room: 8}, 4, false},
			{28 * time.Second, reading{idle: 4, room: 8}, 4, false},
			{4 * time.Second, reading{idle: 4, room: 8}, 3, false},
			{5 * time.Minute, reading{idle: 3, room: 8}, 1, false},
		}},
		"a short lull changes nothing": {1, 4, []step{
			{time.Minute, reading{working: 4, waiting: 9, room: 8}, 4, false},
			{20 * time.Second, reading{working: 2, idle: 2, room: 8}, 4, false},
			{10 * time.Second, reading{working: 4, waiting: 1, room: 8}, 4, false},
			{20 * time.Second, reading{working: 2, idle: 2, room: 8}, 4, false},
		}},
		"where what waits is not known, all at work is the sign": {1, 4, []step{
			{6 * time.Second, reading{working: 1, waiting: -1, room: 8}, 2, false},
			{time.Minute, reading{working: 1, idle: 1, waiting: -1, room: 8}, 2, false},
			{time.Minute, reading{idle: 2, waiting: -1, room: 8}, 1, false},
		}},
		"held while playback suffers, and for a while after": {1, 4, []step{
			{8 * time.Second, reading{working: 1, waiting: 9, room: 8, busy: true}, 1, true},
			{8 * time.Second, reading{working: 0, waiting: 9, room: 8}, 1, true},
			{4 * time.Second, reading{working: 0, waiting: 9, room: 8}, 1, false},
		}},
		"held for so long only; then one at a time": {1, 4, []step{
			{time.Minute, reading{working: 4, waiting: 9, room: 8}, 4, false},
			{110 * time.Second, reading{waiting: 9, room: 8, busy: true}, 4, true},
			{20 * time.Second, reading{waiting: 9, room: 8, busy: true}, 1, false},
			{20 * time.Second, reading{working: 1, waiting: 9, room: 8, busy: true}, 4, true},
			{2 * time.Second, reading{waiting: 9, room: 8, busy: true}, 1, false},
			{20 * time.Second, reading{working: 1, waiting: 9, room: 8}, 4, false},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scaler{least: c.least, most: c.most, count: c.least}
			now := time.Unix(1e9, 0)
			for i, st := range c.steps {
				var count int
				var held bool
				for end := now.Add(st.last); ; {
					now = now.Add(poolStep)
					if count, held = s.next(now, st.r); !now.Before(end) {
						break
					}
				}
				if count != st.count || held != st.held {
					t.Fatalf("step %d: %d, held %v; want %d, %v", i, count, held, st.count, st.held)
				}
			}
		})
	}
}

// site is a pool over a queue in a bubble, whose chunks take a minute.
type site struct {
	t         *testing.T
	queue     *job.Memory
	pool      *pool
	busy      atomic.Bool
	room      atomic.Int64
	done      atomic.Int64
	peak, now atomic.Int64
}

func newSite(t *testing.T, least, most int) *site {
	s := &site{t: t, queue: job.NewMemory(job.Options{})}
	s.room.Store(100)
	s.pool = newPool(least, most, time.Now, func(ctx context.Context) reading {
		st, err := s.queue.StatsByKind(ctx)
		if err != nil {
			t.Error(err)
		}
		return reading{waiting: st[jobWork].Waiting, room: int(s.room.Load()), busy: s.busy.Load()}
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.pool.run(ctx, func(ctx context.Context) *job.Lease {
			l, err := s.queue.Lease(ctx, []string{jobWork}, time.Hour)
			if err != nil {
				return nil
			}
			return l
		}, s.work)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return s
}

func (s *site) work(ctx context.Context, l *job.Lease) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	s.peak.Store(max(n, s.peak.Load()))
	select {
	case <-ctx.Done():
		_ = s.queue.Nack(context.WithoutCancel(ctx), l.Token, 0, errors.New("ended"))
		return
	case <-time.After(time.Minute):
	}
	if err := s.queue.Ack(ctx, l.Token); err != nil {
		s.t.Error(err)
	}
	s.done.Add(1)
}

func (s *site) enqueue(n int) {
	s.t.Helper()
	for range n {
		if err := s.queue.Enqueue(s.t.Context(), job.Job{ID: fmt.Sprint(time.Now().UnixNano(), s.done.Load(), n, rank.Add(1)), Kind: jobWork}); err != nil {
			s.t.Fatal(err)
		}
	}
}

var rank atomic.Int64

func (s *site) seats() int { n, _ := s.pool.counts(); return n }

// pass lets d go by.
func pass(d time.Duration) {
	time.Sleep(d) // in a bubble: no time at all
	synctest.Wait()
}

func TestPoolGrowsAndShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 1, 6)
		s.room.Store(4)
		s.enqueue(40)
		pass(time.Second)
		if n := s.now.Load(); n != 1 {
			t.Errorf("%d at work at once", n)
		}
		pass(30 * time.Second)
		if n := s.now.Load(); n != 4 {
			t.Errorf("%d at work with room for 4", n)
		}
		s.room.Store(2)
		pass(2 * time.Minute)
		if n := s.now.Load(); n != 2 {
			t.Errorf("%d at work with room for 2", n)
		}
		pass(time.Hour)
		if s.done.Load() != 40 || s.now.Load() != 0 || s.seats() != 1 || s.peak.Load() != 4 {
			t.Errorf("done %d, at work %d, seats %d, peak %d", s.done.Load(), s.now.Load(), s.seats(), s.peak.Load())
		}
		s.enqueue(1)
		pass(time.Second)
		if s.now.Load() != 1 {
			t.Error("the one worker left does not work")
		}
	})
}

func TestPoolHoldsBackForPlayback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 2, 2)
		s.busy.Store(true)
		pass(5 * time.Second)
		s.enqueue(6)
		pass(90 * time.Second)
		if s.now.Load() != 0 || s.done.Load() != 0 {
			t.Error("a chunk was begun while playback suffered")
		}
		pass(60 * time.Second)
		if n := s.now.Load(); n != 1 {
			t.Errorf("%d at work after the longest hold", n)
		}
		s.busy.Store(false)
		pass(20 * time.Second)
		if n := s.now.Load(); n != 2 {
			t.Errorf("%d at work after playback was well", n)
		}
		// What has begun is not broken off.
		s.busy.Store(true)
		pass(30 * time.Second)
		if n := s.now.Load(); n == 0 {
			t.Error("a chunk was broken off")
		}
		s.busy.Store(false)
		pass(time.Hour)
		if s.done.Load() != 6 || s.peak.Load() != 2 {
			t.Errorf("done %d, peak %d", s.done.Load(), s.peak.Load())
		}
	})
}

func TestPoolEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 3, 3)
		s.enqueue(5)
		pass(time.Second)
		st, err := s.queue.Stats(t.Context())
		if err != nil || st.Leased != 3 {
			t.Errorf("%+v %v", st, err)
		}
		// The cleanup ends it: a goroutine left would end the test.
	})
}

func TestMachine(t *testing.T) {
	t.Parallel()
	files := func(kv ...string) fstest.MapFS {
		m := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       16777216 kB\nMemFree: 1 kB\n")}}
		for i := 0; i+1 < len(kv); i += 2 {
			m[kv[i]] = &fstest.MapFile{Data: []byte(kv[i+1])}
		}
		return m
	}
	for name, c := range map[string]struct {
		root fstest.MapFS
		want Machine
	}{
		"nothing to read":     {fstest.MapFS{}, Machine{}},
		"no limits":           {files(), Machine{Memory: 16 << 30}},
		"version 2":           {files("proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max", "150000 100000\n", "sys/fs/cgroup/a/b/memory.max", "1073741824\n"), Machine{1.5, 1 << 30}},
		"version 2, parent":   {files("proc/self/cgroup", "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max", "max 100000\n", "sys/fs/cgroup/a/cpu.max", "50000 100000\n", "sys/fs/cgroup/a/b/memory.max", "max\n"), Machine{0.5, 16 << 30}},
		"version 2, own root": {files("proc/self/cgroup", "0::/\n", "sys/fs/cgroup/cpu.max", "400000 100000\n"), Machine{4, 16 << 30}},
		"version 1": {files("proc/self/cgroup", "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/\n", "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "200000\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n", "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "2147483648\n"), Machine{2, 2 << 30}},
		"version 1, no quota": {files("proc/self/cgroup", "4:memory:/\n2:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"), Machine{0, 16 << 30}},
		"version 1, the host's path": {files("proc/self/cgroup", "2:cpu:/kubepods/pod1/c1\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"), Machine{0.5, 16 << 30}},
		"nonsense":                   {files("proc/self/cgroup", "x\n0::/../../etc\n::::\n", "sys/fs/cgroup/cpu.max", "a b\n"), Machine{Memory: 16 << 30}},
	} {
		if got := ControlGroups(c.root); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if m := ThisMachine(); m.CPUs <= 0 {
		t.Errorf("%+v", m)
	}
	for want, m := range map[int]Machine{1: {0.5, 1}, 2: {2.9, 16 << 30}, 4: {64, 4 << 30}, maxWorkers: {}} {
		if got := m.room(); got != want {
			t.Errorf("room of %+v is %d, want %d", m, got, want)
		}
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLag(0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		pass(time.Minute)
		if l.Busy() || l.Mean() != 0 {
			t.Errorf("late by %s where time stands still", l.Mean())
		}
		for range 50 {
			l.Note(20 * time.Millisecond)
		}
		if !l.Busy() {
			t.Errorf("not busy at %s", l.Mean())
		}
		pass(10 * time.Second)
		if l.Busy() {
			t.Errorf("still busy at %s", l.Mean())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

package media

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/streamgate/streamgate/kernel/job"
)

const (
	poolStep = 2 * time.Second // between two looks
	// growAfter is how long all workers must have been at work with jobs waiting, shrinkAfter how long one must have
	// been idle. Growing is quick, as it is cheap to be wrong about it.
	growAfter   = 4 * time.Second
	shrinkAfter = 30 * time.Second
	// calmAfter is how long playback must have been well before chunks are begun again; holdMost is how long they are held
	// back altogether. After that they go on one at a time: a viewer's trouble may have other causes.
	calmAfter = 10 * time.Second
	holdMost  = 2 * time.Minute
	// workerMemory is what one chunk takes: the ladder of a 1080p source takes about half of it.
	workerMemory = 768 << 20
	// maxWorkers bounds what a host may ask for.
	maxWorkers = 256
)

// reading is what the pool goes by.
type reading struct {
	working, idle int  // workers with a chunk, and waiting for one
	waiting       int  // chunks that wait; -1 is unknown
	room          int  // workers that the machine has room for
	busy          bool // playback suffers
}

// scaler decides how many workers there are to be. It only remembers since when something has been so.
type scaler struct {
	least, most int
	count       int

	wantedSince, unusedSince, busySince, busyLast time.Time
}

// next returns the count of workers, and whether new chunks are held back.
func (s *scaler) next(now time.Time, r reading) (count int, held bool) {
	// What the operator fixed stands; above it the machine has a say.
	most := max(min(s.most, r.room), s.least)
	if held = s.hold(now, r); held {
		s.wantedSince, s.unusedSince = time.Time{}, time.Time{}
		s.count = min(s.count, most)
		return s.count, true
	}
	if !s.busySince.IsZero() {
		return 1, false // held back for long enough: one at a time
	}
	// Where nobody knows what waits one worker stays idle, and its getting a chunk is the sign.
	spare := 0
	if r.waiting < 0 {
		spare = 1
	}
	wanted := r.idle == 0 && r.waiting != 0 && s.count < most
	unused := (r.idle > spare || (r.idle > 0 && r.working == 0)) && r.waiting <= 0 && s.count > s.least
	switch {
	case lasts(&s.wantedSince, wanted, now, growAfter):
		s.count++
		s.wantedSince = now
	case lasts(&s.unusedSince, unused, now, shrinkAfter):
		s.count--
		s.unusedSince = now
	}
	s.count = max(min(s.count, most), s.least)
	return s.count, false
}

func (s *scaler) hold(now time.Time, r reading) bool {
	if r.busy {
		if s.busySince.IsZero() {
			s.busySince = now
		}
		s.busyLast = now
	}
	if s.busySince.IsZero() {
		return false
	}
	if now.Sub(s.busyLast) >= calmAfter {
		s.busySince = time.Time{}
		return false
	}
	return now.Sub(s.busySince) < holdMost || r.working > 0
}

// lasts keeps in since when a condition began, and tells whether it has been so for d.
func lasts(since *time.Time, is bool, now time.Time, d time.Duration) bool {
	if !is {
		*since = time.Time{}
		return false
	}
	if since.IsZero() {
		*since = now
	}
	return now.Sub(*since) >= d
}

// pool is the workers that make chunks. Each takes a seat, leases a job and does it; the
// scaler decides how many seats there are. A seat that is taken away is missed only by the next
// chunk: none is broken off.
type pool struct {
	most    int
	look    func(ctx context.Context) reading // without working and idle
	now     func() time.Time
	changed chan struct{} // closed and replaced when a seat may be free

	mu      sync.Mutex
	scale   scaler
	seats   int
	held    bool
	working int
	idle    map[*seat]bool
}

// seat is the right to one chunk.
type seat struct{ leave context.CancelFunc }

func newPool(least, most int, now func() time.Time, look func(context.Context) reading) *pool {
	least = min(least, maxWorkers)
	most = min(most, maxWorkers)
	return &pool{
		most: most, look: look, now: now, changed: make(chan struct{}), seats: least, idle: map[*seat]bool{},
		scale: scaler{least: least, most: most, count: least},
	}
}

// run works until ctx ends and all workers have stopped.
func (p *pool) run(ctx context.Context, lease func(context.Context) *job.Lease, work func(context.Context, *job.Lease)) {
	var wg sync.WaitGroup
	for range p.most {
		wg.Go(func() {
			for ctx.Err() == nil {
				p.once(ctx, lease, work)
			}
		})
	}
	wg.Go(func() {
		t := time.NewTicker(poolStep)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				p.step(ctx)
			}
		}
	})
	wg.Wait()
}

// once takes a seat and does one job, if there comes one while it has the seat.
func (p *pool) once(ctx context.Context, lease func(context.Context) *job.Lease, work func(context.Context, *job.Lease)) {
	seated, leave := context.WithCancel(ctx)
	defer leave()
	st := p.enter(ctx, leave)
	if st == nil {
		return
	}
	l := lease(seated)
	p.mu.Lock()
	delete(p.idle, st)
	if l == nil {
		p.wake()
		p.mu.Unlock()
		return
	}
	p.working++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.working--
		p.wake()
		p.mu.Unlock()
	}()
	work(ctx, l)
}

// enter waits for a seat; nil means that ctx has ended.
func (p *pool) enter(ctx context.Context, leave context.CancelFunc) *seat {
	for ctx.Err() == nil {
		p.mu.Lock()
		if !p.held && p.working+len(p.idle) < p.seats {
			st := &seat{leave: leave}
			p.idle[st] = true
			p.mu.Unlock()
			return st
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
	return nil
}

// wake lets those who wait for a seat look again.
func (p *pool) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// step looks and acts on it. Idle workers in excess give up their seats.
func (p *pool) step(ctx context.Context) {
	r := p.look(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	r.working, r.idle = p.working, len(p.idle)
	p.seats, p.held = p.scale.next(p.now(), r)
	excess := p.working + len(p.idle) - p.seats
	for st := range p.idle {
		if p.held || excess > 0 {
			st.leave()
			excess--
		}
	}
	p.wake()
}

// counts returns how many workers there may be, and how many have a chunk.
func (p *pool) counts() (seats, working int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seats, p.working
}

// newPool is the pool of this service's chunks.
func (s *Service) newPool() *pool {
	return newPool(s.opt.Workers, s.opt.MaxWorkers, s.opt.Now, func(ctx context.Context) reading {
		r := reading{waiting: -1, room: s.opt.Machine().room()}
		if s.opt.MaxWorkers > s.opt.Workers {
			if n, ok := s.waiting(ctx); ok {
				r.waiting = n
			}
		}
		if s.opt.Busy != nil {
			r.busy = s.opt.Busy()
		}
		return r
	})
}

// encode starts the workers that make chunks.
func (s *Service) encode(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() {
		s.pool.run(ctx, func(ctx context.Context) *job.Lease { return s.lease(ctx, jobWork) }, s.work)
	})
}

// waiting asks the queue how many chunks wait, for at most a second.
func (s *Service) waiting(ctx context.Context) (int, bool) {
	q, ok := s.opt.Queue.(job.KindInspector)
	if !ok {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	kinds, err := q.StatsByKind(ctx)
	return kinds[jobWork].Waiting, err == nil
}

// threads is how many threads the task's encoder may use: its share of the processors among the workers there
// are. What a new upload waits for has them all. 0, where the processors are not known, leaves it to the encoder.
func (s *Service) threads(t Task) int {
	cpus := s.opt.Machine().CPUs
	if cpus <= 0 {
		return 0
	}
	n := 1
	if t.kind() == jobWork {
		_, working := s.pool.counts()
		n = max(working, 1)
	}
	return max(int(math.Ceil(cpus))/n, 1)
}

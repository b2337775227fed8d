package nats

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"

	"github.com/streamgate/streamgate/kernel/job"
)

// mirror is what this process knows of the stream of jobs, ordered for choosing. It is not safe
// for concurrent use; the queue's lock guards it.
type mirror struct {
	epoch   string
	pos     uint64 // the last sequence read
	entries map[string]*entry
	ready   map[string]*pile // by kind: could be leased now
	timed   pile             // leased or delayed, until due
	dead    map[string]*entry
	done    []*entry // remains of finished jobs, the oldest first
	gone    int      // entries that are remains
	leased  int
}

// entry is the last known record of a job.
type entry struct {
	key  string
	seq  uint64
	rec  record
	at   time.Time // of the server's clock; zero until our own record has come back
	due  time.Time // of our clock: when the lease or the delay is over
	busy bool      // a Lease of this process is writing it; it is in no pile
	in   *pile
	idx  int
}

func newMirror(epoch string) *mirror {
	return &mirror{epoch: epoch, entries: map[string]*entry{}, ready: map[string]*pile{}, timed: pile{less: soonest}, dead: map[string]*entry{}}
}

// apply takes a record over unless a later one of the job is known. base is when, on our clock, it began to count.
func (m *mirror) apply(key string, seq uint64, r record, at, base, now time.Time) {
	e := m.entries[key]
	if e != nil && seq <= e.seq {
		if seq == e.seq && !at.IsZero() {
			e.at = at
		}
		return
	}
	if e == nil {
		e = &entry{key: key}
		m.entries[key] = e
	} else {
		m.take(e)
		if e.rec.Done {
			m.gone--
		}
	}
	if r.Arrival == 0 {
		r.Arrival = seq
	}
	e.seq, e.rec, e.at, e.due, e.busy = seq, r, at, base.Add(r.Hold), false
	m.place(e, now)
}

// place puts e where it belongs.
func (m *mirror) place(e *entry, now time.Time) {
	switch {
	case e.rec.Done:
		m.gone++
		m.done = append(m.done, &entry{key: e.key, seq: e.seq, due: e.due.Add(doneFor)})
		e.rec.Job = wireJob{}
	case e.rec.Dead:
		m.dead[e.key] = e
	case e.due.After(now):
		m.timed.add(e)
		if e.rec.Token != "" {
			m.leased++
		}
	case e.rec.Token != "" && e.rec.Attempt >= e.rec.Job.Attempts:
		// Nobody writes this down: every process comes to it by itself.
		e.rec.Reason = "the lease expired"
		m.dead[e.key] = e
	default:
		kind := e.rec.Job.Kind
		if m.ready[kind] == nil {
			m.ready[kind] = &pile{less: foremost}
		}
		m.ready[kind].add(e)
	}
}

// take takes e out of where it is.
func (m *mirror) take(e *entry) {
	if e.in == &m.timed && e.rec.Token != "" {
		m.leased--
	}
	if e.in != nil {
		heap.Remove(e.in, e.idx)
		if e.in != &m.timed && e.in.Len() == 0 {
			delete(m.ready, e.rec.Job.Kind) // kinds may be many over time
		}
		e.in = nil
	}
	delete(m.dead, e.key)
}

// drop forgets a job.
func (m *mirror) drop(e *entry) {
	m.take(e)
	if e.rec.Done {
		m.gone--
	}
	delete(m.entries, e.key)
}

// settle moves on what is due.
func (m *mirror) settle(now time.Time) {
	for m.timed.Len() > 0 && !m.timed.items[0].due.After(now) {
		e := m.timed.items[0]
		m.take(e)
		m.place(e, now)
	}
	for len(m.done) > 0 && !m.done[0].due.After(now) {
		if e := m.entries[m.done[0].key]; e != nil && e.seq == m.done[0].seq {
			m.drop(e)
		}
		m.done = m.done[1:]
	}
}

// best returns the entry to lease next for any of kinds, or nil.
func (m *mirror) best(kinds []string) *entry {
	var best *entry
	for _, kind := range kinds {
		if p := m.ready[kind]; p != nil && (best == nil || foremost(p.items[0], best)) {
			best = p.items[0]
		}
	}
	return best
}

// next returns when something will be due.
func (m *mirror) next() (time.Time, bool) {
	if m.timed.Len() == 0 {
		return time.Time{}, false
	}
	return m.timed.items[0].due, true
}

// live counts the jobs that are neither dead nor done.
func (m *mirror) live() int { return len(m.entries) - len(m.dead) - m.gone }

func (m *mirror) stats() job.Stats {
	s := job.Stats{Dead: len(m.dead), Leased: m.leased, Delayed: m.timed.Len() - m.leased}
	s.Waiting = m.live() - m.timed.Len()
	return s
}

// kinds is stats by the kind of the jobs.
func (m *mirror) kinds() map[string]job.Stats {
	kinds := map[string]job.Stats{}
	for _, e := range m.entries {
		if e.rec.Done {
			continue
		}
		s := kinds[e.rec.Job.Kind]
		switch {
		case m.dead[e.key] != nil:
			s.Dead++
		case e.in != &m.timed: // ready, or just being leased
			s.Waiting++
		case e.rec.Token != "":
			s.Leased++
		default:
			s.Delayed++
		}
		kinds[e.rec.Job.Kind] = s
	}
	return kinds
}

// pile is a heap of entries that know their place in it.
type pile struct {
	items []*entry
	less  func(a, b *entry) bool
}

// foremost orders by priority, then arrival.
func foremost(a, b *entry) bool {
	if a.rec.Job.Priority != b.rec.Job.Priority {
		return a.rec.Job.Priority > b.rec.Job.Priority
	}
	return a.rec.Arrival < b.rec.Arrival
}

// soonest orders by time.
func soonest(a, b *entry) bool { return a.due.Before(b.due) }

func (p *pile) add(e *entry) {
	e.in = p
	heap.Push(p, e)
}

func (p *pile) Len() int           { return len(p.items) }
func (p *pile) Less(i, j int) bool { return p.less(p.items[i], p.items[j]) }

func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].idx, p.items[j].idx = i, j
}

// Push is for package heap only.
func (p *pile) Push(x any) {
	e := x.(*entry)
	e.idx = len(p.items)
	p.items = append(p.items, e)
}

// Pop is for package heap only.
func (p *pile) Pop() any {
	last := len(p.items) - 1
	e := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return e
}

// died is when a dead job died, of the server's clock if it has told.
func (e *entry) died() time.Time {
	if e.at.IsZero() {
		return e.due
	}
	return e.at.Add(e.rec.Hold)
}

// dying returns the dead, the latest first.
func (m *mirror) dying() []*entry {
	return slices.SortedFunc(maps.Values(m.dead), func(a, b *entry) int {
		return cmp.Or(b.died().Compare(a.died()), cmp.Compare(b.rec.Arrival, a.rec.Arrival))
	})
}

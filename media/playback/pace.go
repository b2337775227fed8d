package playback

import (
	"slices"
	"time"
)

// The limits on seeking: so many at once, then one for each refill.
const (
	seekBurst  = 4
	seekRefill = 5 * time.Second
	// maxSpans bounds what is remembered of a viewer who jumps about.
	maxSpans = 64
)

// pacer is the clock of one grant: it decides when an epoch's key may leave.
//
// An epoch that follows a released one is released no earlier than its picture
// begins minus the lead, on a clock that stands still while nobody asks: a pause
// earns nothing beyond the opening lead. So whatever a client buffers, it holds
// at most lead + epoch of picture ahead of a viewer who never stopped.
// An epoch that does not follow is a seek: it starts the clock anew and takes one
// of few seek tokens. What was released stays released.
type pacer struct {
	epoch, lead time.Duration
	// due is when the picture of the next epoch begins.
	due   time.Time
	spans []span // released epochs, disjoint, not adjacent, oldest first
	// seeks are the tokens left at seekAt.
	seeks  float64
	seekAt time.Time
}

type span struct{ first, last int }

func newPacer(epoch, lead time.Duration) *pacer {
	return &pacer{epoch: epoch, lead: lead, seeks: seekBurst}
}

func (p *pacer) released(e int) bool {
	return slices.ContainsFunc(p.spans, func(s span) bool { return s.first <= e && e <= s.last })
}

// ask releases epoch e, or tells how long to wait before asking again. seek tells
// that it took a seek.
func (p *pacer) ask(now time.Time, e int) (wait time.Duration, seek bool) {
	switch {
	case p.released(e):
		return 0, false
	case len(p.spans) == 0:
		p.seekAt, p.due = now, now
	case p.released(e - 1):
		if wait = p.due.Add(-p.lead).Sub(now); wait > 0 {
			return wait, false
		}
	default:
		if wait = p.seek(now); wait > 0 {
			return wait, false
		}
		seek = true
	}
	p.release(now, e)
	return 0, seek
}

// seek takes a seek token and starts the clock anew, or tells how long until there is a token.
func (p *pacer) seek(now time.Time) (wait time.Duration) {
	// Another process's clock may be ahead.
	p.seeks = min(seekBurst, p.seeks+max(0, float64(now.Sub(p.seekAt))/float64(seekRefill)))
	if now.After(p.seekAt) {
		p.seekAt = now
	}
	// Refill is a sum of fractions: forgive the last nanoseconds.
	if p.seeks < 1-1e-9 {
		return time.Duration((1-p.seeks)*float64(seekRefill)) + 1
	}
	p.seeks = max(0, p.seeks-1)
	p.due = now
	return 0
}

func (p *pacer) release(now time.Time, e int) {
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(p.epoch)
	p.add(e)
}

// resume is ask when the state that processes share was lost: whatever e is, it counts as a
// seek, paid from the tokens this process knows of. A process that knows nothing of the grant, whose p is
// nil, lets one opening pass and no token be left. So a loss earns a viewer one opening
// lead at most, because the first who asks writes the shared state again.
func (p *pacer) resume(now time.Time, epoch, lead time.Duration, e int) (next *pacer, wait time.Duration) {
	if p == nil {
		next = newPacer(epoch, lead)
		next.seeks, next.seekAt, next.due = 0, now, now
	} else {
		next = p.clone()
		if next.released(e) {
			return next, 0
		}
		if wait = next.seek(now); wait > 0 {
			return next, wait
		}
	}
	next.release(now, e)
	return next, 0
}

func (p *pacer) clone() *pacer {
	c := *p
	c.spans = slices.Clone(p.spans)
	return &c
}

// add joins e to the spans it touches, as the newest.
func (p *pacer) add(e int) {
	n := span{e, e}
	p.spans = slices.DeleteFunc(p.spans, func(s span) bool {
		if s.last+1 < n.first || n.last+1 < s.first {
			return false
		}
		n = span{min(n.first, s.first), max(n.last, s.last)}
		return true
	})
	if p.spans = append(p.spans, n); len(p.spans) > maxSpans {
		p.spans = slices.Delete(p.spans, 0, 1)
	}
}

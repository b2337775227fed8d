package quorum

import "time"

// breaker keeps a failing provider from being asked: it opens after failures in a row, or when most
// calls fail, and then lets one call through now and again, which closes it when it goes well. It is part of a
// provider and guarded by its mutex.
type breaker struct {
	off    bool // for a provider that has no other beside it
	row    int  // failures in a row
	opened int  // how often in a row it opened without a good call
	since  time.Time
	until  time.Time
	trial  bool // the one call is under way
}

const (
	failuresInARow = 3
	mostlyFailing  = 0.6
	shortestOpen   = time.Second
	longestOpen    = time.Minute
)

// closed reports whether a call may pass.
func (b *breaker) closed(now time.Time) bool {
	return b.opened == 0 || !now.Before(b.until) && !b.trial
}

// take lets a call pass.
func (b *breaker) take(now time.Time) bool {
	if !b.closed(now) {
		return false
	}
	b.trial = b.opened > 0
	return true
}

func (b *breaker) good() { *b = breaker{off: b.off} }

// hope lets the one call pass at once: the provider was heard of otherwise.
func (b *breaker) hope(now time.Time) {
	if b.opened > 0 && now.Sub(b.since) >= shortestOpen {
		b.until = now
	}
}

// forget is the end of a call that says nothing.
func (b *breaker) forget() { b.trial = false }

func (b *breaker) bad(now time.Time, errRate float64) {
	b.row++
	if b.row >= failuresInARow || errRate > mostlyFailing || b.trial {
		b.open(now)
	}
}

func (b *breaker) open(now time.Time) {
	if b.off || b.opened > 0 && now.Before(b.until) {
		return // in the second case by calls that were under way when it opened
	}
	b.since = now
	b.until = now.Add(min(longestOpen, shortestOpen<<min(b.opened, 10)))
	b.opened++
	b.trial = false
}

package media

import (
	"context"
	"sync/atomic"
	"time"
)

// Lag measures how late goroutines of this process get a processor, which is what requests feel when encoders
// take too much. Its Busy method is fit for Options.Busy; Run measures.
type Lag struct {
	limit time.Duration
	mean  atomic.Int64
}

// lagStep is how often Lag measures; lagWeight is how many measurements its mean is over.
const (
	lagStep   = 50 * time.Millisecond
	lagWeight = 20
)

// NewLag returns a Lag that is busy while goroutines are late by more than limit on average (default 5 ms).
func NewLag(limit time.Duration) *Lag {
	if limit <= 0 {
		limit = 5 * time.Millisecond
	}
	return &Lag{limit: limit}
}

// Run measures until ctx ends, and returns nil then.
func (l *Lag) Run(ctx context.Context) error {
	t := time.NewTimer(lagStep)
	defer t.Stop()
	for {
		due := time.Now().Add(lagStep)
		t.Reset(lagStep)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			l.Note(time.Since(due))
		}
	}
}

// Note takes a delay that the host has measured itself into account, such as that of a request.
func (l *Lag) Note(late time.Duration) {
	mean := l.mean.Load()
	l.mean.Store(mean + (int64(late)-mean)/lagWeight)
}

// Mean is the delay of late.
func (l *Lag) Mean() time.Duration { return time.Duration(l.mean.Load()) }

// Busy tells whether the delay is above the limit.
func (l *Lag) Busy() bool { return l.Mean() > l.limit }

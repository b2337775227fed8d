package grpc

import (
	"sync"
	"time"
)

// breaker stops calls to a service that did not answer several times in a row, so that
// its clients neither wait for it nor hold it down. After the cooldown one call goes
// through as a probe: its success closes the breaker, its failure opens it again.
//
// It is not failsafe-go's, which drivers/redis uses: that one takes no clock from outside, and a permit for
// a probe must end as a success or a failure, while a caller who gives up tells neither.
type breaker struct {
	failures int // that open it
	cooldown time.Duration
	now      func() time.Time

	mu      sync.Mutex
	inRow   int
	until   time.Time // closed while zero
	probing bool
}

// verdict is what came of a call.
type verdict int

const (
	void   verdict = iota // the caller gave up: nothing is known
	worked                // the service answered, whatever it said
	failed                // it did not
)

// enter asks to make a call. Without leave, wait is how long there will be none. With it,
// the call is made and leave told once what came of it.
func (b *breaker) enter() (leave func(verdict), wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return func(v verdict) { b.leave(v, false) }, 0
	}
	if wait = b.until.Sub(b.now()); wait > 0 {
		return nil, wait
	}
	if b.probing {
		return nil, b.cooldown
	}
	b.probing = true
	return func(v verdict) { b.leave(v, true) }, 0
}

func (b *breaker) leave(v verdict, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch v {
	case worked:
		b.inRow, b.until = 0, time.Time{}
	case failed:
		if b.inRow++; b.inRow >= b.failures || probe {
			b.until = b.now().Add(b.cooldown)
		}
	case void:
	}
}

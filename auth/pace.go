package auth

import (
	"maps"
	"sync"
	"time"
)

const (
	paceInterval = time.Second
	paceBurst    = 30
	maxPaced     = 16384
)

// pacer bounds how fast challenges are made for one account. It is generous on
// purpose: anyone may name any account, so a tight bound would let a stranger
// keep an owner out. The rate of one client is the edge's business.
type pacer struct {
	mu   sync.Mutex
	next map[string]time.Time // when the account's bucket is full again (GCRA)
}

func newPacer() *pacer { return &pacer{next: map[string]time.Time{}} }

// wait takes one from key's bucket and returns zero, or how long until there is one.
func (p *pacer) wait(key string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	full, ok := p.next[key]
	if !ok || full.Before(now) {
		full = now
	}
	full = full.Add(paceInterval)
	if over := full.Sub(now) - paceBurst*paceInterval; over > 0 {
		return over
	}
	if !ok && len(p.next) >= maxPaced {
		maps.DeleteFunc(p.next, func(_ string, t time.Time) bool { return !now.Before(t) })
		if len(p.next) >= maxPaced {
			clear(p.next) // bounded memory comes before a perfect bound on the rate
		}
	}
	p.next[key] = full
	return 0
}

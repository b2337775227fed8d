package quorum

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Budget bounds the calls to one provider, per second and per UTC day. It counts in memory: a
// restart begins the day anew. All methods are safe for concurrent use, and on nil, which bounds nothing.
type Budget struct {
	perSecond float64
	perDay    int64
	now       func() time.Time

	mu      sync.Mutex
	tokens  float64
	filled  time.Time
	day     int64
	used    int64
	metered bool // the transport counts, so the verifier does not
}

// NewBudget returns a budget of so many calls a second and a day; 0 does not bound. now is the
// clock, nil for time.Now.
func NewBudget(perSecond float64, perDay int64, now func() time.Time) *Budget {
	if now == nil {
		now = time.Now
	}
	b := &Budget{perSecond: perSecond, perDay: perDay, now: now, filled: now()}
	b.tokens = b.burst()
	b.day = b.today(b.filled)
	return b
}

// burst is how many calls may come at once: those of a second.
func (b *Budget) burst() float64 { return max(b.perSecond, 1) }

func (b *Budget) today(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

func (b *Budget) refill(now time.Time) {
	if d := b.today(now); d != b.day {
		b.day, b.used = d, 0
	}
	if d := now.Sub(b.filled); d > 0 {
		b.tokens = min(b.burst(), b.tokens+d.Seconds()*b.perSecond)
		b.filled = now
	}
}

func (b *Budget) free() bool {
	return (b.perSecond <= 0 || b.tokens >= 1) && (b.perDay <= 0 || b.used < b.perDay)
}

// left reports whether a call is allowed now.
func (b *Budget) left(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	return b.free()
}

// admit is left, and takes the call where no transport counts.
func (b *Budget) admit(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	if !b.free() {
		return false
	}
	if !b.metered {
		b.spend(1)
	}
	return true
}

// spent takes the calls that turned out to be more than the one admitted.
func (b *Budget) spent(now time.Time, calls int) {
	if b == nil || calls < 2 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refill(now); !b.metered {
		b.spend(calls - 1)
	}
}

func (b *Budget) spend(n int) {
	b.tokens -= float64(n)
	b.used += int64(n)
}

// Left returns how many calls of today are left, ok=false when the day is not bounded.
func (b *Budget) Left() (n int64, ok bool) {
	if b == nil || b.perDay <= 0 {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(b.now())
	return max(0, b.perDay-b.used), true
}

// Client returns a copy of c (nil for a new one) whose requests draw from the budget: each JSON-RPC
// call counts, also within a batch, and a request over the budget fails with fault.Limited before it
// is sent. Give it to the driver, so that what Watch asks counts as well; what arrives by WebSocket does not. No budget
// returns c itself.
func (b *Budget) Client(c *http.Client) *http.Client {
	if b == nil {
		return c
	}
	out := &http.Client{}
	if c != nil {
		*out = *c
	}
	next := out.Transport
	if next == nil {
		next = &http.Transport{ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.metered = true
	out.Transport = &meteredTransport{budget: b, next: next}
	return out
}

type meteredTransport struct {
	budget *Budget
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *meteredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	n := callsIn(r)
	b := t.budget
	b.mu.Lock()
	b.refill(b.now())
	free := b.free()
	if free {
		b.spend(n)
	}
	b.mu.Unlock()
	if !free {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fault.New(fault.Limited, "quorum.Budget", "the budget of calls to the provider is spent")
	}
	return t.next.RoundTrip(r)
}

// CloseIdleConnections passes on, for http.Client.CloseIdleConnections.
func (t *meteredTransport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// callsIn counts the JSON-RPC calls of a request.
func callsIn(r *http.Request) int {
	if r.GetBody == nil {
		return 1
	}
	body, err := r.GetBody()
	if err != nil {
		return 1
	}
	defer body.Close()
	var batch []json.RawMessage
	b, err := io.ReadAll(io.LimitReader(body, 4<<20))
	if err != nil || json.Unmarshal(b, &batch) != nil {
		return 1
	}
	return max(1, len(batch))
}

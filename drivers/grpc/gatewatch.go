package grpc

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// errEnding tells a client that its stream ends for no fault of its own: the server
// drains, and another one will take it up.
var errEnding = status.Error(codes.Unavailable, "the server is going away")

// How soon a broken stream is set up again: at once, then at growing pauses.
const (
	minRedial = 50 * time.Millisecond
	maxRedial = 3 * time.Second
)

// redial is the pause before the attempt after n failures in a row, spread so that
// the clients of a server that went away do not come back together.
func redial(n int) time.Duration {
	d := min(minRedial<<min(n, 10), maxRedial)
	return d/2 + rand.N(d/2)
}

// gateWatch keeps one decision current across streams.
type gateWatch struct {
	gate      *Gate
	rule      *rule.Rule
	req       *pb.WatchDecisionRequest
	out       chan nft.Decision
	tolerance time.Duration
	beat      time.Duration

	cur  nft.Decision
	have bool
	good time.Time // when cur was last confirmed
	// blind means that nobody confirms cur at present.
	blind bool
	why   error // what broke the stream
}

// heard is one thing a stream said: a decision, a sign of life (none), or its end.
type heard struct {
	d     *nft.Decision
	first bool // the first decision of its stream
	lost  error
}

func (w *gateWatch) run(ctx context.Context) {
	defer close(w.out)
	said, done := make(chan heard), make(chan struct{})
	go func() {
		defer close(done)
		w.listen(ctx, said)
	}()
	defer func() { <-done }()
	limit := time.NewTimer(0)
	defer limit.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-said:
			w.take(h)
		case <-limit.C:
		}
		left := w.overdue()
		limit.Stop()
		if left > 0 {
			limit.Reset(left)
		}
	}
}

// take accepts what a stream said.
func (w *gateWatch) take(h heard) {
	switch {
	case h.lost != nil:
		w.blind, w.why = true, h.lost
		if !w.have {
			w.emit(w.gate.unknown(context.Background(), w.rule, "chain_unavailable", h.lost))
		}
	case h.d == nil:
		if !w.blind {
			w.good = w.gate.now()
		}
	case h.first && h.d.Outcome == nft.Unknown && w.have && w.cur.Outcome != nft.Unknown:
		// A service that has just started cannot tell yet; what the one before it
		// said stands for its time.
		w.blind = true
	default:
		w.blind, w.good = false, w.gate.now()
		if !w.have || h.d.Outcome != w.cur.Outcome {
			w.emit(*h.d)
		}
		w.cur, w.have = *h.d, true
	}
}

// overdue sends Unknown when the last answer has stood unconfirmed for too long. Else it
// returns how long it may still stand, 0 when nothing is to be waited for.
func (w *gateWatch) overdue() time.Duration {
	if !w.blind || !w.have || w.cur.Outcome == nft.Unknown {
		return 0
	}
	if left := w.good.Add(w.tolerance).Sub(w.gate.now()); left > 0 {
		return left
	}
	w.emit(w.gate.unknown(context.Background(), w.rule, "chain_unavailable", w.why))
	return 0
}

// emit replaces what a slow reader has not read yet.
func (w *gateWatch) emit(d nft.Decision) {
	w.cur, w.have = d, true
	select {
	case <-w.out:
	default:
	}
	w.out <- d
}

// listen sets up stream after stream until ctx ends.
func (w *gateWatch) listen(ctx context.Context, said chan<- heard) {
	for failures := 0; ; failures++ {
		worked, err := w.stream(ctx, said)
		if worked {
			failures = 0
		}
		if !tell(ctx, said, heard{lost: err}) || !pause(ctx, redial(failures)) {
			return
		}
	}
}

// stream follows one stream to its end, tells why it ended, and whether it said anything. One that is
// silent for three beats is as good as broken.
func (w *gateWatch) stream(ctx context.Context, said chan<- heard) (worked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(3*w.beat+time.Second, cancel)
	defer silence.Stop()
	s, err := w.gate.c.WatchDecision(withTenant(ctx, w.req.GetTenant()), w.req)
	if err != nil {
		return false, failure(ctx, "grpc.Watch", err)
	}
	for first := true; ; {
		m, err := s.Recv()
		if err != nil {
			return worked, failure(ctx, "grpc.Watch", err)
		}
		silence.Reset(3 * w.beat)
		h := heard{}
		if m.GetDecision() != nil {
			d, err := fromDecision(m.GetDecision())
			if err == nil && d.RuleID != "" && d.RuleID != w.rule.ID() {
				err = fault.New(fault.Corrupt, "grpc.Watch", "the answer is about another rule")
			}
			if err != nil {
				return worked, err
			}
			h.d, h.first, first = &d, first, false
		}
		if !tell(ctx, said, h) {
			return worked, fault.Wrap(fault.Canceled, "grpc.Watch", ctx.Err())
		}
		worked = true
	}
}

func tell[T any](ctx context.Context, to chan<- T, what T) bool {
	select {
	case to <- what:
		return true
	case <-ctx.Done():
		return false
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

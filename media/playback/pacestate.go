package playback

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// The state of a pacer as processes share it: a version byte, then as varints when the next
// epoch is due and when seeks was counted (Unix nanoseconds, 0 for never) and the bits of seeks, then the
// count of spans and, for each, its first epoch and how many follow. Epoch and lead are
// settings and not state.
const paceVersion = 1

// maxPaceState bounds what decodePacer reads: a version, three varints, and the spans.
const maxPaceState = 1 + 4*binary.MaxVarintLen64 + maxSpans*2*binary.MaxVarintLen32

func (p *pacer) encode() []byte {
	b := make([]byte, 1, 64)
	b[0] = paceVersion
	for _, t := range []time.Time{p.due, p.seekAt} {
		n := int64(0)
		if !t.IsZero() {
			n = t.UnixNano()
		}
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, math.Float64bits(p.seeks))
	b = binary.AppendUvarint(b, uint64(len(p.spans)))
	for _, s := range p.spans {
		b = binary.AppendUvarint(b, uint64(s.first))
		b = binary.AppendUvarint(b, uint64(s.last-s.first))
	}
	return b
}

// decodePacer reads a state; ok is false for what is none, which counts as lost.
func decodePacer(b []byte, epoch, lead time.Duration) (p *pacer, ok bool) {
	if len(b) < 2 || len(b) > maxPaceState || b[0] != paceVersion {
		return nil, false
	}
	b = b[1:]
	number := func() (n uint64) {
		var size int
		if n, size = binary.Uvarint(b); size <= 0 {
			b = nil
			return math.MaxUint64
		}
		b = b[size:]
		return n
	}
	p = &pacer{epoch: epoch, lead: lead}
	for _, t := range []*time.Time{&p.due, &p.seekAt} {
		n, size := binary.Varint(b)
		if size <= 0 {
			return nil, false
		}
		if b = b[size:]; n != 0 {
			*t = time.Unix(0, n)
		}
	}
	p.seeks = math.Float64frombits(number())
	count := number()
	if !(p.seeks >= 0 && p.seeks <= seekBurst) || count > maxSpans {
		return nil, false
	}
	for range count {
		first, more := number(), number()
		if first > math.MaxInt32 || more > math.MaxInt32 {
			return nil, false
		}
		p.spans = append(p.spans, span{int(first), int(first + more)})
	}
	return p, len(b) == 0 && (count == 0) == p.due.IsZero()
}

// errUnchanged leaves a shared state as it is.
var errUnchanged = errors.New("unchanged")

func paceKey(v *viewing) string { return "pace/" + v.rec.Hash }

// paceTTL is how long the state of v's pacer is kept: beyond the grant's end.
func (v *viewing) paceTTL(now time.Time) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return max(v.expires.Sub(now), 0) + time.Minute
}

// beginPace starts the clock of a grant that was just opened where every process sees it. When
// that fails the first key of another process counts as one after a loss.
func (s *Service) beginPace(ctx context.Context, v *viewing) {
	if s.paces == nil {
		return
	}
	p := newPacer(0, 0)
	err := s.paces.Update(ctx, paceKey(v), v.paceTTL(s.opt.Now()), func([]byte) ([]byte, error) { return p.encode(), nil })
	if err != nil {
		s.opt.Logger.DebugContext(ctx, "pace of a new grant not shared", "asset_id", v.rec.AssetID, "error", err)
	}
	// Known here at any rate: a new grant is no lost one.
	v.mu.Lock()
	v.pace = p
	v.mu.Unlock()
}

// turn asks the clock of v's grant for epoch e, as pacer.ask. With a shared cache it is the
// clock of all processes; when that cannot be reached only what this process knows to be released
// is given, and the rest is fault.Unavailable.
func (s *Service) turn(ctx context.Context, op string, v *viewing, epoch time.Duration, e int) (wait time.Duration, seek bool, err error) {
	if s.paces == nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.pace == nil {
			v.pace = newPacer(epoch, s.opt.Lead)
		}
		wait, seek = v.pace.ask(s.opt.Now(), e)
		return wait, seek, nil
	}
	// One of this process at a time: they would only have to try again.
	v.turns.Lock()
	defer v.turns.Unlock()
	v.mu.Lock()
	known := v.pace
	v.mu.Unlock()
	if known != nil && known.released(e) {
		return 0, false, nil
	}
	var next *pacer
	err = s.paces.Update(ctx, paceKey(v), v.paceTTL(s.opt.Now()), func(old []byte) ([]byte, error) {
		// Read here, since the change may run again later.
		now := s.opt.Now()
		p, ok := decodePacer(old, epoch, s.opt.Lead)
		if ok {
			free := p.released(e)
			if next = p; free {
				wait, seek = 0, false
				return nil, errUnchanged
			}
			wait, seek = p.ask(now, e)
		} else {
			if known != nil {
				known = known.clone()
				known.epoch, known.lead = epoch, s.opt.Lead
			}
			next, wait = known.resume(now, epoch, s.opt.Lead, e)
			seek = false
		}
		if wait > 0 {
			return nil, errUnchanged
		}
		return next.encode(), nil
	})
	switch {
	case err == nil || errors.Is(err, errUnchanged):
	case errors.Is(err, fault.Canceled) && ctx.Err() != nil:
		return 0, false, fault.At(op, err)
	default:
		return 0, false, (&fault.Error{Kind: fault.Unavailable, Op: op, Msg: "keys cannot be released right now; try again shortly", Err: err}).After(time.Second)
	}
	v.mu.Lock()
	v.pace = next // replaced and never changed, with a shared cache
	v.mu.Unlock()
	return wait, seek, nil
}

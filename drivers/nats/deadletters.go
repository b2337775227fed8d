package nats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"

	"github.com/streamgate/streamgate/kernel/event"
)

// reasonLimit bounds what is kept of an error's text.
const reasonLimit = 1 << 10

// bury stores a dead letter for all to see. What cannot be stored is kept in this process.
func (b *Bus) bury(ctx context.Context, d event.Dead) {
	b.o.Logger.Info("event could not be handled", "topic", d.Event.Topic, "event_id", d.Event.ID, "tenant", d.Event.Tenant,
		"pattern", d.Pattern, "attempts", d.Attempts, "error", d.Reason)
	d.Reason = shorten(d.Reason)
	data, err := json.Marshal(d)
	if err == nil {
		bound, cancel := b.c.bound(ctx)
		defer cancel()
		_, err = b.send(bound, b.dead, "letter", rand.Text(), data, b.grave)
	}
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = append(b.lost, d)
	if len(b.lost) > b.o.KeepDead {
		b.lost = slices.Delete(b.lost, 0, len(b.lost)-b.o.KeepDead)
	}
}

// grave returns the epoch of the stream of dead letters; anew asks the server.
func (b *Bus) grave(ctx context.Context, anew bool) (string, error) {
	b.mu.Lock()
	known := b.buried
	b.mu.Unlock()
	if known != "" && !anew {
		return known, nil
	}
	st, err := b.dead.ensure(ctx)
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buried = st.epoch
	return st.epoch, nil
}

// DeadLetters implements event.Inspector: those of every process and every subscription, also ended ones.
func (b *Bus) DeadLetters(ctx context.Context, limit int) ([]event.Dead, error) {
	const op = "nats.DeadLetters"
	bound, cancel := b.c.bound(ctx)
	defer cancel()
	b.mu.Lock()
	out := slices.Clone(b.lost)
	b.mu.Unlock()
	slices.Reverse(out)
	st, err := b.dead.info(bound)
	if is(err, codeStreamMissing) {
		st, err = state{first: 1}, nil
	}
	if err != nil {
		return nil, b.c.failed(bound, op, err)
	}
	for seq, n := st.last, 0; seq >= st.first && seq > 0 && n < limit; seq-- {
		if bound.Err() != nil {
			return nil, b.c.failed(bound, op, bound.Err())
		}
		m, ok, err := b.dead.get(bound, map[string]any{"seq": seq})
		if err != nil {
			return nil, b.c.failed(bound, op, err)
		}
		var d event.Dead
		if ok && json.Unmarshal(m.Data, &d) == nil {
			out = append(out, d)
			n++
		}
	}
	slices.SortStableFunc(out, func(a, b event.Dead) int { return b.At.Compare(a.At) })
	return out[:max(0, min(limit, len(out)))], nil
}

func shorten(reason string) string {
	if len(reason) > reasonLimit {
		return reason[:reasonLimit]
	}
	return reason
}

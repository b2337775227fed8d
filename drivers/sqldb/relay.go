package sqldb

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// RelayOptions tune a Relay. The zero value means the defaults given.
type RelayOptions struct {
	// Every is how often the outbox is looked into (default 1 s).
	Every time.Duration
	// Retention is how long published events are kept for Replay (default 10 min).
	Retention time.Duration
	// Batch bounds how many events are claimed at a time (default 100), Lease how long
	// they are when this process dies over them (default 30 s).
	Batch int
	Lease time.Duration
	// Logger hears of trouble, at Info. Nil discards.
	Logger *slog.Logger
}

// Relay publishes the events that were committed with a change and that their maker did
// not publish: because he died, or the bus did not answer.
//
// Each is published at least once, with its ID, so that a bus or handler that remembers IDs sees
// it once. Events of one tenant and key are published in the order of their changes, also when any
// number of processes relay at the same time; only a process that stops for longer than its lease in the middle of
// publishing can repeat one late. Events that the bus refuses for good are logged and count as published.
type Relay struct {
	db  *DB
	bus event.Bus
	opt RelayOptions
	log *slog.Logger
}

// Relay returns a relay of the outbox to bus. Run starts it; each process that
// changes records should have one, as it also removes what is old.
func (d *DB) Relay(bus event.Bus, opt RelayOptions) *Relay {
	opt.Every = cmp.Or(opt.Every, time.Second)
	opt.Retention = cmp.Or(opt.Retention, 10*time.Minute)
	opt.Batch = cmp.Or(opt.Batch, 100)
	opt.Lease = cmp.Or(opt.Lease, 30*time.Second)
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Relay{db: d, bus: bus, opt: opt, log: opt.Logger}
}

// maxPause bounds the pause after failures.
const maxPause = 30 * time.Second

// Run relays until ctx ends and returns nil then. A database or bus that does not answer is
// asked again, less and less often.
func (r *Relay) Run(ctx context.Context) error {
	pause := r.opt.Every
	var pruned time.Time
	for ctx.Err() == nil {
		n, err := r.pass(ctx)
		if err == nil && time.Since(pruned) > r.opt.Retention/10 {
			pruned, err = time.Now(), r.prune(ctx)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			r.log.InfoContext(ctx, "outbox_relay_failed", "error", err)
			pause = min(2*pause, max(maxPause, r.opt.Every))
		case n > 0:
			pause = r.opt.Every
			continue
		default:
			pause = r.opt.Every
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-r.db.outbox.wake:
		}
		t.Stop()
	}
	return nil
}

// Replay publishes again, in order, the events published since a time and still retained, for a bus
// that has lost what it was given. It returns how many there were, once they are published
// or another process's relay is at them.
func (r *Relay) Replay(ctx context.Context, since time.Time) (int, error) {
	const op = "sqldb.Replay"
	res, err := r.db.write.ExecContext(everyTenant(ctx, byRelay), r.db.bind(`UPDATE outbox SET published_at = 0, claimed_until = 0
		WHERE published_at > 0 AND published_at >= ?`), millis(since))
	if err != nil {
		return 0, wrap(op, err)
	}
	marked, err := res.RowsAffected()
	for n := 1; err == nil && n > 0; {
		n, err = r.pass(ctx)
	}
	return int(marked), fault.At(op, err)
}

// pass publishes one batch and returns how many events it is done with.
func (r *Relay) pass(ctx context.Context) (int, error) {
	scoped := everyTenant(ctx, byRelay)
	events, err := r.db.claim(scoped, r.opt.Batch, r.opt.Lease)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	slices.SortFunc(events, func(a, b kept) int { return cmp.Compare(a.seq, b.seq) })
	done, failed := r.publish(ctx, events)
	// What was published is marked also when we are told to stop, or it would come twice.
	scoped, cancel := context.WithTimeout(context.WithoutCancel(scoped), r.opt.Lease/4)
	defer cancel()
	return done, errors.Join(failed, r.db.settle(scoped, events[:done], events[done:]))
}

// publish stops at the first event that the bus has no answer for, and when so much of the lease is over
// that another process might soon think we had died.
func (r *Relay) publish(ctx context.Context, events []kept) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opt.Lease/2)
	defer cancel()
	for i, e := range events {
		err := fault.Catch("event.Publish", func() error { return r.bus.Publish(ctx, e.Event) })
		switch fault.KindOf(err) {
		case fault.Invalid, fault.TooLarge, fault.Unsupported:
			r.log.InfoContext(ctx, "event_refused", "event_id", e.ID, "topic", e.Topic, "error", err)
			continue
		}
		if err != nil {
			return i, err
		}
	}
	return len(events), nil
}

// prune removes what was published longer ago than the retention.
func (r *Relay) prune(ctx context.Context) error {
	_, err := r.db.write.ExecContext(everyTenant(ctx, byRelay), r.db.bind(`DELETE FROM outbox WHERE published_at > 0 AND published_at < `+r.db.now()+` - CAST(? AS BIGINT)`),
		r.opt.Retention.Milliseconds())
	return wrap("sqldb.prune", err)
}

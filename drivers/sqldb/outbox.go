package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// publishGrace is how long an event that is committed is left to its maker to publish.
const publishGrace = 2 * time.Second

// outboxState is what this process knows of the outbox.
type outboxState struct {
	grace time.Duration
	// waiting: an event was kept behind another, and is to be published when that is.
	waiting atomic.Bool
	wake    chan struct{} // wakes the relay of this process
}

// now is the database's clock in milliseconds. Processes need not agree on the time to agree on
// who publishes.
func (d *DB) now() string {
	if d.dialect == goose.DialectPostgres {
		return `CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)`
	}
	return `CAST(unixepoch('subsec') * 1000 AS INTEGER)`
}

type lane struct{ tenant, key string }

// keep commits events with the transaction q, which must hold the lock of what they tell of, so that
// they get their places in the order of the changes. It returns those that the caller publishes
// now: for publishGrace nobody else does. The others wait for an earlier one of the same key.
func (d *DB) keep(ctx context.Context, q querier, events []event.Event) (publish []event.Event, err error) {
	const op = "sqldb.keep"
	behind := map[lane]bool{}
	for _, e := range events {
		l := lane{e.Tenant, e.Key}
		if _, seen := behind[l]; !seen {
			var n int64
			err := q.QueryRowContext(ctx, d.bind(`SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE tenant = ? AND event_key = ? AND published_at = 0 LIMIT 1) o`), l.tenant, l.key).Scan(&n)
			if err != nil {
				return nil, wrap(op, err)
			}
			behind[l] = n > 0
		}
		grace := d.outbox.grace.Milliseconds()
		if behind[l] {
			grace = 0
			d.outbox.waiting.Store(true)
		} else {
			publish = append(publish, e)
		}
		_, err := q.ExecContext(ctx, d.bind(`INSERT INTO outbox (id, topic, tenant, event_key, at, data, created_at, claimed_until, published_at)
			VALUES (?, ?, ?, ?, ?, ?, `+d.now()+`, `+d.now()+` + CAST(? AS BIGINT), 0)`), e.ID, e.Topic, e.Tenant, e.Key, nanos(e.At), string(e.Data), grace)
		if err != nil {
			return nil, wrap(op, err)
		}
	}
	return publish, nil
}

// Published implements media.Outbox.
func (m *Media) Published(ctx context.Context, events ...event.Event) error {
	const op = "sqldb.Published"
	if len(events) == 0 {
		return nil
	}
	args := []any{events[0].Tenant, events[0].Key}
	for _, e := range events {
		if e.Tenant != events[0].Tenant || e.Key != events[0].Key {
			return fault.New(fault.Invalid, op, "the events are not all of one asset")
		}
		args = append(args, e.ID)
	}
	_, err := m.db.write.ExecContext(ofTenant(ctx, events[0].Tenant), m.db.bind(`UPDATE outbox SET published_at = `+m.db.now()+`
		WHERE tenant = ? AND event_key = ? AND id IN (`+places(len(events))+`)`), args...)
	if err == nil && m.db.outbox.waiting.Swap(false) {
		select {
		case m.db.outbox.wake <- struct{}{}:
		default:
		}
	}
	return wrap(op, err)
}

// places returns n placeholders.
func places(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// kept is an event in the outbox.
type kept struct {
	seq int64
	event.Event
}

// claim takes at most limit events that are the first of their key and nobody's, for lease. Later
// events of a key stay where they are until the first is published: that is the order. Two processes cannot
// claim the same one: on PostgreSQL the second skips the locked row, on SQLite it comes after.
func (d *DB) claim(ctx context.Context, limit int, lease time.Duration) ([]kept, error) {
	const op = "sqldb.claim"
	skip := ""
	if d.dialect == goose.DialectPostgres {
		skip = ` FOR UPDATE SKIP LOCKED`
	}
	rows, err := d.write.QueryContext(ctx, d.bind(`UPDATE outbox SET claimed_until = `+d.now()+` + CAST(? AS BIGINT) WHERE seq IN (
		SELECT o.seq FROM outbox o WHERE o.published_at = 0 AND o.claimed_until <= `+d.now()+` AND NOT EXISTS (
			SELECT 1 FROM outbox e WHERE e.tenant = o.tenant AND e.event_key = o.event_key AND e.published_at = 0 AND e.seq < o.seq)
		ORDER BY o.seq LIMIT ?`+skip+`)
		RETURNING seq, id, topic, tenant, event_key, at, data`), lease.Milliseconds(), limit)
	if err != nil {
		return nil, wrap(op, err)
	}
	return collect(op, rows, func(rows *sql.Rows) (k kept, err error) {
		var at int64
		var data string
		err = rows.Scan(&k.seq, &k.ID, &k.Topic, &k.Tenant, &k.Key, &at, &data)
		if k.At = time.Unix(0, at).UTC(); at == 0 {
			k.At = time.Time{}
		}
		if data != "" {
			k.Data = []byte(data)
		}
		return k, wrap(op, err)
	})
}

// settle ends claims: of the events that were published, and of those that were not.
func (d *DB) settle(ctx context.Context, published, open []kept) error {
	const op = "sqldb.settle"
	var errs []error
	for set, ks := range map[string][]kept{`published_at = ` + d.now(): published, `claimed_until = 0`: open} {
		if len(ks) == 0 {
			continue
		}
		args := make([]any, len(ks))
		for i, k := range ks {
			args[i] = k.seq
		}
		_, err := d.write.ExecContext(ctx, d.bind(`UPDATE outbox SET `+set+` WHERE published_at = 0 AND seq IN (`+places(len(ks))+`)`), args...)
		errs = append(errs, wrap(op, err))
	}
	return errors.Join(errs...)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Package sqldb keeps the records of every domain in a SQL database: SQLite
// (pure Go, WAL) by default, PostgreSQL for several processes. It speaks one portable
// dialect: TEXT and BIGINT columns only, times as Unix milliseconds, "?" placeholders
// rebound for the driver, so that both run the same code and the same migrations; what
// only one of them needs is in a folder of migrations of its own.
//
// Each domain has one file here (auth.go, media.go, playback.go) with a type that
// implements that domain's Store. On PostgreSQL row-level security is a second wall
// between tenants (scope.go). Events of a change are committed with it (outbox.go).
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers itself with database/sql

	"github.com/streamgate/streamgate/fault"
)

// DB is an open database with current migrations. Its methods and those of its stores
// may be called from any goroutine.
type DB struct {
	// write has a single connection on SQLite, so that writers queue instead of
	// failing with SQLITE_BUSY; read has several. On PostgreSQL they are one pool.
	write, read *sql.DB
	dialect     goose.Dialect
	outbox      outboxState
}

// Open opens the SQLite database in file path, creating it and applying the
// forward-only migrations. Committed transactions survive a kill and a power loss.
func Open(ctx context.Context, path string) (*DB, error) {
	const op = "sqldb.Open"
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "temp_store(2)", "cache_size(-65536)",
	}}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn)
	if err != nil {
		write.Close()
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	read.SetMaxOpenConns(8)
	db := newDB(write, read, goose.DialectSQLite3)
	if err := migrate(ctx, db.dialect, db.write); err != nil {
		db.Close()
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	return db, nil
}

func newDB(write, read *sql.DB, dialect goose.Dialect) *DB {
	return &DB{write: write, read: read, dialect: dialect, outbox: outboxState{grace: publishGrace, wake: make(chan struct{}, 1)}}
}

// Close closes the database.
func (d *DB) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// Ping tells whether the database answers; if not the error is fault.Unavailable.
func (d *DB) Ping(ctx context.Context) error { return wrap("sqldb.Ping", d.read.PingContext(ctx)) }

// Stats returns the state of the connection pools by name: read and write on SQLite, pool on PostgreSQL.
func (d *DB) Stats() map[string]sql.DBStats {
	if d.read == d.write {
		return map[string]sql.DBStats{"pool": d.read.Stats()}
	}
	return map[string]sql.DBStats{"read": d.read.Stats(), "write": d.write.Stats()}
}

// querier is what a statement runs on: the database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// maxTxTries bounds how often a transaction is tried that others got in the way of.
const maxTxTries = 8

// tx runs fn in a write transaction, in the scope of ctx, and commits when it returns nil. fn
// runs again when the database undid the transaction for the sake of another (a deadlock, a
// serialization failure), so it must set what it hands out and not add to it.
func (d *DB) tx(ctx context.Context, fn func(q querier) error) error {
	for try := 1; ; try++ {
		err := d.txOnce(ctx, fn)
		if !undone(err) || try == maxTxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "sqldb.tx", ctx.Err())
		case <-time.After(rand.N(time.Duration(try) * 10 * time.Millisecond)):
		}
	}
}

func (d *DB) txOnce(ctx context.Context, fn func(q querier) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return wrap("sqldb.tx", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	return wrap("sqldb.tx", tx.Commit())
}

// bind rewrites "?" placeholders for the dialect. Statements hold no "?" in literals.
func (d *DB) bind(query string) string {
	if d.dialect != goose.DialectPostgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, c := range query {
		if c != '?' {
			b.WriteRune(c)
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

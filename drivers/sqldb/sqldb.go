// Package sqldb keeps the records of every domain in a SQL database: SQLite
// (pure Go, WAL) by default. It speaks one portable dialect: TEXT and BIGINT columns only,
// times as Unix milliseconds, "?" placeholders rebound for the driver, so that
// PostgreSQL is a second dialect of the same code and migrations.
//
// Each domain has one file here (auth.go, media.go, playback.go) with a type that
// implements that domain's Store.
package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/streamgate/streamgate/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is an open database with current migrations.
type DB struct {
	// write has a single connection on SQLite, so that writers queue instead of
	// failing with SQLITE_BUSY; read has several.
	write, read *sql.DB
	dialect     goose.Dialect
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
	db := &DB{write: write, read: read, dialect: goose.DialectSQLite3}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	return db, nil
}

// Close closes the database.
func (d *DB) Close() error { return errors.Join(d.read.Close(), d.write.Close()) }

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, "sqldb.Ping", d.read.PingContext(ctx))
}

func (d *DB) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(d.dialect, d.write, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err = p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// querier is what a statement runs on: the database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tx runs fn in a write transaction and commits when it returns nil.
func (d *DB) tx(ctx context.Context, fn func(q querier) error) error {
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

// wrap gives a database error its fault kind.
func wrap(op string, err error) error {
	var se *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fault.Wrap(fault.NotFound, op, err)
	case errors.As(err, &se) && (se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
		return fault.Wrap(fault.Conflict, op, err)
	}
	return fault.Wrap(fault.Unavailable, op, err)
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

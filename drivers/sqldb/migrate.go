package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrations of both databases are in migrations, those of one in a folder below. All
// share one numbering, and a released one is never edited.
//
//go:embed migrations/*.sql migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Of several processes that start at the same time,
// one does it on PostgreSQL and the others wait; on SQLite the file lock has that effect.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	folder := "migrations/sqlite"
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if dialect == goose.DialectPostgres {
		folder = "migrations/postgres"
		opts = append(opts, goose.WithSessionLocker(advisoryLock{}))
	}
	p, err := goose.NewProvider(dialect, db, folders{"migrations", folder}, opts...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err = p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// folders shows the files of several folders of migrations as if they were in one.
type folders []string

// Open implements fs.FS.
func (f folders) Open(name string) (fs.File, error) {
	for _, dir := range f {
		file, err := migrations.Open(dir + "/" + name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Glob implements fs.GlobFS.
func (f folders) Glob(pattern string) ([]string, error) {
	var out []string
	for _, dir := range f {
		sub, err := fs.Sub(migrations, dir)
		if err != nil {
			return nil, err
		}
		names, err := fs.Glob(sub, pattern)
		if err != nil {
			return nil, err
		}
		out = append(out, names...)
	}
	return out, nil
}

// advisoryLock is goose's lock, without its polling: the server wakes the next one.
type advisoryLock struct{}

var _ lock.SessionLocker = advisoryLock{}

// SessionLock implements lock.SessionLocker.
func (advisoryLock) SessionLock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, lock.DefaultLockID)
	return err
}

// SessionUnlock implements lock.SessionLocker.
func (advisoryLock) SessionUnlock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, lock.DefaultLockID)
	return err
}

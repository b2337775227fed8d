package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/streamgate/streamgate/fault"
)

// PostgresOptions tune the use of a PostgreSQL database. The zero value means the defaults given.
type PostgresOptions struct {
	// MaxConns bounds the connections of this process (default 10).
	MaxConns int
	// StatementTimeout bounds one statement, on the server and, a little longer, on our
	// side, where it covers a server that has gone silent too (default 30 s).
	StatementTimeout time.Duration
	// SimpleProtocol avoids everything that belongs to a session (prepared statements, settings given
	// at its start), so that a PgBouncer with transaction pooling can stand between. The
	// server then does not know StatementTimeout: set statement_timeout for the role. Give
	// MigrateDSN too, past the pooler: migrations take a lock of their session.
	SimpleProtocol bool
	// MigrateDSN is where migrations are applied, when that is to be done by another role than
	// the one that works. The worker's role then needs SELECT, INSERT, UPDATE and
	// DELETE on the tables; ALTER DEFAULT PRIVILEGES of the owner gives them in time.
	MigrateDSN string
	// AllowBypass accepts a role that row-level security does not bind: a superuser or one with
	// BYPASSRLS. Without it such a role is refused, as the second wall between tenants would be painted on.
	AllowBypass bool
}

// migrateTimeout bounds one statement of a migration, waiting for another process's migrations included.
const migrateTimeout = time.Hour

func (o PostgresOptions) withDefaults() PostgresOptions {
	if o.MaxConns <= 0 {
		o.MaxConns = 10
	}
	if o.StatementTimeout <= 0 {
		o.StatementTimeout = 30 * time.Second
	}
	return o
}

// OpenPostgres opens a PostgreSQL database (15 or newer) by its address in one of libpq's two forms, URL
// or "host=... dbname=...", applies the migrations, and checks that the role is bound by row-level
// security (else fault.Forbidden). Processes may start at the same time. Several
// hosts with target_session_attrs=read-write make it follow a failover.
//
// Committed transactions survive as the server's settings say (fsync and synchronous_commit
// are on by default). A connection that is lost is replaced; reads are then repeated at once,
// while a write fails with fault.Unavailable and may have happened. No error holds the password.
func OpenPostgres(ctx context.Context, dsn string, opt PostgresOptions) (*DB, error) {
	const op = "sqldb.OpenPostgres"
	opt = opt.withDefaults()
	if opt.MigrateDSN == "" {
		opt.MigrateDSN = dsn
	}
	cfg, err := parsePostgres(op, dsn)
	if err != nil {
		return nil, err
	}
	admin, err := parsePostgres(op, opt.MigrateDSN)
	if err != nil {
		return nil, err
	}
	owner := sql.OpenDB(&connector{cfg: admin, timeout: migrateTimeout})
	err = migrate(ctx, goose.DialectPostgres, owner)
	owner.Close()
	if err != nil {
		return nil, openFailed(ctx, op, err)
	}
	pool := sql.OpenDB(newConnector(cfg, opt))
	pool.SetMaxOpenConns(opt.MaxConns)
	pool.SetMaxIdleConns(opt.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute) // so that a proxy or a new replica gets its share
	db := newDB(pool, pool, goose.DialectPostgres)
	if err := db.checkRole(ctx, opt.AllowBypass); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// openFailed keeps apart our time limits and the caller's.
func openFailed(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Err: &lost{err}}
}

func parsePostgres(op, dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's words may hold parts of the address, and so of the password.
		return nil, fault.New(fault.Invalid, op, "the address of the PostgreSQL database cannot be parsed; write postgres://user:password@host:5432/database")
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "streamgate"
	}
	return cfg, nil
}

func newConnector(cfg *pgx.ConnConfig, opt PostgresOptions) *connector {
	cfg = cfg.Copy()
	if opt.SimpleProtocol {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		cfg.StatementCacheCapacity, cfg.DescriptionCacheCapacity = 0, 0
	} else {
		cfg.RuntimeParams["statement_timeout"] = strconv.FormatInt(opt.StatementTimeout.Milliseconds(), 10)
		// A process that hangs inside a transaction must not hold its locks for ever.
		cfg.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(2*opt.StatementTimeout.Milliseconds(), 10)
	}
	return &connector{cfg: cfg, timeout: opt.StatementTimeout + opt.StatementTimeout/10}
}

// checkRole refuses a role to whom row-level security means nothing.
func (d *DB) checkRole(ctx context.Context, allow bool) error {
	const op = "sqldb.OpenPostgres"
	var role string
	var exempt bool
	err := d.read.QueryRowContext(ctx, `SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`).Scan(&role, &exempt)
	if err != nil {
		return wrap(op, err)
	}
	if exempt && !allow {
		return fault.New(fault.Forbidden, op, fmt.Sprintf("the role %s is exempt from row-level security: connect as one that is neither a superuser nor has BYPASSRLS, or set AllowBypass", role))
	}
	return nil
}

package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connector makes the connections of database/sql's pool. It exists beside pgx's own one
// because a statement and its scope must go out together: pgx pipelines them in
// one implicit transaction, which database/sql has no words for.
type connector struct {
	cfg     *pgx.ConnConfig
	timeout time.Duration // of connecting, and of a statement on our side
	lostAt  atomic.Int64  // when a connection was last lost, Unix nanoseconds
}

// idleCheck is how long a connection may lie unused before it is asked whether it still is one.
const idleCheck = 5 * time.Second

// errTimeout is our own time limit, not the caller's.
var errTimeout = errors.New("sqldb: the time for a statement is over")

// lost is a failure of the connection. It hides the cause from errors.Is: a deadline inside
// is ours and must not look as if the caller had given up.
type lost struct{ err error }

func (l *lost) Error() string { return "connection: " + l.err.Error() }

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	pg, err := pgx.ConnectConfig(inner, c.cfg)
	if err != nil {
		if ended := over(ctx); ended != nil {
			return nil, fmt.Errorf("connect: %w", ended)
		}
		return nil, &lost{err}
	}
	return &conn{c: c, pg: pg, used: time.Now()}, nil
}

// over is ctx's error. A connection's own deadline, which is set to that of ctx, can be noticed a moment before
// ctx says that it has ended.
func over(ctx context.Context) error {
	if d, ok := ctx.Deadline(); ok && !time.Now().Before(d) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return noDriver{} }

type noDriver struct{}

func (noDriver) Open(string) (driver.Conn, error) { return nil, errors.ErrUnsupported }

// conn is one connection. database/sql lets one goroutine at a time use it.
type conn struct {
	c      *connector
	pg     *pgx.Conn
	inTx   bool
	broken bool
	used   time.Time
}

var (
	_ driver.ConnBeginTx     = (*conn)(nil)
	_ driver.ExecerContext   = (*conn)(nil)
	_ driver.QueryerContext  = (*conn)(nil)
	_ driver.Pinger          = (*conn)(nil)
	_ driver.SessionResetter = (*conn)(nil)
	_ driver.Validator       = (*conn)(nil)
)

// Prepare implements driver.Conn; pgx prepares by itself.
func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) { return c.BeginTx(context.Background(), driver.TxOptions{}) }

// Close implements driver.Conn.
func (c *conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pg.Close(ctx)
}

// IsValid implements driver.Validator.
func (c *conn) IsValid() bool { return !c.broken && !c.pg.IsClosed() }

// ResetSession implements driver.SessionResetter. After a connection was lost the others
// are asked before they are trusted again: the server has most likely restarted.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.IsValid() || c.pg.PgConn().TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	if c.used.UnixNano() > c.c.lostAt.Load() && time.Since(c.used) < idleCheck {
		return nil
	}
	return c.Ping(ctx)
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	inner, cancel := context.WithTimeoutCause(ctx, c.c.timeout, errTimeout)
	defer cancel()
	if err := c.pg.Ping(inner); err != nil {
		return c.failed(ctx, inner, err, true)
	}
	c.used = time.Now()
	return nil
}

// QueryContext implements driver.QueryerContext. All rows are read at once, so that an
// error is known before the caller has seen one, and a read can be repeated.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(r.tag.RowsAffected()), nil
}

// run executes a statement, in its scope unless the transaction has one.
func (c *conn) run(ctx context.Context, query string, named []driver.NamedValue) (*table, error) {
	args := make([]any, len(named))
	for i, a := range named {
		args[i] = a.Value
	}
	inner, cancel := context.WithTimeoutCause(ctx, c.c.timeout, errTimeout)
	defer cancel()
	var t *table
	var err error
	if s, ok := scopeOf(ctx); ok && !c.inTx {
		t, err = c.batch(inner, s, query, args)
	} else {
		t, err = read(c.pg.Query(inner, query, args...))
	}
	if err != nil {
		// Reading twice does no harm, unless what was read before in the transaction is lost with it.
		return nil, c.failed(ctx, inner, err, !c.inTx && strings.HasPrefix(query, "SELECT"))
	}
	c.used = time.Now()
	return t, nil
}

// batch sends the scope and the statement in one go. The server takes what comes before one
// Sync as one transaction, at whose end the setting is gone.
func (c *conn) batch(ctx context.Context, s scope, query string, args []any) (*table, error) {
	b := &pgx.Batch{}
	b.Queue(setScope, s.setting, s.value)
	b.Queue(query, args...)
	res := c.pg.SendBatch(ctx, b)
	_, err := res.Exec()
	var t *table
	if err == nil {
		t, err = read(res.Query())
	}
	// Close waits for the commit; before that nothing is acknowledged.
	return t, errors.Join(err, res.Close())
}

const setScope = `SELECT set_config($1, $2, true)`

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, opt driver.TxOptions) (driver.Tx, error) {
	if opt.Isolation != 0 || opt.ReadOnly {
		return nil, errors.ErrUnsupported
	}
	inner, cancel := context.WithTimeoutCause(ctx, c.c.timeout, errTimeout)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue("begin")
	if s, ok := scopeOf(ctx); ok {
		b.Queue(setScope, s.setting, s.value)
	}
	if err := c.pg.SendBatch(inner, b).Close(); err != nil {
		c.broken = true // what of it was done is not worth finding out
		return nil, c.failed(ctx, inner, err, true)
	}
	c.inTx = true
	return tx{c}, nil
}

// tx is the transaction of a connection.
type tx struct{ c *conn }

// Commit implements driver.Tx. When the connection is lost meanwhile, nobody knows whether it was done.
func (t tx) Commit() error {
	tag, err := t.end("commit")
	if err == nil && tag.String() != "COMMIT" {
		err = &lost{errors.New("the transaction had failed before and was undone")}
	}
	return err
}

// Rollback implements driver.Tx.
func (t tx) Rollback() error {
	_, err := t.end("rollback")
	return err
}

func (t tx) end(how string) (pgconn.CommandTag, error) {
	c := t.c
	c.inTx = false
	ctx, cancel := context.WithTimeoutCause(context.Background(), c.c.timeout, errTimeout)
	defer cancel()
	tag, err := c.pg.Exec(ctx, how)
	if err != nil {
		return tag, c.failed(context.Background(), ctx, err, false)
	}
	c.used = time.Now()
	return tag, nil
}

// failed tells what an error means for the connection and the pool. again says that the
// pool may do the same on another connection, once or twice.
func (c *conn) failed(ctx, inner context.Context, err error, again bool) error {
	var pe *pgconn.PgError
	isPg := errors.As(err, &pe)
	if isPg && !fatal(pe) {
		return pe
	}
	if !isPg && !c.pg.IsClosed() && !errors.Is(err, io.ErrUnexpectedEOF) && inner.Err() == nil {
		return err // pgx refused the arguments; nothing was sent
	}
	c.broken = true
	if over(ctx) != nil {
		return fmt.Errorf("%w: %w", over(ctx), err)
	}
	c.c.lostAt.Store(time.Now().UnixNano())
	if (again || pgconn.SafeToRetry(err)) && inner.Err() == nil {
		return driver.ErrBadConn
	}
	return &lost{err}
}

// fatal tells whether an answer means that this connection is of no more use: the server is
// going down or coming up, or has become a replica that takes no writes.
func fatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC" || e.Code == "25006" || strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08")
}

// table is a result in memory.
type table struct {
	columns []string
	rows    [][]any
	tag     pgconn.CommandTag
}

func read(rows pgx.Rows, err error) (*table, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &table{}
	for _, f := range rows.FieldDescriptions() {
		t.columns = append(t.columns, f.Name)
	}
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, v)
	}
	rows.Close()
	t.tag = rows.CommandTag()
	return t, rows.Err()
}

// Columns implements driver.Rows.
func (t *table) Columns() []string { return t.columns }

// Close implements driver.Rows.
func (t *table) Close() error { return nil }

// Next implements driver.Rows.
func (t *table) Next(dest []driver.Value) error {
	if len(t.rows) == 0 {
		return io.EOF
	}
	for i, v := range t.rows[0] {
		switch v := v.(type) {
		case int32:
			dest[i] = int64(v)
		case nil, int64, string, bool, []byte, time.Time: // the last in goose's table only
			dest[i] = v
		default:
			return fmt.Errorf("sqldb: column %s is a %T; the dialect has TEXT and BIGINT only", t.columns[i], v)
		}
	}
	t.rows = t.rows[1:]
	return nil
}

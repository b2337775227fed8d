package sqldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/media"
)

// It needs a server, so it is compiled only.
func ExampleOpenPostgres() {
	ctx := context.Background()
	db, err := OpenPostgres(ctx, "postgres://streamgate:secret@db.example:5432/streamgate?sslmode=verify-full", PostgresOptions{MaxConns: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	fmt.Println(db.Ping(ctx))
}

func ExampleOpenURL() {
	db, err := OpenURL(context.Background(), "postgres://db.example/streamgate?pool=5", PostgresOptions{})
	fmt.Println(db == nil, err)
	// Output: true sqldb.OpenURL: the postgres URL has the unknown parameter "pool"
}

func TestOpenURLRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"": "begins with", "mysql://h/d": "begins with", "/var/lib/sg.db": "begins with",
		"sqlite:": "sqlite:path", "sqlite://host/x.db": "no host", "sqlite:x.db?mode=ro": "without parameters", "sqlite:%zz": "sqlite:path",
		"postgres://h/d?max_conns=0": "max_conns", "postgres://h/d?max_conns=x": "max_conns", "postgres://h/d?statement_timeout=5": "statement_timeout",
		"postgres://h/d?simple_protocol=perhaps": "simple_protocol", "postgres://h/d?allow_bypass=": "allow_bypass", "postgres://h/d?options=-c": "options",
		"postgres://u:sec%ret@h/d": "cannot be parsed", "postgres://u:secret@h:port/d": "cannot be parsed", "postgres://u:secret@h/d?%zz": "cannot be parsed",
	} {
		db, err := OpenURL(t.Context(), raw, PostgresOptions{})
		if db != nil || !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sec") {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
}

// TestNoPasswordInErrors: a server that is not there, and one that knows another password.
func TestNoPasswordInErrors(t *testing.T) {
	t.Parallel()
	port, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(freshPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("streamgate", "hush")
	for _, dsn := range []string{fmt.Sprintf("postgres://streamgate:hush@127.0.0.1:%d/d?sslmode=disable", port), u.String()} {
		_, err := OpenPostgres(t.Context(), dsn, PostgresOptions{})
		if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v", err)
		}
	}
}

// TestProcessesStartTogether: of several that find an empty database one migrates it.
func TestProcessesStartTogether(t *testing.T) {
	t.Parallel()
	_, dsn := emptyPostgres(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := OpenPostgres(t.Context(), dsn, PostgresOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if _, err := db.Media().Asset(t.Context(), "t", "a"); !errors.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// emptyPostgres makes a database without migrations, in a cluster of its own, as the shared
// one has a template.
func emptyPostgres(t testing.TB) (*servers.Postgres, string) {
	t.Helper()
	pg := ownPostgres(t, servers.PostgresOptions{NoSync: true})
	dsn, err := pg.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pg, dsn
}

func ownPostgres(t testing.TB, opt servers.PostgresOptions) *servers.Postgres {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a server")
	}
	pg, err := servers.StartPostgresWith(t.Context(), t.TempDir(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.Stop() })
	return pg
}

// TestMigratedByAnother: the role that works need not be the one that owns the tables.
func TestMigratedByAnother(t *testing.T) {
	t.Parallel()
	pg, owner := emptyPostgres(t)
	exec(t, pg, owner, `CREATE ROLE worker LOGIN PASSWORD 'w'`, `SET ROLE `+servers.AppRole, `GRANT USAGE ON SCHEMA public TO worker`,
		`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO worker`)
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("worker", "w") // who owns nothing and may create nothing
	fill(t, openURL(t, u.String(), PostgresOptions{MigrateDSN: owner}))
}

// exec runs statements as the superuser.
func exec(t testing.TB, pg *servers.Postgres, dsn string, statements ...string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), pg.AdminDSN(strings.TrimPrefix(u.Path, "/")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	for _, s := range append([]string{`SET default_transaction_read_only = off`}, statements...) {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestStatementTimeouts: our limits are fault.Unavailable, the caller's fault.Canceled, whether the
// server notices or has gone silent.
func TestStatementTimeouts(t *testing.T) {
	t.Parallel()
	dsn := freshPostgres(t)
	line := newLine(t, dsn)
	for _, simple := range []bool{false, true} {
		db := openURL(t, line.dsn, PostgresOptions{StatementTimeout: time.Second, SimpleProtocol: simple})
		sleep := func(ctx context.Context) error {
			_, err := db.write.ExecContext(ofTenant(ctx, "t"), `SELECT pg_sleep(60)`)
			return wrap("", err)
		}
		if err := sleep(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("simple %t: too slow: %v", simple, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := sleep(ctx); !errors.Is(err, fault.Canceled) {
			t.Errorf("simple %t: the caller gave up: %v", simple, err)
		}
		cancel()
		line.cut(true)
		_, err := db.Media().Asset(t.Context(), "t", "a")
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("simple %t: a silent server: %v", simple, err)
		}
		line.cut(false)
		for deadline := time.Now().Add(time.Minute); !errors.Is(err, fault.NotFound); { // to sign in may take longer than our limit here
			if _, err = db.Media().Asset(t.Context(), "t", "a"); time.Now().After(deadline) {
				t.Fatalf("simple %t: it talks again: %v", simple, err)
			}
		}
	}
}

// line is a wire to a server that can be cut without anybody being told.
type line struct {
	dsn string
	mu  sync.Mutex
	// open is closed while the wire is whole.
	open chan struct{}
	// asked counts what the clients have sent.
	asked atomic.Int64
}

func newLine(t testing.TB, dsn string) *line {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &line{open: make(chan struct{})}
	close(ln.open)
	target := u.Host
	u.Host = l.Addr().String()
	ln.dsn = u.String()
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", target)
			if err != nil {
				a.Close()
				continue
			}
			context.AfterFunc(ctx, func() { a.Close(); b.Close() })
			wg.Go(func() { ln.pipe(ctx, a, b, &ln.asked) })
			wg.Go(func() { ln.pipe(ctx, b, a, nil) })
		}
	})
	return ln
}

func (l *line) pipe(ctx context.Context, from, to net.Conn, count *atomic.Int64) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if count != nil {
			count.Add(1)
		}
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (l *line) cut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cut {
		l.open = make(chan struct{})
	} else {
		close(l.open)
	}
}

// TestFailover: connections to what has become a replica are given up, and the next goes to whoever is
// the primary then.
func TestFailover(t *testing.T) {
	t.Parallel()
	dsn := freshPostgres(t)
	name := dsn[strings.LastIndex(dsn, "/")+1 : strings.Index(dsn, "?")]
	exec(t, servers.PostgresFor(t), dsn, `ALTER DATABASE `+name+` SET default_transaction_read_only = on`)
	db := openURL(t, dsn, PostgresOptions{MaxConns: 2})
	create := func(id string) error {
		return db.Media().CreateAsset(t.Context(), media.Record{Asset: media.Asset{ID: id}, Tenant: "t"})
	}
	if err := create("a"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a replica: %v", err)
	}
	exec(t, servers.PostgresFor(t), dsn, `ALTER DATABASE `+name+` RESET default_transaction_read_only`)
	if err := create("a"); err != nil {
		t.Errorf("a primary: %v", err)
	}
}

// TestDeadlock: of two transactions that wait for each other one is undone, and done again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	db := openURL(t, freshPostgres(t), PostgresOptions{})
	m := db.Media()
	for _, id := range []string{"a", "b"} {
		if err := m.CreateAsset(t.Context(), media.Record{Asset: media.Asset{ID: id}, Tenant: "t"}); err != nil {
			t.Fatal(err)
		}
	}
	var wg, first sync.WaitGroup
	first.Add(2)
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		wg.Go(func() {
			tries := 0
			err := db.tx(ofTenant(t.Context(), "t"), func(q querier) error {
				tries++
				for i, id := range order {
					if _, err := q.ExecContext(t.Context(), `UPDATE media_assets SET rev = rev + 1 WHERE id = $1`, id); err != nil {
						return wrap("", err)
					}
					if i == 0 && tries == 1 {
						first.Done()
						first.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range []string{"a", "b"} {
		if _, rev, err := m.asset(ofTenant(t.Context(), "t"), db.read, "t", id); err != nil || rev != 3 {
			t.Errorf("%s: %d, %v", id, rev, err)
		}
	}
}

// TestKilledServer kills the server while it writes, again and again. What was
// acknowledged is there, in whole; the same DB works again by itself.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	pg := ownPostgres(t, servers.PostgresOptions{})
	dsn, err := pg.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := openURL(t, dsn, PostgresOptions{MaxConns: 6})
	acked := &sync.Map{}
	for round := range 3 {
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		enough := make(chan struct{}, 1000)
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					id := fmt.Sprintf("%d-%d-%d", round, w, i)
					switch err := writeBoth(ctx, db, id); fault.KindOf(err) {
					case fault.Unavailable, fault.Canceled:
						time.Sleep(5 * time.Millisecond)
					default:
						if err != nil {
							t.Errorf("while it is killed: %v", err)
							return
						}
						acked.Store(id, true)
						select {
						case enough <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		for range 20 {
			<-enough
		}
		if err := pg.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("while it is away: %v", err)
		}
		if err := pg.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		for len(enough) > 0 {
			<-enough
		}
		<-enough // the pool has recovered by itself
		stop()
		writers.Wait()
	}
	n := 0
	acked.Range(func(k, _ any) bool {
		n++
		id := k.(string)
		u, err := db.Media().Upload(t.Context(), id)
		parts, err2 := db.Media().Parts(t.Context(), id)
		_, err3 := db.Media().Asset(t.Context(), "t", id)
		if err := errors.Join(err, err2, err3); err != nil || u.Offset != 5 || len(parts) != 1 {
			t.Errorf("acknowledged and lost: %s: %v, %+v", id, err, u)
		}
		return true
	})
	t.Logf("%d writes were acknowledged over three kills", n)
}

// writeBoth makes an asset and an upload with a part.
func writeBoth(ctx context.Context, db *DB, id string) error {
	m := db.Media()
	if err := m.CreateAsset(ctx, media.Record{Asset: media.Asset{ID: id}, Tenant: "t"}); err != nil {
		return err
	}
	if err := m.CreateUpload(ctx, media.Upload{ID: id, Tenant: "t", Asset: id, Size: 9}); err != nil {
		return err
	}
	return m.AppendParts(ctx, id, 0, []media.Part{{Key: id, Size: 5}}, []byte("h"), time.UnixMilli(1))
}

func TestStats(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		db := open(t)
		for name, s := range db.Stats() {
			if s.MaxOpenConnections == 0 {
				t.Errorf("%s has no bound", name)
			}
		}
		if err := db.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestSQLitePath: the URL names the file that Open names.
func TestSQLitePath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, openURL(t, "sqlite:"+path, PostgresOptions{}))
	if _, err := openURL(t, "sqlite://"+path, PostgresOptions{}).Media().Asset(t.Context(), "one", "one-a"); err != nil {
		t.Error(err)
	}
}

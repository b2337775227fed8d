package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/mediatest"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
)

// forgetful is a connector whose statements have lost their tenant conditions.
type forgetful struct{ *connector }

func (f forgetful) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return forgetfulConn{c.(*conn)}, nil
}

type forgetfulConn struct{ *conn }

var tenantCondition = regexp.MustCompile(`(\w+\.)?tenant = (\$\d+)`)

func forget(query string) string {
	return tenantCondition.ReplaceAllString(query, "(${1}tenant IS NOT NULL OR ${2} = 'x')")
}

func (f forgetfulConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return f.conn.QueryContext(ctx, forget(query), args)
}

func (f forgetfulConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return f.conn.ExecContext(ctx, forget(query), args)
}

func forgetfulDB(t testing.TB, dsn string) *DB {
	t.Helper()
	cfg, err := parsePostgres("", dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(forgetful{newConnector(cfg, PostgresOptions{}.withDefaults())})
	pool.SetMaxOpenConns(4)
	db := newDB(pool, pool, goose.DialectPostgres)
	t.Cleanup(func() { db.Close() })
	return db
}

// TestWallHoldsWithoutConditions: every promise of every store, those about tenants among them, is
// kept by statements that have forgotten their tenant.
func TestWallHoldsWithoutConditions(t *testing.T) {
	t.Parallel()
	if got := forget(`SELECT 1 WHERE t.tenant = $1 AND x = $2`); strings.Contains(got, "tenant = ") {
		t.Fatal(got)
	}
	open := func(t testing.TB) *DB { return forgetfulDB(t, freshPostgres(t)) }
	t.Run("auth", func(t *testing.T) {
		t.Parallel()
		authtest.Run(t, func(t *testing.T) auth.Store { return open(t).Auth() })
	})
	t.Run("media", func(t *testing.T) {
		t.Parallel()
		mediatest.RunStore(t, func(t testing.TB) media.Store { return open(t).Media() })
	})
	t.Run("playback", func(t *testing.T) {
		t.Parallel()
		playbacktest.RunStore(t, func(t *testing.T) playback.Store { return open(t).Playback() })
	})
	t.Run("passes", func(t *testing.T) {
		t.Parallel()
		passtest.RunStore(t, func(t testing.TB) pass.Store { return open(t).Passes() })
	})
}

// TestWallIsWhatHolds: the same statements by a role that the wall does not bind give everything away, and
// such a role is refused.
func TestWallIsWhatHolds(t *testing.T) {
	t.Parallel()
	dsn := freshPostgres(t)
	admin := servers.PostgresFor(t).AdminDSN(dsn[strings.LastIndex(dsn, "/")+1 : strings.Index(dsn, "?")])
	db := openURL(t, dsn, PostgresOptions{})
	fill(t, db)
	if _, err := forgetfulDB(t, dsn).Media().Asset(t.Context(), "two", "one-a"); !errors.Is(err, fault.NotFound) {
		t.Errorf("behind the wall: %v", err)
	}
	if _, err := forgetfulDB(t, admin).Media().Asset(t.Context(), "two", "one-a"); err != nil {
		t.Errorf("the condition was not forgotten, so this test shows nothing: %v", err)
	}
	if _, err := OpenPostgres(t.Context(), admin, PostgresOptions{}); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a superuser: %v, want that it is refused", err)
	}
	openURL(t, admin, PostgresOptions{AllowBypass: true})
}

// fill gives the tenants one and two a row in every table.
func fill(t testing.TB, db *DB) {
	t.Helper()
	for i, n := range []string{"one", "two"} {
		ctx, h := t.Context(), auth.Hash{byte(i)}
		wallet := authtest.NewWallet(uint32(i)).On("eip155:1")
		at := time.UnixMilli(1 << 40)
		r := media.Record{Asset: media.Asset{ID: n + "-a"}, Tenant: n, Events: []event.Event{{ID: n, Topic: "asset.changed", Tenant: n, Key: n + "-a"}}}
		_, tenantErr := db.write.ExecContext(ofTenant(ctx, n), db.bind(`INSERT INTO tenants (id, name, created_at) VALUES (?, ?, 1)`), n, n)
		a, m := db.Auth(), db.Media()
		err := errors.Join(tenantErr,
			a.AddChallenge(ctx, auth.ChallengeRecord{Tenant: n, Nonce: "used", Account: wallet, ExpiresAt: at}),
			a.AddChallenge(ctx, auth.ChallengeRecord{Tenant: n, Nonce: "n", Account: wallet, ExpiresAt: at}),
			a.AddAPIKey(ctx, auth.APIKeyRecord{ID: "k", Tenant: n, UserID: "u", Secret: h}),
			m.CreateAsset(ctx, r),
			m.CreateUpload(ctx, media.Upload{ID: n + "-u", Tenant: n, Asset: n + "-a", Size: 9}),
			m.AppendParts(ctx, n+"-u", 0, []media.Part{{Key: n, Size: 1}}, nil, at),
			m.PutVersion(ctx, media.VersionRecord{Asset: n + "-a", Tenant: n, Number: 1, Plan: media.Plan{Tasks: []media.Task{{ID: "x"}}}}),
			db.Playback().Insert(ctx, playback.Record{Hash: n + "-h", Tenant: n, ExpiresAt: at}),
		)
		_, _, passErr := db.Passes().Insert(ctx, pass.Order{ID: n + "-o", Tenant: n, Key: "k", State: pass.Created})
		err = errors.Join(err, passErr)
		_, signIn := a.SignIn(ctx, "used", auth.SessionRecord{ID: n + "-s", Tenant: n, UserID: "u", Account: wallet, EndsAt: at}, auth.TokenPair{
			Access: h, Refresh: auth.Hash{byte(i), 1}, AccessExpiresAt: at, RefreshExpires: at,
		})
		if err := errors.Join(err, signIn); err != nil {
			t.Fatal(err)
		}
	}
}

// walled returns the tables that have tenants' rows, each with the column that says whose.
func walled(t testing.TB, db *DB) map[string]string {
	t.Helper()
	rows, err := db.read.QueryContext(t.Context(), `SELECT c.relname::text, a.attname::text, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname = 'public' AND (a.attname = 'tenant' OR (c.relname = 'tenants' AND a.attname = 'id'))`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var table, column string
		var wall bool
		if err := rows.Scan(&table, &column, &wall); err != nil {
			t.Fatal(err)
		}
		if !wall {
			t.Errorf("table %s has tenants' rows and no wall: its migration calls streamgate_wall", table)
		}
		out[table] = column
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) < 13 {
		t.Errorf("only %d tables have tenants", len(out))
	}
	return out
}

// owners returns the tenants whose rows a statement without any condition finds.
func owners(ctx context.Context, t testing.TB, db *DB, table, column string) []string {
	t.Helper()
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT `+column+` FROM `+table+` ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect("", rows, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestWallOfEachTable tries statements that name no tenant at all, on one connection, so
// that a scope that outlived its statement would show.
func TestWallOfEachTable(t *testing.T) {
	t.Parallel()
	for _, simple := range []bool{false, true} {
		db := openURL(t, freshPostgres(t), PostgresOptions{MaxConns: 1, SimpleProtocol: simple})
		fill(t, db)
		for table, column := range walled(t, db) {
			ctx := t.Context()
			if got := owners(everyTenant(ctx, bySweep), t, db, table, column); !slices.Contains(got, "one") || !slices.Contains(got, "two") {
				t.Errorf("%s: every tenant's are those of %v", table, got)
			}
			for name, scoped := range map[string]context.Context{"no scope": ctx, "no tenant": ofTenant(ctx, ""), "no reason": everyTenant(ctx, ""), "no row": ofRow(ctx, "")} {
				if got := owners(scoped, t, db, table, column); len(got) != 0 {
					t.Errorf("%s: with %s rows of %v are seen", table, name, got)
				}
			}
			if got := owners(ofTenant(ctx, "one"), t, db, table, column); !slices.Equal(got, []string{"one"}) {
				t.Errorf("%s: tenant one sees those of %v", table, got)
			}
			// Writing: nothing of another's is changed, taken, given away or removed.
			for _, stmt := range []string{`UPDATE ` + table + ` SET ` + column + ` = 'two'`, `UPDATE ` + table + ` SET ` + column + ` = 'three'`} {
				if _, err := db.write.ExecContext(ofTenant(ctx, "one"), stmt); fault.KindOf(wrap("", err)) != fault.Internal {
					t.Errorf("%s: a row was given away: %v", table, err)
				}
			}
			if _, err := db.write.ExecContext(ofTenant(ctx, "one"), `DELETE FROM `+table); err != nil {
				t.Error(err)
			}
			if got := owners(everyTenant(ctx, bySweep), t, db, table, column); slices.Contains(got, "one") || !slices.Contains(got, "two") {
				t.Errorf("%s: after tenant one removed all there are rows of %v", table, got)
			}
		}
	}
}

// TestWallInTransactions: the scope of a transaction ends with it, committed or not.
func TestWallInTransactions(t *testing.T) {
	t.Parallel()
	db := openURL(t, freshPostgres(t), PostgresOptions{MaxConns: 1})
	fill(t, db)
	undo := errors.New("undo")
	for _, end := range []error{nil, undo} {
		err := db.tx(ofTenant(t.Context(), "two"), func(q querier) error {
			var n int
			if err := q.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM media_assets`).Scan(&n); err != nil || n != 1 {
				t.Errorf("inside: %d, %v", n, err)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Error(err)
		}
		if got := owners(t.Context(), t, db, "media_assets", "tenant"); len(got) != 0 {
			t.Errorf("afterwards rows of %v are seen", got)
		}
	}
}

// TestWallOfARow: whoever names a thing by its id gets that thing and what belongs to it.
func TestWallOfARow(t *testing.T) {
	t.Parallel()
	db := openURL(t, freshPostgres(t), PostgresOptions{})
	fill(t, db)
	for id, tables := range map[string][]string{
		"two-a": {"media_assets", "media_versions", "media_tasks", "outbox"}, "two-u": {"media_uploads", "media_parts"}, "two-s": {"auth_sessions", "auth_tokens"}, "two-h": {"playback_grants"},
	} {
		for table, column := range walled(t, db) {
			got := owners(ofRow(t.Context(), id), t, db, table, column)
			if want := slices.Contains(tables, table); want != slices.Equal(got, []string{"two"}) || (!want && len(got) > 0) {
				t.Errorf("%s by %s: rows of %v", table, id, got)
			}
		}
	}
}

// TestWallCostsNoRoundTrip: a read in its scope is sent in one go and answered in one go.
func TestWallCostsNoRoundTrip(t *testing.T) {
	t.Parallel()
	for _, simple := range []bool{false, true} {
		line := newLine(t, freshPostgres(t))
		db := openURL(t, line.dsn, PostgresOptions{MaxConns: 1, SimpleProtocol: simple})
		fill(t, db)
		least := int64(100)
		for range 10 { // the first prepares; a packet may come in two pieces
			before := line.asked.Load()
			if _, err := db.Media().Asset(t.Context(), "one", "one-a"); err != nil {
				t.Fatal(err)
			}
			least = min(least, line.asked.Load()-before)
		}
		if least != 1 {
			t.Errorf("simple %t: a read asks %d times", simple, least)
		}
	}
}

// BenchmarkRead reads an asset through the wall, and without wall and scope.
func BenchmarkRead(b *testing.B) {
	dsn := freshPostgres(b)
	fill(b, openURL(b, dsn, PostgresOptions{}))
	admin := servers.PostgresFor(b).AdminDSN(dsn[strings.LastIndex(dsn, "/")+1 : strings.Index(dsn, "?")])
	for name, c := range map[string]struct {
		dsn string
		ctx context.Context
	}{
		"wall":   {dsn, ofTenant(b.Context(), "one")},
		"noWall": {admin, b.Context()},
	} {
		b.Run(name, func(b *testing.B) {
			db := openURL(b, c.dsn, PostgresOptions{AllowBypass: true})
			for b.Loop() {
				if _, _, err := db.Media().asset(c.ctx, db.read, "one", "one-a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList lists a tenant's page of fifty among ten thousand assets of a hundred tenants.
func BenchmarkList(b *testing.B) {
	dsn := freshPostgres(b)
	db := openURL(b, dsn, PostgresOptions{})
	_, err := db.write.ExecContext(everyTenant(b.Context(), bySweep), `INSERT INTO media_assets (id, tenant, owner, status, deleting, words, doc, rev)
		SELECT 'a' || lpad(i::text, 8, '0'), 't' || i % 100, 'o', 'ready', 0, 'words', '{"asset":{"id":"x","title":"A title"},"tenant":"t"}', 1 FROM generate_series(1, 10000) i`)
	if err != nil {
		b.Fatal(err)
	}
	admin := servers.PostgresFor(b).AdminDSN(dsn[strings.LastIndex(dsn, "/")+1 : strings.Index(dsn, "?")])
	for name, dsn := range map[string]string{"wall": dsn, "noWall": admin} {
		b.Run(name, func(b *testing.B) {
			db := openURL(b, dsn, PostgresOptions{AllowBypass: true})
			for b.Loop() {
				if rs, _, err := db.Media().Assets(b.Context(), "t7", media.ListOptions{Limit: 50, Query: "words"}); err != nil || len(rs) != 50 {
					b.Fatal(err)
				}
			}
		})
	}
}

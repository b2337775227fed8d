package sqldb

import (
	"syscall"
	"testing"

	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/mediatest"
)

// TestPgBouncer: with the simple protocol all promises hold behind a pooler that gives each
// transaction another connection, the wall's among them.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	pg := servers.PostgresFor(t)
	pooler, err := servers.StartPgBouncer(t.Context(), t.TempDir(), pg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pooler.Stop(syscall.SIGTERM) })
	open := func(t testing.TB) *DB {
		direct := freshPostgres(t)
		dsn, err := pooler.DSN(direct)
		if err != nil {
			t.Fatal(err)
		}
		return openURL(t, dsn, PostgresOptions{SimpleProtocol: true, MigrateDSN: direct, MaxConns: 6})
	}
	t.Run("wall", func(t *testing.T) {
		t.Parallel()
		db := open(t)
		fill(t, db)
		for table, column := range walled(t, db) {
			if got := owners(ofTenant(t.Context(), "one"), t, db, table, column); len(got) != 1 || got[0] != "one" {
				t.Errorf("%s: %v", table, got)
			}
			if got := owners(t.Context(), t, db, table, column); len(got) != 0 {
				t.Errorf("%s without a scope: %v", table, got)
			}
		}
	})
	t.Run("auth", func(t *testing.T) {
		t.Parallel()
		authSignsIn(t, open)
	})
	t.Run("media", func(t *testing.T) {
		t.Parallel()
		mediatest.RunStore(t, func(t testing.TB) media.Store { return open(t).Media() })
	})
}

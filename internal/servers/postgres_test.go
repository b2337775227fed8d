package servers_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/streamgate/streamgate/internal/servers"
)

// TestPostgres: the role of the databases is bound by row-level security, and a kill leaves a cluster that starts again.
func TestPostgres(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs a server")
	}
	pg, err := servers.StartPostgres(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.Stop() })
	dsn, err := pg.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		var role, fsync string
		var exempt bool
		err = c.QueryRow(t.Context(), `SELECT current_user::text, current_setting('fsync'), rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`).Scan(&role, &fsync, &exempt)
		if err != nil || exempt || role != servers.AppRole || fsync != "on" {
			t.Errorf("%s %t %s %v", role, exempt, fsync, err)
		}
		if err := pg.Kill(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), `SELECT 1`); err == nil {
			t.Error("a backend outlived the kill")
		}
		if err := pg.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(pg.Log(), "PANIC") {
		t.Error(pg.Log())
	}
}

func BenchmarkNewDatabase(b *testing.B) {
	pg := servers.PostgresFor(b)
	for b.Loop() {
		if _, err := pg.NewDatabase(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

package sqldb

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/internal/servers"
)

// database is a kind of database that everything runs on.
type database struct {
	name string
	// fresh returns the address of a new one.
	fresh func(t testing.TB) string
}

// databases are all of them.
var databases = []database{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "sg.db") }},
	{"postgres", freshPostgres},
}

// freshPostgres makes a database that has the migrations already, which saves their time.
func freshPostgres(t testing.TB) string {
	t.Helper()
	pg := servers.PostgresFor(t)
	err := pg.Template(t.Context(), func(dsn string) error {
		db, err := OpenPostgres(t.Context(), dsn, PostgresOptions{})
		if err != nil {
			return err
		}
		return db.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	dsn, err := pg.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// onEach runs a test on every kind of database; open returns a new one.
func onEach(t *testing.T, test func(t *testing.T, open func(t testing.TB) *DB)) {
	t.Helper()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t testing.TB) *DB { return openURL(t, d.fresh(t), PostgresOptions{MaxConns: 4}) })
		})
	}
}

func openURL(t testing.TB, url string, opt PostgresOptions) *DB {
	t.Helper()
	db, err := OpenURL(context.Background(), url, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// benchEach is onEach for a benchmark.
func benchEach(b *testing.B, bench func(b *testing.B, db *DB)) {
	for _, d := range databases {
		b.Run(d.name, func(b *testing.B) { bench(b, openURL(b, d.fresh(b), PostgresOptions{})) })
	}
}

package sqldb

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/fault"
)

func open(t *testing.T) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "sg.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestOpenTwiceKeepsRows(t *testing.T) {
	t.Parallel()
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "a b?.db")
	for i := range 2 {
		db, err := Open(ctx, path)
		if err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
		_, err = db.write.ExecContext(ctx, `INSERT INTO tenants (id, name, created_at) VALUES ('t', 'T', 1)`)
		if i == 1 && !errors.Is(wrap("", err), fault.Conflict) {
			t.Fatalf("second insert: want a conflict, got %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBindPostgres(t *testing.T) {
	t.Parallel()
	db := &DB{dialect: "postgres"}
	if got := db.bind("a=? AND b=?"); got != "a=$1 AND b=$2" {
		t.Fatal(got)
	}
}

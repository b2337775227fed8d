package sqldb

import (
	"errors"
	"net/url"
	"testing"

	"github.com/streamgate/streamgate/fault"
)

func TestOpenTwiceKeepsRows(t *testing.T) {
	t.Parallel()
	urls := []database{
		{"sqlite", func(t testing.TB) string {
			return "sqlite://" + (&url.URL{Path: t.TempDir() + "/a b?%.db"}).EscapedPath()
		}},
		{"postgres", freshPostgres},
	}
	for _, d := range urls {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			address := d.fresh(t)
			for i := range 2 {
				db := openURL(t, address, PostgresOptions{})
				_, err := db.write.ExecContext(ofTenant(t.Context(), "t"), `INSERT INTO tenants (id, name, created_at) VALUES ('t', 'T', 1)`)
				if (i == 0 && err != nil) || (i == 1 && !errors.Is(wrap("", err), fault.Conflict)) {
					t.Fatalf("insert %d: %v", i, err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestBindPostgres(t *testing.T) {
	t.Parallel()
	db := &DB{dialect: "postgres"}
	if got := db.bind("a=? AND b=?"); got != "a=$1 AND b=$2" {
		t.Fatal(got)
	}
}

package sqldb

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
)

// Whatever stands in a URL, postgresURL refuses it as invalid or takes its own parameters out, and never shows the password.
func FuzzPostgresURL(f *testing.F) {
	for _, rest := range []string{"127.0.0.1:5432/db", "h/db?sslmode=disable&max_conns=3&statement_timeout=1s", "h/db?max_conns=0", "h/db?%zz", "h/db?simple_protocol=true&allow_bypass=x", ""} {
		f.Add(rest)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "c0rrect-h0rse"
		var opt PostgresOptions
		dsn, err := postgresURL("test", "postgres://user:"+secret+"@"+rest, &opt)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
				t.Fatalf("the password is in %v", err)
			}
			return
		}
		if _, query, _ := strings.Cut(dsn, "?"); strings.Contains(query, "max_conns=") && !strings.Contains(rest, "=max_conns") {
			t.Fatalf("a parameter of ours went to the connection: %s", query)
		}
		if opt.MaxConns < 0 || opt.StatementTimeout < 0 {
			t.Fatalf("%+v", opt)
		}
	})
}

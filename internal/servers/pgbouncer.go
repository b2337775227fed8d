package servers

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// PgBouncer is a pooler in front of a cluster, with transaction pooling: each transaction of
// a client may run on another connection to the server.
type PgBouncer struct {
	*Process
	port int
}

// StartPgBouncer starts a pooler for p. It needs pgbouncer from apt.
func StartPgBouncer(ctx context.Context, dir string, p *Postgres) (*PgBouncer, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	own := &Postgres{dir: filepath.Join(dir, "pgbouncer"), password: p.password, Port: port}
	cred, err := own.prepare(dir)
	if err != nil {
		return nil, err
	}
	conf, users := filepath.Join(own.dir, "pgbouncer.ini"), filepath.Join(own.dir, "users")
	for path, text := range map[string]string{
		users: fmt.Sprintf("%q %q\n", AppRole, p.password),
		conf: fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
			"auth_type = md5\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 100\n", p.Port, port, users),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
		if cred != nil {
			if err := os.Chown(path, int(cred.Uid), int(cred.Gid)); err != nil {
				return nil, err
			}
		}
	}
	b := &PgBouncer{port: port}
	b.Process, err = Start(ctx, Spec{
		Name: "pgbouncer", Path: "/usr/sbin/pgbouncer", Args: []string{conf}, Dir: own.dir, Credential: cred,
		Ready: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			// The password is of our making: who lets us in with it is ours.
			cfg, err := pgx.ParseConfig(own.dsn(AppRole, "postgres"))
			if err != nil {
				return err
			}
			cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
			c, err := pgx.ConnectConfig(ctx, cfg)
			if err != nil {
				return err
			}
			return c.Close(ctx)
		},
	})
	return b, err
}

// DSN returns the address of a database of the cluster by way of the pooler.
func (b *PgBouncer) DSN(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Host = "127.0.0.1:" + strconv.Itoa(b.port)
	return u.String(), nil
}

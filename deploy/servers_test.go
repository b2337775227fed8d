package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/drivers/redis"
	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
)

// secretURL is the address in a secret, with the server of the test in place of the service of compose.
func secretURL(t *testing.T, secrets, name, service, addr string) string {
	t.Helper()
	return strings.Replace(strings.TrimSpace(read(t, filepath.Join(secrets, name))), service, addr, 1)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// start starts a server of compose; it ends with the test.
func start(t *testing.T, spec servers.Spec) *servers.Process {
	t.Helper()
	p, err := servers.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// startPostgres starts PostgreSQL, runs the script that its image runs, and returns the role's address.
func startPostgres(t *testing.T, secrets string) (pg *servers.Postgres, rawURL string) {
	t.Helper()
	// A cluster of its own, as the role is one of the whole cluster.
	pg, err := servers.StartPostgres(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop() })
	password := regexp.MustCompile(`:([^:@]+)@`).FindStringSubmatch(pg.AdminDSN("postgres"))[1]
	environ := []string{
		"PATH=" + os.Getenv("PATH"), "PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", pg.Port), "PGPASSWORD=" + password,
		"POSTGRES_USER=postgres", "STREAMGATE_PASSWORD_FILE=" + filepath.Join(secrets, "db_password"),
	}
	for _, args := range [][]string{
		{"psql", "-U", "postgres", "-c", "DROP ROLE " + servers.AppRole}, // the harness makes one of that name
		{"bash", "compose/postgres/10-streamgate.sh"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = environ
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return pg, secretURL(t, secrets, "database_url", "postgres:5432", fmt.Sprintf("127.0.0.1:%d", pg.Port))
}

// The script that the image of PostgreSQL runs makes a role that StreamGate accepts, on a real server; the
// superuser it refuses.
func TestPostgresRole(t *testing.T) {
	t.Parallel()
	pg, rawURL := startPostgres(t, secretsDir(t))
	db, err := sqldb.OpenURL(t.Context(), rawURL, sqldb.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := sqldb.OpenURL(t.Context(), pg.AdminDSN("streamgate"), sqldb.PostgresOptions{}); err == nil {
		t.Error("StreamGate works as a superuser")
	}
}

func openNATS(ctx context.Context, rawURL string) error {
	conn, err := nats.OpenURL(ctx, rawURL, nats.Options{})
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// startNATS starts nats-server as compose does.
func startNATS(t *testing.T, secrets string) (rawURL string) {
	t.Helper()
	path, err := servers.Tool("nats-server")
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), freeAddr(t)
	text := strings.NewReplacer("0.0.0.0:4222", addr, "127.0.0.1:8222", freeAddr(t), "/data", dir+"/data").Replace(read(t, "compose/nats.conf"))
	for name, body := range map[string]string{"nats.conf": text, "auth.conf": read(t, filepath.Join(secrets, "nats_auth.conf"))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rawURL = secretURL(t, secrets, "events_url", "nats:4222", addr)
	start(t, servers.Spec{
		Name: "nats-server", Path: path, Dir: dir, Args: []string{"--config", filepath.Join(dir, "nats.conf")},
		Ready: func(ctx context.Context) error { return openNATS(ctx, rawURL) },
	})
	return rawURL
}

// nats-server takes the configuration, asks for the password and has JetStream that syncs.
func TestNATSConfiguration(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, "compose/nats.conf"), "sync_interval: always") {
		t.Error("acknowledged is not on disk")
	}
	rawURL := startNATS(t, secretsDir(t))
	without := regexp.MustCompile(`//.*@`).ReplaceAllString(rawURL, "//")
	if err := openNATS(t.Context(), without); err == nil || errors.Is(err, fault.Canceled) {
		t.Errorf("without the password: %v", err)
	}
}

// startRedis starts redis-server with the arguments of compose.
func startRedis(t *testing.T, c compose, secrets string) (rawURL string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := freeAddr(t), t.TempDir()
	rawURL = secretURL(t, secrets, "cache_url", "redis:6379", addr)
	args := append([]string{filepath.Join(secrets, "redis.conf")}, c.Services["redis"].Command[2:]...)
	_, port, _ := strings.Cut(addr, ":")
	start(t, servers.Spec{
		Name: "redis-server", Path: path, Dir: dir, Args: append(args, "--bind", "127.0.0.1", "--port", port),
		Ready: func(ctx context.Context) error {
			client, err := redis.OpenURL(ctx, rawURL)
			if err != nil {
				return err
			}
			return client.Close()
		},
	})
	return rawURL
}

// startS3 starts versitygw with the arguments of compose. The bucket is made by whoever opens it first.
func startS3(t *testing.T, c compose, secrets string) (rawURL string) {
	t.Helper()
	path, err := servers.Tool("versitygw")
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := freeAddr(t), t.TempDir()
	rawURL = secretURL(t, secrets, "storage_url", "s3:7070", addr)
	var args []string
	for _, a := range c.Services["s3"].Command {
		args = append(args, strings.NewReplacer(":7070", addr, "/data", dir).Replace(a))
	}
	start(t, servers.Spec{
		Name: "versitygw", Path: path, Dir: dir, Args: args,
		Env: strings.Split(strings.TrimSpace(read(t, filepath.Join(secrets, "s3.env"))), "\n"),
		Ready: func(ctx context.Context) error {
			store, err := s3.OpenURL(ctx, rawURL, s3.Options{})
			if err != nil {
				return err
			}
			return store.Close()
		},
	})
	return rawURL
}

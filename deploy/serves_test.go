package deploy

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/internal/servers"
)

// The services of compose as processes, for want of containers: the same servers with compose's own
// configuration, passwords and arguments, and each role with its own environment and secrets, asked by the
// health check of the image. Addresses and folders alone are others.
func TestComposeServes(t *testing.T) {
	if testing.Short() {
		t.Skip("short: starts five servers and nine processes")
	}
	t.Parallel()
	c, bin, secrets := load(t), refserver(t), secretsDir(t)
	_, database := startPostgres(t, secrets)
	for name, url := range map[string]string{
		"database_url": database, "events_url": startNATS(t, secrets), "cache_url": startRedis(t, c, secrets), "storage_url": startS3(t, c, secrets),
	} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(url+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "streamgate.yaml")
	text := strings.NewReplacer(
		"consul:8500", servers.ConsulFor(t).Addr, "/var/lib/streamgate-keys", dir, "0.0.0.0:9090", "127.0.0.1:0", "10.83.7.0/24", "127.0.0.0/8", "drain_delay: 5s", "drain_delay: 0s",
	).Replace(read(t, "compose/streamgate.yaml"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var gateway string
	for name, s := range c.Services {
		if s.Environment["STREAMGATE_TARGET"] == "" {
			continue
		}
		addr, data := freeAddr(t), filepath.Join(dir, name)
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		environ := []string{"STREAMGATE_LISTEN=" + addr, "STREAMGATE_DATA=" + data, "TMPDIR=" + data}
		for k, v := range s.Environment {
			v = strings.Replace(substitute(v), "/run/secrets", secrets, 1)
			environ = append(environ, k+"="+strings.Replace(v, "/etc/streamgate/streamgate.yaml", file, 1))
		}
		if name == "gateway" {
			gateway = "http://" + addr
		}
		test := s.Healthcheck.Test // CMD, refserver, health
		start(t, servers.Spec{
			Name: name, Path: bin, Args: []string{"serve"}, Env: environ, Dir: data,
			Ready: func(ctx context.Context) error {
				cmd := exec.CommandContext(ctx, bin, test[2:]...)
				cmd.Env = environ
				if out, err := cmd.CombinedOutput(); err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			},
		})
	}
	for path, status := range map[string]int{
		"/": http.StatusOK, "/v1/chains": http.StatusOK, "/v1/assets": http.StatusOK, "/v1/media/none/1/v/init.mp4": http.StatusNotFound, "/v1/system": http.StatusUnauthorized,
	} {
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			res, err := http.Get(gateway + path)
			if err == nil {
				_ = res.Body.Close()
				if res.StatusCode == status {
					break
				}
				err = fmt.Errorf("status %d, want %d", res.StatusCode, status)
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
}

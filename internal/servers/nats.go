package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATS is a standalone nats-server with JetStream in a folder, every write synced before it is acknowledged.
type NATS struct {
	*Process
	// Dir holds its streams; they outlive Kill and Restart.
	Dir  string
	port int
}

// StartNATS starts one in dir. After Kill and Restart it has the same address.
func StartNATS(ctx context.Context, dir string) (*NATS, error) {
	path, err := Tool("nats-server")
	if err != nil {
		return nil, err
	}
	for range 3 { // somebody may take a port between its choice and its use
		var n *NATS
		if n, err = startNATS(ctx, path, dir); err == nil || ctx.Err() != nil {
			return n, err
		}
	}
	return nil, err
}

func startNATS(ctx context.Context, path, dir string) (*NATS, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	monitor, err := FreePort()
	if err != nil {
		return nil, err
	}
	n := &NATS{Dir: filepath.Join(dir, "jetstream"), port: port}
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), port)
	config := filepath.Join(dir, "nats.conf")
	text := fmt.Sprintf("server_name: %q\nlisten: \"127.0.0.1:%d\"\nhttp: \"127.0.0.1:%d\"\njetstream { store_dir: %q, sync_interval: always }\n",
		name, port, monitor, n.Dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	n.Process, err = Start(ctx, Spec{
		Name: "nats-server", Path: path, Args: []string{"-c", config}, Dir: dir,
		Ready: func(ctx context.Context) error { return natsIs(ctx, monitor, name) },
	})
	return n, err
}

// natsIs checks that the server that answers at the monitoring port is the one of this name, with
// its streams recovered.
func natsIs(ctx context.Context, port int, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	var who struct {
		Name string `json:"server_name"`
	}
	if err := natsJSON(ctx, base+"/varz", &who); err != nil {
		return err
	}
	if who.Name != name {
		return fmt.Errorf("another server answers: %.80q", who.Name)
	}
	var health struct {
		Status string `json:"status"`
	}
	if err := natsJSON(ctx, base+"/healthz", &health); err != nil {
		return err
	}
	if health.Status != "ok" {
		return fmt.Errorf("health is %.80q", health.Status)
	}
	return nil
}

func natsJSON(ctx context.Context, url string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true // no idle connection outlives the test
	r, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(v)
}

// URL is the address of the server.
func (n *NATS) URL() string { return "nats://127.0.0.1:" + strconv.Itoa(n.port) }

// DeleteStreams deletes every stream whose name begins with prefix, and their messages, as an operator's
// mistake would.
func (n *NATS) DeleteStreams(ctx context.Context, prefix string) error {
	nc, err := nats.Connect(n.URL(), nats.Timeout(10*time.Second))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	names := js.StreamNames(ctx)
	var errs []error
	for name := range names.Name() {
		if strings.HasPrefix(name, prefix) {
			errs = append(errs, js.DeleteStream(ctx, name))
		}
	}
	return errors.Join(append(errs, names.Err())...)
}

// Streams returns how many streams there are.
func (n *NATS) Streams(ctx context.Context) (count int, err error) {
	nc, err := nats.Connect(n.URL(), nats.Timeout(10*time.Second))
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	names := js.StreamNames(ctx)
	for range names.Name() {
		count++
	}
	return count, names.Err()
}

// NATSFor starts a nats-server for one test and stops it at its end.
func NATSFor(t testing.TB) *NATS {
	t.Helper()
	return must(t, StartNATS, func(n *NATS) { _ = n.Stop(syscall.SIGTERM) })
}

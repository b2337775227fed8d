package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Kubo is a running Kubo node that knows no other: no bootstrap list, no DHT, no discovery.
type Kubo struct {
	*Process
	// API is the base URL of its RPC API, Addr a multiaddress for peers. Both change with Restart.
	API, Addr string

	dir, id string
}

// StartKubo starts a Kubo node with its repository in dir and the import profile unixfs-v1-2025. Building Kubo
// takes minutes at the first use on a machine.
func StartKubo(ctx context.Context, dir string) (*Kubo, error) {
	path, err := Tool("kubo")
	if err != nil {
		return nil, err
	}
	k := &Kubo{dir: dir}
	if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
		cmd := exec.CommandContext(ctx, path, "init", "--empty-repo", "--profile=test,unixfs-v1-2025")
		cmd.Env = []string{"IPFS_PATH=" + dir, "HOME=" + dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("kubo init: %w\n%s", err, out)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil {
		return nil, err
	}
	var config struct{ Identity struct{ PeerID string } }
	if err := json.Unmarshal(b, &config); err != nil {
		return nil, err
	}
	k.id = config.Identity.PeerID
	k.Process, err = Start(ctx, Spec{
		Name: "kubo", Path: path, Args: []string{"daemon", "--routing=none"}, Dir: dir, Ready: k.answers,
		Env: []string{"IPFS_PATH=" + dir, "IPFS_TELEMETRY=off"},
	})
	return k, err
}

// answers reads the address that the node chose and asks it who it is.
func (k *Kubo) answers(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(k.dir, "api"))
	if err != nil {
		return err
	}
	part := strings.Split(strings.TrimSpace(string(b)), "/") // "", ip4, address, tcp, port
	if len(part) != 5 {
		return fmt.Errorf("the API address is %q", b)
	}
	api := "http://" + part[2] + ":" + part[4]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/api/v0/id", nil)
	if err != nil {
		return err
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var id struct {
		ID        string
		Addresses []string
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&id); err != nil {
		return err
	}
	if id.ID != k.id || len(id.Addresses) == 0 {
		return fmt.Errorf("%s answers as %q at %v", api, id.ID, id.Addresses)
	}
	k.API, k.Addr = api, id.Addresses[0]
	return nil
}

// KuboFor is StartKubo for a test, which fails when there is none, and which it ends with.
func KuboFor(t testing.TB) *Kubo {
	t.Helper()
	return must(t, StartKubo, func(k *Kubo) { _ = k.Stop(syscall.SIGTERM) })
}

package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// Consul is a development agent of Consul: one server, everything in memory, so that a restart
// forgets it all.
type Consul struct {
	*Process
	// Addr is host:port of its HTTP interface, the same after a restart.
	Addr string
}

// StartConsul starts an agent on free loopback ports.
func StartConsul(ctx context.Context, dir string) (*Consul, error) {
	path, err := Tool("consul")
	if err != nil {
		return nil, err
	}
	var last error
	for range 3 { // somebody may take a port between its choice and its use
		c, err := startConsul(ctx, path, dir)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		last = err
	}
	return nil, last
}

func startConsul(ctx context.Context, path, dir string) (*Consul, error) {
	var ports [4]int
	for i := range ports {
		var err error
		if ports[i], err = FreePort(); err != nil {
			return nil, err
		}
	}
	c := &Consul{Addr: fmt.Sprintf("127.0.0.1:%d", ports[0])}
	node := fmt.Sprintf("streamgate-%d", ports[0])
	var err error
	c.Process, err = Start(ctx, Spec{
		Name: "consul", Path: path, Dir: dir,
		Args: []string{
			"agent", "-dev", "-node=" + node, "-bind=127.0.0.1", "-client=127.0.0.1", "-log-level=warn",
			"-pid-file=" + filepath.Join(dir, "consul.pid"), "-hcl",
			fmt.Sprintf(`disable_update_check = true
				ports { http = %d, https = -1, grpc = -1, grpc_tls = -1, dns = -1, server = %d, serf_lan = %d, serf_wan = %d }`,
				ports[0], ports[1], ports[2], ports[3]),
		},
		Ready: func(ctx context.Context) error { return consulReady(ctx, c.Addr, node) },
	})
	return c, err
}

// consulReady checks that the agent is the one that was started and leads.
func consulReady(ctx context.Context, addr, node string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	get := func(path string, into any) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return err
		}
		req.Close = true
		res, err := new(http.Client).Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: status %d", path, res.StatusCode)
		}
		return json.NewDecoder(res.Body).Decode(into)
	}
	var self struct{ Config struct{ NodeName string } }
	var leader string
	if err := errors.Join(get("/v1/agent/self", &self), get("/v1/status/leader", &leader)); err != nil {
		return err
	}
	if self.Config.NodeName != node || leader == "" {
		return fmt.Errorf("node %q answers, leader %q", self.Config.NodeName, leader)
	}
	// Its own health in the catalogue comes last: until then registrations may be lost.
	var health []struct{ Status string }
	if err := get("/v1/health/node/"+node, &health); err != nil {
		return err
	}
	if len(health) == 0 || health[0].Status != "passing" {
		return errors.New("the agent is not in its own catalogue yet")
	}
	return nil
}

// ConsulFor starts an agent for a test.
func ConsulFor(t testing.TB) *Consul {
	t.Helper()
	return must(t, StartConsul, func(c *Consul) { _ = c.Kill() })
}

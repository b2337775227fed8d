// Package cluster runs StreamGate as nine services on this machine: PostgreSQL, Redis, NATS, an
// S3 server and Consul, started for real, and a process of the reference server for each role. The
// distributed browser test and the fault run drive it; nothing that ships imports it.
package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/internal/servers"
)

// Options say what is started. Dir and Binary are required.
type Options struct {
	// Dir holds everything, Binary is the reference server.
	Dir, Binary string
	// Replicas are the counts of processes by role; a role that is not named has one.
	Replicas map[string]int
	// RPC is the JSON-RPC address of the chain that gates ask.
	RPC, ChainID string
	// Solana is the JSON-RPC address of a Solana that gates ask, empty for none.
	Solana, SolanaID string
	// PublicURL is the origin that viewers see.
	PublicURL string
	// Via may put something between the processes and a dependency (postgres, redis, nats, s3): it is
	// given the address and returns the one to use. Nil goes straight.
	Via func(name, addr string) (string, error)
	// TLS has the processes speak mutual TLS to each other.
	TLS bool
	// Settings are added to every process, as key=value; RoleSettings to those of a role.
	Settings     []string
	RoleSettings map[string][]string
	// Log receives what the processes print, line by line with their names.
	Log io.Writer
}

// Cluster is a running platform. Its methods may be called from any goroutine.
type Cluster struct {
	Postgres *servers.Postgres
	Redis    *servers.Redis
	NATS     *servers.NATS
	S3       *servers.S3
	Consul   *servers.Consul
	// DSN is the database of the platform, past any proxy.
	DSN string
	// URL is the gateway's address.
	URL string

	opt    Options
	config string
	log    *lines
	mu     sync.Mutex
	procs  map[string]*Role
}

// Role is one process of a role.
type Role struct {
	*servers.Process
	// Name is that of the instance, such as streaming-1.
	Name, Role string
	// HTTP is where it listens, the same after a restart.
	HTTP string
}

// DefaultReplicas has two of what must spread its load.
func DefaultReplicas() map[string]int { return map[string]int{"streaming": 2, "worker": 2} }

// roleOrder starts first what others call first; any order works, this one is the fastest.
func roleOrder() []string {
	return []string{"cache", "auth", "metadata", "upload", "transcode", "worker", "streaming", "monitor", "gateway"}
}

// Bucket is where the objects are.
const Bucket = "streamgate"

// Start starts everything and waits until each process serves. What was started is stopped again when
// that fails.
func Start(ctx context.Context, opt Options) (c *Cluster, err error) {
	c = &Cluster{opt: opt, procs: map[string]*Role{}, log: &lines{w: opt.Log}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if err := c.startServers(ctx); err != nil {
		return c, err
	}
	if err := c.configure(ctx); err != nil {
		return c, err
	}
	for _, role := range roleOrder() {
		for i := range max(1, opt.Replicas[role]) {
			if err := c.startRole(ctx, role, fmt.Sprintf("%s-%d", role, i+1)); err != nil {
				return c, err
			}
		}
	}
	c.URL = "http://" + c.procs["gateway-1"].HTTP
	return c, c.awaitRouted(ctx)
}

// startServers starts the dependencies side by side.
func (c *Cluster) startServers(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, 5)
	for i, start := range []func(dir string) error{
		func(dir string) (err error) { c.Postgres, err = servers.StartPostgres(ctx, dir); return },
		func(dir string) (err error) { c.Redis, err = servers.StartRedis(ctx, dir); return },
		func(dir string) (err error) { c.NATS, err = servers.StartNATS(ctx, dir); return },
		func(dir string) (err error) {
			if c.S3, err = servers.StartVersityGW(ctx, dir); err == nil {
				err = c.S3.Bucket(ctx, Bucket)
			}
			return
		},
		func(dir string) (err error) { c.Consul, err = servers.StartConsul(ctx, dir); return },
	} {
		dir := filepath.Join(c.opt.Dir, []string{"postgres", "redis", "nats", "s3", "consul"}[i])
		wg.Go(func() {
			if errs[i] = os.MkdirAll(dir, 0o755); errs[i] == nil { //nolint:gosec // G301: PostgreSQL runs as another user
				errs[i] = start(dir)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// configure writes the file that every process is given.
func (c *Cluster) configure(ctx context.Context) error {
	var err error
	if c.DSN, err = c.Postgres.NewDatabase(ctx); err != nil {
		return err
	}
	via := func(name, addr, text string) string {
		if c.opt.Via == nil || err != nil {
			return text
		}
		var to string
		if to, err = c.opt.Via(name, addr); err != nil {
			return text
		}
		return strings.Replace(text, addr, to, 1)
	}
	settings := map[string]string{
		"database":        via("postgres", fmt.Sprintf("127.0.0.1:%d", c.Postgres.Port), c.DSN),
		"storage":         c.S3.URL(Bucket, "", via("s3", c.S3.Addr, c.S3.Addr)),
		"keys":            "master:" + filepath.Join(c.opt.Dir, "master.key"),
		"cache":           via("redis", c.Redis.Addr, c.Redis.URL()),
		"events":          via("nats", strings.TrimPrefix(c.NATS.URL(), "nats://"), c.NATS.URL()),
		"registry":        "consul://" + c.Consul.Addr + "?check=grpc&every=1s",
		"trusted_proxies": "127.0.0.0/8",
		"log.format":      "json",
		"drain_delay":     "2s",
		"public_url":      c.opt.PublicURL,
	}
	if err != nil {
		return err
	}
	if c.opt.TLS {
		// Consul has no certificate to ask a process's gRPC health with.
		settings["registry"] = strings.Replace(settings["registry"], "check=grpc", "check=http", 1)
		files, err := certify(filepath.Join(c.opt.Dir, "tls"), roleOrder())
		if err != nil {
			return err
		}
		maps.Copy(settings, files)
	}
	if c.opt.RPC != "" {
		settings["chains."+c.opt.ChainID+".rpc_url"] = c.opt.RPC
		settings["chains."+c.opt.ChainID+".ws_url"] = "ws" + strings.TrimPrefix(c.opt.RPC, "http")
	}
	if c.opt.Solana != "" {
		settings["chains."+c.opt.SolanaID+".rpc_url"] = c.opt.Solana
		settings["chains."+c.opt.SolanaID+".ws_url"] = "ws" + strings.TrimPrefix(c.opt.Solana, "http")
	}
	var b strings.Builder
	for k, v := range settings {
		if v != "" {
			fmt.Fprintf(&b, "%q: %q\n", k, v)
		}
	}
	c.config = filepath.Join(c.opt.Dir, "streamgate.yaml")
	return os.WriteFile(c.config, []byte(b.String()), 0o600)
}

func (c *Cluster) startRole(ctx context.Context, role, name string) error {
	port, err := servers.FreePort()
	if err != nil {
		return err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	dir := filepath.Join(c.opt.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	args := []string{"serve", "--config", c.config, "--target", role, "--set", "instance=" + name, "--set", "listen=" + addr, "--set", "data=" + dir}
	for _, s := range slices.Concat(c.opt.Settings, c.opt.RoleSettings[role]) {
		args = append(args, "--set", s)
	}
	r := &Role{Name: name, Role: role, HTTP: addr}
	r.Process, err = servers.Start(ctx, servers.Spec{
		Name: name, Path: c.opt.Binary, Args: args, Dir: dir, Env: []string{"TMPDIR=" + dir},
		Ready: func(ctx context.Context) error { return answers(ctx, "http://"+addr+"/readyz", http.StatusOK) },
		Log:   c.log.of(name),
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.procs[name] = r
	return nil
}

// awaitRouted waits until the gateway reaches every role.
func (c *Cluster) awaitRouted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for path, status := range map[string]int{
		"/v1/chains": http.StatusOK, "/v1/assets": http.StatusOK, "/v1/media/none/1/v/init.mp4": http.StatusNotFound,
		"/v1/system": http.StatusUnauthorized, "/": http.StatusOK,
	} {
		for {
			err := answers(ctx, c.URL+path, status)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the gateway does not reach %s: %w", path, err)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

func answers(ctx context.Context, url string, status int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != status {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("%s: %d instead of %d: %s", url, res.StatusCode, status, b)
	}
	return nil
}

// Dir is where everything is; master.key in it is the key that wraps all others.
func (c *Cluster) Dir() string { return c.opt.Dir }

// Role returns a process by its name, such as streaming-1.
func (c *Cluster) Role(name string) *Role {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.procs[name]
}

// Roles returns all processes by name.
func (c *Cluster) Roles() map[string]*Role {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]*Role, len(c.procs))
	for n, r := range c.procs {
		all[n] = r
	}
	return all
}

// Stop ends the processes with SIGTERM, then the servers.
func (c *Cluster) Stop() error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	for _, r := range c.Roles() {
		wg.Go(func() { note(r.Process.Stop(syscall.SIGTERM)) })
	}
	wg.Wait()
	if c.Postgres != nil {
		note(c.Postgres.Stop())
	}
	if c.Redis != nil {
		note(c.Redis.Close())
	}
	if c.NATS != nil {
		note(c.NATS.Process.Kill())
	}
	if c.S3 != nil {
		note(c.S3.Process.Kill())
	}
	if c.Consul != nil {
		note(c.Consul.Process.Kill())
	}
	return errors.Join(errs...)
}

// lines writes whole lines with the name of who said them.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) of(name string) io.Writer {
	if l.w == nil {
		return nil
	}
	r, w := io.Pipe()
	go func() {
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			l.mu.Lock()
			_, _ = fmt.Fprintf(l.w, "%s %s\n", name, s.Bytes())
			l.mu.Unlock()
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	return w
}

package grpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/internal/servers"
)

// childDir is the variable that makes this test binary the other process: the folder of its sockets.
const childDir = "STREAMGATE_GRPC_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := serveChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Most checks wait for time to pass: more of them than there are cores run well side by side.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	code := m.Run()
	other.end()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// near is a world in this process, without a wire.
func near(t testing.TB, kind string, config any) (*world, *gogrpc.ClientConn) {
	t.Helper()
	w, err := newWorld(kind, marshal(config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.end)
	return w, nil
}

// serve runs a server on l until the test ends.
func serve(t testing.TB, l net.Listener, opt grpc.ServerOptions, register func(gogrpc.ServiceRegistrar)) *grpc.Server {
	t.Helper()
	if opt.Notice == 0 {
		opt.Notice = time.Millisecond
	}
	s, err := grpc.NewServer(opt)
	if err != nil {
		t.Fatal(err)
	}
	register(s)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Stop(ctx)
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

func dial(t testing.TB, opt grpc.DialOptions) *gogrpc.ClientConn {
	t.Helper()
	conn, err := grpc.Dial(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// overMemory is a world behind a server and a connection in memory.
func overMemory(t testing.TB, kind string, config any) (*world, *gogrpc.ClientConn) {
	t.Helper()
	w, _ := near(t, kind, config)
	l := bufconn.Listen(1 << 20)
	serve(t, l, grpc.ServerOptions{Insecure: true}, w.register)
	return w, dial(t, grpc.DialOptions{Target: "memory", Insecure: true, Dialer: func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }})
}

// child is another process that makes worlds on demand, each on a socket of its own.
type child struct {
	once    sync.Once
	err     error
	dir     string
	process *servers.Process
	client  *http.Client
}

var other child // shared by the suites

// elsewhere is a world in the other process.
func elsewhere(t testing.TB, kind string, config any) (*world, *gogrpc.ClientConn) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs another process")
	}
	other.once.Do(func() { other.err = other.start() })
	if other.err != nil {
		t.Fatal(other.err)
	}
	return other.open(t, kind, config)
}

func (c *child) start() (err error) {
	if c.dir, err = os.MkdirTemp("", "sg"); err != nil { // short: a socket's path has at most 108 bytes
		return err
	}
	control := filepath.Join(c.dir, "control")
	c.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", control)
		},
	}}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.process, err = servers.Start(context.Background(), servers.Spec{
		Name: "child", Path: self, Dir: c.dir, Env: []string{childDir + "=" + c.dir, "GORACE=halt_on_error=1"},
		Ready: func(ctx context.Context) error { return c.post(ctx, "/ready", nil, nil) },
	})
	return err
}

func (c *child) end() {
	if c.process != nil {
		_ = c.process.Kill()
	}
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

func (c *child) post(ctx context.Context, path string, in, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://child"+path, bytes.NewReader(marshal(in)))
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(body))
	}
	if out != nil {
		return json.Unmarshal(body, out)
	}
	return nil
}

// order is what a test has the child do.
type order struct {
	Kind   string          `json:"kind,omitempty"`
	Config json.RawMessage `json:"config,omitempty"`
	World  int             `json:"world"`
	What   string          `json:"what,omitempty"`
	Args   json.RawMessage `json:"args,omitempty"`
}

func (c *child) socket(world int) string { return filepath.Join(c.dir, strconv.Itoa(world)) }

func (c *child) open(t testing.TB, kind string, config any) (*world, *gogrpc.ClientConn) {
	t.Helper()
	var id int
	if err := c.post(t.Context(), "/new", order{Kind: kind, Config: marshal(config)}, &id); err != nil {
		t.Fatalf("%v: %s", err, c.process.Log())
	}
	w := &world{do: (&childWorld{c, id}).do}
	t.Cleanup(func() { _ = c.post(context.Background(), "/end", order{World: id}, nil) })
	return w, dial(t, grpc.DialOptions{Target: "unix:" + c.socket(id), Insecure: true})
}

// childWorld is a world of the child by its number.
type childWorld struct {
	c  *child
	id int
}

func (w *childWorld) do(ctx context.Context, what string, args json.RawMessage) (any, error) {
	var out json.RawMessage
	err := w.c.post(ctx, "/do", order{World: w.id, What: what, Args: args}, &out)
	return out, err
}

// serveChild is the other process.
func serveChild(dir string) error {
	var mu sync.Mutex
	worlds := map[int]*world{}
	l, err := listenUnix(filepath.Join(dir, "control"))
	if err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		w := worlds[o.World]
		mu.Unlock()
		var out any
		var err error
		switch {
		case r.URL.Path == "/new":
			mu.Lock()
			id := len(worlds) + 1
			worlds[id] = nil
			mu.Unlock()
			if w, err = publish(filepath.Join(dir, strconv.Itoa(id)), o); err == nil {
				mu.Lock()
				worlds[id] = w
				mu.Unlock()
			}
			out = id
		case w == nil:
		case r.URL.Path == "/do":
			out, err = w.do(r.Context(), o.What, o.Args)
		case r.URL.Path == "/end":
			w.end()
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(rw).Encode(out)
	}))
}

// publish serves a new world on a socket of the child.
func publish(socket string, o order) (*world, error) {
	w, err := newWorld(o.Kind, o.Config)
	if err != nil {
		return nil, err
	}
	l, err := listenUnix(socket)
	if err != nil {
		return nil, err
	}
	s, err := grpc.NewServer(grpc.ServerOptions{Insecure: true, Notice: time.Millisecond})
	if err != nil {
		return nil, err
	}
	w.register(s)
	go func() { _ = s.Serve(l) }()
	end := w.end
	w.end = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Stop(ctx)
		end()
	}
	return w, nil
}

// listenUnix takes the place of a process that was killed and left its socket behind.
func listenUnix(path string) (net.Listener, error) {
	_ = os.Remove(path)
	return net.Listen("unix", path)
}

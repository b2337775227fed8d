package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// childEnv names what a process of this program is to be; unset is the measuring one.
const childEnv = "SGBENCH_CHILD"

// A child reads its orders from standard input, says on standard output where it
// serves, and ends when standard input does: it cannot outlive its parent.

func runChild(kind string, in io.Reader, out io.Writer) error {
	dec := json.NewDecoder(in)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch kind {
	case "platform":
		var o platformOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		go untilEOF(in, cancel)
		return servePlatform(ctx, o, out)
	case "chain":
		var o chainOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		go untilEOF(in, cancel)
		return serveChain(ctx, o, out)
	case "history":
		var o historyOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		go untilEOF(in, cancel)
		return serveHistory(ctx, o, out)
	case "bare":
		var o bareOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		go untilEOF(in, cancel)
		return serveBare(ctx, o, out)
	case "streamer":
		var o sharedOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		go untilEOF(in, cancel)
		return serveStreamer(ctx, o, out)
	case "worker":
		var o workerOrders
		if err := dec.Decode(&o); err != nil {
			return err
		}
		return serveWorker(ctx, o, dec, out) // its jobs come on standard input, which tells when to end
	}
	return fmt.Errorf("there is no child %q", kind)
}

func untilEOF(in io.Reader, cancel func()) {
	_, _ = io.Copy(io.Discard, in) // however it ends, the parent is gone
	cancel()
}

// child is a running server process.
type child struct {
	cmd  *exec.Cmd
	in   io.Closer
	enc  *json.Encoder // to its standard input
	dec  *json.Decoder // from its standard output
	once sync.Once
	err  error
}

// start runs this program as a child and reads its greeting into said.
func start(ctx context.Context, kind string, orders, said any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(out)}
	err = c.enc.Encode(orders)
	if err == nil {
		err = c.dec.Decode(said)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s did not start: %w", kind, err), c.stop())
	}
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop ends the child and waits for it. It may be called twice.
func (c *child) stop() error {
	c.once.Do(func() {
		c.in.Close()
		c.err = c.cmd.Wait()
	})
	return c.err
}

// serve serves h on a loopback port of the kernel's choice until ctx ends, with
// the server settings of refserver, and greets once it listens.
func serve(ctx context.Context, h http.Handler, greet func(url string) error) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	if err := greet("http://" + ln.Addr().String()); err != nil {
		return errors.Join(err, srv.Close(), <-ended)
	}
	select {
	case <-ctx.Done():
		err = srv.Close()
		<-ended
		return err
	case err := <-ended:
		return err
	}
}

type bareOrders struct {
	// Dir holds the files to serve under their names.
	Dir string `json:"dir"`
}

type greeting struct {
	URL string `json:"url"`
}

// serveBare is the least that net/http can do: bytes in memory and ServeContent.
func serveBare(ctx context.Context, o bareOrders, out io.Writer) error {
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(o.Dir, e.Name()))
		if err != nil {
			return err
		}
		mux.HandleFunc("GET /"+e.Name(), bareHandler(b))
	}
	return serve(ctx, mux, func(url string) error { return json.NewEncoder(out).Encode(greeting{url}) })
}

// startNginx serves dir with secure_link in a process of nginx, and returns it and its URL.
func startNginx(ctx context.Context, work, dir string) (*child, string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := ln.Addr().String()
	ln.Close() // nginx cannot be given port 0: it takes the port the kernel just chose
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the files are in a folder of ours alone
	}
	file := filepath.Join(work, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConf, user, work, work, work, work, work, work, addr, dir, linkSecret), 0o600); err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, "nginx", "-c", file, "-p", work, "-e", "stderr")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	c := &child{cmd: cmd, in: closer(cmd.Cancel)}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return c, "http://" + addr, nil
		}
		if time.Now().After(deadline) {
			return nil, "", errors.Join(fmt.Errorf("nginx did not start: %w", err), c.stop())
		}
	}
}

type closer func() error

// Close calls the function.
func (c closer) Close() error { return c() }

const linkSecret = "sgbench"

// Two workers, as the Go servers have two threads on two cores; sendfile and no
// access log, as one sets nginx up to be fast.
const nginxConf = `%s
worker_processes auto;
daemon off;
pid %s/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; multi_accept on; }
http {
  access_log off;
  client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3; uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=1000 inactive=60s;
  types { video/mp4 m4s; }
  server {
    listen %s;
    root %s;
    location / {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri %s";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
      add_header Cache-Control "public, max-age=31536000, immutable";
    }
  }
}
`

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// LocalKMS is a stand-in for AWS KMS (nsmithuk/local-kms): the wire format, real AES and
// encryption contexts, no credentials checked, no policies.
type LocalKMS struct {
	*Process
	// URL is the endpoint, on loopback, through any restart.
	URL string
	// Region and Account are those of its keys.
	Region, Account string

	pid   string // the file with the server's process
	front net.Listener
	conns sync.WaitGroup
}

const localKMSPort = "8080"

// StartLocalKMS starts the stand-in with its keys in dir. It listens on every address
// there is, so it gets a network namespace where that is loopback alone, and a
// front in this process passes connections in. That needs root on Linux.
func StartLocalKMS(ctx context.Context, dir string) (*LocalKMS, error) {
	path, err := Tool("local-kms")
	if err != nil {
		return nil, err
	}
	k := &LocalKMS{Region: "eu-west-1", Account: "111122223333", pid: filepath.Join(dir, "pid")}
	var lc net.ListenConfig
	if k.front, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	k.URL = "http://" + k.front.Addr().String()
	k.conns.Go(k.serve)
	k.Process, err = Start(ctx, Spec{
		Name: "local-kms", Path: "unshare", Dir: dir,
		Args: []string{"--net", "--", "sh", "-c", `echo $$ > pid && ip link set lo up && exec "$0"`, path},
		Env: []string{
			"PORT=" + localKMSPort, "KMS_REGION=" + k.Region, "KMS_ACCOUNT_ID=" + k.Account,
			"KMS_DATA_PATH=" + filepath.Join(dir, "data"), "KMS_SEED_PATH=" + filepath.Join(dir, "none"),
		},
		Ready: k.ready,
	})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *LocalKMS) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.URL, nil)
	if err != nil {
		return err
	}
	req.Close = true
	res, err := new(http.Client).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}

// Close ends the server and the front.
func (k *LocalKMS) Close() error {
	var err error
	if k.Process != nil {
		err = k.Kill()
	}
	err = errors.Join(err, k.front.Close())
	k.conns.Wait()
	return err
}

// serve passes what connects to the front on to the server.
func (k *LocalKMS) serve() {
	for {
		outer, err := k.front.Accept()
		if err != nil {
			return
		}
		k.conns.Go(func() {
			defer outer.Close()
			inner, err := k.dial()
			if err != nil {
				return // the client sees its connection end, as of a server that is down
			}
			defer inner.Close()
			var both sync.WaitGroup
			both.Go(func() { _, _ = io.Copy(inner, outer); inner.Close() })
			_, _ = io.Copy(outer, inner)
			outer.Close()
			both.Wait()
		})
	}
}

// dial connects to the server inside its namespace.
func (k *LocalKMS) dial() (net.Conn, error) {
	text, err := os.ReadFile(k.pid)
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// A thread that has entered the namespace is not given back: it ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), syscall.CLONE_NEWNET); err != nil {
			done <- result{nil, fmt.Errorf("enter the network namespace of local-kms (this needs root): %w", err)}
			return
		}
		// One literal address, so the socket is made on this very thread.
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+localKMSPort, 5*time.Second)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// LocalKMSFor starts the stand-in for a test.
func LocalKMSFor(t testing.TB) *LocalKMS {
	t.Helper()
	return must(t, StartLocalKMS, func(k *LocalKMS) { _ = k.Close() })
}

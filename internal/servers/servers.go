// Package servers starts the real servers that the tests and the tools under
// cmd/sgtorture run StreamGate against: PostgreSQL, Redis, NATS, S3, Consul and
// others, one file each. Every server gets a folder of its own, listens on loopback
// at a port the kernel chose, is checked to be the one that was started, and ends
// with the test, or with the process that started it, even by kill -9. Nothing
// that ships imports it.
package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tool returns the path of a server built by scripts/test-tools.sh, which it runs when the
// server is not there yet, so that a test alone works on a fresh machine too.
func Tool(name string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cache, err := toolCache()
	if err != nil {
		return "", err
	}
	for range 2 {
		found, _ := filepath.Glob(filepath.Join(cache, name+"-*", name))
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
		out, err := exec.Command(filepath.Join(root, "scripts", "test-tools.sh"), name).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("scripts/test-tools.sh %s: %w\n%s", name, err, out)
		}
	}
	return "", fmt.Errorf("scripts/test-tools.sh did not build %s into %s", name, cache)
}

func toolCache() (string, error) {
	if dir := os.Getenv("STREAMGATE_CACHE"); dir != "" { //nolint:forbidigo // as scripts/test-tools.sh does
		return filepath.Join(dir, "tools"), nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "streamgate", "tools"), err
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "scripts", "test-tools.sh")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not below the StreamGate checkout")
		}
	}
}

// FreePort returns a loopback port nobody listens on now. Servers that can pick one
// themselves should; for the others the start is tried again when it was taken.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Process is a running server. Its methods may be called from any goroutine.
type Process struct {
	name  string
	start func() *exec.Cmd
	ready func(ctx context.Context) error

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
	log  *tail
}

// Spec is how a Process is started.
type Spec struct {
	Name string
	Path string
	Args []string
	Env  []string // added to a minimal environment
	Dir  string
	// Ready is asked until it returns nil, at most 30 s.
	Ready func(ctx context.Context) error
	// Log receives what the server prints, beside the part that Process.Log keeps.
	Log io.Writer
	// Credential runs the server as another user.
	Credential *syscall.Credential
}

// Start starts a server and waits until it is ready.
func Start(ctx context.Context, s Spec) (*Process, error) {
	p := &Process{name: s.Name, ready: s.Ready, log: &tail{also: s.Log}}
	p.start = func() *exec.Cmd {
		cmd := exec.Command(s.Path, s.Args...)
		cmd.Dir = s.Dir
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "LANG=C.UTF-8"}, s.Env...) //nolint:forbidigo // where this machine has its programs
		cmd.Stdout, cmd.Stderr = p.log, p.log
		// The kernel ends the server when the process that started it is killed.
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true, Credential: s.Credential}
		return cmd
	}
	return p, p.Restart(ctx)
}

// Restart starts the server again, as after Kill, and waits until it is ready.
func (p *Process) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return fmt.Errorf("%s: runs already", p.name)
	}
	cmd, done := p.start(), make(chan struct{})
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is tied to the thread that started the child: this goroutine keeps it
		// by waiting on it, locked. Given back, as it may have started others' children before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.cmd, p.done = cmd, done
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("%s ended at its start: %s", p.name, p.log)
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			return fmt.Errorf("%s was not ready in time: %w: %s", p.name, err, p.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends sig to the server's process group. A server that has ended gets nothing.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return nil
	}
	return syscall.Kill(-p.cmd.Process.Pid, sig)
}

// Kill ends the server by SIGKILL and waits for its end.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop asks the server to end with sig, waits ten seconds, then kills it.
func (p *Process) Stop(sig syscall.Signal) error { return p.end(sig) }

func (p *Process) end(sig syscall.Signal) error {
	if err := p.Signal(sig); err != nil {
		return err
	}
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		_ = p.Signal(syscall.SIGKILL)
		<-done
	}
	return nil
}

// Done is closed when the server's present process has ended.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Pid returns the process id of the server's present process, 0 when it has ended.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Log returns the last that the server printed.
func (p *Process) Log() string { return p.log.String() }

// Follow copies what the server prints from now on to w as well.
func (p *Process) Follow(w io.Writer) {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	p.log.also = w
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	b    []byte
	also io.Writer
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > 32<<10 {
		t.b = append([]byte(nil), t.b[len(t.b)-16<<10:]...)
	}
	if t.also != nil {
		_, _ = t.also.Write(b)
	}
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}

// must fails the test when a server could not be had: a skip would prove nothing. With -short it skips.
func must[S any](t testing.TB, start func(ctx context.Context, dir string) (S, error), stop func(S)) S {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a server")
	}
	s, err := start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(s) })
	return s
}

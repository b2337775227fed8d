package ffmpeg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// command is one run of a program.
type command struct {
	program     string
	args        []string
	source, dir string // bound as sourceName (read-only) and the working folder
	limit       limit
	urgent      bool
	// onLine receives key=value lines of standard output; without it the output is returned.
	onLine func(key, value string)
}

const maxOutput = 8 << 20

// run runs c in the sandbox and returns its standard output. When ctx ends the
// whole process group is killed before run returns.
func (t *Transcoder) run(ctx context.Context, c command) ([]byte, error) {
	sandboxed, err := t.mode(ctx)
	if err != nil {
		return nil, err
	}
	return t.start(ctx, c, sandboxed)
}

// mode finds out, once, whether bubblewrap works: in some containers it is
// installed and may not make namespaces.
func (t *Transcoder) mode(ctx context.Context) (bool, error) {
	t.once.Do(func() {
		// The answer outlives the first caller.
		_, err := t.start(context.WithoutCancel(ctx), command{program: t.opt.FFprobe, args: []string{"-version"}, limit: small}, true)
		t.sandbox = err == nil
		if err != nil && !t.opt.AllowUnsandboxed {
			e := fault.New(fault.Unavailable, "ffmpeg.sandbox", "the transcoder's sandbox does not work here: install bubblewrap and ffmpeg, and let the server make user namespaces, or set allow_unsandboxed")
			e.Err = err
			t.why = e
		}
	})
	return t.sandbox, t.why
}

// Sandboxed tells whether programs run inside bubblewrap.
func (t *Transcoder) Sandboxed(ctx context.Context) bool {
	ok, _ := t.mode(ctx)
	return ok
}

func (t *Transcoder) start(ctx context.Context, c command, sandboxed bool) ([]byte, error) {
	program, err := exec.LookPath(c.program)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "ffmpeg.run", err)
	}
	argv := limits(c)
	src, dir := binds(c)
	cmdDir := ""
	if sandboxed {
		argv = append(t.jail(program, src, dir), append(argv, append([]string{program}, c.args...)...)...)
	} else {
		args := slices.Clone(c.args)
		for i := range args {
			if args[i] == sourceName {
				args[i] = "file:" + src
			}
		}
		argv, cmdDir = append(argv, append([]string{program}, args...)...), dir
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit.wall, errWall)
	defer cancel()
	return execute(ctx, c, argv, cmdDir)
}

var errWall = errors.New("wall time exceeded")

// limits is the prefix that sets resource limits: the shell-free way to set
// them before the program's first instruction.
func limits(c command) []string {
	nice := "10"
	if c.urgent {
		nice = "0"
	}
	argv := []string{"nice", "-n", nice}
	if !c.urgent {
		// The last place in the queue of each disk, too; -t goes on where the kernel does not let us.
		argv = append(argv, "ionice", "-c", "2", "-n", "7", "-t")
	}
	return append(argv, "prlimit",
		"--as="+strconv.FormatInt(c.limit.memory, 10),
		"--fsize="+strconv.FormatInt(c.limit.output, 10),
		"--cpu="+strconv.FormatInt(int64(c.limit.cpu/time.Second), 10),
		"--nofile=256", "--core=0", "--",
	)
}

// jail is bubblewrap's command line.
func (t *Transcoder) jail(program, src, dir string) []string {
	a := []string{
		t.opt.Bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin",
		"--cap-drop", "ALL", "--hostname", "sandbox",
		"--ro-bind", "/usr", "/usr",
		"--ro-bind-try", "/bin", "/bin", "--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64",
		// Debian's BLAS and friends are found through /etc/alternatives.
		"--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
		"--proc", "/proc", "--dev", "/dev", "--size", "1048576", "--tmpfs", "/tmp",
	}
	if !strings.HasPrefix(program, "/usr/") && !strings.HasPrefix(program, "/bin/") {
		a = append(a, "--ro-bind", filepath.Dir(program), filepath.Dir(program))
	}
	if src != "" {
		a = append(a, "--ro-bind", src, sourceName)
	}
	if dir != "" {
		a = append(a, "--bind", dir, "/work", "--chdir", "/work")
	}
	return append(a, "--")
}

func execute(ctx context.Context, c command, argv []string, dir string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// Pdeathsig is sent when the thread that started the program ends: this one is kept until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	stderr := &tail{max: 1024}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "ffmpeg.run", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "ffmpeg.run", err)
	}
	out, readErr := consume(stdout, c.onLine)
	if readErr != nil {
		_ = cmd.Cancel() // Wait reports what came of it
	}
	err = cmd.Wait()
	if fault.KindOf(readErr) == fault.TooLarge {
		return nil, fault.At("ffmpeg.run", readErr) // and that it was killed is our doing
	}
	if err == nil {
		err = readErr
	}
	if err == nil {
		return out, nil
	}
	if errors.Is(context.Cause(ctx), errWall) {
		return nil, blame(fault.TooLarge, "Processing this video takes too long.", err, stderr)
	}
	if ctx.Err() != nil {
		return nil, fault.Wrap(fault.Canceled, "ffmpeg.run", ctx.Err())
	}
	return nil, classify(err, stderr)
}

func consume(r io.Reader, onLine func(k, v string)) ([]byte, error) {
	if onLine == nil {
		b, err := io.ReadAll(io.LimitReader(r, maxOutput+1))
		if err == nil && len(b) > maxOutput {
			err = fault.New(fault.TooLarge, "", "This file has too many parts to be read.")
		}
		return b, err
	}
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		if k, v, ok := strings.Cut(sc.Text(), "="); ok {
			onLine(strings.TrimSpace(k), strings.TrimSpace(v))
		}
	}
	return nil, sc.Err()
}

// classify tells the media's fault from ours.
func classify(err error, stderr *tail) error {
	text := stderr.String()
	var exit *exec.ExitError
	status := syscall.WaitStatus(0)
	if errors.As(err, &exit) {
		status, _ = exit.Sys().(syscall.WaitStatus)
	}
	code := status.ExitStatus() - 128 // inside bubblewrap a signal shows as 128+n
	if status.Signaled() {
		code = int(status.Signal())
	}
	switch {
	case strings.HasPrefix(text, "bwrap:"), strings.HasPrefix(text, "prlimit:"), strings.HasPrefix(text, "nice:"), strings.HasPrefix(text, "ionice:"):
		return blame(fault.Unavailable, "", err, stderr)
	case strings.Contains(text, "No space left on device"):
		return blame(fault.Unavailable, "", err, stderr)
	case strings.Contains(text, "max pixel count"):
		return blame(fault.TooLarge, "The picture has more pixels than are taken.", err, stderr)
	case code == int(syscall.SIGXCPU), code == int(syscall.SIGXFSZ), strings.Contains(text, "Cannot allocate memory"), strings.Contains(text, "File too large"):
		return blame(fault.TooLarge, "This video needs more resources than one upload may use.", err, stderr)
	case code == int(syscall.SIGKILL):
		return blame(fault.Internal, "", err, stderr) // the machine ran out of memory, perhaps by this very source
	}
	return blame(fault.Corrupt, "The video cannot be decoded; the file may be damaged.", err, stderr)
}

func blame(k fault.Kind, public string, err error, stderr *tail) error {
	e := fault.New(k, "ffmpeg.run", public)
	e.Err = fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	return e
}

// tail keeps the last bytes written to it.
type tail struct {
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - t.max; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.ToValidUTF8(t.buf, []byte("?"))) }

func number(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// sniff reads the start of a file for texts that pose as media.
func sniff(path string) (head []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "ffmpeg.Probe", err)
	}
	defer f.Close()
	head = make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fault.Wrap(fault.Unavailable, "ffmpeg.Probe", err)
	}
	return head[:n], nil
}

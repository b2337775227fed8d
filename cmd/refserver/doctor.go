package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
)

type doctorCmd struct{}

// check is one line of the doctor's report.
type check struct {
	name string
	run  func(context.Context) (note string, err error)
	fix  string
}

// Run checks everything and fails when a line is red.
func (doctorCmd) Run(ctx context.Context, e *env) error {
	cfg, err := e.config()
	if err != nil {
		fmt.Fprintf(e.stdout, "FAIL configuration: %v\n     fix: correct the settings named above; `refserver config explain` lists all\n", err)
		return fmt.Errorf("1 check failed")
	}
	failed := 0
	for _, c := range checks(cfg) {
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		note, err := c.run(limited)
		cancel()
		if err != nil {
			failed++
			fmt.Fprintf(e.stdout, "FAIL %s: %v\n     fix: %s\n", c.name, err, c.fix)
			continue
		}
		fmt.Fprintf(e.stdout, "ok   %s%s\n", c.name, note)
	}
	if failed > 0 {
		return fmt.Errorf("%d %s failed", failed, map[bool]string{true: "check", false: "checks"}[failed == 1])
	}
	return nil
}

func checks(cfg *Config) []check {
	list := []check{
		{"configuration", func(context.Context) (string, error) { return "", nil }, ""},
		{"listen " + cfg.Listen, func(context.Context) (string, error) {
			ln, err := net.Listen("tcp", cfg.Listen)
			if err != nil {
				return "", err
			}
			return "", ln.Close()
		}, "stop what listens there, or set listen to a free address"},
		{"data folder " + cfg.Data, func(context.Context) (string, error) { return checkFolder(cfg.Data) }, "create it for this user alone: mkdir -p -m 700 " + cfg.Data + ", on a disk with free space"},
		{"database", func(ctx context.Context) (string, error) { return "", checkDatabase(ctx, cfg.Data) }, "give the folder to this user, or restore the database from a copy"},
		{"ffmpeg and ffprobe", func(ctx context.Context) (string, error) {
			for _, bin := range []string{"ffmpeg", "ffprobe"} {
				if _, err := exec.LookPath(bin); err != nil {
					return "", err
				}
			}
			return "", nil
		}, "apt-get install -y ffmpeg"},
		{"ffmpeg sandbox", func(ctx context.Context) (string, error) {
			return checkSandbox(ctx, cfg.Unsandboxed)
		}, "apt-get install -y bubblewrap and allow user namespaces, or set transcode.allow_unsandboxed=true and accept the risk"},
	}
	if len(cfg.Chains) == 0 {
		list = append(list, check{"chains", func(context.Context) (string, error) {
			return ": none configured, so every rule that asks a chain answers unknown", nil
		}, ""})
	}
	for _, c := range cfg.Chains {
		list = append(list, check{"chain " + c.ID.String(), func(ctx context.Context) (string, error) {
			return checkChain(ctx, c)
		}, "check chains." + c.ID.String() + ".rpc_url and ws_url, or its providers': they must answer, and serve this chain"})
	}
	if cfg.publicURLMissing() {
		list = append(list, check{"public_url", func(context.Context) (string, error) {
			return "", fmt.Errorf("empty while listening on %s, which is not loopback: sign-in is refused at any name but this machine's", cfg.Listen)
		}, "set public_url to the origin viewers see, https://video.example"})
	}
	return list
}

func checkFolder(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	if _, err := io.WriteString(f, "ok"); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "", err
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < 1<<30 {
		return "", fmt.Errorf("%d MiB free, less than 1 GiB", free>>20)
	}
	return fmt.Sprintf(": %d GiB free", free>>30), nil
}

func checkDatabase(ctx context.Context, dir string) error {
	db, err := sqldb.Open(ctx, filepath.Join(dir, streamgate.DatabaseFile))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Ping(ctx)
}

func checkSandbox(ctx context.Context, allowed bool) (string, error) {
	t := ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: allowed})
	if err := t.Check(ctx); err != nil {
		return "", err
	}
	if allowed {
		return ": switched off by transcode.allow_unsandboxed", nil
	}
	return "", nil
}

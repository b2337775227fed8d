// Command sgtorture hurts a StreamGate of nine services in known ways and looks whether it keeps its promises; see
// package torture. It is a tool of this project's tests and not for production.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/streamgate/streamgate/internal/torture"
)

type cli struct {
	Binary string     `default:"bin/refserver" type:"path" help:"The reference server."`
	Run    runCmd     `cmd:"" help:"Run faults against a platform and check its invariants after each."`
	List   listCmd    `cmd:"" help:"List the faults and the planted bugs."`
	Plant  plantedCmd `cmd:"" name:"planted" help:"Break promises on purpose, and see that each is found out."`
}

type runCmd struct {
	Seed    uint64        `default:"1" help:"Decides the faults, their order and their moments."`
	Kills   int           `default:"60" help:"kill -9 of roles and dependencies."`
	Toxics  int           `default:"28" help:"Toxics: 28 is each kind on each dependency."`
	Flushes int           `default:"2" help:"Redis emptied."`
	Wipes   int           `default:"2" help:"NATS streams deleted."`
	Lost    int           `default:"2" help:"S3 answers lost after the write."`
	Disks   int           `default:"2" help:"Disks filled: a worker's, the S3 server's."`
	Pauses  int           `default:"10" help:"Workers stopped beyond their lease."`
	Most    time.Duration `default:"2h" help:"Bound of the whole run."`
	Out     string        `default:"torture" help:"Folder for everything; report.json and processes.log stay."`
}

type listCmd struct{}

type plantedCmd struct {
	Only string `help:"One planted bug by its name."`
	Out  string `default:"torture-planted" help:"Folder for everything."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Dependencies that are broken on purpose are no news, and toxiproxy traces each interruption.
	zerolog.SetGlobalLevel(zerolog.Disabled)
	redis.SetLogger(silent{})
	var c cli
	k := kong.Parse(&c, kong.Name("sgtorture"), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(&c); err != nil {
		fmt.Fprintln(os.Stderr, "sgtorture:", err)
		stop()
		os.Exit(1)
	}
}

// silent is a logger of go-redis that says nothing.
type silent struct{}

// Printf implements the logger.
func (silent) Printf(context.Context, string, ...any) {}

// folder makes a folder for everything, with its absolute path.
func folder(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755) //nolint:gosec // PostgreSQL runs as another user, who must be able to pass
}

// Run runs the faults.
func (r runCmd) Run(ctx context.Context, c *cli) error {
	dir, err := folder(r.Out)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "run.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	out := io.MultiWriter(os.Stdout, log)
	rep, err := torture.Run(ctx, torture.Options{
		Binary: c.Binary, Dir: dir, Seed: r.Seed, Most: r.Most, Out: out,
		Counts: torture.Counts{Kills: r.Kills, Toxics: r.Toxics, Flushes: r.Flushes, Wipes: r.Wipes, Lost: r.Lost, Disks: r.Disks, Pauses: r.Pauses},
	})
	if rep != nil {
		rep.Write(out)
		b, jsonErr := json.MarshalIndent(rep, "", "  ")
		err = errors.Join(err, jsonErr, os.WriteFile(filepath.Join(dir, "report.json"), append(b, '\n'), 0o644)) //nolint:gosec // for everybody
	}
	if err == nil && !rep.Good() {
		err = errors.New("promises were broken, or faults did not fire: see above")
	}
	return err
}

// Run lists.
func (listCmd) Run() error {
	return torture.List(os.Stdout)
}

// Run plants bugs.
func (p plantedCmd) Run(ctx context.Context, c *cli) error {
	dir, err := folder(p.Out)
	if err != nil {
		return err
	}
	return torture.Planted(ctx, c.Binary, dir, p.Only, os.Stdout)
}

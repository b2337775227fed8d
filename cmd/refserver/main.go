// Command refserver is the reference server of StreamGate: the library, wired.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Config string   `short:"c" type:"existingfile" env:"STREAMGATE_CONFIG" help:"Configuration file (YAML)."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Set one setting, such as listen=127.0.0.1:9000; repeatable."`

	Serve   serveCmd   `cmd:"" help:"Serve the platform. No setting is needed."`
	Demo    demoCmd    `cmd:"" help:"Start everything embedded, with a test chain, demo wallets and a gated video."`
	Doctor  doctorCmd  `cmd:"" help:"Check this machine and configuration; each red line names its fix."`
	Health  healthCmd  `cmd:"" help:"Ask a running process whether it is ready; the exit code is the answer."`
	Roles   rolesCmd   `cmd:"" help:"List the roles that a process can have, and what each needs."`
	Cfg     configCmd  `cmd:"" name:"config" help:"Look at the configuration."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "refserver:", err)
		stop()
		os.Exit(1)
	}
}

// run is main without the process: arguments and environment in, error out.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("refserver"), kong.Description("Gate video by what a wallet holds."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }), kong.UsageOnError())
	if err != nil {
		return err
	}
	cmd, err := parser.Parse(args)
	if exited { // --help was printed
		return nil
	}
	if err != nil {
		return err
	}
	cmd.BindTo(ctx, (*context.Context)(nil))
	return cmd.Run(&env{cli: &c, environ: environ, stdout: stdout, stderr: stderr})
}

// env is what a command gets of the outside.
type env struct {
	cli            *cli
	environ        []string
	stdout, stderr io.Writer
}

func (e *env) config() (*Config, error) { return loadConfig(e.cli.Config, e.environ, e.cli.Set) }

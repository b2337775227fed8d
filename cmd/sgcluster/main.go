// Command sgcluster runs the demo of the reference server on nine services instead of one process: it
// starts PostgreSQL, Redis, NATS, an S3 server, Consul and a process for each role, two of streaming and of
// worker, and before them the demo's chain and wallets. It takes the flags of refserver demo, so that the
// browser test of the main job runs against both. It is a tool of this project's tests and not for production.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/cmd/refserver/soldev"
	"github.com/streamgate/streamgate/internal/cluster"
	"github.com/streamgate/streamgate/internal/servers"
)

type cli struct {
	Binary string  `default:"bin/refserver" type:"existingfile" help:"The reference server."`
	Demo   demoCmd `cmd:"" help:"Run the demo on nine services."`
}

type demoCmd struct {
	Addr string `default:"127.0.0.1:8080" help:"Address to serve on; port 0 takes a free one."`
	Data string `default:"demo-cluster" help:"Folder for everything."`
	Clip string `type:"existingfile" help:"Video to gate."`

	Solana bool `help:"Also run a small Solana (LiteSVM, not a validator), whose pass opens the video too."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("sgcluster"), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(&c); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "sgcluster:", err)
		stop()
		os.Exit(1)
	}
}

// Run starts everything and waits for ctx or the demo to end.
func (d demoCmd) Run(ctx context.Context, c *cli) (err error) {
	binary, err := filepath.Abs(c.Binary)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(d.Data)
	if err != nil {
		return err
	}
	// PostgreSQL runs as another user, who must be able to pass.
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: see above
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above; what is secret in it has modes of its own
		return err
	}
	front, err := d.front()
	if err != nil {
		return err
	}
	rpc, err := servers.FreePort()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "processes.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	opt := cluster.Options{
		Dir: filepath.Join(dir, "cluster"), Binary: binary, Replicas: cluster.DefaultReplicas(),
		RPC: fmt.Sprintf("http://127.0.0.1:%d", rpc), ChainID: "eip155:1337", PublicURL: "http://" + front, Log: log,
	}
	if opt.RoleSettings, err = issuing(dir, opt.ChainID); err != nil {
		return err
	}
	args := []string{"demo", "--rpc-port", strconv.Itoa(rpc), "--addr", front, "--data", dir}
	if d.Solana {
		port, err := servers.FreePort()
		if err != nil {
			return err
		}
		opt.Solana, opt.SolanaID = fmt.Sprintf("http://127.0.0.1:%d", port), soldev.ChainID().String()
		args = append(args, "--solana", "--solana-port", strconv.Itoa(port))
	}
	cl, err := cluster.Start(ctx, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cl.Stop()) }()
	for name, r := range cl.Roles() {
		fmt.Printf("%s at %s\n", name, r.HTTP)
	}
	args = append(args, "--platform", cl.URL)
	if d.Clip != "" {
		args = append(args, "--clip", d.Clip)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// Pdeathsig is sent when the thread that started the program ends: this one is kept until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}

// issuing lets the role that sends transactions sign with the demo's minter, as the demo in one process does.
func issuing(dir, chain string) (map[string][]string, error) {
	const password = "everyone knows this key"
	key, err := crypto.HexToECDSA(strings.TrimPrefix(devchain.Minter().PrivateKey, "0x"))
	if err != nil {
		return nil, err
	}
	file, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(key.PublicKey), PrivateKey: key}, password, keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		return nil, err
	}
	path, on := filepath.Join(dir, "minter.json"), "chains."+chain+"."
	return map[string][]string{"metadata": {
		"passes.who=creators", on + "signer=keystore:" + path, on + "signer_password=" + password, on + "confirmations=2", on + "replace_after=20s",
	}}, os.WriteFile(path, file, 0o600)
}

// front is the address that the demo will serve on; a port 0 is chosen here, as the processes must know
// the public address before.
func (d demoCmd) front() (string, error) {
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil || port != "0" {
		return d.Addr, err
	}
	n, err := servers.FreePort()
	return net.JoinHostPort(host, strconv.Itoa(n)), err
}

package chaintest

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/internal/npmtest"
)

//go:embed anvil/package.json
var anvilPackage []byte

//go:embed anvil/package-lock.json
var anvilLock []byte

// StartAnvil starts an anvil process that ends with the test, installing anvil at
// the first use on a machine. Elsewhere than on linux/amd64 it fails the test.
func StartAnvil(t testing.TB, opt Options) *Chain {
	t.Helper()
	dir := npmtest.Packages(t, anvilPackage, anvilLock)
	addr := startAnvil(t, filepath.Join(dir, "node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil"))
	c := &Chain{RPCURL: "http://" + addr, WSURL: "ws://" + addr, ID: caip.ChainID{Namespace: "eip155", Reference: "31337"}}
	c.connect(t)
	c.seal = func(ctx context.Context) error { return c.rpc(ctx, nil, "evm_mine") }
	c.reorg = c.anvilReorg
	ctx := context.Background()
	var version string
	if err := c.rpc(ctx, &version, "web3_clientVersion"); err != nil || !strings.HasPrefix(version, "anvil/v1.7.1") {
		t.Fatalf("%q answers at anvil's address: %v", version, err)
	}
	if !opt.NoMulticall {
		code := hexutil.Bytes(contracts.Multicall3().Runtime)
		if err := c.rpc(ctx, nil, "anvil_setCode", contracts.Multicall3Address, code); err != nil {
			t.Fatal(err)
		}
	}
	rich := hexutil.Big(*new(big.Int).Mul(big.NewInt(10_000), big.NewInt(params.Ether)))
	for _, a := range c.Accounts() {
		if err := c.rpc(ctx, nil, "anvil_setBalance", a, &rich); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.seal(ctx); err != nil { // what was set is state from the next block on
		t.Fatal(err)
	}
	return c
}

// startAnvil returns the address the process says it listens at; the kernel
// chose the port, so nothing else can be there.
func startAnvil(t testing.TB, bin string) string {
	t.Helper()
	// A shell that ends anvil when its own input closes: a test binary that is
	// killed cannot clean up, but its pipes do close.
	const guard = `"$0" "$@" </dev/null & cat >/dev/null; kill $!; wait $! 2>/dev/null`
	return startListening(t, exec.Command("/bin/sh", "-c", guard, bin,
		"--port", "0", "--host", "127.0.0.1", "--no-mining", "--slots-in-an-epoch", "1", "--accounts", "1", "--color", "never"), "anvil")
}

// startListening starts a process that says "Listening on ADDRESS" and ends when its
// input closes, at the end of the test.
func startListening(t testing.TB, cmd *exec.Cmd, name string) string {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if a, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok {
				addr <- a
				break
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-drained
		_ = cmd.Wait()
	})
	select {
	case a := <-addr:
		return a
	case <-drained:
		t.Fatalf("%s ended at its start: %s", name, stderr.String())
	case <-time.After(60 * time.Second):
		t.Fatalf("%s did not start within 60 s", name)
	}
	return ""
}

// anvilReorg rolls back and mines anew. Blocks of anvil depend on nothing but
// their parent, time and transactions, so the first new one gets a time of its own.
func (c *Chain) anvilReorg(ctx context.Context, depth int, fill func(context.Context) error) error {
	head, err := c.Head(ctx)
	if err != nil {
		return err
	}
	if err := c.rpc(ctx, nil, "anvil_rollback", depth); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	if err := c.rpc(ctx, nil, "evm_setNextBlockTimestamp", head.Time.Unix()+1); err != nil {
		return err
	}
	if err := fill(ctx); err != nil {
		return err
	}
	for range depth + 1 {
		if err := c.seal(ctx); err != nil {
			return err
		}
	}
	return nil
}

// SetCode replaces the code at an address, on anvil alone.
func (c *Chain) SetCode(ctx context.Context, address string, code []byte) error {
	return c.rpc(ctx, nil, "anvil_setCode", common.HexToAddress(address), hexutil.Bytes(code))
}

func (c *Chain) rpc(ctx context.Context, result any, method string, args ...any) error {
	return c.client.Client().CallContext(ctx, result, method, args...)
}

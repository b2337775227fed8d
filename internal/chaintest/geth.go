package chaintest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/internal/servers"
)

// AllKinds is Kinds and, with STREAMGATE_SLOW=1, a real geth --dev, which is built at the first use.
func AllKinds(t testing.TB) []Kind {
	kinds := Kinds(t)
	if os.Getenv("STREAMGATE_SLOW") == "1" {
		kinds = append(kinds, Kind{"geth", StartGeth})
	}
	return kinds
}

// StartGeth starts a geth --dev process that ends with the test. It mines each transaction at once, so that
// Mine makes several blocks of several; it has no Multicall3 and cannot reorganise.
func StartGeth(t testing.TB, _ Options) *Chain {
	t.Helper()
	bin, err := servers.Tool("geth")
	if err != nil {
		t.Fatal(err)
	}
	http, ws := startGeth(t, bin)
	c := &Chain{RPCURL: "http://" + http, WSURL: "ws://" + ws, ID: caip.ChainID{Namespace: "eip155", Reference: "1337"}}
	c.connect(t)
	c.seal = c.gethSeal
	ctx := context.Background()
	var rich []string
	if err := c.rpc(ctx, &rich, "eth_accounts"); err != nil || len(rich) == 0 {
		t.Fatalf("geth has no account: %v", err)
	}
	value := hexutil.Big(*new(big.Int).Mul(big.NewInt(10_000), big.NewInt(params.Ether)))
	for _, a := range c.Accounts() {
		if err := c.rpc(ctx, nil, "eth_sendTransaction", map[string]any{"from": rich[0], "to": a, "value": &value}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.poolIsEmpty(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// gethSeal waits until everything is mined, and has a block mined when there is nothing.
func (c *Chain) gethSeal(ctx context.Context) error {
	before, err := c.Head(ctx)
	if err != nil {
		return err
	}
	if err := c.poolIsEmpty(ctx); err != nil {
		return err
	}
	a := c.Accounts()[0]
	if _, err := c.send(ctx, []Tx{{From: a, To: a, Gas: params.TxGas}}); err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		now, err := c.Head(ctx)
		return now.Number > before.Number, errors.Join(err, c.poolIsEmpty(ctx))
	})
}

func (c *Chain) poolIsEmpty(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		var s struct{ Pending, Queued hexutil.Uint64 }
		err := c.rpc(ctx, &s, "txpool_status")
		return s.Pending+s.Queued == 0, err
	})
}

// poll asks every 20 ms, for a minute.
func poll(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var (
	gethHTTP = regexp.MustCompile(`HTTP server started +endpoint=(127\.0\.0\.1:\d+).*auth=false`)
	gethWS   = regexp.MustCompile(`WebSocket enabled +url=ws://(127\.0\.0\.1:\d+)`)
)

// startGeth returns the addresses that the process says it listens at.
func startGeth(t testing.TB, bin string) (http, ws string) {
	t.Helper()
	const guard = `"$0" "$@" </dev/null & cat >/dev/null; kill $!; wait $! 2>/dev/null`
	cmd := exec.Command("/bin/sh", "-c", guard, bin, "--dev", "--datadir", t.TempDir(), "--ipcdisable", "--nodiscover", "--maxpeers", "0", "--port", "0", "--authrpc.port", "0",
		"--http", "--http.addr", "127.0.0.1", "--http.port", "0", "--http.api", "eth,net,web3,txpool",
		"--ws", "--ws.addr", "127.0.0.1", "--ws.port", "0", "--ws.api", "eth,net,web3", "--log.format", "terminal", "--verbosity", "3")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	type address struct{ http, ws string }
	found, drained := make(chan address, 1), make(chan struct{})
	var said bytes.Buffer
	go func() {
		defer close(drained)
		var at address
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			if m := gethHTTP.FindStringSubmatch(lines.Text()); m != nil {
				at.http = m[1]
			}
			if m := gethWS.FindStringSubmatch(lines.Text()); m != nil && at.ws == "" {
				at.ws = m[1]
			}
			if at.http != "" && at.ws != "" {
				found <- at
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-drained
		_ = cmd.Wait()
	})
	select {
	case at := <-found:
		return at.http, at.ws
	case <-drained:
		t.Fatalf("geth ended at its start: %s", said.String())
	case <-time.After(60 * time.Second):
		t.Fatal("geth did not start within 60 s")
	}
	return "", ""
}

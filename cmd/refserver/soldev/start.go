package soldev

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Options configures Start; the zero value works.
type Options struct {
	// Port is the loopback TCP port; 0 lets the kernel choose.
	Port int
	// SlotTime is how often an empty slot is made (default 400 ms, as on the main net).
	SlotTime time.Duration
}

// Start starts a node of a genesis hash that is always the same and returns once it answers. Its JavaScript packages are
// installed at the first use into the user's cache folder, which needs Node.js 20 with npm and a package registry. The caller must Close
// it. What is missing on the machine is fault.Unavailable.
func Start(ctx context.Context, opt Options) (*Node, error) {
	const op = "soldev.Start"
	if opt.SlotTime <= 0 {
		opt.SlotTime = 400 * time.Millisecond
	}
	dir, err := install(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	genesis := Key("genesis").PublicKey().String()
	settings, err := json.Marshal(map[string]int64{"port": int64(opt.Port), "slotMs": opt.SlotTime.Milliseconds()})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	// Not ctx: the node lives until Close, or until its input ends with this process.
	cmd := exec.Command("node", "--input-type=module", "-e", string(File("node.mjs")), genesis, string(settings))
	cmd.Dir = dir
	addr, stop, err := listen(ctx, cmd)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	n, err := Attach(ctx, addr, genesis, Key("payer"))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, fmt.Errorf("%w; %w", err, stop()))
	}
	n.stop = stop
	return n, nil
}

// ChainID is the chain of every node that Start starts.
func ChainID() caip.ChainID {
	return caip.ChainID{Namespace: "solana", Reference: Key("genesis").PublicKey().String()[:32]}
}

// Close ends the node that Start started and returns when it has ended. Closing twice is harmless.
func (s *Node) Close() error {
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

// Key is a key that everyone knows, made of a name.
func Key(name string) solana.PrivateKey {
	seed := sha256.Sum256([]byte("streamgate solana demo: " + name))
	return solana.PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
}

// listen starts a process that says "Listening on ADDRESS" and ends when its input does.
func listen(ctx context.Context, cmd *exec.Cmd) (addr string, stop func() error, err error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	said, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if a, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok {
				said <- a
				break
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	stop = sync.OnceValue(func() error {
		_ = stdin.Close()
		select {
		case <-drained:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-drained
		}
		return cmd.Wait()
	})
	select {
	case addr := <-said:
		return addr, stop, nil
	case <-drained:
		return "", nil, fmt.Errorf("the node ended at its start: %w: %s", stop(), stderr.String())
	case <-ctx.Done():
		_ = stop()
		return "", nil, ctx.Err()
	case <-time.After(time.Minute):
		_ = stop()
		return "", nil, fmt.Errorf("the node did not start within a minute: %s", stderr.String())
	}
}

// install returns a folder with the node's packages, which is named by their lock. The tests' installer names and
// uses the same folders.
func install(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return "", fmt.Errorf("%w: the Solana node needs Node.js 20 or newer with npm", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	names := []string{"package-lock.json", "package.json"}
	sum := sha256.New()
	for _, name := range names {
		sum.Write([]byte(name + "\x00"))
		sum.Write(File(name))
	}
	parent := filepath.Join(cache, "streamgate", "npm")
	final := filepath.Join(parent, hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // packages from a public registry
		return "", err
	}
	// Installed aside and renamed, so that a kill leaves no half.
	tmp, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(tmp, name), File(name), 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, out)
	}
	if err := os.Rename(tmp, final); err != nil {
		if _, there := os.Stat(final); there != nil { // else another was faster
			return "", err
		}
	}
	return final, nil
}

package ipfs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// crashDir tells the test binary that it is the child of TestKilled.
const crashDir = "STREAMGATE_IPFS_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// numbered is a file that says its number.
func numbered(n uint64) []byte {
	body := storagetest.Body(n, 16+int(n%5)*2000)
	binary.BigEndian.PutUint64(body, n)
	return body
}

func keyOf(n uint64) string {
	if n%3 == 0 {
		return "again"
	}
	return fmt.Sprintf("d%d/%d", n%5, n)
}

// writeForEver puts objects, collects now and then, and prints the number of each one acknowledged.
func writeForEver(dir string) error {
	n, err := ipfs.Open(context.Background(), dir, small)
	if err != nil {
		return err
	}
	for i := uint64(1); ; i++ {
		if _, err := n.Store().Put(context.Background(), keyOf(i), bytes.NewReader(numbered(i)), storage.PutOptions{}); err != nil {
			return err
		}
		fmt.Println(i)
		if i%4 == 0 {
			if _, err := n.GC(context.Background()); err != nil {
				return err
			}
		}
	}
}

// TestKilled kills a process that writes and collects again and again: what it
// acknowledged is there and whole, and what is there is whole.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for round := range 8 {
		acked := runAndKill(t, dir, random)
		n, err := ipfs.Open(t.Context(), dir, small)
		if err != nil {
			t.Fatal(err)
		}
		s := n.Store()
		for i := uint64(1); i <= acked; i++ {
			if _, err := s.Stat(t.Context(), keyOf(i)); err != nil {
				t.Errorf("object %d of %d acknowledged: %v", i, acked, err)
			}
		}
		infos, err := s.List(t.Context(), "", "", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			got, err := read(t, s, info.Key)
			if err != nil || len(got) < 16 || !bytes.Equal(got, numbered(binary.BigEndian.Uint64(got))) {
				t.Errorf("%s: %d bytes, %v", info.Key, len(got), err)
			}
		}
		if last := acked - acked%3; last > 0 {
			if got, err := read(t, s, "again"); err != nil || binary.BigEndian.Uint64(got) < last {
				t.Errorf("the key written again and again is older than acknowledged, %v", err)
			}
		}
		if _, err := n.GC(t.Context()); err != nil {
			t.Errorf("GC: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", round)
		}
	}
}

func runAndKill(t *testing.T, dir string, random *rand.Rand) (acked uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killAt := 1 + random.Uint64N(20)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &acked); err != nil {
			t.Fatal(err)
		}
		if acked == killAt {
			// The moment is random within the write that follows.
			time.AfterFunc(time.Duration(random.Int64N(int64(10*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || acked < killAt {
		t.Fatalf("the writer ended after %d objects: %v", acked, err)
	}
	return acked
}

func TestReadAfterContext(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), small)
	put(t, n.Store(), "k", storagetest.Body(1, 5000))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := n.Store().Get(ctx, "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	_, err = r.Read(make([]byte, 10))
	wantKind(t, "Read after the context of Get has ended", err, fault.Canceled)
}

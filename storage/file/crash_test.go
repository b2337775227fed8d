package file_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// crashDir tells the test binary that it is the child of TestKilled.
const crashDir = "STREAMGATE_FILE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// bodyOf is what the object of number n holds: its number and length and then noise.
func bodyOf(n uint64) []byte {
	body := storagetest.Body(n, 16+int(n%7)*30_000)
	binary.BigEndian.PutUint64(body, n)
	binary.BigEndian.PutUint64(body[8:], uint64(len(body)))
	return body
}

// writeForEver puts objects and prints the number of each one acknowledged. Every third
// key is written again and again.
func writeForEver(dir string) error {
	s, err := file.Open(dir, file.Options{})
	if err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		key := keyOf(n)
		if _, err := s.Put(context.Background(), key, bytes.NewReader(bodyOf(n)), storage.PutOptions{}); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func keyOf(n uint64) string {
	if n%3 == 0 {
		return "again"
	}
	return fmt.Sprintf("d%d/e%d/%d", n%5, n%11, n)
}

// TestKilled kills a writing process again and again: what it acknowledged is
// there, and nothing is there in part.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for round := range 15 {
		acked := runAndKill(t, dir, random)
		s := open(t, dir, file.Options{StaleAfter: time.Nanosecond})
		for n := uint64(1); n <= acked; n++ {
			if n%3 != 0 {
				checkObject(t, s, keyOf(n), n, n)
			}
		}
		if last := acked - acked%3; last > 0 {
			checkObject(t, s, "again", last, acked+3)
		}
		infos, err := s.List(t.Context(), "", "", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			checkObject(t, s, info.Key, 0, 1<<62)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "~tmp")); len(left) > 0 {
			t.Errorf("%d unfinished writes are left after Open", len(left))
		}
		if t.Failed() {
			t.Fatalf("after kill %d, %d objects acknowledged", round, acked)
		}
	}
}

func runAndKill(t *testing.T, dir string, random *rand.Rand) (acked uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The moment is random within the write that follows some acknowledgement.
	killAt := 1 + random.Uint64N(20)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &acked); err != nil {
			t.Fatal(err)
		}
		if acked == killAt {
			time.AfterFunc(time.Duration(random.Int64N(int64(3*time.Millisecond))), func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait() // always an error: it was killed
	if acked < killAt {
		t.Fatalf("the writer ended after %d objects", acked)
	}
	return acked
}

func checkObject(t *testing.T, s storage.Store, key string, low, high uint64) {
	t.Helper()
	r, err := s.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Errorf("%s: %v", key, err)
		return
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil || len(body) < 16 {
		t.Errorf("%s: %d bytes, %v", key, len(body), err)
		return
	}
	n := binary.BigEndian.Uint64(body)
	if n < low || n > high || !bytes.Equal(body, bodyOf(n)) || !strings.HasSuffix(keyOf(n), key) {
		t.Errorf("%s holds %d bytes of object %d, not whole or not one of %d to %d", key, len(body), n, low, high)
	}
}

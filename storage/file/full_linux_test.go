package file_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/file"
)

// fullDir tells the test binary that it runs in a mount namespace of its own.
const fullDir = "STREAMGATE_FILE_TEST_FULL"

// TestFullDisk runs itself in a namespace where it may mount a file system of 1 MiB.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(fullDir)
	if dir == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if errors.As(err, new(*exec.ExitError)) {
			t.Fatalf("%s", out)
		}
		if err != nil || strings.Contains(string(out), "--- SKIP") {
			t.Skipf("this system does not let users mount: %v %s", err, out)
		}
		return
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip(err)
	}
	s := open(t, dir, file.Options{})
	put(t, s, "old", []byte("old"))
	for _, key := range []string{"old", "new"} {
		_, err := s.Put(t.Context(), key, bytes.NewReader(make([]byte, 2<<20)), storage.PutOptions{})
		msg, _, _ := fault.Public(err)
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(msg, "full") {
			t.Errorf("Put on a full disk: %v, want kind unavailable and a message", err)
		}
	}
	put(t, s, "small", make([]byte, 500_000)) // nothing of the failed ones takes room
	if info, err := s.Stat(t.Context(), "old"); err != nil || info.Size != 3 {
		t.Errorf("the old object: %+v, %v", info, err)
	}
}

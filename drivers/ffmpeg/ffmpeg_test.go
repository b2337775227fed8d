package ffmpeg_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/mediatest"
)

// program is a shell script to run in place of ffmpeg or ffprobe.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTranscoder(t *testing.T) {
	t.Parallel()
	tr := ffmpeg.New(ffmpeg.Options{})
	if !tr.Sandboxed(t.Context()) {
		t.Fatal("the sandbox does not work here: apt-get install -y bubblewrap, and allow user namespaces")
	}
	mediatest.Run(t, tr)
}

func TestTranscoderUnsandboxed(t *testing.T) {
	t.Parallel()
	tr := ffmpeg.New(ffmpeg.Options{Bwrap: "no-such-bwrap", AllowUnsandboxed: true})
	if tr.Sandboxed(t.Context()) {
		t.Fatal("sandboxed without bubblewrap")
	}
	mediatest.Run(t, tr)
}

func TestRefusesWithoutSandbox(t *testing.T) {
	t.Parallel()
	err := ffmpeg.New(ffmpeg.Options{Bwrap: "no-such-bwrap"}).Check(t.Context())
	if msg, _, _ := fault.Public(err); fault.KindOf(err) != fault.Unavailable || !strings.Contains(msg, "allow_unsandboxed") {
		t.Fatal(err)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if err := ffmpeg.New(ffmpeg.Options{FFmpeg: "no-such-ffmpeg"}).Check(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
}

// TestWhoseFault: which tries count is decided by the kind. What a source may bring about is never taken for an outage.
func TestWhoseFault(t *testing.T) {
	t.Parallel()
	src := filepath.Join(t.TempDir(), "in.mp4")
	if err := os.WriteFile(src, []byte("\x00\x00\x00\x18ftypisom"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		script string
		want   fault.Kind
	}{
		"killed, as when memory runs out": {"kill -9 $$", fault.Internal},
		"says more than is read":          {"head -c 9000000 /dev/zero | tr '\\0' x", fault.TooLarge},
		"no room on the disk":             {"echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1", fault.Unavailable},
		"cannot be read":                  {"exit 1", fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prog := program(t, "[ \"$1\" = -version ] && exit 0\n"+c.script)
			for _, bwrap := range []string{"", "no-such-bwrap"} {
				_, err := ffmpeg.New(ffmpeg.Options{FFprobe: prog, Bwrap: bwrap, AllowUnsandboxed: bwrap != ""}).Probe(t.Context(), src, media.Limits{})
				if err == nil || fault.KindOf(err) != c.want {
					t.Errorf("bwrap %q: %v, want %s", bwrap, err, c.want)
				}
			}
		})
	}
}

// TestSandboxHoldsTheProgram runs a program that tries to get out in place of ffprobe.
func TestSandboxHoldsTheProgram(t *testing.T) {
	t.Parallel()
	if !ffmpeg.New(ffmpeg.Options{}).Sandboxed(t.Context()) {
		t.Fatal("the sandbox does not work here: apt-get install -y bubblewrap, and allow user namespaces")
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o644); err != nil {
		t.Fatal(err)
	}
	// It answers with a playlist of what it could do: every line is an escape.
	script := fmt.Sprintf(`[ "$1" = -version ] && exit 0
[ -r %s ] && echo read-secret >&2
[ -r /etc/passwd ] && echo read-passwd >&2
(echo x > /usr/escape) 2>/dev/null && echo wrote-usr >&2
(echo x >> /source/input) 2>/dev/null && echo wrote-source >&2
[ "$(ls /sys/class/net 2>/dev/null | grep -v lo)" ] && echo network >&2
[ "$(grep -c : /proc/net/dev)" -gt 1 ] && echo network >&2
[ -n "$STREAMGATE_ESCAPE" ] && echo environment >&2
echo done >&2
exit 1
`, secret)
	prog := program(t, script)
	src := filepath.Join(t.TempDir(), "in.mp4")
	if err := os.WriteFile(src, []byte("\x00\x00\x00\x18ftypisom"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := ffmpeg.New(ffmpeg.Options{FFprobe: prog}).Probe(context.Background(), src, media.Limits{})
	if err == nil || !strings.HasSuffix(strings.TrimSpace(err.Error()), "status 1: done") {
		t.Fatalf("the program got out: %v", err)
	}
}

func ExampleNew() {
	tr := ffmpeg.New(ffmpeg.Options{})
	if err := tr.Check(context.Background()); err != nil {
		fmt.Println("the transcoder cannot work here")
	}
	// Output:
}

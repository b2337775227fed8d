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

// TestSandboxHoldsTheProgram runs a program that tries to get out in place of ffprobe.
func TestSandboxHoldsTheProgram(t *testing.T) {
	t.Parallel()
	if !ffmpeg.New(ffmpeg.Options{}).Sandboxed(t.Context()) {
		t.Fatal("the sandbox does not work here: apt-get install -y bubblewrap, and allow user namespaces")
	}
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o644); err != nil {
		t.Fatal(err)
	}
	// It answers with a playlist of what it could do: every line is an escape.
	script := fmt.Sprintf(`#!/bin/sh
[ "$1" = -version ] && exit 0
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
	prog := filepath.Join(dir, "probe.sh")
	if err := os.WriteFile(prog, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
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

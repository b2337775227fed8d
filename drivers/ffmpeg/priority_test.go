package ffmpeg_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/media"
)

// TestPlaybackGoesFirst runs a program that tells its place in the queues of processor and disk, and what it was asked, in place of ffmpeg.
func TestPlaybackGoesFirst(t *testing.T) {
	t.Parallel()
	tell := program(t, "(nice; ionice; echo \"$@\") > told")
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	probe := media.Probe{Rate: media.Rate{Num: 25, Den: 1}, TimeBase: media.Rate{Num: 1, Den: 25}}
	for name, bwrap := range map[string]string{"sandboxed": "", "unsandboxed": "no-such-bwrap"} {
		tr := ffmpeg.New(ffmpeg.Options{FFmpeg: tell, Bwrap: bwrap, AllowUnsandboxed: bwrap != ""})
		told := func(urgent bool) []string {
			t.Helper()
			dir := t.TempDir()
			job := media.VideoJob{
				Source: source, Dir: dir, Probe: probe, Rungs: []media.Rung{{ID: "v1", Width: 2, Height: 2, MaxRate: 1000}}, Keyframes: []int64{0}, Attempt: 1,
				Threads: 3, Urgent: urgent,
			}
			if err := tr.Video(t.Context(), job, nil); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "told"))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Split(string(b), "\n")
		}
		own, chunk := told(true), told(false)
		if own[0] == chunk[0] || own[1] == chunk[1] || chunk[1] != "best-effort: prio 7" {
			t.Errorf("%s: an urgent run has %q, a chunk %q", name, own[:2], chunk[:2])
		}
		// Decoder, filters and encoder.
		if strings.Count(chunk[2], "threads 3 ") != 3 {
			t.Errorf("%s: %s", name, chunk[2])
		}
	}
}

package sgtest_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/sgtest"
)

var update = flag.Bool("update", false, "make the kit's clip anew, with ffmpeg")

// recorder keeps what a real transcoder makes.
type recorder struct {
	media.Transcoder
	t   *testing.T
	dir string
}

func (r recorder) Probe(ctx context.Context, source string, l media.Limits) (media.Probe, error) {
	p, err := r.Transcoder.Probe(ctx, source, l)
	if err != nil {
		return p, err
	}
	b, _ := json.MarshalIndent(p, "", "\t")
	return p, os.WriteFile(filepath.Join(r.dir, "probe.json"), append(b, '\n'), 0o644)
}

func (r recorder) Video(ctx context.Context, job media.VideoJob, progress func(int64)) error {
	if err := r.Transcoder.Video(ctx, job, progress); err != nil {
		return err
	}
	for _, rung := range job.Rungs {
		b, err := os.ReadFile(filepath.Join(job.Dir, rung.ID+".mp4"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.dir, fmt.Sprintf("%s-%d.mp4", rung.ID, job.First)), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// TestClip makes the files of testdata/clip with -update. Otherwise it only looks at their
// size: that they are right every other test shows.
func TestClip(t *testing.T) {
	t.Parallel()
	const dir = "testdata/clip"
	if *update {
		source := filepath.Join(t.TempDir(), "clip.mp4")
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=c=navy:size=64x36:rate=12:duration=8",
			"-c:v", "libx264", "-pix_fmt", "yuv420p", source).CombinedOutput()
		if err != nil {
			t.Fatalf("ffmpeg: %v %s", err, out)
		}
		b, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		kit := sgtest.New(t, streamgate.WithTranscoder(recorder{ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: true}), t, dir}))
		kit.Await(kit.Upload("clip", nil, b), media.Ready)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("the clip has %d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() > 10<<10 {
			t.Errorf("%s is too large to carry about: %d bytes, %v", f.Name(), info.Size(), err)
		}
	}
}

package media_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/media"
)

// BenchmarkTranscode reports the processor time of the pipeline beside that of one plain ffmpeg
// command that makes the same ladder from the same source in the same run, and the time
// from the upload's end to the first playable segment. STREAMGATE_BENCH_CLIP names a 720p source (scripts/fetch-clip.sh);
// without it one is made.
func BenchmarkTranscode(b *testing.B) {
	src := os.Getenv("STREAMGATE_BENCH_CLIP")
	if src == "" {
		src = picture(b)
	}
	for b.Loop() {
		before := childTime()
		args := []string{"-nostdin", "-v", "error", "-y", "-i", src, "-filter_complex", "[0:v]split=3[a][b][c];[a]format=yuv420p[o0];[b]scale=854:480[o1];[c]scale=640:360[o2]"}
		for i, rate := range []int{2_800_000, 1_400_000, 800_000} {
			args = append(args, "-map", fmt.Sprintf("[o%d]", i), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-maxrate", fmt.Sprint(rate), "-bufsize", fmt.Sprint(rate*3/2),
				"-bf", "2", "-g", "48", "-sc_threshold", "0", "-movflags", "+frag_keyframe+empty_moov", filepath.Join(b.TempDir(), fmt.Sprintf("%d.mp4", i)))
		}
		args = append(args, "-map", "0:a", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", filepath.Join(b.TempDir(), "a.mp4"))
		begun := time.Now()
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			b.Fatalf("%v %s", err, out)
		}
		plain, plainWall := childTime()-before, time.Since(begun)
		b.ReportMetric(plain.Seconds(), "plain-cpu-s")
		before = childTime()
		first, all := pipeline(b, src)
		ours := childTime() - before
		b.ReportMetric(ours.Seconds(), "cpu-s")
		b.ReportMetric(ours.Seconds()/plain.Seconds(), "cpu-ratio")
		b.ReportMetric(all.Seconds()/plainWall.Seconds(), "wall-ratio")
		b.ReportMetric(first.Seconds(), "first-playable-s")
	}
}

func picture(b *testing.B) string {
	b.Helper()
	src := filepath.Join(b.TempDir(), "src.mp4")
	gen := append(append([]string{"-v", "error"}, bars("1280x720", "24", 52)...), tone(52)...)
	gen = append(gen, "-vf", "noise=alls=6:allf=t", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "3M", "-c:a", "aac", "-shortest", src)
	if out, err := exec.Command("ffmpeg", gen...).CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	return src
}

// childTime is the user and system time of all children waited for.
func childTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pipeline uploads and processes src, and returns when it was playable and ready.
func pipeline(b *testing.B, src string) (first, all time.Duration) {
	b.Helper()
	// Bubblewrap does not wait for its child, so its processor time would not be counted.
	h := newHouse(b, func(o *media.Options) {
		o.Transcoder = ffmpeg.New(ffmpeg.Options{Bwrap: "none", AllowUnsandboxed: true})
	})
	h.run()
	a := h.create("bench")
	h.upload(a.ID, read(b, src))
	begun := time.Now()
	h.await(a.ID, media.Playable, media.Ready, media.Failed)
	first = time.Since(begun)
	if a = h.await(a.ID, media.Ready, media.Failed); a.Status != media.Ready {
		b.Fatal(a.Reason)
	}
	return first, time.Since(begun)
}

// Package mediatest holds what every media.Transcoder must pass. It makes its own
// sources with the ffmpeg in PATH.
package mediatest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
)

// Run holds tr to the contract of media.Transcoder.
func Run(t *testing.T, tr media.Transcoder) {
	t.Run("check", func(t *testing.T) {
		if err := tr.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("chunks add up", func(t *testing.T) { t.Parallel(); chunks(t, tr) })
	t.Run("sound and picture agree", func(t *testing.T) { t.Parallel(); sync(t, tr) })
	t.Run("upright", func(t *testing.T) { t.Parallel(); upright(t, tr) })
	t.Run("canceled", func(t *testing.T) { t.Parallel(); canceled(t, tr) })
	t.Run("damaged", func(t *testing.T) { t.Parallel(); damaged(t, tr) })
	t.Run("limits", func(t *testing.T) { t.Parallel(); limits(t, tr) })
}

// Source makes a video with ffmpeg and returns its path.
func Source(t testing.TB, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append(append([]string{"-nostdin", "-v", "error", "-y"}, args...), path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	return path
}

func probe(t *testing.T, tr media.Transcoder, path string) media.Probe {
	t.Helper()
	p, err := tr.Probe(t.Context(), path, media.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ingest(t *testing.T, path string, base int64, skip int) (cmaf.Ingested, []byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out bytes.Buffer
	in, err := cmaf.Ingest(f, &out, cmaf.IngestOptions{Object: "o", SegmentMS: media.SegmentMS, FragmentMS: media.FragmentMS, BaseSample: base, Skip: skip})
	if err != nil {
		t.Fatal(err)
	}
	return in, out.Bytes()
}

// keys are the frames of [first, end) on the fragment grid, from first.
func keys(r media.Rate, first, end int64) (out []int64) {
	for n := int64(0); ; n++ {
		switch f := r.FrameAt(n * media.FragmentMS); {
		case f >= end:
			return out
		case f >= first:
			out = append(out, f-first)
		}
	}
}

// chunks encodes a source whose keyframes are nowhere near the grid in three runs,
// and finds each frame exactly once: every frame shows its number in grey.
func chunks(t *testing.T, tr media.Transcoder) {
	const frames = 300
	src := Source(t, "n.mp4", "-f", "lavfi", "-i", fmt.Sprintf("color=black:s=64x64:r=24000/1001:d=%f", frames*1001/24000.0),
		"-vf", "geq=lum='16+mod(N\\,100)*2':cb=128:cr=128", "-frames:v", fmt.Sprint(frames), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "4", "-g", "77", "-pix_fmt", "yuv420p")
	p := probe(t, tr, src)
	if p.Rate != (media.Rate{Num: 24000, Den: 1001}) || !p.Constant || p.Frames != frames {
		t.Fatalf("probe: %+v", p)
	}
	rungs := []media.Rung{{ID: "v64", Width: 64, Height: 64, MaxRate: 1e6}, {ID: "v32", Width: 32, Height: 32, MaxRate: 1e6}}
	borders := []int64{0, p.Rate.FrameAt(4000), p.Rate.FrameAt(8000), 0}
	files := map[string][]byte{}
	var sum int
	for i := range 3 {
		dir := t.TempDir()
		first, end := borders[i], borders[i+1]
		last := end
		if last == 0 {
			last = frames + 100
		}
		var told int64
		job := media.VideoJob{Source: src, Dir: dir, Probe: p, Rungs: rungs, First: first, End: end, Keyframes: keys(p.Rate, first, last), Attempt: 1}
		if err := tr.Video(t.Context(), job, func(n int64) { told = n }); err != nil {
			t.Fatal(err)
		}
		for _, r := range rungs {
			in, b := ingest(t, filepath.Join(dir, r.ID+".mp4"), first, 0)
			if end > 0 && int64(in.Samples) != end-first {
				t.Errorf("chunk %d of %s has %d frames, want %d", i, r.ID, in.Samples, end-first)
			}
			if r.ID == "v64" {
				sum += in.Samples
			}
			if files[r.ID] == nil {
				files[r.ID] = in.Track.Init
			}
			files[r.ID] = append(files[r.ID], b...)
			if told == 0 {
				t.Error("no progress was told")
			}
		}
	}
	if sum != frames {
		t.Errorf("%d frames in all, want %d", sum, frames)
	}
	path := filepath.Join(t.TempDir(), "all.mp4")
	if err := os.WriteFile(path, files["v64"], 0o600); err != nil {
		t.Fatal(err)
	}
	grey, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-").Output()
	if err != nil || len(grey) != frames {
		t.Fatalf("%d frames decode, %v", len(grey), err)
	}
	for i, g := range grey {
		// Full range: (16+2n-16)*255/219.
		if want := float64(i%100*2) * 255 / 219; math.Abs(float64(g)-want) > 1.7 {
			t.Fatalf("frame %d shows %d, want %.0f: frames are lost, doubled or moved", i, g, want)
		}
	}
}

// sync encodes a source with a flash and a click at 3 s and finds both there.
func sync(t *testing.T, tr media.Transcoder) {
	src := Source(t, "s.mkv", "-f", "lavfi", "-i", "color=black:s=64x64:r=50:d=6", "-f", "lavfi", "-i", "aevalsrc='if(between(t,3,3.1),0.9*sin(2*PI*1000*t),0)':s=44100:d=6",
		"-vf", "geq=lum='if(between(T,2.999,3.1),235,16)':cb=128:cr=128", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", "-output_ts_offset", "5")
	p := probe(t, tr, src)
	dir := t.TempDir()
	job := media.VideoJob{Source: src, Dir: dir, Probe: p, Rungs: []media.Rung{{ID: "v64", Width: 64, Height: 64, MaxRate: 1e6}}, Keyframes: keys(p.Rate, 0, 1000), Attempt: 1}
	if err := tr.Video(t.Context(), job, nil); err != nil {
		t.Fatal(err)
	}
	if err := tr.Audio(t.Context(), media.AudioJob{Source: src, Dir: dir, Name: "a", Probe: p, BitRate: 128000, SampleRate: 48000}, nil); err != nil {
		t.Fatal(err)
	}
	var at [2]float64
	for i, c := range []struct {
		name string
		skip int
		args []string
	}{
		{"v64", 0, []string{"-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo"}},
		{"a", media.Priming, []string{"-ac", "1", "-f", "s16le"}},
	} {
		in, b := ingest(t, filepath.Join(dir, c.name+".mp4"), 0, c.skip)
		path := filepath.Join(dir, c.name+".clean.mp4")
		if err := os.WriteFile(path, append(in.Track.Init, b...), 0o600); err != nil {
			t.Fatal(err)
		}
		raw, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-i", path}, c.args...), "-")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		at[i] = -1
		if i == 0 {
			for n, g := range raw {
				if g > 128 {
					at[i] = float64(n) / 50
					break
				}
			}
			continue
		}
		for n := 0; n+1 < len(raw); n += 2 {
			if s := int16(binary.LittleEndian.Uint16(raw[n:])); s > 6000 || s < -6000 {
				at[i] = float64(n/2) / 48000
				break
			}
		}
	}
	if math.Abs(at[0]-3) > 0.001 || math.Abs(at[1]-3) > 0.01 {
		t.Errorf("flash at %.4f s, click at %.4f s, want 3 s", at[0], at[1])
	}
}

// upright probes a video that is stored on its side.
func upright(t *testing.T, tr media.Transcoder) {
	flat := Source(t, "flat.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast")
	turned := Source(t, "turned.mp4", "-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=90")
	p := probe(t, tr, turned)
	if p.Width != 180 || p.Height != 320 {
		t.Fatalf("%dx%d, want 180x320", p.Width, p.Height)
	}
	dir := t.TempDir()
	job := media.VideoJob{Source: turned, Dir: dir, Probe: p, Rungs: []media.Rung{{ID: "v180", Width: 180, Height: 320, MaxRate: 1e6}}, Keyframes: []int64{0}, Attempt: 1}
	if err := tr.Video(t.Context(), job, nil); err != nil {
		t.Fatal(err)
	}
	if in, _ := ingest(t, filepath.Join(dir, "v180.mp4"), 0, 0); in.Track.Width != 180 || in.Track.Height != 320 || in.Samples != 25 {
		t.Errorf("%+v", in)
	}
}

// canceled ends a long run at its first sign of life.
func canceled(t *testing.T, tr media.Transcoder) {
	src := Source(t, "long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=40", "-c:v", "libx264", "-preset", "ultrafast")
	p := probe(t, tr, src)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	job := media.VideoJob{Source: src, Dir: t.TempDir(), Probe: p, Rungs: []media.Rung{{ID: "v720", Width: 1280, Height: 720, MaxRate: 3e6}}, Keyframes: keys(p.Rate, 0, 1200), Attempt: 1}
	err := tr.Video(ctx, job, func(int64) { cancel() })
	if fault.KindOf(err) != fault.Canceled || err == nil {
		t.Errorf("want canceled, got %v", err)
	}
	if d := time.Since(begun); d > 30*time.Second {
		t.Errorf("took %s to stop", d)
	}
}

// damaged gives what is no video.
func damaged(t *testing.T, tr media.Transcoder) {
	for name, body := range map[string]string{"text": "hello", "playlist": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "empty": ""} {
		path := filepath.Join(t.TempDir(), "x.mp4")
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := tr.Probe(t.Context(), path, media.Limits{})
		if msg, _, _ := fault.Public(err); fault.KindOf(err) != fault.Unsupported || msg == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// limits refuses what is too long or too large by the caller's bounds.
func limits(t *testing.T, tr media.Transcoder) {
	src := Source(t, "l.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", "-c:v", "libx264", "-preset", "ultrafast")
	for name, l := range map[string]media.Limits{"duration": {MaxDuration: time.Second}, "side": {MaxSide: 300}, "pixels": {MaxPixels: 320*180 - 1}} {
		if _, err := tr.Probe(t.Context(), src, l); fault.KindOf(err) != fault.TooLarge || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

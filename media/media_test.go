package media_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/media"
)

// TestBadInput: whatever is sent ends as a failed asset with a reason a person
// understands, and nothing of it stays.
func TestBadInput(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.run()
	good := clip(t, "a.mp4", append(bars("320x180", "25", 12), "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "+faststart")...)
	late := clip(t, "b.mp4", append(bars("320x180", "25", 4), "-c:v", "libx264", "-preset", "ultrafast")...)
	mkv := clip(t, "c.mkv", append(bars("320x180", "25", 12), "-c:v", "libx264", "-preset", "ultrafast")...)
	sound := clip(t, "d.mp4", append(tone(2), "-c:a", "aac")...)
	huge := clip(t, "e.mp4", "-f", "lavfi", "-i", "color=s=8448x64:r=1:d=1", "-c:v", "libx264", "-preset", "ultrafast")
	png := clip(t, "f.png", "-f", "lavfi", "-i", "color=s=4000x4000:r=1:d=1", "-frames:v", "1")
	for _, c := range []struct {
		name, reason string
		body         []byte
	}{
		{"text", "not a video", []byte("hello, this is not a film\n")},
		{"noise", "not a video", noise(100000)},
		{"hls playlist", "playlist", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")},
		{"hls playlist after a blank line", "playlist", []byte("\n #EXTM3U\n#EXTINF:4,\nhttp://127.0.0.1:1/x.ts\n")},
		{"concat script", "playlist", []byte("ffconcat version 1.0\nfile /etc/passwd\n")},
		{"dash manifest", "playlist", []byte("<?xml version=\"1.0\"?><MPD></MPD>")},
		{"image", "not a video", png},
		{"picture bomb", "pixels", huge},
		{"sound only", "no picture", sound},
		{"index cut off", "not a video", late[:len(late)/2]},
		{"end cut off, mp4", "ends early", good[:len(good)*2/3]},
		{"last pictures cut off, mp4", "ends early", good[:len(good)-len(good)/60]},
		{"end cut off, matroska", "ends early", mkv[:len(mkv)/2]},
	} {
		a := h.create(c.name)
		h.upload(a.ID, c.body)
		t.Run(c.name, func(t *testing.T) {
			got := h.await(a.ID, media.Failed, media.Ready)
			if got.Status != media.Failed || !strings.Contains(got.Reason, c.reason) || strings.Contains(got.Reason, "/") {
				t.Fatalf("%s %q, want a reason with %q", got.Status, got.Reason, c.reason)
			}
			if _, err := h.svc.Version(t.Context(), "", a.ID, 0); err == nil {
				t.Fatal("a failed asset has a version")
			}
		})
	}
	h.tidy()
	if left, err := filepath.Glob(filepath.Join(h.work, "*", "*")); err != nil || len(left) > 1 { // the lock
		t.Errorf("scratch left: %v %v", left, err)
	}
	if infos, _ := h.objects.List(t.Context(), "", "", 0); len(infos) != 0 {
		t.Errorf("objects left: %v", infos)
	}
}

// TestSources: every kind of source that is taken comes out upright, 8-bit, progressive
// and with all its pictures.
func TestSources(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.run()
	x264 := []string{"-c:v", "libx264", "-preset", "ultrafast"}
	join := func(lists ...[]string) (out []string) {
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	for _, c := range []struct {
		name   string
		file   string
		args   []string
		w, h   int
		frames int // 0: not exact
		audio  bool
	}{
		{"23.976 with sparse keyframes", "a.mp4", join(bars("320x180", "24000/1001", 31), tone(31), x264, []string{"-g", "170", "-c:a", "aac"}), 320, 180, 744, true},
		{"25 without sound", "b.mp4", join(bars("320x180", "25", 9), x264), 320, 180, 225, false},
		{"29.97 in matroska", "c.mkv", join(bars("320x180", "30000/1001", 10), tone(10.4), x264, []string{"-c:a", "libopus"}), 320, 180, 300, true},
		{"30 in a transport stream", "d.ts", join(bars("320x180", "30", 10), tone(10), x264, []string{"-g", "60", "-c:a", "aac"}), 320, 180, 300, true},
		{"vp9 in webm", "e.webm", join(bars("160x90", "25", 5), []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"}), 160, 90, 125, false},
		{"odd size", "f.mkv", join(bars("321x181", "25", 2), []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"}), 320, 180, 50, false},
		{"10 bit hdr", "g.mkv", join(bars("160x90", "25", 2), []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc", "-pix_fmt", "yuv420p10le", "-color_trc", "smpte2084"}), 160, 90, 50, false},
		{"interlaced", "h.ts", join(bars("320x180", "25", 5), []string{"-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-top", "1"}), 320, 180, 125, false},
		{"wide pixels", "i.mp4", join(bars("320x240", "25", 2), x264, []string{"-vf", "setsar=4/3"}), 426, 240, 50, false},
		{"variable rate", "j.mkv", join(bars("320x180", "30", 12), x264, []string{"-vf", "select='lt(mod(n,7),5)'", "-vsync", "vfr"}), 320, 180, 0, false},
		{"one picture a second", "k.mp4", join(bars("320x180", "1", 9), x264), 320, 180, 108, false},
		{"one picture", "l.mp4", join(bars("320x180", "25", 0.04), x264), 320, 180, 1, false},
		{"sound longer than picture", "m.mp4", join(bars("320x180", "25", 5), tone(14), x264, []string{"-c:a", "aac"}), 320, 180, 125, true},
		{"delayed by edit list", "n.mp4", join(bars("320x180", "25", 8), tone(8), x264, []string{"-c:a", "aac", "-output_ts_offset", "3"}), 320, 180, 200, true},
	} {
		a := h.create(c.name)
		h.upload(a.ID, clip(t, c.file, c.args...))
		t.Run(c.name, func(t *testing.T) {
			a := h.await(a.ID, media.Ready, media.Failed)
			if a.Status != media.Ready {
				t.Fatalf("failed: %s", a.Reason)
			}
			v, err := h.svc.Version(t.Context(), "", a.ID, 1)
			if err != nil {
				t.Fatal(err)
			}
			video := v.Tracks[0]
			if video.Width != c.w || video.Height != c.h || !v.Complete {
				t.Errorf("%dx%d, want %dx%d", video.Width, video.Height, c.w, c.h)
			}
			if n := samples(video); c.frames > 0 && n != c.frames {
				t.Errorf("%d frames, want %d", n, c.frames)
			}
			if (len(v.Tracks) == 2) != c.audio {
				t.Errorf("%d tracks", len(v.Tracks))
			}
			for _, s := range []error{onGrid(v), playsClean(t, h, v)} {
				if s != nil {
					t.Error(s)
				}
			}
		})
	}
}

// onGrid checks what every reader of a Version relies on.
func onGrid(v *media.Version) error {
	for _, tr := range v.Tracks {
		var at uint64
		for i, s := range tr.Segments {
			border := uint64(i) * uint64(v.Grid.SegmentMS) * uint64(tr.Timescale) / 1000
			tick := s.Duration / uint64(s.Samples)
			if s.Time != at || s.Time+tick < border || s.Time > border+tick {
				return fmt.Errorf("%s segment %d starts at %d, expected %d near %d", tr.ID, i, s.Time, at, border)
			}
			at += s.Duration
		}
	}
	return nil
}

// playsClean decodes each stored track whole and counts what comes out.
func playsClean(t *testing.T, h *house, v *media.Version) error {
	t.Helper()
	for _, tr := range v.Tracks {
		path := filepath.Join(t.TempDir(), tr.ID+".mp4")
		if err := os.WriteFile(path, h.stored(tr), 0o600); err != nil {
			return err
		}
		n, err := decoded(path, string(tr.Kind))
		if err != nil {
			return err
		}
		if want := samples(tr); n != want {
			return fmt.Errorf("%s: %d of %d samples decode", tr.ID, n, want)
		}
	}
	return nil
}

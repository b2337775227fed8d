package cmaf_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
)

// encoded is a short fragmented file as an encoder writes it.
func encoded(t testing.TB, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.mp4")
	args = append(append([]string{"-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"}, args...),
		"-movflags", "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets", path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pictures(t testing.TB, seconds string) []byte {
	return encoded(t, "testsrc2=s=64x64:r=25:d="+seconds, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-sc_threshold", "0")
}

func sound(t testing.TB) []byte {
	return encoded(t, "sine=r=48000:d=17", "-c:a", "aac", "-frag_duration", "2000000")
}

var grid = cmaf.IngestOptions{Object: "o", SegmentMS: 4000, FragmentMS: 2000}

func TestIngestVideo(t *testing.T) {
	t.Parallel()
	opt := grid
	opt.BaseSample = 100
	var out bytes.Buffer
	in, err := cmaf.Ingest(bytes.NewReader(pictures(t, "9")), &out, opt)
	if err != nil {
		t.Fatal(err)
	}
	tick := uint64(in.Track.Timescale / 25)
	if in.Samples != 225 || in.Duration != 225*tick || in.Bytes != int64(out.Len()) || in.Track.Kind != cmaf.Video || len(in.Track.Codec) != 11 {
		t.Fatalf("%+v", in)
	}
	var at int64
	for i, s := range in.Track.Segments {
		want := []int{100, 100, 25}[i]
		if s.Samples != want || s.Offset != at || s.Time != uint64(100+100*i)*tick || s.Object != "o" {
			t.Errorf("segment %d: %+v", i, s)
		}
		at += s.Length
	}
	if at != in.Bytes {
		t.Errorf("segments cover %d of %d bytes", at, in.Bytes)
	}
}

// TestIngestAudio: 8 s at 48 kHz are 375 frames, and borders are at the nearest frame.
func TestIngestAudio(t *testing.T) {
	t.Parallel()
	opt := grid
	opt.Skip = 1
	in, err := cmaf.Ingest(bytes.NewReader(sound(t)), io.Discard, opt)
	if err != nil {
		t.Fatal(err)
	}
	if in.Track.Codec != "mp4a.40.2" || in.Track.SampleRate != 48000 {
		t.Fatalf("%+v", in.Track)
	}
	for i, want := range []uint64{0, 188 * 1024, 375 * 1024, 563 * 1024, 750 * 1024} {
		// 187.5 rounds either way; the rule is half a frame before counts as after.
		if got := in.Track.Segments[i].Time; got+1024 < want || got > want {
			t.Errorf("segment %d starts at frame %d", i, got/1024)
		}
	}
	if in.Track.Segments[2].Time != 375*1024 {
		t.Errorf("the 8 s border is at %d", in.Track.Segments[2].Time)
	}
}

func TestIngestRefuses(t *testing.T) {
	t.Parallel()
	good := pictures(t, "4")
	for name, c := range map[string]struct {
		in   []byte
		opt  cmaf.IngestOptions
		want fault.Kind
	}{
		"nothing":       {nil, grid, fault.Corrupt},
		"text":          {[]byte("not a box at all"), grid, fault.TooLarge},
		"cut off":       {good[:len(good)-10], grid, fault.Corrupt},
		"init only":     {good[:1000], grid, fault.Corrupt},
		"off the grid":  {good, cmaf.IngestOptions{Object: "o", SegmentMS: 4000, FragmentMS: 2000, BaseSample: 7}, fault.Internal},
		"uneven grid":   {good, cmaf.IngestOptions{Object: "o", SegmentMS: 4000, FragmentMS: 3000}, fault.Invalid},
		"negative base": {good, cmaf.IngestOptions{Object: "o", SegmentMS: 4000, FragmentMS: 2000, BaseSample: -1}, fault.Invalid},
		"huge box":      {[]byte("\x7f\xff\xff\xffmoov"), grid, fault.TooLarge},
		"tiny box":      {[]byte("\x00\x00\x00\x04moov"), grid, fault.Corrupt},
	} {
		if _, err := cmaf.Ingest(bytes.NewReader(c.in), io.Discard, c.opt); err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestIngesterInPieces: pieces make the same fragments as one run, each object counts from its
// own start, and a later run goes on where an earlier one was stopped.
func TestIngesterInPieces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		skip int
	}{"video": {pictures(t, "17"), 0}, "audio": {sound(t), 1}} {
		opt := grid
		opt.Skip = c.skip
		var whole bytes.Buffer
		want, err := cmaf.Ingest(bytes.NewReader(c.file), &whole, opt)
		if err != nil {
			t.Fatal(err)
		}
		in, err := cmaf.NewIngester(bytes.NewReader(c.file), opt)
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		var segs []cmaf.Segment
		kept := 0
		for n := 0; ; n++ {
			var out bytes.Buffer
			object := fmt.Sprint(n)
			got, err := in.Next(&out, object, 1+n)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n < 2 && len(got.Track.Segments) != 1+n {
				t.Errorf("%s: piece %d has %d segments", name, n, len(got.Track.Segments))
			}
			var at int64
			for _, s := range got.Track.Segments {
				if s.Object != object || s.Offset != at {
					t.Errorf("%s: piece %d: %+v", name, n, s)
				}
				at += s.Length
			}
			if at != got.Bytes || got.Bytes != int64(out.Len()) || !bytes.Equal(got.Track.Init, want.Track.Init) || got.Track.Bandwidth == 0 {
				t.Errorf("%s: piece %d: %+v", name, n, got)
			}
			all, segs = append(all, out.Bytes()...), append(segs, got.Track.Segments...)
			if n == 0 {
				kept = got.Samples
			}
		}
		if !bytes.Equal(all, whole.Bytes()) || len(segs) != len(want.Track.Segments) {
			t.Fatalf("%s: the pieces are not the whole", name)
		}
		for i, s := range want.Track.Segments {
			if segs[i].Time != s.Time || segs[i].Duration != s.Duration || segs[i].Samples != s.Samples {
				t.Errorf("%s: segment %d is %+v, want %+v", name, i, segs[i], s)
			}
		}
		if _, err := in.Next(io.Discard, "", 1); err != io.EOF {
			t.Errorf("%s: after the end: %v", name, err)
		}
		if name == "video" {
			continue
		}
		opt.Skip, opt.BaseSample = c.skip+kept, int64(kept)
		var rest bytes.Buffer
		if _, err := cmaf.Ingest(bytes.NewReader(c.file), &rest, opt); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(whole.Bytes(), rest.Bytes()) || rest.Len() == 0 {
			t.Errorf("%s: what follows piece 0 differs in a later run", name)
		}
	}
}

// FuzzIngest: outside bytes end in an error or in a consistent index, never in a panic or in
// memory out of proportion.
func FuzzIngest(f *testing.F) {
	for skip, name := range []string{"video.mp4", "audio.mp4"} {
		b, err := os.ReadFile("testdata/seed/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(skip))
	}
	f.Fuzz(func(t *testing.T, b []byte, skip uint8) {
		if len(b) > 16<<10 {
			return // boxes do not get stranger by being larger
		}
		opt := grid
		opt.Skip = int(skip)
		var out bytes.Buffer
		in, err := cmaf.Ingest(bytes.NewReader(b), &out, opt)
		if err != nil {
			return
		}
		var at int64
		n := 0
		for _, s := range in.Track.Segments {
			if s.Offset != at {
				t.Fatalf("hole before %+v", s)
			}
			at += s.Length
			n += s.Samples
		}
		if at != int64(out.Len()) || n != in.Samples {
			t.Fatalf("index covers %d of %d bytes, %d of %d samples", at, out.Len(), n, in.Samples)
		}
	})
}

package hls_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/hls"
	"github.com/streamgate/streamgate/internal/npmtest"
)

func ExampleWriteMultivariant() {
	err := hls.WriteMultivariant(os.Stdout, hls.Multivariant{
		IndependentSegments: true,
		Audio:               []hls.Audio{{Group: "audio", Name: "English", Language: "en", URI: "a128.m3u8", Default: true, Channels: 2}},
		Variants: []hls.Variant{{
			URI: "v720.m3u8", Bandwidth: 3_000_000, AverageBandwidth: 2_500_000, Codecs: []string{"avc1.64001f", "mp4a.40.2"},
			Width: 1280, Height: 720, FrameRate: 24, AudioGroup: "audio",
		}},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-INDEPENDENT-SEGMENTS
	// #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",URI="a128.m3u8",CHANNELS="2"
	// #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2500000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="audio",CLOSED-CAPTIONS=NONE,FRAME-RATE=24.000
	// v720.m3u8
}

func ExampleWriteMedia() {
	key := &hls.Key{Method: "AES-128", URI: "../key/1", IV: make([]byte, 16)}
	err := hls.WriteMedia(os.Stdout, hls.Media{
		Map: "init.mp4",
		Segments: []hls.Segment{
			{URI: "0.m4s", Duration: 4 * time.Second},
			{URI: "1.m4s", Duration: 4010667 * time.Microsecond, Key: key},
			{URI: "2.m4s", Duration: 4 * time.Second, Key: key},
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-MAP:URI="init.mp4"
	// #EXT-X-PLAYLIST-TYPE:VOD
	// #EXT-X-MEDIA-SEQUENCE:0
	// #EXT-X-TARGETDURATION:4
	// #EXTINF:4.000000,
	// 0.m4s
	// #EXT-X-KEY:METHOD=AES-128,URI="../key/1",IV=0x00000000000000000000000000000000
	// #EXTINF:4.010667,
	// 1.m4s
	// #EXTINF:4.000000,
	// 2.m4s
	// #EXT-X-ENDLIST
}

// film is n segments of 4.01 s with a new key every other segment.
func film(n int) hls.Media {
	m := hls.Media{Map: "init.mp4", IndependentSegments: true, TargetDuration: 4 * time.Second}
	for i := range n {
		iv := bytes.Repeat([]byte{byte(i + 1)}, 16)
		m.Segments = append(m.Segments, hls.Segment{
			URI: fmt.Sprintf("h%d.m4s", i), Duration: 4010667 * time.Microsecond,
			Key: &hls.Key{Method: "AES-128", URI: fmt.Sprintf("../key/%d", i/2), IV: iv},
		})
	}
	return m
}

type parsed struct {
	HLS struct {
		Master, Independent, Ended bool
		Version                    int
		Type                       string
		Target                     float64
		Variants                   []struct {
			URI, Codecs        string
			Bandwidth, Average int
			Width              int
			FrameRate          float64
			Audio              []struct {
				URI, Language, Channels string
				IsDefault               bool
			}
		}
		Segments []struct {
			URI, Key, Method, IV, Map string
			Duration                  float64
		}
	}
	M3U8 struct {
		Warnings  []string
		Ended     bool
		Type      string
		Target    float64
		Playlists []struct{ URI, Captions, Audio string }
		Segments  []struct {
			URI, Key, Map, MapKey string
			Duration              float64
		}
	}
}

func judge(t *testing.T, text []byte) parsed {
	t.Helper()
	var p parsed
	if err := json.Unmarshal(npmtest.Run(t, npmtest.Install(t, "testdata/node"), "check.mjs", text), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.M3U8.Warnings) > 0 {
		t.Errorf("m3u8-parser warns: %v", p.M3U8.Warnings)
	}
	return p
}

func TestOutsideParsersReadMedia(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  hls.PlaylistType
		ended bool
		want  string
	}{{hls.VOD, true, "VOD"}, {hls.Event, false, "EVENT"}, {hls.Event, true, "EVENT"}, {hls.Live, false, ""}} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			m := film(5)
			m.Type, m.Ended = c.kind, c.ended
			var b bytes.Buffer
			if err := hls.WriteMedia(&b, m); err != nil {
				t.Fatal(err)
			}
			p := judge(t, b.Bytes())
			if p.HLS.Type != c.want || p.M3U8.Type != c.want || p.HLS.Ended != c.ended || p.M3U8.Ended != c.ended {
				t.Errorf("type %q/%q, ended %v/%v", p.HLS.Type, p.M3U8.Type, p.HLS.Ended, p.M3U8.Ended)
			}
			if p.HLS.Version != 7 || !p.HLS.Independent || p.HLS.Target != 4 || p.M3U8.Target != 4 || len(p.HLS.Segments) != 5 || len(p.M3U8.Segments) != 5 {
				t.Fatalf("got %+v", p.HLS)
			}
			for i, want := range m.Segments {
				s, o := p.HLS.Segments[i], p.M3U8.Segments[i]
				if s.URI != want.URI || o.URI != want.URI || s.Key != want.Key.URI || o.Key != want.Key.URI || s.Method != "AES-128" ||
					s.IV != fmt.Sprintf("%x", want.Key.IV) || s.Map != "init.mp4" || o.Map != "init.mp4" {
					t.Errorf("segment %d: %+v and %+v", i, s, o)
				}
				if o.MapKey != "" {
					t.Errorf("segment %d: the init segment counts as encrypted with %s", i, o.MapKey)
				}
				if math.Abs(s.Duration-4.010667) > 1e-6 || math.Abs(o.Duration-4.010667) > 1e-6 {
					t.Errorf("segment %d lasts %v and %v", i, s.Duration, o.Duration)
				}
			}
		})
	}
}

func TestOutsideParsersReadMultivariant(t *testing.T) {
	t.Parallel()
	m := hls.Multivariant{
		IndependentSegments: true,
		Audio: []hls.Audio{
			{Group: "audio", Name: "English", Language: "en", URI: "a1.m3u8", Default: true, Channels: 2},
			{Group: "audio", Name: "Deutsch", Language: "de", URI: "a2.m3u8", Channels: 6},
		},
	}
	for i, h := range []int{1080, 720, 360} {
		m.Variants = append(m.Variants, hls.Variant{
			URI: fmt.Sprintf("v%d.m3u8", h), Bandwidth: int64(h * 4000), AverageBandwidth: int64(h * 3000), Codecs: []string{"avc1.640028", "mp4a.40.2"},
			Width: h * 16 / 9, Height: h, FrameRate: 23.976, AudioGroup: []string{"audio", "audio", ""}[i],
		})
	}
	var b bytes.Buffer
	if err := hls.WriteMultivariant(&b, m); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "PROGRAM-ID") || strings.Count(b.String(), "#EXT-X-MEDIA:") != 2 {
		t.Errorf("got\n%s", b.String())
	}
	p := judge(t, b.Bytes())
	if !p.HLS.Master || len(p.HLS.Variants) != 3 || len(p.M3U8.Playlists) != 3 {
		t.Fatalf("got %+v", p)
	}
	for i, want := range m.Variants {
		v, o := p.HLS.Variants[i], p.M3U8.Playlists[i]
		if v.URI != want.URI || v.Bandwidth != int(want.Bandwidth) || v.Average != int(want.AverageBandwidth) || v.Width != want.Width ||
			v.FrameRate != want.FrameRate || v.Codecs != "avc1.640028,mp4a.40.2" || o.Captions != "NONE" || o.Audio != want.AudioGroup {
			t.Errorf("variant %d: %+v and %+v", i, v, o)
		}
	}
	if a := p.HLS.Variants[0].Audio; len(a) != 2 || !a[0].IsDefault || a[1].IsDefault || a[1].Channels != "6" || a[1].Language != "de" {
		t.Errorf("audio %+v", a)
	}
}

func TestClearAfterEncrypted(t *testing.T) {
	t.Parallel()
	m := film(2)
	m.Segments[1].Key = nil
	var b bytes.Buffer
	if err := hls.WriteMedia(&b, m); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "#EXT-X-KEY:METHOD=NONE\n#EXTINF:4.010667,\nh1.m4s\n") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestALongSegmentRaisesTheTarget(t *testing.T) {
	t.Parallel()
	m := film(2)
	m.Segments[1].Duration = 6600 * time.Millisecond
	m.Segments[1].Key.Format = "org.w3.clearkey"
	m.Sequence = 9
	var b bytes.Buffer
	if err := hls.WriteMedia(&b, m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#EXT-X-TARGETDURATION:7\n", "#EXT-X-MEDIA-SEQUENCE:9\n", `KEYFORMAT="org.w3.clearkey",KEYFORMATVERSIONS="1"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	t.Parallel()
	ok := hls.Variant{URI: "v", Bandwidth: 1}
	for pointer, m := range map[string]hls.Multivariant{
		"Variants":               {},
		"Variants[0].URI":        {Variants: []hls.Variant{{Bandwidth: 1}}},
		"Variants[0].Bandwidth":  {Variants: []hls.Variant{{URI: "v", Bandwidth: 1, AverageBandwidth: 2}}},
		"Variants[0].Codecs":     {Variants: []hls.Variant{{URI: "v", Bandwidth: 1, Codecs: []string{`a"`}}}},
		"Variants[0].AudioGroup": {Variants: []hls.Variant{{URI: "v", Bandwidth: 1, AudioGroup: "a"}}},
		"Audio[0].Name":          {Variants: []hls.Variant{ok}, Audio: []hls.Audio{{Group: "a", URI: "u"}}},
		"Audio[0].Language":      {Variants: []hls.Variant{ok}, Audio: []hls.Audio{{Group: "a", Name: "n", URI: "u", Language: "\n"}}},
	} {
		refused(t, pointer, func(b *bytes.Buffer) error { return hls.WriteMultivariant(b, m) })
	}
	for pointer, change := range map[string]func(*hls.Media){
		"Map":                    func(m *hls.Media) { m.Map = "a\nb" },
		"Segments[1].URI":        func(m *hls.Media) { m.Segments[1].URI = "#EXT-X-ENDLIST" },
		"Segments[1].Duration":   func(m *hls.Media) { m.Segments[1].Duration = 0 },
		"Segments[1].Key.URI":    func(m *hls.Media) { m.Segments[1].Key.URI = `"` },
		"Segments[1].Key.Method": func(m *hls.Media) { m.Segments[1].Key.Method = "NONE" },
		"Segments[1].Key.IV":     func(m *hls.Media) { m.Segments[1].Key.IV = []byte{1} },
	} {
		m := film(2)
		change(&m)
		refused(t, pointer, func(b *bytes.Buffer) error { return hls.WriteMedia(b, m) })
	}
}

func refused(t *testing.T, pointer string, write func(*bytes.Buffer) error) {
	t.Helper()
	var b bytes.Buffer
	err := write(&b)
	if _, fields, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Pointer != pointer || b.Len() > 0 {
		t.Errorf("%s: %v, %d bytes written", pointer, err, b.Len())
	}
}

func BenchmarkWriteMedia(b *testing.B) {
	m := film(1800)
	for b.Loop() {
		var out bytes.Buffer
		if err := hls.WriteMedia(&out, m); err != nil {
			b.Fatal(err)
		}
	}
}

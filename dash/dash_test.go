package dash_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/zencoder/go-dash/v3/mpd"

	"github.com/streamgate/streamgate/dash"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/npmtest"
)

func ExampleWrite() {
	err := dash.Write(os.Stdout, dash.Manifest{Periods: []dash.Period{{
		ID: "0", Duration: 8 * time.Second,
		Sets: []dash.Set{{
			ID: 1, Kind: dash.Video, Init: "$RepresentationID$/init.mp4", Media: "$RepresentationID$/$Number$.m4s", Timescale: 1000,
			Timeline:        []dash.Time{{Start: 0, Duration: 4000}, {Start: 4000, Duration: 4000}},
			Representations: []dash.Representation{{ID: "v720", Codecs: "avc1.64001f", Bandwidth: 2_500_000, Width: 1280, Height: 720, FrameRate: "24"}},
		}},
	}}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT8S" minBufferTime="PT4S">
	//  <Period id="0" duration="PT8S" start="PT0S">
	//   <AdaptationSet mimeType="video/mp4" startWithSAP="1" id="1" segmentAlignment="true" contentType="video">
	//    <SegmentTemplate presentationTimeOffset="0" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s" startNumber="0" timescale="1000">
	//     <SegmentTimeline>
	//      <S t="0" d="4000" r="1"></S>
	//     </SegmentTimeline>
	//    </SegmentTemplate>
	//    <Representation bandwidth="2500000" codecs="avc1.64001f" frameRate="24" height="720" id="v720" width="1280"></Representation>
	//   </AdaptationSet>
	//  </Period>
	// </MPD>
}

// film has n Periods of 4 s; its audio of 48 kHz never ends on a border.
func film(n int) dash.Manifest {
	m := dash.Manifest{BaseURL: "../../../media/film/1/"}
	frame := uint64(0)
	for i := range n {
		p := &dash.Protection{Scheme: "cbcs", DefaultKID: [16]byte{0xab, byte(i)}, LicenseURL: "/v1/play/token/license?a=1&b=2"}
		end := (uint64(i+1)*192000 + 512) / 1024
		m.Periods = append(m.Periods, dash.Period{ID: fmt.Sprintf("e%d", i), Duration: 4 * time.Second, Sets: []dash.Set{
			{
				ID: 1, Kind: dash.Video, Protection: p, Timescale: 12288, Offset: uint64(i) * 49152, Number: i,
				Init: fmt.Sprintf("$RepresentationID$/d%d-init.mp4", i), Media: "$RepresentationID$/d$Number$.m4s",
				Timeline: []dash.Time{{Start: uint64(i) * 49152, Duration: 49152}},
				Representations: []dash.Representation{
					{ID: "v720", Codecs: "avc1.64001f", Bandwidth: 2_500_000, Width: 1280, Height: 720, FrameRate: "24"},
					{ID: "v360", Codecs: "avc1.64001e", Bandwidth: 600_000, Width: 640, Height: 360, FrameRate: "24"},
				},
			},
			{
				ID: 2, Kind: dash.Audio, Language: "en", Protection: p, Timescale: 48000, Offset: uint64(i) * 192000, Number: i,
				Init: fmt.Sprintf("$RepresentationID$/d%d-init.mp4", i), Media: "$RepresentationID$/d$Number$.m4s",
				Timeline:        []dash.Time{{Start: frame * 1024, Duration: (end - frame) * 1024}},
				Representations: []dash.Representation{{ID: "a128", Codecs: "mp4a.40.2", Bandwidth: 128_000, SampleRate: 48000, Channels: 2}},
			},
		}})
		frame = end
	}
	return m
}

func written(t testing.TB, m dash.Manifest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := dash.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOutsideParserReadsManifest(t *testing.T) {
	t.Parallel()
	var p struct {
		Events   []string
		Duration float64
		Video    []struct {
			Name, Codecs string
			Width        int
			Protection   []string
			Segments     []segment
		}
		Audio []struct{ Segments []segment }
	}
	if err := json.Unmarshal(npmtest.Run(t, npmtest.Install(t, "testdata/node"), "check.mjs", written(t, film(3))), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Events) > 0 || p.Duration != 12 || len(p.Video) != 2 || len(p.Audio) != 1 {
		t.Fatalf("got %+v", p)
	}
	for _, v := range p.Video {
		for i, s := range v.Segments {
			base := "https://host/v1/media/film/1/" + v.Name + "/"
			if s.URI != fmt.Sprintf("%sd%d.m4s", base, i) || s.Map != fmt.Sprintf("%sd%d-init.mp4", base, i) || s.Start != float64(4*i) || s.Duration != 4 {
				t.Errorf("%s segment %d: %+v", v.Name, i, s)
			}
		}
		if len(v.Segments) != 3 || len(v.Protection) == 0 {
			t.Errorf("%s: %d segments, protection %v", v.Name, len(v.Segments), v.Protection)
		}
	}
	for i, s := range p.Audio[0].Segments {
		if d := s.Start - float64(4*i); d > 0.0214 || d < -0.0214 {
			t.Errorf("audio segment %d starts %v s off", i, d)
		}
	}
}

type segment struct {
	URI, Map        string
	Duration, Start float64
}

// The elements and their order are what key-rotation measurements showed to work.
func TestProtection(t *testing.T) {
	t.Parallel()
	text := written(t, film(1))
	type element struct {
		Scheme  string `xml:"schemeIdUri,attr"`
		Value   string `xml:"value,attr"`
		KID     string `xml:"urn:mpeg:cenc:2013 default_KID,attr"`
		License string `xml:"https://dashif.org/CPS Laurl"`
		PSSH    string `xml:"urn:mpeg:cenc:2013 pssh"`
	}
	var got struct {
		Sets []struct {
			Protection []element `xml:"ContentProtection"`
		} `xml:"Period>AdaptationSet"`
	}
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	const url = "/v1/play/token/license?a=1&b=2"
	want := []element{
		{Scheme: "urn:mpeg:dash:mp4protection:2011", Value: "cbcs", KID: "ab000000-0000-0000-0000-000000000000"},
		{Scheme: "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e", Value: "ClearKey1.0", License: url},
		{Scheme: "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b", License: url},
	}
	for i, set := range got.Sets {
		if fmt.Sprint(set.Protection) != fmt.Sprint(want) {
			t.Errorf("set %d: %+v", i, set.Protection)
		}
	}
	// go-dash writes duration="0" beside a SegmentTimeline unless told not to.
	if bytes.Contains(text, []byte(`<SegmentTemplate duration`)) || bytes.Contains(text, []byte("pssh")) {
		t.Errorf("got\n%s", text)
	}
}

func TestTimelineFoldsRunsAndStatesGaps(t *testing.T) {
	t.Parallel()
	m := film(1)
	m.Periods[0].Sets[0].Timeline = []dash.Time{{0, 10}, {10, 10}, {20, 10}, {30, 5}, {40, 5}, {45, 5}}
	text := written(t, m)
	for _, want := range []string{`<S t="0" d="10" r="2">`, `<S d="5">`, `<S t="40" d="5" r="1">`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestXMLIsWellFormedAndReadsBack(t *testing.T) {
	t.Parallel()
	text := written(t, film(4))
	if path, err := exec.LookPath("xmllint"); err == nil {
		cmd := exec.CommandContext(t.Context(), path, "--noout", "-")
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("xmllint: %v\n%s", err, out)
		}
	}
	back, err := mpd.ReadFromString(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Periods) != 4 || *back.Periods[3].AdaptationSets[1].SegmentTemplate.PresentationTimeOffset != 3*192000 ||
		time.Duration(*back.Periods[3].Start) != 12*time.Second {
		t.Errorf("read back %+v", back.Periods[3])
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	t.Parallel()
	const set = "Periods[0].Sets[0]."
	for pointer, change := range map[string]func(*dash.Manifest){
		"Periods":               func(m *dash.Manifest) { m.Periods = nil },
		"Periods[0].Duration":   func(m *dash.Manifest) { m.Periods[0].Duration = 0 },
		"Periods[0].Sets":       func(m *dash.Manifest) { m.Periods[0].Sets = nil },
		set + "Kind":            func(m *dash.Manifest) { m.Periods[0].Sets[0].Kind = "text" },
		set + "Timescale":       func(m *dash.Manifest) { m.Periods[0].Sets[0].Timescale = 0 },
		set + "Media":           func(m *dash.Manifest) { m.Periods[0].Sets[0].Init = "" },
		set + "Timeline":        func(m *dash.Manifest) { m.Periods[0].Sets[0].Timeline = nil },
		set + "Representations": func(m *dash.Manifest) { m.Periods[0].Sets[0].Representations[0].ID = "" },
		set + "Protection":      func(m *dash.Manifest) { m.Periods[0].Sets[0].Protection = &dash.Protection{Scheme: "cbcs"} },
	} {
		m := film(1)
		change(&m)
		var b strings.Builder
		err := dash.Write(&b, m)
		if _, fields, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Pointer != pointer || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", pointer, err, b.Len())
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	m := film(1800)
	for b.Loop() {
		if err := dash.Write(io.Discard, m); err != nil {
			b.Fatal(err)
		}
	}
}

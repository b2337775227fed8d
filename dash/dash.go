// Package dash writes static MPEG-DASH manifests (ISO/IEC 23009-1): several
// Periods of fragmented MP4 addressed by SegmentTemplate and SegmentTimeline,
// clear or protected with ClearKey.
//
// It is a pure function from plain structs to an io.Writer and can be used alone:
// it imports the standard library, package fault and the manifest library it
// builds on, and knows nothing of gates, storage or HTTP.
package dash

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/zencoder/go-dash/v3/mpd"

	"github.com/streamgate/streamgate/fault"
)

// ContentType is the media type of manifests.
const ContentType = "application/dash+xml"

// Manifest is a complete presentation.
type Manifest struct {
	// BaseURL is what the templates are relative to; empty means the manifest's own URL.
	BaseURL string
	// MinBuffer is how much a player should have before it starts (default 4 s).
	MinBuffer time.Duration
	Periods   []Period
}

// Period is a stretch of the presentation with its own init segments and key.
// Periods follow each other without gaps.
type Period struct {
	ID       string
	Duration time.Duration
	Sets     []Set
}

// Kind is the content type of a Set.
type Kind string

// The kinds.
const (
	Video Kind = "video"
	Audio Kind = "audio"
)

// Set is an AdaptationSet: alternatives of which one plays. All share one segment timeline.
type Set struct {
	ID   int
	Kind Kind
	// Language is a BCP 47 tag, or empty.
	Language string
	// Protection is nil for clear media.
	Protection *Protection
	// Init and Media are URL templates (ISO/IEC 23009-1 5.3.9.4.4):
	// $RepresentationID$ in both, $Number$ in Media.
	Init, Media string
	// Timescale is the unit of Offset and Timeline, in 1/s.
	Timescale uint32
	// Offset is the media time at the start of the Period (presentationTimeOffset).
	Offset uint64
	// Number is the $Number$ of the first segment.
	Number int
	// Timeline are the segments in order.
	Timeline        []Time
	Representations []Representation
}

// Time is the extent of one segment in media time.
type Time struct{ Start, Duration uint64 }

// Representation is one rendition.
type Representation struct {
	ID        string
	Codecs    string
	Bandwidth int64 // bit/s
	// Width, Height and FrameRate ("24", "24000/1001") are for video.
	Width, Height int
	FrameRate     string
	// SampleRate and Channels are for audio.
	SampleRate, Channels int
}

// Protection says how a Set is encrypted. The manifest names the key id and, by two
// ContentProtection elements, where licences are had: dash.js reads the DASH-IF
// ClearKey one, shaka-player the W3C common one (map it to org.w3.clearkey).
// No pssh is written: players that see one fetch every licence at the start.
type Protection struct {
	// Scheme is cbcs or cenc.
	Scheme     string
	DefaultKID [16]byte
	// LicenseURL is absolute, or an absolute path: players resolve it against
	// their page, not against the manifest.
	LicenseURL string
}

// The systems of the ContentProtection elements.
const (
	clearKeySystem = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"
	commonSystem   = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"
	cpsNamespace   = "https://dashif.org/CPS"
)

// Write writes m. Input that cannot be written is fault.Invalid and nothing is
// written then. The same input gives the same bytes.
func Write(w io.Writer, m Manifest) error {
	const op = "dash.Write"
	if err := m.check(); err != nil {
		return err
	}
	var total time.Duration
	for _, p := range m.Periods {
		total += p.Duration
	}
	buffer := m.MinBuffer
	if buffer <= 0 {
		buffer = 4 * time.Second
	}
	doc := mpd.NewMPD(mpd.DASH_PROFILE_LIVE, iso(total), iso(buffer))
	doc.Periods = doc.Periods[:0]
	if m.BaseURL != "" {
		doc.BaseURL = []string{m.BaseURL}
	}
	var start time.Duration
	for _, p := range m.Periods {
		at := mpd.Duration(start)
		start += p.Duration
		period := &mpd.Period{ID: p.ID, Start: &at, Duration: mpd.Duration(p.Duration)}
		for _, s := range p.Sets {
			period.AdaptationSets = append(period.AdaptationSets, s.build())
		}
		doc.Periods = append(doc.Periods, period)
	}
	body, err := xml.MarshalIndent(doc, "", " ")
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	if _, err = io.WriteString(w, xml.Header); err != nil {
		return err
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

func (s Set) build() *mpd.AdaptationSet {
	set := &mpd.AdaptationSet{
		ID: ptr(strconv.Itoa(s.ID)), ContentType: ptr(string(s.Kind)), SegmentAlignment: ptr(true), Lang: opt(s.Language),
		CommonAttributesAndElements: mpd.CommonAttributesAndElements{MimeType: ptr(string(s.Kind) + "/mp4"), StartWithSAP: ptr(int64(1))},
	}
	if p := s.Protection; p != nil {
		set.ContentProtection = []mpd.ContentProtectioner{
			protection{Scheme: "urn:mpeg:dash:mp4protection:2011", Value: p.Scheme, CENC: mpd.CENC_XMLNS, KID: kid(p.DefaultKID)},
			protection{Scheme: clearKeySystem, Value: "ClearKey1.0", License: &license{NS: cpsNamespace, URL: p.LicenseURL}},
			protection{Scheme: commonSystem, License: &license{NS: cpsNamespace, URL: p.LicenseURL}},
		}
	}
	t := &mpd.SegmentTemplate{
		Initialization: ptr(s.Init), Media: ptr(s.Media), Timescale: ptr(int64(s.Timescale)), StartNumber: ptr(int64(s.Number)),
		PresentationTimeOffset: ptr(s.Offset), SegmentTimeline: s.timeline(),
	}
	set.SegmentTemplate = t
	for _, r := range s.Representations {
		rep := &mpd.Representation{ID: ptr(r.ID), Codecs: ptr(r.Codecs), Bandwidth: ptr(r.Bandwidth), FrameRate: opt(r.FrameRate)}
		if s.Kind == Video {
			rep.Width, rep.Height = ptr(int64(r.Width)), ptr(int64(r.Height))
		} else {
			rep.AudioSamplingRate = ptr(int64(r.SampleRate))
			rep.AudioChannelConfiguration = &mpd.AudioChannelConfiguration{
				SchemeIDURI: ptr(string(mpd.AUDIO_CHANNEL_CONFIGURATION_MPEG_DASH)), Value: ptr(strconv.Itoa(r.Channels)),
			}
		}
		set.Representations = append(set.Representations, rep)
	}
	return set
}

// timeline folds runs of equal segments and states a start only where it does
// not follow from the segment before (ISO/IEC 23009-1 5.3.9.6).
func (s Set) timeline() *mpd.SegmentTimeline {
	tl := &mpd.SegmentTimeline{}
	var last *mpd.SegmentTimelineSegment
	var end uint64
	for i, t := range s.Timeline {
		switch {
		case i > 0 && t.Start == end && last.Duration == t.Duration:
			if last.RepeatCount == nil {
				last.RepeatCount = ptr(0)
			}
			*last.RepeatCount++
		default:
			last = &mpd.SegmentTimelineSegment{Duration: t.Duration}
			if i == 0 || t.Start != end {
				last.StartTime = ptr(t.Start)
			}
			tl.Segments = append(tl.Segments, last)
		}
		end = t.Start + t.Duration
	}
	return tl
}

// protection is a ContentProtection with children, which the library's own
// generic type cannot have.
type protection struct {
	XMLName xml.Name `xml:"ContentProtection"`
	Scheme  string   `xml:"schemeIdUri,attr"`
	Value   string   `xml:"value,attr,omitempty"`
	CENC    string   `xml:"xmlns:cenc,attr,omitempty"`
	KID     string   `xml:"cenc:default_KID,attr,omitempty"`
	License *license
}

// license is DASH-IF IOP's licence acquisition URL.
type license struct {
	XMLName xml.Name `xml:"dashif:Laurl"`
	NS      string   `xml:"xmlns:dashif,attr"`
	URL     string   `xml:",chardata"`
}

// ContentProtected marks the type for the manifest library.
func (protection) ContentProtected() {}

func (m Manifest) check() error {
	e := fault.New(fault.Invalid, "dash.Write", "the manifest cannot be written")
	if len(m.Periods) == 0 {
		e.With("Periods", "at least one is needed")
	}
	for i, p := range m.Periods {
		at := fmt.Sprintf("Periods[%d].", i)
		if p.Duration <= 0 {
			e.With(at+"Duration", "must be positive")
		}
		if len(p.Sets) == 0 {
			e.With(at+"Sets", "at least one is needed")
		}
		for j, s := range p.Sets {
			s.check(e, fmt.Sprintf("%sSets[%d].", at, j))
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

func (s Set) check(e *fault.Error, at string) {
	if s.Kind != Video && s.Kind != Audio {
		e.With(at+"Kind", "video or audio")
	}
	if s.Timescale == 0 {
		e.With(at+"Timescale", "must be positive")
	}
	if s.Init == "" || s.Media == "" {
		e.With(at+"Media", "Init and Media are required")
	}
	if len(s.Timeline) == 0 {
		e.With(at+"Timeline", "at least one segment is needed")
	}
	if len(s.Representations) == 0 {
		e.With(at+"Representations", "at least one is needed")
	}
	for _, r := range s.Representations {
		if r.ID == "" || r.Codecs == "" || r.Bandwidth <= 0 {
			e.With(at+"Representations", "ID, Codecs and Bandwidth are required")
		}
	}
	if p := s.Protection; p != nil && (p.LicenseURL == "" || (p.Scheme != "cbcs" && p.Scheme != "cenc")) {
		e.With(at+"Protection", "needs a LicenseURL and the Scheme cbcs or cenc")
	}
}

// iso renders d as an xs:duration with the precision of d.
func iso(d time.Duration) string { v := mpd.Duration(d); return v.String() }

// kid renders a key id as the UUID the attribute wants.
func kid(k [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[:4], k[4:6], k[6:8], k[8:10], k[10:])
}

func ptr[T any](v T) *T { return &v }

func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

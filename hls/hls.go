// Package hls writes HTTP Live Streaming playlists (RFC 8216bis): multivariant
// playlists and media playlists of fragmented MP4, clear or encrypted, with a key
// per segment where wanted.
//
// It is pure functions from plain structs to an io.Writer and can be used alone:
// it imports the standard library, package fault and the playlist library it
// builds on, and knows nothing of gates, storage or HTTP.
package hls

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// ContentType is the media type of playlists (RFC 8216 4).
const ContentType = "application/vnd.apple.mpegurl"

// Multivariant is a playlist of the renditions of one presentation.
type Multivariant struct {
	// Audio are the separate audio renditions; variants choose by Group.
	Audio []Audio
	// Variants are in order of preference; players start with the first.
	Variants []Variant
	// IndependentSegments says that every segment starts with a keyframe.
	IndependentSegments bool
}

// Audio is an EXT-X-MEDIA of TYPE=AUDIO.
type Audio struct {
	Group string // required
	Name  string // required, unique in its group
	URI   string // required
	// Language is a BCP 47 tag.
	Language string
	// Default marks the rendition that plays unless the viewer says otherwise.
	Default bool
	// Channels is the count of channels, 0 unstated.
	Channels int
}

// Variant is an EXT-X-STREAM-INF.
type Variant struct {
	URI string // required
	// Bandwidth is the peak and AverageBandwidth the mean over all segments of
	// video and audio together, in bit/s. Bandwidth is required.
	Bandwidth, AverageBandwidth int64
	// Codecs are RFC 6381 names of all media in the variant.
	Codecs        []string
	Width, Height int
	FrameRate     float64
	// AudioGroup is the Group of its Audio, or empty.
	AudioGroup string
}

// PlaylistType says how a media playlist may change (RFC 8216 4.3.3.5).
type PlaylistType int

// The types.
const (
	// VOD never changes.
	VOD PlaylistType = iota
	// Event grows at its end.
	Event
	// Live may drop segments at its start.
	Live
)

// Media is a media playlist.
type Media struct {
	Type PlaylistType
	// Ended says that nothing will be added. A VOD playlist is always ended.
	Ended bool
	// TargetDuration is the least EXT-X-TARGETDURATION; a longer segment raises
	// it. Set it for Event and Live, where it must not change.
	TargetDuration time.Duration
	// Sequence is the media sequence number of the first segment.
	Sequence uint64
	// Map is the init segment. It is written before the first key, and so is
	// itself not encrypted (RFC 8216bis 4.4.4.5).
	Map                 string
	Segments            []Segment
	IndependentSegments bool
}

// Segment is one media segment.
type Segment struct {
	URI      string
	Duration time.Duration
	// Key is how the segment is encrypted, nil for clear. The tag is repeated
	// only when it differs from the segment before.
	Key *Key
}

// Key is an EXT-X-KEY.
type Key struct {
	// Method is AES-128 or SAMPLE-AES.
	Method string
	URI    string
	// IV has 16 bytes, or none: then players use the media sequence number.
	IV []byte
	// Format is the KEYFORMAT; empty means identity.
	Format string
}

func (k *Key) line() string {
	if k == nil {
		return "#EXT-X-KEY:METHOD=NONE"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXT-X-KEY:METHOD=%s,URI=%q", k.Method, k.URI)
	if len(k.IV) > 0 {
		b.WriteString(",IV=0x" + hex.EncodeToString(k.IV))
	}
	if k.Format != "" {
		fmt.Fprintf(&b, ",KEYFORMAT=%q,KEYFORMATVERSIONS=\"1\"", k.Format)
	}
	return b.String()
}

func (m Multivariant) check() error {
	e := fault.New(fault.Invalid, "hls.WriteMultivariant", "the playlist cannot be written")
	if len(m.Variants) == 0 {
		e.With("Variants", "at least one is needed")
	}
	groups := map[string]bool{}
	for i, a := range m.Audio {
		groups[a.Group] = true
		at := fmt.Sprintf("Audio[%d].", i)
		required(e, at+"Group", a.Group)
		required(e, at+"Name", a.Name)
		required(e, at+"URI", a.URI)
		quotable(e, at+"Language", a.Language)
	}
	for i, v := range m.Variants {
		at := fmt.Sprintf("Variants[%d].", i)
		required(e, at+"URI", v.URI)
		for _, c := range v.Codecs {
			quotable(e, at+"Codecs", c)
		}
		if v.Bandwidth <= 0 || v.Bandwidth > math.MaxUint32 || v.AverageBandwidth < 0 || v.AverageBandwidth > v.Bandwidth {
			e.With(at+"Bandwidth", "positive, below 2^32 and not less than AverageBandwidth")
		}
		if v.AudioGroup != "" && !groups[v.AudioGroup] {
			e.With(at+"AudioGroup", "no Audio has this Group")
		}
	}
	return orNil(e)
}

func (m Media) check() error {
	e := fault.New(fault.Invalid, "hls.WriteMedia", "the playlist cannot be written")
	quotable(e, "Map", m.Map)
	for i, s := range m.Segments {
		at := fmt.Sprintf("Segments[%d].", i)
		required(e, at+"URI", s.URI)
		if strings.HasPrefix(s.URI, "#") {
			e.With(at+"URI", "must not start with #")
		}
		if s.Duration <= 0 {
			e.With(at+"Duration", "must be positive")
		}
		if k := s.Key; k != nil {
			required(e, at+"Key.URI", k.URI)
			quotable(e, at+"Key.Format", k.Format)
			if k.Method != "AES-128" && k.Method != "SAMPLE-AES" {
				e.With(at+"Key.Method", "AES-128 or SAMPLE-AES")
			}
			if len(k.IV) != 0 && len(k.IV) != 16 {
				e.With(at+"Key.IV", "16 bytes or none")
			}
		}
	}
	return orNil(e)
}

func orNil(e *fault.Error) error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

func required(e *fault.Error, pointer, s string) {
	if s == "" {
		e.With(pointer, "is required")
	}
	quotable(e, pointer, s)
}

// quotable refuses what a quoted-string cannot hold (RFC 8216 4.2) and what
// would break out of a line.
func quotable(e *fault.Error, pointer, s string) {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }); i >= 0 {
		e.With(pointer, "holds a quote, a backslash or a control character")
	}
}

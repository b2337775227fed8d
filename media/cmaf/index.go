// Package cmaf turns fragmented MP4 (ISO/IEC 23000-19) into an addressable store of
// fragments and back into media segments, clear or encrypted. Renditions are
// stored once; every HLS and DASH segment is a byte range of that store,
// encrypted when it is asked for.
package cmaf

// Kind is the media type of a track.
type Kind string

// The kinds of track.
const (
	Video Kind = "video"
	Audio Kind = "audio"
)

// Grid is the common time grid of an asset version. Segment n of every track
// holds the fragments that start in [n*SegmentMS, (n+1)*SegmentMS), rounded to
// the track's samples; fragments never straddle a segment border. An epoch is EpochSegments segments.
type Grid struct {
	SegmentMS     int64 `json:"segment_ms"`     // 4000
	EpochSegments int   `json:"epoch_segments"` // 1: one key per 4 s
}

// Epoch returns the epoch that segment n belongs to.
func (g Grid) Epoch(segment int) int { return segment / g.EpochSegments }

// Track is the index of one rendition: all that is needed to describe it in a
// manifest and to find its bytes. It is plain data, stored as JSON.
type Track struct {
	ID        string `json:"id"` // v720, a128: [a-z0-9]{1,16}
	Kind      Kind   `json:"kind"`
	Codec     string `json:"codec"` // RFC 6381, read from the init segment
	Timescale uint32 `json:"timescale"`
	Width     int    `json:"width,omitempty"`
	Height    int    `json:"height,omitempty"`
	// FrameRateNum/Den is the constant frame rate, 24000/1001.
	FrameRateNum int    `json:"frame_rate_num,omitempty"`
	FrameRateDen int    `json:"frame_rate_den,omitempty"`
	SampleRate   int    `json:"sample_rate,omitempty"`
	Channels     int    `json:"channels,omitempty"`
	Language     string `json:"language,omitempty"` // BCP 47
	// Bandwidth is the declared average, PeakBandwidth the largest of any
	// segment, in bit/s; both are estimates until the track is complete.
	Bandwidth     int64 `json:"bandwidth"`
	PeakBandwidth int64 `json:"peak_bandwidth"`
	// Init is the clear init segment (ftyp, moov).
	Init []byte `json:"init"`
	// Segments are in order, without holes from 0.
	Segments []Segment `json:"segments"`
	// Complete means that no segment will be added.
	Complete bool `json:"complete"`
}

// Segment is one addressable piece: a run of whole fragments in one object.
type Segment struct {
	// Object is the storage key, Offset and Length the byte range in it.
	Object string `json:"o"`
	Offset int64  `json:"f"`
	Length int64  `json:"l"`
	// Time and Duration are in the track's timescale. The stored tfdt already
	// counts from the start of the asset.
	Time     uint64 `json:"t"`
	Duration uint64 `json:"d"`
	// Samples is the count of frames.
	Samples int `json:"n"`
}

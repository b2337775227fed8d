package media

import (
	"context"
	"time"
)

// Transcoder turns sources into encoded chunks. Implementations run outside
// code on outside bytes, so they contain it. They pass mediatest.Run and are safe for
// concurrent use.
//
// Errors tell whose fault it was: fault.Unsupported, fault.Corrupt, fault.TooLarge and fault.Invalid are
// the media's and carry a message for its owner; anything else is ours and worth another try. fault.Unavailable, fault.Limited and
// fault.Canceled, for what is not there now, are tried again without end: what a source itself may bring about, such as a program
// killed for its memory, is none of them.
type Transcoder interface {
	// Probe describes the video in file source, or refuses it.
	Probe(ctx context.Context, source string, limits Limits) (Probe, error)
	// Video encodes a run of frames into every rung, decoding once. It writes
	// one fragmented MP4 per rung, job.Dir/<rung id>.mp4, with a sync sample at each of
	// job.Keyframes and nowhere else. progress is called with the frames done so far.
	Video(ctx context.Context, job VideoJob, progress func(frames int64)) error
	// Audio encodes the whole of the source's sound as AAC-LC into job.Dir/<job.Name>.mp4, starting with
	// Priming frames of priming. Sound before the first picture is cut, missing sound is silence.
	// The file is only ever appended to, a fragment of at most 2 s at a time, and is read as it grows: call progress
	// when there is more. The same source gives the same bytes again.
	Audio(ctx context.Context, job AudioJob, progress func(done time.Duration)) error
	// Check reports whether the transcoder can work here: programs found,
	// encoders there, sandbox working. The message says what to install or allow.
	Check(ctx context.Context) error
}

// Limits bound what a source may be. The zero value means the defaults.
type Limits struct {
	MaxDuration time.Duration // default 12 h
	MaxSide     int           // pixels of width or height; default 8192
	MaxPixels   int64         // default 7680*4320
	MaxStreams  int           // default 64
}

// WithDefaults returns l with zero fields filled in.
func (l Limits) WithDefaults() Limits {
	if l.MaxDuration == 0 {
		l.MaxDuration = 12 * time.Hour
	}
	if l.MaxSide == 0 {
		l.MaxSide = 8192
	}
	if l.MaxPixels == 0 {
		l.MaxPixels = 7680 * 4320
	}
	if l.MaxStreams == 0 {
		l.MaxStreams = 64
	}
	return l
}

// Rate is a frame rate as a fraction, 24000/1001.
type Rate struct {
	Num int64 `json:"num"`
	Den int64 `json:"den"`
}

// Float returns the rate in frames per second.
func (r Rate) Float() float64 { return float64(r.Num) / float64(r.Den) }

// FrameAt returns the first frame that starts at or after ms.
func (r Rate) FrameAt(ms int64) int64 {
	d := r.Den * 1000
	return (ms*r.Num + d - 1) / d
}

// Probe is what a source is.
type Probe struct {
	Container string `json:"container"`
	// Duration is the length of the picture; sound beyond it is cut.
	Duration time.Duration `json:"duration"`
	// Width and Height are as shown: turned upright, with square pixels.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Rate is the constant rate the video is made to have. Constant tells that the
	// source has it already, so that every source frame is encoded exactly once.
	Rate     Rate `json:"rate"`
	Constant bool `json:"constant"`
	// Frames is the container's count of pictures, 0 when it does not say.
	Frames int64 `json:"frames,omitempty"`
	// VideoStream and AudioStream are indexes in the container; AudioStream is -1 without sound.
	VideoStream int `json:"video_stream"`
	AudioStream int `json:"audio_stream"`
	// StartPTS is the time of the first picture in units of TimeBase seconds: the
	// zero of the asset.
	StartPTS   int64  `json:"start_pts"`
	TimeBase   Rate   `json:"time_base"`
	Interlaced bool   `json:"interlaced,omitempty"`
	HDR        bool   `json:"hdr,omitempty"`
	Language   string `json:"language,omitempty"`
	// CodedPixels is the area of a stored picture, which bounds memory.
	CodedPixels int64 `json:"coded_pixels"`
}

// Start returns the time of the first picture in seconds.
func (p Probe) Start() float64 {
	return float64(p.StartPTS) * float64(p.TimeBase.Num) / float64(p.TimeBase.Den)
}

// Rung is one rendition of the ladder.
type Rung struct {
	ID     string `json:"id"` // v720
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// MaxRate caps the bit rate, in bit/s.
	MaxRate int64 `json:"max_rate"`
}

// VideoJob is a run of frames to encode. Frame n of the constant rate starts
// n/Rate after the first picture.
type VideoJob struct {
	Source string // path of the whole source
	Dir    string // existing folder for the output
	Probe  Probe
	Rungs  []Rung
	// First is the first frame, End the frame after the last; 0 means to the end of the source.
	First, End int64
	// Keyframes are counted from First; the first is 0.
	Keyframes []int64
	// Attempt is 1 for the first try. Later ones seek from further back, for
	// containers whose index lies.
	Attempt int
	// Threads bounds the encoder's threads; 0 leaves it to the encoder.
	Threads int
	// Urgent work is not held back in favour of playback.
	Urgent bool
}

// AudioJob is the sound of a source.
type AudioJob struct {
	Source, Dir, Name string
	Probe             Probe
	// BitRate in bit/s and SampleRate; the output is stereo.
	BitRate    int64
	SampleRate int
}

// Priming is the count of AAC frames that Audio's output starts with before the
// first sound; the ingest drops them.
const Priming = 1

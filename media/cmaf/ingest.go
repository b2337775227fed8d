package cmaf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/streamgate/streamgate/fault"
)

// IngestOptions says where on the time line of an asset an encoder's output belongs.
type IngestOptions struct {
	// Object is the storage key that the Segments will name.
	Object string
	// SegmentMS and FragmentMS are the grid; SegmentMS is a multiple of FragmentMS.
	SegmentMS, FragmentMS int64
	// BaseSample is the number in the whole track of the first sample kept. All samples
	// of a track last equally long, so its time is BaseSample times that.
	BaseSample int64
	// Skip drops that many samples at the start: the encoder's priming.
	Skip int
}

// Ingested describes what Ingest wrote.
type Ingested struct {
	// Track holds what the init segment tells (codec, timescale, size, rate)
	// and the Segments; its ID and bandwidths are the caller's.
	Track Track
	// Samples counts the samples written, Bytes the bytes.
	Samples int
	Bytes   int64
	// Duration is the sum of the sample durations in the track's timescale.
	Duration uint64
}

// Bounds on outside bytes. A box beyond its bound is fault.TooLarge before
// anything of its size is allocated.
const (
	maxHeaderBox = 8 << 20
	maxMediaBox  = 512 << 20
	maxSamples   = 1 << 20 // of one run
	maxTotal     = 1 << 23 // 49 h of sound
)

// Ingest reads the fragmented MP4 that an encoder wrote (one track) and writes
// to w the fragments that are stored: no init, one moof and mdat per fragment,
// tfdt counting from the asset's start, mfhd numbered from the asset's start,
// fragments cut on the grid. It holds one fragment in memory.
//
// Video fragments start at sync samples, so the encoder must force them on the
// grid. Audio is cut anew at the AAC frame nearest to each border, so that 8 s at
// 48 kHz are exactly 375 frames.
//
// Edit lists go: presentation starts at the base. Encoders delay the first decode
// time behind the first picture (B-frames) and put a priming frame before the
// first sound. Instead of an edit list, which players treat differently, video gets signed composition
// offsets (trun version 1, as in CMAF 'cmf2'), and the audio's priming frames are dropped with Skip: the first
// frame kept decodes without its predecessor, a fade-in of 21 ms, and sound
// and picture agree to the sample ever after.
//
// Bytes that are not such a file are fault.Corrupt or fault.TooLarge.
func Ingest(r io.Reader, w io.Writer, opt IngestOptions) (Ingested, error) {
	const op = "cmaf.Ingest"
	in, err := NewIngester(r, opt)
	if err != nil {
		return Ingested{}, fault.At(op, err)
	}
	res, err := in.Next(w, opt.Object, 0)
	if err == io.EOF {
		err = fault.New(fault.Corrupt, "", "no samples")
	}
	return res, fault.At(op, err)
}

// Ingester is Ingest in pieces, each an object of its own, so that what an
// encoder has finished can be stored while it goes on.
type Ingester struct {
	boxes   boxReader
	opt     IngestOptions
	out     io.Writer
	object  string
	limit   int // segments of the piece being made; 0: all
	trex    *mp4.TrexBox
	track   Track // what the init segment tells
	res     Ingested
	queue   []mp4.FullSample // read and not yet added
	pending []mp4.FullSample // the fragment being gathered
	total   int              // samples written before this piece
	next    uint64           // decode time of the next sample
	cut     int64            // audio: index of the fragment being gathered
	last    int64            // number of the fragment written last
	shift   int64            // added to composition offsets so that the first picture is at the base
	started bool
	ended   bool
	err     error
}

// NewIngester prepares to ingest r as Ingest does. It reads nothing; opt.Object is not used.
func NewIngester(r io.Reader, opt IngestOptions) (*Ingester, error) {
	if opt.FragmentMS <= 0 || opt.SegmentMS <= 0 || opt.SegmentMS%opt.FragmentMS != 0 || opt.BaseSample < 0 || opt.BaseSample > 1<<31 {
		return nil, fault.New(fault.Invalid, "cmaf.NewIngester", "the segment must be a multiple of the fragment, the base within range")
	}
	return &Ingester{boxes: boxReader{r: r}, opt: opt, cut: -1}, nil
}

// Next writes up to segments whole segments to w, all that are left when it is 0, and describes them;
// they name object, with offsets from the start of w. At the end of the input it is io.EOF.
// After another error the Ingester is of no more use.
func (in *Ingester) Next(w io.Writer, object string, segments int) (Ingested, error) {
	if in.err == nil {
		in.out, in.object, in.limit = w, object, segments
		in.total += in.res.Samples
		in.res = Ingested{Track: in.track}
		in.err = in.run()
	}
	if in.err != nil {
		return Ingested{}, in.err
	}
	return in.res, nil
}

// run adds samples until the piece is full or the input ends.
func (in *Ingester) run() error {
	if in.trex == nil {
		init, err := in.boxes.init()
		if err != nil {
			return err
		}
		if in.track, in.trex, err = describe(init); err != nil {
			return err
		}
		in.res.Track = in.track
	}
	for !in.ended {
		for len(in.queue) > 0 {
			full, err := in.add(in.queue[0])
			if err != nil {
				return err
			}
			if full {
				in.measure()
				return nil
			}
			in.queue = in.queue[1:]
		}
		var err error
		if in.queue, err = in.boxes.fragment(in.trex); err == io.EOF {
			in.ended = true
		} else if err != nil {
			return err
		}
	}
	if err := in.flush(); err != nil {
		return err
	}
	if in.res.Samples == 0 {
		return io.EOF
	}
	in.measure()
	return nil
}

// add takes s into the piece; full means that s belongs to the next one, and is to be added to that.
func (in *Ingester) add(s mp4.FullSample) (full bool, err error) {
	if in.opt.Skip > 0 {
		in.opt.Skip--
		return false, nil
	}
	if s.Dur == 0 || in.total+in.res.Samples+len(in.pending) >= maxTotal {
		return false, fault.New(fault.Corrupt, "", "sample durations or counts are out of range")
	}
	if !in.started {
		in.started = true
		in.next = uint64(in.opt.BaseSample) * uint64(s.Dur)
		if in.track.Kind == Video {
			in.shift = -int64(s.CompositionTimeOffset)
		}
	}
	cts := int64(s.CompositionTimeOffset) + in.shift
	if in.track.Kind == Audio {
		cts = 0
	}
	if cts != int64(int32(cts)) {
		return false, fault.New(fault.Corrupt, "", "composition offset out of range")
	}
	s.DecodeTime = in.next
	if in.border(s) {
		if err := in.flush(); err != nil {
			return false, err
		}
		if in.limit > 0 && in.res.Samples > 0 && in.segment(s) >= in.index(in.res.Track.Segments[0])+in.limit {
			return true, nil
		}
		in.cut = in.fragment(s)
	}
	if len(in.pending) == 0 && in.track.Kind == Video && !s.IsSync() {
		return false, fault.New(fault.Corrupt, "", "the first picture is not a sync sample")
	}
	s.CompositionTimeOffset = int32(cts)
	in.pending = append(in.pending, s)
	in.next += uint64(s.Dur)
	return false, nil
}

// border tells whether s starts a new fragment.
func (in *Ingester) border(s mp4.FullSample) bool {
	if in.track.Kind == Video {
		return s.IsSync()
	}
	return in.fragment(s) != in.cut
}

// fragment and segment return the number of the fragment and of the segment that s lies in, from 0.
func (in *Ingester) fragment(s mp4.FullSample) int64 {
	if in.track.Kind == Audio {
		return AudioFragment(s.DecodeTime, s.Dur, in.track.Timescale, in.opt.FragmentMS)
	}
	return int64(s.DecodeTime * 1000 / (uint64(in.track.Timescale) * uint64(in.opt.FragmentMS)))
}

func (in *Ingester) segment(s mp4.FullSample) int {
	return int(in.fragment(s) / (in.opt.SegmentMS / in.opt.FragmentMS))
}

// AudioFragment returns the fragment that an audio frame starting at t belongs
// to: fragment n starts with the frame whose start is nearest to n*fragmentMS.
func AudioFragment(t uint64, dur, timescale uint32, fragmentMS int64) int64 {
	// The frame is at or after the border of n when its start is not more than
	// half a frame before it.
	span := uint64(timescale) * uint64(fragmentMS)
	return int64((t*1000 + uint64(dur)*500) / span)
}

// flush writes the pending samples as one fragment.
func (in *Ingester) flush() error {
	if len(in.pending) == 0 {
		return nil
	}
	start := in.pending[0].DecodeTime
	number := in.fragment(in.pending[0]) + 1
	f, err := mp4.CreateFragment(uint32(number), trackID)
	if err != nil {
		return fault.Wrap(fault.Internal, "", err)
	}
	var dur uint64
	for _, s := range in.pending {
		f.AddFullSample(s)
		dur += uint64(s.Dur)
	}
	f.EncOptimize = mp4.OptimizeTrun
	f.Moof.Traf.Trun.Version = 1 // signed composition offsets
	var buf bytes.Buffer
	if err := f.Encode(&buf); err != nil {
		return fault.Wrap(fault.Corrupt, "", err)
	}
	if _, err := in.out.Write(buf.Bytes()); err != nil {
		return err
	}
	if err := in.aligned(number, start); err != nil {
		return err
	}
	perSegment := in.opt.SegmentMS / in.opt.FragmentMS
	in.place(int((number-1)/perSegment), Segment{
		Object: in.object, Offset: in.res.Bytes, Length: int64(buf.Len()),
		Time: start, Duration: dur, Samples: len(in.pending),
	})
	in.res.Bytes += int64(buf.Len())
	in.res.Samples += len(in.pending)
	in.res.Duration += dur
	in.pending = in.pending[:0]
	return nil
}

// aligned tells whether fragment number starts where the grid has it, after its
// predecessor. An encoder that was given fewer frames than it was told about
// puts its sync samples elsewhere, and that shows here.
func (in *Ingester) aligned(number int64, start uint64) error {
	span := uint64(in.res.Track.Timescale) * uint64(in.opt.FragmentMS)
	late := start*1000 - min(uint64(number-1)*span, start*1000)
	consecutive := in.last == 0 || number == in.last+1
	in.last = number
	if in.res.Track.Kind == Video && (!consecutive || late >= uint64(in.pending[0].Dur)*1000) {
		return fault.New(fault.Internal, "", "a fragment is off the grid")
	}
	return nil
}

// place adds a fragment to its segment.
func (in *Ingester) place(n int, s Segment) {
	segs := in.res.Track.Segments
	if len(segs) > 0 {
		last := &segs[len(segs)-1]
		first := segs[0]
		// Segments are consecutive, so the last one's index follows from the first.
		if in.index(first)+len(segs)-1 >= n {
			last.Length += s.Length
			last.Duration += s.Duration
			last.Samples += s.Samples
			return
		}
	}
	in.res.Track.Segments = append(segs, s)
}

// index returns the number of the segment that s starts.
func (in *Ingester) index(s Segment) int {
	t := in.res.Track
	if t.Kind == Audio {
		return int(AudioFragment(s.Time, uint32(s.Duration/uint64(s.Samples)), t.Timescale, in.opt.SegmentMS))
	}
	return int(s.Time * 1000 / (uint64(t.Timescale) * uint64(in.opt.SegmentMS)))
}

func (in *Ingester) measure() {
	t := &in.res.Track
	for _, s := range t.Segments {
		t.PeakBandwidth = max(t.PeakBandwidth, s.Bits(t.Timescale))
	}
	if in.res.Duration > 0 {
		t.Bandwidth = int64(float64(in.res.Bytes) * 8 * float64(t.Timescale) / float64(in.res.Duration))
	}
}

// Bits returns the segment's rate in bit/s.
func (s Segment) Bits(timescale uint32) int64 {
	if s.Duration == 0 {
		return 0
	}
	return int64(float64(s.Length) * 8 * float64(timescale) / float64(s.Duration))
}

// boxReader reads top-level boxes without believing their sizes.
type boxReader struct {
	r io.Reader
}

// next returns the next whole box, or io.EOF between boxes.
func (b *boxReader) next() (kind string, raw []byte, err error) {
	var h [16]byte
	if _, err := io.ReadFull(b.r, h[:8]); err != nil {
		if errors.Is(err, io.EOF) {
			return "", nil, io.EOF
		}
		return "", nil, truncated(err)
	}
	size, n := uint64(binary.BigEndian.Uint32(h[:4])), uint64(8)
	kind = string(h[4:8])
	if size == 1 {
		if _, err := io.ReadFull(b.r, h[8:16]); err != nil {
			return "", nil, truncated(err)
		}
		size, n = binary.BigEndian.Uint64(h[8:16]), 16
	}
	limit := uint64(maxHeaderBox)
	if kind == "mdat" {
		limit = maxMediaBox
	}
	if size < n {
		return "", nil, fault.New(fault.Corrupt, "", "a box is smaller than its header")
	}
	if size > limit {
		return "", nil, fault.Newf(fault.TooLarge, "", "a %q box is too large", kind)
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(size, 64<<10)))
	buf.Write(h[:n])
	if _, err := io.CopyN(buf, b.r, int64(size-n)); err != nil {
		return "", nil, truncated(err)
	}
	return kind, buf.Bytes(), nil
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.Corrupt, "", io.ErrUnexpectedEOF)
	}
	return err
}

// init reads up to and including moov.
func (b *boxReader) init() (*mp4.InitSegment, error) {
	for {
		kind, raw, err := b.next()
		if err == io.EOF {
			return nil, fault.New(fault.Corrupt, "", "no moov box")
		}
		if err != nil {
			return nil, err
		}
		if kind != "moov" {
			continue
		}
		box, err := mp4.DecodeBox(0, bytes.NewReader(raw))
		if err != nil {
			return nil, fault.Wrap(fault.Corrupt, "", err)
		}
		moov, ok := box.(*mp4.MoovBox)
		if !ok {
			return nil, fault.New(fault.Corrupt, "", "bad moov box")
		}
		return newInit(moov), nil
	}
}

// fragment reads the next moof and its mdat, and returns the samples in decode order.
func (b *boxReader) fragment(trex *mp4.TrexBox) ([]mp4.FullSample, error) {
	var moof *mp4.MoofBox
	for {
		kind, raw, err := b.next()
		if err == io.EOF && moof != nil {
			return nil, truncated(err)
		}
		if err != nil {
			return nil, err
		}
		switch kind {
		case "moof":
			box, err := mp4.DecodeBox(0, bytes.NewReader(raw))
			if err != nil {
				return nil, fault.Wrap(fault.Corrupt, "", err)
			}
			var ok bool
			if moof, ok = box.(*mp4.MoofBox); !ok {
				return nil, fault.New(fault.Corrupt, "", "bad moof box")
			}
		case "mdat":
			if moof == nil {
				return nil, fault.New(fault.Corrupt, "", "media before its moof box")
			}
			head := 8
			if binary.BigEndian.Uint32(raw) == 1 {
				head = 16
			}
			return samplesOf(moof, trex, raw[head:])
		}
	}
}

// samplesOf cuts the media into samples. Encoders write the runs of the one
// track back to back from the start of the mdat.
func samplesOf(moof *mp4.MoofBox, trex *mp4.TrexBox, data []byte) ([]mp4.FullSample, error) {
	if len(moof.Trafs) != 1 || moof.Traf == nil || moof.Traf.Tfhd == nil {
		return nil, fault.New(fault.Corrupt, "", "a fragment must hold one track")
	}
	var out []mp4.FullSample
	for _, run := range moof.Traf.Truns {
		if len(run.Samples) > maxSamples {
			return nil, fault.New(fault.TooLarge, "", "too many samples")
		}
		run.AddSampleDefaultValues(moof.Traf.Tfhd, trex)
		for _, s := range run.Samples {
			if int64(s.Size) > int64(len(data)) {
				return nil, fault.New(fault.Corrupt, "", "a sample ends outside its mdat")
			}
			out = append(out, mp4.FullSample{Sample: s, Data: data[:s.Size:s.Size]})
			data = data[s.Size:]
		}
	}
	return out, nil
}

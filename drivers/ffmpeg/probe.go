package ffmpeg

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// report is what ffprobe prints.
type report struct {
	Streams []stream `json:"streams"`
	Format  struct {
		Name     string `json:"format_name"`
		Duration string `json:"duration"`
		Streams  int    `json:"nb_streams"`
	} `json:"format"`
	Packets []struct {
		PTS string `json:"pts_time"`
	} `json:"packets"`
}

type stream struct {
	Index       int            `json:"index"`
	Type        string         `json:"codec_type"`
	Codec       string         `json:"codec_name"`
	Width       int            `json:"width"`
	Height      int            `json:"height"`
	SAR         string         `json:"sample_aspect_ratio"`
	RFrameRate  string         `json:"r_frame_rate"`
	AvgRate     string         `json:"avg_frame_rate"`
	TimeBase    string         `json:"time_base"`
	StartPTS    int64          `json:"start_pts"`
	Duration    string         `json:"duration"`
	Frames      string         `json:"nb_frames"`
	FieldOrder  string         `json:"field_order"`
	Transfer    string         `json:"color_transfer"`
	SampleRate  string         `json:"sample_rate"`
	Channels    int            `json:"channels"`
	Disposition map[string]int `json:"disposition"`
	Tags        struct {
		Language string `json:"language"`
		Duration string `json:"DURATION"`
	} `json:"tags"`
	SideData []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

const entries = "format=format_name,duration,nb_streams:stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,r_frame_rate,avg_frame_rate," +
	"time_base,start_pts,duration,nb_frames,field_order,color_transfer,sample_rate,channels:stream_disposition=default,attached_pic:stream_tags=language,DURATION:stream_side_data=rotation"

// Probe implements media.Transcoder.
func (t *Transcoder) Probe(ctx context.Context, source string, limits media.Limits) (media.Probe, error) {
	const op = "ffmpeg.Probe"
	limits = limits.WithDefaults()
	head, err := sniff(source)
	if err != nil {
		return media.Probe{}, err
	}
	if posing(head) {
		return media.Probe{}, fault.New(fault.Unsupported, op, "This is a playlist or text file, not a video.")
	}
	rep, err := t.probe(ctx, source, limits, "-show_entries", entries)
	if err != nil {
		if k := fault.KindOf(err); k == fault.Corrupt {
			e := fault.New(fault.Unsupported, op, "This file is not a video that can be read. It may be damaged, incomplete, or of an unknown type.")
			e.Err = err
			return media.Probe{}, e
		}
		return media.Probe{}, fault.At(op, err)
	}
	p, video, err := rep.describe(limits)
	if err != nil {
		return media.Probe{}, fault.At(op, err)
	}
	if p.Duration == 0 {
		if p.Duration, err = t.measure(ctx, source, limits, rep, p); err != nil {
			return media.Probe{}, fault.At(op, err)
		}
	}
	if p.Duration <= 0 {
		return media.Probe{}, fault.New(fault.Unsupported, op, "The length of this video cannot be told; the file may be incomplete.")
	}
	if p.Duration > limits.MaxDuration {
		return media.Probe{}, fault.Newf(fault.TooLarge, op, "This video is longer than %s.", limits.MaxDuration)
	}
	if n, _ := number(video.Frames); n > 0 {
		p.Frames = n
	}
	return p, nil
}

func (t *Transcoder) probe(ctx context.Context, source string, l media.Limits, args ...string) (report, error) {
	all := append([]string{"-v", "error"}, input(l.MaxPixels + 1<<20)[1:]...)
	all = append(all, "-max_streams", fmt.Sprint(l.MaxStreams), "-of", "json")
	all = append(append(all, args...), sourceName)
	out, err := t.run(ctx, command{program: t.opt.FFprobe, args: all, source: source, limit: small, urgent: true})
	if err != nil {
		return report{}, err
	}
	var rep report
	if err := json.Unmarshal(out, &rep); err != nil {
		return report{}, fault.Wrap(fault.Corrupt, "ffmpeg.probe", err)
	}
	return rep, nil
}

// posing tells whether head is a playlist or another text that names media.
func posing(head []byte) bool {
	s := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, p := range []string{"#extm3u", "ffconcat", "<?xml", "<mpd", "<smil", "[playlist]", "http://", "https://", "file "} {
		if bytes.HasPrefix(s, []byte(p)) {
			return true
		}
	}
	return false
}

// describe picks the streams and refuses what is out of bounds.
func (r report) describe(l media.Limits) (media.Probe, stream, error) {
	p := media.Probe{Container: strings.SplitN(r.Format.Name, ",", 2)[0], AudioStream: -1}
	if r.Format.Streams > l.MaxStreams {
		return p, stream{}, fault.Newf(fault.TooLarge, "", "This file has more than %d streams.", l.MaxStreams)
	}
	v, ok := r.pick("video")
	if !ok {
		if _, sound := r.pick("audio"); sound {
			return p, v, fault.New(fault.Unsupported, "", "This file has sound but no picture. Only videos can be published.")
		}
		return p, v, fault.New(fault.Unsupported, "", "There is no video in this file.")
	}
	if v.Width <= 0 || v.Height <= 0 || v.Codec == "" {
		return p, v, fault.New(fault.Unsupported, "", "The video in this file is of a kind that cannot be decoded.")
	}
	if v.Width > l.MaxSide || v.Height > l.MaxSide || int64(v.Width)*int64(v.Height) > l.MaxPixels {
		return p, v, fault.Newf(fault.TooLarge, "", "The picture is %d x %d pixels; at most %d on a side and %d in all are taken.", v.Width, v.Height, l.MaxSide, l.MaxPixels)
	}
	p.VideoStream, p.StartPTS, p.TimeBase = v.Index, v.StartPTS, ratio(v.TimeBase)
	p.CodedPixels = int64(v.Width) * int64(v.Height)
	p.Width, p.Height = v.shown()
	if p.Width < 16 || p.Height < 16 {
		return p, v, fault.New(fault.Unsupported, "", "The picture is smaller than 16 x 16 pixels.")
	}
	if p.TimeBase.Num <= 0 || p.TimeBase.Den <= 0 {
		return p, v, fault.New(fault.Unsupported, "", "The video in this file has no time line.")
	}
	p.Rate, p.Constant = constant(ratio(v.RFrameRate), ratio(v.AvgRate))
	p.Interlaced = v.FieldOrder != "" && v.FieldOrder != "progressive" && v.FieldOrder != "unknown"
	p.HDR = v.Transfer == "smpte2084" || v.Transfer == "arib-std-b67"
	p.Duration = v.duration()
	if a, ok := r.pick("audio"); ok && a.SampleRate != "0" && a.SampleRate != "" && a.Codec != "" {
		p.AudioStream, p.Language = a.Index, a.Tags.Language
	}
	return p, v, nil
}

// pick returns the default stream of a type, else the first. Cover art is no video.
func (r report) pick(kind string) (stream, bool) {
	var found *stream
	for i, s := range r.Streams {
		if s.Type != kind || s.Disposition["attached_pic"] == 1 {
			continue
		}
		if s.Disposition["default"] == 1 {
			return s, true
		}
		if found == nil {
			found = &r.Streams[i]
		}
	}
	if found == nil {
		return stream{}, false
	}
	return *found, true
}

// shown returns the size on screen: square pixels, upright.
func (s stream) shown() (w, h int) {
	w, h = s.Width, s.Height
	if sar := ratio(strings.Replace(s.SAR, ":", "/", 1)); sar.Num > 0 && sar.Den > 0 && sar.Num != sar.Den {
		// Stretch, never shrink; absurd ratios are a mistake in the file.
		if x := sar.Float(); x > 1 && x < 4 {
			w = int(math.Round(float64(w) * x))
		} else if x < 1 && x > 0.25 {
			h = int(math.Round(float64(h) / x))
		}
	}
	for _, d := range s.SideData {
		if r := int(math.Abs(d.Rotation)); r == 90 || r == 270 {
			w, h = h, w
		}
	}
	return w, h
}

func (s stream) duration() time.Duration {
	if f, err := strconv.ParseFloat(s.Duration, 64); err == nil && f > 0 {
		return seconds(f)
	}
	var h, m int
	var sec float64 // Matroska: 00:00:52.208000000
	if n, _ := fmt.Sscanf(s.Tags.Duration, "%d:%d:%f", &h, &m, &sec); n == 3 && h >= 0 && m >= 0 && sec >= 0 {
		return seconds(float64(h)*3600 + float64(m)*60 + sec)
	}
	return 0
}

func seconds(f float64) time.Duration {
	if f > 1e9 {
		f = 1e9
	}
	return time.Duration(f * float64(time.Second))
}

// measure finds the end of the picture from the last packets, where the
// container tells only the length of everything.
func (t *Transcoder) measure(ctx context.Context, source string, l media.Limits, rep report, p media.Probe) (time.Duration, error) {
	total, _ := strconv.ParseFloat(rep.Format.Duration, 64)
	if total <= 0 || total > l.MaxDuration.Seconds() {
		// Without a length there is no index to read from either; a length
		// beyond the limit is refused by the caller.
		return seconds(max(total, 0)), nil
	}
	last, err := t.probe(ctx, source, l, "-select_streams", fmt.Sprint(p.VideoStream), "-show_entries", "packet=pts_time",
		"-read_intervals", fmt.Sprintf("%.3f%%", max(total+p.Start()-15, 0)))
	if err != nil {
		return 0, err
	}
	end := 0.0
	for _, k := range last.Packets {
		if f, err := strconv.ParseFloat(k.PTS, 64); err == nil {
			end = max(end, f)
		}
	}
	if end <= p.Start() {
		return seconds(total), nil
	}
	return seconds(end - p.Start() + 1/p.Rate.Float()), nil
}

func ratio(s string) media.Rate {
	a, b, ok := strings.Cut(s, "/")
	n, ok1 := number(a)
	d, ok2 := number(b)
	if !ok || !ok1 || !ok2 {
		return media.Rate{}
	}
	return media.Rate{Num: n, Den: d}
}

// common are the rates that averages are rounded to.
var common = [...]media.Rate{{Num: 12, Den: 1}, {Num: 15, Den: 1}, {Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1}, {Num: 48, Den: 1}, {Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}}

// constant chooses the constant rate and tells whether the source has it already.
// real is the lowest rate all times fit, avg the mean.
func constant(real, avg media.Rate) (media.Rate, bool) {
	ok := func(r media.Rate) bool { return r.Num > 0 && r.Den > 0 && r.Num < 1<<20 && r.Den < 1<<20 }
	if ok(real) && ok(avg) && math.Abs(real.Float()-avg.Float()) <= real.Float()*0.0005 && avg.Float() >= 5 && avg.Float() <= 60.5 {
		return real, true
	}
	want := 25.0
	switch {
	case avg.Num > 0 && avg.Den > 0:
		want = avg.Float()
	case real.Num > 0 && real.Den > 0:
		want = real.Float()
	}
	for want > 60.5 { // 120 becomes 60, 240 becomes 60
		want /= 2
	}
	best := common[0]
	for _, c := range common {
		if math.Abs(c.Float()-want) < math.Abs(best.Float()-want) {
			best = c
		}
	}
	return best, false
}

// Package ffmpeg is the media.Transcoder that runs ffmpeg and ffprobe, each in a
// sandbox of its own: no network, a read-only system, nothing writable but the output
// folder, and limits on memory, processor time, output size and wall time that follow
// from the work asked for. It never hands a user's string to a command line and
// never lets ffmpeg open anything but the one file it is given.
package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// Options configures New. The zero value finds the programs in PATH and insists on
// the sandbox.
type Options struct {
	// FFmpeg, FFprobe and Bwrap are the programs (default: these names in PATH).
	FFmpeg, FFprobe, Bwrap string
	// AllowUnsandboxed lets ffmpeg run without bubblewrap where that does not
	// work. A hole in a decoder is then a hole in the server.
	AllowUnsandboxed bool
	// Preset is the x264 preset (default veryfast), CRF the quality (default 23).
	Preset string
	CRF    int
}

// Transcoder implements media.Transcoder.
type Transcoder struct {
	opt Options
	// mode is found at first use: it costs a process.
	once    sync.Once
	sandbox bool
	why     error
}

var _ media.Transcoder = (*Transcoder)(nil)

// New returns a Transcoder. It starts nothing; Check tells whether it can work.
func New(opt Options) *Transcoder {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&opt.FFmpeg, "ffmpeg")
	def(&opt.FFprobe, "ffprobe")
	def(&opt.Bwrap, "bwrap")
	def(&opt.Preset, "veryfast")
	if opt.CRF == 0 {
		opt.CRF = 23
	}
	return &Transcoder{opt: opt}
}

// Check implements media.Transcoder.
func (t *Transcoder) Check(ctx context.Context) error {
	const op = "ffmpeg.Check"
	out, err := t.run(ctx, command{program: t.opt.FFmpeg, args: []string{"-hide_banner", "-encoders"}, limit: small})
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.Unavailable {
			return fault.At(op, err)
		}
		return fault.Wrap(fault.Unavailable, op, fmt.Errorf("ffmpeg does not run: %w", err))
	}
	for _, enc := range []string{"libx264", "aac"} {
		if !strings.Contains(string(out), " "+enc+" ") {
			return fault.Newf(fault.Unavailable, op, "ffmpeg lacks the encoder %s: install a build that has it", enc)
		}
	}
	if _, err := t.run(ctx, command{program: t.opt.FFprobe, args: []string{"-version"}, limit: small}); err != nil {
		return fault.Wrap(fault.Unavailable, op, fmt.Errorf("ffprobe does not run: %w", err))
	}
	return nil
}

// input are the options before -i: one local file, known containers, nothing else.
func input(pixels int64) []string {
	return []string{"-nostdin", "-protocol_whitelist", "file,pipe", "-format_whitelist", formats, "-max_pixels", fmt.Sprint(pixels)}
}

// decodable bounds the area of a picture. Decoders ask for more than they show: padding, edges.
func decodable(p media.Probe) int64 { return 2*p.CodedPixels + 1<<20 }

// formats are the containers taken. Playlists, concat scripts and still images are not
// among them.
const formats = "mov,matroska,webm,mpegts,mpeg,avi,flv,ogg,asf"

// Video implements media.Transcoder.
func (t *Transcoder) Video(ctx context.Context, job media.VideoJob, progress func(int64)) error {
	p, rate := job.Probe, job.Probe.Rate
	args := []string{"-hide_banner", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.25"}
	args = append(args, input(decodable(p))...)
	if job.Threads > 0 {
		args = append(args, "-threads", fmt.Sprint(job.Threads), "-filter_complex_threads", fmt.Sprint(job.Threads))
	}
	// All frames from the keyframe before the seek point reach the filters
	// (-noaccurate_seek) with their own times (-copyts); the trim below picks by frame
	// number. So the fps filter knows what is on screen where the chunk starts.
	args = append(args, "-copyts", "-noaccurate_seek")
	if from := seek(job); from > 0 {
		args = append(args, "-ss", fmt.Sprintf("%.6f", from+p.Start()))
	}
	args = append(args, "-i", sourceName, "-filter_complex", graph(job))
	scale := timescale(rate)
	for i, r := range job.Rungs {
		args = append(args, "-map", fmt.Sprintf("[o%d]", i), "-map_metadata", "-1", "-map_chapters", "-1",
			"-c:v", "libx264", "-preset", t.opt.Preset, "-profile:v", "high", "-crf", fmt.Sprint(t.opt.CRF),
			"-maxrate", fmt.Sprint(r.MaxRate), "-bufsize", fmt.Sprint(r.MaxRate*3/2),
			"-bf", "2", "-g", "99999", "-keyint_min", "1", "-sc_threshold", "0", "-flags", "+cgop",
			"-force_key_frames", times(job.Keyframes, rate), "-video_track_timescale", fmt.Sprint(scale))
		if job.Threads > 0 {
			args = append(args, "-threads", fmt.Sprint(job.Threads))
		}
		args = append(args, "-movflags", "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets", "-f", "mp4", r.ID+".mp4")
	}
	_, err := t.run(ctx, command{program: t.opt.FFmpeg, args: args, source: job.Source, dir: job.Dir, limit: videoLimit(job), urgent: job.Urgent, onLine: func(k, v string) {
		if n, ok := number(v); ok && k == "frame" && progress != nil {
			progress(n)
		}
	}})
	return fault.At("ffmpeg.Video", err)
}

// seek returns how far into the video to start reading. Containers seek by
// decode time or by a coarse index, so it is before the first frame wanted, and further with each attempt.
func seek(job media.VideoJob) float64 {
	back := 1.0
	switch job.Probe.Container {
	case "mpegts", "mpeg", "flv", "ogg", "asf":
		// No index of keyframes: a seek may land behind the one before.
		back = 12
	}
	switch {
	case job.Attempt == 2:
		back = 40
	case job.Attempt > 2:
		return 0
	}
	return float64(job.First)/job.Probe.Rate.Float() - back
}

// graph decodes once and splits: to the asset's zero, progressive, constant rate,
// the wanted frames by number, 8-bit BT.709-range colour, then each size.
func graph(job media.VideoJob) string {
	p := job.Probe
	f := []string{fmt.Sprintf("[0:%d]setpts=PTS-(%d)", p.VideoStream, p.StartPTS)}
	if p.Interlaced {
		f = append(f, "bwdif=mode=send_frame:deint=interlaced")
	}
	f = append(f, fmt.Sprintf("fps=fps=%d/%d:round=near", p.Rate.Num, p.Rate.Den))
	trim := fmt.Sprintf("trim=start_pts=%d", job.First)
	if job.End > 0 {
		trim += fmt.Sprintf(":end_pts=%d", job.End)
	}
	f = append(f, trim, fmt.Sprintf("setpts=PTS-%d", job.First))
	if p.HDR {
		f = append(f, "zscale=t=linear:npl=100", "format=gbrpf32le", "zscale=p=bt709", "tonemap=hable:desat=0", "zscale=t=bt709:m=bt709:r=tv")
	}
	f = append(f, "format=yuv420p", fmt.Sprintf("split=%d", len(job.Rungs)))
	var b strings.Builder
	b.WriteString(strings.Join(f, ","))
	for i := range job.Rungs {
		fmt.Fprintf(&b, "[s%d]", i)
	}
	for i, r := range job.Rungs {
		fmt.Fprintf(&b, ";[s%d]scale=%d:%d:flags=bicubic,setsar=1[o%d]", i, r.Width, r.Height, i)
	}
	return b.String()
}

// times spells frame numbers as times for -force_key_frames, which rounds them back to frames.
func times(frames []int64, rate media.Rate) string {
	s := make([]string, len(frames))
	for i, n := range frames {
		s[i] = fmt.Sprintf("%.6f", float64(n)*float64(rate.Den)/float64(rate.Num))
	}
	return strings.Join(s, ",")
}

// timescale returns a track timescale in which a frame lasts a whole number of ticks.
func timescale(r media.Rate) int64 {
	if r.Num >= 10000 {
		return r.Num
	}
	return r.Num * ((12288 + r.Num - 1) / r.Num)
}

// Audio implements media.Transcoder.
func (t *Transcoder) Audio(ctx context.Context, job media.AudioJob, progress func(time.Duration)) error {
	p := job.Probe
	args := []string{"-hide_banner", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.1"}
	args = append(args, input(decodable(p))...)
	args = append(args, "-vn", "-sn", "-dn", "-copyts", "-i", sourceName, "-map", fmt.Sprintf("0:%d", p.AudioStream),
		"-map_metadata", "-1", "-map_chapters", "-1",
		// async fills gaps with silence and first_pts pads or cuts the start, so that
		// sample n is always heard n/rate after the first picture.
		"-af", fmt.Sprintf("asetpts=PTS-(%.6f)/TB,aresample=%d:async=1:first_pts=0,atrim=start=0:end=%.6f", p.Start(), job.SampleRate, p.Duration.Seconds()),
		"-c:a", "aac", "-b:a", fmt.Sprint(job.BitRate), "-ar", fmt.Sprint(job.SampleRate), "-ac", "2",
		"-movflags", "+empty_moov+default_base_moof+frag_keyframe", "-frag_duration", "2000000", "-f", "mp4", job.Name+".mp4")
	// Sound is cheap, and nothing plays before it is there: it is not held back.
	_, err := t.run(ctx, command{program: t.opt.FFmpeg, args: args, source: job.Source, dir: job.Dir, limit: audioLimit(job), urgent: true, onLine: func(k, v string) {
		if us, ok := number(v); ok && k == "out_time_us" && progress != nil {
			progress(time.Duration(us) * time.Microsecond)
		}
	}})
	return fault.At("ffmpeg.Audio", err)
}

// limit bounds one run.
type limit struct {
	memory, output int64 // bytes
	cpu            time.Duration
	wall           time.Duration
}

// small is for runs that read headers.
var small = limit{memory: 4 << 30, output: 1 << 20, cpu: 20 * time.Second, wall: 30 * time.Second}

// videoLimit follows from the length of the run and the area of a picture. A
// constant would kill honest long videos and be no bound for short ones.
func videoLimit(job media.VideoJob) limit {
	var rate int64
	for _, r := range job.Rungs {
		rate = max(rate, r.MaxRate)
	}
	seconds := job.Probe.Duration.Seconds() - float64(job.First)/job.Probe.Rate.Float()
	if job.End > 0 {
		seconds = float64(job.End-job.First) / job.Probe.Rate.Float()
	}
	seconds = max(seconds, 0) + 60
	area := max(float64(job.Probe.CodedPixels)/(1920*1080), 1)
	cpu := time.Duration((60 + seconds*30*area*max(job.Probe.Rate.Float()/30, 1)) * float64(time.Second))
	if job.Attempt > 2 { // reads from the start
		cpu += time.Duration(float64(job.Probe.Duration) * area * 4)
	}
	return limit{
		memory: 4<<30 + job.Probe.CodedPixels*384,
		output: int64(math.Ceil(float64(rate)/8*seconds*2)) + 16<<20,
		cpu:    cpu,
		wall:   2*cpu + time.Minute,
	}
}

func audioLimit(job media.AudioJob) limit {
	d := job.Probe.Duration
	return limit{
		memory: 4 << 30,
		output: int64(float64(job.BitRate)/8*d.Seconds()*2) + 16<<20,
		cpu:    time.Minute + d,
		wall:   2 * (time.Minute + d),
	}
}

// sourceName is what the source is called inside; the outside name never gets in.
const sourceName = "/source/input"

func binds(c command) (src, dir string) {
	src, dir = c.source, c.dir
	if src != "" {
		src, _ = filepath.Abs(src)
	}
	if dir != "" {
		dir, _ = filepath.Abs(dir)
	}
	return src, dir
}

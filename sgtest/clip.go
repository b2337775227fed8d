package sgtest

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// The clip is what drivers/ffmpeg made of 8 s of one colour; see TestClip.
//
//go:embed testdata/clip
var clip embed.FS

// Transcoder is a media.Transcoder that takes every source for the same clip of 8 s, without
// sound, 64 by 36 pixels, encoded beforehand. The pipeline round it checks it as it does any.
type Transcoder struct{}

var _ media.Transcoder = Transcoder{}

// Check implements media.Transcoder.
func (Transcoder) Check(context.Context) error { return nil }

// Probe implements media.Transcoder.
func (Transcoder) Probe(ctx context.Context, _ string, _ media.Limits) (p media.Probe, err error) {
	if err := ctx.Err(); err != nil {
		return p, fault.Wrap(fault.Canceled, "sgtest.Probe", err)
	}
	b, err := clip.ReadFile("testdata/clip/probe.json")
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, fault.Wrap(fault.Internal, "sgtest.Probe", err)
}

// Video implements media.Transcoder.
func (Transcoder) Video(ctx context.Context, job media.VideoJob, progress func(frames int64)) error {
	const op = "sgtest.Video"
	for _, rung := range job.Rungs {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, op, err)
		}
		b, err := clip.ReadFile("testdata/clip/" + chunkName(job, rung.ID))
		if err != nil {
			return fault.Wrap(fault.Internal, op, err)
		}
		if err := os.WriteFile(filepath.Join(job.Dir, rung.ID+".mp4"), b, 0o600); err != nil {
			return fault.Wrap(fault.Internal, op, err)
		}
	}
	if progress != nil {
		progress(int64(len(job.Keyframes)) * media.FragmentMS * job.Probe.Rate.Num / job.Probe.Rate.Den / 1000)
	}
	return nil
}

// chunkName is the file of one rung of one chunk.
func chunkName(job media.VideoJob, rung string) string {
	return fmt.Sprintf("%s-%d.mp4", rung, job.First)
}

// Audio implements media.Transcoder. The clip has no sound, so that nobody asks.
func (Transcoder) Audio(context.Context, media.AudioJob, func(time.Duration)) error {
	return fault.New(fault.Internal, "sgtest.Audio", "the clip has no sound")
}

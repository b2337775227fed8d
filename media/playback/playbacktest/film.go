package playbacktest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

// Film is an asset version with its bytes: 13.5 s of a test picture at 24 frames/s
// in two rungs, and a tone.
type Film struct {
	Version media.Version
	Objects storage.Store
	Keys    keys.Manager
	// Clear holds each track's clear bytes, init segment first.
	Clear map[string][]byte
}

// MakeFilm encodes the film of an asset with ffmpeg, ingests it in segments of
// 4 s with an epoch of one segment, and makes a playback secret.
func MakeFilm(ctx context.Context, tenant, asset string) (*Film, error) {
	dir, err := os.MkdirTemp("", "film")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	f := &Film{
		Objects: mem.New(), Keys: keys.NewMemory(), Clear: map[string][]byte{},
		Version: media.Version{AssetID: asset, Tenant: tenant, Number: 1, Complete: true, Revision: 1, Grid: cmaf.Grid{SegmentMS: 4000, EpochSegments: 1}},
	}
	if _, f.Version.Secret, err = f.Keys.DataKey(ctx, media.Scope(tenant, asset)); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		id   string
		skip int
		args []string
	}{
		{"v360", 0, []string{"-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=13.5", "-c:v", "libx264", "-b:v", "600k"}},
		{"v180", 0, []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=13.5", "-c:v", "libx264", "-b:v", "200k"}},
		{"a64", 1, []string{"-f", "lavfi", "-i", "sine=440:r=48000:d=13.5", "-ac", "2", "-c:a", "aac", "-b:a", "64k"}},
	} {
		out := filepath.Join(dir, c.id+".mp4")
		args := append([]string{"-loglevel", "error", "-nostdin", "-y"}, c.args...)
		args = append(args, "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-sc_threshold", "0", "-force_key_frames", "expr:gte(t,n_forced*2)")
		if c.skip > 0 {
			args = append([]string{"-loglevel", "error", "-nostdin", "-y"}, c.args...)
		}
		args = append(args, "-f", "mp4", "-movflags", "+cmaf+frag_keyframe+empty_moov+default_base_moof+skip_trailer", out)
		if c.skip > 0 {
			args = append(args[:len(args)-1], "-frag_duration", "2000000", out)
		}
		if msg, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ffmpeg %s: %w: %s", c.id, err, msg)
		}
		if err := f.ingest(ctx, c.id, out, c.skip); err != nil {
			return nil, fmt.Errorf("ingest %s: %w", c.id, err)
		}
	}
	return f, nil
}

func (f *Film) ingest(ctx context.Context, id, path string, skip int) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	var body bytes.Buffer
	object := media.Scope(f.Version.Tenant, f.Version.AssetID) + "/" + id
	in, err := cmaf.Ingest(r, &body, cmaf.IngestOptions{Object: object, SegmentMS: 4000, FragmentMS: 2000, Skip: skip})
	if err != nil {
		return err
	}
	if _, err := f.Objects.Put(ctx, object, bytes.NewReader(body.Bytes()), storage.PutOptions{}); err != nil {
		return err
	}
	t := in.Track
	t.ID, t.Complete = id, true
	if t.Kind == cmaf.Video {
		t.FrameRateNum, t.FrameRateDen = 24, 1
	}
	for _, g := range t.Segments {
		t.PeakBandwidth = max(t.PeakBandwidth, g.Length*8*int64(t.Timescale)/int64(g.Duration))
	}
	t.Bandwidth = in.Bytes * 8 * int64(t.Timescale) / int64(in.Duration)
	f.Version.Tracks = append(f.Version.Tracks, t)
	f.Clear[id] = append(bytes.Clone(t.Init), body.Bytes()...)
	return nil
}

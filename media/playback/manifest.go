package playback

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/dash"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/hls"
	"github.com/streamgate/streamgate/media/cmaf"
)

// Resource is a manifest, a segment or a licence, ready to be served.
type Resource struct {
	ContentType string
	Body        io.ReadSeeker
	Size        int64
	ETag        string // quoted; immutable bytes have one
	Immutable   bool
}

type manifestKey struct {
	tenant, asset string
	version       int
	revision      int64
	name          string
}

// manifest is a text in pieces, between which the viewer's licence URL goes. HLS
// has one piece: its key URIs are relative and so the same for every viewer.
type manifest struct {
	contentType string
	pieces      [][]byte
	size        int
	etag        string
}

// The manifests are at play/{token}/hls/ and play/{token}/dash/, the segments at media/.
const toRoot = "../../../"

func mediaBase(v *versionEntry) string {
	return toRoot + "media/" + v.AssetID + "/" + strconv.Itoa(v.Number) + "/"
}

// HLS returns the multivariant playlist for name "master.m3u8", or the media
// playlist "{track}.m3u8". Unknown or ended grants are fault.Forbidden with the
// reason, media that is not there yet fault.Unavailable with RetryAfter. While the
// asset is being made the playlists are of type EVENT and grow.
func (s *Service) HLS(ctx context.Context, token, name string) (Resource, error) {
	const op = "playback.HLS"
	m, err := s.manifest(ctx, op, token, name, func(v *versionEntry) (*manifest, error) {
		var b bytes.Buffer
		var err error
		if name == "master.m3u8" {
			err = writeMaster(&b, v)
		} else if t := v.track(strings.TrimSuffix(name, ".m3u8")); t == nil || !strings.HasSuffix(name, ".m3u8") {
			return nil, fault.New(fault.NotFound, op, "there is no such playlist")
		} else {
			err = writeTrack(&b, v, t)
		}
		return &manifest{contentType: hls.ContentType, pieces: [][]byte{b.Bytes()}}, err
	})
	if err != nil {
		return Resource{}, err
	}
	return Resource{ContentType: m.contentType, Body: bytes.NewReader(m.pieces[0]), Size: int64(m.size), ETag: m.etag}, nil
}

// licensePlace stands for the licence URL in a manifest that is shared by viewers.
const licensePlace = "streamgate-licence-url"

// DASH returns the manifest. It is static, and a static manifest never changes, so
// until the asset is complete it is fault.Unavailable with RetryAfter: use HLS then.
func (s *Service) DASH(ctx context.Context, token string) (Resource, error) {
	const op = "playback.DASH"
	m, err := s.manifest(ctx, op, token, "manifest.mpd", func(v *versionEntry) (*manifest, error) {
		if !v.Complete {
			return nil, fault.New(fault.Unavailable, op, "DASH is there once the whole video is processed; HLS is there already").After(retryMedia)
		}
		var b bytes.Buffer
		if err := writeDASH(&b, v); err != nil {
			return nil, err
		}
		return &manifest{contentType: dash.ContentType, pieces: bytes.Split(b.Bytes(), []byte(licensePlace))}, nil
	})
	if err != nil {
		return Resource{}, err
	}
	var url bytes.Buffer
	if err := xml.EscapeText(&url, []byte(s.opt.PathPrefix+"/play/"+token+"/license")); err != nil {
		return Resource{}, fault.Wrap(fault.Internal, op, err)
	}
	body := bytes.Join(m.pieces, url.Bytes())
	return Resource{ContentType: m.contentType, Body: bytes.NewReader(body), Size: int64(len(body))}, nil
}

// manifest returns the cached text for a grant that is in force.
func (s *Service) manifest(ctx context.Context, op, token, name string, write func(*versionEntry) (*manifest, error)) (*manifest, error) {
	v, err := s.viewing(ctx, op, token)
	if err != nil {
		return nil, err
	}
	if err := v.usable(op, s.opt.Now()); err != nil {
		return nil, err
	}
	version, err := s.version(ctx, v.rec.Tenant, v.rec.AssetID, v.rec.Version)
	if err != nil {
		return nil, fault.At(op, err)
	}
	key := manifestKey{v.rec.Tenant, v.rec.AssetID, version.Number, version.Revision, name}
	m, ok := s.manifests.GetIfPresent(key)
	if found(ctx, s.counts.manifests, ok); ok {
		return m, nil
	}
	if m, err = write(version); err != nil {
		return nil, fault.At(op, err)
	}
	sum := sha256.New()
	for _, p := range m.pieces {
		sum.Write(p)
		m.size += len(p)
	}
	m.etag = `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`
	s.manifests.Set(key, m)
	return m, nil
}

// playable returns the tracks of a kind that have a segment.
func playable(v *versionEntry, k cmaf.Kind) []*cmaf.Track {
	var ts []*cmaf.Track
	for i := range v.Tracks {
		if t := &v.Tracks[i]; t.Kind == k && len(t.Segments) > 0 {
			ts = append(ts, t)
		}
	}
	return ts
}

const notYet = "no segment is there yet"

func writeMaster(w io.Writer, v *versionEntry) error {
	m := hls.Multivariant{IndependentSegments: true}
	video, audio := playable(v, cmaf.Video), playable(v, cmaf.Audio)
	if len(video)+len(audio) == 0 {
		return fault.New(fault.Unavailable, "playback.writeMaster", notYet).After(retryMedia)
	}
	group := ""
	var codecs []string
	var peak, average int64
	for i, a := range audio {
		peak, average = max(peak, peakBandwidth(a)), max(average, a.Bandwidth)
		if len(video) == 0 {
			m.Variants = append(m.Variants, hls.Variant{
				URI: a.ID + ".m3u8", Bandwidth: peakBandwidth(a), AverageBandwidth: min(a.Bandwidth, peakBandwidth(a)), Codecs: []string{a.Codec},
			})
			continue
		}
		group = "audio"
		codecs = append(codecs, a.Codec)
		name := a.Language
		if name == "" {
			name = "Audio"
		}
		if i > 0 {
			name += " " + strconv.Itoa(i+1)
		}
		m.Audio = append(m.Audio, hls.Audio{
			Group: group, Name: name, Language: a.Language, URI: a.ID + ".m3u8", Default: i == 0, Channels: a.Channels,
		})
	}
	for _, t := range video {
		m.Variants = append(m.Variants, hls.Variant{
			URI: t.ID + ".m3u8", Bandwidth: peakBandwidth(t) + peak, AverageBandwidth: min(t.Bandwidth, peakBandwidth(t)) + min(average, peak),
			Codecs: append([]string{t.Codec}, codecs...), Width: t.Width, Height: t.Height,
			FrameRate: float64(t.FrameRateNum) / float64(max(t.FrameRateDen, 1)), AudioGroup: group,
		})
	}
	return hls.WriteMultivariant(w, m)
}

// peakBandwidth is never 0, which a playlist must not say.
func peakBandwidth(t *cmaf.Track) int64 { return max(t.PeakBandwidth, t.Bandwidth, 1) }

func writeTrack(w io.Writer, v *versionEntry, t *cmaf.Track) error {
	if len(t.Segments) == 0 {
		return fault.New(fault.Unavailable, "playback.writeTrack", notYet).After(retryMedia)
	}
	base := mediaBase(v) + t.ID + "/"
	m := hls.Media{
		Type: hls.Event, Ended: t.Complete, TargetDuration: time.Duration(v.Grid.SegmentMS) * time.Millisecond,
		Map: base + initName, IndependentSegments: true,
	}
	if t.Complete {
		m.Type = hls.VOD
	}
	for n, g := range t.Segments {
		iv := v.keys.SegmentIV(t.ID, n)
		m.Segments = append(m.Segments, hls.Segment{
			URI: base + hlsName(n), Duration: mediaTime(g.Duration, t.Timescale),
			Key: &hls.Key{Method: "AES-128", URI: "../key/" + v.keys.KID(cmaf.HLS, v.Grid.Epoch(n)).String(), IV: iv[:]},
		})
	}
	return hls.WriteMedia(w, m)
}

// mediaTime converts a count of 1/scale s, rounded to a nanosecond.
func mediaTime(t uint64, scale uint32) time.Duration {
	s, rest := t/uint64(scale), t%uint64(scale)
	return time.Duration(s)*time.Second + time.Duration((rest*uint64(time.Second)+uint64(scale)/2)/uint64(scale))
}

// rescale converts media time from one timescale to another, rounded.
func rescale(t uint64, from, to uint32) uint64 {
	if from == to {
		return t
	}
	s, rest := t/uint64(from), t%uint64(from)
	return s*uint64(to) + (rest*uint64(to)+uint64(from)/2)/uint64(from)
}

// A last epoch that not every track reaches is left out when it is shorter than
// this: players dislike a Period without sound or picture more than they miss it.
const tail = 500 * time.Millisecond

// writeDASH makes one Period for each key epoch. A Period starts where the first
// video frame of its epoch does; audio is offset to the same instant, and its
// frames, which do not end on it, overlap by less than one.
func writeDASH(w io.Writer, v *versionEntry) error {
	groups := sets(playable(v, cmaf.Video), playable(v, cmaf.Audio))
	if len(groups) == 0 {
		return fault.New(fault.Unavailable, "playback.writeDASH", notYet).After(retryMedia)
	}
	m := dash.Manifest{BaseURL: mediaBase(v)}
	var starts []time.Duration
	var end time.Duration // of the media in the Periods so far
	for epoch := range v.epochs() {
		var p dash.Period
		var ref *cmaf.Track
		var start uint64
		for i, g := range groups {
			segments := inEpoch(v, g[0], epoch)
			if len(segments) == 0 {
				continue
			}
			if ref == nil {
				ref, start = g[0], segments[0].Time
			}
			p.Sets = append(p.Sets, dashSet(v, g, i+1, epoch, rescale(start, ref.Timescale, g[0].Timescale)))
		}
		from, to := mediaTime(start, ref.Timescale), endOf(groups, func(t *cmaf.Track) []cmaf.Segment { return inEpoch(v, t, epoch) })
		if epoch > 0 && len(p.Sets) < len(groups) && to-from < tail {
			break
		}
		p.ID = "e" + strconv.Itoa(epoch)
		m.Periods, starts, end = append(m.Periods, p), append(starts, from), max(end, to)
	}
	for i := range m.Periods {
		next := end
		if i+1 < len(starts) {
			next = starts[i+1]
		}
		m.Periods[i].Duration = next - starts[i]
	}
	return dash.Write(w, m)
}

// endOf returns when the last of the chosen segments ends.
func endOf(groups [][]*cmaf.Track, choose func(*cmaf.Track) []cmaf.Segment) (end time.Duration) {
	for _, g := range groups {
		if ss := choose(g[0]); len(ss) > 0 {
			last := ss[len(ss)-1]
			end = max(end, mediaTime(last.Time+last.Duration, g[0].Timescale))
		}
	}
	return end
}

// inEpoch returns the segments of t in an epoch.
func inEpoch(v *versionEntry, t *cmaf.Track, epoch int) []cmaf.Segment {
	per := max(v.Grid.EpochSegments, 1)
	n := len(t.Segments)
	return t.Segments[min(epoch*per, n):min((epoch+1)*per, n)]
}

// sets groups tracks that can share a segment timeline: renditions of the video
// with the same cuts, and each audio track by itself.
func sets(video, audio []*cmaf.Track) [][]*cmaf.Track {
	var groups [][]*cmaf.Track
next:
	for _, t := range video {
		for i, g := range groups {
			if sameCuts(g[0], t) {
				groups[i] = append(g, t)
				continue next
			}
		}
		groups = append(groups, []*cmaf.Track{t})
	}
	for _, t := range audio {
		groups = append(groups, []*cmaf.Track{t})
	}
	return groups
}

func sameCuts(a, b *cmaf.Track) bool {
	if a.Timescale != b.Timescale || len(a.Segments) != len(b.Segments) {
		return false
	}
	for i := range a.Segments {
		if a.Segments[i].Time != b.Segments[i].Time || a.Segments[i].Duration != b.Segments[i].Duration {
			return false
		}
	}
	return true
}

// dashSet describes one epoch of tracks with common cuts.
func dashSet(v *versionEntry, tracks []*cmaf.Track, id, epoch int, offset uint64) dash.Set {
	t := tracks[0]
	set := dash.Set{
		ID: id, Kind: dash.Kind(t.Kind), Language: t.Language, Timescale: t.Timescale, Offset: offset, Number: epoch * max(v.Grid.EpochSegments, 1),
		Init: "$RepresentationID$/" + dashInitName(epoch), Media: "$RepresentationID$/d$Number$.m4s",
		Protection: &dash.Protection{Scheme: "cbcs", DefaultKID: v.keys.KID(cmaf.DASH, epoch), LicenseURL: licensePlace},
	}
	for _, g := range inEpoch(v, t, epoch) {
		set.Timeline = append(set.Timeline, dash.Time{Start: g.Time, Duration: g.Duration})
	}
	for _, t := range tracks {
		r := dash.Representation{
			ID: t.ID, Codecs: t.Codec, Bandwidth: peakBandwidth(t), Width: t.Width, Height: t.Height, SampleRate: t.SampleRate, Channels: t.Channels,
		}
		if t.FrameRateNum > 0 {
			r.FrameRate = frameRate(t)
		}
		set.Representations = append(set.Representations, r)
	}
	return set
}

func frameRate(t *cmaf.Track) string {
	if t.FrameRateDen <= 1 {
		return strconv.Itoa(t.FrameRateNum)
	}
	if math.Mod(float64(t.FrameRateNum), float64(t.FrameRateDen)) == 0 {
		return strconv.Itoa(t.FrameRateNum / t.FrameRateDen)
	}
	return fmt.Sprintf("%d/%d", t.FrameRateNum, t.FrameRateDen)
}

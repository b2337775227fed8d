package playback

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage/cache"
)

type segmentKey struct {
	tenant, asset string
	version       int
	track, name   string
}

// segment is what Media serves, ready.
type segment struct {
	body []byte
	etag string
}

// The names of media: the clear init segment, HLS segments by number, DASH segments
// by number and DASH init segments by epoch.
const initName = "init.mp4"

func hlsName(n int) string          { return "h" + strconv.Itoa(n) + ".m4s" }
func dashName(n int) string         { return "d" + strconv.Itoa(n) + ".m4s" }
func dashInitName(epoch int) string { return "d" + strconv.Itoa(epoch) + "-init.mp4" }

// form is what a name stands for.
type form int

const (
	unknownForm form = iota
	clearInit
	hlsSegment
	dashSegment
	dashInit
)

// parseName reads a media name; each thing has one spelling, so that a cache
// cannot be filled with others.
func parseName(name string) (form, int) {
	if name == initName {
		return clearInit, 0
	}
	for _, c := range []struct {
		f            form
		spell        func(int) string
		prefix, tail string
	}{{hlsSegment, hlsName, "h", ".m4s"}, {dashSegment, dashName, "d", ".m4s"}, {dashInit, dashInitName, "d", "-init.mp4"}} {
		digits, ok := strings.CutSuffix(name, c.tail)
		if !ok || len(digits) > 9 {
			continue
		}
		if digits, ok = strings.CutPrefix(digits, c.prefix); !ok {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil && n >= 0 && c.spell(n) == name {
			return c.f, n
		}
	}
	return unknownForm, 0
}

// Media returns a ciphertext segment or init segment: the same bytes for every
// viewer, immutable, no token. name is as the manifests spell it. What is not there
// yet is fault.Unavailable with RetryAfter, what will never be fault.NotFound.
func (s *Service) Media(ctx context.Context, asset string, version int, track, name string) (Resource, error) {
	const op = "playback.Media"
	tenant := defaultTenant
	if s.opt.TenantOf != nil {
		var err error
		if tenant, err = s.opt.TenantOf(ctx, asset); err != nil {
			return Resource{}, fault.At(op, err)
		}
	}
	f, n := parseName(name)
	if f == unknownForm || version <= 0 {
		return Resource{}, fault.New(fault.NotFound, op, "there is no such media")
	}
	// The version is asked even for cached bytes: a deleted asset is gone.
	v, err := s.version(ctx, tenant, asset, version)
	if err != nil {
		return Resource{}, fault.At(op, err)
	}
	t := v.track(track)
	if t == nil {
		return Resource{}, fault.New(fault.NotFound, op, "there is no such track")
	}
	count := len(t.Segments)
	if f == dashInit && count > 0 {
		count = v.Grid.Epoch(count-1) + 1
	}
	if f != clearInit && n >= count {
		if t.Complete {
			return Resource{}, fault.New(fault.NotFound, op, "there is no such segment")
		}
		return Resource{}, fault.New(fault.Unavailable, op, "this segment is not there yet").After(retryMedia)
	}
	g, err := s.segment(ctx, segmentKey{tenant, asset, version, track, name}, v, t, f, n)
	if err != nil {
		return Resource{}, fault.At(op, err)
	}
	kind := "video/mp4"
	if t.Kind == cmaf.Audio {
		kind = "audio/mp4"
	}
	return Resource{ContentType: kind, Body: bytes.NewReader(g.body), Size: int64(len(g.body)), ETag: g.etag, Immutable: true}, nil
}

// segment returns a segment from memory, from the shared cache, or made.
func (s *Service) segment(ctx context.Context, key segmentKey, v *versionEntry, t *cmaf.Track, f form, n int) (*segment, error) {
	g, ok := s.segments.GetIfPresent(key)
	if ok {
		found(ctx, s.counts.segments, true)
		return g, nil
	}
	s.counts.segments.Add(ctx, cache.AtProcess, cache.Miss)
	outcome := new(atomic.Uint32)
	outcome.Store(uint32(cache.Joined)) // unless this call becomes the flight
	g, err := coalesce(ctx, s, "s/"+strings.Join([]string{key.tenant, key.asset, strconv.Itoa(key.version), key.track, key.name}, "/"), func(ctx context.Context) (*segment, error) {
		// Another flight may have landed since the look above.
		if g, ok := s.segments.GetIfPresent(key); ok {
			return g, nil
		}
		g, made, err := s.makeSegment(ctx, key, v, t, f, n)
		if err != nil {
			return nil, err
		}
		outcome.Store(uint32(cache.Hit))
		if made {
			outcome.Store(uint32(cache.Miss))
		}
		s.segments.Set(key, g)
		return g, nil
	})
	if err != nil {
		outcome.Store(uint32(cache.Failed))
	}
	s.counts.segments.Add(ctx, cache.Overall, cache.Outcome(outcome.Load()))
	return g, err
}

// makeSegment reads and encrypts, unless another process has. n is a segment, or an epoch
// for dashInit.
func (s *Service) makeSegment(ctx context.Context, key segmentKey, v *versionEntry, t *cmaf.Track, f form, n int) (g *segment, made bool, err error) {
	ctx, span := s.tracer.Start(ctx, "playback.segment")
	defer span.End()
	encrypt := func(ctx context.Context) ([]byte, error) { return s.encrypt(ctx, v, t, f, n) }
	var body []byte
	// Only what is read from the origin is worth sharing.
	if s.shared != nil && (f == hlsSegment || f == dashSegment) && t.Segments[n].Length <= maxSharedSegment {
		body, made, err = s.sharedSegment(ctx, key, v, encrypt)
	} else {
		made = true
		body, err = encrypt(ctx)
	}
	if err != nil {
		span.RecordError(err)
		return nil, made, err
	}
	span.SetAttributes(attribute.String("asset_id", v.AssetID), attribute.String("track", t.ID), attribute.Int("bytes", len(body)), attribute.Bool("made", made))
	sum := sha256.Sum256(body)
	return &segment{body: body, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}, made, nil
}

func (s *Service) encrypt(ctx context.Context, v *versionEntry, t *cmaf.Track, f form, n int) ([]byte, error) {
	epoch := n
	var clear []byte
	switch f {
	case clearInit:
		return t.Init, nil
	case hlsSegment, dashSegment:
		var err error
		if clear, err = cmaf.Read(ctx, s.opt.Objects, t.Segments[n]); err != nil {
			return nil, err
		}
		epoch = v.Grid.Epoch(n)
	}
	if f == hlsSegment {
		return cmaf.EncryptAES128(clear, v.keys.Key(cmaf.HLS, epoch), v.keys.SegmentIV(t.ID, n)), nil
	}
	p, err := cmaf.NewProtector(t.Init, v.keys.Key(cmaf.DASH, epoch), v.keys.ConstantIV(t.ID, epoch), v.keys.KID(cmaf.DASH, epoch))
	if err != nil {
		return nil, err
	}
	if f == dashInit {
		return p.Init(), nil
	}
	return p.Encrypt(clear)
}

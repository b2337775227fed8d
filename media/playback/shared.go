package playback

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/cache"
)

const (
	// maxSharedSegment bounds what is put into the shared cache: the largest segments are
	// few, and each would push out many.
	maxSharedSegment = 4 << 20
	sharedSegmentTTL = time.Hour
	// sharedVersion is the first byte of an entry.
	sharedVersion = 1
	sealSize      = 1 + sha256.Size
)

// sealKey derives what proves that an entry of the shared cache was put there by a process that
// knows the version's secret. Viewers know content keys and never this one.
func sealKey(secret []byte, v *media.Version) ([]byte, error) {
	k, err := hkdf.Key(sha256.New, secret, []byte("streamgate shared segments v1"), strconv.Quote(v.AssetID)+" "+strconv.Itoa(v.Number), sha256.Size)
	return k, fault.Wrap(fault.Internal, "playback.sealKey", err)
}

// seal returns body as it is put into the shared cache. The tag binds it to its key, so
// that no entry passes for another.
func seal(secret []byte, key string, body []byte) []byte {
	b := make([]byte, 0, sealSize+len(body))
	b = append(b, sharedVersion)
	b = append(b, sealTag(secret, key, body)...)
	return append(b, body...)
}

func sealTag(secret []byte, key string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(strconv.Itoa(len(key)) + ":" + key))
	mac.Write(body)
	return mac.Sum(nil)
}

// sealed tells whether b is an entry that one of our processes has put under key, whole.
func sealed(secret []byte, key string, b []byte) bool {
	return len(b) > sealSize && b[0] == sharedVersion && hmac.Equal(b[1:sealSize], sealTag(secret, key, b[sealSize:]))
}

// sharedKey names a segment in the shared cache. The length of an epoch is in it because the
// bytes depend on it.
func sharedKey(k segmentKey, v *versionEntry) string {
	return "segment/" + strings.Join([]string{k.tenant, k.asset, strconv.Itoa(k.version), k.track, k.name, v.epoch().String()}, "/")
}

// sharedSegment returns the bytes of a segment from the shared cache, or makes them and puts
// them there; one process at a time makes a segment. made tells that this one did.
func (s *Service) sharedSegment(ctx context.Context, k segmentKey, v *versionEntry, encrypt func(context.Context) ([]byte, error)) (body []byte, made bool, err error) {
	key := sharedKey(k, v)
	accept := func(b []byte) bool {
		ok := sealed(v.seal, key, b)
		if !ok {
			s.opt.Logger.InfoContext(ctx, "shared segment refused: it is not one of ours or not whole", "asset_id", k.asset, "bytes", len(b))
		}
		return ok
	}
	b, err := s.shared.Load(ctx, key, accept, func(ctx context.Context) ([]byte, time.Duration, error) {
		made = true
		body, err := encrypt(ctx)
		if err != nil {
			return nil, 0, err
		}
		ttl := sharedSegmentTTL
		if len(body) > maxSharedSegment {
			ttl = 0
		}
		return seal(v.seal, key, body), ttl, nil
	})
	if err != nil {
		return nil, made, err
	}
	return b[sealSize:], made, nil
}

// counters are the answers of this service's caches.
type counters struct{ segments, manifests, versions, assets *cache.Counts }

func newCounters(opt *Options) (c counters, err error) {
	for name, to := range map[string]**cache.Counts{"segments": &c.segments, "manifests": &c.manifests, "versions": &c.versions, "assets": &c.assets} {
		if *to, err = cache.NewCounts(name, opt.Meters); err != nil {
			return c, err
		}
	}
	return c, nil
}

// found counts the answer of a cache that has one level only.
func found(ctx context.Context, c *cache.Counts, hit bool) {
	o := cache.Miss
	if hit {
		o = cache.Hit
	}
	c.Add(ctx, cache.AtProcess, o)
	c.Add(ctx, cache.Overall, o)
}

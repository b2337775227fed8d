package playback

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/nft/rule"
)

// How old a remembered record may be. Events drop records at once; the ages are
// for changes made by another process.
const (
	assetAge    = 2 * time.Second
	growingAge  = time.Second
	completeAge = 30 * time.Second
	loadTimeout = 30 * time.Second
)

type assetEntry struct {
	asset media.Asset
	// rule is the parsed gate, nil without one; err says why it cannot be asked.
	rule *rule.Rule
	err  error
	// grace is how long the rule lets an answer stand while the chain is silent.
	grace time.Duration
	at    time.Time
}

type versionEntry struct {
	*media.Version
	keys *cmaf.ContentKeys
	seal []byte // of segments in the shared cache
	at   time.Time
}

// epoch is the length of the version's key epochs.
func (v *versionEntry) epoch() time.Duration {
	return time.Duration(v.Grid.SegmentMS) * time.Duration(max(v.Grid.EpochSegments, 1)) * time.Millisecond
}

func (v *versionEntry) track(id string) *cmaf.Track {
	for i := range v.Tracks {
		if v.Tracks[i].ID == id {
			return &v.Tracks[i]
		}
	}
	return nil
}

// epochs is the count of epochs that have a segment.
func (v *versionEntry) epochs() int {
	n := 0
	for _, t := range v.Tracks {
		if len(t.Segments) > 0 {
			n = max(n, v.Grid.Epoch(len(t.Segments)-1)+1)
		}
	}
	return n
}

func assetKey(tenant, id string) string { return tenant + "/" + id }

// asset returns a recent record of the asset and its parsed gate.
func (s *Service) asset(ctx context.Context, tenant, id string) (assetEntry, error) {
	key := assetKey(tenant, id)
	e, ok := s.assets.GetIfPresent(key)
	ok = ok && s.opt.Now().Sub(e.at) < assetAge
	if found(ctx, s.counts.assets, ok); ok {
		return e, nil
	}
	return coalesce(ctx, s, "a/"+key, func(ctx context.Context) (assetEntry, error) { return s.loadAsset(ctx, tenant, id) })
}

func (s *Service) loadAsset(ctx context.Context, tenant, id string) (assetEntry, error) {
	at := s.opt.Now()
	a, err := s.opt.Assets.Get(ctx, tenant, id)
	if err != nil {
		return assetEntry{}, err
	}
	e := assetEntry{asset: a, at: at}
	if len(a.Gate) > 0 {
		// A rule does not change under its id, and parsing costs more than deciding.
		if old, ok := s.assets.GetIfPresent(assetKey(tenant, id)); ok && a.RuleID != "" && old.asset.RuleID == a.RuleID {
			e.rule, e.err, e.grace = old.rule, old.err, old.grace
		} else if e.rule, e.err = rule.Parse(a.Gate); e.err == nil {
			e.rule.Root().Walk(func(n *rule.Node) { e.grace = max(e.grace, n.Evidence.Grace) })
		}
	}
	s.assets.Set(assetKey(tenant, id), e)
	return e, nil
}

// version returns a recent record of a media version and its content keys.
func (s *Service) version(ctx context.Context, tenant, id string, number int) (*versionEntry, error) {
	key := assetKey(tenant, id) + "/" + strconv.Itoa(number)
	old, ok := s.versions.GetIfPresent(key)
	if ok {
		age := growingAge
		if old.Complete {
			age = completeAge
		}
		if s.opt.Now().Sub(old.at) < age {
			found(ctx, s.counts.versions, true)
			return old, nil
		}
	}
	found(ctx, s.counts.versions, false)
	return coalesce(ctx, s, "v/"+key, func(ctx context.Context) (*versionEntry, error) {
		const op = "playback.version"
		e := &versionEntry{at: s.opt.Now()}
		var err error
		if e.Version, err = s.opt.Assets.Version(ctx, tenant, id, number); err != nil {
			if errors.Is(err, fault.NotFound) {
				s.versions.Invalidate(key)
			}
			return nil, fault.At(op, err)
		}
		if e.Grid.SegmentMS <= 0 {
			return nil, fault.New(fault.Corrupt, op, "the media version has no time grid")
		}
		if ok {
			e.keys, e.seal = old.keys, old.seal
		} else if e.keys, e.seal, err = s.contentKeys(ctx, e.Version); err != nil {
			return nil, fault.At(op, err)
		}
		s.versions.Set(key, e)
		return e, nil
	})
}

func (s *Service) contentKeys(ctx context.Context, v *media.Version) (k *cmaf.ContentKeys, seal []byte, err error) {
	secret, err := s.opt.Keys.Unwrap(ctx, media.Scope(v.Tenant, v.AssetID), v.Secret)
	if err != nil {
		return nil, nil, err
	}
	if k, err = cmaf.NewContentKeys(secret, v.AssetID, v.Number); err != nil {
		return nil, nil, err
	}
	seal, err = sealKey(secret, v)
	return k, seal, err
}

// forget drops what is remembered of an asset.
func (s *Service) forget(tenant, id string) {
	key := assetKey(tenant, id)
	s.assets.Invalidate(key)
	for k := range s.versions.Keys() {
		if len(k) > len(key) && k[:len(key)+1] == key+"/" {
			s.versions.Invalidate(k)
		}
	}
}

// coalesce runs load once for all concurrent callers of the same key. The load
// outlives a caller who hangs up, who gets his context's error.
func coalesce[T any](ctx context.Context, s *Service, key string, load func(context.Context) (T, error)) (T, error) {
	done := s.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return load(ctx)
	})
	var zero T
	select {
	case r := <-done:
		if r.Err != nil {
			return zero, r.Err
		}
		return r.Val.(T), nil
	case <-ctx.Done():
		return zero, fault.Wrap(fault.Canceled, "playback.load", ctx.Err())
	}
}

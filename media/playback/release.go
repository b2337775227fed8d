package playback

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/nft"
)

// Key returns the 16 bytes of the AES-128 key kid (32 hex digits). It asks the
// decision again. Too early is held for a while, then fault.Unavailable with
// RetryAfter; a lost right is fault.Forbidden.
func (s *Service) Key(ctx context.Context, token, kid string) ([]byte, error) {
	const op = "playback.Key"
	ctx, span := s.tracer.Start(ctx, op)
	defer span.End()
	id, err := cmaf.ParseKey(kid)
	if err != nil {
		return nil, fault.New(fault.NotFound, op, "there is no such key")
	}
	keys, err := s.release(ctx, op, token, cmaf.HLS, []cmaf.Key{id})
	if err != nil {
		return nil, err
	}
	return keys[0][:], nil
}

const (
	maxLicense = 4 << 10 // bytes of a licence request
	maxKIDs    = 16      // keys in one
)

type jwk struct {
	Type string `json:"kty"`
	KID  string `json:"kid"`
	Key  string `json:"k"`
}

// License answers a ClearKey licence request (W3C EME, section 9.1.3) as Key
// does, with all keys asked for or none.
func (s *Service) License(ctx context.Context, token string, request []byte) ([]byte, error) {
	const op = "playback.License"
	ctx, span := s.tracer.Start(ctx, op)
	defer span.End()
	kids, err := parseLicense(op, request)
	if err != nil {
		return nil, err
	}
	keys, err := s.release(ctx, op, token, cmaf.DASH, kids)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Keys []jwk  `json:"keys"`
		Type string `json:"type"`
	}
	answer.Type = "temporary"
	for i, k := range keys {
		answer.Keys = append(answer.Keys, jwk{"oct", base64.RawURLEncoding.EncodeToString(kids[i][:]), base64.RawURLEncoding.EncodeToString(k[:])})
	}
	b, err := json.Marshal(answer)
	return b, fault.Wrap(fault.Internal, op, err)
}

// parseLicense reads the key ids of a licence request, each once.
func parseLicense(op string, request []byte) ([]cmaf.Key, error) {
	if len(request) > maxLicense {
		return nil, fault.Newf(fault.TooLarge, op, "a licence request is at most %d bytes", maxLicense)
	}
	var in struct {
		KIDs []string `json:"kids"`
		Type string   `json:"type"`
	}
	bad := fault.New(fault.Invalid, op, "this is not a ClearKey licence request")
	if err := json.Unmarshal(request, &in); err != nil {
		return nil, bad.With("", `send {"kids":["<base64url>"],"type":"temporary"}`)
	}
	if in.Type != "" && in.Type != "temporary" {
		return nil, bad.With("/type", "only temporary licences are given")
	}
	if len(in.KIDs) == 0 || len(in.KIDs) > maxKIDs {
		return nil, bad.With("/kids", fmt.Sprintf("name 1 to %d keys", maxKIDs))
	}
	var kids []cmaf.Key
	for i, text := range in.KIDs {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil || len(b) != cmaf.KeySize {
			return nil, bad.With(fmt.Sprintf("/kids/%d", i), "a key id is 16 bytes in base64url")
		}
		if k := cmaf.Key(b); !slices.Contains(kids, k) {
			kids = append(kids, k)
		}
	}
	return kids, nil
}

// release returns the keys of kids once the pace allows all of them.
func (s *Service) release(ctx context.Context, op, token string, purpose cmaf.Purpose, kids []cmaf.Key) ([]cmaf.Key, error) {
	v, err := s.viewing(ctx, op, token)
	if err != nil {
		return nil, err
	}
	if err := s.permit(ctx, op, v); err != nil {
		return nil, err
	}
	version, err := s.version(ctx, v.rec.Tenant, v.rec.AssetID, v.rec.Version)
	if err != nil {
		return nil, fault.At(op, err)
	}
	if err := s.seat(ctx, op, v, version.epoch()); err != nil {
		return nil, err
	}
	keys := make([]cmaf.Key, len(kids))
	epochs := make([]int, len(kids))
	for i, kid := range kids {
		p, epoch, ok := version.keys.Find(kid)
		if !ok || p != purpose || epoch >= version.epochs() {
			return nil, fault.New(fault.NotFound, op, "there is no such key")
		}
		keys[i], epochs[i] = version.keys.Key(p, epoch), epoch
	}
	slices.Sort(epochs)
	until := s.opt.Now().Add(s.opt.Hold)
	for _, e := range epochs {
		if err := s.await(ctx, op, v, version.epoch(), e, until); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// permit fails unless the viewer has the right now.
func (s *Service) permit(ctx context.Context, op string, v *viewing) error {
	now := s.opt.Now()
	v.mu.Lock()
	// After a no, a cached yes may be older: ask past the cache, but not so
	// often that a refused player becomes a load on the chain.
	fresh := v.denied && now.Sub(v.freshAt) >= assetAge
	known := v.denied && !fresh
	if fresh {
		v.freshAt = now
	}
	v.mu.Unlock()
	if known {
		return v.usable(op, now)
	}
	d, err := s.ask(ctx, v, fresh)
	if err != nil {
		return fault.At(op, err)
	}
	if err := v.usable(op, now); err != nil {
		return err
	}
	if d.Outcome == nft.Unknown {
		grace := s.grace(v)
		v.mu.Lock()
		stands := !v.yesAt.IsZero() && now.Sub(v.yesAt) < grace
		v.mu.Unlock()
		if !stands {
			return refusal(op, d)
		}
	}
	return nil
}

// grace is how long what was known of v's right stands while it cannot be learned anew.
func (s *Service) grace(v *viewing) time.Duration {
	if e, ok := s.assets.GetIfPresent(assetKey(v.rec.Tenant, v.rec.AssetID)); ok && e.grace > 0 {
		return e.grace
	}
	return s.opt.Grace
}

// await returns when epoch e may leave. Up to a bounded number of requests wait,
// until the given time; whoever waited must still have the right.
func (s *Service) await(ctx context.Context, op string, v *viewing, epoch time.Duration, e int, until time.Time) error {
	holding := false
	defer func() {
		if holding {
			v.mu.Lock()
			v.held--
			v.mu.Unlock()
		}
	}()
	for {
		now := s.opt.Now()
		v.mu.Lock()
		changed := v.changed
		v.mu.Unlock()
		wait, seek, err := s.turn(ctx, op, v, epoch, e)
		if err != nil {
			return err
		}
		v.mu.Lock()
		if wait > 0 && !holding && v.held < maxHeld {
			v.held++
			holding = true
		}
		v.mu.Unlock()
		if seek {
			s.sought(ctx, v, e)
		}
		if wait == 0 {
			return nil
		}
		left := until.Sub(now)
		if !holding || left <= 0 {
			return fault.New(fault.Unavailable, op, "this key is released when its picture is due").After(max(wait.Round(time.Second), time.Second))
		}
		t := time.NewTimer(min(wait, left))
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, op, ctx.Err())
		}
		if err := s.look(ctx, op, v, recordAge); err != nil {
			return err
		}
		if err := s.permit(ctx, op, v); err != nil {
			return err
		}
	}
}

// sought records that a viewer jumped.
func (s *Service) sought(ctx context.Context, v *viewing, epoch int) {
	s.opt.Logger.DebugContext(ctx, "viewer sought", "asset_id", v.rec.AssetID, "epoch", epoch)
	data, err := json.Marshal(map[string]any{"version": v.rec.Version, "epoch": epoch, "viewing": v.rec.Hash[:16]})
	if err != nil {
		return
	}
	err = s.opt.Events.Publish(ctx, event.Event{Topic: "playback.seek", Tenant: v.rec.Tenant, Key: v.rec.AssetID, Data: data})
	if err != nil && !errors.Is(err, fault.Canceled) {
		s.opt.Logger.InfoContext(ctx, "seek not published", "asset_id", v.rec.AssetID, "error", err)
	}
}

package playback

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/nft"
)

// Denied is the cause of an error of a viewing that the gate does not allow. The
// error's kind is fault.Forbidden for No and fault.Unavailable for Unknown,
// fault.Unauthenticated when nobody is signed in, or fault.Limited for TooManyStreams.
type Denied struct{ Decision nft.Decision }

// Error tells the reason code.
func (d *Denied) Error() string { return "gate: " + d.Decision.Reason }

// retryMedia is when media that is being made is worth asking for again.
const retryMedia = 2 * time.Second

// Open asks the gate and returns a grant, or an error with a *Denied in its chain.
// p may be the zero Principal for a public asset. An asset without playable media
// is fault.Unavailable with RetryAfter. When the rule bounds streams at once and all of them
// run, it is fault.Limited with a *Denied of the reason TooManyStreams.
func (s *Service) Open(ctx context.Context, p auth.Principal, asset string) (Grant, error) {
	const op = "playback.Open"
	ctx, span := s.tracer.Start(ctx, op)
	defer span.End()
	span.SetAttributes(attribute.String("asset_id", asset))
	fill(&p.Tenant, defaultTenant)
	e, err := s.loadAsset(ctx, p.Tenant, asset)
	if err != nil {
		return Grant{}, fault.At(op, err)
	}
	now := s.opt.Now()
	token := newToken()
	v := s.newViewing(Record{
		Hash: hash(token), Tenant: p.Tenant, AssetID: asset, Version: e.asset.Version, UserID: p.UserID, SessionID: p.SessionID,
		Accounts: p.Accounts, Owner: p.UserID != "" && p.UserID == e.asset.Owner, CreatedAt: now, ExpiresAt: now.Add(s.opt.GrantTTL),
	})
	d, err := s.ask(ctx, v, false)
	if err != nil {
		return Grant{}, fault.At(op, err)
	}
	span.SetAttributes(attribute.String("outcome", d.Outcome.String()), attribute.String("reason", d.Reason))
	if d.Outcome != nft.Yes {
		err := refusal(op, d)
		var f *fault.Error
		if p.UserID == "" && d.Outcome == nft.No && errors.As(err, &f) {
			f.Kind = fault.Unauthenticated
		}
		return Grant{}, err
	}
	if e.asset.Version == 0 {
		if e.asset.Status == media.Failed {
			return Grant{}, fault.New(fault.NotFound, op, "this video could not be processed")
		}
		return Grant{}, fault.New(fault.Unavailable, op, "the video is not playable yet").After(retryMedia)
	}
	if err := s.seat(ctx, op, v, 0); err != nil {
		return Grant{}, err
	}
	if err := s.opt.Store.Insert(ctx, v.rec); err != nil {
		s.vacate(ctx, v)
		return Grant{}, fault.At(op, err)
	}
	s.beginPace(ctx, v)
	s.adopt(v)
	return v.grant(token, d), nil
}

func (v *viewing) grant(token string, d nft.Decision) Grant {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Grant{Token: token, AssetID: v.rec.AssetID, ExpiresAt: v.expires, Decision: d, Owner: v.rec.Owner}
}

// ask returns the decision about v now and applies it. fresh asks past caches.
func (s *Service) ask(ctx context.Context, v *viewing, fresh bool) (nft.Decision, error) {
	d, err := s.decide(ctx, v, fresh)
	if err != nil {
		return d, err
	}
	v.apply(d, s.opt.Now())
	return d, nil
}

// decide is the whole right to watch: the asset is there, and it is public, the
// viewer's own, or behind a gate that says yes. What cannot be learned is Unknown.
func (s *Service) decide(ctx context.Context, v *viewing, fresh bool) (nft.Decision, error) {
	e, err := s.asset(ctx, v.rec.Tenant, v.rec.AssetID)
	at := e.at
	if err != nil {
		at = s.opt.Now()
	}
	own := func(o nft.Outcome, reason, message string) (nft.Decision, error) {
		return nft.Decision{Outcome: o, Reason: reason, Message: message, At: at, ValidUntil: at.Add(assetAge)}, nil
	}
	switch {
	case ctx.Err() != nil:
		return nft.Decision{}, fault.Wrap(fault.Canceled, "playback.decide", ctx.Err())
	case errors.Is(err, fault.NotFound):
		return own(nft.No, "gone", "The video is no longer there.")
	case err != nil:
		s.opt.Logger.DebugContext(ctx, "asset not read", "asset_id", v.rec.AssetID, "error", err)
		return own(nft.Unknown, "unavailable", "We cannot tell right now; try again shortly.")
	case v.rec.UserID != "" && v.rec.UserID == e.asset.Owner:
		return own(nft.Yes, "owner", "You own this video.")
	case e.asset.Policy.Public:
		return own(nft.Yes, "public", "This video is open to everyone.")
	case e.err != nil:
		return own(nft.Unknown, "unsupported", "The gate of this video cannot be read.")
	case e.rule == nil:
		return own(nft.No, "no_rule", "Only its owner may watch this video.")
	case len(v.rec.Accounts) == 0:
		return own(nft.No, "not_signed_in", "Sign in with a wallet to watch this video.")
	}
	decide := s.opt.Decider.Decide
	if fresh {
		decide = s.opt.Decider.DecideFresh
	}
	return decide(ctx, e.rule, v.subject())
}

// Renew asks the gate again and moves the grant's expiry. A grant that ended or
// expired cannot be renewed (fault.Forbidden).
func (s *Service) Renew(ctx context.Context, token string) (Grant, error) {
	const op = "playback.Renew"
	v, err := s.viewing(ctx, op, token)
	if err != nil {
		return Grant{}, err
	}
	d, err := s.ask(ctx, v, true)
	if err != nil {
		return Grant{}, fault.At(op, err)
	}
	if d.Outcome != nft.Yes {
		return Grant{}, refusal(op, d)
	}
	if err := v.usable(op, s.opt.Now()); err != nil {
		return Grant{}, err
	}
	if err := s.seat(ctx, op, v, 0); err != nil {
		return Grant{}, err
	}
	expires := s.opt.Now().Add(s.opt.GrantTTL)
	if err := s.opt.Store.Extend(ctx, v.rec.Hash, expires); errors.Is(err, fault.NotFound) {
		s.drop(v, true)
		return Grant{}, gone(op)
	} else if err != nil {
		return Grant{}, fault.At(op, err)
	}
	v.mu.Lock()
	v.expires = expires
	v.signal()
	v.mu.Unlock()
	return v.grant(token, d), nil
}

// Close ends the grant by the viewer's wish. An unknown token is not an error.
func (s *Service) Close(ctx context.Context, token string) error {
	const op = "playback.Close"
	rec, err := s.opt.Store.Get(ctx, hash(token))
	if errors.Is(err, fault.NotFound) {
		s.dropHash(hash(token), "")
		return nil
	}
	if err == nil {
		err = s.end(ctx, rec, "")
	}
	return fault.At(op, err)
}

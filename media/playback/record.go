package playback

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/nft"
)

const (
	// recordAge is how long a process relies on its last look at the record of a grant. It
	// bounds how late the end of a grant or of its session in another process is noticed when
	// no event tells of it.
	recordAge = 2 * time.Second

	grantEnded = "grant.ended"
	// sessionEnded is the topic of the event that ends the grants of a session, or of all
	// sessions of a user (package auth publishes it).
	sessionEnded = "session.ended"
)

// endedGrant is the data of grant.ended, whose key is the asset.
type endedGrant struct {
	Hash string `json:"hash"`
	// Reason says why, for the viewer; empty when he closed it.
	Reason string `json:"reason,omitempty"`
}

// endedSession is the data of session.ended: one of the first two is set.
type endedSession struct {
	SessionID string `json:"session_id"`
	UserID    string `json:"user_id"`
	Reason    string `json:"reason"`
}

// The reasons of a viewing that ends with its session.
const (
	sessionOver = "session_ended"
	// signerChanged is auth.SignerChanged: a contract wallet takes back what it signed in with.
	signerChanged = auth.SignerChanged
)

// farewell is what a viewer is told when his grant ends for a reason.
func farewell(reason string, now time.Time) nft.Decision {
	d := nft.Decision{Outcome: nft.No, Reason: reason, At: now, ValidUntil: now, Message: "Your session has ended. Sign in again to watch."}
	if reason == signerChanged {
		d.Message = "The signers of your wallet have changed, so your session has ended. Sign in again to watch."
	}
	return d
}

// record returns the grant that is stored under hash. One whose session has ended is
// removed. fault.NotFound tells that there is none any more.
func (s *Service) record(ctx context.Context, hash string) (Record, error) {
	rec, err := s.opt.Store.Get(ctx, hash)
	if err != nil || rec.SessionID == "" || s.opt.SessionActive == nil {
		return rec, err
	}
	active, err := s.opt.SessionActive(ctx, rec.Tenant, rec.SessionID)
	if err != nil || active {
		return rec, err
	}
	if err := s.end(ctx, rec, sessionOver); err != nil {
		return Record{}, err
	}
	return Record{}, fault.New(fault.NotFound, "playback.record", "the session of this grant has ended")
}

// look notices what another process did to v's grant: it fails with fault.Forbidden when the
// grant has ended, and follows its expiry. A look is good for age. While the store cannot be asked
// the last look stands as long as a decision would, then it is fault.Unavailable.
func (s *Service) look(ctx context.Context, op string, v *viewing, age time.Duration) error {
	now := s.opt.Now()
	v.mu.Lock()
	looked, ended := v.lookedAt, v.ended
	v.mu.Unlock()
	if ended {
		return gone(op)
	}
	if age > 0 && now.Sub(looked) < age {
		return nil
	}
	type seen struct {
		Record
		at time.Time // when the read began, which another caller may have started
	}
	rec, err := coalesce(ctx, s, "g/"+v.rec.Hash, func(ctx context.Context) (seen, error) {
		at := s.opt.Now()
		r, err := s.record(ctx, v.rec.Hash)
		return seen{r, at}, err
	})
	switch {
	case errors.Is(err, fault.NotFound):
		s.drop(v, true)
		return gone(op)
	case err != nil && ctx.Err() == nil && now.Sub(looked) < recordAge+s.grace(v):
		return nil
	case err != nil:
		return fault.At(op, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lookedAt = rec.at
	if rec.ExpiresAt.After(v.expires) { // renewed elsewhere
		v.expires = rec.ExpiresAt
		v.signal()
	}
	return nil
}

// over reports whether v's grant has ended or expired for good: it may have been renewed
// elsewhere. A store that cannot be asked extends nothing.
func (s *Service) over(ctx context.Context, v *viewing) bool {
	err := s.look(ctx, "playback.over", v, 0)
	v.mu.Lock()
	defer v.mu.Unlock()
	return err != nil || v.ended || !s.opt.Now().Before(v.expires)
}

// end removes a grant, here and in every process. Its listeners are told the reason, if there is one.
func (s *Service) end(ctx context.Context, rec Record, reason string) error {
	if err := s.opt.Store.Delete(ctx, rec.Hash); err != nil {
		return err
	}
	s.dropHash(rec.Hash, reason)
	data, err := json.Marshal(endedGrant{rec.Hash, reason})
	if err == nil {
		err = s.opt.Events.Publish(ctx, event.Event{Topic: grantEnded, Tenant: rec.Tenant, Key: rec.AssetID, Data: data})
	}
	if err != nil && ctx.Err() == nil {
		// The others notice by themselves, a little later.
		s.opt.Logger.InfoContext(ctx, "end of a grant not published", "asset_id", rec.AssetID, "error", err)
	}
	return nil
}

// dropHash ends the viewing of a grant in this process.
func (s *Service) dropHash(hash, reason string) {
	s.mu.RLock()
	v := s.viewings[hash]
	s.mu.RUnlock()
	if v == nil {
		return
	}
	if reason != "" {
		now := s.opt.Now()
		v.mu.Lock()
		if !v.ended {
			v.notify(Notice{Type: Revoked, Decision: farewell(reason, now), At: now})
		}
		v.mu.Unlock()
	}
	s.drop(v, true)
}

// grantHasEnded handles grant.ended. A false one does no harm: a grant that is still stored comes back.
func (s *Service) grantHasEnded(_ context.Context, ev event.Event) error {
	var d endedGrant
	if err := json.Unmarshal(ev.Data, &d); err == nil {
		s.dropHash(d.Hash, d.Reason)
	}
	return nil
}

// sessionHasEnded handles session.ended. Grants that no process has in memory end when they
// are asked for: see record.
func (s *Service) sessionHasEnded(ctx context.Context, ev event.Event) error {
	var d endedSession
	if err := json.Unmarshal(ev.Data, &d); err != nil {
		return nil //nolint:nilerr // it would not be understood at a later attempt either
	}
	var ended []Record
	s.mu.RLock()
	for _, v := range s.viewings {
		r := v.rec
		if r.SessionID != "" && (r.SessionID == d.SessionID || d.UserID != "" && r.UserID == d.UserID && r.Tenant == ev.Tenant) {
			ended = append(ended, r)
		}
	}
	s.mu.RUnlock()
	if d.Reason == "" {
		d.Reason = sessionOver
	}
	for _, r := range ended {
		if err := s.end(ctx, r, d.Reason); err != nil {
			return fault.At("playback.sessionHasEnded", err)
		}
	}
	return nil
}

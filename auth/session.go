package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

const badToken = "the token is unknown, expired or revoked: sign in again"

// Refresh trades a refresh token for new tokens. A token used twice ends the
// whole session family with fault.Unauthenticated, because one of the two users
// stole it (RFC 9700 4.14.2); Options.RefreshGrace softens that for parallel
// tabs. Access tokens issued earlier live on until they expire.
//
// The session of a contract wallet ends, with fault.Unauthenticated, once the wallet refuses the
// signature that opened it. A chain that cannot be asked is fault.Unavailable and leaves the refresh token as
// good as it was.
func (s *Service) Refresh(ctx context.Context, tenant, refreshToken string) (Tokens, error) {
	const op = "auth.Refresh"
	h, ok := hashToken(refreshPrefix, refreshToken)
	if !ok {
		return Tokens{}, refused(op, badToken)
	}
	rec, err := s.store.Refresh(ctx, tenant, h)
	if err != nil {
		return Tokens{}, unknownToken(op, err)
	}
	now := s.now()
	if !now.Before(rec.ExpiresAt) || !now.Before(rec.Session.EndsAt) {
		return Tokens{}, refused(op, badToken)
	}
	if !rec.UsedAt.IsZero() {
		return Tokens{}, s.reused(ctx, op, rec, now)
	}
	if err := s.stillHolds(ctx, op, rec.Session); err != nil {
		return Tokens{}, err
	}
	tokens, pair := s.mint(now, rec.Session)
	err = s.store.Rotate(ctx, tenant, h, pair, now)
	if errors.Is(err, fault.Conflict) {
		// Somebody was faster with the same token, or the session ended meanwhile.
		if rec, err = s.store.Refresh(ctx, tenant, h); err != nil {
			return Tokens{}, unknownToken(op, err)
		}
		return Tokens{}, s.reused(ctx, op, rec, now)
	}
	if err != nil {
		return Tokens{}, fault.At(op, err)
	}
	return tokens, nil
}

// reused answers a refresh token that was traded in before.
func (s *Service) reused(ctx context.Context, op string, rec RefreshRecord, now time.Time) error {
	if s.opt.RefreshGrace > 0 && now.Sub(rec.UsedAt) <= s.opt.RefreshGrace {
		return fault.New(fault.Conflict, op, "this refresh token was used a moment ago: use the tokens it was traded for")
	}
	// A thief must not keep the session by hanging up.
	if err := s.Logout(context.WithoutCancel(ctx), rec.Session.ID); err != nil {
		return fault.At(op, err)
	}
	return refused(op, "this refresh token was used before, so the session was ended: sign in again")
}

// Logout ends the session at once. A session that is gone is no error. Session ids
// are unguessable and unique across tenants; pass a Principal's own.
func (s *Service) Logout(ctx context.Context, sessionID string) error {
	return s.logout(ctx, sessionID, "")
}

func (s *Service) logout(ctx context.Context, sessionID, reason string) error {
	err := s.store.EndSession(ctx, sessionID)
	// Forget even if the store failed: it may have done it all the same.
	s.cache.forget(func(p Principal) bool { return p.SessionID == sessionID })
	if err == nil {
		s.safes.remove(sessionID)
	}
	s.tell(ctx, err, "", sessionID, endedSession{SessionID: sessionID, Reason: reason})
	return fault.At("auth.Logout", err)
}

// LogoutAll ends every session of the user at once. API keys are not sessions and stay.
func (s *Service) LogoutAll(ctx context.Context, tenant, userID string) error {
	err := s.store.EndSessions(ctx, tenant, userID)
	s.cache.forget(func(p Principal) bool { return p.Tenant == tenant && p.UserID == userID })
	s.tell(ctx, err, tenant, userID, endedSession{UserID: userID})
	return fault.At("auth.LogoutAll", err)
}

// SessionEnded is the topic of events about sessions that were ended. The data is
// {"session_id":id}, or {"user_id":id} with the event's tenant for all sessions of a user. A member "reason" says
// why, when it was not the user's wish: SignerChanged.
const SessionEnded = "session.ended"

type endedSession struct {
	SessionID string `json:"session_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// tell publishes an end, unless err says that there was none.
func (s *Service) tell(ctx context.Context, err error, tenant, key string, d endedSession) {
	if s.opt.Events == nil || err != nil {
		return
	}
	data, err := json.Marshal(d)
	if err == nil {
		// The session has ended, though its holder may have hung up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = s.opt.Events.Publish(ctx, event.Event{Topic: SessionEnded, Tenant: tenant, Key: key, Data: data})
	}
	if err != nil {
		s.opt.Logger.InfoContext(ctx, "end of a session not published", "error", err)
	}
}

// SessionActive reports whether the tenant's session is there and has not reached its
// end. A store that cannot be asked is an error and never a yes.
func (s *Service) SessionActive(ctx context.Context, tenant, sessionID string) (bool, error) {
	rec, err := s.store.Session(ctx, tenant, sessionID)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fault.At("auth.SessionActive", err)
	}
	return s.now().Before(rec.EndsAt), nil
}

// Authenticate returns who holds token (an access token or an API key), or
// fault.Unauthenticated. A store that cannot be asked is fault.Unavailable, never a yes. The
// caller owns the result.
func (s *Service) Authenticate(ctx context.Context, tenant, token string) (Principal, error) {
	const op = "auth.Authenticate"
	h, isAccess := hashToken(accessPrefix, token)
	if !isAccess {
		var isKey bool
		if h, isKey = hashToken(keyPrefix, token); !isKey {
			return Principal{}, refused(op, badToken)
		}
	}
	now := s.opt.Now()
	p, seen, ok := s.cache.get(tenant, h, now)
	if !ok {
		load := s.byAPIKey
		if isAccess {
			load = s.byAccess
		}
		var err error
		if p, err = load(ctx, tenant, h); err != nil {
			return Principal{}, unknownToken(op, err)
		}
		s.cache.put(h, p, now, seen)
	}
	if !p.ExpiresAt.IsZero() && !now.Before(p.ExpiresAt) {
		return Principal{}, refused(op, badToken)
	}
	p.Accounts = slices.Clone(p.Accounts)
	return p, nil
}

func (s *Service) byAccess(ctx context.Context, tenant string, h Hash) (Principal, error) {
	rec, err := s.store.Access(ctx, tenant, h)
	if err != nil {
		return Principal{}, err
	}
	ses := rec.Session
	accounts := []caip.AccountID{ses.Account}
	for _, w := range rec.Wallets {
		// A contract wallet proves itself alone: who controls it changes, and with them would change
		// who holds the other wallets of its user.
		if ses.Proof != "" {
			break
		}
		if w.Address != ses.Account.Address || w.Chain.Namespace != ses.Account.Chain.Namespace {
			accounts = append(accounts, w)
		}
	}
	return Principal{
		Tenant: ses.Tenant, UserID: ses.UserID, SessionID: ses.ID, Accounts: accounts,
		ExpiresAt: earlier(rec.ExpiresAt, ses.EndsAt),
	}, nil
}

// unknownToken turns a token that is not there into fault.Unauthenticated.
func unknownToken(op string, err error) error {
	if errors.Is(err, fault.NotFound) {
		return &fault.Error{Kind: fault.Unauthenticated, Op: op, Msg: badToken, Err: err}
	}
	return fault.At(op, err)
}

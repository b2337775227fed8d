package playback

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// viewing is the state of one live grant in this process.
type viewing struct {
	rec Record // immutable but for ExpiresAt, which expires replaces

	mu      sync.Mutex
	expires time.Time
	ended   bool
	// lookedAt is when the record was last seen in the store.
	lookedAt time.Time
	// last is the newest decision, yesAt when one was last yes.
	last  nft.Decision
	yesAt time.Time
	// denied tells that the newest known answer is no; freshAt is when the gate
	// was last asked past its cache because of it.
	denied  bool
	freshAt time.Time
	pace    *pacer
	held    int
	// turns is held while the shared clock is asked.
	turns sync.Mutex
	// place is held where the rule bounds streams at once; seats guards it and is held while the
	// shared places are asked.
	seats sync.Mutex
	place *place
	used  time.Time
	// changed is closed and replaced whenever the right or the expiry changes.
	changed chan struct{}
	notices map[chan Notice]struct{}
	// watcher and gate are what the viewing follows; Service.mu guards them.
	watcher *watcher
	gate    gateState
}

// maxHeld bounds the key requests of one grant that wait at the same time.
const maxHeld = 8

func (v *viewing) subject() nft.Subject {
	return nft.Subject{Tenant: v.rec.Tenant, Accounts: v.rec.Accounts}
}

// signal wakes all who wait for a change. v.mu is held.
func (v *viewing) signal() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// apply takes note of a newer decision and tells the viewer when it turned.
func (v *viewing) apply(d nft.Decision, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	// A cached answer may arrive after the flip that voided it.
	if v.ended || d.At.Before(v.last.At) {
		return
	}
	v.last = d
	switch {
	case d.Outcome == nft.Yes:
		v.yesAt = now
		if v.denied {
			v.denied = false
			v.signal()
			v.notify(Notice{Type: Restored, Decision: d, At: now})
		}
	case d.Outcome == nft.No && !v.denied:
		v.denied = true
		v.signal()
		v.notify(Notice{Type: Revoked, Decision: d, At: now})
	}
}

func (v *viewing) expiry() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.expires
}

// notify hands n to every listener; one that does not read loses the oldest. v.mu is held.
func (v *viewing) notify(n Notice) {
	for c := range v.notices {
		select {
		case c <- n:
		default:
			select {
			case <-c:
			default:
			}
			c <- n // v.mu is held and the channel has room
		}
	}
}

// usable fails when the grant has ended, expired or lost its right.
func (v *viewing) usable(op string, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.used = now
	if v.ended || !now.Before(v.expires) {
		return gone(op)
	}
	if v.denied {
		return refusal(op, v.last)
	}
	return nil
}

func gone(op string) error {
	return fault.New(fault.Forbidden, op, "this viewing has ended or never began; start it again")
}

// refusal is the error for a decision that is not yes.
func refusal(op string, d nft.Decision) error {
	e := &fault.Error{Kind: fault.Forbidden, Op: op, Msg: d.Message, Err: &Denied{Decision: d}}
	if d.Outcome == nft.Unknown {
		e.Kind, e.RetryAfter = fault.Unavailable, 2*time.Second
	}
	if e.Msg == "" {
		e.Msg = "the gate did not open: " + d.Reason
	}
	return e
}

const tokenBytes = 32

func newToken() string {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// viewing finds the live grant of token, in memory or in the store.
func (s *Service) viewing(ctx context.Context, op, token string) (*viewing, error) {
	if base64.RawURLEncoding.DecodedLen(len(token)) != tokenBytes {
		return nil, gone(op)
	}
	h := hash(token)
	s.mu.RLock()
	v := s.viewings[h]
	s.mu.RUnlock()
	if v != nil {
		return v, s.look(ctx, op, v, recordAge)
	}
	rec, err := s.record(ctx, h)
	if errors.Is(err, fault.NotFound) {
		return nil, gone(op)
	}
	if err != nil {
		return nil, fault.At(op, err)
	}
	if !s.opt.Now().Before(rec.ExpiresAt) {
		return nil, gone(op)
	}
	// The process was restarted: the right is asked again before anything is given.
	v = s.newViewing(rec)
	if _, err = s.ask(ctx, v, false); err != nil {
		return nil, fault.At(op, err)
	}
	return s.adopt(v), nil
}

func (s *Service) newViewing(rec Record) *viewing {
	now := s.opt.Now()
	return &viewing{
		rec: rec, expires: rec.ExpiresAt, lookedAt: now, used: now, changed: make(chan struct{}), notices: map[chan Notice]struct{}{},
	}
}

// adopt makes v known, unless its grant is already.
func (s *Service) adopt(v *viewing) *viewing {
	s.mu.Lock()
	if old := s.viewings[v.rec.Hash]; old != nil {
		s.mu.Unlock()
		return old
	}
	s.viewings[v.rec.Hash] = v
	key := assetKey(v.rec.Tenant, v.rec.AssetID)
	if s.byAsset[key] == nil {
		s.byAsset[key] = map[*viewing]struct{}{}
	}
	s.byAsset[key][v] = struct{}{}
	if e, ok := s.assets.GetIfPresent(key); ok {
		s.follow(v, e)
	}
	s.mu.Unlock()
	return v
}

// drop forgets v in this process; end tells its listeners that it is over.
func (s *Service) drop(v *viewing, end bool) {
	s.mu.Lock()
	if s.viewings[v.rec.Hash] == v {
		delete(s.viewings, v.rec.Hash)
		key := assetKey(v.rec.Tenant, v.rec.AssetID)
		if delete(s.byAsset[key], v); len(s.byAsset[key]) == 0 {
			delete(s.byAsset, key)
		}
	}
	s.unfollow(v)
	s.mu.Unlock()
	if !end {
		return
	}
	v.mu.Lock()
	if !v.ended {
		v.ended = true
		v.signal()
	}
	v.mu.Unlock()
	s.vacate(context.Background(), v)
}

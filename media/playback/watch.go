package playback

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// watcher follows one (rule, subject) for all viewings that depend on it.
type watcher struct {
	key     string
	rule    *rule.Rule
	subject nft.Subject
	// Service.mu guards the rest. cancel is nil until Run has started it.
	views  map[*viewing]struct{}
	cancel context.CancelFunc
}

// gateState is what of an asset decides who may watch.
type gateState struct {
	gate   string
	public bool
	owner  string
}

const (
	sweepEvery = time.Minute
	// idleAfter is when a viewing that asks for nothing leaves memory. It comes
	// back from the store when it asks again.
	idleAfter = 10 * time.Minute
)

// Run follows the gates of all viewings, and changes to their assets, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	const op = "playback.Run"
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for topic, handle := range map[string]event.Handler{
		"gate.*": s.assetChanged, "asset.*": s.assetChanged, grantEnded: s.grantHasEnded, sessionEnded: s.sessionHasEnded,
	} {
		cancel, err := s.opt.Events.Subscribe(topic, handle)
		if err != nil {
			return fault.At(op, err)
		}
		defer cancel()
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.sweep(ctx)
		case <-s.wake:
			s.startWatchers(ctx, &running)
		}
	}
}

func (s *Service) startWatchers(ctx context.Context, running *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.pending {
		if len(w.views) == 0 {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		w.cancel = cancel
		running.Go(func() {
			defer cancel()
			for d := range s.opt.Decider.Watch(ctx, w.rule, w.subject) {
				s.flip(w, d)
			}
		})
	}
	s.pending = nil
}

// flip tells a decision to every viewing that depends on it.
func (s *Service) flip(w *watcher, d nft.Decision) {
	s.mu.RLock()
	views := make([]*viewing, 0, len(w.views))
	for v := range w.views {
		views = append(views, v)
	}
	s.mu.RUnlock()
	now := s.opt.Now()
	for _, v := range views {
		v.apply(d, now)
	}
}

// follow attaches v to the watcher of its gate, if it has one. s.mu is held.
func (s *Service) follow(v *viewing, e assetEntry) {
	v.gate = gateState{string(e.asset.Gate), e.asset.Policy.Public, e.asset.Owner}
	if e.rule == nil || e.asset.Policy.Public || len(v.rec.Accounts) == 0 || (v.rec.UserID != "" && v.rec.UserID == e.asset.Owner) {
		return
	}
	parts := []string{v.rec.Tenant, e.rule.ID()}
	for _, a := range v.rec.Accounts {
		parts = append(parts, a.String())
	}
	key := strings.Join(parts, "\n")
	w := s.watchers[key]
	if w == nil {
		w = &watcher{key: key, rule: e.rule, subject: v.subject(), views: map[*viewing]struct{}{}}
		s.watchers[key] = w
		s.pending = append(s.pending, w)
		select {
		case s.wake <- struct{}{}:
		default: // Run has been told already
		}
	}
	w.views[v] = struct{}{}
	v.watcher = w
}

// unfollow detaches v; the last one out ends the watcher. s.mu is held.
func (s *Service) unfollow(v *viewing) {
	w := v.watcher
	if w == nil {
		return
	}
	v.watcher = nil
	if delete(w.views, v); len(w.views) > 0 {
		return
	}
	delete(s.watchers, w.key)
	if w.cancel != nil {
		w.cancel()
	}
}

// assetChanged handles gate.* and asset.* events: the key is the asset.
func (s *Service) assetChanged(ctx context.Context, ev event.Event) error {
	s.forget(ev.Tenant, ev.Key)
	s.mu.RLock()
	views := make([]*viewing, 0, len(s.byAsset[assetKey(ev.Tenant, ev.Key)]))
	for v := range s.byAsset[assetKey(ev.Tenant, ev.Key)] {
		views = append(views, v)
	}
	s.mu.RUnlock()
	if len(views) == 0 {
		return nil
	}
	e, err := s.loadAsset(ctx, ev.Tenant, ev.Key)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fault.At("playback.assetChanged", err)
	}
	now := gateState{string(e.asset.Gate), e.asset.Policy.Public, e.asset.Owner}
	for _, v := range views {
		s.mu.Lock()
		same := err == nil && v.gate == now
		if !same {
			s.unfollow(v)
			s.follow(v, e)
		}
		// A watcher reports the new gate's answer by itself.
		follows := v.watcher != nil
		s.mu.Unlock()
		if same || follows {
			continue
		}
		if _, err := s.ask(ctx, v, false); err != nil {
			return fault.At("playback.assetChanged", err)
		}
	}
	return nil
}

// sweep forgets viewings that are over or idle.
func (s *Service) sweep(ctx context.Context) {
	now := s.opt.Now()
	s.mu.RLock()
	var over, idle []*viewing
	for _, v := range s.viewings {
		v.mu.Lock()
		switch {
		case !now.Before(v.expires):
			over = append(over, v)
		case len(v.notices) == 0 && v.held == 0 && now.Sub(v.used) > idleAfter:
			idle = append(idle, v)
		}
		v.mu.Unlock()
	}
	s.mu.RUnlock()
	for _, v := range over {
		if s.over(ctx, v) {
			s.drop(v, true)
		}
	}
	for _, v := range idle {
		s.drop(v, false)
	}
	if _, err := s.opt.Store.DeleteExpired(ctx, now); err != nil && ctx.Err() == nil {
		s.opt.Logger.InfoContext(ctx, "expired grants not deleted", "error", err)
	}
}

// The types of Notice.
const (
	// Revoked: the right was lost, Decision says why. Keys are refused from now on.
	Revoked = "revoked"
	// Restored: the right is back, and the same grant plays again.
	Restored = "restored"
	// RenewSoon: the grant expires soon; call Renew.
	RenewSoon = "renew"
)

// Notice is one event of a viewing.
type Notice struct {
	Type     string       `json:"type"`
	Decision nft.Decision `json:"decision"`
	At       time.Time    `json:"at"`
}

// Notices sends what happens to the grant until ctx ends or it is over, then
// closes the channel. A viewing that is already revoked says so first. A slow
// reader loses the oldest.
func (s *Service) Notices(ctx context.Context, token string) (<-chan Notice, error) {
	const op = "playback.Notices"
	v, err := s.viewing(ctx, op, token)
	if err != nil {
		return nil, err
	}
	if err := v.usable(op, s.opt.Now()); err != nil && !errors.As(err, new(*Denied)) {
		return nil, err
	}
	in, out := make(chan Notice, 8), make(chan Notice)
	v.mu.Lock()
	if v.denied {
		in <- Notice{Type: Revoked, Decision: v.last, At: s.opt.Now()}
	}
	v.notices[in] = struct{}{}
	v.mu.Unlock()
	go s.forward(ctx, v, in, out)
	return out, nil
}

// forward copies notices from in to out and adds those that time brings.
func (s *Service) forward(ctx context.Context, v *viewing, in chan Notice, out chan<- Notice) {
	defer close(out)
	defer func() {
		v.mu.Lock()
		delete(v.notices, in)
		v.used = s.opt.Now()
		v.mu.Unlock()
	}()
	var told time.Time // the expiry that a renew notice was sent for
	for {
		v.mu.Lock()
		expires, ended, changed, last := v.expires, v.ended, v.changed, v.last
		v.mu.Unlock()
		now := s.opt.Now()
		if ended {
			s.last(ctx, in, out)
			return
		}
		if !now.Before(expires) {
			if s.over(ctx, v) {
				return
			}
			continue
		}
		next := expires
		if s.stays(ctx, v) {
			next = earlier(next, now.Add(placeFor/3))
		}
		if soon := expires.Add(-s.opt.GrantTTL / 10); told != expires && now.Before(soon) {
			next = earlier(next, soon)
		} else if told != expires {
			told = expires
			if s.look(ctx, "playback.Notices", v, 0) == nil && v.expiry() != expires {
				continue // renewed elsewhere
			}
			select {
			case out <- Notice{Type: RenewSoon, Decision: last, At: now}:
			case <-ctx.Done():
				return
			}
			continue
		}
		t := time.NewTimer(next.Sub(now))
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-changed:
		case n := <-in:
			select {
			case out <- n:
			case <-ctx.Done():
			}
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// last hands on what was said before the grant ended, such as why it did.
func (s *Service) last(ctx context.Context, in <-chan Notice, out chan<- Notice) {
	for {
		select {
		case n := <-in:
			select {
			case out <- n:
			case <-ctx.Done():
				return
			}
		default:
			return
		}
	}
}

// stays keeps the place of a viewing that somebody listens to, and reports whether it has one.
func (s *Service) stays(ctx context.Context, v *viewing) bool {
	v.seats.Lock()
	has := v.place != nil
	v.seats.Unlock()
	v.mu.Lock()
	denied := v.denied
	v.mu.Unlock()
	if !has || denied {
		return false
	}
	// A refusal is told when the next key is asked for.
	return s.seat(ctx, "playback.Notices", v, 0) == nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

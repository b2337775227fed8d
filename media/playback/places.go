package playback

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// A rule may bound how many streams run at once: subject.concurrency. Each stream that runs has
// a place for a while and keeps it by what a player does anyway: it asks for keys, or
// its page listens to notices. Who comes when all places are taken is refused; nobody who plays is
// put out for him (docs/adr/0014-concurrency.md). A place is given back when the viewing is closed or ends,
// and lapses by itself when nothing is heard of the stream.

// placeFor is how long a place is kept after the last sign of life, beyond the length of a
// key epoch. It bounds how long a closed tab that could say nothing blocks a place.
const placeFor = 30 * time.Second

// placesFor is how long the state of a scope is kept that nobody changes: beyond the longest place.
const placesFor = time.Hour

// TooManyStreams is the reason of a refusal because every place is taken.
const TooManyStreams = "too_many_streams"

// place is the right to one of several streams at once.
type place struct {
	// scope names what is counted: an asset, a user, a token.
	scope string
	what  string // the same for a person
	max   int
	// until is when it lapses unless it is kept.
	until time.Time
}

// placesOf returns what the rule bounds for v, nil when nothing. The owner of the asset, and viewers of a public
// one, pass without the rule and are not counted.
func (s *Service) placesOf(v *viewing, e assetEntry, d nft.Decision) *place {
	if e.rule == nil || e.rule.Subject().Max == 0 || e.asset.Policy.Public || v.rec.UserID != "" && v.rec.UserID == e.asset.Owner {
		return nil
	}
	sub := e.rule.Subject()
	p := &place{max: sub.Max}
	user := v.rec.UserID
	if user == "" && len(v.rec.Accounts) > 0 {
		user = v.rec.Accounts[0].String()
	}
	var parts []string
	switch sub.Per {
	case "account":
		p.what, parts = "with this account", []string{"account", user}
	case "token":
		p.what, parts = "with this token", []string{"token", tokenOf(e.rule, d, user)}
	default:
		p.what, parts = "of this video", []string{"asset", v.rec.AssetID}
	}
	// Lengths, so that no part can run into the next.
	h := sha256.New()
	for _, part := range append([]string{v.rec.Tenant}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	p.scope = hex.EncodeToString(h.Sum(nil))
	return p
}

// tokenOf names the token that opened the gate. Where a leaf names one token, all who pass by it share its
// places: owner, renter and delegates. A leaf about a whole collection does not tell which token it was, so
// there the places are each user's own; and so they are when no token opened the gate.
func tokenOf(r *rule.Rule, d nft.Decision, user string) string {
	passed := map[string]bool{}
	var visit func(n *nft.Node)
	visit = func(n *nft.Node) {
		if n == nil || n.Kind == string(rule.KindNot) {
			return
		}
		passed[n.Pointer] = n.Outcome == nft.Yes
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(d.Explain)
	name := "user " + user
	found := false
	r.Root().Walk(func(n *rule.Node) {
		if found || !passed[n.Pointer] {
			return
		}
		switch {
		case n.Kind == rule.KindHold && n.Hold.Asset.Token != "":
			name, found = n.Hold.Asset.String(), true
		case n.Kind == rule.KindHold && len(n.Hold.IDs) == 1:
			name, found = n.Hold.Asset.String()+"/"+n.Hold.IDs[0], true
		case n.Kind == rule.KindKey && n.Key.Asset.Token != "":
			name, found = n.Key.Asset.String(), true
		}
	})
	return name
}

func placeKey(scope string) string { return "place/" + scope }

// seat takes or keeps v's place for a while, or returns what refuses it: fault.Limited with a *Denied
// when every place is taken. A place that is good for most of its time yet is not asked for again. While
// the shared cache cannot be asked a place stands until it lapses, then it is fault.Unavailable.
func (s *Service) seat(ctx context.Context, op string, v *viewing, keep time.Duration) error {
	e, err := s.asset(ctx, v.rec.Tenant, v.rec.AssetID)
	if err != nil {
		return nil // the decision about it said what there is to say, and let v pass for its grace
	}
	v.mu.Lock()
	d := v.last
	v.mu.Unlock()
	v.seats.Lock()
	defer v.seats.Unlock()
	p := s.placesOf(v, e, d)
	if p != nil && v.place != nil && d.Outcome != nft.Yes {
		p.scope, p.what = v.place.scope, v.place.what // an outage moves nobody
	}
	if old := v.place; old != nil && (p == nil || p.scope != old.scope) {
		s.leave(ctx, v, old)
		v.place = nil
	}
	if p == nil {
		return nil
	}
	now := s.opt.Now()
	if v.place != nil {
		p.until = v.place.until
	}
	keep += placeFor
	if p.until.Sub(now) > keep*2/3 {
		return nil
	}
	wait, err := s.take(ctx, p, v.rec.Hash, keep)
	switch {
	case err != nil && ctx.Err() != nil:
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	case err != nil && now.Before(p.until):
		return nil
	case err != nil:
		return (&fault.Error{Kind: fault.Unavailable, Op: op, Msg: "we cannot tell right now how many streams run; try again shortly", Err: err}).After(time.Second)
	case wait > 0:
		v.place = nil
		return s.full(op, p, d, wait)
	}
	p.until = now.Add(keep)
	v.place = p
	return nil
}

// full is the refusal of one stream too many.
func (s *Service) full(op string, p *place, d nft.Decision, wait time.Duration) error {
	streams := "streams run"
	if p.max == 1 {
		streams = "stream runs"
	}
	now := s.opt.Now()
	over := nft.Decision{
		Outcome: nft.No, Reason: TooManyStreams, RuleID: d.RuleID, At: now, ValidUntil: now.Add(wait),
		Message: fmt.Sprintf("%d %s %s already, and that is the most at once.", p.max, streams, p.what),
		HowTo:   []string{fmt.Sprintf("Stop another stream %s. A place that was left without a word is free again within %d seconds.", p.what, int(max(wait.Round(time.Second), time.Second)/time.Second))},
	}
	return (&fault.Error{Kind: fault.Limited, Op: op, Msg: over.Message, Err: &Denied{Decision: over}}).After(max(min(wait, 5*time.Second), time.Second))
}

// take holds a place of scope for the stream, or tells how long until one may be free.
func (s *Service) take(ctx context.Context, p *place, stream string, keep time.Duration) (wait time.Duration, err error) {
	me := streamID(stream)
	err = s.places.Update(ctx, placeKey(p.scope), placesFor, func(old []byte) ([]byte, error) {
		now := s.opt.Now()
		taken := decodePlaces(old, now)
		_, mine := taken.find(me)
		if wait = 0; !mine && len(taken) >= p.max {
			wait = taken.first().Sub(now)
			return nil, errUnchanged
		}
		return taken.with(me, now.Add(keep)).encode(), nil
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return wait, err
}

// leave gives a place back. When that fails it lapses.
func (s *Service) leave(ctx context.Context, v *viewing, p *place) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	me := streamID(v.rec.Hash)
	err := s.places.Update(ctx, placeKey(p.scope), placesFor, func(old []byte) ([]byte, error) {
		taken := decodePlaces(old, s.opt.Now())
		if _, mine := taken.find(me); !mine {
			return nil, errUnchanged
		}
		return taken.without(me).encode(), nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		s.opt.Logger.DebugContext(ctx, "place not given back", "asset_id", v.rec.AssetID, "error", err)
	}
}

// vacate gives v's place back, if it has one.
func (s *Service) vacate(ctx context.Context, v *viewing) {
	v.seats.Lock()
	defer v.seats.Unlock()
	if v.place != nil {
		s.leave(ctx, v, v.place)
		v.place = nil
	}
}

// newPlaces is where places are counted: in the cache that processes share, else in this one.
func newPlaces(opt *Options) cache.Updater {
	if opt.SharedCache != nil {
		if u, ok := cache.As[cache.Updater](opt.SharedCache); ok {
			return u
		}
	}
	return cache.NewLRU(cache.LRUOptions{Now: opt.Now})
}

// streamID is the part of a grant's hash that names its stream among places.
func streamID(hash string) string { return strings.ToLower(hash[:min(len(hash), placeID)]) }

const (
	placesVersion = 1
	placeID       = 24 // characters of a stream's name: 96 bits
	maxPlaces     = 1000
)

// places are the streams of a scope that hold a place, and until when.
type places []taken

type taken struct {
	stream string
	until  time.Time
}

func (p places) find(stream string) (i int, ok bool) {
	for i, t := range p {
		if t.stream == stream {
			return i, true
		}
	}
	return -1, false
}

// first is when the first of them lapses.
func (p places) first() time.Time {
	first := p[0].until
	for _, t := range p[1:] {
		if t.until.Before(first) {
			first = t.until
		}
	}
	return first
}

func (p places) with(stream string, until time.Time) places {
	return append(p.without(stream), taken{stream, until})
}

func (p places) without(stream string) places {
	var out places
	for _, t := range p {
		if t.stream != stream {
			out = append(out, t)
		}
	}
	return out
}

// encode writes a version byte, then for each stream the length of its name, the name, and when its
// place lapses, in Unix milliseconds as a varint. No streams are no state at all.
func (p places) encode() []byte {
	if len(p) == 0 {
		return nil
	}
	b := []byte{placesVersion}
	for _, t := range p {
		b = append(b, byte(len(t.stream)))
		b = append(b, t.stream...)
		b = binary.AppendVarint(b, t.until.UnixMilli())
	}
	return b
}

// decodePlaces reads those that have not lapsed. What is no such state counts as lost, and
// everybody who plays takes his place anew.
func decodePlaces(b []byte, now time.Time) places {
	if len(b) == 0 || b[0] != placesVersion {
		return nil
	}
	var out places
	for b = b[1:]; len(b) > 0; {
		n := int(b[0])
		if n == 0 || n > placeID || len(b) < 1+n {
			return nil
		}
		name := string(b[1 : 1+n])
		ms, size := binary.Varint(b[1+n:])
		if size <= 0 || len(out) >= maxPlaces {
			return nil
		}
		b = b[1+n+size:]
		if until := time.UnixMilli(ms); until.After(now) {
			out = append(out, taken{name, until})
		}
	}
	return out
}

package nft

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate/nft/rule"
)

const (
	retryUnknown = time.Second
	// watchWorkers bounds the watches that ask at once; what they ask leaves gathered.
	watchWorkers = 256
)

// watchSet holds the live watches, one a rule and subject however many listen,
// found by what may flip them.
type watchSet struct {
	d   *Decider
	sem chan struct{}

	mu        sync.Mutex
	byKey     map[key]*watch
	byHolding map[*holding]map[*watch]bool
	byChain   map[*chain]map[*watch]bool
	byList    map[*atomic.Uint64]map[*watch]bool
}

func (ws *watchSet) init(d *Decider) {
	ws.d, ws.sem = d, make(chan struct{}, watchWorkers)
	ws.byKey = map[key]*watch{}
	ws.byHolding = map[*holding]map[*watch]bool{}
	ws.byChain = map[*chain]map[*watch]bool{}
	ws.byList = map[*atomic.Uint64]map[*watch]bool{}
}

// watch keeps one decision current. It has no goroutine of its own while nothing happens.
type watch struct {
	ws       *watchSet
	k        key
	r        *rule.Rule
	s        Subject
	chains   []*chain
	holdings []*holding
	lists    []*atomic.Uint64
	// contracts are the followed ones by chain; silent means a leaf changes untold.
	contracts map[*chain][]string
	silent    bool

	mu             sync.Mutex
	subs           map[chan Decision]bool
	cur            Decision
	have           bool
	covered        bool // transfers were certain to be told when cur was made
	goodAt         time.Time
	running, again bool
	closed         bool
	timer          *time.Timer
}

// Watch sends the present decision and then a new one whenever the outcome
// flips, until ctx ends, when the channel is closed. A slow reader gets the
// newest decision, not every one.
//
// While a chain cannot be reached the last answer stands for the rule's maxAge
// plus grace (DeciderOptions.Grace when it has neither) since the chain was last
// known good; then an Unknown is sent.
func (d *Decider) Watch(ctx context.Context, r *rule.Rule, s Subject) <-chan Decision {
	ch := make(chan Decision, 1)
	if r == nil || r.Root() == nil {
		ch <- Decision{Reason: "no_rule", Message: "There is no rule to decide.", At: d.opt.Now()}
		context.AfterFunc(ctx, func() { close(ch) })
		return ch
	}
	w := d.watches.subscribe(r, s, ch)
	context.AfterFunc(ctx, func() { d.watches.unsubscribe(w, ch) })
	return ch
}

func (ws *watchSet) subscribe(r *rule.Rule, s Subject, ch chan Decision) *watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	k := keyOf(r, s)
	w := ws.byKey[k]
	if w == nil {
		w = ws.newWatch(k, r, s)
		ws.byKey[k] = w
		for _, c := range w.chains {
			put(ws.byChain, c, w)
		}
		for _, h := range w.holdings {
			put(ws.byHolding, h, w)
		}
		for _, l := range w.lists {
			put(ws.byList, l, w)
		}
	}
	w.mu.Lock()
	w.subs[ch] = true
	if w.have {
		ch <- w.cur
	}
	have := w.have
	w.mu.Unlock()
	if !have {
		w.kick()
	}
	return w
}

func (ws *watchSet) newWatch(k key, r *rule.Rule, s Subject) *watch {
	w := &watch{ws: ws, k: k, r: r, s: s, subs: map[chan Decision]bool{}, contracts: map[*chain][]string{}}
	seen := map[*chain]bool{}
	r.Root().Walk(func(n *rule.Node) {
		if name, ok := listOf(n); ok {
			w.lists = append(w.lists, ws.d.listGen(s.Tenant, name))
		}
		id, contract, ok := chainOf(n)
		c := ws.d.chains[id]
		if !ok || c == nil {
			return
		}
		if !seen[c] {
			seen[c] = true
			w.chains = append(w.chains, c)
		}
		if !follows(r, n) {
			w.silent = true
			return
		}
		w.contracts[c] = append(w.contracts[c], contract)
		for _, a := range accountsOn(id, counting(r, s)) {
			w.holdings = append(w.holdings, c.holding(contract, a.Address))
		}
	})
	return w
}

func (ws *watchSet) unsubscribe(w *watch, ch chan Decision) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.subs, ch)
	close(ch)
	if len(w.subs) > 0 {
		return
	}
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	delete(ws.byKey, w.k)
	for _, c := range w.chains {
		drop(ws.byChain, c, w)
	}
	for _, h := range w.holdings {
		drop(ws.byHolding, h, w)
	}
	for _, l := range w.lists {
		drop(ws.byList, l, w)
	}
}

func put[K comparable](m map[K]map[*watch]bool, k K, w *watch) {
	if m[k] == nil {
		m[k] = map[*watch]bool{}
	}
	m[k][w] = true
}

func drop[K comparable](m map[K]map[*watch]bool, k K, w *watch) {
	if delete(m[k], w); len(m[k]) == 0 {
		delete(m, k)
	}
}

func (ws *watchSet) kickHolding(h *holding) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.byHolding[h] {
		w.kick()
	}
}

func (ws *watchSet) kickList(tenant, list string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.byList[ws.d.listGen(tenant, list)] {
		w.kick()
	}
}

// kickChain has the chain's watches ask again: all, or those that a bare new
// head may flip.
func (ws *watchSet) kickChain(c *chain, all bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.byChain[c] {
		if all || w.wantsHeads() {
			w.kick()
		}
	}
}

func (w *watch) wantsHeads() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.covered || w.cur.pending
}

// kick has the watch ask again soon; several kicks at once are one.
func (w *watch) kick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.running {
		w.again = true
		return
	}
	w.running = true
	go w.run()
}

func (w *watch) run() {
	w.ws.sem <- struct{}{}
	defer func() { <-w.ws.sem }()
	for {
		w.refresh()
		w.mu.Lock()
		if !w.again || w.closed {
			w.running = false
			w.mu.Unlock()
			return
		}
		w.again = false
		w.mu.Unlock()
	}
}

// isCovered reports whether every transfer from now on is certain to be told.
func (w *watch) isCovered() bool {
	now := w.ws.d.opt.Now()
	covered := !w.silent
	for c, contracts := range w.contracts {
		for _, addr := range contracts {
			covered = c.use(addr, now) && covered
		}
	}
	return covered
}

func (w *watch) refresh() {
	covered := w.isCovered() // before asking, as with deps
	dec, err := w.ws.d.Decide(context.Background(), w.r, w.s)
	if err != nil {
		dec = Decision{Reason: "over_budget", RuleID: w.r.ID(), At: w.ws.d.opt.Now(),
			Message: "This rule reads more of the chain than is allowed."}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.take(dec, covered)
	}
}

// take accepts a decision and sets the time of the next. The caller holds w.mu.
func (w *watch) take(dec Decision, covered bool) {
	now := w.ws.d.opt.Now()
	if dec.Outcome == Unknown && w.have && w.cur.Outcome != Unknown && transient(dec.Reason) {
		if left := w.lastKnown().Add(w.tolerance()).Sub(now); left > 0 {
			w.covered = false
			w.after(min(left, retryUnknown))
			return
		}
	}
	flipped := !w.have || dec.Outcome != w.cur.Outcome
	w.cur, w.have, w.covered = dec, true, covered && dec.Outcome != Unknown
	if flipped {
		for ch := range w.subs {
			select {
			case <-ch: // unread and overtaken
			default:
			}
			ch <- dec
		}
	}
	if dec.Outcome == Unknown {
		w.after(retryUnknown)
		return
	}
	w.goodAt = dec.At
	next := dec.ValidUntil
	if w.covered && !w.cutOff() {
		next = now.Add(w.ws.d.opt.RecheckEvery)
		if age, _ := maxAge(w.r); age > 0 && dec.At.Add(age).Before(next) {
			next = dec.At.Add(age)
		}
		if t := boundary(w.r, dec.At); !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	w.after(next.Sub(now))
}

// cutOff reports whether a chain of the watch does not answer: then nothing is told, and what is cached must
// not stand for longer than it is cached.
func (w *watch) cutOff() bool {
	for _, c := range w.chains {
		if down, _, _ := c.state(); down {
			return true
		}
	}
	return false
}

// lastKnown is when the present answer was last known to hold: when it was read,
// or, with transfers followed, when its chains last answered.
func (w *watch) lastKnown() time.Time {
	known := w.goodAt
	if !w.covered {
		return known
	}
	var oldest time.Time
	for i, c := range w.chains {
		if _, _, good := c.state(); i == 0 || good.Before(oldest) {
			oldest = good
		}
	}
	if oldest.After(known) {
		w.goodAt = oldest
		return oldest
	}
	return known
}

func (w *watch) tolerance() time.Duration {
	age, grace := maxAge(w.r)
	if age == 0 && grace == 0 {
		return w.ws.d.opt.Grace
	}
	return age + grace
}

// after sets the timer. Waits are spread a little so that watches made together
// do not ask together, except near a deadline.
func (w *watch) after(wait time.Duration) {
	wait = max(wait, 10*time.Millisecond)
	if wait > time.Minute {
		wait -= time.Duration(rand.Int64N(int64(wait) / 5))
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.kick)
		return
	}
	w.timer.Reset(wait)
}

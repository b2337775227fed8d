package solana

import (
	"context"
	"errors"
	"maps"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Whoever was found to hold enough is asked about again at every slot while his video plays. The second time nothing
// needs to be listed: the accounts that showed it are read again, all watches' together, in as few requests as they fit into, and
// the answers wait for the watches that will ask. Whoever then has less is looked for anew.

const (
	maxKnown = 20_000
	// knownLife is how long an answer nobody asks for is kept current.
	knownLife = 30 * time.Second
	// snapshotLife is how long the answers of a slot stand when no newer slot is heard of.
	snapshotLife = time.Second
)

// question names a read at a commitment.
type question struct {
	level, contract, account string
	op                       nft.Op
	sol                      nft.SolQuery
}

func questionOf(level string, q nft.Query) question {
	return question{level, q.Contract, q.Account, q.Op, q.Sol}
}

// holding is what showed that an account holds enough. It does not change but for asked, which the mutex of known guards.
type holding struct {
	read   read // with its candidates
	kind   kind
	leaves []claimedLeaf
	asked  time.Time
}

// snapshot is the answers at one slot.
type snapshot struct {
	block   nft.Block
	answers map[question]nft.Answer
	at      time.Time
}

// known remembers holdings. The zero value is empty; methods are safe for concurrent use.
type known struct {
	mu        sync.Mutex
	holdings  map[question]*holding
	snapshots map[string]*snapshot // by commitment, as are
	rounds    map[string]*rounds
	watched   int // by Watch, which makes a new snapshot before it tells of a slot
}

func (k *known) watch(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watched += n
}

// remember keeps what showed that a read has enough.
func (k *known) remember(level string, h *holding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.holdings == nil {
		k.holdings = map[question]*holding{}
	}
	q := questionOf(level, h.read.q)
	if old := k.holdings[q]; old != nil && h.asked.Before(old.asked) {
		h.asked = old.asked
	}
	if len(k.holdings) < maxKnown || k.holdings[q] != nil {
		k.holdings[q] = h
	}
}

func (k *known) forget(level string, q nft.Query) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.holdings, questionOf(level, q))
}

// about returns the holdings of the reads, nil where there is none, and marks them as asked for.
func (k *known) about(level string, reads []read, now time.Time) (hs []*holding, all bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	hs, all = make([]*holding, len(reads)), true
	for i, r := range reads {
		h := k.holdings[questionOf(level, r.q)]
		if h == nil {
			all = false
			continue
		}
		h.asked = now
		hs[i] = h
	}
	return hs, all
}

// asked returns the holdings of a commitment that are asked about, and drops those that are no more.
func (k *known) asked(level string, now time.Time) []*holding {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []*holding
	for q, h := range k.holdings {
		switch {
		case now.Sub(h.asked) > knownLife:
			delete(k.holdings, q)
		case q.level == level:
			out = append(out, h)
		}
	}
	return out
}

// levels returns the commitments of which holdings are asked about.
func (k *known) levels(now time.Time) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for q, h := range k.holdings {
		if now.Sub(h.asked) <= knownLife && !slices.Contains(out, q.level) {
			out = append(out, q.level)
		}
	}
	return out
}

// take makes the answers of a slot the newest of their commitment.
func (k *known) take(level string, s *snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.snapshots == nil {
		k.snapshots = map[string]*snapshot{}
	}
	k.snapshots[level] = s
}

// newest returns the answers of the newest slot that Watch told of.
func (k *known) newest(level string, now time.Time) *snapshot {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.snapshots[level]; s != nil && k.watched > 0 && now.Sub(s.at) <= snapshotLife {
		return s
	}
	return nil
}

// answer returns what the slot says of all reads, if it says it.
func (s *snapshot) answer(level string, reads []read) (nft.Reply, bool) {
	if s == nil || len(reads) == 0 {
		return nft.Reply{}, false
	}
	out := nft.Reply{Block: s.block, Answers: make([]nft.Answer, len(reads))}
	for i, r := range reads {
		a, ok := s.answers[questionOf(level, r.q)]
		if !ok {
			return nft.Reply{}, false
		}
		out.Answers[i] = a
	}
	return out, true
}

// recheck reads again what showed the holdings, at one slot. An answer without a value is of one that has not
// enough any more.
func (v *Verifier) recheck(ctx context.Context, level string, hs []*holding, m *meter) (nft.Block, []nft.Answer, error) {
	const tries = 3
	whole := map[solana.PublicKey]bool{} // trees that changed
	for try := 1; ; try++ {
		b, as, err := v.recheckOnce(ctx, level, hs, whole, m)
		if err == nil || try == tries || !errors.Is(err, errMoved) {
			return b, as, err
		}
	}
}

func (v *Verifier) recheckOnce(ctx context.Context, level string, hs []*holding, whole map[solana.PublicKey]bool, m *meter) (nft.Block, []nft.Answer, error) {
	s := &survey{v: v, level: level, m: m, wanted: newWanted(nil)}
	if err := s.read(ctx); err != nil {
		return nft.Block{}, nil, err
	}
	s.wanted = &wanted{reads: make([]read, len(hs)), claims: map[int]*claims{}}
	for i, h := range hs {
		s.wanted.reads[i] = h.read
		s.kinds[h.read.contract] = h.kind
		if len(h.leaves) > 0 {
			s.wanted.claims[i] = &claims{leaves: h.leaves}
		}
	}
	val := &values{accounts: map[solana.PublicKey]*account{}, slot: s.newest, whole: whole}
	if err := val.read(ctx, s); err != nil {
		return nft.Block{}, nil, err
	}
	out := make([]nft.Answer, len(hs))
	for i, h := range hs {
		a, t := val.answer(s, i)
		if !enough(a, h.read.q) {
			continue
		}
		out[i] = a
		if len(t.proven) > 0 { // their proofs are newer now
			v.known.remember(level, &holding{read: h.read, kind: h.kind, leaves: leavesOf(t)})
		}
	}
	return s.block(val.slot), out, nil
}

// enough reports whether an answer is one that may be asked again in short.
func enough(a nft.Answer, q nft.Query) bool {
	return a.Err == nil && q.Sol.Enough > 0 && a.Int.Cmp(new(big.Int).SetUint64(q.Sol.Enough)) >= 0
}

func leavesOf(t *tally) []claimedLeaf {
	out := make([]claimedLeaf, len(t.proven))
	for i, l := range t.proven {
		out[i] = claimedLeaf{leaf: l}
	}
	return out
}

// sweep brings all holdings that are asked about up to the newest slot, before anyone is told of it, and reports
// whether there are fewer now.
func (v *Verifier) sweep(ctx context.Context) (fewer bool, err error) {
	for _, level := range v.known.levels(v.opt.Now()) {
		r, err := v.refresh(ctx, level)
		if err != nil {
			return fewer, err
		}
		fewer = fewer || r.fewer
	}
	return fewer, nil
}

// round is one reading of all holdings of a commitment, for everyone who waits for it.
type round struct {
	done  chan struct{}
	fewer bool
	snap  *snapshot
	err   error
}

// rounds lets one round of a commitment run at a time. Whoever comes while one runs waits for the next, which all
// who came meanwhile share.
type rounds struct {
	turn chan struct{}
	next *round
}

func (k *known) round(level string) (*rounds, *round) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rounds == nil {
		k.rounds = map[string]*rounds{}
	}
	g := k.rounds[level]
	if g == nil {
		g = &rounds{turn: make(chan struct{}, 1)}
		k.rounds[level] = g
	}
	if g.next == nil {
		g.next = &round{done: make(chan struct{})}
	}
	return g, g.next
}

// refresh reads the holdings of a commitment anew, begun after the call.
func (v *Verifier) refresh(ctx context.Context, level string) (*round, error) {
	g, r := v.known.round(level)
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Canceled, "solana.Check", ctx.Err())
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
		v.known.mu.Lock()
		mine := g.next == r
		if mine {
			g.next = nil
		}
		v.known.mu.Unlock()
		if mine { // others wait too, so that one who hangs up fails nobody
			r.snap, r.fewer, r.err = v.sweepLevel(context.WithoutCancel(ctx), level)
			close(r.done)
		}
	}
	return r, r.err
}

func (v *Verifier) sweepLevel(ctx context.Context, level string) (snap *snapshot, fewer bool, err error) {
	hs := v.known.asked(level, v.opt.Now())
	block, answers, err := v.recheck(ctx, level, hs, &meter{})
	if err != nil {
		v.known.take(level, nil)
		return nil, false, err
	}
	snap = &snapshot{block: block, answers: make(map[question]nft.Answer, len(hs)), at: v.opt.Now()}
	for i, h := range hs {
		if answers[i].Value == "" {
			v.known.forget(level, h.read.q)
			fewer = true
			continue
		}
		snap.answers[questionOf(level, h.read.q)] = answers[i]
	}
	v.known.take(level, snap)
	return snap, fewer, nil
}

// fromKnown answers from what is known; ok=false when the reads have to be looked into anew. What of it may still
// serve is returned.
func (v *Verifier) fromKnown(ctx context.Context, level string, reads []read) (r nft.Reply, left []*holding, ok bool, err error) {
	now := v.opt.Now()
	hs, all := v.known.about(level, reads, now)
	if r, ok := v.known.newest(level, now).answer(level, reads); ok {
		return r, nil, true, nil
	}
	if !all || len(hs) == 0 {
		return nft.Reply{}, hs, false, nil
	}
	before, _ := v.Requests()
	round, err := v.refresh(ctx, level)
	if errors.Is(err, errMoved) {
		return nft.Reply{}, nil, false, nil
	}
	if err != nil {
		return nft.Reply{}, nil, false, err
	}
	after, _ := v.Requests()
	if r, ok := round.snap.answer(level, reads); ok {
		r.Calls = int(after - before)
		return r, nil, true, nil
	}
	hs, _ = v.known.about(level, reads, now) // those of them that have less now are forgotten
	return nft.Reply{}, hs, false, nil
}

// keep remembers what of a full answer can be asked again in short.
func (v *Verifier) keep(s *survey, val *values, i int, a nft.Answer, t *tally) {
	r := s.wanted.reads[i]
	if !enough(a, r.q) {
		return
	}
	h := &holding{read: r, kind: s.kinds[r.contract], leaves: leavesOf(t), asked: v.opt.Now()}
	h.read.only, h.read.fixed = slices.Clone(s.candidates(r)), true
	for i, c := range h.read.only {
		m, err := parseMetadata(val.accounts[c.meta])
		h.read.only[i].plain = !c.core && err == nil && (m == nil || !m.programmable)
	}
	v.known.remember(s.level, h)
}

// subscriptions names what changes of the holdings show in.
func (k *known) subscriptions(most int) map[string]subscription {
	k.mu.Lock()
	hs := maps.Clone(k.holdings)
	k.mu.Unlock()
	out := map[string]subscription{}
	for q, h := range hs {
		if q.level != processed {
			continue
		}
		for _, s := range h.subscriptions() {
			if len(out) < most {
				out[s.key] = s
			}
		}
	}
	return out
}

package nft

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// The bounds of gathering.
const (
	// maxGathered is how many queries one Check holds that several evaluations share.
	// One evaluation that asks more goes alone.
	maxGathered = 128
	// patience is how long reads wait for a Check under way, so that one that hangs
	// keeps nobody from asking.
	patience = 10 * time.Millisecond
	// together is how many Checks of one finality leave at once for those who waited.
	together = 4
	// maxSplits is how many more Checks a shared one may become when it fails.
	maxSplits = 32
)

// gather is a Verifier that joins the reads of several evaluations: those of one
// finality and age that arrive while a Check is under way leave as one when it lands. Who
// arrives when nothing is under way asks at once and by himself.
//
// A read is only ever in a Check that begins after it was asked for, so what its
// caller knew of the chain at that moment the answer knows too. A Check that fails is
// asked again in halves, so that a question no node can answer fails its own asker
// alone. It ends early when all who wait for it have hung up.
type gather struct {
	Verifier

	mu    sync.Mutex
	lanes map[laneKey]*lane
}

// laneKey is what reads must have in common to leave together: an index answers by the rule's maxAge.
type laneKey struct {
	at  Finality
	age time.Duration
}

// lane is what is under way and what waits at one finality. gather.mu guards it.
type lane struct {
	flying  int
	waiting []*asking
	timer   *time.Timer // runs while somebody waits
}

// asking is one evaluation's reads. done is closed when reply and err are set.
type asking struct {
	ctx     context.Context //nolint:containedctx // of the one call that waits for done
	queries []Query
	done    chan struct{}
	reply   Reply
	err     error
}

func newGather(v Verifier) *gather { return &gather{Verifier: v, lanes: map[laneKey]*lane{}} }

// Check implements Verifier.
func (g *gather) Check(ctx context.Context, at Finality, queries []Query) (Reply, error) {
	if len(queries) == 0 || len(queries) > maxGathered {
		return g.Verifier.Check(ctx, at, queries)
	}
	key := laneKey{at: at}
	key.age, _ = MaxAge(ctx)
	g.mu.Lock()
	l := g.lanes[key]
	if l == nil {
		l = &lane{}
		g.lanes[key] = l
	}
	if l.flying == 0 && len(l.waiting) == 0 {
		l.flying++
		g.mu.Unlock()
		defer g.landed(key, l)
		return g.Verifier.Check(ctx, at, queries)
	}
	a := &asking{ctx: ctx, queries: queries, done: make(chan struct{})}
	l.waiting = append(l.waiting, a)
	if l.timer == nil {
		l.timer = time.AfterFunc(patience, func() { g.impatient(key, l) })
	}
	g.mu.Unlock()
	select {
	case <-a.done:
		return a.reply, a.err
	case <-ctx.Done():
		return Reply{}, fault.Wrap(fault.Canceled, "nft.Check", ctx.Err())
	}
}

// landed notes that a Check came back and sends those who waited for it.
func (g *gather) landed(key laneKey, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.flying--
	for len(l.waiting) > 0 && l.flying < together {
		g.send(key, l)
	}
	if len(l.waiting) == 0 && l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.flying == 0 && len(l.waiting) == 0 {
		delete(g.lanes, key)
	}
}

// impatient sends some of those who wait although nothing has landed.
func (g *gather) impatient(key laneKey, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.timer == nil { // it was stopped as it fired
		return
	}
	if len(l.waiting) > 0 {
		g.send(key, l)
	}
	if l.timer = nil; len(l.waiting) > 0 {
		l.timer = time.AfterFunc(patience, func() { g.impatient(key, l) })
	}
}

// send takes as many of the first who wait as one Check holds. g.mu is held.
func (g *gather) send(key laneKey, l *lane) {
	n, queries := 0, 0
	for n < len(l.waiting) && (n == 0 || queries+len(l.waiting[n].queries) <= maxGathered) {
		queries += len(l.waiting[n].queries)
		n++
	}
	group := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.flying++
	go func() {
		defer g.landed(key, l)
		var splits atomic.Int32
		splits.Store(maxSplits)
		g.fly(key.at, group, &splits)
	}()
}

// fly asks for a group and tells each of them his answers.
func (g *gather) fly(at Finality, group []*asking, splits *atomic.Int32) {
	group = slices.DeleteFunc(group, func(a *asking) bool { return a.ctx.Err() != nil })
	switch len(group) {
	case 0:
		return
	case 1:
		a := group[0]
		a.reply, a.err = g.Verifier.Check(a.ctx, at, a.queries)
		close(a.done)
		return
	}
	queries, places := join(group)
	ctx, cancel := shared(group)
	reply, err := g.Verifier.Check(ctx, at, queries)
	cancel()
	if err == nil && len(reply.Answers) != len(queries) {
		err = fmt.Errorf("%d answers to %d queries", len(reply.Answers), len(queries))
	}
	if err == nil {
		for i, a := range group {
			a.reply = Reply{Block: reply.Block, Calls: reply.Calls, Source: reply.Source, Answers: make([]Answer, len(places[i]))}
			for k, p := range places[i] {
				a.reply.Answers[k] = reply.Answers[p]
			}
			close(a.done)
		}
		return
	}
	if splits.Add(-2) < 0 {
		for _, a := range group {
			a.err = &fault.Error{Kind: fault.Unavailable, Op: "nft.Check", Msg: "the chain did not answer a question that several asked together", Err: noCancel(err)}
			close(a.done)
		}
		return
	}
	var both sync.WaitGroup
	half := len(group) / 2
	both.Go(func() { g.fly(at, group[:half:half], splits) })
	both.Go(func() { g.fly(at, group[half:], splits) })
	both.Wait()
}

// noCancel keeps the text of err alone: the end of a shared Check's time is not the
// end of its callers'.
func noCancel(err error) error { return fmt.Errorf("%v", err) } //nolint:errorlint // meant

// join puts the queries of a group together, equal ones once, and tells where each of
// an asker's queries went.
func join(group []*asking) (queries []Query, places [][]int) {
	index := map[readKey]int{}
	places = make([][]int, len(group))
	for i, a := range group {
		for _, q := range a.queries {
			k := keyOfRead(q)
			p, ok := index[k]
			if !ok {
				p = len(queries)
				index[k] = p
				queries = append(queries, q)
			}
			places[i] = append(places[i], p)
		}
	}
	return queries, places
}

// shared returns the context of a Check for all of group. It ends when all of them have
// hung up, and at half of what the most hurried one has left, so that time remains to
// ask again without the question that took it.
func shared(group []*asking) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(group[0].ctx))
	var left time.Duration
	for _, a := range group {
		if end, ok := a.ctx.Deadline(); ok {
			if d := time.Until(end) / 2; left == 0 || d < left {
				left = max(d, time.Nanosecond)
			}
		}
	}
	if left > 0 {
		inner := cancel
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, left)
		cancel = func() { stop(); inner() }
	}
	var there atomic.Int32
	there.Store(int32(len(group)))
	stops := make([]func() bool, len(group))
	quit := cancel
	for i, a := range group {
		stops[i] = context.AfterFunc(a.ctx, func() {
			if there.Add(-1) == 0 {
				quit()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		quit()
	}
}

package pass

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Run works on the orders of every ledger until ctx ends, and returns ctx's error. What another process, or this one before it was
// killed, left undone is taken up.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, l := range s.opt.Ledgers {
		wg.Go(func() { s.follow(ctx, l) })
	}
	<-ctx.Done()
	wg.Wait()
	return fault.Wrap(fault.Canceled, "pass.Run", ctx.Err())
}

func (s *Service) follow(ctx context.Context, l Ledger) {
	timer := time.NewTimer(s.opt.Interval)
	defer timer.Stop()
	for {
		if err := s.Round(ctx, l); err != nil && ctx.Err() == nil {
			s.opt.Logger.Warn("pass_orders_not_read", "chain", l.Facts().Chain.String(), "error", err)
		}
		timer.Reset(s.opt.Interval)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wakes[l.Facts().Chain]:
		}
	}
}

// Round looks once at every order of a ledger that is under way and moves it on. Run calls it again and again; a host that schedules
// by itself may. What one order meets does not hold the others up and shows in the order.
func (s *Service) Round(ctx context.Context, l Ledger) error {
	chain := l.Facts().Chain.String()
	seen := &senders{low: map[string]waiting{}}
	sem := make(chan struct{}, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	for after := ""; ; {
		list, err := s.opt.Store.Work(ctx, chain, after, page)
		if err != nil {
			return fault.At("pass.Round", err)
		}
		// Lower numbers first: a node that gets them in order need not keep any back.
		slices.SortStableFunc(list, func(a, b Order) int { return compareNonce(a.Nonce, b.Nonce) })
		for _, o := range list {
			select {
			case <-ctx.Done():
				return fault.Wrap(fault.Canceled, "pass.Round", ctx.Err())
			case sem <- struct{}{}:
			}
			after = max(after, o.ID)
			wg.Go(func() {
				defer func() { <-sem }()
				s.step(ctx, l, o, seen)
			})
		}
		if len(list) < page {
			break
		}
	}
	wg.Wait()
	return s.heal(ctx, l, seen)
}

func compareNonce(a, b *uint64) int {
	last := func(n *uint64) uint64 {
		if n == nil {
			return math.MaxUint64
		}
		return *n
	}
	switch x, y := last(a), last(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// step moves one order on. Errors stay in the order or wait for the next round.
func (s *Service) step(ctx context.Context, l Ledger, o Order, seen *senders) {
	var err error
	if len(o.Attempts) == 0 {
		err = s.sign(ctx, l, o)
	} else {
		err = s.look(ctx, l, o, seen)
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, errSame) {
		return
	}
	s.opt.Logger.Debug("pass_order_waits", "order", o.ID, "chain", o.Chain.String(), "error", err)
	msg, _, _ := fault.Public(err)
	if msg == "" || msg == o.Reason || o.State == Mined {
		return
	}
	_, err = s.change(ctx, o, func(r *Order) error { r.Reason = msg; return nil })
	if err != nil && !errors.Is(err, errSame) {
		s.opt.Logger.Warn("pass_order_not_kept", "order", o.ID, "error", err)
	}
}

// change alters an order unless it has moved on since o was read.
func (s *Service) change(ctx context.Context, o Order, change func(*Order) error) (Order, error) {
	return s.opt.Store.Change(ctx, o.Tenant, o.ID, func(r *Order) error {
		if r.State != o.State || len(r.Attempts) != len(o.Attempts) || compareNonce(r.Nonce, o.Nonce) != 0 || r.Void != o.Void {
			return errSame // another process did it
		}
		if err := change(r); err != nil {
			return err
		}
		r.UpdatedAt = s.opt.Now().UTC().Truncate(time.Millisecond)
		return nil
	})
}

// sign gives an order its number, signs it, keeps what was signed, and only then sends it.
func (s *Service) sign(ctx context.Context, l Ledger, o Order) error {
	const op = "pass.sign"
	var pass *Order
	if o.Act == Mint {
		p, err := s.opt.Store.Order(ctx, o.Tenant, o.Pass)
		if err != nil {
			return fault.At(op, err)
		}
		if pass = &p; !p.Deployed() && !o.Void {
			return fault.New(fault.Unavailable, op, "Waits for the pass to be on the chain again.")
		}
	}
	d, err := l.Draft(ctx, o, pass)
	if errors.Is(err, fault.Conflict) || errors.Is(err, fault.Invalid) {
		return s.impossible(ctx, o, err)
	}
	if err != nil {
		return fault.At(op, err)
	}
	if l.Facts().Numbered && o.Nonce == nil {
		if o, err = s.opt.Store.Number(ctx, o.Tenant, o.ID, d.Base); err != nil {
			return fault.At(op, err)
		}
		if len(o.Attempts) > 0 {
			return errSame
		}
	}
	return s.attempt(ctx, l, o, d)
}

// impossible ends an order that the chain would refuse. Where it has a number already, that is used up by
// nothing, so that later ones do not wait for it.
func (s *Service) impossible(ctx context.Context, o Order, why error) error {
	msg, _, _ := fault.Public(why)
	_, err := s.change(ctx, o, func(r *Order) error {
		r.Reason = msg
		if r.Nonce == nil {
			r.State = Failed
		} else {
			r.Void = true
		}
		return nil
	})
	return err
}

// attempt signs d, stores it and sends it.
func (s *Service) attempt(ctx context.Context, l Ledger, o Order, d Draft) error {
	const op = "pass.attempt"
	a, contract, err := l.Sign(ctx, o, d)
	if err != nil {
		return fault.At(op, err)
	}
	a.At = s.opt.Now().UTC().Truncate(time.Millisecond)
	o, err = s.change(ctx, o, func(r *Order) error {
		r.State = Signed
		if r.Attempts = append(r.Attempts, a); !r.Void {
			r.Reason = ""
		}
		r.To, r.Data, r.Gas = d.To, d.Data, d.Gas
		if contract != "" {
			r.Contract = contract
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.send(ctx, l, o)
}

// send sends the newest attempt again, byte for byte.
func (s *Service) send(ctx context.Context, l Ledger, o Order) error {
	last := o.Last()
	if last == nil || len(last.Raw) == 0 {
		return nil
	}
	if err := l.Send(ctx, last.Raw); err != nil {
		return fault.At("pass.send", err)
	}
	if o.State == Sent && o.Reason == "" {
		return nil
	}
	_, err := s.change(ctx, o, func(r *Order) error {
		if r.State == Signed {
			r.State = Sent
		}
		if !r.Void {
			r.Reason = ""
		}
		return nil
	})
	return err
}

// look asks what has become of an order that was signed.
func (s *Service) look(ctx context.Context, l Ledger, o Order, seen *senders) error {
	got, err := l.Look(ctx, o)
	if err != nil {
		return fault.At("pass.look", err)
	}
	switch got.Fate {
	case Landed:
		return s.landed(ctx, o, got)
	case Displaced:
		return s.displaced(ctx, o, got)
	case Foreign:
		return s.disown(ctx, o, "The transaction with that hash is not the one of this order.")
	case Unseen, Pending:
		return s.pending(ctx, l, o, got, seen)
	}
	return fault.Newf(fault.Internal, "pass.look", "fate %q", got.Fate)
}

func (s *Service) landed(ctx context.Context, o Order, got Sighting) error {
	next := Mined
	switch {
	case got.Final && got.OK && !o.Void:
		next = Confirmed
	case got.Final:
		next = Failed
	}
	if o.Act == Fill && next == Failed {
		next = Confirmed
	}
	if o.State == next && o.Block != nil && *o.Block == got.Block && o.Hash == got.Hash {
		return nil
	}
	_, err := s.change(ctx, o, func(r *Order) error {
		block := got.Block
		r.State, r.Block, r.Hash = next, &block, got.Hash
		if !r.Void {
			r.Reason = got.Reason
		}
		if got.OK && !r.Void {
			r.TokenID = got.TokenID
			if got.Contract != "" {
				r.Contract = got.Contract
			}
		}
		if r.Wallet && got.Nonce != nil {
			r.Nonce = got.Nonce
		}
		if next.Final() {
			r.Attempts = keepHashes(r.Attempts)
		}
		return nil
	})
	return err
}

// keepHashes drops the signed bytes of what is done.
func keepHashes(list []Attempt) []Attempt {
	out := slices.Clone(list)
	for i := range out {
		out[i].Raw = nil
	}
	return out
}

// displaced deals with an order whose number another transaction has. Once that is final the order is signed anew: none of its
// attempts can be mined any more. What only used a number up has done so.
func (s *Service) displaced(ctx context.Context, o Order, got Sighting) error {
	if !got.Final && o.State == Replaced {
		return nil
	}
	_, err := s.change(ctx, o, func(r *Order) error {
		switch {
		case !got.Final:
			r.State, r.Block, r.Hash = Replaced, nil, ""
		case r.Act == Fill:
			r.State = Confirmed
		case r.Void:
			r.State = Failed
		case r.Wallet:
			r.State, r.Reason = Failed, "Another transaction of the wallet took its place."
		default:
			for _, a := range r.Attempts {
				r.Past = append(r.Past, a.Hash)
			}
			r.State, r.Nonce, r.Attempts, r.Block, r.Hash = Created, nil, nil, nil, ""
			if r.Act == Deploy {
				r.Contract = ""
			}
		}
		return nil
	})
	return err
}

// disown takes a hash off an order that a wallet signs: it waits for one again.
func (s *Service) disown(ctx context.Context, o Order, why string) error {
	_, err := s.change(ctx, o, func(r *Order) error {
		for _, a := range r.Attempts {
			r.Past = append(r.Past, a.Hash)
		}
		r.State, r.Attempts, r.Reason, r.Nonce, r.Block, r.Hash = Created, nil, why, nil, nil, ""
		return nil
	})
	return err
}

// pending deals with an order that is in no block: it may have been in one before.
func (s *Service) pending(ctx context.Context, l Ledger, o Order, got Sighting, seen *senders) error {
	if o.State == Mined || o.State == Replaced {
		was := o
		var err error
		o, err = s.change(ctx, o, func(r *Order) error {
			if was.State == Mined {
				r.Reorgs++
			}
			r.State, r.Block, r.Hash, r.TokenID = Sent, nil, "", ""
			if !r.Void {
				r.Reason = ""
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	now := s.opt.Now()
	age := now.Sub(o.Last().At)
	if o.Wallet {
		if o.Nonce == nil && got.Nonce != nil {
			_, err := s.change(ctx, o, func(r *Order) error { r.Nonce = got.Nonce; return nil })
			return err
		}
		if got.Fate == Unseen && age > s.opt.Forget {
			return s.disown(ctx, o, "The chain does not know the transaction. Sign it again.")
		}
		return nil
	}
	seen.note(o, got, age)
	if p := l.Facts().Patience; p > 0 && age > p && len(o.Attempts) < maxAttempts && !seen.blocked(o, got) {
		return s.raise(ctx, l, o, got)
	}
	if got.Fate == Unseen || o.State == Signed {
		return s.send(ctx, l, o)
	}
	return nil
}

// raise replaces an attempt that waits too long by one with higher fees. Where that is not possible the old one is sent again.
func (s *Service) raise(ctx context.Context, l Ledger, o Order, got Sighting) error {
	d, err := l.Draft(ctx, o, nil)
	if err != nil {
		if got.Fate == Unseen {
			err = errors.Join(err, s.send(ctx, l, o))
		}
		return fault.At("pass.raise", err)
	}
	return s.attempt(ctx, l, o, d)
}

// senders remembers, for a round, the lowest number that waits for each sender.
type senders struct {
	mu  sync.Mutex
	low map[string]waiting
}

type waiting struct {
	order Order
	next  uint64
	age   time.Duration
}

func (s *senders) note(o Order, got Sighting, age time.Duration) {
	if o.Nonce == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.low[o.Sender]; !ok || *o.Nonce < *w.order.Nonce {
		s.low[o.Sender] = waiting{o, got.Next, age}
	}
}

// blocked tells that an order waits for a lower number and not for fees.
func (s *senders) blocked(o Order, got Sighting) bool { return o.Nonce != nil && got.Next < *o.Nonce }

// heal finds a gap: the chain waits for a number that is lower than all that wait, and has done so for long. Fills take its place.
func (s *Service) heal(ctx context.Context, l Ledger, seen *senders) error {
	f := l.Facts()
	if !f.Numbered {
		return nil
	}
	for sender, w := range seen.low {
		if sender != f.Signer || w.next >= *w.order.Nonce || w.age < max(f.Patience, s.opt.Interval) {
			continue
		}
		if err := s.fill(ctx, w); err != nil {
			return fault.At("pass.heal", err)
		}
	}
	return nil
}

// fill orders a Fill for the lowest number that is missing. Its key is the number, so that processes that see the same gap make one.
func (s *Service) fill(ctx context.Context, w waiting) error {
	now := s.opt.Now().UTC().Truncate(time.Millisecond)
	o := w.order
	fill := Order{
		ID: newID(now), Tenant: o.Tenant, Key: fmt.Sprintf("fill:%s:%s:%d", o.Chain, o.Sender, w.next), Act: Fill, Chain: o.Chain, Sender: o.Sender,
		State: Created, Void: true, CreatedAt: now, UpdatedAt: now,
	}
	kept, fresh, err := s.opt.Store.Insert(ctx, fill)
	if err != nil || !fresh {
		return err
	}
	// The number is held by nobody, or this is no gap: then the fill gets another, which does no harm.
	if _, err = s.opt.Store.Number(ctx, kept.Tenant, kept.ID, w.next); err == nil {
		s.opt.Logger.Info("pass_number_filled", "chain", o.Chain.String(), "sender", o.Sender, "number", w.next)
		s.wake(o.Chain)
	}
	return err
}

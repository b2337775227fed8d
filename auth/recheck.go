package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// SignerChanged is the reason in a SessionEnded event when a contract wallet does not accept any
// more what opened the session.
const SignerChanged = "signer_changed"

// ContractWatcher hears when contract wallets change. A ContractVerifier that is one makes
// sessions end within a block of a change and not only within Options.RecheckEvery.
type ContractWatcher interface {
	// WatchContracts calls fn, one call at a time, with those of the accounts whose contracts
	// said something in a new block, or with none of them when any may have changed
	// unseen. accounts is asked again at each block. It tries again by itself and returns when ctx
	// ends, or with fault.Unsupported where contracts cannot be watched.
	WatchContracts(ctx context.Context, accounts func() []caip.AccountID, fn func(changed []caip.AccountID)) error
}

// The bounds of what asking again costs.
const (
	// maxProven is how many sessions of contract wallets are followed; the rest is asked
	// about at its refresh alone.
	maxProven = 10_000
	// perTurn is how many of them are asked about in a turn; the next goes on from there.
	perTurn      = 1000
	recheckers   = 8
	provenPage   = 500
	recheckTime  = 10 * time.Second
	betweenTurns = 5 * time.Second // at least, when a watch says that anything may have changed
)

// provenSessions are the live sessions of contract wallets, as far as this process knows.
type provenSessions struct {
	mu       sync.Mutex
	sessions map[string]SessionRecord // by id
	changed  map[string]bool          // addresses to ask about
	all      bool
	wake     chan struct{}
	after    string // the last session of the turn before
}

func newProven() *provenSessions {
	return &provenSessions{sessions: map[string]SessionRecord{}, changed: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (p *provenSessions) add(recs ...SessionRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range recs {
		if _, known := p.sessions[r.ID]; known || len(p.sessions) < maxProven {
			p.sessions[r.ID] = r
		}
	}
}

func (p *provenSessions) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, id)
}

// accounts returns the wallets that are followed, each once.
func (p *provenSessions) accounts() []caip.AccountID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []caip.AccountID
	seen := map[caip.AccountID]bool{}
	for _, r := range p.sessions {
		if !seen[r.Account] {
			seen[r.Account] = true
			out = append(out, r.Account)
		}
	}
	return out
}

// note takes in what a watch said.
func (p *provenSessions) note(changed []caip.AccountID) {
	p.mu.Lock()
	p.all = p.all || len(changed) == 0
	for _, a := range changed {
		p.changed[a.Address] = true
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// noted returns the sessions of wallets that changed, and whether all may have.
func (p *provenSessions) noted() (recs []SessionRecord, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.sessions {
		if p.changed[r.Account.Address] {
			recs = append(recs, r)
		}
	}
	clear(p.changed)
	all, p.all = p.all, false
	return recs, all
}

// turn returns the next sessions to ask about without a word from a watch, in order of their ids and round again.
func (p *provenSessions) turn() []SessionRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	var recs []SessionRecord
	for _, r := range p.sessions {
		recs = append(recs, r)
	}
	slices.SortFunc(recs, func(a, b SessionRecord) int { return cmp.Compare(a.ID, b.ID) })
	if len(recs) > perTurn {
		i, _ := slices.BinarySearchFunc(recs, p.after, func(r SessionRecord, id string) int { return cmp.Compare(r.ID, id+"\x00") })
		recs = slices.Concat(recs[i:], recs[:i])[:perTurn]
		p.after = recs[perTurn-1].ID
	}
	return recs
}

// follow ends sessions of contract wallets that take back what they signed: those that a watch
// speaks of at once, and all in turn every RecheckEvery. It returns when ctx ends.
func (s *Service) follow(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if w, ok := s.opt.Contracts.(ContractWatcher); ok {
		watching.Go(func() { s.watchContracts(ctx, w) })
	}
	due := time.NewTimer(0)
	defer due.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.safes.wake:
			recs, all := s.safes.noted()
			s.recheck(ctx, recs)
			if all {
				due.Reset(max(0, min(betweenTurns, s.opt.RecheckEvery)-time.Since(last)))
			}
		case <-due.C:
			s.learnProven(ctx)
			s.recheck(ctx, s.safes.turn())
			last = time.Now()
			due.Reset(s.opt.RecheckEvery)
		}
	}
}

func (s *Service) watchContracts(ctx context.Context, w ContractWatcher) {
	for ctx.Err() == nil {
		err := w.WatchContracts(ctx, s.safes.accounts, s.safes.note)
		if ctx.Err() != nil || errors.Is(err, fault.Unsupported) {
			return
		}
		s.opt.Logger.InfoContext(ctx, "watch of contract wallets ended", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(betweenTurns):
		}
	}
}

// learnProven reads which sessions there are, for others are opened and ended by other processes.
func (s *Service) learnProven(ctx context.Context) {
	var all []SessionRecord
	for after := ""; len(all) < maxProven; {
		page, err := s.store.ProvenSessions(ctx, s.now(), after, provenPage)
		if err != nil {
			if ctx.Err() == nil {
				s.opt.Logger.InfoContext(ctx, "sessions of contract wallets not read", "error", err)
			}
			return
		}
		all = append(all, page...)
		if len(page) < provenPage {
			break
		}
		after = page[len(page)-1].ID
	}
	s.safes.mu.Lock()
	clear(s.safes.sessions)
	s.safes.mu.Unlock()
	s.safes.add(all...)
}

// recheck asks about sessions, a few at a time. What cannot be told changes nothing: it is asked again in the next turn.
func (s *Service) recheck(ctx context.Context, recs []SessionRecord) {
	next := make(chan SessionRecord)
	var asking sync.WaitGroup
	for range min(recheckers, len(recs)) {
		asking.Go(func() {
			for rec := range next {
				one, cancel := context.WithTimeout(ctx, recheckTime)
				err := s.stillHolds(one, "auth.Run", rec)
				cancel()
				if err != nil && ctx.Err() == nil {
					s.opt.Logger.DebugContext(ctx, "session of a contract wallet asked about", "account", rec.Account.String(), "error", err)
				}
			}
		})
	}
	for _, rec := range recs {
		select {
		case next <- rec:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	asking.Wait()
}

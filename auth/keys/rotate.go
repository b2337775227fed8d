package keys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

const (
	rewrapPage    = 256
	rewrapWorkers = 8 // a Master far away answers in tens of milliseconds
)

// errMoved says that another process has made a newer master key meanwhile.
var errMoved = errors.New("the current master key has changed")

// versions returns the master keys in use. Of the processes that find none, each makes a
// first one and one of these stays.
func (s *Shared) versions(ctx context.Context) (Versions, error) {
	v, err := s.scopes.Versions(ctx)
	if !errors.Is(err, fault.NotFound) {
		return v, notConflict(err)
	}
	first, err := s.next(ctx, "")
	if err != nil {
		return Versions{}, err
	}
	err = s.scopes.SetVersions(ctx, Versions{Current: first})
	if err != nil && !errors.Is(err, fault.Conflict) {
		return Versions{}, err
	}
	v, err = s.scopes.Versions(ctx)
	return v, notConflict(err)
}

// next has the Master make a version and tries it: one that this process cannot use
// must never become the current one.
func (s *Shared) next(ctx context.Context, from string) (string, error) {
	version, err := s.master.Next(ctx, from)
	if err != nil {
		return "", notConflict(err)
	}
	if version == from || version == "" {
		return "", fault.New(fault.Internal, "keys.next", "the master made no new version")
	}
	probe := randomKey()
	wrapped, err := s.master.Wrap(ctx, version, probeScope, probe)
	if err != nil {
		return "", notConflict(err)
	}
	back, err := s.master.Unwrap(ctx, version, probeScope, wrapped)
	if err == nil && !slices.Equal(back, probe) {
		err = fault.New(fault.Corrupt, "keys.next", "the new master key does not give back what it wrapped")
	}
	return version, notConflict(err)
}

// Rotate implements Manager, for all processes. Interrupted at any point, by a kill too, it leaves
// everything readable: the next Rotate finishes the work under a newer master key,
// and Resume under the same. When several rotate at once they share one new master
// key and its work. Once Rotate returned nil, nothing needs the earlier master keys and the
// Master was told to retire them.
func (s *Shared) Rotate(ctx context.Context) error {
	const op = "keys.Rotate"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	if err := s.advance(ctx); err != nil {
		return given(ctx, op, err)
	}
	return fault.At(op, s.Resume(ctx))
}

// advance makes a newer master key the current one.
func (s *Shared) advance(ctx context.Context) error {
	from, err := s.versions(ctx)
	for range attempts {
		if err != nil {
			return err
		}
		next, err := s.next(ctx, from.Current)
		if err != nil {
			return err
		}
		if slices.Contains(from.Old, next) {
			return fault.New(fault.Invalid, "keys.advance", "the master offers a version that is being retired: "+next)
		}
		old := append(slices.Clone(from.Old), from.Current)
		err = s.scopes.SetVersions(ctx, Versions{Current: next, Old: old, Revision: from.Revision})
		if !errors.Is(err, fault.Conflict) {
			return err
		}
		now, err := s.versions(ctx)
		if err != nil || now.Current != from.Current {
			return err // another process rotated since this call began: that is the new key
		}
		from = now
	}
	return busy("keys.advance")
}

// Resume finishes a rotation that was interrupted, without making another master key:
// it re-wraps what is not under the current one and has the others retired. With
// nothing left to do it costs one query. A scope whose key is damaged does not keep
// the others from being re-wrapped, but no master key is retired before it is
// shredded: the error names it.
func (s *Shared) Resume(ctx context.Context) error {
	const op = "keys.Resume"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	for range attempts {
		v, err := s.versions(ctx)
		if err == nil {
			err = s.rewrapAll(ctx, v.Current)
		}
		if err == nil {
			err = s.retire(ctx, v.Old)
		}
		if !errors.Is(err, errMoved) {
			return given(ctx, op, err)
		}
	}
	return busy(op)
}

// rewrapAll moves every key to the version current. Whatever is stored after its
// listing is under that version or a newer one: the store sees to it.
func (s *Shared) rewrapAll(ctx context.Context, current string) error {
	var damaged error
	for after := ""; ; {
		page, err := s.scopes.Stale(ctx, current, after, rewrapPage)
		if err != nil {
			return notConflict(err)
		}
		if len(page) == 0 {
			return damaged
		}
		after = page[len(page)-1].Scope
		bad, err := s.rewrapPage(ctx, current, page)
		if err != nil {
			return err
		}
		damaged = cmp.Or(damaged, bad) // one is enough to say
	}
}

// rewrapPage re-wraps records, some at once, until an error that is not one of a single
// damaged record.
func (s *Shared) rewrapPage(ctx context.Context, current string, page []ScopeRecord) (damaged, err error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, rewrapWorkers)
	for _, rec := range page {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := s.rewrap(inner, current, rec)
			switch {
			case errors.Is(err, fault.Corrupt):
				mu.Lock()
				damaged = &fault.Error{Kind: fault.Corrupt, Op: "keys.rewrap", Msg: "the key of scope " + rec.Scope + " is damaged", Err: err}
				mu.Unlock()
			case err != nil:
				cancel(err) // the first one stays
			}
		})
	}
	wg.Wait()
	return damaged, context.Cause(inner)
}

// rewrap moves one key to the version current.
func (s *Shared) rewrap(ctx context.Context, current string, rec ScopeRecord) error {
	const op = "keys.rewrap"
	for range attempts {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, op, err)
		}
		if !rec.Shredded.IsZero() || rec.Master == current {
			return nil
		}
		cause := s.rewrapOnce(ctx, current, rec)
		if cause == nil {
			return nil
		}
		now, err := s.scopes.Get(ctx, rec.Scope)
		if err != nil {
			return notConflict(err)
		}
		if now.Revision == rec.Revision {
			// Not the record, so the current version is what the store did not agree to. A
			// Master may also have retired current because of a newer one.
			v, err := s.versions(ctx)
			if err == nil && v.Current != current {
				return errMoved
			}
			return errors.Join(notConflict(cause), err)
		}
		rec = now
	}
	return busy(op)
}

func (s *Shared) rewrapOnce(ctx context.Context, current string, rec ScopeRecord) error {
	var err error
	from := rec.Master
	rec.Master = current
	if r, ok := s.master.(Rewrapper); ok {
		rec.Wrapped, err = r.Rewrap(ctx, from, current, rec.Scope, rec.Wrapped)
	} else {
		var raw []byte
		if raw, err = s.open(ctx, ScopeRecord{Scope: rec.Scope, Master: from, Wrapped: rec.Wrapped}); err == nil {
			rec.Wrapped, err = s.master.Wrap(ctx, current, rec.Scope, raw)
			clear(raw)
		}
	}
	if err != nil {
		return err
	}
	return s.scopes.Put(ctx, rec)
}

// retire has the versions destroyed that nothing needs any more, and forgets them.
func (s *Shared) retire(ctx context.Context, old []string) error {
	for _, version := range old {
		if err := s.master.Retire(ctx, version); err != nil {
			return notConflict(err)
		}
	}
	if len(old) == 0 {
		return nil
	}
	for range attempts {
		v, err := s.versions(ctx)
		if err != nil {
			return err
		}
		v.Old = slices.DeleteFunc(v.Old, func(version string) bool { return slices.Contains(old, version) })
		if err := s.scopes.SetVersions(ctx, v); !errors.Is(err, fault.Conflict) {
			return err
		}
	}
	return busy("keys.retire")
}

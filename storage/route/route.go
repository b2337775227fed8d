// Package route makes one storage.Store of two: a rule says which of them a key's object is
// put in, and reads look where it is. Hosts call it to let some objects live elsewhere by policy, as the
// ciphertext of an asset on IPFS, while the rest stays in the default store.
//
// It copies nothing by itself: when the rule changes, an object stays where it is until it is put again.
package route

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Store is a storage.Store over two others. It is as durable and as available as the store that an object is in;
// List, Delete and questions for a key that is nowhere need both.
//
// While one process puts a key, another must not have another rule for it: IfAbsent holds within the
// store of the rule, and the other store is only looked at before.
//
// ETags of the other store are marked, as two stores may give the same one to different objects.
type Store struct {
	def, other storage.Store
	toOther    func(key string) bool
}

var _ storage.Store = (*Store)(nil)

// New returns a Store that puts the keys for which toOther is true in other, and all others in def. ToOther may
// be called at any time, from any goroutine.
func New(def, other storage.Store, toOther func(key string) bool) *Store {
	return &Store{def, marked{other}, toOther}
}

// marked is a store whose ETags say that they are its.
type marked struct{ storage.Store }

func mark(info storage.Info, err error) (storage.Info, error) {
	if err == nil {
		info.ETag = "other-" + info.ETag
	}
	return info, err
}

// Put implements storage.Store.
func (m marked) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	return mark(m.Store.Put(ctx, key, r, opt))
}

// Stat implements storage.Store.
func (m marked) Stat(ctx context.Context, key string) (storage.Info, error) {
	return mark(m.Store.Stat(ctx, key))
}

// List implements storage.Store.
func (m marked) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	infos, err := m.Store.List(ctx, prefix, after, limit)
	for i := range infos {
		infos[i], _ = mark(infos[i], nil)
	}
	return infos, err
}

// Prefixes returns the rule of the keys that start with one of prefixes.
func Prefixes(prefixes ...string) func(key string) bool {
	prefixes = slices.Clone(prefixes)
	return func(key string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
	}
}

// at returns the store that key's object belongs in, and the one where it may still be from
// the time of another rule.
func (s *Store) at(key string) (now, before storage.Store) {
	if s.toOther(key) {
		return s.other, s.def
	}
	return s.def, s.other
}

// Put implements storage.Store. An object in the other store is replaced too: readers see the new
// one as soon as it is whole, and then the old one is deleted.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "route.Put"
	if err := storage.CheckKey(key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	now, before := s.at(key)
	_, err := before.Stat(ctx, key)
	stale := err == nil
	switch {
	case stale && opt.IfAbsent:
		return storage.Info{}, fault.Newf(fault.Conflict, op, "the key %q exists already", key)
	case err != nil && !errors.Is(err, fault.NotFound) && (opt.IfAbsent || ctx.Err() != nil):
		return storage.Info{}, fault.At(op, err)
	}
	info, err := now.Put(ctx, key, r, opt)
	if err != nil || !stale {
		return info, fault.At(op, err)
	}
	// The new object is there, whatever becomes of the old one: it is out of sight, until Delete
	// takes both.
	_ = before.Delete(context.WithoutCancel(ctx), key)
	return info, nil
}

// find asks for key where it belongs, where it may still be, and once more where it belongs,
// as a Put may have moved it in between.
func find[T any](s *Store, key string, ask func(storage.Store) (T, error)) (T, error) {
	now, before := s.at(key)
	v, err := ask(now)
	if !errors.Is(err, fault.NotFound) {
		return v, err
	}
	if v, err = ask(before); !errors.Is(err, fault.NotFound) {
		return v, err
	}
	return ask(now)
}

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := find(s, key, func(in storage.Store) (io.ReadCloser, error) { return in.Get(ctx, key, offset, length) })
	return r, fault.At("route.Get", err)
}

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	info, err := find(s, key, func(in storage.Store) (storage.Info, error) { return in.Stat(ctx, key) })
	return info, fault.At("route.Stat", err)
}

// List implements storage.Store: it merges the lists of both.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	const op = "route.List"
	if limit <= 0 {
		limit = storage.DefaultListLimit
	}
	a, err := s.def.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, fault.At(op, err)
	}
	b, err := s.other.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, fault.At(op, err)
	}
	merged := make([]storage.Info, 0, min(limit, len(a)+len(b)))
	for len(merged) < limit && len(a)+len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Key < b[0].Key:
			merged, a = append(merged, a[0]), a[1:]
		case len(a) == 0 || b[0].Key < a[0].Key:
			merged, b = append(merged, b[0]), b[1:]
		default: // in both: the one that Get finds
			if s.toOther(a[0].Key) {
				a[0] = b[0]
			}
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		}
	}
	return merged, nil
}

// Delete implements storage.Store. The object that is out of sight goes first, so that it never comes back.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "route.Delete"
	if err := storage.CheckKey(key); err != nil {
		return fault.At(op, err)
	}
	now, before := s.at(key)
	if err := before.Delete(ctx, key); err != nil {
		return fault.At(op, err)
	}
	return fault.At(op, now.Delete(ctx, key))
}

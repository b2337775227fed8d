package s3

import (
	"context"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	const op = "s3.Stat"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	o, err := s.head(ctx, key)
	if err != nil {
		return storage.Info{}, s.fault(ctx, op, key, err)
	}
	return s3info(key, o), nil
}

// Delete implements storage.Store. In a versioned bucket the old versions stay.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "s3.Delete"
	if err := check(ctx, key); err != nil {
		return fault.At(op, err)
	}
	err := s.retry(ctx, func() error {
		return s.core.RemoveObject(ctx, s.opt.Bucket, s.name(key), minio.RemoveObjectOptions{})
	})
	if absent(err) {
		return nil
	}
	return s.fault(ctx, op, key, err)
}

// List implements storage.Store. Objects below the prefix whose names are no names of
// keys are passed over. A server that lists in another order (as S3 Express does)
// is fault.Unsupported.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	const op = "s3.List"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	if limit <= 0 {
		limit = storage.DefaultListLimit
	}
	// What no key can begin with is not asked for: servers read meaning into it.
	if !beginsKeys(prefix) || after > prefix && !strings.HasPrefix(after, prefix) {
		return nil, nil
	}
	if after < prefix {
		after = ""
	}
	l := &listing{s: s, prefix: prefix, ask: prefix, after: after, limit: limit}
	// Some servers refuse "." and ".." for elements, although keys can begin with them.
	if slash := strings.LastIndexByte(prefix, '/') + 1; prefix[slash:] == "." || prefix[slash:] == ".." {
		l.ask, l.after = prefix[:slash], max(prefix, after)
	}
	err := s.retry(ctx, func() error { return l.run(ctx) })
	if err != nil {
		return nil, s.fault(ctx, op, "", err)
	}
	return l.infos, nil
}

// listing collects the objects after `after`, which moves on with them.
type listing struct {
	s      *Store
	prefix string // of the keys wanted
	ask    string // of the keys asked for
	after  string
	limit  int
	infos  []storage.Info
}

// run asks for the rest of what is wanted. It may be called again after an error.
func (l *listing) run(ctx context.Context) error {
	for _, q := range l.s.queries(l.s.opt.Prefix+l.ask, l.s.startAfter(l.after)) {
		if more, err := l.query(ctx, q); err != nil || !more {
			return err
		}
	}
	return nil
}

// query is a prefix of names, and a name to begin behind.
type query struct{ prefix, after string }

// queries cuts the names with a prefix that sort after one into what MinIO lists
// completely. When the name to begin behind is of another folder than the prefix, MinIO counts objects
// before it against the size of the page and takes the list for ended. So it is asked
// folder by folder, from that of the name upwards.
func (s *Store) queries(prefix, after string) []query {
	if after == "" {
		return []query{{prefix, ""}}
	}
	root := strings.LastIndexByte(prefix, '/') + 1
	var qs []query
	for {
		slash := strings.LastIndexByte(after, '/') + 1
		if slash <= root {
			return append(qs, query{prefix, after})
		}
		qs = append(qs, query{after[:slash], after})
		// What follows the folder: "0" is the byte after the slash, and no name ends with it.
		after = after[:slash-1] + "0"
		if s.opt.Keys == KeysPlain {
			after = after[:slash-1] + "/~" // one may end with it
			return append(qs, query{prefix, after})
		}
	}
}

// query collects the answer to q and reports whether more is wanted.
func (l *listing) query(ctx context.Context, q query) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	none := false
	for o := range l.s.core.ListObjectsIter(ctx, l.s.opt.Bucket, minio.ListObjectsOptions{
		Prefix:     q.prefix,
		StartAfter: q.after,
		Recursive:  true,
		MaxKeys:    min(l.limit-len(l.infos), 1000),
		FetchOwner: &none,
	}) {
		if o.Err != nil {
			return false, o.Err
		}
		key, ok := l.s.key(o.Key)
		if !ok {
			continue
		}
		if n := len(l.infos); n > 0 && key <= l.infos[n-1].Key {
			return false, fault.New(fault.Unsupported, "s3.List", "the object store does not list in the order of bytes")
		}
		if key <= l.after {
			continue
		}
		if !strings.HasPrefix(key, l.prefix) {
			return false, nil // more was asked for than is wanted
		}
		l.infos = append(l.infos, s3info(key, o))
		l.after = key
		if len(l.infos) == l.limit {
			return false, nil
		}
	}
	return true, ctx.Err()
}

// beginsKeys reports whether a key can begin with prefix.
func beginsKeys(prefix string) bool {
	return prefix == "" || storage.CheckKey(prefix) == nil || storage.CheckKey(prefix+"a") == nil
}

// startAfter translates `after` into a name that sorts before those of the keys after it
// and not before others, and that no server refuses. Keys have no byte below "-", so
// what follows a key and the mark follows the key.
func (s *Store) startAfter(after string) string {
	const alphabet = "-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	bad := notInKeys(after)
	switch {
	case after == "":
		return ""
	case bad < 0:
		return s.opt.Prefix + after + mark
	}
	below := strings.LastIndexFunc(alphabet, func(r rune) bool { return byte(r) < after[bad] })
	switch {
	case below >= 0:
		// No key has this byte here; the last that sort before have the one below it.
		return s.opt.Prefix + after[:bad] + alphabet[below:below+1] + "~"
	case bad > 0:
		return s.opt.Prefix + after[:bad] + mark
	}
	return ""
}

// notInKeys returns the index of the first byte with which s stops being the beginning
// of a key, or -1.
func notInKeys(s string) int {
	start := 0
	for i := range len(s) {
		if s[i] == '/' {
			if elem := s[start:i]; elem == "" || elem == "." || elem == ".." {
				return i
			}
			start = i + 1
		} else if storage.CheckKey("a"+s[i:i+1]) != nil {
			return i
		}
	}
	return -1
}

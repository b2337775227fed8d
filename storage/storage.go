// Package storage holds bytes by key. Store is the interface every back-end
// implements; storage/file and storage/mem are the defaults, drivers/s3 and
// drivers/ipfs the others. Envelope adds encryption at rest to any of them.
//
// A Store knows nothing of tenants, assets or media: keys are opaque paths.
package storage

import (
	"context"
	"io"
	"time"
)

// Store keeps objects: immutable byte strings under a key.
//
// Keys are 1 to 512 bytes of [a-zA-Z0-9._-] path elements of at most 200 bytes
// joined by single slashes; no element is "." or "..". An invalid key is
// fault.Invalid. A key may be the path of others ("a" beside "a/b"). All methods
// are safe for concurrent use. A method that returns nil has made its effect
// durable; one whose ctx has ended does nothing and returns fault.Canceled. A full
// or unreachable back-end is fault.Unavailable. Implementations pass storagetest.Run.
type Store interface {
	// Put stores all of r under key and replaces what was there. Readers see
	// the old object or the whole new one, never a part; if r fails or ctx ends
	// nothing changes. With IfAbsent an existing key is fault.Conflict.
	Put(ctx context.Context, key string, r io.Reader, opt PutOptions) (Info, error)
	// Get opens bytes [offset, offset+length) of key; length < 0 reads to the
	// end. A range beyond the end is cut; an offset beyond the end is
	// fault.Invalid. A missing key is fault.NotFound. The caller closes the reader.
	//
	// A reader goes on yielding the object it was opened on when the key is
	// replaced or deleted. It may offer more: io.WriterTo copies in the fastest way
	// there is (io.Copy uses it; storage/file then reaches sendfile when the
	// destination is a TCP connection or a net/http response), and io.Seeker moves
	// within the opened range, as http.ServeContent needs.
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Stat describes key, or returns fault.NotFound.
	Stat(ctx context.Context, key string) (Info, error)
	// List returns up to limit objects whose key starts with prefix and sorts
	// after `after`, in ascending byte order of key. limit <= 0 means 1000. Both
	// strings are compared as bytes and need not be valid keys.
	List(ctx context.Context, prefix, after string, limit int) ([]Info, error)
	// Delete removes key. Deleting a missing key is not an error.
	Delete(ctx context.Context, key string) error
}

// DefaultListLimit is how many objects List returns when limit <= 0.
const DefaultListLimit = 1000

// Info describes an object. Size is the count of bytes a Get of all of it yields.
type Info struct {
	Key     string
	Size    int64
	ModTime time.Time
	// ETag changes whenever the content changes; opaque.
	ETag string
}

// PutOptions are the options of Put. The zero value overwrites.
type PutOptions struct {
	// IfAbsent refuses to replace: an existing key is fault.Conflict.
	IfAbsent bool
	// Size is the expected count of bytes when the caller knows it; a reader
	// that yields another count fails the Put with fault.Invalid. 0 means unknown.
	Size int64
}

// Unwrapper is implemented by decorators, so that As can look beneath them.
type Unwrapper interface{ Unwrap() Store }

// As finds the first store in s's chain of decorators that implements T.
func As[T any](s Store) (T, bool) {
	for {
		if t, ok := s.(T); ok {
			return t, true
		}
		u, ok := s.(Unwrapper)
		if !ok {
			var zero T
			return zero, false
		}
		s = u.Unwrap()
	}
}

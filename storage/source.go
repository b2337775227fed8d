package storage

import (
	"context"
	"io"

	"github.com/streamgate/streamgate/fault"
)

// Source is what an implementation of Put reads instead of the caller's reader:
// it fails with fault.Canceled once ctx has ended, with fault.Invalid when the
// reader yields another count of bytes than size says (0 is unknown), and with
// the reader's own error otherwise. It reads at most one byte more than size.
type Source struct {
	ctx  context.Context
	r    io.Reader
	size int64
	n    int64
}

// NewSource returns a Source over r for one Put.
func NewSource(ctx context.Context, r io.Reader, size int64) *Source {
	return &Source{ctx: ctx, r: r, size: size}
}

// N is the count of bytes read so far.
func (s *Source) N() int64 { return s.n }

// Err returns fault.Canceled when the context of the Put has ended. Put calls it
// last before it makes the object visible.
func (s *Source) Err() error {
	return fault.Wrap(fault.Canceled, "storage.Put", s.ctx.Err())
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	if err := s.Err(); err != nil {
		return 0, err
	}
	if s.size < 0 {
		return 0, fault.Newf(fault.Invalid, "storage.Put", "the announced size %d is negative", s.size)
	}
	if s.size != 0 {
		// One byte beyond the announced size is enough to know that it is wrong.
		if most := s.size - s.n + 1; int64(len(p)) > most {
			p = p[:most]
		}
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.size != 0 && s.n > s.size {
		return n, fault.Newf(fault.Invalid, "storage.Put", "the body is longer than the %d bytes announced", s.size)
	}
	if err == io.EOF && s.size != 0 && s.n != s.size {
		return n, fault.Newf(fault.Invalid, "storage.Put", "the body ended after %d bytes, %d were announced", s.n, s.size)
	}
	return n, err
}

package envelope

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/streamgate/streamgate/fault"
)

const tagSize = 16

// sealer seals the chunks of one object with one data key. It is the STREAM
// construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is a prefix, the
// chunk's number and a flag on the last chunk, so that chunks cannot be reordered,
// repeated, left out at the end or added.
type sealer struct {
	aead   cipher.AEAD
	prefix [prefixSize]byte
	// bound is authenticated with every chunk: a hash of the object's key and header.
	bound [32]byte
	chunk int
}

func (s *sealer) nonce(number uint32, last bool) (n [12]byte) {
	copy(n[:], s.prefix[:])
	binary.BigEndian.PutUint32(n[prefixSize:], number)
	if last {
		n[11] = 1
	}
	return n
}

// seal appends the sealed chunk to dst.
func (s *sealer) seal(dst, plain []byte, number uint32, last bool) []byte {
	n := s.nonce(number, last)
	return s.aead.Seal(dst, n[:], plain, s.bound[:])
}

// open decrypts in place.
func (s *sealer) open(sealed []byte, number uint32, last bool) ([]byte, error) {
	n := s.nonce(number, last)
	plain, err := s.aead.Open(sealed[:0], n[:], sealed, s.bound[:])
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: "envelope.open", Msg: fmt.Sprintf("chunk %d of the object was changed, moved or cut off", number), Err: err}
	}
	return plain, nil
}

// maxNumber is the highest number a chunk can have.
const maxNumber = 1<<32 - 1

// sealReader yields header and sealed chunks of what it reads from src.
type sealReader struct {
	s   *sealer
	src io.Reader
	// plain holds one byte more than a chunk: only when there is one is the chunk
	// not the last.
	plain []byte
	ahead int // bytes of the next chunk at the start of plain, 0 or 1
	out   []byte
	rest  []byte // of out, or at first the header, not yet read
	next  uint64
	done  bool
	err   error
	n     int64 // plaintext bytes sealed
}

func (r *sealReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.done {
			return 0, io.EOF
		}
		if r.err = r.fill(); r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// fill seals the next chunk.
func (r *sealReader) fill() error {
	n, err := io.ReadFull(endReader{r.src}, r.plain[r.ahead:])
	n += r.ahead
	switch {
	case err == nil:
	case errors.Is(err, errEnd):
		r.done = true
	default:
		return err
	}
	size := min(n, r.s.chunk)
	if r.next > maxNumber {
		return fault.New(fault.TooLarge, "envelope.Put", "the object has more chunks than can be numbered")
	}
	r.out = r.s.seal(r.out[:0], r.plain[:size], uint32(r.next), r.done)
	r.rest = r.out
	r.next++
	r.n += int64(size)
	r.ahead = copy(r.plain, r.plain[size:n])
	return nil
}

// errEnd marks the true end of a source.
var errEnd = errors.New("end of source")

// endReader turns io.EOF into errEnd, which io.ReadFull passes on unchanged: an
// io.ErrUnexpectedEOF is then a failure of the source, such as a connection that
// broke, and does not pass for the end.
type endReader struct{ r io.Reader }

func (e endReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err == io.EOF {
		err = errEnd
	}
	return n, err
}

// openReader yields a range of the plaintext of the sealed chunks it reads from
// src. src goes on for at least one byte after a chunk unless that ends the object.
type openReader struct {
	s      *sealer
	src    io.ReadCloser
	buf    []byte // a sealed chunk and one byte more; nil once closed
	ahead  []byte // first byte of the next chunk, when known
	number uint64 // of the next chunk
	plain  []byte // decrypted and not yet read
	left   int64  // bytes of the range not yet read
	last   bool   // the object's last chunk was opened
	err    error  // sticky
	free   func([]byte)
}

// errNoChunk means that the source had nothing at the place of a chunk.
var errNoChunk = errors.New("no chunk")

// advance opens the next chunk into plain.
func (r *openReader) advance() error {
	if r.number > maxNumber {
		return fault.New(fault.Corrupt, "envelope.Read", "the object has more chunks than can be numbered")
	}
	n := copy(r.buf, r.ahead)
	more, err := io.ReadFull(endReader{r.src}, r.buf[n:])
	n += more
	switch {
	case err == nil:
	case errors.Is(err, errEnd):
		r.last = true
	default:
		return err
	}
	if n == 0 {
		return errNoChunk
	}
	size := min(n, r.s.chunk+tagSize)
	r.ahead = append(r.ahead[:0], r.buf[size:n]...) // opening overwrites buf
	r.plain, err = r.s.open(r.buf[:size], uint32(r.number), r.last)
	r.number++
	return err
}

// next makes plain hold bytes of the range, or returns io.EOF at its end.
func (r *openReader) next() error {
	if r.err != nil {
		return r.err
	}
	for r.left > 0 && len(r.plain) == 0 {
		if r.last {
			r.left = 0
			break
		}
		if r.err = r.advance(); r.err != nil {
			r.plain = nil
			return r.err
		}
	}
	if r.left == 0 {
		return io.EOF
	}
	r.plain = r.plain[:min(int64(len(r.plain)), r.left)]
	return nil
}

func (r *openReader) Read(p []byte) (int, error) {
	if err := r.next(); err != nil {
		return 0, err
	}
	n := copy(p, r.plain)
	r.took(n)
	return n, nil
}

func (r *openReader) took(n int) {
	r.plain = r.plain[n:]
	r.left -= int64(n)
}

// WriteTo spares the copy of each chunk that Read makes.
func (r *openReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := r.next(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		n, err := w.Write(r.plain)
		written += int64(n)
		r.took(n)
		if err != nil {
			return written, err
		}
	}
}

func (r *openReader) Close() error {
	if r.buf != nil {
		r.free(r.buf)
		r.buf, r.plain = nil, nil
		r.err = fault.New(fault.Invalid, "envelope.Read", "the reader is closed")
	}
	return r.src.Close()
}

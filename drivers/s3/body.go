package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/streamgate/streamgate/storage"
)

// chunkSize is the unit of memory of a body: a small object takes one, a part many.
const chunkSize = 128 << 10

// body is what one request uploads, held in memory so that it can be sent again. It does not
// change once it is filled.
type body struct {
	chunks []*[chunkSize]byte
	size   int64
}

// reader returns a new reader of all of b.
func (b *body) reader() io.Reader { return &bodyReader{b: b} }

type bodyReader struct {
	b   *body
	pos int64
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.pos == r.b.size {
		return 0, io.EOF
	}
	from := r.pos % chunkSize
	n := copy(p, r.b.chunks[r.pos/chunkSize][from:min(chunkSize, from+r.b.size-r.pos)])
	r.pos += int64(n)
	return n, nil
}

func (b *body) sha256() string {
	h := sha256.New()
	rest := b.size
	for _, c := range b.chunks {
		n := min(rest, chunkSize)
		h.Write(c[:n])
		rest -= n
	}
	return hex.EncodeToString(h.Sum(nil))
}

// splitter cuts a source into bodies.
type splitter struct {
	s   *Store
	src *storage.Source
	// ahead is the byte read to learn whether the source goes on.
	ahead [1]byte
	n     int
	// ended is set when the body just returned is the last.
	ended bool
}

// next returns the next size bytes, or fewer when the source ends.
func (p *splitter) next(size int64) (*body, error) {
	b := &body{}
	for b.size < size {
		from := b.size % chunkSize
		if from == 0 {
			b.chunks = append(b.chunks, p.s.chunks.Get().(*[chunkSize]byte))
		}
		into := b.chunks[len(b.chunks)-1][from:min(chunkSize, from+size-b.size)]
		n := copy(into, p.ahead[:p.n])
		p.n = 0
		m, err := fill(p.src, into[n:])
		b.size += int64(n + m)
		switch {
		case err == io.EOF:
			p.ended = true
			return b, nil
		case err != nil:
			p.s.free(b)
			return nil, err
		}
	}
	n, err := fill(p.src, p.ahead[:])
	p.n, p.ended = n, err == io.EOF
	if err != nil && err != io.EOF {
		p.s.free(b)
		return nil, err
	}
	return b, nil
}

// fill reads until p is full. Unlike io.ReadFull it keeps apart a source that ends (io.EOF)
// and one that breaks with io.ErrUnexpectedEOF, as the body of a request does that
// was cut off.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	if n == len(p) {
		return n, nil
	}
	return n, err
}

// free gives b's memory to later bodies. It must not be called after a request that
// failed: the transport may still be reading.
func (s *Store) free(b *body) {
	for _, c := range b.chunks {
		s.chunks.Put(c)
	}
	b.chunks = nil
}

package envelope

import (
	"encoding/binary"

	"github.com/streamgate/streamgate/fault"
)

// The header, HeaderSize bytes in front of every object:
//
//	0   4  magic "SGEV"
//	4   1  version, 1
//	5   3  zero
//	8   4  chunk size, big endian
//	12  7  nonce prefix
//	19  2  length of the scope, big endian
//	21  2  length of the wrapped key, big endian
//	23     scope, wrapped key, zeros to the end
//
// It has one size for all objects, so that the size of the plaintext follows from
// the size of the object alone, as List needs.
const (
	// HeaderSize is how many bytes an object grows by, beside 16 a chunk.
	HeaderSize  = 512
	headerFixed = 23
	prefixSize  = 7
)

var magic = [8]byte{'S', 'G', 'E', 'V', 1, 0, 0, 0}

type header struct {
	chunkSize int
	prefix    [prefixSize]byte
	scope     string
	wrapped   []byte
}

func (h *header) encode() ([]byte, error) {
	if n := headerFixed + len(h.scope) + len(h.wrapped); n > HeaderSize {
		return nil, fault.Newf(fault.Invalid, "envelope.encode", "scope and wrapped key need %d bytes together, there are %d", len(h.scope)+len(h.wrapped), HeaderSize-headerFixed)
	}
	b := make([]byte, HeaderSize)
	copy(b, magic[:])
	binary.BigEndian.PutUint32(b[8:], uint32(h.chunkSize))
	copy(b[12:], h.prefix[:])
	binary.BigEndian.PutUint16(b[19:], uint16(len(h.scope)))
	binary.BigEndian.PutUint16(b[21:], uint16(len(h.wrapped)))
	n := copy(b[headerFixed:], h.scope)
	copy(b[headerFixed+n:], h.wrapped)
	return b, nil
}

// parseHeader returns the one header that encodes to b, or fault.Corrupt.
func parseHeader(b []byte) (header, error) {
	const op = "envelope.parseHeader"
	var h header
	if len(b) != HeaderSize || [4]byte(b) != [4]byte(magic[:]) {
		return h, fault.New(fault.Corrupt, op, "the object is not an encrypted one, or was cut short")
	}
	if [8]byte(b) != magic {
		return h, fault.Newf(fault.Unsupported, op, "the object is encrypted in version %d, this program knows 1", b[4])
	}
	h.chunkSize = int(binary.BigEndian.Uint32(b[8:]))
	copy(h.prefix[:], b[12:])
	scopeLen := int(binary.BigEndian.Uint16(b[19:]))
	wrappedLen := int(binary.BigEndian.Uint16(b[21:]))
	rest := b[headerFixed:]
	if h.chunkSize < minChunk || h.chunkSize > maxChunk || scopeLen == 0 || wrappedLen == 0 || scopeLen+wrappedLen > len(rest) {
		return h, fault.New(fault.Corrupt, op, "the header of the object is damaged")
	}
	h.scope = string(rest[:scopeLen])
	h.wrapped = append([]byte(nil), rest[scopeLen:scopeLen+wrappedLen]...)
	for _, c := range rest[scopeLen+wrappedLen:] {
		if c != 0 {
			return h, fault.New(fault.Corrupt, op, "the header of the object is damaged")
		}
	}
	return h, nil
}

package cmaf

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"io"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// MaxSegment bounds the bytes of one segment that Read accepts: 4 s at 268 Mbit/s.
const MaxSegment = 128 << 20

// Read returns the clear bytes of s with one range read of store. The result has
// spare capacity for the padding of EncryptAES128. An object shorter than the index says is fault.Corrupt.
func Read(ctx context.Context, store storage.Store, s Segment) ([]byte, error) {
	const op = "cmaf.Read"
	if s.Length < 0 || s.Length > MaxSegment {
		return nil, fault.Newf(fault.Corrupt, op, "a segment of %d bytes", s.Length)
	}
	r, err := store.Get(ctx, s.Object, s.Offset, s.Length)
	if err != nil {
		return nil, fault.At(op, err)
	}
	defer r.Close()
	b := make([]byte, s.Length, s.Length+aes.BlockSize)
	if _, err = io.ReadFull(r, b); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the object is shorter than its index says", Err: err}
	} else if err != nil {
		return nil, fault.At(op, err)
	}
	return b, nil
}

// EncryptAES128 encrypts a whole segment as HLS METHOD=AES-128 wants it: CBC with
// PKCS#7 padding (RFC 8216 4.3.2.4). It works in place and returns the longer
// slice; segment must not be used afterwards. Spare capacity of 16 bytes avoids a copy.
func EncryptAES128(segment []byte, key, iv Key) []byte {
	pad := aes.BlockSize - len(segment)%aes.BlockSize
	for range pad {
		segment = append(segment, byte(pad))
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("cmaf: a 16-byte key was refused: " + err.Error())
	}
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(segment, segment)
	return segment
}

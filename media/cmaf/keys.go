package cmaf

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/streamgate/streamgate/fault"
)

// Purpose is what a content key is for. HLS and DASH never share one, so that a
// weakness of one form says nothing about the other.
type Purpose byte

// The purposes.
const (
	// HLS keys encrypt whole segments with AES-128-CBC (RFC 8216 4.3.2.4).
	HLS Purpose = 'h'
	// DASH keys encrypt samples with cbcs (ISO/IEC 23001-7 10.4).
	DASH Purpose = 'd'
)

// KeySize is the length of content keys, IVs and key ids in bytes.
const KeySize = 16

// Key is a content key, an initialization vector or a key id.
type Key [KeySize]byte

// String returns 32 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	var k Key
	if len(s) != 2*KeySize {
		return k, fault.New(fault.Invalid, "cmaf.ParseKey", "a key id is 32 hex digits")
	}
	if _, err := hex.Decode(k[:], []byte(s)); err != nil {
		return k, fault.New(fault.Invalid, "cmaf.ParseKey", "a key id is 32 hex digits")
	}
	return k, nil
}

// ContentKeys derives every key, IV and key id of one asset version from its
// playback secret with HKDF-SHA-256 (RFC 5869). The same input gives the same
// output in every process and for every viewer, which is what makes segments
// cacheable. A ContentKeys is immutable and safe for concurrent use.
type ContentKeys struct {
	prk   []byte
	scope string
	kids  []byte
}

// NewContentKeys returns the keys of version of asset. The secret is at least 16
// bytes and is not kept.
func NewContentKeys(secret []byte, asset string, version int) (*ContentKeys, error) {
	const op = "cmaf.NewContentKeys"
	if len(secret) < KeySize {
		return nil, fault.New(fault.Invalid, op, "the playback secret is shorter than 16 bytes")
	}
	prk, err := hkdf.Extract(sha256.New, secret, []byte("streamgate content keys v1"))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	k := &ContentKeys{prk: prk, scope: strconv.Quote(asset) + " " + strconv.Itoa(version) + " "}
	if k.kids, err = hkdf.Expand(sha256.New, prk, k.scope+"kid", sha256.Size); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return k, nil
}

func (k *ContentKeys) derive(info string) Key {
	// Expand fails for outputs above 255 hashes only (RFC 5869 2.3).
	b, err := hkdf.Expand(sha256.New, k.prk, k.scope+info, KeySize)
	if err != nil {
		panic(fmt.Sprintf("cmaf: hkdf: %v", err))
	}
	return Key(b)
}

// Key returns the content key of an epoch, shared by all tracks.
func (k *ContentKeys) Key(p Purpose, epoch int) Key {
	return k.derive("key " + string(rune(p)) + " " + strconv.Itoa(epoch))
}

// SegmentIV returns the AES-128 IV of one segment of one track. Tracks share a
// key within an epoch, so no two segments may share an IV.
func (k *ContentKeys) SegmentIV(track string, segment int) Key {
	return k.derive("iv h " + strconv.Quote(track) + " " + strconv.Itoa(segment))
}

// ConstantIV returns the cbcs constant IV of a track in an epoch.
func (k *ContentKeys) ConstantIV(track string, epoch int) Key {
	return k.derive("iv d " + strconv.Quote(track) + " " + strconv.Itoa(epoch))
}

const kidTag = KeySize - 5 // then one byte of purpose and four of epoch

// KID returns the public id of the content key of an epoch. It names purpose and
// epoch, and carries a tag that only the holder of the secret can make.
func (k *ContentKeys) KID(p Purpose, epoch int) Key {
	var kid Key
	kid[kidTag] = byte(p)
	binary.BigEndian.PutUint32(kid[kidTag+1:], uint32(epoch))
	mac := hmac.New(sha256.New, k.kids)
	mac.Write(kid[kidTag:])
	copy(kid[:kidTag], mac.Sum(nil))
	return kid
}

// Find tells what KID was asked when it made kid; ok is false for an id that is
// not of this asset version.
func (k *ContentKeys) Find(kid Key) (p Purpose, epoch int, ok bool) {
	p = Purpose(kid[kidTag])
	n := binary.BigEndian.Uint32(kid[kidTag+1:])
	if (p != HLS && p != DASH) || n > 1<<30 {
		return 0, 0, false
	}
	want := k.KID(p, int(n))
	if subtle.ConstantTimeCompare(want[:], kid[:]) != 1 {
		return 0, 0, false
	}
	return p, int(n), true
}

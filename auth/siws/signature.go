package siws

import (
	"bytes"
	"crypto/sha512"

	"filippo.io/edwards25519"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/base58"
)

// The sizes of an Ed25519 public key and signature.
const (
	KeySize       = 32
	SignatureSize = 64
)

func badSignature(msg, fix string) error {
	return fault.New(fault.Invalid, "siws.Signature", msg).With("/signature", fix)
}

// DecodeSignature reads the base58 spelling of 64 bytes, as wallets and their libraries print it.
// Anything else is fault.Invalid. It does not look inside; Verify does.
func DecodeSignature(s string) ([]byte, error) {
	b, ok := base58.Decode(s, SignatureSize)
	if !ok {
		return nil, badSignature("the signature is not 64 bytes in base58", "send the wallet's signature in base58, 64 to 88 characters")
	}
	return b, nil
}

// Verify checks that sig is an Ed25519 signature of exactly these bytes by the key that address
// spells. It accepts no more than Solana's own verify_strict does, and less than RFC 8032 and
// crypto/ed25519: the key and R must be the one canonical encoding of a point that is not of low order,
// S must be below the group order, and the equation is checked without the cofactor. With a key of low
// order anybody makes signatures; with a second encoding of R or S a signature has a twin.
//
// A key or signature of the wrong form is fault.Invalid, one that is another's
// fault.Unauthenticated. Its time depends on public values alone.
func Verify(address string, message, sig []byte) error {
	const op, fix = "siws.Verify", "send the wallet's signature of the message, unchanged"
	key, ok := base58.Decode(address, KeySize)
	if !ok {
		return fault.New(fault.Invalid, op, "the account is not a public key in base58").With("/message", fix)
	}
	a, ok := point(key)
	if !ok {
		return fault.New(fault.Invalid, op, "nobody can own this account: its key is no point of the curve, has low order or is not in canonical form").
			With("/message", "sign in with an account that has a private key")
	}
	if len(sig) != SignatureSize {
		return badSignature("the signature is not 64 bytes long", fix)
	}
	if _, ok := point(sig[:32]); !ok {
		return badSignature("R of the signature is no point of the curve, has low order or is not in canonical form", fix)
	}
	s, err := edwards25519.NewScalar().SetCanonicalBytes(sig[32:])
	if err != nil {
		return badSignature("S of the signature is not below the group order", fix)
	}
	h := sha512.New()
	h.Write(sig[:32])
	h.Write(key)
	h.Write(message)
	k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	// R = [S]B - [k]A, compared as bytes, which only the canonical R can equal.
	r := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, a.Negate(a), s)
	if !bytes.Equal(r.Bytes(), sig[:32]) {
		return fault.New(fault.Unauthenticated, op, "the signature is not by the account that the message names")
	}
	return nil
}

// point reads the canonical encoding of a point that is not of low order. The library takes y
// above the field's order and the x that is "minus zero"; writing the point again tells.
func point(b []byte) (*edwards25519.Point, bool) {
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil || !bytes.Equal(p.Bytes(), b) {
		return nil, false
	}
	low := new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1
	return p, !low
}

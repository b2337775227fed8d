package authtest

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
)

// LowOrderKeys returns the 14 encodings of the 8 points of low order that decoders take which do not
// insist on the canonical one; those are the first 8. Under such a public key anybody makes signatures.
func LowOrderKeys() [][]byte {
	var out [][]byte
	for _, s := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // the neutral point
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"0000000000000000000000000000000000000000000000000000000000000000", // order 4: Solana's System Program
		"0000000000000000000000000000000000000000000000000000000000000080", // order 4
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // order 8
		"0100000000000000000000000000000000000000000000000000000000000080", // neutral, x = -0
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // neutral, y = p + 1
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // both
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 2, x = -0
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 4, y = p
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 4, y = p
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		out = append(out, b)
	}
	return out
}

// Forge returns a message with a signature that crypto/ed25519 takes for that of a key of low order. It
// needs no private key, since there is none: S = 0 and R is guessed. It panics if no guess is right.
func Forge(key []byte) (message, sig []byte) {
	for i := range 64 {
		message = fmt.Appendf(nil, "message %d", i)
		for _, r := range LowOrderKeys() {
			sig = append(r, make([]byte, 32)...)
			if ed25519.Verify(key, message, sig) {
				return message, sig
			}
		}
	}
	panic("authtest: the key is not of low order")
}

// GroupOrder returns the order of the group as S is encoded, little end first.
func GroupOrder() []byte { return littleEndian(order()) }

func order() *big.Int {
	l, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	return l.Add(l, new(big.Int).Lsh(big.NewInt(1), 252))
}

func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// TwinEd25519 returns sig with the group order added to its S, which lax verifiers take for the same.
func TwinEd25519(sig []byte) []byte {
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	return append(slices.Clone(sig[:32]), littleEndian(new(big.Int).Add(new(big.Int).SetBytes(s), order()))...)
}

// Package base58 reads and writes the Bitcoin alphabet in which Solana spells keys and
// signatures. It takes values of a known size only, so its quadratic cost is bounded by the caller's
// size and one value has one spelling. Packages caip and siws call it.
package base58

import "strings"

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// Decode returns the size bytes that s spells, or ok=false when s has another character or
// spells another number of bytes. The encoding of what it returns is s again.
func Decode(s string, size int) (b []byte, ok bool) {
	if len(s) < size || len(s) > size*138/100+1 { // log(256)/log(58) is below 1.38
		return nil, false
	}
	b = make([]byte, size)
	for i := range len(s) {
		carry := strings.IndexByte(alphabet, s[i])
		if carry < 0 {
			return nil, false
		}
		for j := size - 1; j >= 0; j-- {
			carry += 58 * int(b[j])
			b[j] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return nil, false
		}
	}
	// Each leading zero byte is one leading "1" and nothing else is.
	return b, zeros(b, 0) == zeros([]byte(s), '1')
}

// Encode returns the spelling of b.
func Encode(b []byte) string {
	digits := make([]byte, 0, len(b)*138/100+1) // least significant first
	for _, c := range b {
		carry := int(c)
		for i := range digits {
			carry += int(digits[i]) << 8
			digits[i] = byte(carry % 58)
			carry /= 58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	var out strings.Builder
	out.WriteString(strings.Repeat("1", zeros(b, 0)))
	for i := len(digits) - 1; i >= 0; i-- {
		out.WriteByte(alphabet[digits[i]])
	}
	return out.String()
}

// zeros counts the leading bytes of b that are zero.
func zeros(b []byte, zero byte) int {
	n := 0
	for n < len(b) && b[n] == zero {
		n++
	}
	return n
}

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// The prefixes tell the kinds of token apart before any lookup, and let secret
// scanners find one that leaked.
const (
	accessPrefix  = "sgat_"
	refreshPrefix = "sgrt_"
	keyPrefix     = "sgk_"
	secretBytes   = 32
)

// newToken makes a token of 256 random bits and its hash.
func newToken(prefix string) (token string, h Hash) {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	token = prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return token, sha256.Sum256([]byte(token))
}

// hashToken returns the hash of a token of that kind, or false for anything that
// newToken cannot have made. A plain hash is enough: there is nothing to guess
// in 256 random bits, and a lookup by hash leaks no useful timing.
func hashToken(prefix, token string) (Hash, bool) {
	if len(token) != len(prefix)+43 || !strings.HasPrefix(token, prefix) {
		return Hash{}, false
	}
	return sha256.Sum256([]byte(token)), true
}

// newID makes an identifier of 128 random bits in letters and digits.
func newID(prefix string) string {
	var b [16]byte
	rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}

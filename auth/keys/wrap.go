package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"

	"github.com/streamgate/streamgate/fault"
)

const (
	keySize = 32
	// The label in front of the scope keeps the two levels apart: bytes wrapped on
	// one cannot be passed off as wrapped on the other.
	scopeLabel = "streamgate/1/scope-key\x00"
	dataLabel  = "streamgate/1/data-key\x00"
	// wrapVersion starts every wrapped data key.
	wrapVersion = 1
)

func randomKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: it ends the program rather than return weak bytes
	return key
}

// newWrapper returns AES-256-GCM with a random nonce in front of each ciphertext.
func newWrapper(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// wrapData makes a data key and wraps it with the scope's key.
func wrapData(scopeKey cipher.AEAD, scope string) (plain, wrapped []byte) {
	plain = randomKey()
	wrapped = scopeKey.Seal([]byte{wrapVersion}, nil, plain, []byte(dataLabel+scope))
	return plain, wrapped
}

func unwrapData(scopeKey cipher.AEAD, scope string, wrapped []byte) ([]byte, error) {
	const op = "keys.Unwrap"
	if len(wrapped) == 0 || wrapped[0] != wrapVersion {
		return nil, fault.New(fault.Corrupt, op, "the wrapped key is not one of this key ring")
	}
	plain, err := scopeKey.Open(nil, nil, wrapped[1:], []byte(dataLabel+scope))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the wrapped key was changed or belongs to another scope", Err: err}
	}
	return plain, nil
}

func noScope(op string) error {
	return fault.New(fault.NotFound, op, "the key of this scope does not exist or was destroyed")
}

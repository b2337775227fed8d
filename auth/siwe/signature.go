package siwe

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"github.com/streamgate/streamgate/fault"
)

// SignatureSize is the length of the one accepted form, r || s || v. EIP-2098
// compact signatures are refused: with one form, a signature has one spelling.
const SignatureSize = 65

func badSignature(msg, fix string) error {
	return fault.New(fault.Invalid, "siwe.Signature", msg).With("/signature", fix)
}

// DecodeSignature reads "0x" and 130 hexadecimal digits, as wallets return them.
// Anything else is fault.Invalid. It does not look inside; Recover does.
func DecodeSignature(s string) ([]byte, error) {
	const fix = "send the wallet's answer to personal_sign: 0x and 130 hexadecimal digits"
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*SignatureSize {
		return nil, badSignature("the signature is not 0x and 130 hexadecimal digits", fix)
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, badSignature("the signature has characters that are not hexadecimal", fix)
	}
	return b, nil
}

// MaxContractSignature is the most bytes of a signature that a contract wallet is asked about. A Safe
// takes 65 an owner, a passkey some 700.
const MaxContractSignature = 8 << 10

// DecodeContractSignature reads "0x" and 1 to MaxContractSignature bytes in hexadecimal, which
// only a contract wallet can judge. Anything else is fault.Invalid, or fault.TooLarge. Nothing at all ("0x"), by
// which some wallets mean that they approved the message in a transaction, is refused: a sign-in is
// shown by its answer.
func DecodeContractSignature(s string) ([]byte, error) {
	const fix = "send the wallet's answer to personal_sign in hexadecimal"
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" {
		return nil, badSignature("the signature is not 0x and hexadecimal digits", fix)
	}
	if len(digits) > 2*MaxContractSignature {
		return nil, fault.Newf(fault.TooLarge, "siwe.Signature", "a signature has at most %d bytes", MaxContractSignature).With("/signature", "too long")
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, badSignature("the signature has characters that are not hexadecimal, or half a byte", fix)
	}
	return b, nil
}

// Hash returns the EIP-191 personal_sign hash of message, which is what a contract wallet is
// asked about.
func Hash(message []byte) [32]byte { return [32]byte(personalHash(message)) }

// Recover returns the lower-case address that made sig over message by EIP-191
// personal_sign. A signature that is not 65 bytes, has a v other than 0, 1, 27 or 28,
// an r or s outside 1..n-1, an s above n/2 (EIP-2: such a twin of a valid signature can be
// made by anyone) or fits no public key is fault.Invalid. Any other signature yields some
// address: the caller compares.
func Recover(message, sig []byte) (string, error) {
	if len(sig) != SignatureSize {
		return "", badSignature("the signature is not 65 bytes long", "send r, s and v; compact and contract signatures are not accepted")
	}
	v := sig[64]
	if v >= 27 {
		v -= 27
	}
	if v > 1 {
		return "", badSignature("the last byte of the signature is not 0, 1, 27 or 28", "send the wallet's answer to personal_sign")
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(sig[:32]) || r.IsZero() || s.SetByteSlice(sig[32:64]) || s.IsZero() {
		return "", badSignature("r or s of the signature is out of range", "send the wallet's answer to personal_sign")
	}
	if s.IsOverHalfOrder() {
		return "", badSignature("s of the signature is in the upper half of its range", "normalise s as EIP-2 says")
	}
	compact := make([]byte, 0, SignatureSize)
	compact = append(append(compact, 27+v), sig[:64]...)
	key, _, err := ecdsa.RecoverCompact(compact, personalHash(message))
	if err != nil {
		return "", badSignature("the signature fits no public key", "send the wallet's answer to personal_sign")
	}
	return address(key), nil
}

// personalHash is the EIP-191 version 0x45 hash.
func personalHash(message []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(message))))
	h.Write(message)
	return h.Sum(nil)
}

func address(key *secp256k1.PublicKey) string {
	h := sha3.NewLegacyKeccak256()
	h.Write(key.SerializeUncompressed()[1:])
	return "0x" + hex.EncodeToString(h.Sum(nil)[12:])
}

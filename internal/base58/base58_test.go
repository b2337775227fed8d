package base58_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/internal/base58"
)

func TestKnown(t *testing.T) {
	t.Parallel()
	for spelling, digits := range map[string]string{
		"":                                 "",
		"2NEpo7TZRRrLZSi2U":                "48656c6c6f20576f726c6421", // draft-msporny-base58
		"111233QC4":                        "000000287fb4cd",
		"11111111111111111111111111111111": strings.Repeat("00", 32), // Solana's System Program
		"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA":  "06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9",
		"JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG": strings.Repeat("ff", 32),
	} {
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		if got := base58.Encode(b); got != spelling {
			t.Errorf("%s is spelled %q, want %q", digits, got, spelling)
		}
		if got, ok := base58.Decode(spelling, len(b)); !ok || !bytes.Equal(got, b) {
			t.Errorf("%q spells %x, %v, want %s", spelling, got, ok, digits)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"one byte more":   "1JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG",
		"2^256":           "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH",
		"31 zeros":        strings.Repeat("1", 31),
		"33 zeros":        strings.Repeat("1", 33),
		"a digit too few": strings.Repeat("1", 30) + "22",
		"zero":            "0EKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG",
		"capital o":       "OEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG",
		"a space":         " EKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG",
		"not ASCII":       "é" + strings.Repeat("2", 40),
		"very long":       strings.Repeat("z", 1<<20),
	} {
		if b, ok := base58.Decode(s, 32); ok {
			t.Errorf("%s: %x", name, b)
		}
	}
}

// What is accepted has one spelling, and what is encoded is read back.
func FuzzDecode(f *testing.F) {
	f.Add("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", []byte{0, 0, 1})
	f.Add(strings.Repeat("1", 32), []byte{})
	f.Fuzz(func(t *testing.T, s string, raw []byte) {
		for _, size := range []int{32, 64} {
			if b, ok := base58.Decode(s, size); ok && (len(b) != size || base58.Encode(b) != s) {
				t.Errorf("%q is read as %x, which is spelled %q", s, b, base58.Encode(b))
			}
		}
		if len(raw) > 128 {
			raw = raw[:128]
		}
		if b, ok := base58.Decode(base58.Encode(raw), len(raw)); !ok || !bytes.Equal(b, raw) {
			t.Errorf("%x comes back as %x, %v", raw, b, ok)
		}
	})
}

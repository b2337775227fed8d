package siwe_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// signed returns a message of wallet n and its signature.
func signed(t testing.TB, n uint32) (message, sig []byte) {
	t.Helper()
	w := authtest.NewWallet(n)
	text := strings.Replace(full, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", caip.ChecksumEVM(w.Address), 1)
	sig, err := siwe.DecodeSignature(w.Sign(text))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(text), sig
}

func TestVerify(t *testing.T) {
	t.Parallel()
	msg, sig := signed(t, 1)
	for _, v := range []byte{sig[64], sig[64] - 27} {
		sig[64] = v
		m, err := siwe.Verify(msg, sig)
		if err != nil || m.String() != string(msg) {
			t.Fatalf("v %d: got %v, %v", v, m, err)
		}
	}
}

func TestVerifyRefusesAnotherSigner(t *testing.T) {
	t.Parallel()
	msg, _ := signed(t, 1)
	_, sig := signed(t, 2)
	if _, err := siwe.Verify(msg, sig); !errors.Is(err, fault.Unauthenticated) {
		t.Fatal(err)
	}
	if _, err := siwe.Verify([]byte("no message"), sig); !errors.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}

func TestVerifyRefusesEveryOtherV(t *testing.T) {
	t.Parallel()
	msg, sig := signed(t, 1)
	right := sig[64] - 27
	for v := range 256 {
		sig[64] = byte(v)
		_, err := siwe.Verify(msg, sig)
		switch {
		case v == int(right) || v == int(right)+27:
			if err != nil {
				t.Errorf("v %d: %v", v, err)
			}
		case v == int(1-right) || v == int(1-right)+27: // the other point: another key or none
			if !errors.Is(err, fault.Unauthenticated) && !errors.Is(err, fault.Invalid) {
				t.Errorf("v %d: %v", v, err)
			}
		case !errors.Is(err, fault.Invalid):
			t.Errorf("v %d: got %v, want invalid", v, err)
		}
	}
}

// twin returns the other signature of the same key over the same message.
func twin(sig []byte) []byte {
	var s secp256k1.ModNScalar
	s.SetByteSlice(sig[32:64])
	b := s.Negate().Bytes()
	return append(append(bytes.Clone(sig[:32]), b[:]...), 27+28-sig[64])
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	msg, sig := signed(t, 1)
	n, _ := hex.DecodeString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	zero, ones := make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)
	with := func(r, s []byte) []byte { return append(append(bytes.Clone(r), s...), 27) }
	r, s := sig[:32], sig[32:64]
	for name, bad := range map[string][]byte{
		"high s": twin(sig), "r is 0": with(zero, s), "s is 0": with(r, zero), "r is n": with(n, s), "s is n": with(r, n),
		"r is all ones": with(ones, s), "s is all ones": with(r, ones), "all zero": make([]byte, 65),
		"r is no x of the curve":   with(append(make([]byte, 31), 5), s), // 5^3+7 is not a square
		"compact form of EIP-2098": sig[:64], "one byte more": append(bytes.Clone(sig), 0), "empty": {}, "nil": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := siwe.Recover(msg, bad)
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %q, %v, want invalid", got, err)
			}
			if msg, fields, _ := fault.Public(err); msg == "" || fields[0].Pointer != "/signature" {
				t.Errorf("the error tells its reader nothing: %v", err)
			}
		})
	}
}

func TestEveryLength(t *testing.T) {
	t.Parallel()
	msg, sig := signed(t, 1)
	long := bytes.Repeat(sig, 4)
	for n := range 201 {
		_, err := siwe.Verify(msg, long[:n])
		if n == siwe.SignatureSize {
			if err != nil {
				t.Error(err)
			}
		} else if !errors.Is(err, fault.Invalid) {
			t.Errorf("%d bytes: got %v, want invalid", n, err)
		}
		if _, err := siwe.DecodeSignature("0x" + hex.EncodeToString(long)[:n]); (err == nil) != (n == 130) {
			t.Errorf("%d digits: %v", n, err)
		}
	}
}

// A change of any bit of the signature or of any byte of the message is noticed.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	msg, sig := signed(t, 1)
	for i := range 8 * len(sig) {
		bad := bytes.Clone(sig)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := siwe.Verify(msg, bad); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("bit %d of the signature: %v", i, err)
		}
	}
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if _, err := siwe.Verify(bad, sig); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("byte %d of the message: %v", i, err)
		}
	}
}

func TestDecodeSignatureRefuses(t *testing.T) {
	t.Parallel()
	_, sig := signed(t, 1)
	digits := hex.EncodeToString(sig)
	for name, s := range map[string]string{
		"no prefix": digits, "0X": "0X" + digits, "two prefixes": "0x0x" + digits[2:], "not hexadecimal": "0x" + digits[1:] + "g",
		"space": "0x " + digits[1:], "line feed": "0x" + digits + "\n", "empty": "", "prefix alone": "0x", "base58": "z" + digits,
	} {
		if b, err := siwe.DecodeSignature(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %x, %v", name, b, err)
		}
	}
	upper, err := siwe.DecodeSignature("0x" + strings.ToUpper(digits))
	if err != nil || !bytes.Equal(upper, sig) {
		t.Errorf("upper case: %x, %v", upper, err)
	}
}

func FuzzSignature(f *testing.F) {
	msg, sig := signed(f, 1)
	f.Add("0x" + hex.EncodeToString(sig))
	f.Add("0x" + hex.EncodeToString(twin(sig)))
	f.Add("0x00")
	want := authtest.NewWallet(1).Address
	f.Fuzz(func(t *testing.T, s string) {
		b, err := siwe.DecodeSignature(s)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if !strings.EqualFold("0x"+hex.EncodeToString(b), s) {
			t.Fatalf("round trip: %x from %q", b, s)
		}
		addr, err := siwe.Recover(msg, b)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		// Only the bytes the wallet made, with v in either spelling, are its signature.
		if addr == want && !bytes.Equal(b[:64], sig[:64]) {
			t.Fatalf("a second signature of the same message: %x", b)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	msg := []byte(full)
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		if _, err := siwe.Parse(msg); err != nil {
			b.Fatal(err)
		}
	}
}

// A sign-in by a key: the goal is a p99 below 1 ms.
func BenchmarkVerify(b *testing.B) {
	msg, sig := signed(b, 1)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := siwe.Verify(msg, sig); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e6, "p99-ms")
}

func ExampleVerify() {
	w := authtest.NewWallet(1)
	text := strings.Replace(full, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", caip.ChecksumEVM(w.Address), 1)
	sig, _ := siwe.DecodeSignature(w.Sign(text))
	m, err := siwe.Verify([]byte(text), sig)
	fmt.Println(m.Address, err)
	// Output: 0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF <nil>
}

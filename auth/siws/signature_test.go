package siws_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"filippo.io/edwards25519"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/base58"
)

// The standard library takes signatures that nobody's key made, for every key of low order. We
// take none.
func TestKeysOfLowOrderSignNothing(t *testing.T) {
	t.Parallel()
	for _, key := range authtest.LowOrderKeys() {
		message, sig := authtest.Forge(key)
		if err := siws.Verify(base58.Encode(key), message, sig); !errors.Is(err, fault.Invalid) {
			t.Errorf("%x: %v, want fault.Invalid", key, err)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	address, message := base58.Encode(key[32:]), []byte("message")
	good := ed25519.Sign(key, message)
	if err := siws.Verify(address, message, good); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		sig  []byte
		kind fault.Kind
	}{
		"none":               {nil, fault.Invalid},
		"63 bytes":           {good[:63], fault.Invalid},
		"65 bytes":           {append(slices.Clone(good), 0), fault.Invalid},
		"zeros":              {make([]byte, 64), fault.Invalid},
		"S + L":              {authtest.TwinEd25519(good), fault.Invalid},
		"S = L":              {append(slices.Clone(good[:32]), authtest.GroupOrder()...), fault.Invalid},
		"S = 0":              {append(slices.Clone(good[:32]), make([]byte, 32)...), fault.Unauthenticated},
		"R is no point":      {append(append([]byte{2}, make([]byte, 31)...), good[32:]...), fault.Invalid},
		"another's":          {ed25519.Sign(other, message), fault.Unauthenticated},
		"of another message": {ed25519.Sign(key, []byte("massage")), fault.Unauthenticated},
	} {
		if err := siws.Verify(address, message, tc.sig); !errors.Is(err, tc.kind) {
			t.Errorf("%s: %v, want %v", name, err, tc.kind)
		}
	}
	for _, r := range authtest.LowOrderKeys() {
		if err := siws.Verify(address, message, append(slices.Clone(r), good[32:]...)); !errors.Is(err, fault.Invalid) {
			t.Errorf("R = %x: %v", r, err)
		}
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if err := siws.Verify(address, message, bad); !errors.Is(err, fault.Unauthenticated) && !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// A signer who knows the key can make signatures with an R or an A that is right but for a point of
// low order: libraries that multiply by the cofactor take them, those that do not take some. The
// verdict must not depend on whom one asks, so ours is that of verify_strict.
func TestSignaturesWithTorsion(t *testing.T) {
	t.Parallel()
	torsion, err := new(edwards25519.Point).SetBytes(authtest.LowOrderKeys()[4])
	if err != nil {
		t.Fatal(err)
	}
	x, err := edwards25519.NewScalar().SetBytesWithClamping(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	public := new(edwards25519.Point).ScalarBaseMult(x)
	for i := range 8 {
		message := fmt.Appendf(nil, "message %d", i)
		nonce, err := edwards25519.NewScalar().SetUniformBytes(bytes.Repeat([]byte{byte(i + 1)}, 64))
		if err != nil {
			t.Fatal(err)
		}
		r := new(edwards25519.Point).ScalarBaseMult(nonce)
		r.Add(r, torsion) // [8]R is right, R is not
		h := sha512.Sum512(slices.Concat(r.Bytes(), public.Bytes(), message))
		k, err := edwards25519.NewScalar().SetUniformBytes(h[:])
		if err != nil {
			t.Fatal(err)
		}
		s := edwards25519.NewScalar().MultiplyAdd(k, x, nonce)
		if err := siws.Verify(base58.Encode(public.Bytes()), message, append(r.Bytes(), s.Bytes()...)); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("R with torsion: %v", err)
		}
	}
}

// Whatever we take the standard library takes, and of honest signatures we take all.
func TestAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for i := range 500 {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16))
		message := bytes.Repeat([]byte{byte(i)}, i)
		if err := siws.Verify(base58.Encode(key[32:]), message, ed25519.Sign(key, message)); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
}

// A sign-in by an Ed25519 key: the goal is a p99 below 1 ms.
func BenchmarkVerify(b *testing.B) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	address, message := base58.Encode(key[32:]), []byte(full)
	sig := ed25519.Sign(key, message)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := siws.Verify(address, message, sig); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e6, "p99-ms")
}

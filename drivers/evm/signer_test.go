package evm_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"

	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
)

func TestKeystore(t *testing.T) {
	t.Parallel()
	key, err := crypto.HexToECDSA(signerKey[2:])
	if err != nil {
		t.Fatal(err)
	}
	address := crypto.PubkeyToAddress(key.PublicKey)
	text, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: address, PrivateKey: key}, "secret", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := evm.OpenKeystore(write("good.json", text, 0o600), "secret")
	if err != nil || s.Address() != strings.ToLower(address.Hex()) {
		t.Fatalf("%v, %v", s, err)
	}
	sig, err := s.Sign(t.Context(), common.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if pub, err := crypto.SigToPub(common.Hash{1}.Bytes(), sig[:]); err != nil || crypto.PubkeyToAddress(*pub) != address {
		t.Errorf("the signature is not of the key: %v", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(shown, signerKey[2:]) || strings.Contains(shown, new(big.Int).SetBytes(crypto.FromECDSA(key)).String()) {
		t.Errorf("the key is shown: %s", shown)
	}
	for name, c := range map[string][2]string{
		"a wrong password":  {write("wrong.json", text, 0o600), "Secret"},
		"not a key file":    {write("text.json", []byte("{}"), 0o600), "secret"},
		"open to others":    {write("open.json", text, 0o644), "secret"},
		"a file not there":  {filepath.Join(dir, "none"), "secret"},
		"a file cut off":    {write("short.json", text[:100], 0o600), "secret"},
		"a file of another": {write("huge.json", make([]byte, 1<<20), 0o600), "secret"},
	} {
		if _, err := evm.OpenKeystore(c[0], c[1]); !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "0x12", strings.Repeat("0", 64), strings.Repeat("f", 64)} {
		if _, err := evm.NewKeySigner(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// farKey is a labelled stand-in for a KMS; drivers/awskms has the real client.
type farKey struct {
	key  *ecdsa.PrivateKey
	bend func(r, s *big.Int) []byte
}

func (f farKey) PublicKey(context.Context) ([]byte, error) {
	return crypto.FromECDSAPub(&f.key.PublicKey), nil
}

func (f farKey) SignDigest(_ context.Context, digest []byte) ([]byte, error) {
	sig, err := crypto.Sign(digest, f.key)
	if err != nil {
		return nil, err
	}
	return f.bend(new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])), nil
}

func der(r, s *big.Int) []byte {
	b, _ := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	return b
}

func TestRemoteSigner(t *testing.T) {
	t.Parallel()
	key, err := crypto.HexToECDSA(signerKey[2:])
	if err != nil {
		t.Fatal(err)
	}
	n := crypto.S256().Params().N
	for name, c := range map[string]struct {
		bend func(r, s *big.Int) []byte
		good bool
	}{
		"the low s":      {der, true},
		"the high s":     {func(r, s *big.Int) []byte { return der(r, new(big.Int).Sub(n, s)) }, true},
		"another r":      {func(r, s *big.Int) []byte { return der(new(big.Int).Add(r, big.NewInt(1)), s) }, false},
		"zero":           {func(r, s *big.Int) []byte { return der(r, new(big.Int)) }, false},
		"out of range":   {func(r, s *big.Int) []byte { return der(r, new(big.Int).Add(n, s)) }, false},
		"something else": {func(_, _ *big.Int) []byte { return []byte("no") }, false},
		"more behind it": {func(r, s *big.Int) []byte { return append(der(r, s), 0) }, false},
	} {
		s, err := evm.NewRemoteSigner(t.Context(), farKey{key, c.bend})
		if err != nil {
			t.Fatal(err)
		}
		for i := range byte(8) {
			digest := crypto.Keccak256Hash([]byte{i})
			sig, err := s.Sign(t.Context(), digest)
			if !c.good {
				if !errors.Is(err, fault.Corrupt) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			pub, recoverErr := crypto.SigToPub(digest[:], sig[:])
			if err != nil || recoverErr != nil || strings.ToLower(crypto.PubkeyToAddress(*pub).Hex()) != s.Address() {
				t.Fatalf("%s: %v, %v", name, err, recoverErr)
			}
			if new(big.Int).SetBytes(sig[32:64]).Cmp(new(big.Int).Rsh(n, 1)) > 0 {
				t.Errorf("%s: s is in the upper half", name)
			}
		}
	}
	if _, err := evm.NewRemoteSigner(t.Context(), wrongKey{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a key that is none: %v", err)
	}
}

type wrongKey struct{ farKey }

func (wrongKey) PublicKey(context.Context) ([]byte, error) { return make([]byte, 65), nil }

func ExampleNewKeySigner() {
	// A key that everyone knows, for development chains; in earnest OpenKeystore or NewRemoteSigner.
	s, err := evm.NewKeySigner("0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
	fmt.Println(s.Address(), err)
	// Output: 0x2c7536e3605d9c16a7a3d7b1898e529396a65c23 <nil>
}

func ExampleNewRemoteSigner() {
	// farKey stands for awskms.SigningKey here, whose private key never leaves the KMS.
	key, err := crypto.HexToECDSA("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := evm.NewRemoteSigner(context.Background(), farKey{key, der})
	fmt.Println(s.Address(), err)
	// Output: 0x2c7536e3605d9c16a7a3d7b1898e529396a65c23 <nil>
}

func ExampleOpenKeystore() {
	_, err := evm.OpenKeystore("none.json", "the password")
	fmt.Println(errors.Is(err, fault.Invalid))
	// Output: true
}

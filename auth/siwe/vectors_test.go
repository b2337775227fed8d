package siwe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/fault"
)

// fields is a message as the vectors spell it.
type fields struct {
	Scheme, Domain, Address, Statement, URI, Version string
	ChainID                                          any
	Nonce, IssuedAt, ExpirationTime, NotBefore       string
	RequestID                                        *string
	Resources                                        []string
	Signature                                        string
}

func vectors[T any](t *testing.T, name string) map[string]T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]T
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if len(m) == 0 {
		t.Fatal("no vectors")
	}
	return m
}

// text composes the message without help from the code under test.
func (f fields) text() string {
	var b strings.Builder
	if f.Scheme != "" {
		b.WriteString(f.Scheme + "://")
	}
	fmt.Fprintf(&b, "%s wants you to sign in with your Ethereum account:\n%s\n\n", f.Domain, f.Address)
	if f.Statement != "" {
		b.WriteString(f.Statement + "\n")
	}
	chain := ""
	if f.ChainID != nil {
		chain = fmt.Sprint(f.ChainID)
	}
	fmt.Fprintf(&b, "\nURI: %s\nVersion: %s\nChain ID: %s\nNonce: %s\nIssued At: %s", f.URI, f.Version, chain, f.Nonce, f.IssuedAt)
	if f.ExpirationTime != "" {
		b.WriteString("\nExpiration Time: " + f.ExpirationTime)
	}
	if f.NotBefore != "" {
		b.WriteString("\nNot Before: " + f.NotBefore)
	}
	if f.RequestID != nil {
		b.WriteString("\nRequest ID: " + *f.RequestID)
	}
	if f.Resources != nil {
		b.WriteString("\nResources:")
		for _, r := range f.Resources {
			b.WriteString("\n- " + r)
		}
	}
	return b.String()
}

func TestVectorsParsePositive(t *testing.T) {
	t.Parallel()
	for name, v := range vectors[struct {
		Message string
		Fields  fields
	}](t, "parsing_positive.json") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := siwe.Parse([]byte(v.Message))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.String(); got != v.Message {
				t.Errorf("round trip: got %q, want %q", got, v.Message)
			}
			got := fields{
				Scheme: m.Scheme, Domain: m.Domain, Address: m.Address, Statement: m.Statement, URI: m.URI, Version: "1", ChainID: m.ChainID,
				Nonce: m.Nonce, IssuedAt: m.IssuedAt.String(), ExpirationTime: m.ExpirationTime.String(), NotBefore: m.NotBefore.String(),
				RequestID: m.RequestID, Resources: m.Resources,
			}
			if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", v.Fields); g != w {
				t.Errorf("fields:\n got %s\nwant %s", g, w)
			}
		})
	}
}

func TestVectorsParseNegative(t *testing.T) {
	t.Parallel()
	texts := vectors[string](t, "parsing_negative.json")
	for name, f := range vectors[fields](t, "parsing_negative_objects.json") {
		texts["object: "+name] = f.text()
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, err := siwe.Parse([]byte(text)); !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %+v, %v, want invalid", m, err)
			}
		})
	}
}

func verify(t *testing.T, text, signature string) error {
	t.Helper()
	sig, err := siwe.DecodeSignature(signature)
	if err != nil {
		return err
	}
	_, err = siwe.Verify([]byte(text), sig)
	return err
}

func TestVectorsVerifyPositive(t *testing.T) {
	t.Parallel()
	for name, f := range vectors[fields](t, "verification_positive.json") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := verify(t, f.text(), f.Signature); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestVectorsVerifyNegative(t *testing.T) {
	t.Parallel()
	// nil means the message and its signature are right, and only the verifier's
	// circumstances (its clock, its domain, its nonce) make it a no. This package has
	// none of those; auth.Service refuses all of these, because it issued none of
	// them and compares domain, nonce and times with what it issued.
	want := map[string]error{
		"expired message": nil, "domain binding": nil, "custom time": nil, "custom nonce": nil, "not yet valid": nil,
		"malformed signature":    fault.Invalid, // 66 bytes
		"wrong signature":        fault.Unauthenticated,
		"invalid issuedAt":       fault.Invalid, // the 31st of February
		"invalid notBefore":      fault.Invalid,
		"invalid expirationTime": fault.Invalid,
	}
	got := vectors[fields](t, "verification_negative.json")
	if len(got) != len(want) {
		t.Errorf("%d vectors, %d expectations", len(got), len(want))
	}
	for name, f := range got {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, known := want[name]
			if err := verify(t, f.text(), f.Signature); !known || !errors.Is(err, kind) {
				t.Fatalf("got %v, want %v", err, kind)
			}
		})
	}
}

// Deliberate difference: upstream accepts these by asking the wallet's contract
// (ERC-1271). This package has no chain to ask, so such signatures are refused, with a kind that
// does not depend on what they happen to look like as ECDSA.
func TestVectorsContractWalletsAreRefused(t *testing.T) {
	t.Parallel()
	want := map[string]error{
		"argent":   fault.Unauthenticated, // 65 bytes by the contract's owner, not by the account
		"loopring": fault.Invalid,         // 66 bytes with a type suffix
	}
	for name, v := range vectors[struct{ Message, Signature string }](t, "eip1271.json") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, known := want[name]
			if err := verify(t, v.Message, v.Signature); !known || !errors.Is(err, kind) {
				t.Fatalf("got %v, want %v", err, kind)
			}
		})
	}
}

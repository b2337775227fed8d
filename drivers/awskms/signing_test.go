package awskms_test

import (
	"context"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/drivers/awskms"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
)

// signingKey makes a key of the spec behind an alias of its own.
func signingKey(t testing.TB, srv *servers.LocalKMS, alias string, spec types.KeySpec) *awskms.SigningKey {
	t.Helper()
	c := client(srv)
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/" + alias), TargetKeyId: made.KeyMetadata.Arn}); err != nil {
		t.Fatal(err)
	}
	k, err := awskms.OpenSigningKey(t.Context(), rawURL(srv, alias, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSigningKey(t *testing.T) {
	t.Parallel()
	srv := servers.LocalKMSFor(t)
	k := signingKey(t, srv, "minter", types.KeySpecEccSecgP256k1)
	public, err := k.PublicKey(t.Context())
	if err != nil || len(public) != 65 {
		t.Fatalf("%d bytes, %v", len(public), err)
	}
	for range 4 {
		digest := crypto.Keccak256([]byte("transaction"))
		der, err := k.SignDigest(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			t.Fatal(err)
		}
		sig := make([]byte, 64)
		n := crypto.S256().Params().N
		if rs.S.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
			rs.S.Sub(n, rs.S)
		}
		rs.R.FillBytes(sig[:32])
		rs.S.FillBytes(sig[32:])
		if !crypto.VerifySignature(public, digest, sig) {
			t.Error("the signature is not of the digest")
		}
	}
	if _, err := k.SignDigest(t.Context(), []byte("short")); !errors.Is(err, fault.Invalid) {
		t.Errorf("a short digest: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.SignDigest(ctx, make([]byte, 32)); !errors.Is(err, fault.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	other := signingKey(t, srv, "wrong-curve", types.KeySpecEccNistP256)
	if _, err := other.PublicKey(t.Context()); !errors.Is(err, fault.Invalid) {
		t.Errorf("a key of another curve: %v", err)
	}
	none, err := awskms.OpenSigningKey(t.Context(), rawURL(srv, "no-such-key", ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.PublicKey(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a key that is not there: %v", err)
	}
}

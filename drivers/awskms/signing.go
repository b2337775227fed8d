package awskms

import (
	"bytes"
	"context"
	"encoding/asn1"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/streamgate/streamgate/fault"
)

// SigningKey is a secp256k1 key in KMS (key spec ECC_SECG_P256K1, usage SIGN_VERIFY), for transactions of EVM chains: give it to
// evm.NewRemoteSigner. The private key never leaves KMS. It needs kms:GetPublicKey and kms:Sign. Errors are those of
// Master. It is safe for concurrent use.
type SigningKey struct{ m *Master }

// NewSigningKey returns the key behind an alias, as "alias/minter" or "minter". It does not ask KMS. For the options see New; only
// Timeout counts.
func NewSigningKey(client *kms.Client, alias string, opt Options) (*SigningKey, error) {
	m, err := New(client, alias, opt)
	if err != nil {
		return nil, fault.At("awskms.NewSigningKey", err)
	}
	return &SigningKey{m}, nil
}

// OpenSigningKey returns the key that rawURL describes, in the form of OpenURL. It does not ask KMS.
func OpenSigningKey(ctx context.Context, rawURL string, creds aws.CredentialsProvider) (*SigningKey, error) {
	m, err := OpenURL(ctx, rawURL, creds)
	if err != nil {
		return nil, fault.At("awskms.OpenSigningKey", err)
	}
	return &SigningKey{m}, nil
}

// publicKeyInfo is SubjectPublicKeyInfo (RFC 5480, 2), which crypto/x509 does not read for secp256k1.
type publicKeyInfo struct {
	Algorithm struct{ Algorithm, Curve asn1.ObjectIdentifier }
	Key       asn1.BitString
}

// PublicKey returns the uncompressed point: 65 bytes that begin with 4. A key of another kind is fault.Invalid.
func (k *SigningKey) PublicKey(ctx context.Context) ([]byte, error) {
	const op = "awskms.PublicKey"
	return call(ctx, k.m, op, nil, func(ctx context.Context) ([]byte, error) {
		out, err := k.m.client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.m.alias})
		if err != nil {
			return nil, err
		}
		var info publicKeyInfo
		rest, err := asn1.Unmarshal(out.PublicKey, &info)
		if err != nil || len(rest) > 0 || !info.Algorithm.Curve.Equal(asn1.ObjectIdentifier{1, 3, 132, 0, 10}) || len(info.Key.Bytes) != 65 || info.Key.Bytes[0] != 4 {
			return nil, fault.Newf(fault.Invalid, op, "%s is not a key of secp256k1 (ECC_SECG_P256K1)", k.m.alias)
		}
		return bytes.Clone(info.Key.Bytes), nil
	})
}

// SignDigest signs 32 bytes as they are and returns an ASN.1 DER signature.
func (k *SigningKey) SignDigest(ctx context.Context, digest []byte) ([]byte, error) {
	const op = "awskms.SignDigest"
	if len(digest) != 32 {
		return nil, fault.Newf(fault.Invalid, op, "a digest of %d bytes", len(digest))
	}
	return call(ctx, k.m, op, nil, func(ctx context.Context) ([]byte, error) {
		out, err := k.m.client.Sign(ctx, &kms.SignInput{
			KeyId: &k.m.alias, Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
		})
		if err != nil {
			return nil, err
		}
		return out.Signature, nil
	})
}

package evm

import (
	"context"
	"crypto/ecdsa"
	"encoding/asn1"
	"encoding/hex"
	"io"
	"math/big"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/fault"
)

// Signer is a key that signs transactions. Methods are safe for concurrent use.
type Signer interface {
	// Address is the canonical address of the key. It does not change.
	Address() string
	// Sign signs a digest: r, s and the recovery id (0 or 1), with s in the lower half. A key that cannot be had now is
	// fault.Unavailable.
	Sign(ctx context.Context, digest common.Hash) ([65]byte, error)
}

// KeySigner is a Signer whose key is in this process.
type KeySigner struct {
	key     *ecdsa.PrivateKey
	address string
}

var _ Signer = (*KeySigner)(nil)

// NewKeySigner returns a Signer of a private key of 64 hexadecimal digits, with 0x before them or not. Errors are fault.Invalid and
// say nothing of the key.
func NewKeySigner(privateKey string) (*KeySigner, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(privateKey, "0x"))
	if err != nil || len(b) != 32 {
		return nil, fault.New(fault.Invalid, "evm.NewKeySigner", "the private key is not 64 hexadecimal digits")
	}
	key, err := crypto.ToECDSA(b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "evm.NewKeySigner", "the private key is out of range")
	}
	return keySigner(key), nil
}

func keySigner(key *ecdsa.PrivateKey) *KeySigner {
	return &KeySigner{key: key, address: lowerAddress(crypto.PubkeyToAddress(key.PublicKey))}
}

// maxKeystore bounds a key file; real ones have half a kilobyte.
const maxKeystore = 64 << 10

// OpenKeystore returns a Signer of a key file in go-ethereum's format (Web3 Secret Storage, version 3), which geth, clef, cast and
// ethers write. A file that others can read, that is no key file, or whose password is another, is fault.Invalid.
func OpenKeystore(path, password string) (*KeySigner, error) {
	const op = "evm.OpenKeystore"
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fault.Newf(fault.Invalid, op, "%s can be read by others: chmod 600", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeystore))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	key, err := keystore.DecryptKey(text, password)
	if err != nil {
		// The library's error names no secret: it is "could not decrypt key with given password" or about the form.
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the key file cannot be opened with this password", Err: err}
	}
	return keySigner(key.PrivateKey), nil
}

// Address implements Signer.
func (s *KeySigner) Address() string { return s.address }

// Sign implements Signer.
func (s *KeySigner) Sign(ctx context.Context, digest common.Hash) (sig [65]byte, err error) {
	const op = "evm.KeySigner.Sign"
	if err := ctx.Err(); err != nil {
		return sig, fault.Wrap(fault.Canceled, op, err)
	}
	b, err := crypto.Sign(digest[:], s.key)
	copy(sig[:], b)
	return sig, fault.Wrap(fault.Internal, op, err)
}

// String says whose key it is, and nothing of the key.
func (s *KeySigner) String() string { return "key of " + s.address }

// GoString is String: %#v must not show the key either.
func (s *KeySigner) GoString() string { return s.String() }

// RemoteKey is a secp256k1 key that another system keeps, such as a KMS (drivers/awskms has one).
type RemoteKey interface {
	// PublicKey returns the uncompressed point: 65 bytes that begin with 4.
	PublicKey(ctx context.Context) ([]byte, error)
	// SignDigest signs the 32 bytes of a digest as they are and returns an ASN.1 DER signature.
	SignDigest(ctx context.Context, digest []byte) ([]byte, error)
}

// RemoteSigner is a Signer on a RemoteKey.
type RemoteSigner struct {
	key     RemoteKey
	public  []byte
	address string
}

var _ Signer = (*RemoteSigner)(nil)

// NewRemoteSigner asks the key for its public part. A key that is not on secp256k1 is fault.Invalid.
func NewRemoteSigner(ctx context.Context, key RemoteKey) (*RemoteSigner, error) {
	const op = "evm.NewRemoteSigner"
	public, err := key.PublicKey(ctx)
	if err != nil {
		return nil, fault.At(op, err)
	}
	pub, err := crypto.UnmarshalPubkey(public)
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "the key is not one of secp256k1")
	}
	return &RemoteSigner{key: key, public: public, address: lowerAddress(crypto.PubkeyToAddress(*pub))}, nil
}

// Address implements Signer.
func (s *RemoteSigner) Address() string { return s.address }

// Sign implements Signer. A signature that is not of the key is fault.Corrupt.
func (s *RemoteSigner) Sign(ctx context.Context, digest common.Hash) (sig [65]byte, err error) {
	const op = "evm.RemoteSigner.Sign"
	der, err := s.key.SignDigest(ctx, digest[:])
	if err != nil {
		return sig, fault.At(op, err)
	}
	var rs struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &rs)
	n := crypto.S256().Params().N
	if err != nil || len(rest) > 0 || rs.R.Sign() <= 0 || rs.S.Sign() <= 0 || rs.R.Cmp(n) >= 0 || rs.S.Cmp(n) >= 0 {
		return sig, fault.New(fault.Corrupt, op, "the signature is not a DER signature on secp256k1")
	}
	// A KMS returns either s; the chain takes the lower one alone (EIP-2).
	if half := new(big.Int).Rsh(n, 1); rs.S.Cmp(half) > 0 {
		rs.S.Sub(n, rs.S)
	}
	rs.R.FillBytes(sig[:32])
	rs.S.FillBytes(sig[32:64])
	for v := range byte(2) {
		sig[64] = v
		if got, err := crypto.Ecrecover(digest[:], sig[:]); err == nil && string(got) == string(s.public) {
			return sig, nil
		}
	}
	return [65]byte{}, fault.New(fault.Corrupt, op, "the signature is not of the key")
}

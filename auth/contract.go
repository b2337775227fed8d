package auth

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// ContractVerifier asks contract wallets (drivers/evm makes one). All methods are safe for concurrent use.
type ContractVerifier interface {
	// ValidSignature reports whether account, a wallet that is a contract or (ERC-6492) is to become
	// one, accepts signature for hash by ERC-1271 on its chain. An account that is neither is a no. A yes
	// must hold for every chain on which the caller lets the address count: the same address may be
	// somebody else's contract on another chain. A chain that cannot be asked is fault.Unavailable, never
	// a no and never a yes.
	ValidSignature(ctx context.Context, account caip.AccountID, hash [32]byte, signature []byte) (bool, error)
}

// maxContractCalls is how many questions to contract wallets are under way at once. Anybody can
// make a signature that only a chain can judge, so what they cost together is bounded.
const maxContractCalls = 32

// magic6492 ends a signature of a wallet that is not deployed yet (ERC-6492).
const magic6492 = "\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92" +
	"\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92"

// evmProof checks that signature is account's over message. A proof beside a nil error is what
// a contract wallet accepted. With contracts nil only the account's own key can sign.
//
// ERC-6492 says: the wrapper, then ERC-1271 where there is code, then the key. We ask for the key
// before ERC-1271, so that a sign-in by a key needs no chain, and only ever to say yes: a signature that
// recovers to another address goes on to the contract. The answers are the same, since nobody has the key
// of a contract's address, with one exception: an account with an EIP-7702 delegation has code and a
// key. There the key is right to sign whatever the delegate says, because it may replace the delegate.
func (s *Service) evmProof(ctx context.Context, op string, c ChallengeRecord, message, signature string, contracts ContractVerifier) (proof string, err error) {
	if contracts == nil {
		sig, err := siwe.DecodeSignature(signature)
		if err != nil {
			return "", fault.At(op, err)
		}
		signer, err := siwe.Recover([]byte(message), sig)
		if err != nil {
			return "", fault.At(op, err)
		}
		if signer != c.Account.Address {
			return "", errNotTheirs
		}
		return "", nil
	}
	sig, err := siwe.DecodeContractSignature(signature)
	if err != nil {
		return "", fault.At(op, err)
	}
	if !bytes.HasSuffix(sig, []byte(magic6492)) {
		if signer, err := siwe.Recover([]byte(message), sig); err == nil && signer == c.Account.Address {
			return "", nil
		}
	}
	if c.Failures >= MaxFailures {
		return "", refused(op, "too many wrong signatures for this message: ask for a new one")
	}
	hash := siwe.Hash([]byte(message))
	ok, err := s.ask(ctx, op, contracts, c.Account, hash, sig)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errNotTheirs
	}
	return hex.EncodeToString(append(hash[:], sig...)), nil
}

// ask is ValidSignature within the bounds on such questions.
func (s *Service) ask(ctx context.Context, op string, contracts ContractVerifier, account caip.AccountID, hash [32]byte, sig []byte) (bool, error) {
	select {
	case s.asked <- struct{}{}:
		defer func() { <-s.asked }()
	default:
		return false, fault.New(fault.Limited, op, "too many contract wallets are being asked at once").After(time.Second)
	}
	ok, err := contracts.ValidSignature(ctx, account, hash, sig)
	switch {
	case err == nil:
		return ok, nil
	case ctx.Err() != nil:
		return false, fault.Wrap(fault.Canceled, op, ctx.Err())
	case errors.Is(err, fault.Unsupported):
		return false, fault.At(op, err)
	}
	// Whatever the trouble is, it says nothing about the signature.
	return false, &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the contract wallet could not be asked: try again", Err: err}
}

// stillHolds ends the session of a contract wallet that does not accept any more what opened it,
// because its signers changed or its chain dropped the block. ERC-4361 asks for this. It is asked at every
// refresh, so a session outlives a change by Options.AccessTTL at most, and by Run, which makes that
// Options.RecheckEvery, or a block where the contract tells of the change.
func (s *Service) stillHolds(ctx context.Context, op string, rec SessionRecord) error {
	if rec.Proof == "" {
		return nil
	}
	raw, err := hex.DecodeString(rec.Proof)
	if err != nil || len(raw) <= 32 {
		return fault.New(fault.Corrupt, op, "the proof of the session is not readable")
	}
	if s.opt.Contracts == nil {
		return fault.New(fault.Unavailable, op, "contract wallets cannot be asked here")
	}
	ok, err := s.ask(ctx, op, s.opt.Contracts, rec.Account, [32]byte(raw[:32]), raw[32:])
	if err != nil || ok {
		return err
	}
	if err := s.logout(context.WithoutCancel(ctx), rec.ID, SignerChanged); err != nil {
		return fault.At(op, err)
	}
	return refused(op, "the wallet does not accept the signature of this sign-in any more, so the session was ended: sign in again")
}

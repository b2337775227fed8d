package quorum

import (
	"context"
	"sync"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Wallets asks contract wallets through several providers, so that none of them can sign anybody in. Its methods are safe
// for concurrent use.
type Wallets struct{ voices []auth.ContractVerifier }

var _ auth.ContractVerifier = (*Wallets)(nil)

// NewWallets returns a Wallets over voices, each of which asks through an operator of its own. None, or a nil one, is
// fault.Invalid.
func NewWallets(voices ...auth.ContractVerifier) (*Wallets, error) {
	for _, v := range voices {
		if v == nil {
			return nil, fault.New(fault.Invalid, "quorum.NewWallets", "a voice is nil")
		}
	}
	if len(voices) == 0 {
		return nil, fault.New(fault.Invalid, "quorum.NewWallets", "there is nobody to ask")
	}
	return &Wallets{voices: voices}, nil
}

// ValidSignature implements auth.ContractVerifier: all are asked, and more than half of all must say the same. It returns as
// soon as they do. Otherwise the error is fault.Unavailable, with the cause nft.ErrDisagreement when answers differ.
func (w *Wallets) ValidSignature(ctx context.Context, account caip.AccountID, hash [32]byte, signature []byte) (bool, error) {
	const op = "quorum.ValidSignature"
	type answer struct {
		ok  bool
		err error
	}
	inner, cancel := context.WithCancel(ctx)
	answers := make(chan answer, len(w.voices))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, v := range w.voices {
		wg.Go(func() {
			ok, err := v.ValidSignature(inner, account, hash, signature)
			answers <- answer{ok, err}
		})
	}
	votes := map[bool]int{}
	var last error
	for range w.voices {
		a := <-answers
		if a.err != nil && settledError(a.err) {
			return false, fault.At(op, a.err)
		}
		if a.err != nil {
			last = a.err
			continue
		}
		if votes[a.ok]++; 2*votes[a.ok] > len(w.voices) {
			return a.ok, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return false, fault.Wrap(fault.Canceled, op, err)
	}
	if votes[true] > 0 && votes[false] > 0 || last == nil {
		last = nft.ErrDisagreement
	}
	return false, &fault.Error{Kind: fault.Unavailable, Op: op, Err: last}
}

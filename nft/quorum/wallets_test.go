package quorum_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/quorum"
)

// voice is a ContractVerifier with one answer.
type voice struct {
	ok  bool
	err error
	// waits has it wait for its caller to hang up.
	waits bool
}

func (v voice) ValidSignature(ctx context.Context, _ caip.AccountID, _ [32]byte, _ []byte) (bool, error) {
	if v.waits {
		<-ctx.Done()
		return false, fault.Wrap(fault.Canceled, "voice", ctx.Err())
	}
	return v.ok, v.err
}

// One provider cannot sign a contract wallet in, nor keep it out.
func TestMostOperatorsMustKnowTheSignature(t *testing.T) {
	t.Parallel()
	yes, no, down := voice{ok: true}, voice{}, voice{err: errDown}
	foreign := voice{err: fault.New(fault.Unsupported, "voice", "another chain")}
	for name, c := range map[string]struct {
		voices []auth.ContractVerifier
		ok     bool
		kind   error
	}{
		"one of three lies with yes": {voices: []auth.ContractVerifier{yes, no, no}},
		"one of three lies with no":  {voices: []auth.ContractVerifier{no, yes, yes}, ok: true},
		"one is down":                {voices: []auth.ContractVerifier{down, yes, yes}, ok: true},
		"one never answers":          {voices: []auth.ContractVerifier{voice{waits: true}, yes, yes}, ok: true},
		"one is down, one lies":      {voices: []auth.ContractVerifier{down, yes, no}, kind: nft.ErrDisagreement},
		"two are down":               {voices: []auth.ContractVerifier{down, down, yes}, kind: fault.Unavailable},
		"two differ":                 {voices: []auth.ContractVerifier{yes, no}, kind: nft.ErrDisagreement},
		"of two one is down":         {voices: []auth.ContractVerifier{yes, down}, kind: fault.Unavailable},
		"another chain":              {voices: []auth.ContractVerifier{foreign, foreign, foreign}, kind: fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := quorum.NewWallets(c.voices...)
			if err != nil {
				t.Fatal(err)
			}
			ok, err := w.ValidSignature(t.Context(), caip.AccountID{Chain: chainID, Address: alice}, [32]byte{}, nil)
			if ok != c.ok || !errors.Is(err, c.kind) || c.kind == nil && err != nil {
				t.Errorf("%v, %v", ok, err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w, _ := quorum.NewWallets(voice{waits: true}, voice{waits: true})
	if _, err := w.ValidSignature(gone, caip.AccountID{}, [32]byte{}, nil); !errors.Is(err, fault.Canceled) {
		t.Errorf("who hangs up: %v", err)
	}
	for _, none := range [][]auth.ContractVerifier{nil, {nil}} {
		if _, err := quorum.NewWallets(none...); !errors.Is(err, fault.Invalid) {
			t.Errorf("nobody to ask: %v", err)
		}
	}
}

func ExampleNewWallets() {
	// In a program these are three evm.NewWallets, each over the providers of one operator.
	w, err := quorum.NewWallets(voice{ok: true}, voice{ok: true}, voice{err: errDown})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.ValidSignature(context.Background(), caip.AccountID{Chain: chainID, Address: alice}, [32]byte{}, nil))
	// Output: true <nil>
}

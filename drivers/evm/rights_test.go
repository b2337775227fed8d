package evm_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// rightsOps asks every operation of several reads about one contract.
func rightsOps(contract, account string) []nft.Query {
	var qs []nft.Query
	for _, op := range []nft.Op{nft.OpUnlockKey, nft.OpSubscription, nft.OpTokens721, nft.OpDelegated721, nft.OpDelegated20} {
		qs = append(qs, nft.Query{Op: op, Contract: contract, Account: account})
	}
	for _, op := range []nft.Op{nft.OpUnlockKey, nft.OpSubscription, nft.OpRental, nft.OpDelegated721, nft.OpDelegated1155, nft.OpBound721} {
		qs = append(qs, nft.Query{Op: op, Contract: contract, Account: account, TokenID: "1"})
	}
	return qs
}

// Whatever a contract does, or a registry of delegations, it gives nobody a key and spoils no answer beside its own, short of more bytes than are read.
func TestHostileContractsGiveNoRights(t *testing.T) {
	t.Parallel()
	moods := map[int64]string{1: "a word of ones", 2: "a megabyte", 3: "burns all gas", 4: "reverts", 5: "a list without end", 6: "nothing"}
	each(t, func(t *testing.T, c *chaintest.Chain, _ *evm.Verifier) {
		token := c.Deploy(t, contracts.TestToken())
		who := c.Accounts()[1]
		must(t, c, chaintest.Method(t, c.Accounts()[0], contracts.TestToken(), token, "mint", who, big.NewInt(1)))
		for mood, what := range moods {
			bad := c.Deploy(t, contracts.TestHostile(), big.NewInt(mood))
			v := dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID, Timeout: 30 * time.Second, DelegateRegistry: bad})
			qs := rightsOps(bad, who)
			qs = append(qs, nft.Query{Op: nft.OpDelegated721, Contract: token, Account: who}, nft.Query{Op: nft.OpDelegated721, Contract: token, Account: c.Accounts()[2], TokenID: "1"})
			if mood == 3 {
				qs = qs[1:2] // what burns all gas takes seconds, and nodes stop after some
			}
			own := len(qs)
			qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: token, Account: who})
			for range 2 { // by itself, then by Multicall3
				r, err := v.Check(t.Context(), latest, qs)
				if mood == 2 && errors.Is(err, fault.Unavailable) {
					break // all the megabytes together are more than a reply may have
				}
				if err != nil {
					t.Errorf("%s: %v", what, err)
					continue
				}
				for i, a := range r.Answers {
					switch {
					case i == own && (a.Err != nil || a.Value != "1"):
						t.Errorf("%s: the honest token says %q, %v", what, a.Value, a.Err)
					case i != own && a.Err == nil && a.Value != "0":
						t.Errorf("%s: %s of token %q says %q", what, qs[i].Op, qs[i].TokenID, a.Value)
					case i != own && a.Err != nil && (a.Value != "" || a.Int != nil):
						t.Errorf("%s: %s has a value beside its error", what, qs[i].Op)
					}
				}
			}
		}
	})
}

// Only what the registry made is a token's account: another one can make any contract look like it.
func TestForgedBoundAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, _ *evm.Verifier) {
		acc, token := c.Accounts(), c.Deploy(t, contracts.TestToken())
		real, forged := c.Deploy(t, contracts.TestAccountRegistry()), c.Deploy(t, contracts.TestAccountRegistry())
		v := dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID, Timeout: 20 * time.Second, AccountRegistry: real})
		here, _ := new(big.Int).SetString(c.ID.Reference, 10)
		next := int64(100)
		must(t, c, chaintest.Method(t, acc[0], contracts.TestToken(), token, "mint", acc[1], big.NewInt(1)))
		for _, tc := range []struct {
			what, registry string
			chain          *big.Int
			want           string
		}{{"the registry's", real, here, "1"}, {"another registry's", forged, here, "0"}, {"that of another chain's token", real, big.NewInt(1), "0"}} {
			args := []string{acc[0], "0x" + strings.Repeat("00", 32), tc.chain.String(), token, "1"}
			r, err := v.Check(t.Context(), latest, []nft.Query{call(tc.registry, acc[0], "account(address,bytes32,uint256,address,uint256)(address)", args...)})
			if err != nil || r.Answers[0].Err != nil {
				t.Fatal(err, r)
			}
			next++
			must(t, c, chaintest.Method(t, acc[0], contracts.TestAccountRegistry(), tc.registry, "createAccount", acc[0], [32]byte{}, tc.chain, token, big.NewInt(1)),
				chaintest.Method(t, acc[0], contracts.TestToken(), token, "mint", r.Answers[0].Value, big.NewInt(next)))
			r, err = v.Check(t.Context(), latest, []nft.Query{{Op: nft.OpBound721, Contract: token, Account: acc[1], TokenID: big.NewInt(next).String()}})
			if err != nil || r.Answers[0].Value != tc.want {
				t.Errorf("%s account: %+v, %v, want %s", tc.what, r.Answers, err, tc.want)
			}
		}
	})
}

// entries is the registry's answer for n delegations by as many vaults.
func entries(n int, kind byte, contract string) []byte {
	word := func(b []byte) []byte { return append(make([]byte, 32-len(b)), b...) }
	number := func(i int) []byte { return word(binary.BigEndian.AppendUint64(nil, uint64(i))) }
	addr, _ := hex.DecodeString(contract[2:])
	out := append(number(32), number(n)...)
	for i := range n {
		out = bytes.Join([][]byte{out, word([]byte{kind}), number(7), number(1000 + i), number(0), word(addr), number(i), number(5)}, nil)
	}
	return out
}

func TestDelegationsAreBounded(t *testing.T) {
	t.Parallel()
	const other = "0x00000000000000000000000000000000000000ee"
	q := nft.Query{Op: nft.OpDelegated721, Contract: fuzzContract, Account: "0x0000000000000000000000000000000000000007"}
	ask := func(data []byte) nft.Answer {
		t.Helper()
		v := cannedVerifier(t, func(body []byte) []byte { return fakeNode(body, data, false) })
		r, err := v.Check(t.Context(), latest, []nft.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		return r.Answers[0]
	}
	for what, data := range map[string][]byte{
		"of wallets": entries(65, 1, other), "of the contract": entries(65, 2, fuzzContract), "of its tokens": entries(65, 3, fuzzContract),
	} {
		if a := ask(data); !errors.Is(a.Err, fault.TooLarge) || !errors.Is(a.Err, nft.ErrTooMany) {
			t.Errorf("65 delegations %s: %q, %v", what, a.Value, a.Err)
		}
	}
	// Delegations of something else take nobody's place.
	for what, data := range map[string][]byte{
		"none": entries(0, 1, other), "of another contract": entries(1000, 2, other), "of its tokens": entries(1000, 3, other),
		"of coins": entries(1000, 4, fuzzContract), "revoked": entries(1000, 0, fuzzContract), "of a kind none knows": entries(9, 9, fuzzContract),
	} {
		if a := ask(data); a.Err != nil || a.Value != "0" {
			t.Errorf("delegations %s: %q, %v", what, a.Value, a.Err)
		}
	}
	whole := entries(2, 1, other)
	dirty := bytes.Clone(whole)
	dirty[64+2*32] = 1 // above the address of a vault
	for what, data := range map[string][]byte{
		"cut": whole[:len(whole)-1], "a word too many": append(bytes.Clone(whole), make([]byte, 32)...), "a word": whole[:32], "dirty": dirty,
		"one more than it has": append(entries(3, 1, other)[:64:64], whole[64:]...),
	} {
		if a := ask(data); !errors.Is(a.Err, fault.Unsupported) || a.Value != "" {
			t.Errorf("a list that is %s: %q, %v", what, a.Value, a.Err)
		}
	}
}

// Whatever contracts answer, it is an answer or an error.
func FuzzRights(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add(entries(2, 1, fuzzContract), false)
	f.Add(append(make([]byte, 31), 1), false)
	f.Add(bytes.Repeat([]byte{0xff}, 32), true)
	f.Fuzz(func(t *testing.T, data []byte, revert bool) {
		v := cannedVerifier(t, func(body []byte) []byte { return fakeNode(body, data, revert) })
		for _, q := range rightsOps(fuzzContract, fuzzContract) {
			r, err := v.Check(t.Context(), latest, []nft.Query{q})
			sane(t, r, err)
		}
	})
}

func TestMalformedRightsAreInvalid(t *testing.T) {
	t.Parallel()
	v := cannedVerifier(t, func(body []byte) []byte { return fakeNode(body, nil, false) })
	for _, q := range append(rightsOps("0x12", fuzzContract), append(rightsOps(fuzzContract, "0x12"),
		nft.Query{Op: nft.OpRental, Contract: fuzzContract, Account: fuzzContract},
		nft.Query{Op: nft.OpDelegated1155, Contract: fuzzContract, Account: fuzzContract},
		nft.Query{Op: nft.OpUnlockKey, Contract: fuzzContract, Account: fuzzContract, TokenID: "007"},
		nft.Query{Op: nft.OpSubscription, Contract: fuzzContract, Account: fuzzContract, TokenID: "-1"})...) {
		if r, err := v.Check(t.Context(), latest, []nft.Query{q}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %+v, %v", q, r, err)
		}
	}
	if _, err := evm.New(evm.Options{RPCURL: "http://127.0.0.1:1", Chain: v.Chain(), DelegateRegistry: "0x12"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a registry that is no address: %v", err)
	}
}

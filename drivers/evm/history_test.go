package evm_test

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// history makes random blocks and reorganisations that no contract refuses.
type history struct {
	t    testing.TB
	x    *indexed
	rand *rand.Rand
	next int64
	// first is where reorganisations end.
	first uint64
}

func (h *history) one() string { return h.x.account[h.rand.IntN(3)] }

// txs are transactions that work in whatever state: they make before they move.
func (h *history) txs() (txs []chaintest.Tx) {
	t, x := h.t, h.x
	for range h.rand.IntN(3) {
		h.next++
		id, a, b := big.NewInt(h.next), h.one(), h.one()
		switch h.rand.IntN(5) {
		case 0:
			txs = append(txs, chaintest.Method(t, x.account[0], contracts.TestToken(), x.token, "mint", a, id))
		case 1:
			txs = append(txs, chaintest.Method(t, a, contracts.TestToken(), x.token, "mint", a, id),
				chaintest.Method(t, a, contracts.TestToken(), x.token, "transferFrom", a, b, id))
		case 2:
			ids, amounts := []*big.Int{big.NewInt(7), big.NewInt(8), big.NewInt(7)}, []*big.Int{big.NewInt(1), big.NewInt(2), big.NewInt(3)}
			txs = append(txs, chaintest.Method(t, x.account[0], contracts.TestItems(), x.items, "mintBatch", a, ids, amounts),
				chaintest.Method(t, a, contracts.TestItems(), x.items, "safeBatchTransferFrom", a, b, ids[:2], amounts[:2], []byte{}))
		case 3:
			txs = append(txs, chaintest.Method(t, a, contracts.TestItems(), x.items, "mint", a, big.NewInt(9), big.NewInt(4)),
				chaintest.Method(t, a, contracts.TestItems(), x.items, "safeTransferFrom", a, b, big.NewInt(9), big.NewInt(3), []byte{}))
		case 4:
			txs = append(txs, chaintest.Method(t, a, contracts.TestCoin(), x.coin, "mint", a, big.NewInt(50)),
				chaintest.Method(t, a, contracts.TestCoin(), x.coin, "transfer", b, big.NewInt(20)))
		}
	}
	return txs
}

// begin makes a transfer of each kind, so that the index knows the kinds.
func (h *history) begin() {
	h.t.Helper()
	x, a := h.x, h.x.account[0]
	x.call(h.t, a, contracts.TestToken(), x.token, "mint", a, big.NewInt(0))
	x.call(h.t, a, contracts.TestItems(), x.items, "mint", a, big.NewInt(7), big.NewInt(1))
	h.first = x.call(h.t, a, contracts.TestCoin(), x.coin, "mint", a, big.NewInt(1)).Number
}

// step mines, or replaces the newest blocks; deeper than the index's window now and then.
func (h *history) step() {
	h.t.Helper()
	var err error
	if h.rand.IntN(4) == 0 {
		depth := 1 + h.rand.IntN(4)
		if h.rand.IntN(5) == 0 {
			depth = 10
		}
		head, headErr := h.x.Head(h.t.Context())
		if headErr != nil {
			h.t.Fatal(headErr)
		}
		if depth = min(depth, int(head.Number-h.first)); depth < 1 {
			return
		}
		err = h.x.Reorg(h.t.Context(), depth, h.txs()...)
	} else {
		_, err = h.x.Mine(h.t.Context(), h.txs()...)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) queries() (qs []nft.Query) {
	var held nft.HeldFor
	if h.rand.IntN(2) == 0 {
		held.Blocks = 1 + uint64(h.rand.IntN(3))
	}
	for _, a := range h.x.account {
		qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: h.x.token, Account: a, Held: held}, nft.Query{Op: nft.OpBalance20, Contract: h.x.coin, Account: a, Held: held})
		for _, id := range []string{"7", "8", "9"} {
			qs = append(qs, nft.Query{Op: nft.OpBalance1155, Contract: h.x.items, Account: a, TokenID: id, Held: held})
		}
	}
	for i := range 3 {
		qs = append(qs, nft.Query{Op: nft.OpOwner721, Contract: h.x.token, TokenID: strconv.FormatInt(max(1, h.next-int64(i)), 10), Held: held})
	}
	return qs
}

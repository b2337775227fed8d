package index

import (
	"math/big"
	"slices"
	"time"

	"github.com/streamgate/streamgate/nft"
)

// window is the newest blocks of the chain with what moved in them. Its owner guards it.
type window struct {
	blocks []held // linked, oldest first
	// since tells for a contract from which block on its transfers are here.
	since map[string]uint64
	moves map[Key][]move
	// kinds is the first kind of transfer that was seen of a contract.
	kinds map[string]Kind
	max   int
}

// held is a block with its transfers.
type held struct {
	Header
	transfers []Transfer
}

// move is one change of the value of a key: by an amount, or from an owner to another.
type move struct {
	block    uint64
	by       *big.Int
	from, to string
}

func newWindow(size int) *window {
	return &window{since: map[string]uint64{}, moves: map[Key][]move{}, kinds: map[string]Kind{}, max: size}
}

func (w *window) clear() { *w = *newWindow(w.max) }

func (w *window) head() (Header, bool) {
	if len(w.blocks) == 0 {
		return Header{}, false
	}
	return w.blocks[len(w.blocks)-1].Header, true
}

// at returns the block of a number.
func (w *window) at(number uint64) (Header, bool) {
	if len(w.blocks) == 0 || number < w.blocks[0].Number || number > w.blocks[len(w.blocks)-1].Number {
		return Header{}, false
	}
	return w.blocks[number-w.blocks[0].Number].Header, true
}

// has reports whether the state at the end of the block is one that values here can be reckoned
// from: it is in the window, or just before it.
func (w *window) has(number uint64, hash string) bool {
	if b, ok := w.at(number); ok {
		return b.Hash == hash
	}
	return len(w.blocks) > 0 && number+1 == w.blocks[0].Number && w.blocks[0].Parent == hash
}

// covers reports whether all transfers of the contract after block number are here.
func (w *window) covers(contract string, number uint64) bool {
	since, ok := w.since[contract]
	return ok && since <= number+1
}

// push adds a block; its transfers are those of all contracts in since.
func (w *window) push(h Header, transfers []Transfer) {
	w.blocks = append(w.blocks, held{h, transfers})
	for _, t := range transfers {
		w.note(t)
	}
	for len(w.blocks) > w.max {
		w.shift()
	}
}

// pop takes the newest block back.
func (w *window) pop() {
	last := w.blocks[len(w.blocks)-1]
	w.blocks = w.blocks[:len(w.blocks)-1]
	for _, t := range slices.Backward(last.transfers) {
		for k := range changes(t) {
			w.cut(k, len(w.moves[k])-1, len(w.moves[k]))
		}
	}
}

// shift forgets the oldest block.
func (w *window) shift() {
	first := w.blocks[0]
	w.blocks = w.blocks[1:]
	for _, t := range first.transfers {
		for k := range changes(t) {
			w.cut(k, 0, 1)
		}
	}
	for c, n := range w.since {
		w.since[c] = max(n, first.Number+1)
	}
}

func (w *window) cut(k Key, from, to int) {
	if m := slices.Delete(w.moves[k], from, to); len(m) > 0 {
		w.moves[k] = m
	} else {
		delete(w.moves, k)
	}
}

func (w *window) note(t Transfer) {
	if w.kinds[t.Contract] == "" {
		w.kinds[t.Contract] = t.Kind
	}
	for k, m := range changes(t) {
		w.moves[k] = append(w.moves[k], m)
	}
}

// forget drops what is known of a contract.
func (w *window) forget(contract string) {
	delete(w.since, contract)
	delete(w.kinds, contract)
	for i := range w.blocks {
		b := &w.blocks[i]
		b.transfers = slices.DeleteFunc(slices.Clone(b.transfers), func(t Transfer) bool { return t.Contract == contract })
	}
	for k := range w.moves {
		if k.Contract == contract {
			delete(w.moves, k)
		}
	}
}

// join adds the transfers of contracts that were not followed, block by block.
func (w *window) join(contracts []string, transfers [][]Transfer) {
	for i := range w.blocks {
		b := &w.blocks[i]
		b.transfers = append(slices.Clip(b.transfers), transfers[i]...)
		for _, t := range transfers[i] {
			w.note(t)
		}
	}
	for _, c := range contracts {
		w.since[c] = w.blocks[0].Number
	}
}

// changes returns what a transfer changes, each key once.
func changes(t Transfer) map[Key]move {
	out := make(map[Key]move, 3)
	if t.Kind == Odd {
		return out
	}
	token := t.Token
	if t.Kind == ERC721 {
		out[Key{t.Contract, "", t.Token}] = move{block: t.Block, from: t.From, to: t.To}
		token = ""
	}
	if t.From == t.To {
		return out
	}
	if t.From != "" {
		out[Key{t.Contract, t.From, token}] = move{block: t.Block, by: new(big.Int).Neg(t.Amount)}
	}
	if t.To != "" {
		out[Key{t.Contract, t.To, token}] = move{block: t.Block, by: t.Amount}
	}
	return out
}

// amount reckons a balance at the end of block at from that at the end of block base.
func (w *window) amount(k Key, settled *big.Int, base, at uint64) *big.Int {
	sum := new(big.Int).Set(settled)
	for _, m := range w.moves[k] {
		switch {
		case m.block > base && m.block <= at:
			sum.Add(sum, m.by)
		case m.block > at && m.block <= base:
			sum.Sub(sum, m.by)
		}
	}
	return sum
}

// owner is amount for the owner of a token.
func (w *window) owner(k Key, settled string, base, at uint64) string {
	owner := settled
	if at < base {
		for _, m := range slices.Backward(w.moves[k]) {
			if m.block > at && m.block <= base {
				owner = m.from
			}
		}
		return owner
	}
	for _, m := range w.moves[k] {
		if m.block > base && m.block <= at {
			owner = m.to
		}
	}
	return owner
}

// begin returns the block with which the window of a holding time begins that ends at block at.
func (w *window) begin(ask nft.HeldFor, at nft.Block) (nft.Block, bool) {
	if ask.Seconds == 0 {
		if ask.Blocks > at.Number {
			return nft.Block{}, false
		}
		b, ok := w.at(at.Number - ask.Blocks)
		return b.Block, ok
	}
	limit := at.Time.Add(-time.Duration(min(ask.Seconds, 1<<32)) * time.Second)
	for i := len(w.blocks) - 1; i >= 0; i-- {
		if b := w.blocks[i]; b.Number <= at.Number && !b.Time.After(limit) {
			return b.Block, true
		}
	}
	return nft.Block{}, false
}

// holding tells how an amount was from block begin to block at, where it is now.
func (w *window) holding(k Key, now *big.Int, begin nft.Block, at uint64) *nft.Holding {
	first := w.amount(k, now, at, begin.Number)
	points := []nft.HeldStep{{Since: begin, Least: first}}
	sum := new(big.Int).Set(first)
	for _, m := range w.moves[k] {
		if m.block > begin.Number && m.block <= at {
			sum.Add(sum, m.by)
			b, _ := w.at(m.block)
			points = append(points, nft.HeldStep{Since: b.Block, Least: new(big.Int).Set(sum)})
		}
	}
	return nft.NewHolding(points)
}

// ownership is holding for the owner of a token, whoever that is now.
func (w *window) ownership(k Key, begin nft.Block, at uint64) *nft.Holding {
	points := []nft.HeldStep{{Since: begin, Least: big.NewInt(1)}}
	for _, m := range w.moves[k] {
		if m.block > begin.Number && m.block <= at && m.from != m.to {
			b, _ := w.at(m.block)
			points[0].Least = new(big.Int)
			points = append(points[:1], nft.HeldStep{Since: b.Block, Least: big.NewInt(1)})
		}
	}
	return nft.NewHolding(points)
}

package index

import (
	"context"
	"math/big"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var _ nft.Verifier = (*Verifier)(nil)

// Verifier answers from the index what it can and has its chain's own verifier answer the rest.
// The answers of one Check are all of one block and of one of the two: the index answers when its head
// is the chain's and every query is about a balance or an owner of a contract that it has, whole and compared.
type Verifier struct {
	nft.Verifier
	x *Indexer
}

// NewVerifier puts x before inner, which asks the same chain.
func NewVerifier(inner nft.Verifier, x *Indexer) *Verifier { return &Verifier{inner, x} }

// Unwrap returns the verifier that asks the chain.
func (v *Verifier) Unwrap() nft.Verifier { return v.Verifier }

// IndexStatus returns the state of the index, for GET /v1/chains.
func (v *Verifier) IndexStatus() *nft.IndexStatus { return v.x.Status() }

// Check implements nft.Verifier. Reply.Source is "index" when the index answered. A contract that the
// chain has answered for is wanted from then on.
func (v *Verifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	if reply, ok := v.x.answer(ctx, at, queries); ok {
		v.x.meter.answered(ctx, true)
		return reply, nil
	}
	v.x.meter.answered(ctx, false)
	reply, err := v.Verifier.Check(ctx, at, queries)
	if err == nil && len(reply.Answers) == len(queries) {
		v.x.learn(queries, reply.Answers)
	}
	return reply, err
}

// learn wants the contracts of what was asked, unless the chain has no answer for them: whoever can test a
// rule must not fill the index with addresses that are none.
func (x *Indexer) learn(queries []nft.Query, answers []nft.Answer) {
	for i, q := range queries {
		if kindOf(q.Op) == "" || answers[i].Err != nil {
			continue
		}
		x.mu.RLock()
		_, known := x.known[q.Contract]
		x.mu.RUnlock()
		if !known {
			x.Want(q.Contract)
		}
	}
}

// kindOf is the standard that an operation is of, empty for those that no index answers.
func kindOf(op nft.Op) Kind {
	switch op {
	case nft.OpBalance721, nft.OpOwner721:
		return ERC721
	case nft.OpBalance1155:
		return ERC1155
	case nft.OpBalance20:
		return ERC20
	}
	return ""
}

// Watch implements nft.Verifier. What is heard of a new head keeps the index from answering for the one before.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	w := &watching{}
	v.x.hear(w, nft.Change{Gap: true})
	defer v.x.deaf(w)
	return v.Verifier.Watch(ctx, contracts, func(ch nft.Change) {
		v.x.hear(w, ch)
		fn(ch)
	})
}

func (x *Indexer) hear(w *watching, ch nft.Change) {
	x.mu.Lock()
	if ch.Gap || ch.Removed {
		ch.Block = nft.Block{} // what comes next is not known
	}
	x.told[w] = ch.Block
	x.target = max(x.target, ch.Block.Number)
	x.mu.Unlock()
	x.nudge()
}

func (x *Indexer) deaf(w *watching) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.told, w)
}

// value is what the index knows of a key.
type value struct {
	amount *big.Int // nil for an owner
	owner  string
}

func (v value) text() string {
	if v.amount == nil {
		return v.owner
	}
	return v.amount.String()
}

// answer returns the reply when the index can give it.
func (x *Indexer) answer(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, bool) {
	if ctx.Err() != nil || len(queries) == 0 {
		return nft.Reply{}, false
	}
	block, keys, ok := x.prepare(ctx, at, queries)
	if !ok {
		return nft.Reply{}, false
	}
	values, err := x.values(ctx, block, keys)
	if err != nil {
		return nft.Reply{}, false
	}
	reply := nft.Reply{Block: block, Source: "index", Answers: make([]nft.Answer, len(queries))}
	for i, v := range values {
		if v.amount != nil && v.amount.Sign() < 0 {
			x.accuse(keys[i].Contract)
			return nft.Reply{}, false
		}
		a := nft.Answer{Value: v.text(), Int: v.amount}
		if !queries[i].Held.IsZero() {
			if a.Held, ok = x.history(keys[i], v, queries[i].Held, block); !ok {
				return nft.Reply{}, false
			}
		}
		reply.Answers[i] = a
	}
	return reply, true
}

// accuse has a contract looked into whose transfers do not add up.
func (x *Indexer) accuse(contract string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.suspects[contract] = reasonDisagrees
}

// prepare finds the block to answer at and the keys of the queries.
func (x *Indexer) prepare(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Block, []Key, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !x.fresh(ctx) {
		return nft.Block{}, nil, false
	}
	block, ok := x.blockOf(at)
	if !ok {
		return nft.Block{}, nil, false
	}
	keys := make([]Key, len(queries))
	for i, q := range queries {
		if keys[i], ok = x.key(q); !ok {
			return nft.Block{}, nil, false
		}
	}
	return block, keys, true
}

// fresh reports whether the window's head is the chain's. The caller holds mu.
func (x *Indexer) fresh(ctx context.Context) bool {
	limit := x.opt.MaxAge
	if age, ok := nft.MaxAge(ctx); ok {
		limit = min(limit, age)
	}
	if len(x.win.blocks) == 0 || x.opt.Now().Sub(x.confirmed) > limit {
		return false
	}
	for _, b := range x.told {
		if own, ok := x.win.at(b.Number); b.Hash == "" || !ok || own.Hash != b.Hash {
			return false
		}
	}
	return true
}

// blockOf returns the block of a finality, which has to be in the window. The caller holds mu.
func (x *Indexer) blockOf(at nft.Finality) (nft.Block, bool) {
	head, _ := x.win.head()
	switch {
	case at.Tag == "latest" && at.Confirmations == 0:
		return head.Block, true
	case at.Tag == "" && at.Confirmations > 0 && at.Confirmations-1 <= head.Number:
		b, ok := x.win.at(head.Number - (at.Confirmations - 1))
		return b.Block, ok
	case (at.Tag == "safe" || at.Tag == "finalized") && at.Confirmations == 0:
		tag, known := x.tags[at.Tag]
		b, ok := x.win.at(tag.Number)
		return b.Block, known && ok && b.Hash == tag.Hash
	}
	return nft.Block{}, false
}

const zeroAddress = "0x0000000000000000000000000000000000000000"

// key returns what answers a query; ok is false for what the index does not have. The caller holds mu.
func (x *Indexer) key(q nft.Query) (Key, bool) {
	if x.known[q.Contract].Status != Live || x.suspects[q.Contract] != "" {
		return Key{}, false
	}
	want := kindOf(q.Op)
	k := Key{q.Contract, q.Account, q.TokenID}
	switch q.Op {
	case nft.OpOwner721:
		k.Account = ""
	case nft.OpBalance721, nft.OpBalance20:
		k.Token = ""
	}
	// The zero address has no balance to most contracts but an error.
	someone := q.Op == nft.OpOwner721 || k.Account != "" && k.Account != zeroAddress
	token := k.Token != "" || q.Op == nft.OpBalance721 || q.Op == nft.OpBalance20
	return k, want != "" && want == x.kind(q.Contract) && someone && token
}

// values reckons the values of keys at the end of a block. The error is errMoved when the
// window has not got it, or what is settled is not of the same chain.
func (x *Indexer) values(ctx context.Context, at nft.Block, keys []Key) ([]value, error) {
	mark, settled, err := x.store.Values(ctx, x.chain, keys)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if mark.Generation != x.state.Generation || !x.win.has(mark.Number, mark.Hash) {
		x.reload.Store(true)
		return nil, moved()
	}
	if own, ok := x.win.at(at.Number); !ok || own.Hash != at.Hash {
		return nil, moved()
	}
	out := make([]value, len(keys))
	for i, k := range keys {
		if !x.win.covers(k.Contract, min(mark.Number, at.Number)) {
			return nil, moved()
		}
		if k.Account == "" {
			out[i].owner = x.win.owner(k, settled[i], mark.Number, at.Number)
			continue
		}
		sum := new(big.Int)
		if _, ok := sum.SetString(settled[i], 10); !ok && settled[i] != "" {
			return nil, fault.New(fault.Corrupt, "index.read", "a settled value is no number")
		}
		out[i].amount = x.win.amount(k, sum, mark.Number, at.Number)
	}
	return out, nil
}

// history tells how a value was through the window that a holding time asks for.
func (x *Indexer) history(k Key, v value, ask nft.HeldFor, at nft.Block) (*nft.Holding, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	begin, ok := x.win.begin(ask, at)
	if own, is := x.win.at(at.Number); !ok || !is || own.Hash != at.Hash || !x.win.covers(k.Contract, begin.Number) {
		return nil, false
	}
	if v.amount == nil {
		return x.win.ownership(k, begin, at.Number), true
	}
	return x.win.holding(k, v.amount, begin, at.Number), true
}

package passtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// SignerAddress is the address of a Chain's signer.
const SignerAddress = "0x00000000000000000000000000000000000051e9"

// Chain is a scripted pass.Ledger: a chain in memory with numbered senders, a pool, blocks and reorganisations. Blocks
// are made by Mine alone. All methods are safe for concurrent use.
type Chain struct {
	facts         pass.Facts
	confirmations int

	mu      sync.Mutex
	pool    map[string]tx
	blocks  [][]tx
	fork    int // makes the hashes of blocks after a reorganisation other ones
	minTip  int64
	refuse  string
	broken  error
	wallets map[string]tx // what wallets made, by hash
	sends   int
}

// tx is a transaction of the scripted chain.
type tx struct {
	Hash, Sender, Order string
	Nonce               uint64
	Tip                 int64
	Void, Foreign       bool
}

var _ pass.Ledger = (*Chain)(nil)

// NewChain returns a chain on which an order is final after three blocks and patience is as given.
func NewChain(patience time.Duration) *Chain {
	return &Chain{
		facts: pass.Facts{
			Chain: chainA, Kinds: []pass.Kind{pass.ERC721, pass.ERC1155, pass.Subscription}, Signer: SignerAddress, Wallet: true, Numbered: true, Patience: patience,
		},
		confirmations: 3, pool: map[string]tx{}, wallets: map[string]tx{},
	}
}

// Mine makes n blocks. The first takes from the pool what can be mined: each sender's numbers in order, of one number what pays most.
func (c *Chain) Mine(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		var block []tx
		for {
			best := tx{Tip: -1}
			for _, t := range c.pool {
				if t.Nonce == c.next(t.Sender, block) && t.Tip >= c.minTip && t.Tip > best.Tip {
					best = t
				}
			}
			if best.Tip < 0 {
				break
			}
			block = append(block, best)
			for hash, t := range c.pool {
				if t.Sender == best.Sender && t.Nonce == best.Nonce {
					delete(c.pool, hash)
				}
			}
		}
		c.blocks = append(c.blocks, block)
	}
}

// next is the number that comes next for a sender, also when block is the next block.
func (c *Chain) next(sender string, block []tx) uint64 {
	var n uint64
	for _, b := range append(c.blocks[:len(c.blocks):len(c.blocks)], block) {
		for _, t := range b {
			if t.Sender == sender {
				n++
			}
		}
	}
	return n
}

// Reorg removes the newest depth blocks; their transactions are lost.
func (c *Chain) Reorg(depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks = c.blocks[:len(c.blocks)-depth]
	c.fork++
}

// DropPool loses what waits.
func (c *Chain) DropPool() { c.mu.Lock(); defer c.mu.Unlock(); c.pool = map[string]tx{} }

// SetMinTip mines only what pays that much; SetRefuse makes Draft refuse with a reason; Break makes every call fail with err.
func (c *Chain) SetMinTip(tip int64) { c.mu.Lock(); defer c.mu.Unlock(); c.minTip = tip }

// SetRefuse makes Draft refuse with a reason, or with none again.
func (c *Chain) SetRefuse(reason string) { c.mu.Lock(); defer c.mu.Unlock(); c.refuse = reason }

// Break makes every call fail with err, or none again.
func (c *Chain) Break(err error) { c.mu.Lock(); defer c.mu.Unlock(); c.broken = err }

// Use puts a transaction of somebody else who has the signer's key into the pool, under the number that comes next.
func (c *Chain) Use(sender string, tip int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := tx{Hash: fmt.Sprint("foreign-", c.fork, len(c.blocks)), Sender: sender, Nonce: c.next(sender, nil), Tip: tip, Foreign: true}
	for hash, old := range c.pool {
		if old.Sender == sender && old.Nonce == t.Nonce {
			delete(c.pool, hash)
		}
	}
	c.pool[t.Hash] = t
}

// Wallet signs an order as its sender's wallet does, and sends it. It returns the hash.
func (c *Chain) Wallet(o pass.Order, foreign bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := tx{Hash: fmt.Sprint("wallet-", o.ID, foreign), Sender: o.Sender, Order: o.ID, Nonce: c.pending(o.Sender), Tip: 10, Foreign: foreign}
	c.pool[t.Hash], c.wallets[t.Hash] = t, t
	return t.Hash
}

func (c *Chain) pending(sender string) uint64 {
	n := c.next(sender, nil)
	for found := true; found; {
		found = false
		for _, t := range c.pool {
			if t.Sender == sender && t.Nonce == n {
				n, found = n+1, true
				break
			}
		}
	}
	return n
}

// Mints counts the transactions of an order that did something and are on the chain.
func (c *Chain) Mints(order string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.blocks {
		for _, t := range b {
			if t.Order == order && !t.Void && !t.Foreign {
				n++
			}
		}
	}
	return n
}

// Sends counts the calls of Send.
func (c *Chain) Sends() int { c.mu.Lock(); defer c.mu.Unlock(); return c.sends }

func (c *Chain) usable(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	return fault.At(op, c.broken)
}

// Facts implements pass.Ledger.
func (c *Chain) Facts() pass.Facts { return c.facts }

// Draft implements pass.Ledger.
func (c *Chain) Draft(ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error) {
	const op = "passtest.Draft"
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(ctx, op); err != nil {
		return pass.Draft{}, err
	}
	d := pass.Draft{From: o.Sender, Value: "0", Gas: 21_000, TipCap: "10", FeeCap: "20", Data: []byte(o.ID), Base: c.pending(o.Sender)}
	if p != nil {
		d.To = p.Contract
	}
	if last := o.Last(); last != nil {
		tip, _ := new(big.Int).SetString(last.TipCap, 10)
		more := tip.Int64() + tip.Int64()/8 + 1
		d.TipCap, d.FeeCap, d.To, d.Data = fmt.Sprint(more), fmt.Sprint(2*more), o.To, o.Data
		return d, nil
	}
	if c.refuse != "" && !o.Void {
		return d, fault.New(fault.Conflict, op, c.refuse)
	}
	return d, nil
}

// Sign implements pass.Ledger.
func (c *Chain) Sign(_ context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
	if o.Sender != c.facts.Signer {
		return pass.Attempt{}, "", fault.New(fault.Unavailable, "passtest.Sign", "There is no key of that sender.")
	}
	tip, _ := new(big.Int).SetString(d.TipCap, 10)
	t := tx{Sender: o.Sender, Order: o.ID, Nonce: *o.Nonce, Tip: tip.Int64(), Void: o.Void}
	raw, err := json.Marshal(t)
	sum := sha256.Sum256(raw)
	contract := ""
	if o.Act == pass.Deploy {
		contract = address(o.Sender, *o.Nonce)
	}
	return pass.Attempt{Hash: hex.EncodeToString(sum[:]), Raw: raw, TipCap: d.TipCap, FeeCap: d.FeeCap}, contract, err
}

func address(sender string, nonce uint64) string {
	sum := sha256.Sum256(fmt.Append(nil, sender, nonce))
	return "0x" + hex.EncodeToString(sum[:20])
}

// Send implements pass.Ledger.
func (c *Chain) Send(ctx context.Context, raw []byte) error {
	const op = "passtest.Send"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends++
	if err := c.usable(ctx, op); err != nil {
		return err
	}
	var t tx
	if err := json.Unmarshal(raw, &t); err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	sum := sha256.Sum256(raw)
	t.Hash = hex.EncodeToString(sum[:])
	if t.Nonce < c.next(t.Sender, nil) {
		return nil
	}
	for hash, old := range c.pool {
		if old.Sender != t.Sender || old.Nonce != t.Nonce || hash == t.Hash {
			continue
		}
		if t.Tip < old.Tip+old.Tip/10 {
			return fault.New(fault.Unavailable, op, "The chain asks for higher fees now.")
		}
		delete(c.pool, hash)
	}
	c.pool[t.Hash] = t
	return nil
}

// Look implements pass.Ledger.
func (c *Chain) Look(ctx context.Context, o pass.Order) (pass.Sighting, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(ctx, "passtest.Look"); err != nil {
		return pass.Sighting{}, err
	}
	got := pass.Sighting{Fate: pass.Unseen, Next: c.next(o.Sender, nil), Nonce: o.Nonce}
	for _, a := range o.Attempts {
		if t, ok := c.wallets[a.Hash]; ok && t.Foreign {
			return pass.Sighting{Fate: pass.Foreign}, nil
		}
		if t, ok := c.pool[a.Hash]; ok {
			got.Fate, got.Nonce = pass.Pending, &t.Nonce
		}
	}
	for n, b := range c.blocks {
		final := len(c.blocks)-n >= c.confirmations
		for i, t := range b {
			for _, a := range o.Attempts {
				if a.Hash != t.Hash {
					continue
				}
				got.Fate, got.Final, got.OK, got.Hash, got.Nonce = pass.Landed, final, true, t.Hash, &t.Nonce
				got.Block = pass.Block{Number: uint64(n), Hash: fmt.Sprint(n, "-", c.fork)}
				if o.Act == pass.Deploy {
					got.Contract = address(o.Sender, t.Nonce)
				} else {
					got.TokenID = fmt.Sprint(1000*n + i)
				}
				return got, nil
			}
			if got.Nonce != nil && t.Sender == o.Sender && t.Nonce == *got.Nonce {
				got.Fate, got.Final = pass.Displaced, final
			}
		}
	}
	return got, nil
}

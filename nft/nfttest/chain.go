package nfttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var _ nft.Verifier = (*Chain)(nil)

// Chain is a chain in memory that a test scripts: blocks, transfers,
// reorganisations, and a provider that fails in chosen ways. All methods are
// safe for concurrent use.
type Chain struct {
	id caip.ChainID

	mu        sync.Mutex
	blocks    []*block
	forks     int
	contracts int
	safe      uint64
	final     uint64
	log       [][]nft.Change
	grown     chan struct{} // closed and replaced when log grows
	watchers  map[*watcher]bool
	read      chan struct{} // closed and replaced when a watcher has read
	checks    int
	queries   int
	fault     Faults
	hold      *gate
}

// Faults is what is wrong with the provider; the zero value is nothing.
type Faults struct {
	// Err fails Check and Head.
	Err error
	// Delay is how long Check takes.
	Delay time.Duration
	// Drop leaves out that many answers.
	Drop int
	// Lag has Check read that many blocks behind the head.
	Lag int
}

type watcher struct{ next int }

type gate struct {
	entered, released chan struct{}
	once              sync.Once
}

type holdKey struct{ contract, token, account string }

type block struct {
	nft.Block
	changes  []nft.Change
	standard map[string]string    // contract to ERC number
	owners   map[holdKey]string   // contract and token to owner
	balances map[holdKey]*big.Int // contract, token, account
	calls    map[string]string    // contract and signature to value
	rights   rights
}

// NewChain returns a chain with an empty block 0. Until SetFinality, "safe" is 2
// and "finalized" 4 blocks below the head.
func NewChain(id caip.ChainID) *Chain {
	c := &Chain{id: id, safe: 2, final: 4, grown: make(chan struct{}), read: make(chan struct{}), watchers: map[*watcher]bool{}}
	c.blocks = []*block{{standard: map[string]string{}, owners: map[holdKey]string{}, balances: map[holdKey]*big.Int{}, calls: map[string]string{}, rights: newRights()}}
	c.seal(c.blocks[0], 0)
	return c
}

// SetFinality says how many blocks below the head "safe" and "finalized" are.
func (c *Chain) SetFinality(safe, finalized uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.safe, c.final = safe, finalized
}

// Deploy adds a contract of a standard (erc721, erc1155, erc20, erc4907, erc5643, unlock, art, or call for
// SetCall alone) to every block, and returns its address.
func (c *Chain) Deploy(standard string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contracts++
	addr := fmt.Sprintf("0x%040x", 0xc0de0000+c.contracts)
	for _, b := range c.blocks {
		b.standard[addr] = standard
	}
	return addr
}

// SetCall mines a block from which on the function of a contract returns value.
func (c *Chain) SetCall(contract, fn, value string) nft.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.grow()
	b.calls[contract+" "+fn] = value
	c.tell(b.report())
	return b.Block
}

// Mine applies ops in one new block and returns it. It panics on an op that the
// contract would refuse, which is a mistake of the test.
func (c *Chain) Mine(ops ...Op) nft.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.grow()
	for _, op := range ops {
		b.apply(op)
	}
	c.tell(b.report())
	return b.Block
}

// Reorg removes the newest depth blocks and mines depth+1 others, the first of
// which holds ops.
func (c *Chain) Reorg(depth int, ops ...Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	depth = min(depth, len(c.blocks)-1)
	c.forks++
	var events []nft.Change
	for range depth {
		b := c.tip()
		for _, ch := range slices.Backward(b.changes) {
			ch.Removed = true
			events = append(events, ch)
		}
		c.blocks = c.blocks[:len(c.blocks)-1]
	}
	if len(events) > 0 {
		c.tell(events)
	}
	for i := range depth + 1 {
		b := c.grow()
		if i == 0 {
			for _, op := range ops {
				b.apply(op)
			}
		}
		c.tell(b.report())
	}
}

// Gap tells the watchers that they may have missed changes.
func (c *Chain) Gap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell([]nft.Change{{Block: c.tip().Block, Gap: true}})
}

// Fail sets what is wrong with the provider from now on.
func (c *Chain) Fail(f Faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
}

// Checks returns how many Checks were made.
func (c *Chain) Checks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.checks
}

// Queries returns how many queries the Checks held.
func (c *Chain) Queries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queries
}

// HoldReply keeps the next Check from returning: it reads the chain, closes
// entered, and waits for release. That is how a test puts a change between the
// reading and the use of an answer.
func (c *Chain) HoldReply() (entered <-chan struct{}, release func()) {
	g := &gate{entered: make(chan struct{}), released: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hold = g
	return g.entered, func() { g.once.Do(func() { close(g.released) }) }
}

// Sync waits until every watcher has taken in everything that happened.
func (c *Chain) Sync(ctx context.Context) error {
	for {
		c.mu.Lock()
		done, read := true, c.read
		for w := range c.watchers {
			done = done && w.next == len(c.log)
		}
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-read:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Watching waits until n watches run.
func (c *Chain) Watching(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		have, read := len(c.watchers), c.read
		c.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-read:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Chain) tip() *block { return c.blocks[len(c.blocks)-1] }

func (c *Chain) seal(b *block, number uint64) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", c.id, number, c.forks))
	b.Block = nft.Block{Number: number, Hash: "0x" + hex.EncodeToString(sum[:]), Time: time.Unix(1_700_000_000+12*int64(number), 0).UTC()}
}

func (c *Chain) grow() *block {
	old := c.tip()
	b := &block{standard: maps.Clone(old.standard), owners: maps.Clone(old.owners), balances: maps.Clone(old.balances), calls: maps.Clone(old.calls), rights: old.rights.clone()}
	c.seal(b, old.Number+1)
	c.blocks = append(c.blocks, b)
	return b
}

func (c *Chain) tell(events []nft.Change) {
	c.log = append(c.log, events)
	close(c.grown)
	c.grown = make(chan struct{})
}

// report is what the watchers hear of a block: its transfers, then the head.
func (b *block) report() []nft.Change {
	return append(slices.Clone(b.changes), nft.Change{Block: b.Block})
}

func (b *block) apply(op Op) {
	must := func(ok bool) {
		if !ok {
			panic(fmt.Sprintf("nfttest: the contract refuses %+v", op))
		}
	}
	token := func(standard string) string {
		for addr, std := range b.standard {
			named := op.Contract == addr && standard == "erc721" && is721(std)
			if named || std == standard && (op.Contract == "" || op.Contract == addr) {
				return addr
			}
		}
		panic("nfttest: no contract for " + string(op.Kind))
	}
	if b.applyRight(op, token) {
		return
	}
	amount := new(big.Int).SetUint64(op.Amount)
	var contract string
	switch op.Kind {
	case Mint721, Transfer721:
		contract = token("erc721")
		k := holdKey{contract, op.TokenID, ""}
		must(b.owners[k] == op.From)
		b.owners[k] = op.To
	case Mint1155, Transfer1155:
		contract = token("erc1155")
		if op.Kind == Transfer1155 {
			b.move(holdKey{contract, op.TokenID, op.From}, new(big.Int).Neg(amount), must)
		}
		b.move(holdKey{contract, op.TokenID, op.To}, amount, must)
	case Mint20:
		contract = token("erc20")
		b.move(holdKey{contract, "", op.To}, amount, must)
	default:
		must(false)
	}
	ch := nft.Change{Block: b.Block, Contract: contract}
	for _, a := range []string{op.From, op.To} {
		if a != "" {
			ch.Accounts = append(ch.Accounts, a)
		}
	}
	b.changes = append(b.changes, ch)
}

func (b *block) move(k holdKey, by *big.Int, must func(bool)) {
	sum := new(big.Int).Set(by)
	if old := b.balances[k]; old != nil {
		sum.Add(sum, old)
	}
	must(sum.Sign() >= 0)
	b.balances[k] = sum
}

// Chain returns the id given to NewChain.
func (c *Chain) Chain() caip.ChainID { return c.id }

// Head returns the newest block.
func (c *Chain) Head(ctx context.Context) (nft.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault.Err != nil {
		return nft.Block{}, fault.Wrap(fault.Unavailable, "nfttest.Head", c.fault.Err)
	}
	return c.tip().Block, fault.Wrap(fault.Canceled, "nfttest.Head", ctx.Err())
}

// Check answers from the block of the wanted finality.
func (c *Chain) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	const op = "nfttest.Check"
	c.mu.Lock()
	c.checks++
	c.queries += len(queries)
	f, hold := c.fault, c.hold
	c.hold = nil
	reply, err := c.answer(at, queries)
	c.mu.Unlock()
	if hold != nil {
		close(hold.entered)
		select {
		case <-hold.released:
		case <-ctx.Done():
		}
	}
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return nft.Reply{}, fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	if f.Err != nil {
		return nft.Reply{}, fault.Wrap(fault.Unavailable, op, f.Err)
	}
	return reply, err
}

func (c *Chain) answer(at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	below := uint64(c.fault.Lag)
	switch {
	case at.Tag == "safe":
		below += c.safe
	case at.Tag == "finalized":
		below += c.final
	case at.Tag == "" && at.Confirmations > 0:
		below += at.Confirmations - 1
	case at.Tag != "latest":
		return nft.Reply{}, fault.Newf(fault.Invalid, "nfttest.Check", "unknown finality %q", at.Tag)
	}
	n := c.tip().Number
	if at.Tag != "" {
		below = min(below, n) // block 0 is settled from the start
	}
	if below > n {
		return nft.Reply{}, fault.New(fault.Unavailable, "nfttest.Check", "the chain is too short for that many confirmations")
	}
	b := c.blocks[n-below]
	reply := nft.Reply{Block: b.Block, Calls: 1}
	for _, q := range queries[:len(queries)-min(c.fault.Drop, len(queries))] {
		reply.Answers = append(reply.Answers, b.answer(q))
	}
	return reply, nil
}

func (b *block) answer(q nft.Query) nft.Answer {
	refuse := func(k fault.Kind, why string) nft.Answer {
		return nft.Answer{Err: fault.New(k, "nfttest.Check", why)}
	}
	number := func(n *big.Int) nft.Answer { return nft.Answer{Value: n.String(), Int: n} }
	std := b.standard[q.Contract]
	if is721(std) {
		std = "erc721"
	}
	want := map[nft.Op]string{nft.OpBalance721: "erc721", nft.OpOwner721: "erc721", nft.OpBalance1155: "erc1155", nft.OpBalance20: "erc20"}[q.Op]
	if std == "" || want != "" && std != want {
		return refuse(fault.Unsupported, "the contract does not have the function")
	}
	if ans, ok := b.answerRight(q); ok {
		return ans
	}
	switch q.Op {
	case nft.OpBalance721:
		n := new(big.Int)
		for k, owner := range b.owners {
			if k.contract == q.Contract && owner == q.Account {
				n.Add(n, big.NewInt(1))
			}
		}
		return number(n)
	case nft.OpOwner721:
		return nft.Answer{Value: b.owners[holdKey{q.Contract, q.TokenID, ""}]}
	case nft.OpBalance1155, nft.OpBalance20:
		n := b.balances[holdKey{q.Contract, q.TokenID, q.Account}]
		if n == nil {
			n = new(big.Int)
		}
		return number(n)
	case nft.OpCall:
		value, ok := b.calls[q.Contract+" "+q.Call.Fn]
		if uri, has := b.uriOf(q); has {
			value, ok = uri, true
		}
		if !ok {
			return refuse(fault.Unsupported, "the contract does not have the function")
		}
		ans := nft.Answer{Value: value}
		if _, returns, _ := strings.Cut(q.Call.Fn, ")("); strings.Contains(returns, "int") {
			ans.Int, _ = new(big.Int).SetString(value, 10)
		}
		return ans
	}
	return refuse(fault.Unsupported, "unknown operation")
}

// Watch reports every block from now on.
func (c *Chain) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	c.mu.Lock()
	w := &watcher{next: len(c.log)}
	c.watchers[w] = true
	c.wake()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers, w)
		c.wake()
	}()
	for {
		c.mu.Lock()
		grown := c.grown
		var events []nft.Change
		if w.next < len(c.log) {
			events = c.log[w.next]
		}
		c.mu.Unlock()
		if events == nil {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		wanted := contracts()
		for _, ch := range events {
			if ch.Contract == "" || slices.Contains(wanted, ch.Contract) {
				fn(ch)
			}
		}
		c.mu.Lock()
		w.next++
		c.wake()
		c.mu.Unlock()
	}
}

func (c *Chain) wake() {
	close(c.read)
	c.read = make(chan struct{})
}

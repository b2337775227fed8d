package nft

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// slots is the number of generation counters per chain. Two holdings that share
// a slot void each other's cached answers needlessly, never wrongly.
const slots = 1 << 13

// dep is one counter a cached answer rests on, and its value when the answer was
// begun: the answer is good while they are equal. The value is taken before the
// chain is asked, so a change seen while asking voids the answer at birth.
type dep struct {
	counter *atomic.Uint64
	at      uint64
}

func depOn(c *atomic.Uint64) dep { return dep{c, c.Load()} }

func fresh(deps []dep) bool {
	for _, d := range deps {
		if d.counter.Load() != d.at {
			return false
		}
	}
	return true
}

// holding is what changes of one account's tokens of one contract count in.
type holding struct {
	gen atomic.Uint64
	// block is the newest block a change was seen in; a reply read at an older
	// one does not know of the change.
	block atomic.Uint64
}

// chain is what the decider knows of one chain besides its verifier.
type chain struct {
	v    Verifier
	asks *gather // v, for the reads of evaluations
	id   string
	seed maphash.Seed
	// epoch counts gaps, heads counts new heads.
	epoch, heads atomic.Uint64
	holdings     [slots]holding

	mu        sync.Mutex
	contracts map[string]*liveContract
	status    ChainStatus
	down      bool
	lastGood  time.Time
	lastTried time.Time
	told      string // hash of the head the watch told last, "" when not sure
	following bool
}

// liveContract is a contract some live rule names.
type liveContract struct {
	used time.Time
	// listedAt is the value of heads when the verifier's watch first learned of
	// the contract. From two heads later transfers are certainly reported.
	listed   bool
	listedAt uint64
}

// Bounds of the set of watched contracts. A contract beyond the bound is not
// watched; its answers are kept for one head only.
const (
	maxContracts = 10_000
	idleContract = 30 * time.Minute
)

func newChain(v Verifier) *chain {
	id := v.Chain().String()
	return &chain{v: v, asks: newGather(v), id: id, seed: maphash.MakeSeed(), contracts: map[string]*liveContract{}, status: ChainStatus{Chain: id}}
}

func (c *chain) holding(contract, account string) *holding {
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.WriteString(contract)
	h.WriteByte(0)
	h.WriteString(account)
	return &c.holdings[h.Sum64()%slots]
}

// use marks contract as named by a live rule and reports whether its transfers
// are certain to be seen.
func (c *chain) use(contract string, now time.Time) (covered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.contracts[contract]
	if l == nil {
		if len(c.contracts) >= maxContracts {
			return false
		}
		l = &liveContract{}
		c.contracts[contract] = l
	}
	l.used = now
	return c.following && l.listed && c.heads.Load() >= l.listedAt+2
}

// live is what the verifier's watch asks at each head.
func (c *chain) live(now time.Time) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, 0, len(c.contracts))
	for addr, l := range c.contracts {
		if now.Sub(l.used) > idleContract {
			delete(c.contracts, addr)
			continue
		}
		if !l.listed {
			l.listed, l.listedAt = true, c.heads.Load()
		}
		out = append(out, addr)
	}
	slices.Sort(out)
	return out
}

// void drops every answer that rests on the chain.
func (c *chain) void() {
	for i := range c.holdings {
		c.holdings[i].block.Store(0)
	}
	c.epoch.Add(1)
	c.heads.Add(1)
}

// apply takes in a change. Counters move before anyone is told.
func (c *chain) apply(ch Change) {
	if ch.Gap || ch.Removed {
		c.tell("")
	} else if ch.Contract == "" {
		c.tell(ch.Block.Hash)
	}
	if ch.Gap || ch.Contract != "" && len(ch.Accounts) == 0 {
		c.void()
		return
	}
	for _, a := range ch.Accounts {
		h := c.holding(ch.Contract, a)
		block := ch.Block.Number
		if ch.Removed {
			block = 0 // the chain that replaces it may be read at any height
		}
		h.block.Store(block)
		h.gen.Add(1)
	}
	if ch.Contract == "" || ch.Removed {
		c.heads.Add(1)
	}
}

// seen records that the chain answered, or did not.
func (c *chain) seen(now time.Time, head *Block, err error) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wasDown := c.down
	c.down = err != nil
	if err == nil {
		c.lastGood = now
		if head == nil {
			head = c.status.Head
		}
		c.status = ChainStatus{Chain: c.id, Head: head, Healthy: true, Seen: now}
	} else {
		c.status.Healthy, c.status.Error = false, "the chain does not answer"
	}
	return wasDown != c.down
}

func (c *chain) tell(head string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = head
}

// toldHead returns "" unless the chain is followed and its head is known.
func (c *chain) toldHead() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

func (c *chain) follow(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = ""
	c.following = on
	for _, l := range c.contracts {
		l.listed = false
	}
}

func (c *chain) state() (down, following bool, lastGood time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down, c.following, c.lastGood
}

// mayAsk spaces the calls to a chain that is down, so that ten thousand watches
// of a dead chain cost one call a second.
func (c *chain) mayAsk(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down && now.Sub(c.lastTried) < time.Second {
		return false
	}
	c.lastTried = now
	return true
}

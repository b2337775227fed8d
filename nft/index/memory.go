package index

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

var _ Store = (*Memory)(nil)

// Memory is a Store that forgets when the process ends.
type Memory struct {
	mu     sync.Mutex
	chains map[string]*memoryChain
}

type memoryChain struct {
	state     State // Contracts unused
	contracts map[string]Contract
	values    map[Key]string
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{chains: map[string]*memoryChain{}} }

func (m *Memory) chain(name string) *memoryChain {
	c := m.chains[name]
	if c == nil {
		c = &memoryChain{contracts: map[string]Contract{}, values: map[Key]string{}}
		m.chains[name] = c
	}
	return c
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context, chain string) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return State{}, fault.Wrap(fault.Canceled, "index.Load", err)
	}
	c := m.chain(chain)
	s := c.state
	for _, one := range c.contracts {
		s.Contracts = append(s.Contracts, one)
	}
	slices.SortFunc(s.Contracts, func(a, b Contract) int { return cmp.Compare(a.Address, b.Address) })
	return s, nil
}

// Want implements Store.
func (m *Memory) Want(ctx context.Context, chain string, contracts []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "index.Want", err)
	}
	c := m.chain(chain)
	for _, address := range contracts {
		if _, known := c.contracts[address]; !known {
			c.contracts[address] = Contract{Address: address, Status: Wanted}
		}
	}
	return nil
}

// Apply implements Store.
func (m *Memory) Apply(ctx context.Context, chain string, s Step) error {
	const op = "index.Apply"
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	c := m.chain(chain)
	if c.state.Revision != s.Revision {
		return fault.New(fault.Conflict, op, "the index has been changed meanwhile")
	}
	sums := make(map[Key]string, len(s.Amounts))
	for k, by := range s.Amounts {
		old := c.values[k]
		if slices.Contains(s.Drop, k.Contract) {
			old = ""
		}
		sum, err := Add(old, by)
		if err != nil {
			return err
		}
		sums[k] = sum
	}
	c.state.Revision++
	if s.Base != nil {
		c.state.Base = *s.Base
	}
	if s.Withdraw {
		c.state.Generation++
	}
	for k := range c.values {
		if slices.Contains(s.Drop, k.Contract) {
			delete(c.values, k)
		}
	}
	for _, one := range s.Contracts {
		c.contracts[one.Address] = one
	}
	for k, v := range sums {
		c.values[k] = v
	}
	for k, owner := range s.Owners {
		c.values[k] = owner
	}
	return nil
}

// Add returns the decimal sum of a value, which may be empty, and an amount. A value that is no
// number is fault.Corrupt. Stores call it.
func Add(value string, by *big.Int) (string, error) {
	sum := new(big.Int)
	if value != "" {
		if _, ok := sum.SetString(value, 10); !ok {
			return "", fault.New(fault.Corrupt, "index.Add", "the value is no number")
		}
	}
	return sum.Add(sum, by).String(), nil
}

// Values implements Store.
func (m *Memory) Values(ctx context.Context, chain string, keys []Key) (Mark, []string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Mark{}, nil, fault.Wrap(fault.Canceled, "index.Values", err)
	}
	c := m.chain(chain)
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = c.values[k]
	}
	return Mark{c.state.Generation, c.state.Base.Number, c.state.Base.Hash}, out, nil
}

// Sample implements Store.
func (m *Memory) Sample(ctx context.Context, chain, contract string, limit int) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "index.Sample", err)
	}
	var owners, amounts []Key
	for k := range m.chain(chain).values { // in another order each time
		switch {
		case k.Contract != contract:
		case k.Account == "" && len(owners) < limit:
			owners = append(owners, k)
		case k.Account != "" && len(amounts) < limit:
			amounts = append(amounts, k)
		}
	}
	// Half of each, and more of one where the other has fewer.
	few := min(len(owners), max(limit/2, limit-len(amounts)))
	return append(owners[:few:few], amounts[:min(len(amounts), limit-few)]...), nil
}

// Package passtest holds what tests of issuing passes need: a Store in memory, the suite that every pass.Store must
// pass, and a scripted chain.
package passtest

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// Memory is a pass.Store in memory, for tests: what it keeps is gone with the process.
type Memory struct {
	mu     sync.Mutex
	orders map[string][]byte // by tenant and ID, as JSON, so that nobody shares memory with a record
}

var _ pass.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{orders: map[string][]byte{}} }

func name(tenant, id string) string { return tenant + "\x00" + id }

func (m *Memory) all() (out []pass.Order) {
	for _, b := range m.orders {
		var o pass.Order
		_ = json.Unmarshal(b, &o) // what it wrote itself
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b pass.Order) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (m *Memory) put(o pass.Order) {
	b, _ := json.Marshal(o) // plain data
	m.orders[name(o.Tenant, o.ID)] = b
}

func (m *Memory) get(tenant, id string) (pass.Order, error) {
	var o pass.Order
	b, ok := m.orders[name(tenant, id)]
	if !ok {
		return o, fault.New(fault.NotFound, "passtest.Memory", "there is no such order")
	}
	return o, json.Unmarshal(b, &o)
}

func ended(ctx context.Context) error {
	return fault.Wrap(fault.Canceled, "passtest.Memory", ctx.Err())
}

// Insert implements pass.Store.
func (m *Memory) Insert(ctx context.Context, o pass.Order) (pass.Order, bool, error) {
	if err := ended(ctx); err != nil {
		return pass.Order{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, old := range m.all() {
		if old.Tenant == o.Tenant && old.Owner == o.Owner && old.Key == o.Key {
			return old, false, nil
		}
	}
	m.put(o)
	kept, err := m.get(o.Tenant, o.ID)
	return kept, true, err
}

// Order implements pass.Store.
func (m *Memory) Order(ctx context.Context, tenant, id string) (pass.Order, error) {
	if err := ended(ctx); err != nil {
		return pass.Order{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(tenant, id)
}

// Orders implements pass.Store.
func (m *Memory) Orders(ctx context.Context, tenant string, opt pass.ListOptions) ([]pass.Order, string, error) {
	if err := ended(ctx); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	limit := opt.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	var out []pass.Order
	for _, o := range slices.Backward(m.all()) {
		switch {
		case o.Tenant != tenant, opt.Owner != "" && o.Owner != opt.Owner, opt.Act != "" && o.Act != opt.Act, opt.Pass != "" && o.Pass != opt.Pass,
			opt.Key != "" && o.Key != opt.Key, opt.Open && o.State.Final(), opt.Cursor != "" && o.ID >= opt.Cursor:
			continue
		}
		if len(out) == limit {
			return out, out[limit-1].ID, nil
		}
		out = append(out, o)
	}
	return out, "", nil
}

// Change implements pass.Store.
func (m *Memory) Change(ctx context.Context, tenant, id string, change func(*pass.Order) error) (pass.Order, error) {
	if err := ended(ctx); err != nil {
		return pass.Order{}, err
	}
	for range 1000 {
		m.mu.Lock()
		before := m.orders[name(tenant, id)]
		o, err := m.get(tenant, id)
		m.mu.Unlock()
		if err != nil {
			return pass.Order{}, err
		}
		if err := change(&o); err != nil {
			return pass.Order{}, err
		}
		m.mu.Lock()
		if won := bytes.Equal(before, m.orders[name(tenant, id)]); won {
			m.put(o)
			o, err = m.get(tenant, id)
			m.mu.Unlock()
			return o, err
		}
		m.mu.Unlock()
	}
	return pass.Order{}, fault.New(fault.Unavailable, "passtest.Memory", "too many changes at once")
}

// Work implements pass.Numbers.
func (m *Memory) Work(ctx context.Context, chain, after string, limit int) ([]pass.Order, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []pass.Order
	for _, o := range m.all() {
		if o.Working() && o.Chain.String() == chain && o.ID > after && len(out) < limit {
			out = append(out, o)
		}
	}
	return out, nil
}

// Number implements pass.Numbers.
func (m *Memory) Number(ctx context.Context, tenant, id string, base uint64) (pass.Order, error) {
	if err := ended(ctx); err != nil {
		return pass.Order{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.get(tenant, id)
	if err != nil || o.Nonce != nil {
		return o, err
	}
	taken := map[uint64]bool{}
	for _, other := range m.all() {
		if other.Nonce != nil && !other.Wallet && other.Chain == o.Chain && other.Sender == o.Sender {
			taken[*other.Nonce] = true
		}
	}
	for taken[base] {
		base++
	}
	o.Nonce = &base
	m.put(o)
	return m.get(tenant, id)
}

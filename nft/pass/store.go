package pass

import "context"

// ListOptions selects orders of a tenant. The zero value is all, oldest last.
type ListOptions struct {
	Owner string
	Act   Act
	// Pass selects the mints of a pass, Key the order with that key.
	Pass, Key string
	// Open selects orders that are not final.
	Open bool
	// Limit defaults to 50 and is at most 200.
	Limit  int
	Cursor string
}

// Store keeps orders. Whatever has been returned without an error survives a crash. Orders are of their tenant: an ID of
// another tenant is fault.NotFound. IDs sort by age. All methods are safe for concurrent use, from several processes.
type Store interface {
	// Insert keeps a new order. When the owner has one with the same Key, it returns that and false and keeps nothing.
	Insert(ctx context.Context, o Order) (Order, bool, error)
	// Order returns one order.
	Order(ctx context.Context, tenant, id string) (Order, error)
	// Orders returns a page, newest first, and the cursor of the next, empty at the end.
	Orders(ctx context.Context, tenant string, opt ListOptions) ([]Order, string, error)
	// Change applies change to the newest record and keeps the result, at once or not at all: a change that met
	// another is applied anew. An error of change is returned as it is and keeps nothing.
	Change(ctx context.Context, tenant, id string, change func(*Order) error) (Order, error)
	Numbers
}

// Numbers is the part of a Store that spans tenants: what is to be done on a chain, and the numbers of its senders.
type Numbers interface {
	// Work returns up to limit orders of a chain that are Working, of every tenant, by ID, after the ID given.
	Work(ctx context.Context, chain, after string, limit int) ([]Order, error)
	// Number gives an order the lowest number from base on that no order of the same chain and sender has, and keeps it. An order
	// that has one keeps it. Of orders that are numbered at the same time none gets the number of another.
	Number(ctx context.Context, tenant, id string, base uint64) (Order, error)
}

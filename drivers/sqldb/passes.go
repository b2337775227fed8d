package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

var _ pass.Store = (*Passes)(nil)

// Passes keeps the orders of passes.
type Passes struct{ db *DB }

// Passes returns the store of pass orders of d.
func (d *DB) Passes() *Passes { return &Passes{db: d} }

// The reasons of everyTenant for pass orders: the platform's signers are numbered over all tenants.
const byNumbering = "numbering"

func orderOf(op string, row scanner) (pass.Order, int64, error) {
	var o pass.Order
	var doc string
	var rev int64
	if err := row.Scan(&doc, &rev); err != nil {
		return o, 0, wrap(op, err)
	}
	return o, rev, decode(op, doc, &o)
}

// numberColumn is the number the database keeps apart, nil where it keeps none.
func numberColumn(op string, o pass.Order) (any, error) {
	if o.Nonce == nil || o.Wallet {
		return nil, nil
	}
	if *o.Nonce > math.MaxInt64 {
		return nil, fault.Newf(fault.Invalid, op, "the number %d is too large", *o.Nonce)
	}
	return int64(*o.Nonce), nil
}

// Insert implements pass.Store.
func (p *Passes) Insert(ctx context.Context, o pass.Order) (pass.Order, bool, error) {
	const op = "sqldb.Passes.Insert"
	ctx = ofTenant(ctx, o.Tenant)
	doc, err := encode(op, o)
	if err != nil {
		return pass.Order{}, false, err
	}
	nonce, err := numberColumn(op, o)
	if err != nil {
		return pass.Order{}, false, err
	}
	res, err := p.db.write.ExecContext(ctx, p.db.bind(`INSERT INTO pass_orders (id, tenant, owner, client_key, act, pass, chain, sender, nonce, work, final, doc, rev)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (tenant, owner, client_key) DO NOTHING`),
		o.ID, o.Tenant, o.Owner, o.Key, string(o.Act), o.Pass, o.Chain.String(), o.Sender, nonce, flag(o.Working()), flag(o.State.Final()), doc)
	if err != nil {
		return pass.Order{}, false, wrap(op, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return o, err == nil, wrap(op, err)
	}
	old, _, err := orderOf(op, p.db.write.QueryRowContext(ctx, p.db.bind(`SELECT doc, rev FROM pass_orders WHERE tenant = ? AND owner = ? AND client_key = ?`), o.Tenant, o.Owner, o.Key))
	return old, false, err
}

// Order implements pass.Store.
func (p *Passes) Order(ctx context.Context, tenant, id string) (pass.Order, error) {
	o, _, err := p.order(ofTenant(ctx, tenant), p.db.read, tenant, id)
	return o, err
}

func (p *Passes) order(ctx context.Context, q querier, tenant, id string) (pass.Order, int64, error) {
	const op = "sqldb.Passes.Order"
	o, rev, err := orderOf(op, q.QueryRowContext(ctx, p.db.bind(`SELECT doc, rev FROM pass_orders WHERE tenant = ? AND id = ?`), tenant, id))
	if errors.Is(err, sql.ErrNoRows) {
		return o, 0, fault.New(fault.NotFound, op, "there is no such order")
	}
	return o, rev, err
}

// Orders implements pass.Store. Ids sort by age, so the last id is the cursor.
func (p *Passes) Orders(ctx context.Context, tenant string, opt pass.ListOptions) ([]pass.Order, string, error) {
	const op = "sqldb.Passes.Orders"
	ctx = ofTenant(ctx, tenant)
	where, args := []string{"tenant = ?"}, []any{tenant}
	and := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	for column, value := range map[string]string{"owner": opt.Owner, "act": string(opt.Act), "pass": opt.Pass, "client_key": opt.Key} {
		if value != "" {
			and(column+" = ?", value)
		}
	}
	if opt.Open {
		and("final = ?", 0)
	}
	if opt.Cursor != "" {
		and("id < ?", opt.Cursor)
	}
	limit := opt.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	rows, err := p.db.read.QueryContext(ctx, p.db.bind(`SELECT doc, rev FROM pass_orders WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT ?`), append(args, limit+1)...) // #nosec G202 -- columns of ours
	if err != nil {
		return nil, "", wrap(op, err)
	}
	list, err := collect(op, rows, func(r *sql.Rows) (pass.Order, error) { o, _, err := orderOf(op, r); return o, err })
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	return list[:limit], list[limit-1].ID, nil
}

// Change implements pass.Store.
func (p *Passes) Change(ctx context.Context, tenant, id string, change func(*pass.Order) error) (pass.Order, error) {
	const op = "sqldb.Passes.Change"
	ctx = ofTenant(ctx, tenant)
	for range maxRaces {
		o, rev, err := p.order(ctx, p.db.write, tenant, id)
		if err != nil {
			return pass.Order{}, err
		}
		if err := change(&o); err != nil {
			return pass.Order{}, err
		}
		won, err := p.keep(ctx, op, p.db.write, o, rev)
		if err != nil {
			return pass.Order{}, err
		}
		if won {
			return o, nil
		}
	}
	return pass.Order{}, fault.New(fault.Unavailable, op, "too many changes at once; try again")
}

// keep stores o if nobody has changed it since rev.
func (p *Passes) keep(ctx context.Context, op string, q querier, o pass.Order, rev int64) (bool, error) {
	doc, err := encode(op, o)
	if err != nil {
		return false, err
	}
	nonce, err := numberColumn(op, o)
	if err != nil {
		return false, err
	}
	res, err := q.ExecContext(ctx, p.db.bind(`UPDATE pass_orders SET nonce = ?, work = ?, final = ?, doc = ?, rev = rev + 1 WHERE tenant = ? AND id = ? AND rev = ?`),
		nonce, flag(o.Working()), flag(o.State.Final()), doc, o.Tenant, o.ID, rev)
	if err != nil {
		return false, wrap(op, err)
	}
	n, err := res.RowsAffected()
	return n == 1, wrap(op, err)
}

// Work implements pass.Numbers.
func (p *Passes) Work(ctx context.Context, chain, after string, limit int) ([]pass.Order, error) {
	const op = "sqldb.Passes.Work"
	ctx = everyTenant(ctx, byReconcile)
	rows, err := p.db.read.QueryContext(ctx, p.db.bind(`SELECT doc, rev FROM pass_orders WHERE chain = ? AND work = 1 AND id > ? ORDER BY id LIMIT ?`), chain, after, limit)
	if err != nil {
		return nil, wrap(op, err)
	}
	return collect(op, rows, func(r *sql.Rows) (pass.Order, error) { o, _, err := orderOf(op, r); return o, err })
}

// Number implements pass.Numbers. The sender's row is held meanwhile, so that numbers are given out one after the other by
// however many processes; the index refuses a double in any case.
func (p *Passes) Number(ctx context.Context, tenant, id string, base uint64) (pass.Order, error) {
	const op = "sqldb.Passes.Number"
	if base > math.MaxInt64/2 {
		return pass.Order{}, fault.Newf(fault.Invalid, op, "the number %d is too large", base)
	}
	// In the tenant's own scope: the numbers alone are asked for over all tenants.
	o, err := p.Order(ctx, tenant, id)
	if err != nil || o.Nonce != nil {
		return o, err
	}
	ctx = everyTenant(ctx, byNumbering)
	var out pass.Order
	err = p.db.tx(ctx, func(q querier) error {
		if _, err := q.ExecContext(ctx, p.db.bind(`INSERT INTO pass_senders (chain, sender, given) VALUES (?, ?, 1)
			ON CONFLICT (chain, sender) DO UPDATE SET given = pass_senders.given + 1`), o.Chain.String(), o.Sender); err != nil {
			return wrap(op, err)
		}
		o, rev, err := p.order(ctx, q, tenant, id) // as it is now that the row is held
		if err != nil || o.Nonce != nil {
			out = o
			return err
		}
		free, err := p.free(ctx, q, o, base)
		if err != nil {
			return err
		}
		o.Nonce = &free
		won, err := p.keep(ctx, op, q, o, rev)
		if err == nil && !won {
			return fault.New(fault.Unavailable, op, "the order was changed meanwhile; try again")
		}
		out = o
		return err
	})
	if err != nil {
		return pass.Order{}, fault.At(op, err)
	}
	return out, nil
}

// free returns the lowest number from base on that no order of the sender holds.
func (p *Passes) free(ctx context.Context, q querier, o pass.Order, base uint64) (uint64, error) {
	const op = "sqldb.Passes.free"
	rows, err := q.QueryContext(ctx, p.db.bind(`SELECT nonce FROM pass_orders WHERE chain = ? AND sender = ? AND nonce >= ? ORDER BY nonce`), o.Chain.String(), o.Sender, int64(base)) // #nosec G115 -- bounded above
	if err != nil {
		return 0, wrap(op, err)
	}
	taken, err := collect(op, rows, func(r *sql.Rows) (n uint64, err error) { return n, wrap(op, r.Scan(&n)) })
	for _, n := range taken {
		if n != base {
			break
		}
		base++
	}
	return base, err
}

// Forget removes every order of a chain, of every tenant: those of a development chain that begins anew at each start.
func (p *Passes) Forget(ctx context.Context, chain string) error {
	ctx = everyTenant(ctx, bySweep)
	_, err := p.db.write.ExecContext(ctx, p.db.bind(`DELETE FROM pass_orders WHERE chain = ?`), chain)
	return wrap("sqldb.Passes.Forget", err)
}

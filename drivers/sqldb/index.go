package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/index"
)

var _ index.Store = (*Index)(nil)

// Index keeps the ownership index. Its rows are the chains' and of no tenant, so that there is no
// wall round them, and no scope is needed.
type Index struct{ db *DB }

// Index returns the index.Store of d.
func (d *DB) Index() *Index { return &Index{d} }

// indexRows is how many rows a statement of the index names.
const indexRows = 200

// canceled tells an ended context from a database that does not answer.
func canceled(ctx context.Context, op string, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	return err
}

// Load implements index.Store.
func (s *Index) Load(ctx context.Context, chain string) (index.State, error) {
	const op = "sqldb.Index.Load"
	state, err := s.load(ctx, chain)
	return state, canceled(ctx, op, fault.At(op, err))
}

// load reads the contracts before and after the chain's row, so that it is of the same revision: a step that comes
// between shows as another one, and is waited for.
func (s *Index) load(ctx context.Context, chain string) (index.State, error) {
	for try := 0; ; try++ {
		before, err := s.chain(ctx, chain)
		if err != nil {
			return index.State{}, err
		}
		contracts, err := s.contracts(ctx, chain)
		if err != nil {
			return index.State{}, err
		}
		after, err := s.chain(ctx, chain)
		if err != nil {
			return index.State{}, err
		}
		if before.Revision == after.Revision {
			after.Contracts = contracts
			return after, nil
		}
		if try == maxTxTries {
			return index.State{}, fault.New(fault.Unavailable, "sqldb.Index.load", "the index changes too fast to be read")
		}
	}
}

func (s *Index) chain(ctx context.Context, chain string) (index.State, error) {
	var st index.State
	var number, at int64
	err := s.db.read.QueryRowContext(ctx, s.db.bind(`SELECT revision, generation, base_number, base_hash, base_time FROM index_chains WHERE chain = ?`), chain).
		Scan(&st.Revision, &st.Generation, &number, &st.Base.Hash, &at)
	if err != nil {
		if err = wrap("sqldb.Index.chain", err); fault.KindOf(err) == fault.NotFound {
			err = nil
		}
		return index.State{}, err
	}
	st.Base.Number, st.Base.Time = uint64(number), fromMillis(at)
	return st, nil
}

func (s *Index) contracts(ctx context.Context, chain string) ([]index.Contract, error) {
	const op = "sqldb.Index.contracts"
	rows, err := s.db.read.QueryContext(ctx, s.db.bind(`SELECT contract, kind, status, reason, next_block, first_block, events
		FROM index_contracts WHERE chain = ?`), chain)
	if err != nil {
		return nil, wrap(op, err)
	}
	out, err := collect(op, rows, func(rows *sql.Rows) (c index.Contract, err error) {
		var next, first, events int64
		err = rows.Scan(&c.Address, &c.Kind, &c.Status, &c.Reason, &next, &first, &events)
		c.Next, c.First, c.Events = uint64(next), uint64(first), uint64(events)
		return c, wrap(op, err)
	})
	slices.SortFunc(out, func(a, b index.Contract) int { return cmp.Compare(a.Address, b.Address) })
	return out, err
}

// Want implements index.Store.
func (s *Index) Want(ctx context.Context, chain string, contracts []string) error {
	const op = "sqldb.Index.Want"
	for some := range slices.Chunk(contracts, indexRows) {
		var args []any
		for _, c := range some {
			args = append(args, chain, c, "", string(index.Wanted), "", 0, 0, 0)
		}
		_, err := s.db.write.ExecContext(ctx, s.db.bind(insertContracts+tuples(8, len(some))+` ON CONFLICT (chain, contract) DO NOTHING`), args...)
		if err != nil {
			return canceled(ctx, op, wrap(op, err))
		}
	}
	return canceled(ctx, op, ctx.Err())
}

const insertContracts = `INSERT INTO index_contracts (chain, contract, kind, status, reason, next_block, first_block, events) VALUES `

// tuples returns n groups of placeholders.
func tuples(width, n int) string {
	one := "(" + places(width) + ")"
	return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
}

// Apply implements index.Store.
func (s *Index) Apply(ctx context.Context, chain string, step index.Step) error {
	const op = "sqldb.Index.Apply"
	err := s.db.tx(ctx, func(q querier) error {
		if err := s.advance(ctx, q, chain, step); err != nil {
			return err
		}
		for _, c := range step.Drop {
			if _, err := q.ExecContext(ctx, s.db.bind(`DELETE FROM index_values WHERE chain = ? AND contract = ?`), chain, c); err != nil {
				return wrap(op, err)
			}
		}
		if err := s.putContracts(ctx, q, chain, step.Contracts); err != nil {
			return err
		}
		values, err := s.added(ctx, q, chain, step.Amounts)
		if err != nil {
			return err
		}
		for k, owner := range step.Owners {
			values[k] = owner
		}
		return s.putValues(ctx, q, chain, values)
	})
	return canceled(ctx, op, fault.At(op, err))
}

// advance makes the revision one greater if it is the step's, and holds the chain's row.
func (s *Index) advance(ctx context.Context, q querier, chain string, step index.Step) error {
	const op = "sqldb.Index.advance"
	if step.Revision == 0 {
		_, err := q.ExecContext(ctx, s.db.bind(`INSERT INTO index_chains (chain, revision, generation, base_number, base_hash, base_time)
			VALUES (?, 0, 0, 0, '', 0) ON CONFLICT (chain) DO NOTHING`), chain)
		if err != nil {
			return wrap(op, err)
		}
	}
	set, args := `revision = revision + 1`, []any{}
	if step.Withdraw {
		set += `, generation = generation + 1`
	}
	if b := step.Base; b != nil {
		set += `, base_number = ?, base_hash = ?, base_time = ?`
		args = append(args, int64(b.Number), b.Hash, millis(b.Time))
	}
	res, err := q.ExecContext(ctx, s.db.bind(`UPDATE index_chains SET `+set+` WHERE chain = ? AND revision = ?`), append(args, chain, step.Revision)...)
	if err != nil {
		return wrap(op, err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		if err == nil {
			err = fault.New(fault.Conflict, op, "the index has been changed meanwhile")
		}
		return err
	}
	return nil
}

func (s *Index) putContracts(ctx context.Context, q querier, chain string, contracts []index.Contract) error {
	for some := range slices.Chunk(contracts, indexRows) {
		var args []any
		for _, c := range some {
			args = append(args, chain, c.Address, string(c.Kind), string(c.Status), c.Reason, int64(c.Next), int64(c.First), int64(c.Events))
		}
		_, err := q.ExecContext(ctx, s.db.bind(insertContracts+tuples(8, len(some))+` ON CONFLICT (chain, contract) DO UPDATE SET kind = excluded.kind,
			status = excluded.status, reason = excluded.reason, next_block = excluded.next_block, first_block = excluded.first_block, events = excluded.events`), args...)
		if err != nil {
			return wrap("sqldb.Index.putContracts", err)
		}
	}
	return nil
}

// added returns the sums of what there is and the amounts.
func (s *Index) added(ctx context.Context, q querier, chain string, amounts map[index.Key]*big.Int) (map[index.Key]string, error) {
	keys := make([]index.Key, 0, len(amounts))
	for k := range amounts {
		keys = append(keys, k)
	}
	old := make(map[index.Key]string, len(keys))
	for some := range slices.Chunk(keys, indexRows) {
		if _, err := s.look(ctx, q, chain, some, old); err != nil {
			return nil, err
		}
	}
	for k, by := range amounts {
		sum, err := index.Add(old[k], by)
		if err != nil {
			return nil, err
		}
		old[k] = sum
	}
	return old, nil
}

func (s *Index) putValues(ctx context.Context, q querier, chain string, values map[index.Key]string) error {
	keys := make([]index.Key, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	// In one order, so that the pages of the table are visited in turn.
	slices.SortFunc(keys, func(a, b index.Key) int {
		return cmp.Or(cmp.Compare(a.Contract, b.Contract), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Token, b.Token))
	})
	for some := range slices.Chunk(keys, indexRows) {
		args := make([]any, 0, 5*len(some))
		for _, k := range some {
			args = append(args, chain, k.Contract, k.Account, k.Token, values[k])
		}
		_, err := q.ExecContext(ctx, s.db.bind(`INSERT INTO index_values (chain, contract, account, token, value) VALUES `+tuples(5, len(some))+`
			ON CONFLICT (chain, contract, account, token) DO UPDATE SET value = excluded.value`), args...)
		if err != nil {
			return wrap("sqldb.Index.putValues", err)
		}
	}
	return nil
}

// look reads values into found, in one statement, which is of one state, and returns its mark.
func (s *Index) look(ctx context.Context, q querier, chain string, keys []index.Key, found map[index.Key]string) (index.Mark, error) {
	const op = "sqldb.Index.look"
	args := make([]any, 0, 3*len(keys)+1)
	for _, k := range keys {
		args = append(args, k.Contract, k.Account, k.Token)
	}
	rows, err := q.QueryContext(ctx, s.db.bind(`WITH k (contract, account, token) AS (VALUES `+tuples(3, len(keys))+`)
		SELECT c.generation, c.base_number, c.base_hash, k.contract, k.account, k.token, v.value
		FROM index_chains c CROSS JOIN k LEFT JOIN index_values v
			ON v.chain = c.chain AND v.contract = k.contract AND v.account = k.account AND v.token = k.token
		WHERE c.chain = ?`), append(args, chain)...)
	if err != nil {
		return index.Mark{}, wrap(op, err)
	}
	var mark index.Mark
	_, err = collect(op, rows, func(rows *sql.Rows) (none struct{}, err error) {
		var k index.Key
		var number int64
		var value sql.NullString
		if err := rows.Scan(&mark.Generation, &number, &mark.Hash, &k.Contract, &k.Account, &k.Token, &value); err != nil {
			return none, wrap(op, err)
		}
		mark.Number = uint64(number)
		if value.Valid {
			found[k] = value.String
		}
		return none, nil
	})
	return mark, err
}

// Values implements index.Store.
func (s *Index) Values(ctx context.Context, chain string, keys []index.Key) (index.Mark, []string, error) {
	const op = "sqldb.Index.Values"
	found := make(map[index.Key]string, len(keys))
	var mark index.Mark
	for i, some := range slices.Collect(slices.Chunk(keys, indexRows)) {
		m, err := s.look(ctx, s.db.read, chain, some, found)
		if err != nil {
			return index.Mark{}, nil, canceled(ctx, op, fault.At(op, err))
		}
		if i > 0 && m != mark {
			return index.Mark{}, nil, fault.New(fault.Conflict, op, "the index changed meanwhile")
		}
		mark = m
	}
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = found[k]
	}
	return mark, out, nil
}

// Sample implements index.Store.
func (s *Index) Sample(ctx context.Context, chain, contract string, limit int) ([]index.Key, error) {
	const op = "sqldb.Index.Sample"
	// Owners begin at some token, accounts at some address; what is missing at the end comes from the beginning.
	owners := `account = '' AND token >= ?`
	accounts := `account >= ? AND account <> ''`
	var out []index.Key
	for _, part := range []struct {
		where, from string
		limit       int
	}{
		{owners, strconv.Itoa(rand.IntN(100)), limit / 2},
		{owners, "", limit / 2},
		{accounts, "0x" + strconv.FormatUint(rand.Uint64()|1<<60, 16), limit},
		{accounts, "", limit},
	} {
		rows, err := s.db.read.QueryContext(ctx, s.db.bind(`SELECT account, token FROM index_values WHERE chain = ? AND contract = ? AND `+part.where+`
			ORDER BY account, token LIMIT ?`), chain, contract, part.from, limit)
		if err != nil {
			return nil, canceled(ctx, op, wrap(op, err))
		}
		some, err := collect(op, rows, func(rows *sql.Rows) (k index.Key, err error) {
			k.Contract = contract
			return k, wrap(op, rows.Scan(&k.Account, &k.Token))
		})
		if err != nil {
			return nil, canceled(ctx, op, err)
		}
		for _, k := range some {
			if len(out) < part.limit && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out, nil
}

package sqldb

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
)

var _ keys.ScopeStore = (*Keys)(nil)

// Keys keeps the wrapped scope keys of keys.Shared.
type Keys struct{ db *DB }

// Keys returns the store of scope keys of d.
func (d *DB) Keys() *Keys { return &Keys{db: d} }

const scopeColumns = `scope, master, wrapped, shredded_at, revision`

func scanScope(row interface{ Scan(dest ...any) error }) (keys.ScopeRecord, error) {
	const op = "sqldb.scanScope"
	var rec keys.ScopeRecord
	var wrapped string
	var shredded int64
	if err := row.Scan(&rec.Scope, &rec.Master, &wrapped, &shredded, &rec.Revision); err != nil {
		return keys.ScopeRecord{}, wrap(op, err)
	}
	var err error
	if rec.Wrapped, err = base64.StdEncoding.DecodeString(wrapped); err != nil {
		return keys.ScopeRecord{}, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the key of scope " + rec.Scope + " is damaged", Err: err}
	}
	rec.Shredded = fromMillis(shredded)
	return rec, nil
}

// Get implements keys.ScopeStore.
func (s *Keys) Get(ctx context.Context, scope string) (keys.ScopeRecord, error) {
	row := s.db.read.QueryRowContext(ctx, s.db.bind(`SELECT `+scopeColumns+` FROM key_scopes WHERE scope = ?`), scope)
	rec, err := scanScope(row)
	return rec, fault.At("sqldb.Keys.Get", err)
}

// Put implements keys.ScopeStore.
func (s *Keys) Put(ctx context.Context, rec keys.ScopeRecord) error {
	const op = "sqldb.Keys.Put"
	if !rec.Shredded.IsZero() {
		_, err := s.db.write.ExecContext(ctx, s.db.bind(`INSERT INTO key_scopes (`+scopeColumns+`) VALUES (?, '', '', ?, 1)
			ON CONFLICT (scope) DO UPDATE SET master = '', wrapped = '', shredded_at = excluded.shredded_at, revision = key_scopes.revision + 1
			WHERE key_scopes.shredded_at = 0`), rec.Scope, millis(rec.Shredded))
		return wrap(op, err)
	}
	err := s.db.tx(ctx, func(q querier) error {
		// The update changes nothing: it holds the row, so that the current version stays
		// what it is until this transaction is over, and a listing that
		// comes after a change of version sees what was stored before it.
		if err := one(q.ExecContext(ctx, s.db.bind(`UPDATE key_versions SET revision = revision WHERE id = 1 AND current_version = ?`), rec.Master)); err != nil {
			return err
		}
		wrapped := base64.StdEncoding.EncodeToString(rec.Wrapped)
		if rec.Revision == 0 {
			return one(q.ExecContext(ctx, s.db.bind(`INSERT INTO key_scopes (`+scopeColumns+`) VALUES (?, ?, ?, 0, 1)
				ON CONFLICT (scope) DO NOTHING`), rec.Scope, rec.Master, wrapped))
		}
		return one(q.ExecContext(ctx, s.db.bind(`UPDATE key_scopes SET master = ?, wrapped = ?, revision = revision + 1
			WHERE scope = ? AND revision = ? AND shredded_at = 0`), rec.Master, wrapped, rec.Scope, rec.Revision))
	})
	return fault.At(op, err)
}

// one wants a statement to have changed a row; it is a conflict if it did not.
func one(res sql.Result, err error) error {
	const op = "sqldb.one"
	if err != nil {
		return wrap(op, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return fault.New(fault.Conflict, op, "the keys have been changed meanwhile")
	}
	return wrap(op, err)
}

// Stale implements keys.ScopeStore.
func (s *Keys) Stale(ctx context.Context, current, after string, limit int) ([]keys.ScopeRecord, error) {
	const op = "sqldb.Keys.Stale"
	rows, err := s.db.read.QueryContext(ctx, s.db.bind(`SELECT `+scopeColumns+` FROM key_scopes
		WHERE scope > ? AND shredded_at = 0 AND master <> ? ORDER BY scope LIMIT ?`), after, current, limit)
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	var page []keys.ScopeRecord
	for rows.Next() {
		rec, err := scanScope(rows)
		if err != nil {
			return nil, fault.At(op, err)
		}
		page = append(page, rec)
	}
	return page, wrap(op, rows.Err())
}

// Versions implements keys.ScopeStore.
func (s *Keys) Versions(ctx context.Context) (keys.Versions, error) {
	const op = "sqldb.Keys.Versions"
	var v keys.Versions
	var old string
	err := s.db.read.QueryRowContext(ctx, s.db.bind(`SELECT current_version, old_versions, revision FROM key_versions WHERE id = 1`)).
		Scan(&v.Current, &old, &v.Revision)
	if err != nil {
		return keys.Versions{}, wrap(op, err)
	}
	if err := json.Unmarshal([]byte(old), &v.Old); err != nil {
		return keys.Versions{}, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
	}
	return v, nil
}

// SetVersions implements keys.ScopeStore.
func (s *Keys) SetVersions(ctx context.Context, v keys.Versions) error {
	const op = "sqldb.Keys.SetVersions"
	old, err := json.Marshal(v.Old)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	if v.Revision == 0 {
		err = one(s.db.write.ExecContext(ctx, s.db.bind(`INSERT INTO key_versions (id, current_version, old_versions, revision)
			VALUES (1, ?, ?, 1) ON CONFLICT (id) DO NOTHING`), v.Current, string(old)))
		return fault.At(op, err)
	}
	err = one(s.db.write.ExecContext(ctx, s.db.bind(`UPDATE key_versions SET current_version = ?, old_versions = ?, revision = revision + 1
		WHERE id = 1 AND revision = ?`), v.Current, string(old), v.Revision))
	return fault.At(op, err)
}

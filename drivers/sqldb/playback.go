package sqldb

import (
	"context"
	"encoding/json"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
)

var _ playback.Store = (*Playback)(nil)

// Playback keeps the grants of viewings. A token is found by its hash alone, which
// is unguessable, so it is the hash that opens the row's wall on PostgreSQL.
type Playback struct{ db *DB }

// Playback returns the playback store of d.
func (d *DB) Playback() *Playback { return &Playback{db: d} }

// Insert implements playback.Store.
func (s *Playback) Insert(ctx context.Context, r playback.Record) error {
	ctx = ofTenant(ctx, r.Tenant)
	const op = "sqldb.Playback.Insert"
	accounts, err := json.Marshal(r.Accounts)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	owner := 0
	if r.Owner {
		owner = 1
	}
	_, err = s.db.write.ExecContext(ctx, s.db.bind(`INSERT INTO playback_grants
		(token_hash, tenant, asset_id, version, user_id, session_id, accounts, owner, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
		r.Hash, r.Tenant, r.AssetID, r.Version, r.UserID, r.SessionID, string(accounts), owner, millis(r.CreatedAt), millis(r.ExpiresAt))
	return wrap(op, err)
}

// Get implements playback.Store.
func (s *Playback) Get(ctx context.Context, hash string) (playback.Record, error) {
	ctx = ofRow(ctx, hash)
	const op = "sqldb.Playback.Get"
	r := playback.Record{Hash: hash}
	var accounts string
	var owner, created, expires int64
	err := s.db.read.QueryRowContext(ctx, s.db.bind(`SELECT tenant, asset_id, version, user_id, session_id, accounts, owner, created_at, expires_at
		FROM playback_grants WHERE token_hash = ?`), hash).
		Scan(&r.Tenant, &r.AssetID, &r.Version, &r.UserID, &r.SessionID, &accounts, &owner, &created, &expires)
	if err != nil {
		return playback.Record{}, wrap(op, err)
	}
	if err := json.Unmarshal([]byte(accounts), &r.Accounts); err != nil {
		return playback.Record{}, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
	}
	r.Owner, r.CreatedAt, r.ExpiresAt = owner == 1, fromMillis(created), fromMillis(expires)
	return r, nil
}

// Extend implements playback.Store.
func (s *Playback) Extend(ctx context.Context, hash string, expires time.Time) error {
	ctx = ofRow(ctx, hash)
	const op = "sqldb.Playback.Extend"
	res, err := s.db.write.ExecContext(ctx, s.db.bind(`UPDATE playback_grants SET expires_at = ? WHERE token_hash = ?`), millis(expires), hash)
	if err != nil {
		return wrap(op, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, op, "no such grant")
	}
	return nil
}

// Delete implements playback.Store.
func (s *Playback) Delete(ctx context.Context, hash string) error {
	ctx = ofRow(ctx, hash)
	_, err := s.db.write.ExecContext(ctx, s.db.bind(`DELETE FROM playback_grants WHERE token_hash = ?`), hash)
	return wrap("sqldb.Playback.Delete", err)
}

// DeleteExpired implements playback.Store.
func (s *Playback) DeleteExpired(ctx context.Context, t time.Time) (int, error) {
	ctx = everyTenant(ctx, bySweep)
	const op = "sqldb.Playback.DeleteExpired"
	res, err := s.db.write.ExecContext(ctx, s.db.bind(`DELETE FROM playback_grants WHERE expires_at < ?`), millis(t))
	if err != nil {
		return 0, wrap(op, err)
	}
	n, err := res.RowsAffected()
	return int(n), wrap(op, err)
}

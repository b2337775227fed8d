package sqldb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Auth keeps challenges, wallets, sessions and API keys.
type Auth struct{ db *DB }

var _ auth.Store = (*Auth)(nil)

// Auth returns the auth.Store of this database.
func (d *DB) Auth() *Auth { return &Auth{d} }

const (
	kindAccess  = "access"
	kindRefresh = "refresh"
)

func hexHash(h auth.Hash) string { return hex.EncodeToString(h[:]) }

// account reads a stored CAIP-10 account; only canonical ones were stored.
func account(op, s string) (caip.AccountID, error) {
	a, err := caip.ParseAccountID(s)
	return a, fault.Wrap(fault.Corrupt, op, err)
}

// AddChallenge implements auth.ChallengeStore.
func (a *Auth) AddChallenge(ctx context.Context, c auth.ChallengeRecord) error {
	ctx = ofTenant(ctx, c.Tenant)
	_, err := a.db.write.ExecContext(ctx, a.db.bind(`INSERT INTO auth_challenges
		(tenant, nonce, origin, account, message, expires_at, failures) VALUES (?, ?, ?, ?, ?, ?, ?)`),
		c.Tenant, c.Nonce, c.Origin, c.Account.String(), c.Message, millis(c.ExpiresAt), c.Failures)
	return wrap("sqldb.AddChallenge", err)
}

// Challenge implements auth.ChallengeStore.
func (a *Auth) Challenge(ctx context.Context, tenant, nonce string) (auth.ChallengeRecord, error) {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.Challenge"
	c := auth.ChallengeRecord{Tenant: tenant, Nonce: nonce}
	var acc string
	var expires int64
	err := a.db.read.QueryRowContext(ctx, a.db.bind(`SELECT origin, account, message, expires_at, failures
		FROM auth_challenges WHERE tenant = ? AND nonce = ?`), tenant, nonce).
		Scan(&c.Origin, &acc, &c.Message, &expires, &c.Failures)
	if err != nil {
		return auth.ChallengeRecord{}, wrap(op, err)
	}
	c.ExpiresAt = fromMillis(expires)
	c.Account, err = account(op, acc)
	return c, err
}

// AddFailure implements auth.ChallengeStore.
func (a *Auth) AddFailure(ctx context.Context, tenant, nonce string) error {
	ctx = ofTenant(ctx, tenant)
	_, err := a.db.write.ExecContext(ctx, a.db.bind(`UPDATE auth_challenges SET failures = failures + 1
		WHERE tenant = ? AND nonce = ?`), tenant, nonce)
	return wrap("sqldb.AddFailure", err)
}

// SignIn implements auth.ChallengeStore.
func (a *Auth) SignIn(ctx context.Context, nonce string, s auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	ctx = ofTenant(ctx, s.Tenant)
	const op = "sqldb.SignIn"
	newcomer := s.UserID
	err := a.db.tx(ctx, func(q querier) (err error) {
		if err := a.take(ctx, q, op, s.Tenant, nonce); err != nil {
			return err
		}
		if s.UserID, err = a.own(ctx, q, op, s.Tenant, newcomer, s.Account, s.CreatedAt); err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, a.db.bind(`INSERT INTO auth_sessions (id, tenant, user_id, account, created_at, ends_at, proof)
			VALUES (?, ?, ?, ?, ?, ?, ?)`), s.ID, s.Tenant, s.UserID, s.Account.String(), millis(s.CreatedAt), millis(s.EndsAt), s.Proof)
		if err != nil {
			return wrap(op, err)
		}
		return a.addTokens(ctx, q, op, s.Tenant, s.ID, p)
	})
	if err != nil {
		return auth.SessionRecord{}, err
	}
	return s, nil
}

// Link implements auth.ChallengeStore.
func (a *Auth) Link(ctx context.Context, tenant, nonce, userID string, wallet caip.AccountID, now time.Time) error {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.Link"
	return a.db.tx(ctx, func(q querier) error {
		if err := a.take(ctx, q, op, tenant, nonce); err != nil {
			return err
		}
		owner, err := a.own(ctx, q, op, tenant, userID, wallet, now)
		if err == nil && owner != userID {
			err = fault.New(fault.Conflict, op, "the wallet belongs to another user")
		}
		return err
	})
}

// take removes the challenge; whoever removed the row has won.
func (a *Auth) take(ctx context.Context, q querier, op, tenant, nonce string) error {
	return wrap(op, q.QueryRowContext(ctx, a.db.bind(`DELETE FROM auth_challenges WHERE tenant = ? AND nonce = ? RETURNING nonce`),
		tenant, nonce).Scan(&nonce))
}

// own makes the wallet userID's unless it has an owner, and returns the owner.
func (a *Auth) own(ctx context.Context, q querier, op, tenant, userID string, wallet caip.AccountID, now time.Time) (owner string, err error) {
	err = q.QueryRowContext(ctx, a.db.bind(`INSERT INTO auth_wallets (tenant, namespace, address, account, user_id, created_at)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, namespace, address) DO UPDATE SET account = excluded.account RETURNING user_id`),
		tenant, wallet.Chain.Namespace, wallet.Address, wallet.String(), userID, millis(now)).Scan(&owner)
	return owner, wrap(op, err)
}

func (a *Auth) addTokens(ctx context.Context, q querier, op, tenant, session string, p auth.TokenPair) error {
	_, err := q.ExecContext(ctx, a.db.bind(`INSERT INTO auth_tokens (tenant, hash, kind, session_id, expires_at, used_at)
		VALUES (?, ?, ?, ?, ?, 0), (?, ?, ?, ?, ?, 0)`),
		tenant, hexHash(p.Access), kindAccess, session, millis(p.AccessExpiresAt),
		tenant, hexHash(p.Refresh), kindRefresh, session, millis(p.RefreshExpires))
	return wrap(op, err)
}

// token reads a token and its session.
func (a *Auth) token(ctx context.Context, op, tenant, kind string, h auth.Hash) (auth.RefreshRecord, error) {
	r := auth.RefreshRecord{Session: auth.SessionRecord{Tenant: tenant}}
	var acc string
	var created, ends, expires, used int64
	err := a.db.read.QueryRowContext(ctx, a.db.bind(`SELECT s.id, s.user_id, s.account, s.created_at, s.ends_at, s.proof, t.expires_at, t.used_at
		FROM auth_tokens t JOIN auth_sessions s ON s.id = t.session_id AND s.tenant = t.tenant
		WHERE t.tenant = ? AND t.hash = ? AND t.kind = ?`), tenant, hexHash(h), kind).
		Scan(&r.Session.ID, &r.Session.UserID, &acc, &created, &ends, &r.Session.Proof, &expires, &used)
	if err != nil {
		return auth.RefreshRecord{}, wrap(op, err)
	}
	r.Session.CreatedAt, r.Session.EndsAt = fromMillis(created), fromMillis(ends)
	r.ExpiresAt, r.UsedAt = fromMillis(expires), fromMillis(used)
	r.Session.Account, err = account(op, acc)
	return r, err
}

// Access implements auth.SessionStore.
func (a *Auth) Access(ctx context.Context, tenant string, token auth.Hash) (auth.AccessRecord, error) {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.Access"
	r, err := a.token(ctx, op, tenant, kindAccess, token)
	if err != nil {
		return auth.AccessRecord{}, err
	}
	rows, err := a.db.read.QueryContext(ctx, a.db.bind(`SELECT account FROM auth_wallets
		WHERE tenant = ? AND user_id = ? ORDER BY created_at, namespace, address`), tenant, r.Session.UserID)
	if err != nil {
		return auth.AccessRecord{}, wrap(op, err)
	}
	wallets, err := collect(op, rows, func(rows *sql.Rows) (caip.AccountID, error) {
		var s string
		if err := rows.Scan(&s); err != nil {
			return caip.AccountID{}, wrap(op, err)
		}
		return account(op, s)
	})
	return auth.AccessRecord{Session: r.Session, ExpiresAt: r.ExpiresAt, Wallets: wallets}, err
}

// Refresh implements auth.SessionStore.
func (a *Auth) Refresh(ctx context.Context, tenant string, token auth.Hash) (auth.RefreshRecord, error) {
	ctx = ofTenant(ctx, tenant)
	return a.token(ctx, "sqldb.Refresh", tenant, kindRefresh, token)
}

// Rotate implements auth.SessionStore.
func (a *Auth) Rotate(ctx context.Context, tenant string, old auth.Hash, next auth.TokenPair, now time.Time) error {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.Rotate"
	return a.db.tx(ctx, func(q querier) error {
		var session string
		err := q.QueryRowContext(ctx, a.db.bind(`UPDATE auth_tokens SET used_at = ?
			WHERE tenant = ? AND hash = ? AND kind = ? AND used_at = 0 RETURNING session_id`),
			millis(now), tenant, hexHash(old), kindRefresh).Scan(&session)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Wrap(fault.Conflict, op, err)
		}
		if err != nil {
			return wrap(op, err)
		}
		return a.addTokens(ctx, q, op, tenant, session, next)
	})
}

// ProvenSessions implements auth.ProvenFinder.
func (a *Auth) ProvenSessions(ctx context.Context, now time.Time, after string, limit int) ([]auth.SessionRecord, error) {
	ctx = everyTenant(ctx, byRecheck)
	const op = "sqldb.ProvenSessions"
	rows, err := a.db.read.QueryContext(ctx, a.db.bind(`SELECT id, tenant, user_id, account, created_at, ends_at, proof FROM auth_sessions
		WHERE proof <> '' AND id > ? AND ends_at > ? ORDER BY id LIMIT ?`), after, millis(now), max(limit, 0))
	if err != nil {
		return nil, wrap(op, err)
	}
	return collect(op, rows, func(rows *sql.Rows) (auth.SessionRecord, error) {
		var s auth.SessionRecord
		var acc string
		var created, ends int64
		if err := rows.Scan(&s.ID, &s.Tenant, &s.UserID, &acc, &created, &ends, &s.Proof); err != nil {
			return s, wrap(op, err)
		}
		s.CreatedAt, s.EndsAt = fromMillis(created), fromMillis(ends)
		var err error
		s.Account, err = account(op, acc)
		return s, err
	})
}

// EndSession implements auth.SessionStore.
func (a *Auth) EndSession(ctx context.Context, id string) error {
	return a.end(ofRow(ctx, id), "sqldb.EndSession", `id = ?`, id)
}

// EndSessions implements auth.SessionStore.
func (a *Auth) EndSessions(ctx context.Context, tenant, userID string) error {
	return a.end(ofTenant(ctx, tenant), "sqldb.EndSessions", `tenant = ? AND user_id = ?`, tenant, userID)
}

func (a *Auth) end(ctx context.Context, op, where string, args ...any) error {
	return a.db.tx(ctx, func(q querier) error {
		_, err := q.ExecContext(ctx, a.db.bind(`DELETE FROM auth_tokens WHERE session_id IN (SELECT id FROM auth_sessions WHERE `+where+`)`), args...)
		if err != nil {
			return wrap(op, err)
		}
		_, err = q.ExecContext(ctx, a.db.bind(`DELETE FROM auth_sessions WHERE `+where), args...)
		return wrap(op, err)
	})
}

// AddAPIKey implements auth.APIKeyStore.
func (a *Auth) AddAPIKey(ctx context.Context, k auth.APIKeyRecord) error {
	ctx = ofTenant(ctx, k.Tenant)
	_, err := a.db.write.ExecContext(ctx, a.db.bind(`INSERT INTO auth_api_keys (tenant, id, user_id, name, hash, created_at)
		VALUES (?, ?, ?, ?, ?, ?)`), k.Tenant, k.ID, k.UserID, k.Name, hexHash(k.Secret), millis(k.CreatedAt))
	return wrap("sqldb.AddAPIKey", err)
}

// APIKey implements auth.APIKeyStore.
func (a *Auth) APIKey(ctx context.Context, tenant string, secret auth.Hash) (auth.APIKeyRecord, error) {
	ctx = ofTenant(ctx, tenant)
	k := auth.APIKeyRecord{Tenant: tenant, Secret: secret}
	var created int64
	err := a.db.read.QueryRowContext(ctx, a.db.bind(`SELECT id, user_id, name, created_at FROM auth_api_keys
		WHERE tenant = ? AND hash = ?`), tenant, hexHash(secret)).Scan(&k.ID, &k.UserID, &k.Name, &created)
	if err != nil {
		return auth.APIKeyRecord{}, wrap("sqldb.APIKey", err)
	}
	k.CreatedAt = fromMillis(created)
	return k, nil
}

// APIKeys implements auth.APIKeyStore.
func (a *Auth) APIKeys(ctx context.Context, tenant, userID string) ([]auth.APIKeyRecord, error) {
	ctx = ofTenant(ctx, tenant)
	const op = "sqldb.APIKeys"
	rows, err := a.db.read.QueryContext(ctx, a.db.bind(`SELECT id, name, hash, created_at FROM auth_api_keys
		WHERE tenant = ? AND user_id = ? ORDER BY created_at, id`), tenant, userID)
	if err != nil {
		return nil, wrap(op, err)
	}
	return collect(op, rows, func(rows *sql.Rows) (auth.APIKeyRecord, error) {
		k := auth.APIKeyRecord{Tenant: tenant, UserID: userID}
		var hash string
		var created int64
		if err := rows.Scan(&k.ID, &k.Name, &hash, &created); err != nil {
			return k, wrap(op, err)
		}
		k.CreatedAt = fromMillis(created)
		if n, err := hex.Decode(k.Secret[:], []byte(hash)); err != nil || n != len(k.Secret) {
			return k, fault.New(fault.Corrupt, op, "a stored hash is not one")
		}
		return k, nil
	})
}

// RemoveAPIKey implements auth.APIKeyStore.
func (a *Auth) RemoveAPIKey(ctx context.Context, tenant, userID, id string) error {
	ctx = ofTenant(ctx, tenant)
	return wrap("sqldb.RemoveAPIKey", a.db.write.QueryRowContext(ctx, a.db.bind(`DELETE FROM auth_api_keys
		WHERE tenant = ? AND user_id = ? AND id = ? RETURNING id`), tenant, userID, id).Scan(&id))
}

// Sweep implements auth.Sweeper.
func (a *Auth) Sweep(ctx context.Context, now time.Time) (removed int64, err error) {
	ctx = everyTenant(ctx, bySweep)
	const op = "sqldb.Sweep"
	err = a.db.tx(ctx, func(q querier) error {
		removed = 0
		for _, st := range []string{
			`DELETE FROM auth_challenges WHERE expires_at <= ?`,
			`DELETE FROM auth_tokens WHERE expires_at <= ?`,
			`DELETE FROM auth_tokens WHERE session_id IN (SELECT id FROM auth_sessions WHERE ends_at <= ?)`,
			`DELETE FROM auth_sessions WHERE ends_at <= ? OR NOT EXISTS (SELECT 1 FROM auth_tokens t WHERE t.session_id = auth_sessions.id)`,
		} {
			res, err := q.ExecContext(ctx, a.db.bind(st), millis(now))
			if err != nil {
				return wrap(op, err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return wrap(op, err)
			}
			removed += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// collect reads all rows and closes them.
func collect[T any](op string, rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, wrap(op, rows.Err())
}

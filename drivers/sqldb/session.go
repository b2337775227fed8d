package sqldb

import (
	"context"

	"github.com/streamgate/streamgate/auth"
)

// Session implements auth.SessionFinder.
func (a *Auth) Session(ctx context.Context, tenant, id string) (auth.SessionRecord, error) {
	const op = "sqldb.Session"
	ctx = ofTenant(ctx, tenant)
	s := auth.SessionRecord{Tenant: tenant, ID: id}
	var acc string
	var created, ends int64
	err := a.db.read.QueryRowContext(ctx, a.db.bind(`SELECT user_id, account, created_at, ends_at, proof
		FROM auth_sessions WHERE tenant = ? AND id = ?`), tenant, id).Scan(&s.UserID, &acc, &created, &ends, &s.Proof)
	if err != nil {
		return auth.SessionRecord{}, wrap(op, err)
	}
	s.CreatedAt, s.EndsAt = fromMillis(created), fromMillis(ends)
	s.Account, err = account(op, acc)
	return s, err
}

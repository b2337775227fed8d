package sqldb

import "context"

// On PostgreSQL every table with tenants' rows has row-level security, which holds for
// the tables' owner too. It is a second wall behind the tenant conditions of the
// statements: a condition that was forgotten finds nothing of another tenant. What a
// transaction (or a statement of its own) may see and write is its scope, which travels in
// the context and which the driver sets together with the first statement, at no further
// round trip. Without a scope nothing is seen. There are three:
//
//   - ofTenant: the rows of one tenant. This is the rule.
//   - ofRow: the rows of one thing, by its id or the hash of its token, and those that belong to it. It is for
//     the methods of the domains that are given no tenant: whoever names an id that nobody can guess
//     gets that thing and no other, whatever the statement says.
//   - everyTenant: all rows, with the reason named. It is for upkeep that spans tenants.
//
// SQLite has nothing of the kind; there the scope changes nothing.
type scope struct{ setting, value string }

type scopeKey struct{}

// The settings that the policies of migrations/postgres read.
const (
	settingTenant = "streamgate.tenant"
	settingRow    = "streamgate.row"
	settingBypass = "streamgate.bypass"
)

// The reasons of everyTenant.
const (
	bySweep     = "sweep"     // what has expired
	byReconcile = "reconcile" // what a crash left to be done
	byRelay     = "relay"     // the outbox
	byRecheck   = "recheck"   // sessions of contract wallets, to be asked about
)

// ofTenant lets the statements under the context see the rows of one tenant.
func ofTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope{settingTenant, tenant})
}

// ofRow lets them see the thing with that id, of whatever tenant.
func ofRow(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope{settingRow, id})
}

// everyTenant lets them see everything, because of reason.
func everyTenant(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope{settingBypass, reason})
}

func scopeOf(ctx context.Context) (scope, bool) {
	s, ok := ctx.Value(scopeKey{}).(scope)
	return s, ok
}

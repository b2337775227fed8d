package auth

import "context"

// Authenticator tells who holds a token. Service is one; drivers/grpc makes one of a
// Service in another process. All methods are safe for concurrent use.
type Authenticator interface {
	// Authenticate returns who holds token in tenant, or fault.Unauthenticated. Records
	// that cannot be asked are fault.Unavailable, never a yes. The caller owns the result.
	Authenticate(ctx context.Context, tenant, token string) (Principal, error)
}

var _ Authenticator = (*Service)(nil)

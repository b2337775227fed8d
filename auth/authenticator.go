package auth

import "context"

// Authenticator tells who a token belongs to. Service is one; a process without the records
// of sessions asks another process through one (drivers/grpc).
type Authenticator interface {
	// Authenticate returns the caller that token stands for in tenant. A token that is
	// unknown, expired or revoked is fault.Unauthenticated; when that cannot be learned,
	// fault.Unavailable.
	Authenticate(ctx context.Context, tenant, token string) (Principal, error)
}

var _ Authenticator = (*Service)(nil)

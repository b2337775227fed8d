package grpc

import (
	"context"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
)

// maxToken bounds a token before it is looked at.
const maxToken = 4 << 10

// RegisterAuthenticator serves a.
func RegisterAuthenticator(s gogrpc.ServiceRegistrar, a auth.Authenticator) {
	pb.RegisterAuthServiceServer(s, &authServer{auth: a})
}

type authServer struct {
	pb.UnimplementedAuthServiceServer
	auth auth.Authenticator
}

// Authenticate implements pb.AuthServiceServer.
func (s *authServer) Authenticate(ctx context.Context, req *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	const op = "grpc.Authenticate"
	if err := checkTenant(ctx, op, req.GetTenant()); err != nil {
		return nil, err
	}
	if len(req.GetToken()) > maxToken {
		return nil, answer(ctx, fault.New(fault.Unauthenticated, op, "the token is not one of ours: sign in again"))
	}
	p, err := s.auth.Authenticate(ctx, req.GetTenant(), req.GetToken())
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.AuthenticateResponse{Principal: &pb.Principal{
		Tenant: p.Tenant, UserId: p.UserID, SessionId: p.SessionID, Accounts: toAccounts(p.Accounts), ApiKey: p.APIKey, ExpiresAt: toTime(p.ExpiresAt),
	}}, nil
}

// Authenticator is an auth.Authenticator elsewhere. It keeps nothing, so a session that
// ended there has ended here. All methods are safe for concurrent use.
type Authenticator struct{ c pb.AuthServiceClient }

var _ auth.Authenticator = (*Authenticator)(nil)

// NewAuthenticator returns the authenticator that RegisterAuthenticator serves at the far end of conn.
func NewAuthenticator(conn gogrpc.ClientConnInterface) *Authenticator {
	return &Authenticator{pb.NewAuthServiceClient(conn)}
}

// Authenticate implements auth.Authenticator.
func (a *Authenticator) Authenticate(ctx context.Context, tenant, token string) (auth.Principal, error) {
	const op = "grpc.Authenticate"
	resp, err := invoke(ctx, op, a.c.Authenticate, &pb.AuthenticateRequest{Tenant: tenant, Token: clip(token)})
	if err != nil {
		return auth.Principal{}, err
	}
	p := resp.GetPrincipal()
	accounts, err := fromAccounts(p.GetAccounts())
	if err != nil {
		return auth.Principal{}, fault.Wrap(fault.Corrupt, op, err)
	}
	if p.GetTenant() != tenant || p.GetUserId() == "" {
		return auth.Principal{}, fault.New(fault.Corrupt, op, "the answer names nobody of this tenant")
	}
	return auth.Principal{
		Tenant: p.GetTenant(), UserID: p.GetUserId(), SessionID: p.GetSessionId(), Accounts: accounts, APIKey: p.GetApiKey(), ExpiresAt: fromTime(p.GetExpiresAt()),
	}, nil
}

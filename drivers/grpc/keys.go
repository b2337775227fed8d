package grpc

import (
	"context"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
)

// RegisterKeys serves m. Plain keys cross, so serve it over TLS to listed callers only.
func RegisterKeys(s gogrpc.ServiceRegistrar, m keys.Manager) {
	pb.RegisterKeysServiceServer(s, &keysServer{keys: m})
}

type keysServer struct {
	pb.UnimplementedKeysServiceServer
	keys keys.Manager
}

// MakeDataKey implements pb.KeysServiceServer.
func (s *keysServer) MakeDataKey(ctx context.Context, req *pb.MakeDataKeyRequest) (*pb.MakeDataKeyResponse, error) {
	plain, wrapped, err := s.keys.DataKey(ctx, string(req.GetScope()))
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.MakeDataKeyResponse{Plain: plain, Wrapped: wrapped}, nil
}

// Unwrap implements pb.KeysServiceServer.
func (s *keysServer) Unwrap(ctx context.Context, req *pb.UnwrapRequest) (*pb.UnwrapResponse, error) {
	plain, err := s.keys.Unwrap(ctx, string(req.GetScope()), req.GetWrapped())
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.UnwrapResponse{Plain: plain}, nil
}

// Rotate implements pb.KeysServiceServer.
func (s *keysServer) Rotate(ctx context.Context, _ *pb.RotateRequest) (*pb.RotateResponse, error) {
	return &pb.RotateResponse{}, answer(ctx, s.keys.Rotate(ctx))
}

// Shred implements pb.KeysServiceServer.
func (s *keysServer) Shred(ctx context.Context, req *pb.ShredRequest) (*pb.ShredResponse, error) {
	return &pb.ShredResponse{}, answer(ctx, s.keys.Shred(ctx, string(req.GetScope())))
}

// Keys is a keys.Manager elsewhere. It keeps no key. All methods are safe for concurrent use.
type Keys struct{ c pb.KeysServiceClient }

var _ keys.Manager = (*Keys)(nil)

// NewKeys returns the manager that RegisterKeys serves at the far end of conn.
func NewKeys(conn gogrpc.ClientConnInterface) *Keys { return &Keys{pb.NewKeysServiceClient(conn)} }

// DataKey implements keys.Manager.
func (k *Keys) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	resp, err := invoke(ctx, "grpc.DataKey", k.c.MakeDataKey, &pb.MakeDataKeyRequest{Scope: []byte(scope)})
	return resp.GetPlain(), resp.GetWrapped(), err
}

// Unwrap implements keys.Manager.
func (k *Keys) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	resp, err := invoke(ctx, "grpc.Unwrap", k.c.Unwrap, &pb.UnwrapRequest{Scope: []byte(scope), Wrapped: wrapped})
	return resp.GetPlain(), err
}

// Rotate implements keys.Manager.
func (k *Keys) Rotate(ctx context.Context) error {
	_, err := invoke(ctx, "grpc.Rotate", k.c.Rotate, &pb.RotateRequest{})
	return err
}

// Shred implements keys.Manager.
func (k *Keys) Shred(ctx context.Context, scope string) error {
	_, err := invoke(ctx, "grpc.Shred", k.c.Shred, &pb.ShredRequest{Scope: []byte(scope)})
	return err
}

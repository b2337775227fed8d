package grpc

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// maxCached is the largest value that is kept: what any gRPC server takes by default.
const maxCached = 3 << 20

// RegisterCache serves c with those of its powers that cache.As finds; the others are
// fault.Unsupported to the far side.
func RegisterCache(s gogrpc.ServiceRegistrar, c cache.Cache) {
	out := &cacheServer{cache: c}
	out.claimer, _ = cache.As[cache.Claimer](c)
	out.limiter, _ = cache.As[cache.Limiter](c)
	out.updater, _ = cache.As[cache.Updater](c)
	pb.RegisterCacheServiceServer(s, out)
}

type cacheServer struct {
	pb.UnimplementedCacheServiceServer
	cache   cache.Cache
	claimer cache.Claimer
	limiter cache.Limiter
	updater cache.Updater
}

func lacks(ctx context.Context, op string) error {
	return answer(ctx, fault.New(fault.Unsupported, op, "the cache served here does not have this power"))
}

// GetValue implements pb.CacheServiceServer.
func (s *cacheServer) GetValue(ctx context.Context, req *pb.GetValueRequest) (*pb.GetValueResponse, error) {
	val, ok, err := s.cache.Get(ctx, string(req.GetKey()))
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.GetValueResponse{Found: ok, Value: val}, nil
}

// SetValue implements pb.CacheServiceServer.
func (s *cacheServer) SetValue(ctx context.Context, req *pb.SetValueRequest) (*pb.SetValueResponse, error) {
	err := s.cache.Set(ctx, string(req.GetKey()), req.GetValue(), req.GetTtl().AsDuration())
	return &pb.SetValueResponse{}, answer(ctx, err)
}

// DeleteValue implements pb.CacheServiceServer.
func (s *cacheServer) DeleteValue(ctx context.Context, req *pb.DeleteValueRequest) (*pb.DeleteValueResponse, error) {
	return &pb.DeleteValueResponse{}, answer(ctx, s.cache.Delete(ctx, string(req.GetKey())))
}

// Claim implements pb.CacheServiceServer.
func (s *cacheServer) Claim(ctx context.Context, req *pb.ClaimRequest) (*pb.ClaimResponse, error) {
	if s.claimer == nil {
		return nil, lacks(ctx, "grpc.Claim")
	}
	held, err := s.claimer.Claim(ctx, string(req.GetKey()), string(req.GetOwner()), req.GetTtl().AsDuration())
	return &pb.ClaimResponse{Held: held}, answer(ctx, err)
}

// Release implements pb.CacheServiceServer.
func (s *cacheServer) Release(ctx context.Context, req *pb.ReleaseRequest) (*pb.ReleaseResponse, error) {
	if s.claimer == nil {
		return nil, lacks(ctx, "grpc.Release")
	}
	return &pb.ReleaseResponse{}, answer(ctx, s.claimer.Release(ctx, string(req.GetKey()), string(req.GetOwner())))
}

// Take implements pb.CacheServiceServer.
func (s *cacheServer) Take(ctx context.Context, req *pb.TakeRequest) (*pb.TakeResponse, error) {
	if s.limiter == nil {
		return nil, lacks(ctx, "grpc.Take")
	}
	wait, err := s.limiter.Take(ctx, string(req.GetKey()), int(req.GetBurst()), req.GetEvery().AsDuration())
	return &pb.TakeResponse{Wait: durationpb.New(wait)}, answer(ctx, err)
}

// errMoved ends an Update whose value was not the one expected.
var errMoved = errors.New("the value is another")

// SwapValue implements pb.CacheServiceServer.
func (s *cacheServer) SwapValue(ctx context.Context, req *pb.SwapValueRequest) (*pb.SwapValueResponse, error) {
	if s.updater == nil {
		return nil, lacks(ctx, "grpc.Update")
	}
	out := &pb.SwapValueResponse{}
	err := s.updater.Update(ctx, string(req.GetKey()), req.GetTtl().AsDuration(), func(old []byte) ([]byte, error) {
		if string(digest(old)) != string(req.GetExpected()) {
			out.Found, out.Value = old != nil, slices.Clone(old)
			return nil, errMoved
		}
		if req.GetDrop() {
			return nil, nil
		}
		return append([]byte{}, req.GetValue()...), nil // an empty value is one too
	})
	if errors.Is(err, errMoved) {
		return out, nil
	}
	return &pb.SwapValueResponse{Swapped: true}, answer(ctx, err)
}

// digest names a value; no value has no digest.
func digest(val []byte) []byte {
	if val == nil {
		return nil
	}
	sum := sha256.Sum256(val)
	return sum[:]
}

// Cache is a cache.Cache elsewhere, with every power; one that the far side lacks is
// fault.Unsupported when it is used. All methods are safe for concurrent use.
type Cache struct{ c pb.CacheServiceClient }

var (
	_ cache.Cache   = (*Cache)(nil)
	_ cache.Claimer = (*Cache)(nil)
	_ cache.Limiter = (*Cache)(nil)
	_ cache.Updater = (*Cache)(nil)
)

// NewCache returns the cache that RegisterCache serves at the far end of conn.
func NewCache(conn gogrpc.ClientConnInterface) *Cache { return &Cache{pb.NewCacheServiceClient(conn)} }

// Get implements cache.Cache.
func (c *Cache) Get(ctx context.Context, key string) (val []byte, ok bool, err error) {
	resp, err := invoke(ctx, "grpc.Get", c.c.GetValue, &pb.GetValueRequest{Key: []byte(key)})
	if err != nil || !resp.GetFound() {
		return nil, false, err
	}
	return resp.GetValue(), true, nil
}

// Set implements cache.Cache. A value above 3 MiB is not stored.
func (c *Cache) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	if len(val) > maxCached {
		return c.Delete(ctx, key) // what was there must not outlive it
	}
	_, err := invoke(ctx, "grpc.Set", c.c.SetValue, &pb.SetValueRequest{Key: []byte(key), Value: val, Ttl: durationpb.New(ttl)})
	return err
}

// Delete implements cache.Cache.
func (c *Cache) Delete(ctx context.Context, key string) error {
	_, err := invoke(ctx, "grpc.Delete", c.c.DeleteValue, &pb.DeleteValueRequest{Key: []byte(key)})
	return err
}

// Claim implements cache.Claimer.
func (c *Cache) Claim(ctx context.Context, key, owner string, ttl time.Duration) (held bool, err error) {
	resp, err := invoke(ctx, "grpc.Claim", c.c.Claim, &pb.ClaimRequest{Key: []byte(key), Owner: []byte(owner), Ttl: durationpb.New(ttl)})
	return resp.GetHeld(), err
}

// Release implements cache.Claimer.
func (c *Cache) Release(ctx context.Context, key, owner string) error {
	_, err := invoke(ctx, "grpc.Release", c.c.Release, &pb.ReleaseRequest{Key: []byte(key), Owner: []byte(owner)})
	return err
}

// Take implements cache.Limiter.
func (c *Cache) Take(ctx context.Context, key string, burst int, every time.Duration) (wait time.Duration, err error) {
	resp, err := invoke(ctx, "grpc.Take", c.c.Take, &pb.TakeRequest{Key: []byte(key), Burst: int64(burst), Every: durationpb.New(every)})
	return resp.GetWait().AsDuration(), err
}

// Update implements cache.Updater: it reads, changes, and swaps if the value is still the
// one it read. It goes on until it was not overtaken or ctx ends.
func (c *Cache) Update(ctx context.Context, key string, ttl time.Duration, change func(old []byte) ([]byte, error)) error {
	const op = "grpc.Update"
	old, ok, err := c.Get(ctx, key)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		if old = present(old, ok); try > 0 && !pause(ctx, redial(0)/20*time.Duration(min(try, 20))) {
			return fault.Wrap(fault.Canceled, op, ctx.Err())
		}
		val, err := change(slices.Clone(old))
		if err != nil {
			return err
		}
		if len(val) > maxCached {
			return fault.Newf(fault.TooLarge, op, "a cached value has at most %d bytes", maxCached)
		}
		resp, err := invoke(ctx, op, c.c.SwapValue, &pb.SwapValueRequest{
			Key: []byte(key), Expected: digest(old), Value: val, Drop: val == nil, Ttl: durationpb.New(ttl),
		})
		if err != nil || resp.GetSwapped() {
			return err
		}
		old, ok = resp.GetValue(), resp.GetFound()
	}
}

// present tells an empty value from none, which are one on the wire.
func present(val []byte, ok bool) []byte {
	if ok && val == nil {
		return []byte{}
	}
	return val
}

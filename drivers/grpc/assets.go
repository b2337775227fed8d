package grpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/maypok86/otter/v2"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/proto"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
)

// compressFrom is the size from which an index is compressed; below, it fits a packet or two.
const compressFrom = 4 << 10

// RegisterAssets serves a.
func RegisterAssets(s gogrpc.ServiceRegistrar, a playback.Assets) {
	pb.RegisterAssetsServiceServer(s, &assetsServer{assets: a})
}

type assetsServer struct {
	pb.UnimplementedAssetsServiceServer
	assets playback.Assets
}

// GetAsset implements pb.AssetsServiceServer.
func (s *assetsServer) GetAsset(ctx context.Context, req *pb.GetAssetRequest) (*pb.GetAssetResponse, error) {
	if err := checkTenant(ctx, "grpc.GetAsset", req.GetTenant()); err != nil {
		return nil, err
	}
	a, err := s.assets.Get(ctx, req.GetTenant(), req.GetId())
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.GetAssetResponse{Asset: toAsset(a)}, nil
}

// GetVersion implements pb.AssetsServiceServer.
func (s *assetsServer) GetVersion(ctx context.Context, req *pb.GetVersionRequest) (*pb.GetVersionResponse, error) {
	if err := checkTenant(ctx, "grpc.GetVersion", req.GetTenant()); err != nil {
		return nil, err
	}
	v, err := s.assets.Version(ctx, req.GetTenant(), req.GetId(), int(req.GetNumber()))
	if err != nil {
		return nil, answer(ctx, err)
	}
	tag := tagOf(v)
	if bytes.Equal(tag, req.GetKnown()) {
		return &pb.GetVersionResponse{NotModified: true}, nil
	}
	out := &pb.GetVersionResponse{Tag: tag, Version: toVersion(v)}
	if proto.Size(out) >= compressFrom {
		_ = gogrpc.SetSendCompressor(ctx, gzip.Name) // a caller who cannot read it gets it plain
	}
	return out, nil
}

// tagOf names the state of a version: its revision, which grows with every change of the
// tracks, and what can change without it. It costs no walk of the segments.
func tagOf(v *media.Version) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d %d %v %+v %x", v.AssetID, v.Tenant, v.Number, v.Revision, v.Complete, v.Grid, v.Secret)
	for i := range v.Tracks {
		t := &v.Tracks[i]
		fmt.Fprintf(h, " %q %d %v %d %d", t.ID, len(t.Segments), t.Complete, t.Bandwidth, t.PeakBandwidth)
	}
	return h.Sum(nil)
}

// Assets is a playback.Assets elsewhere. All methods are safe for concurrent use. Versions
// are kept, 64 MiB of them, and asked for again by their tag, so that an index crosses
// when it changed and not before: every call still asks.
type Assets struct {
	c     pb.AssetsServiceClient
	known *otter.Cache[string, *knownVersion]
}

var _ playback.Assets = (*Assets)(nil)

type knownVersion struct {
	tag []byte
	v   *media.Version
}

// NewAssets returns the assets that RegisterAssets serves at the far end of conn.
func NewAssets(conn gogrpc.ClientConnInterface) *Assets {
	return &Assets{c: pb.NewAssetsServiceClient(conn), known: otter.Must(&otter.Options[string, *knownVersion]{
		MaximumWeight: 64 << 20,
		Weigher:       func(_ string, k *knownVersion) uint32 { return weightOf(k.v) },
	})}
}

func weightOf(v *media.Version) uint32 {
	n := 512
	for _, t := range v.Tracks {
		n += 512 + len(t.Init) + 64*len(t.Segments)
	}
	return uint32(n)
}

// Get implements playback.Assets.
func (a *Assets) Get(ctx context.Context, tenant, id string) (media.Asset, error) {
	resp, err := invoke(ctx, "grpc.Get", a.c.GetAsset, &pb.GetAssetRequest{Tenant: tenant, Id: id})
	if err != nil {
		return media.Asset{}, err
	}
	if got := resp.GetAsset(); got.GetId() != id || tenant != "" && got.GetTenant() != tenant {
		return media.Asset{}, fault.New(fault.Corrupt, "grpc.Get", "the answer is about another asset")
	}
	return fromAsset(resp.GetAsset()), nil
}

// Version implements playback.Assets. The result is shared: callers must not change it.
func (a *Assets) Version(ctx context.Context, tenant, id string, number int) (*media.Version, error) {
	const op = "grpc.Version"
	key := strconv.Quote(tenant) + strconv.Quote(id) + strconv.Itoa(number)
	known, ok := a.known.GetIfPresent(key)
	req := &pb.GetVersionRequest{Tenant: tenant, Id: id, Number: int64(number)}
	if ok {
		req.Known = known.tag
	}
	resp, err := invoke(ctx, op, a.c.GetVersion, req, gogrpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		if errors.Is(err, fault.NotFound) {
			a.known.Invalidate(key)
		}
		return nil, err
	}
	if resp.GetNotModified() {
		if !ok {
			return nil, fault.New(fault.Corrupt, op, "a version never sent is said to be unchanged")
		}
		return known.v, nil
	}
	v, err := fromVersion(resp.GetVersion())
	if err != nil {
		return nil, err
	}
	if v.AssetID != id || tenant != "" && v.Tenant != tenant || number != 0 && v.Number != number {
		return nil, fault.New(fault.Corrupt, op, "the answer is about another version")
	}
	a.known.Set(key, &knownVersion{resp.GetTag(), v})
	return v, nil
}

func toAsset(a media.Asset) *pb.Asset {
	return &pb.Asset{
		Id: a.ID, Tenant: a.Tenant, Owner: a.Owner, Title: a.Title, Description: a.Description, Tags: a.Tags, Status: string(a.Status),
		Reason: a.Reason, Gate: a.Gate, RuleId: a.RuleID, Policy: &pb.Policy{EpochMs: a.Policy.EpochMS, Public: a.Policy.Public, Storage: a.Policy.Storage},
		Version: int64(a.Version), DurationMs: a.DurationMS, Width: int64(a.Width), Height: int64(a.Height),
		Progress:  &pb.Progress{Stage: a.Progress.Stage, Percent: a.Progress.Percent, Rung: a.Progress.Rung, EtaSec: a.Progress.ETASec},
		CreatedAt: toTime(a.CreatedAt), UpdatedAt: toTime(a.UpdatedAt),
	}
}

func fromAsset(a *pb.Asset) media.Asset {
	p, g := a.GetPolicy(), a.GetProgress()
	out := media.Asset{
		ID: a.GetId(), Tenant: a.GetTenant(), Owner: a.GetOwner(), Title: a.GetTitle(), Description: a.GetDescription(), Tags: a.GetTags(),
		Status: media.Status(a.GetStatus()), Reason: a.GetReason(), RuleID: a.GetRuleId(),
		Policy:  media.Policy{EpochMS: p.GetEpochMs(), Public: p.GetPublic(), Storage: p.GetStorage()},
		Version: int(a.GetVersion()), DurationMS: a.GetDurationMs(), Width: int(a.GetWidth()), Height: int(a.GetHeight()),
		Progress:  media.Progress{Stage: g.GetStage(), Percent: g.GetPercent(), Rung: g.GetRung(), ETASec: g.GetEtaSec()},
		CreatedAt: fromTime(a.GetCreatedAt()), UpdatedAt: fromTime(a.GetUpdatedAt()),
	}
	if len(a.GetGate()) > 0 {
		out.Gate = json.RawMessage(a.GetGate())
	}
	return out
}

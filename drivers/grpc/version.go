package grpc

import (
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
)

func toVersion(v *media.Version) *pb.Version {
	out := &pb.Version{
		AssetId: v.AssetID, Tenant: v.Tenant, Number: int64(v.Number), Secret: v.Secret, Complete: v.Complete, Revision: v.Revision,
		Grid: &pb.Grid{SegmentMs: v.Grid.SegmentMS, EpochSegments: int64(v.Grid.EpochSegments)},
	}
	for i := range v.Tracks {
		out.Tracks = append(out.Tracks, toTrack(&v.Tracks[i]))
	}
	return out
}

func fromVersion(v *pb.Version) (*media.Version, error) {
	if v == nil {
		return nil, fault.New(fault.Corrupt, "grpc.Version", "the answer holds no version")
	}
	out := &media.Version{
		AssetID: v.GetAssetId(), Tenant: v.GetTenant(), Number: int(v.GetNumber()), Secret: v.GetSecret(), Complete: v.GetComplete(), Revision: v.GetRevision(),
		Grid: cmaf.Grid{SegmentMS: v.GetGrid().GetSegmentMs(), EpochSegments: int(v.GetGrid().GetEpochSegments())},
	}
	for _, t := range v.GetTracks() {
		track, err := fromTrack(t)
		if err != nil {
			return nil, err
		}
		out.Tracks = append(out.Tracks, track)
	}
	return out, nil
}

func toTrack(t *cmaf.Track) *pb.Track {
	return &pb.Track{
		Id: t.ID, Kind: string(t.Kind), Codec: t.Codec, Timescale: t.Timescale, Width: int64(t.Width), Height: int64(t.Height),
		FrameRateNum: int64(t.FrameRateNum), FrameRateDen: int64(t.FrameRateDen), SampleRate: int64(t.SampleRate), Channels: int64(t.Channels),
		Language: t.Language, Bandwidth: t.Bandwidth, PeakBandwidth: t.PeakBandwidth, Init: t.Init, Complete: t.Complete,
		Segments: toSegments(t.Segments),
	}
}

func fromTrack(t *pb.Track) (cmaf.Track, error) {
	out := cmaf.Track{
		ID: t.GetId(), Kind: cmaf.Kind(t.GetKind()), Codec: t.GetCodec(), Timescale: t.GetTimescale(), Width: int(t.GetWidth()), Height: int(t.GetHeight()),
		FrameRateNum: int(t.GetFrameRateNum()), FrameRateDen: int(t.GetFrameRateDen()), SampleRate: int(t.GetSampleRate()), Channels: int(t.GetChannels()),
		Language: t.GetLanguage(), Bandwidth: t.GetBandwidth(), PeakBandwidth: t.GetPeakBandwidth(), Init: t.GetInit(), Complete: t.GetComplete(),
	}
	var err error
	out.Segments, err = fromSegments(t.GetSegments())
	return out, err
}

func toSegments(list []cmaf.Segment) *pb.Segments {
	out := &pb.Segments{}
	index := map[string]uint32{}
	for _, s := range list {
		i, ok := index[s.Object]
		if !ok {
			i = uint32(len(out.Objects))
			index[s.Object] = i
			out.Objects = append(out.Objects, s.Object)
		}
		out.Object = append(out.Object, i)
		out.Offset = append(out.Offset, s.Offset)
		out.Length = append(out.Length, s.Length)
		out.Time = append(out.Time, s.Time)
		out.Duration = append(out.Duration, s.Duration)
		out.Samples = append(out.Samples, int64(s.Samples))
	}
	return out
}

func fromSegments(s *pb.Segments) ([]cmaf.Segment, error) {
	n := len(s.GetObject())
	for _, column := range []int{len(s.GetOffset()), len(s.GetLength()), len(s.GetTime()), len(s.GetDuration()), len(s.GetSamples())} {
		if column != n {
			return nil, fault.New(fault.Corrupt, "grpc.Version", "the columns of the index have different lengths")
		}
	}
	if n == 0 {
		return nil, nil
	}
	out := make([]cmaf.Segment, n)
	for i := range out {
		object := s.GetObject()[i]
		if int(object) >= len(s.GetObjects()) {
			return nil, fault.New(fault.Corrupt, "grpc.Version", "the index names an object that is not listed")
		}
		out[i] = cmaf.Segment{
			Object: s.GetObjects()[object], Offset: s.GetOffset()[i], Length: s.GetLength()[i],
			Time: s.GetTime()[i], Duration: s.GetDuration()[i], Samples: int(s.GetSamples()[i]),
		}
	}
	return out, nil
}

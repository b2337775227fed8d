package grpc

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/nft"
)

func marshal(f *testing.F, m proto.Message) []byte {
	f.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// A decision from the wire is refused as corrupt, or is the same after another crossing; only Yes and No are answers.
func FuzzDecision(f *testing.F) {
	at := time.Unix(1_800_000_000, 0).UTC()
	f.Add(marshal(f, toDecision(nft.Decision{
		Outcome: nft.Yes, Reason: "holds", RuleID: "r", At: at, ValidUntil: at.Add(time.Minute), HowTo: []string{"buy one"},
		WhatIf:  []nft.Way{{Sentence: "Buy one.", Steps: []nft.Step{{Pointer: "/when", Now: nft.No, Want: nft.Yes, Sentence: "buy one"}}}},
		Explain: &nft.Node{Kind: "all", Outcome: nft.Yes, Children: []*nft.Node{{Kind: "erc721", Block: &nft.Block{Number: 7, Hash: "0x1", Time: at}}}},
	})))
	f.Add(marshal(f, &pb.Decision{Outcome: 77}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &pb.Decision{}
		if proto.Unmarshal(data, m) != nil {
			return
		}
		d, err := fromDecision(m)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		if d.Outcome == nft.Yes != (m.GetOutcome() == pb.Outcome_OUTCOME_YES) {
			t.Fatalf("%v became %v", m.GetOutcome(), d.Outcome)
		}
		again, err := fromDecision(toDecision(d))
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Fatalf("%+v became %+v, %v", d, again, err)
		}
	})
}

// A version from the wire is refused as corrupt, or is the same after another crossing.
func FuzzVersion(f *testing.F) {
	f.Add(marshal(f, toVersion(&media.Version{
		AssetID: "a", Tenant: "t", Number: 2, Secret: []byte("s"), Complete: true, Grid: cmaf.Grid{SegmentMS: 4000, EpochSegments: 1},
		Tracks: []cmaf.Track{{ID: "v360", Kind: cmaf.Video, Init: []byte("init"), Segments: []cmaf.Segment{{Object: "o", Length: 9, Samples: 3}, {Object: "o", Offset: 9, Length: 9}}}},
	})))
	f.Add(marshal(f, &pb.Version{Tracks: []*pb.Track{{Segments: &pb.Segments{Object: []uint32{1}}}}}))
	f.Add(marshal(f, &pb.Version{Tracks: []*pb.Track{{Segments: &pb.Segments{
		Object: []uint32{9}, Offset: []int64{0}, Length: []int64{0}, Time: []uint64{0}, Duration: []uint64{0}, Samples: []int64{0},
	}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &pb.Version{}
		if proto.Unmarshal(data, m) != nil {
			return
		}
		v, err := fromVersion(m)
		if err != nil {
			if fault.KindOf(err) != fault.Corrupt {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		again, err := fromVersion(toVersion(v))
		if err != nil || !reflect.DeepEqual(v, again) {
			t.Fatalf("%+v became %+v, %v", v, again, err)
		}
	})
}

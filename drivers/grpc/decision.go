package grpc

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// toTime sends the zero time as nothing.
func toTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func fromTime(t *timestamppb.Timestamp) time.Time {
	if t == nil || !t.IsValid() {
		return time.Time{}
	}
	return t.AsTime()
}

func toOutcome(o nft.Outcome) pb.Outcome {
	switch o {
	case nft.Yes:
		return pb.Outcome_OUTCOME_YES
	case nft.No:
		return pb.Outcome_OUTCOME_NO
	}
	return pb.Outcome_OUTCOME_UNSPECIFIED
}

// fromOutcome takes a number it does not know for unknown.
func fromOutcome(o pb.Outcome) nft.Outcome {
	switch o {
	case pb.Outcome_OUTCOME_YES:
		return nft.Yes
	case pb.Outcome_OUTCOME_NO:
		return nft.No
	}
	return nft.Unknown
}

func toDecision(d nft.Decision) *pb.Decision {
	return &pb.Decision{
		Outcome: toOutcome(d.Outcome), Reason: d.Reason, Message: d.Message, RuleId: d.RuleID, At: toTime(d.At),
		ValidUntil: toTime(d.ValidUntil), Explain: toNode(d.Explain), HowTo: d.HowTo, Cached: d.Cached, WhatIf: toWays(d.WhatIf),
	}
}

func toWays(ways []nft.Way) []*pb.DecisionWay {
	var out []*pb.DecisionWay
	for _, w := range ways {
		way := &pb.DecisionWay{Sentence: w.Sentence}
		for _, s := range w.Steps {
			way.Steps = append(way.Steps, &pb.DecisionStep{Pointer: s.Pointer, Now: toOutcome(s.Now), Want: toOutcome(s.Want), Sentence: s.Sentence})
		}
		out = append(out, way)
	}
	return out
}

func fromWays(ways []*pb.DecisionWay) []nft.Way {
	var out []nft.Way
	for _, w := range ways {
		way := nft.Way{Sentence: w.GetSentence()}
		for _, s := range w.GetSteps() {
			way.Steps = append(way.Steps, nft.Step{Pointer: s.GetPointer(), Now: fromOutcome(s.GetNow()), Want: fromOutcome(s.GetWant()), Sentence: s.GetSentence()})
		}
		out = append(out, way)
	}
	return out
}

func fromDecision(d *pb.Decision) (nft.Decision, error) {
	if d == nil {
		return nft.Decision{}, fault.New(fault.Corrupt, "grpc.Decide", "the answer holds no decision")
	}
	x, err := fromNode(d.GetExplain(), 0)
	return nft.Decision{
		Outcome: fromOutcome(d.GetOutcome()), Reason: d.GetReason(), Message: d.GetMessage(), RuleID: d.GetRuleId(), At: fromTime(d.GetAt()),
		ValidUntil: fromTime(d.GetValidUntil()), Explain: x, HowTo: d.GetHowTo(), Cached: d.GetCached(), WhatIf: fromWays(d.GetWhatIf()),
	}, err
}

func toNode(n *nft.Node) *pb.DecisionNode {
	if n == nil {
		return nil
	}
	out := &pb.DecisionNode{
		Pointer: n.Pointer, Id: n.ID, Kind: n.Kind, Outcome: toOutcome(n.Outcome), Reason: n.Reason, Sentence: n.Sentence,
		Observed: n.Observed, Wanted: n.Wanted, Chain: n.Chain, Finality: n.Finality, Source: n.Source,
	}
	if n.Block != nil {
		out.Block = toBlock(*n.Block)
	}
	if a := n.Quorum; a != nil {
		out.Quorum = &pb.Agreement{N: uint32(a.N), Of: uint32(a.Of), Asked: a.Asked, Agreed: a.Agreed}
	}
	for _, c := range n.Children {
		out.Children = append(out.Children, toNode(c))
	}
	return out
}

func fromNode(n *pb.DecisionNode, depth int) (*nft.Node, error) {
	if n == nil {
		return nil, nil
	}
	if depth > 2*rule.MaxDepth {
		return nil, fault.New(fault.Corrupt, "grpc.Decide", "the explanation is deeper than any rule")
	}
	out := &nft.Node{
		Pointer: n.GetPointer(), ID: n.GetId(), Kind: n.GetKind(), Outcome: fromOutcome(n.GetOutcome()), Reason: n.GetReason(), Sentence: n.GetSentence(),
		Observed: n.GetObserved(), Wanted: n.GetWanted(), Chain: n.GetChain(), Finality: n.GetFinality(), Source: n.GetSource(),
	}
	if n.GetBlock() != nil {
		b := fromBlock(n.GetBlock())
		out.Block = &b
	}
	if a := n.GetQuorum(); a != nil {
		out.Quorum = &nft.Agreement{N: int(a.GetN()), Of: int(a.GetOf()), Asked: a.GetAsked(), Agreed: a.GetAgreed()}
	}
	for _, c := range n.GetChildren() {
		child, err := fromNode(c, depth+1)
		if err != nil {
			return nil, err
		}
		out.Children = append(out.Children, child)
	}
	return out, nil
}

func toBlock(b nft.Block) *pb.Block {
	return &pb.Block{Number: b.Number, Hash: b.Hash, Time: toTime(b.Time)}
}

func fromBlock(b *pb.Block) nft.Block {
	return nft.Block{Number: b.GetNumber(), Hash: b.GetHash(), Time: fromTime(b.GetTime())}
}

func toAccounts(accounts []caip.AccountID) []string {
	var out []string
	for _, a := range accounts {
		out = append(out, a.String())
	}
	return out
}

func fromAccounts(accounts []string) ([]caip.AccountID, error) {
	var out []caip.AccountID
	for _, s := range accounts {
		a, err := caip.ParseAccountID(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

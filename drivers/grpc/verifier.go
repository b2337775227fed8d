package grpc

import (
	"context"
	"fmt"
	"math/big"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The bounds of one Check and of what it answers.
const (
	maxQueries   = 100_000
	maxIntDigits = 80 // a uint256 with its sign has 79
	maxHeldSteps = 1000
)

// RegisterVerifiers serves verifiers, one a chain; the last of two for one chain counts.
func RegisterVerifiers(s gogrpc.ServiceRegistrar, verifiers ...nft.Verifier) {
	out := &verifierServer{chains: map[string]nft.Verifier{}}
	for _, v := range verifiers {
		out.chains[v.Chain().String()] = v
	}
	pb.RegisterVerifierServiceServer(s, out)
}

type verifierServer struct {
	pb.UnimplementedVerifierServiceServer
	chains map[string]nft.Verifier
}

func (s *verifierServer) of(chain, op string) (nft.Verifier, error) {
	v := s.chains[chain]
	if v == nil {
		return nil, fault.Newf(fault.Unsupported, op, "the chain %.60q is not served here", chain)
	}
	return v, nil
}

// Check implements pb.VerifierServiceServer.
func (s *verifierServer) Check(ctx context.Context, req *pb.CheckRequest) (*pb.CheckResponse, error) {
	const op = "grpc.Check"
	v, err := s.of(req.GetChain(), op)
	if err != nil {
		return nil, answer(ctx, err)
	}
	if len(req.GetQueries()) > maxQueries {
		return nil, answer(ctx, fault.Newf(fault.TooLarge, op, "a check has at most %d queries", maxQueries))
	}
	queries := make([]nft.Query, len(req.GetQueries()))
	for i, q := range req.GetQueries() {
		queries[i] = nft.Query{Op: nft.Op(q.GetOp()), Contract: q.GetContract(), Account: q.GetAccount(), TokenID: q.GetTokenId(), Sol: fromSol(q.GetSol())}
		queries[i].Held = nft.HeldFor{Blocks: q.GetHeld().GetBlocks(), Seconds: q.GetHeld().GetSeconds()}
		if c := q.GetCall(); c != nil {
			queries[i].Call = &nft.Call{Fn: c.GetFn(), Args: c.GetArgs()}
		} else if queries[i].Op == nft.OpCall {
			return nil, answer(ctx, fault.New(fault.Invalid, op, "a call query names no call").With(fmt.Sprintf("/queries/%d/call", i), "is required"))
		}
	}
	if age := req.GetMaxAge(); age != nil {
		ctx = nft.WithMaxAge(ctx, age.AsDuration())
	}
	reply, err := v.Check(ctx, nft.Finality{Tag: req.GetTag(), Confirmations: req.GetConfirmations()}, queries)
	if err != nil {
		return nil, answer(ctx, err)
	}
	out := &pb.CheckResponse{Block: toBlock(reply.Block), Calls: int64(reply.Calls), Source: reply.Source}
	for _, a := range reply.Answers {
		one := &pb.Answer{Value: a.Value, Integer: a.Int != nil, Note: a.Note, Held: toHolding(a.Held)}
		if a.HeldErr != nil {
			one.HeldFault = detailOf(a.HeldErr)
		}
		if a.Err != nil {
			one = &pb.Answer{Fault: detailOf(a.Err)}
		}
		out.Answers = append(out.Answers, one)
	}
	return out, nil
}

// GetHead implements pb.VerifierServiceServer.
func (s *verifierServer) GetHead(ctx context.Context, req *pb.GetHeadRequest) (*pb.GetHeadResponse, error) {
	v, err := s.of(req.GetChain(), "grpc.Head")
	if err != nil {
		return nil, answer(ctx, err)
	}
	head, err := v.Head(ctx)
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.GetHeadResponse{Head: toBlock(head)}, nil
}

// Verifier is an nft.Verifier elsewhere. All methods are safe for concurrent use.
type Verifier struct {
	c     pb.VerifierServiceClient
	chain caip.ChainID
}

var _ nft.Verifier = (*Verifier)(nil)

// NewVerifier returns the verifier of chain that RegisterVerifiers serves at the far end
// of conn. Every request names the chain, and a far side that does not serve it answers
// fault.Unsupported: no other chain's answer is taken for its.
func NewVerifier(conn gogrpc.ClientConnInterface, chain caip.ChainID) *Verifier {
	return &Verifier{pb.NewVerifierServiceClient(conn), chain}
}

// Chain implements nft.Verifier.
func (v *Verifier) Chain() caip.ChainID { return v.chain }

// Head implements nft.Verifier.
func (v *Verifier) Head(ctx context.Context) (nft.Block, error) {
	const op = "grpc.Head"
	resp, err := invoke(ctx, op, v.c.GetHead, &pb.GetHeadRequest{Chain: v.chain.String()})
	if err != nil {
		return nft.Block{}, err
	}
	if resp.GetHead() == nil {
		return nft.Block{}, fault.New(fault.Unavailable, op, "the answer holds no block")
	}
	return fromBlock(resp.GetHead()), nil
}

// Check implements nft.Verifier.
func (v *Verifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	const op = "grpc.Check"
	req := &pb.CheckRequest{Chain: v.chain.String(), Tag: at.Tag, Confirmations: at.Confirmations, Queries: make([]*pb.Query, len(queries))}
	for i, q := range queries {
		req.Queries[i] = &pb.Query{Held: toHeldFor(q.Held), Op: string(q.Op), Contract: q.Contract, Account: q.Account, TokenId: q.TokenID, Sol: toSol(q.Sol)}
		if q.Call != nil {
			req.Queries[i].Call = &pb.ContractCall{Fn: q.Call.Fn, Args: q.Call.Args}
		}
	}
	if age, ok := nft.MaxAge(ctx); ok {
		req.MaxAge = durationpb.New(age)
	}
	resp, err := invoke(ctx, op, v.c.Check, req, gogrpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		return nft.Reply{}, err
	}
	if len(resp.GetAnswers()) != len(queries) || resp.GetBlock() == nil {
		// A list of another length cannot be matched to what was asked.
		return nft.Reply{}, fault.Newf(fault.Unavailable, op, "%d answers came to %d queries", len(resp.GetAnswers()), len(queries))
	}
	out := nft.Reply{Block: fromBlock(resp.GetBlock()), Calls: int(resp.GetCalls()), Source: resp.GetSource(), Answers: make([]nft.Answer, len(queries))}
	for i, a := range resp.GetAnswers() {
		out.Answers[i] = fromAnswer(a)
	}
	return out, nil
}

// toHeldFor leaves the zero value out, as most queries have it.
func toHeldFor(h nft.HeldFor) *pb.HeldFor {
	if h.IsZero() {
		return nil
	}
	return &pb.HeldFor{Blocks: h.Blocks, Seconds: h.Seconds}
}

func toHolding(h *nft.Holding) *pb.Holding {
	if h == nil {
		return nil
	}
	out := &pb.Holding{}
	for _, s := range h.Steps {
		out.Steps = append(out.Steps, &pb.HeldStep{Since: toBlock(s.Since), Least: s.Least.String()})
	}
	return out
}

// fromHolding reads a holding; one that cannot be read is an error, not a shorter one.
func fromHolding(h *pb.Holding) (*nft.Holding, error) {
	if h == nil {
		return nil, nil //nolint:nilnil // not asked, or not looked at
	}
	if len(h.GetSteps()) > maxHeldSteps {
		return nil, fault.New(fault.Corrupt, "grpc.Check", "the holding has too many steps")
	}
	out := &nft.Holding{}
	for _, s := range h.GetSteps() {
		least, ok := readInteger(s.GetLeast())
		if !ok || least.Sign() < 0 {
			return nil, fault.New(fault.Corrupt, "grpc.Check", "the holding cannot be read")
		}
		out.Steps = append(out.Steps, nft.HeldStep{Since: fromBlock(s.GetSince()), Least: least})
	}
	return out, nil
}

func readInteger(s string) (*big.Int, bool) {
	if len(s) > maxIntDigits {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

// toSol leaves the zero value out, as every query of another chain has it.
func toSol(q nft.SolQuery) *pb.SolQuery {
	if q == (nft.SolQuery{}) {
		return nil
	}
	return &pb.SolQuery{Unverified: q.Unverified, Frozen: q.Frozen, Delegated: q.Delegated, Compressed: q.Compressed, Enough: q.Enough}
}

func fromSol(q *pb.SolQuery) nft.SolQuery {
	return nft.SolQuery{Unverified: q.GetUnverified(), Frozen: q.GetFrozen(), Delegated: q.GetDelegated(), Compressed: q.GetCompressed(), Enough: q.GetEnough()}
}

// fromAnswer reads an answer; what cannot be read is an error and no value.
func fromAnswer(a *pb.Answer) nft.Answer {
	if a.GetFault() != nil {
		return nft.Answer{Err: restore(a.GetFault())}
	}
	out := nft.Answer{Value: a.GetValue(), Note: a.GetNote()}
	if out.Held, out.HeldErr = fromHolding(a.GetHeld()); a.GetHeldFault() != nil {
		out.Held, out.HeldErr = nil, restore(a.GetHeldFault())
	}
	if !a.GetInteger() {
		return out
	}
	var ok bool
	if out.Int, ok = readInteger(out.Value); !ok {
		return nft.Answer{Err: fault.New(fault.Corrupt, "grpc.Check", "the integer cannot be read")}
	}
	return out
}

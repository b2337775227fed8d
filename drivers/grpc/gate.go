package grpc

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// The bounds of a question.
const (
	maxAccounts = 1024
	maxRoles    = 256
)

// RegisterGate serves g.
func RegisterGate(s gogrpc.ServiceRegistrar, g playback.Gate) {
	rules := otter.Must(&otter.Options[string, *rule.Rule]{
		MaximumWeight: 64 << 20,
		// A parsed rule takes some times its text.
		Weigher: func(_ string, r *rule.Rule) uint32 { return uint32(1024 + 16*len(r.Canonical())) },
	})
	pb.RegisterGateServiceServer(s, &gateServer{gate: g, rules: rules})
}

type gateServer struct {
	pb.UnimplementedGateServiceServer
	gate  playback.Gate
	rules *otter.Cache[string, *rule.Rule]
}

// question reads what is asked. A rule is parsed once while it is in use: its id is
// the digest of its bytes, and only equal bytes are taken for it.
func (s *gateServer) question(q *pb.Question, tenant string) (*rule.Rule, nft.Subject, error) {
	const op = "grpc.Gate"
	subject := nft.Subject{Tenant: tenant, Roles: q.GetRoles()}
	if len(q.GetAccounts()) > maxAccounts || len(q.GetRoles()) > maxRoles {
		return nil, subject, fault.Newf(fault.TooLarge, op, "a subject has at most %d accounts and %d roles", maxAccounts, maxRoles)
	}
	var err error
	if subject.Accounts, err = fromAccounts(q.GetAccounts()); err != nil {
		return nil, subject, err
	}
	if r, ok := s.rules.GetIfPresent(q.GetRuleId()); ok && bytes.Equal(r.Canonical(), q.GetRule()) {
		return r, subject, nil
	}
	r, err := rule.Parse(q.GetRule())
	if err != nil {
		return nil, subject, err
	}
	if r.ID() != q.GetRuleId() {
		return nil, subject, fault.New(fault.Invalid, op, "the rule is not the one its id names")
	}
	s.rules.Set(r.ID(), r)
	return r, subject, nil
}

// Decide implements pb.GateServiceServer.
func (s *gateServer) Decide(ctx context.Context, req *pb.DecideRequest) (*pb.DecideResponse, error) {
	if err := checkTenant(ctx, "grpc.Decide", req.GetTenant()); err != nil {
		return nil, err
	}
	r, subject, err := s.question(req.GetQuestion(), req.GetTenant())
	if err != nil {
		return nil, answer(ctx, err)
	}
	decide := s.gate.Decide
	if req.GetFresh() {
		decide = s.gate.DecideFresh
	}
	d, err := decide(ctx, r, subject)
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.DecideResponse{Decision: toDecision(d)}, nil
}

// WatchDecision implements pb.GateServiceServer.
func (s *gateServer) WatchDecision(req *pb.WatchDecisionRequest, stream gogrpc.ServerStreamingServer[pb.WatchDecisionResponse]) error {
	ctx := stream.Context()
	if err := checkTenant(ctx, "grpc.WatchDecision", req.GetTenant()); err != nil {
		return err
	}
	r, subject, err := s.question(req.GetQuestion(), req.GetTenant())
	if err != nil {
		return answer(ctx, err)
	}
	beat := time.NewTicker(min(max(req.GetBeat().AsDuration(), 100*time.Millisecond), time.Minute))
	defer beat.Stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decisions := s.gate.Watch(ctx, r, subject)
	for {
		out := &pb.WatchDecisionResponse{}
		select {
		case d, ok := <-decisions:
			if !ok {
				return errEnding
			}
			out.Decision = toDecision(d)
		case <-beat.C:
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
}

// Gate is a playback.Gate elsewhere. All methods are safe for concurrent use.
type Gate struct {
	c     pb.GateServiceClient
	grace time.Duration
	now   func() time.Time
	log   *slog.Logger
}

var _ playback.Gate = (*Gate)(nil)

// GateOptions configures a Gate; the zero value is the documented default.
type GateOptions struct {
	// Grace is how long a watch keeps its last answer while the far side cannot be
	// reached, for rules that set neither maxAge nor grace (default 30 s, as with nft.DeciderOptions).
	Grace time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger hears at Debug why a decision is Unknown; nil discards it.
	Logger *slog.Logger
}

// NewGate returns the gate that RegisterGate serves at the far end of conn.
func NewGate(conn gogrpc.ClientConnInterface) *Gate { return NewGateWith(conn, GateOptions{}) }

// NewGateWith is NewGate with options.
func NewGateWith(conn gogrpc.ClientConnInterface, opt GateOptions) *Gate {
	if opt.Grace <= 0 {
		opt.Grace = 30 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Gate{c: pb.NewGateServiceClient(conn), grace: opt.Grace, now: opt.Now, log: opt.Logger}
}

func question(r *rule.Rule, s nft.Subject) *pb.Question {
	return &pb.Question{RuleId: r.ID(), Rule: r.Canonical(), Accounts: toAccounts(s.Accounts), Roles: s.Roles}
}

// Decide implements playback.Gate with the promises of nft.Decider.Decide: a far side that
// cannot be asked, or whose answer cannot be read, makes an Unknown decision and no error, as a chain
// does, so that a viewer has his grace. Errors are for bad arguments (fault.Invalid), a rule
// beyond the budget (fault.TooLarge) and ctx (fault.Canceled). The caller owns the decision.
func (g *Gate) Decide(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error) {
	return g.decide(ctx, "grpc.Decide", r, s, false)
}

// DecideFresh implements playback.Gate.
func (g *Gate) DecideFresh(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error) {
	return g.decide(ctx, "grpc.DecideFresh", r, s, true)
}

func (g *Gate) decide(ctx context.Context, op string, r *rule.Rule, s nft.Subject, fresh bool) (nft.Decision, error) {
	if r == nil || r.Root() == nil {
		return nft.Decision{}, fault.New(fault.Invalid, op, "there is no rule to decide")
	}
	resp, err := invoke(ctx, op, g.c.Decide, &pb.DecideRequest{Tenant: s.Tenant, Question: question(r, s), Fresh: fresh})
	if err != nil {
		switch fault.KindOf(err) {
		case fault.Invalid, fault.TooLarge, fault.Canceled:
			return nft.Decision{}, err
		}
		return g.unknown(ctx, r, "chain_unavailable", err), nil
	}
	d, err := fromDecision(resp.GetDecision())
	if err == nil && d.RuleID != "" && d.RuleID != r.ID() {
		err = fault.New(fault.Corrupt, op, "the answer is about another rule")
	}
	if err != nil {
		return g.unknown(ctx, r, "bad_reply", err), nil
	}
	return d, nil
}

// unknown is the decision of a gate that was not told; cause is for the log.
func (g *Gate) unknown(ctx context.Context, r *rule.Rule, reason string, cause error) nft.Decision {
	g.log.DebugContext(ctx, "gate cannot tell", "rule_id", r.ID(), "reason", reason, "error", cause)
	now := g.now()
	return nft.Decision{
		Outcome: nft.Unknown, Reason: reason, RuleID: r.ID(), At: now, ValidUntil: now.Add(unknownFor),
		Message: "We cannot tell right now whether you have access, because the service that asks the chain did not answer. Please try again.",
	}
}

// unknownFor is how long an Unknown stands, as with nft.Decider.
const unknownFor = time.Second

// Watch implements playback.Gate with the promises of nft.Decider.Watch: the present
// decision, then one at each flip. The stream is set up again whenever it breaks.
// While the far side cannot be reached the last answer stands for the rule's maxAge plus
// grace (GateOptions.Grace when it has neither) since the far side was last heard of;
// then an Unknown is sent. Without any answer yet the Unknown comes at once.
func (g *Gate) Watch(ctx context.Context, r *rule.Rule, s nft.Subject) <-chan nft.Decision {
	out := make(chan nft.Decision, 1)
	if r == nil || r.Root() == nil {
		out <- nft.Decision{Reason: "no_rule", Message: "There is no rule to decide.", At: g.now()}
		context.AfterFunc(ctx, func() { close(out) })
		return out
	}
	tolerance := g.tolerance(r)
	w := &gateWatch{gate: g, rule: r, out: out, tolerance: tolerance, beat: min(max(tolerance/3, 500*time.Millisecond), 5*time.Second)}
	w.req = &pb.WatchDecisionRequest{Tenant: s.Tenant, Question: question(r, s), Beat: durationpb.New(w.beat)}
	go w.run(ctx)
	return out
}

// tolerance is how long the rule lets an answer stand unconfirmed.
func (g *Gate) tolerance(r *rule.Rule) time.Duration {
	var age, grace time.Duration
	r.Root().Walk(func(n *rule.Node) {
		if !n.Leaf() {
			return
		}
		if a := n.Evidence.MaxAge; a > 0 && (age == 0 || a < age) {
			age = a
		}
		grace = max(grace, n.Evidence.Grace)
	})
	if age == 0 && grace == 0 {
		return g.grace
	}
	return age + grace
}

package grpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// fixedGate says one decision.
type fixedGate struct{ d nft.Decision }

func (g fixedGate) Decide(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error) {
	return g.d, nil
}
func (g fixedGate) DecideFresh(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error) {
	return g.d, nil
}

func (g fixedGate) Watch(ctx context.Context, _ *rule.Rule, _ nft.Subject) <-chan nft.Decision {
	ch := make(chan nft.Decision, 1)
	ch <- g.d
	context.AfterFunc(ctx, func() { close(ch) })
	return ch
}

// fill sets every exported field of v, and of what it holds, to something of its own.
func fill(v reflect.Value, n *int, depth int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		v.SetInt(int64(nft.Yes))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), n, depth-1)
		}
	case reflect.Slice:
		if depth > 1 { // deep enough for its elements too
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range 2 {
				fill(v.Index(i), n, depth-1)
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_800_000_000, int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n, depth)
			}
		}
	default:
		panic("no way to fill " + v.Kind().String())
	}
}

// Every field that a decision has, or will have, survives.
func TestADecisionSurvivesWhole(t *testing.T) {
	t.Parallel()
	yes, _ := question(t)
	var d nft.Decision
	n := 0
	fill(reflect.ValueOf(&d).Elem(), &n, 6)
	d.RuleID = yes.Rule.ID()
	gate := grpc.NewGate(over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterGate(s, fixedGate{d}) }))
	got, err := gate.Decide(t.Context(), yes.Rule, yes.Subject)
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("Decide: %v\ngot  %s\nwant %s", err, marshal(got), marshal(d))
	}
	ctx, cancel := context.WithCancel(t.Context())
	ch := gate.Watch(ctx, yes.Rule, yes.Subject)
	if got := <-ch; !reflect.DeepEqual(got, d) {
		t.Errorf("Watch: got %s, want %s", marshal(got), marshal(d))
	}
	cancel()
	for range ch { // until it closes
	}
}

// The real thing says the same near and far.
func TestNearAndFarSayTheSame(t *testing.T) {
	t.Parallel()
	w, conn := overMemory(t, "gate", nil)
	f := w.near.(playbacktest.GateFixture)
	far := grpc.NewGate(conn)
	for _, q := range []playbacktest.Question{f.Yes, f.No} {
		here, err := f.Gate.Decide(t.Context(), q.Rule, q.Subject)
		if err != nil {
			t.Fatal(err)
		}
		there, err := far.Decide(t.Context(), q.Rule, q.Subject)
		if err != nil {
			t.Fatal(err)
		}
		var a, b map[string]any
		_ = json.Unmarshal(marshal(here), &a)
		_ = json.Unmarshal(marshal(there), &b)
		for _, m := range []map[string]any{a, b} { // the clock, and who was first
			for _, key := range []string{"at", "valid_until", "cached"} {
				delete(m, key)
			}
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("near says %v, far %v", a, b)
		}
	}
}

// A rule is what its bytes say: an id with other bytes must not bring up what is remembered.
func TestARuleIsItsBytes(t *testing.T) {
	t.Parallel()
	yes, _ := question(t)
	_, conn := overMemory(t, "gate", nil)
	if _, err := grpc.NewGate(conn).Decide(t.Context(), yes.Rule, yes.Subject); err != nil {
		t.Fatal(err)
	}
	c := pb.NewGateServiceClient(conn)
	for what, q := range map[string]*pb.Question{
		"other bytes": {RuleId: yes.Rule.ID(), Rule: []byte(`{"gr":1,"when":{"role":"viewer"}}`)}, "no bytes": {RuleId: yes.Rule.ID()}, "nonsense": {Rule: []byte("{")},
		"bad accounts": {RuleId: yes.Rule.ID(), Rule: yes.Rule.Canonical(), Accounts: []string{"nobody"}},
		"a crowd":      {RuleId: yes.Rule.ID(), Rule: yes.Rule.Canonical(), Accounts: make([]string, 2000)},
	} {
		if resp, err := c.Decide(t.Context(), &pb.DecideRequest{Question: q}); err == nil {
			t.Errorf("%s: %v, want a refusal", what, resp)
		}
	}
}

// weigher counts the bytes that came in for the payloads of answers.
type weigher struct{ bytes atomic.Int64 }

func (w *weigher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (w *weigher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (w *weigher) HandleConn(context.Context, stats.ConnStats)                       {}
func (w *weigher) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		w.bytes.Add(int64(in.WireLength))
	}
}

// The index of a long film crosses once, compressed, and then is only asked about.
func TestAnIndexCrossesWhenItChanged(t *testing.T) {
	t.Parallel()
	w := &weigher{}
	l := listener(t)
	world, _ := near(t, "assets", nil)
	serve(t, l, grpc.ServerOptions{Insecure: true}, world.register)
	conn, err := gogrpc.NewClient(l.Addr().String(), gogrpc.WithTransportCredentials(plain()), gogrpc.WithStatsHandler(w))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	assets := grpc.NewAssets(conn)
	cost := func() int64 {
		w.bytes.Store(0)
		if _, err := assets.Version(t.Context(), "test", "film", 0); err != nil {
			t.Fatal(err)
		}
		return w.bytes.Load()
	}
	film, err := playbacktest.NewLibrary().Version(t.Context(), "test", "film", 0)
	if err != nil {
		t.Fatal(err)
	}
	asJSON := len(marshal(film))
	first, again := cost(), cost()
	t.Logf("the index of two hours in seven renditions: %d bytes as JSON, %d on the wire, %d when it is asked for again", asJSON, first, again)
	if first > int64(asJSON)/5 || again > 100 {
		t.Errorf("%d and %d bytes crossed for an index of %d", first, again, asJSON)
	}
}

// farPowers is the cache of a test with its powers, far away.
func farPowers(t *testing.T, at open) *grpc.Cache {
	t.Helper()
	_, conn := at(t, "cache", nil)
	return grpc.NewCache(conn)
}

func TestThePowersOfACache(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]open{"over memory": overMemory, "in another process": elsewhere} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := farPowers(t, at)
			for _, step := range []struct {
				owner string
				held  bool
			}{{"a", true}, {"b", false}, {"a", true}} {
				if held, err := c.Claim(t.Context(), "k", step.owner, time.Hour); err != nil || held != step.held {
					t.Errorf("Claim for %s: %v, %v, want %v", step.owner, held, err, step.held)
				}
			}
			if err := c.Release(t.Context(), "k", "b"); err != nil {
				t.Error(err)
			}
			if held, err := c.Claim(t.Context(), "k", "b", time.Hour); err != nil || held {
				t.Errorf("after a release by another: %v, %v", held, err)
			}
			if err := c.Release(t.Context(), "k", "a"); err != nil {
				t.Error(err)
			}
			if held, err := c.Claim(t.Context(), "k", "b", time.Hour); err != nil || !held {
				t.Errorf("after the release: %v, %v", held, err)
			}
			for i := range 4 {
				wait, err := c.Take(t.Context(), "bucket", 3, time.Minute)
				if err != nil || (wait > 0) != (i == 3) || wait > time.Minute {
					t.Errorf("take %d: wait %v, %v", i, wait, err)
				}
			}
			if _, ok := cache.As[cache.Updater](c); !ok {
				t.Error("As does not find the power")
			}
			updates(t, c)
		})
	}
}

func updates(t *testing.T, c *grpc.Cache) {
	t.Helper()
	count := func(old []byte) ([]byte, error) {
		n := 0
		if old != nil {
			if err := json.Unmarshal(old, &n); err != nil {
				return nil, err
			}
		}
		return fmt.Append(nil, n+1), nil
	}
	const callers, each = 8, 10
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if err := c.Update(t.Context(), "n", time.Hour, count); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if val, ok, err := c.Get(t.Context(), "n"); err != nil || !ok || string(val) != fmt.Sprint(callers*each) {
		t.Errorf("%d updates count to %q, %v, %v", callers*each, val, ok, err)
	}
	mine := errors.New("mine")
	if err := c.Update(t.Context(), "n", time.Hour, func([]byte) ([]byte, error) { return nil, mine }); err != mine { //nolint:errorlint // the promise is: as it is
		t.Errorf("an error of change comes back as %v", err)
	}
	set := func(val []byte) func([]byte) ([]byte, error) { return func([]byte) ([]byte, error) { return val, nil } }
	for _, val := range [][]byte{{}, nil, {}, []byte("x")} {
		if err := c.Update(t.Context(), "e", time.Hour, set(val)); err != nil {
			t.Error(err)
		}
		err := c.Update(t.Context(), "e", time.Hour, func(old []byte) ([]byte, error) {
			if (old == nil) != (val == nil) || string(old) != string(val) {
				t.Errorf("change sees %#v, want %#v", old, val)
			}
			return old, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := c.Update(t.Context(), "n", time.Hour, set(make([]byte, 8<<20))); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a value too large: %v, want fault.TooLarge", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Update(ctx, "n", time.Hour, count); !errors.Is(err, fault.Canceled) {
		t.Errorf("an ended context: %v, want fault.Canceled", err)
	}
}

// plainCache has none of the powers.
type plainCache struct{ cache.Cache }

func TestAPowerThatIsNotThere(t *testing.T) {
	t.Parallel()
	near := plainCache{&lacking{cache.NewLRU(cache.LRUOptions{})}}
	c := grpc.NewCache(over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterCache(s, near) }))
	_, claim := c.Claim(t.Context(), "k", "o", time.Hour)
	_, take := c.Take(t.Context(), "k", 1, time.Hour)
	for what, err := range map[string]error{
		"Claim": claim, "Take": take, "Release": c.Release(t.Context(), "k", "o"),
		"Update": c.Update(t.Context(), "k", time.Hour, func([]byte) ([]byte, error) { return nil, nil }),
	} {
		if !errors.Is(err, fault.Unsupported) {
			t.Errorf("%s: %v, want fault.Unsupported", what, err)
		}
	}
}

// plainQueue cannot be inspected.
type plainQueue struct{ job.Queue }

func TestAQueueThatCannotBeInspected(t *testing.T) {
	t.Parallel()
	q := grpc.NewJobs(over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterJobs(s, plainQueue{job.NewMemory(job.Options{})}) }))
	_, stats := q.Stats(t.Context())
	_, kinds := q.StatsByKind(t.Context())
	_, dead := q.DeadLetters(t.Context(), 1)
	for what, err := range map[string]error{"Stats": stats, "StatsByKind": kinds, "DeadLetters": dead} {
		if !errors.Is(err, fault.Unsupported) {
			t.Errorf("%s: %v, want fault.Unsupported", what, err)
		}
	}
}

// lacking hides what an LRU can do beside being a cache.
type lacking struct{ cache.Cache }

// What cannot be read is no answer.
func TestBadAnswersAreRefused(t *testing.T) {
	t.Parallel()
	yes, _ := question(t)
	b := &badServer{}
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) {
		pb.RegisterGateServiceServer(s, b)
		pb.RegisterAssetsServiceServer(s, badAssets{})
		pb.RegisterVerifierServiceServer(s, badVerifier{})
	})
	deep := &pb.DecisionNode{}
	for range 200 {
		deep = &pb.DecisionNode{Children: []*pb.DecisionNode{deep}}
	}
	for what, d := range map[string]*pb.Decision{
		"none": nil, "another rule's": {Outcome: pb.Outcome_OUTCOME_YES, RuleId: "gr1:other"}, "a deep one": {Outcome: pb.Outcome_OUTCOME_YES, RuleId: yes.Rule.ID(), Explain: deep},
	} {
		b.d = d
		if d, err := grpc.NewGate(conn).Decide(t.Context(), yes.Rule, yes.Subject); err != nil || d.Outcome != nft.Unknown || d.Reason != "bad_reply" {
			t.Errorf("%s: %v (%s), %v, want an unknown", what, d.Outcome, d.Reason, err)
		}
	}
	b.d = &pb.Decision{Outcome: 77, RuleId: yes.Rule.ID()}
	if d, err := grpc.NewGate(conn).Decide(t.Context(), yes.Rule, yes.Subject); err != nil || d.Outcome != nft.Unknown {
		t.Errorf("an outcome of a later version is %v, %v, want unknown", d.Outcome, err)
	}
	for _, id := range []string{"columns", "object", "tenant", "none", "unchanged"} {
		if v, err := grpc.NewAssets(conn).Version(t.Context(), "t", id, 0); !errors.Is(err, fault.Corrupt) {
			t.Errorf("the version %q: %v, %v, want fault.Corrupt", id, v, err)
		}
	}
	reply, err := grpc.NewVerifier(conn, nfttestChain).Check(t.Context(), nft.Finality{Tag: "latest"}, make([]nft.Query, 5))
	if err != nil || reply.Answers[0].Err == nil || reply.Answers[0].Value != "" || reply.Answers[1].Err == nil {
		t.Errorf("integers that are none: %+v, %v", reply, err)
	}
	for _, a := range reply.Answers[2:] {
		if a.Err != nil || a.Held != nil || !errors.Is(a.HeldErr, fault.Corrupt) {
			t.Errorf("a holding that is none: %+v", a)
		}
	}
	if _, err := grpc.NewVerifier(conn, nfttestChain).Check(t.Context(), nft.Finality{Tag: "latest"}, make([]nft.Query, 3)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("an answer is missing: %v, want fault.Unavailable", err)
	}
}

// asked notes what it is asked and answers as it is told.
type asked struct {
	nft.Verifier
	queries []nft.Query
	age     time.Duration
	reply   nft.Reply
}

func (a *asked) Chain() caip.ChainID { return nfttestChain }

func (a *asked) Check(ctx context.Context, _ nft.Finality, queries []nft.Query) (nft.Reply, error) {
	a.queries = queries
	a.age, _ = nft.MaxAge(ctx)
	return a.reply, nil
}

// Every field that a query and an answer have, or will have, crosses the wire: a far verifier that counted otherwise
// would turn a "not" into a yes.
func TestAFarVerifierIsAskedTheSame(t *testing.T) {
	t.Parallel()
	a, n := &asked{}, 0
	queries := make([]nft.Query, 2)
	fill(reflect.ValueOf(&queries[0]).Elem(), &n, 6)
	queries[1] = nft.Query{Op: nft.OpOwner721, Contract: "c", TokenID: "1"}
	answer := nft.Answer{Value: "12", Int: big.NewInt(12), Note: "permanent delegate", Held: &nft.Holding{Steps: []nft.HeldStep{
		{Since: nft.Block{Number: 7, Hash: "0x7", Time: time.Unix(1_800_000_000, 0).UTC()}, Least: big.NewInt(0)}, {Since: nft.Block{Number: 9, Hash: "0x9"}, Least: big.NewInt(12)},
	}}}
	a.reply = nft.Reply{Answers: []nft.Answer{answer, {Value: "0x1"}}, Block: nft.Block{Number: 10, Hash: "0xa"}, Calls: 3, Source: "index"}
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterVerifiers(s, a) })
	far := grpc.NewVerifier(conn, nfttestChain)
	check := func() nft.Reply {
		t.Helper()
		got, err := far.Check(nft.WithMaxAge(t.Context(), 90*time.Second), nft.Finality{Tag: "latest"}, queries)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := check(); !reflect.DeepEqual(got, a.reply) || !reflect.DeepEqual(a.queries, queries) || a.age != 90*time.Second {
		t.Errorf("asked %+v within %s, answered %+v", a.queries, a.age, got)
	}
	// What the Decider tells apart stays apart.
	for kind, cause := range map[fault.Kind]error{fault.Unsupported: nft.ErrNotEnumerable, fault.TooLarge: nft.ErrTooMany, fault.Conflict: nft.ErrDisagreement, fault.NotFound: nft.ErrCompressed} {
		a.reply.Answers = []nft.Answer{{Err: fault.Wrap(kind, "test", cause)}, {Value: "1", Int: big.NewInt(1), HeldErr: fault.Wrap(kind, "test", cause)}}
		got := check().Answers
		for _, err := range []error{got[0].Err, got[1].HeldErr} {
			if !errors.Is(err, cause) || fault.KindOf(err) != kind {
				t.Errorf("%v arrives as %v", a.reply.Answers[0].Err, err)
			}
		}
	}
}

type badServer struct {
	pb.UnimplementedGateServiceServer
	d *pb.Decision
}

func (b *badServer) Decide(context.Context, *pb.DecideRequest) (*pb.DecideResponse, error) {
	return &pb.DecideResponse{Decision: b.d}, nil
}

type badAssets struct {
	pb.UnimplementedAssetsServiceServer
}

func (badAssets) GetVersion(_ context.Context, req *pb.GetVersionRequest) (*pb.GetVersionResponse, error) {
	v := &pb.Version{AssetId: req.GetId(), Tenant: "t", Number: 1}
	switch req.GetId() {
	case "columns":
		v.Tracks = []*pb.Track{{Segments: &pb.Segments{Objects: []string{"o"}, Object: []uint32{0, 0}, Offset: []int64{1}}}}
	case "object":
		v.Tracks = []*pb.Track{{Segments: &pb.Segments{
			Object: []uint32{7}, Offset: []int64{1}, Length: []int64{1}, Time: []uint64{1}, Duration: []uint64{1}, Samples: []int64{1},
		}}}
	case "tenant":
		v.Tenant = "other"
	case "none":
		v = nil
	case "unchanged":
		return &pb.GetVersionResponse{NotModified: true}, nil
	}
	return &pb.GetVersionResponse{Version: v}, nil
}

type badVerifier struct {
	pb.UnimplementedVerifierServiceServer
}

func (badVerifier) Check(context.Context, *pb.CheckRequest) (*pb.CheckResponse, error) {
	long := make([]byte, 1000)
	for i := range long {
		long[i] = '9'
	}
	held := func(steps ...*pb.HeldStep) *pb.Answer {
		return &pb.Answer{Value: "1", Integer: true, Held: &pb.Holding{Steps: steps}}
	}
	return &pb.CheckResponse{Block: &pb.Block{}, Answers: []*pb.Answer{
		{Value: "12x", Integer: true}, {Value: string(long), Integer: true},
		held(&pb.HeldStep{Least: "-1"}), held(&pb.HeldStep{Since: &pb.Block{}}), held(make([]*pb.HeldStep, 10_000)...),
	}}, nil
}

func (badVerifier) GetHead(context.Context, *pb.GetHeadRequest) (*pb.GetHeadResponse, error) {
	return &pb.GetHeadResponse{}, nil
}

package index_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// TestDifferential makes random histories of a chain, with reorganisations shallow and deeper than
// the index remembers, and with providers that fail in between. After each step, once everything has taken it in,
// four ways to decide must agree: the naive one, which knows the whole history and nothing else (model below), a
// Decider that caches and follows the chain, one over the index, and one whose reads go one by one.
//
// INDEX_HISTORIES is how many (default 2,000; scripts/test.sh runs 10,000), INDEX_SEED runs one alone, INDEX_STEPS shortens it.
func TestDifferential(t *testing.T) {
	t.Parallel()
	histories, first := number("INDEX_HISTORIES", 2_000), uint64(1)
	if testing.Short() || raceEnabled {
		histories = min(histories, number("INDEX_HISTORIES", 500))
	}
	if seed := number("INDEX_SEED", 0); seed > 0 {
		first, histories = uint64(seed), 1
	}
	steps := number("INDEX_STEPS", 0)
	asked := allQuestions()
	var next atomic.Uint64
	var stats counts
	var wg sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(histories) || t.Failed() {
					return
				}
				seed := first + n
				if err := runHistory(t.Context(), seed, steps, asked, nil, &stats); err != nil {
					t.Errorf("seed %d: %v\nINDEX_SEED=%d go test -run TestDifferential ./nft/index shows it again; INDEX_STEPS=n cuts it short", seed, err, seed)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d histories: %d comparisons, %d answered by the index, %d reorganisations, %d of them beyond the window, %d yes, %d no, %d held too short",
		histories, stats.compared.Load(), stats.byIndex.Load(), stats.reorgs.Load(), stats.deep.Load(), stats.yes.Load(), stats.no.Load(), stats.short.Load())
	if histories >= 100 {
		for what, n := range map[string]*atomic.Int64{"answers of the index": &stats.byIndex, "deep reorganisations": &stats.deep, "yes": &stats.yes, "no": &stats.no, "held too short": &stats.short} {
			if n.Load() < int64(histories)/4 {
				t.Errorf("only %d %s: the histories test little", n.Load(), what)
			}
		}
	}
}

func allQuestions() (asked [][]question) {
	for blocks := range uint64(5) {
		asked = append(asked, questions(blocks+1))
	}
	return asked
}

// TestDifferentialNotices: mistakes that caches and indexes are known for are found by some history.
func TestDifferentialNotices(t *testing.T) {
	t.Parallel()
	asked := allQuestions()
	for name, plant := range map[string]func(nft.Verifier) nft.Verifier{
		"takes holding now for having held": func(v nft.Verifier) nft.Verifier {
			return &spoilt{Verifier: v, edit: func(_ nft.Finality, _ []nft.Query, r nft.Reply) nft.Reply {
				for i, a := range r.Answers {
					if a.Held != nil {
						r.Answers[i].Held = &nft.Holding{Steps: []nft.HeldStep{{Since: a.Held.Steps[0].Since, Least: a.Held.Steps[len(a.Held.Steps)-1].Least}}}
					}
				}
				return r
			}}
		},
		"answers an old state once more": func(v nft.Verifier) nft.Verifier {
			last := map[string]nft.Answer{}
			return &spoilt{Verifier: v, edit: func(at nft.Finality, qs []nft.Query, r nft.Reply) nft.Reply {
				for i := range r.Answers {
					k := fmt.Sprint(at, qs[i])
					old, ok := last[k]
					if last[k] = r.Answers[i]; ok {
						r.Answers[i] = old
					}
				}
				return r
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 500; seed++ {
				err := runHistory(t.Context(), seed, 0, asked, plant, &counts{})
				if err != nil && strings.Contains(err.Error(), "indexed says") {
					t.Logf("found by history %d: %v", seed, err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			t.Error("500 histories find nothing")
		})
	}
}

// spoilt changes replies.
type spoilt struct {
	nft.Verifier
	mu   sync.Mutex
	edit func(at nft.Finality, qs []nft.Query, r nft.Reply) nft.Reply
}

func (s *spoilt) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	r, err := s.Verifier.Check(ctx, at, qs)
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edit(at, qs, r), nil
}

func number(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

type counts struct{ compared, byIndex, reorgs, deep, yes, no, short atomic.Int64 }

// state is who holds what, the naive way.
type state struct {
	owners map[string]string            // token of the ERC-721
	items  map[string]map[string]uint64 // token, account of the ERC-1155
	coins  map[string]uint64
	clock  uint64 // block number
}

func (s state) clone() state {
	out := state{owners: maps.Clone(s.owners), items: map[string]map[string]uint64{}, coins: maps.Clone(s.coins), clock: s.clock}
	for k, v := range s.items {
		out.items[k] = maps.Clone(v)
	}
	return out
}

func (s state) apply(op nfttest.Op) {
	give := func(m map[string]uint64) {
		if op.From != "" {
			m[op.From] -= op.Amount
		}
		if op.To != "" {
			m[op.To] += op.Amount
		}
	}
	switch op.Kind {
	case nfttest.Mint721, nfttest.Transfer721:
		s.owners[op.TokenID] = op.To
	case nfttest.Mint1155, nfttest.Transfer1155:
		if s.items[op.TokenID] == nil {
			s.items[op.TokenID] = map[string]uint64{}
		}
		give(s.items[op.TokenID])
	case nfttest.Mint20, nfttest.Transfer20:
		give(s.coins)
	}
}

// model is the whole history: a state after each block, and after each op within it.
type model struct {
	ends  []state   // by block number
	moves [][]state // of each block, after each op that moves something
}

func newModel() *model {
	m := &model{}
	m.ends = []state{{owners: map[string]string{}, items: map[string]map[string]uint64{}, coins: map[string]uint64{}}}
	m.moves = [][]state{nil}
	return m
}

func (m *model) tip() state { return m.ends[len(m.ends)-1] }

func (m *model) mine(ops ...nfttest.Op) {
	s := m.tip().clone()
	s.clock++
	var moves []state
	for _, op := range ops {
		s.apply(op)
		if op.From != op.To {
			moves = append(moves, s.clone())
		}
	}
	m.ends, m.moves = append(m.ends, s), append(m.moves, moves)
}

func (m *model) reorg(depth int, ops ...nfttest.Op) {
	depth = min(depth, len(m.ends)-1)
	m.ends, m.moves = m.ends[:len(m.ends)-depth], m.moves[:len(m.moves)-depth]
	for i := range depth + 1 {
		if i == 0 {
			m.mine(ops...)
		} else {
			m.mine()
		}
	}
}

// question is one rule in the model's terms: a sum of amounts that must reach min, throughout so many blocks.
type question struct {
	r      *rule.Rule
	parts  []func(s state, who string) uint64
	min    uint64
	blocks uint64
	below  uint64 // how far under the head the settled reading is; 0 reads the head alone
}

// holds tells by the naive reading at block n whether who passes.
func (m *model) holds(q question, who string, n int) (now, held bool) {
	sum := func(least []uint64) (s uint64) {
		for _, v := range least {
			s += v
		}
		return s
	}
	value := make([]uint64, len(q.parts))
	for i, part := range q.parts {
		value[i] = part(m.ends[n], who)
	}
	if now = sum(value) >= q.min; !now || q.blocks == 0 {
		return now, now
	}
	if uint64(n) < q.blocks {
		return now, false
	}
	begin := n - int(q.blocks)
	for i, part := range q.parts {
		least := part(m.ends[begin], who)
		for b := begin + 1; b <= n; b++ {
			for _, s := range m.moves[b] {
				least = min(least, part(s, who))
			}
		}
		value[i] = least
	}
	return now, sum(value) >= q.min
}

// decide is the outcome of a question, and whether only time is lacking at the head.
func (m *model) decide(q question, who string) (yes, short bool) {
	head := len(m.ends) - 1
	now, held := m.holds(q, who, head)
	if q.below > 0 {
		_, settled := m.holds(q, who, head-min(head, int(q.below)))
		return held && settled, false
	}
	return held, now && !held
}

// world of one history.
type lab struct {
	*world
	m        *model
	rand     *rand.Rand
	accounts []string
	ask      []question
}

const (
	safe, final = 1, 3
)

func newLab(ctx context.Context, seed uint64, asked [][]question) (*lab, error) {
	c := nfttest.NewChain(eth)
	c.SetFinality(safe, final)
	w := &world{chain: c, nft: c.Deploy("erc721"), multi: c.Deploy("erc1155"), coin: c.Deploy("erc20"), store: index.NewMemory()}
	l := &lab{world: w, m: newModel(), rand: rand.New(rand.NewPCG(seed, 7)), accounts: []string{account(1), account(2), account(3)}}
	var err error
	w.x, err = index.New(c, c.IndexSource(), w.store, index.Options{Window: 4, MaxAge: time.Hour, FirstRange: 4, Parallel: 2, Samples: 6})
	if err != nil {
		return nil, err
	}
	w.v = index.NewVerifier(c, w.x)
	w.x.Want(w.nft, w.multi, w.coin)
	l.ask = asked[l.rand.IntN(len(asked))]
	var ops []nfttest.Op
	for i, a := range l.accounts { // something to move
		ops = append(ops, mint(a, strconv.Itoa(i+1)), nfttest.Op{Kind: nfttest.Mint1155, To: a, TokenID: "7", Amount: 3},
			nfttest.Op{Kind: nfttest.Mint20, To: a, Amount: 4})
	}
	c.Mine(ops...)
	l.m.mine(ops...)
	return l, ctx.Err()
}

// questions returns the rules asked of each history, with holding times of so many blocks. The contracts of
// every scripted chain have the same addresses.
func questions(blocks uint64) (out []question) {
	c1 := nfttest.NewChain(eth)
	nftContract, multi, coin := c1.Deploy("erc721"), c1.Deploy("erc1155"), c1.Deploy("erc20")
	asset := func(standard, contract string) string { return "eip155:1/" + standard + ":" + contract }
	n, m, c := asset("erc721", nftContract), asset("erc1155", multi), asset("erc20", coin)
	count := func(s state, who string) (k uint64) {
		for _, o := range s.owners {
			if o == who {
				k++
			}
		}
		return k
	}
	owns := func(id string) func(state, string) uint64 {
		return func(s state, who string) uint64 {
			if s.owners[id] == who {
				return 1
			}
			return 0
		}
	}
	item := func(id string) func(state, string) uint64 {
		return func(s state, who string) uint64 { return s.items[id][who] }
	}
	coins := func(s state, who string) uint64 { return s.coins[who] }
	type part = func(state, string) uint64
	for _, q := range []struct {
		e     rule.Expr
		parts []part
		min   uint64
	}{
		{rule.Hold(n), []part{count}, 1},
		{rule.Hold(n).Min(2), []part{count}, 2},
		{rule.Hold(n + "/1"), []part{owns("1")}, 1},
		{rule.Hold(n).IDs("1", "2", "3").Min(2), []part{owns("1"), owns("2"), owns("3")}, 2},
		{rule.Hold(m + "/7").Min(2), []part{item("7")}, 2},
		{rule.Hold(m).IDs("7", "8").Min(3), []part{item("7"), item("8")}, 3},
		{rule.Hold(c).Min(3), []part{coins}, 3},
	} {
		for _, v := range []struct {
			e             rule.Expr
			below, blocks uint64
		}{{q.e, 0, 0}, {q.e.Finalized(), final, 0}, {q.e.HeldForBlocks(blocks), 0, blocks}, {q.e.Confirmations(3).HeldForBlocks(blocks), 2, blocks}} {
			out = append(out, question{r: v.e.MustBuild(), parts: q.parts, min: q.min, below: v.below, blocks: v.blocks})
		}
	}
	return out
}

func (l *lab) one() string { return l.accounts[l.rand.IntN(len(l.accounts))] }

// ops makes some that the state allows: they are drawn against it one after the other.
func (l *lab) ops(s state) (ops []nfttest.Op) {
	s = s.clone()
	for range l.rand.IntN(4) {
		op := nfttest.Op{From: l.one(), To: l.one(), Amount: uint64(1 + l.rand.IntN(3))}
		if l.rand.IntN(12) == 0 {
			op.To = "" // burnt
		}
		switch l.rand.IntN(6) {
		case 0:
			op.TokenID = strconv.Itoa(1 + l.rand.IntN(4))
			op.Kind, op.Amount = nfttest.Transfer721, 0
			if op.From = s.owners[op.TokenID]; op.From == "" {
				op.Kind = nfttest.Mint721
			}
		case 1:
			op.TokenID = strconv.Itoa(1 + l.rand.IntN(4))
			op.Kind, op.Amount = nfttest.Transfer721, 0
			if s.owners[op.TokenID] != op.From {
				continue
			}
		case 2:
			op.Kind, op.TokenID, op.From = nfttest.Mint1155, strconv.Itoa(7+l.rand.IntN(2)), ""
		case 3:
			op.Kind, op.TokenID = nfttest.Transfer1155, strconv.Itoa(7+l.rand.IntN(2))
			if s.items[op.TokenID][op.From] < op.Amount {
				continue
			}
		case 4:
			op.Kind, op.From = nfttest.Mint20, ""
		case 5:
			op.Kind = nfttest.Transfer20
			if s.coins[op.From] < op.Amount {
				continue
			}
		}
		if op.From == "" && op.To == "" {
			continue
		}
		s.apply(op)
		ops = append(ops, op)
	}
	return ops
}

// step changes the chain and the model alike, some of it behind the back of a provider that fails.
func (l *lab) step(ctx context.Context, stats *counts) {
	bad := l.rand.IntN(6) == 0
	if bad {
		faults := []func(){
			func() { l.chain.Fail(nfttest.Faults{Err: errors.New("refused")}) },
			func() { l.chain.Fail(nfttest.Faults{Lag: 2}) },
			func() { l.chain.FailLogs(nfttest.LogFaults{Err: errors.New("refused")}) },
			func() { l.chain.FailLogs(nfttest.LogFaults{Doubt: true}) },
			func() { l.chain.FailLogs(nfttest.LogFaults{Most: 1}) },
			func() { l.chain.Gap() },
		}
		faults[l.rand.IntN(len(faults))]()
	}
	for range 1 + l.rand.IntN(3) {
		if l.rand.IntN(4) == 0 && len(l.m.ends) > 1 {
			depth := 1 + l.rand.IntN(3)
			if l.rand.IntN(5) == 0 {
				depth = 1 + l.rand.IntN(12)
			}
			depth = min(depth, len(l.m.ends)-1)
			ops := l.ops(l.m.ends[len(l.m.ends)-1-depth])
			l.chain.Reorg(depth, ops...)
			l.m.reorg(depth, ops...)
			stats.reorgs.Add(1)
			if depth > 4 {
				stats.deep.Add(1)
			}
		} else {
			ops := l.ops(l.m.tip())
			l.chain.Mine(ops...)
			l.m.mine(ops...)
		}
		if l.rand.IntN(3) == 0 {
			_ = l.x.Sync(ctx) // it may fail now
		}
	}
	if bad {
		_ = l.x.Sync(ctx)
		l.chain.Fail(nfttest.Faults{})
		l.chain.FailLogs(nfttest.LogFaults{})
	}
}

func runHistory(ctx context.Context, seed uint64, steps int, asked [][]question, plant func(nft.Verifier) nft.Verifier, stats *counts) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	l, err := newLab(ctx, seed, asked)
	if err != nil {
		return err
	}
	options := func(v nft.Verifier) nft.DeciderOptions {
		return nft.DeciderOptions{Verifiers: []nft.Verifier{v}, CacheSize: 64, YesTTL: time.Hour, NoTTL: time.Hour}
	}
	over := nft.Verifier(l.v)
	if plant != nil {
		over = plant(over)
	}
	cached := nft.NewDecider(options(l.chain))
	indexed := nft.NewDecider(options(over))
	single := nft.NewDecider(options(oneByOne{l.chain}))
	running, stop := context.WithCancel(ctx)
	ran := make(chan struct{})
	go func() { defer close(ran); _ = cached.Run(running) }()
	defer func() { stop(); <-ran }()
	if err := l.chain.Watching(ctx, 1); err != nil {
		return err
	}
	if steps == 0 {
		steps = 6 + l.rand.IntN(5)
	}
	for i := range steps {
		l.step(ctx, stats)
		if err := l.x.Sync(ctx); err != nil {
			return fmt.Errorf("step %d: the index does not come to rest: %w", i, err)
		}
		if err := l.chain.Sync(ctx); err != nil {
			return err
		}
		for range 3 {
			q, who := l.ask[l.rand.IntN(len(l.ask))], l.one()
			yes, short := l.m.decide(q, who)
			for name, decide := range map[string]func(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error){
				"cached": cached.Decide, "indexed": indexed.DecideFresh, "one by one": single.DecideFresh,
			} {
				d, err := decide(ctx, q.r, subject(who))
				if err != nil {
					return err
				}
				if d.Outcome == nft.Unknown || (d.Outcome == nft.Yes) != yes || (d.Reason == "held_too_short") != short && q.below == 0 {
					return fmt.Errorf("step %d, block %d: %s\nfor %s: %s says %v %s (%s of %s, %s), the whole history says yes %v, too short %v", i, l.m.tip().clock,
						q.r.Sentence(), who, name, d.Outcome, d.Reason, d.Explain.Observed, d.Explain.Wanted, d.Explain.Source, yes, short)
				}
				if name == "indexed" && d.Explain.Source == "index" {
					stats.byIndex.Add(1)
				}
			}
			stats.compared.Add(3)
			switch {
			case yes:
				stats.yes.Add(1)
			case short:
				stats.short.Add(1)
			default:
				stats.no.Add(1)
			}
		}
	}
	for _, c := range l.x.Status().Contracts {
		if strings.HasPrefix(c.Status, "refused") {
			return fmt.Errorf("an honest contract is refused: %+v", c)
		}
	}
	return nil
}

// oneByOne asks a query at a time, which a batch must not differ from.
type oneByOne struct{ nft.Verifier }

func (o oneByOne) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	var out nft.Reply
	for _, q := range queries {
		r, err := o.Verifier.Check(ctx, at, []nft.Query{q})
		if err != nil {
			return r, err
		}
		if out.Block.Hash != "" && out.Block.Hash != r.Block.Hash {
			return r, errors.New("the chain moved in between")
		}
		out.Block, out.Calls, out.Answers = r.Block, out.Calls+r.Calls, append(out.Answers, r.Answers...)
	}
	return out, nil
}

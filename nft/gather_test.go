package nft_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

var latest = nft.Finality{Tag: "latest"}

func count(contract, account string) []nft.Query {
	return []nft.Query{{Op: nft.OpBalance721, Contract: contract, Account: account}}
}

// What is gathered keeps the promises of a verifier.
func TestGatherIsAVerifier(t *testing.T) {
	t.Parallel()
	nfttest.Run(t, func(*testing.T) nfttest.Fixture {
		c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
		return nfttest.Fixture{
			Verifier: nft.NewGather(c), NFT: c.Deploy("erc721"), Multi: c.Deploy("erc1155"), NoCode: account(255),
			Accounts: [3]string{account(1), account(2), account(3)},
			Mine:     func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return c.Mine(ops...), nil },
			Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
				c.Reorg(depth, ops...)
				return nil
			},
			Break: func() func() {
				c.Fail(nfttest.Faults{Err: errors.New("connection refused")})
				return func() { c.Fail(nfttest.Faults{}) }
			},
		}
	})
}

// gathering runs a test in its own time, with a first Check that is held until release.
func gathering(t *testing.T, wrap func(*nfttest.Chain) nft.Verifier, test func(t *testing.T, w *world, v nft.Verifier, release func())) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nft.DeciderOptions{})
		v := nft.NewGather(nft.Verifier(w.chain))
		if wrap != nil {
			v = nft.NewGather(wrap(w.chain))
		}
		entered, release := w.chain.HoldReply()
		first := make(chan error, 1)
		go func() {
			_, err := v.Check(t.Context(), latest, count(w.nft, account(999)))
			first <- err
		}()
		<-entered
		test(t, w, v, release)
		release()
		if err := <-first; err != nil {
			t.Errorf("the first: %v", err)
		}
	})
}

func TestReadsWaitingTogetherAreOneCheck(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, release func()) {
		// Mined after the first Check began: who asks now must know of it.
		for i := range 50 {
			w.chain.Mine(mint(account(i), fmt.Sprint(i)))
		}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				r, err := v.Check(t.Context(), latest, append(count(w.nft, account(i)), count(w.nft, account(0))...))
				if err != nil || len(r.Answers) != 2 || r.Block.Number != 50 {
					t.Errorf("%d: %+v, %v", i, r, err)
					return
				}
				want := "0"
				if i < 50 {
					want = "1"
				}
				if r.Answers[0].Value != want || r.Answers[1].Value != "1" {
					t.Errorf("%d: %q and %q", i, r.Answers[0].Value, r.Answers[1].Value)
				}
			})
		}
		synctest.Wait()
		release()
		wg.Wait()
		if n := w.chain.Checks(); n < 2 || n > 3 { // 200 queries, of which a Check holds 128
			t.Errorf("%d checks", n)
		}
		if n := w.chain.Queries(); n > 1+101+1 {
			t.Errorf("%d queries: equal ones are asked once", n)
		}
	})
}

func TestFinalitiesAreNotMixed(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, _ func()) {
		w.chain.Mine(mint(account(1), "1"))
		r, err := v.Check(t.Context(), nft.Finality{Tag: "finalized"}, count(w.nft, account(1)))
		if err != nil || r.Answers[0].Value != "0" {
			t.Errorf("finalized: %+v, %v", r, err)
		}
	})
}

// A Check that hangs keeps nobody else from asking.
func TestAHangingCheckIsNotWaitedFor(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, _ func()) {
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				if _, err := v.Check(t.Context(), latest, count(w.nft, account(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(start); d > 50*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		if n := w.chain.Checks(); n > 5 {
			t.Errorf("%d checks for 300 who waited together", n)
		}
	})
}

func TestOneWhoHangsUpFailsNobody(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, release func()) {
		w.chain.Mine(mint(account(1), "1"))
		gone, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 3 {
			ctx := t.Context()
			if i == 0 {
				ctx = gone
			}
			wg.Go(func() {
				r, err := v.Check(ctx, latest, count(w.nft, account(i)))
				if i == 0 && !errors.Is(err, fault.Canceled) {
					t.Errorf("who hung up got %v", err)
				}
				if i > 0 && (err != nil || r.Answers[0].Value != [3]string{"", "1", "0"}[i]) {
					t.Errorf("%d: %+v, %v", i, r, err)
				}
			})
		}
		synctest.Wait()
		hangUp()
		synctest.Wait()
		release()
		wg.Wait()
	})
}

// picky refuses a whole Check for one of its queries, and may hang over it.
type picky struct {
	nft.Verifier
	poison string
	hang   bool
	asked  atomic.Int32
	ended  atomic.Int32
}

func (p *picky) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	p.asked.Add(1)
	if slices.ContainsFunc(qs, func(q nft.Query) bool { return q.Account == p.poison }) {
		if p.hang {
			<-ctx.Done()
			p.ended.Add(1)
			return nft.Reply{}, fault.Wrap(fault.Canceled, "picky", ctx.Err())
		}
		return nft.Reply{}, fault.New(fault.Unsupported, "picky", "not this one")
	}
	return p.Verifier.Check(ctx, at, qs)
}

func TestABadQueryFailsItsAskerAlone(t *testing.T) {
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hang %v", hang), func(t *testing.T) {
			p := &picky{poison: account(37), hang: hang}
			gathering(t, func(c *nfttest.Chain) nft.Verifier { p.Verifier = c; return p }, func(t *testing.T, w *world, v nft.Verifier, release func()) {
				w.chain.Mine(mint(account(5), "5"))
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				var wg sync.WaitGroup
				for i := range 64 {
					wg.Go(func() {
						r, err := v.Check(ctx, latest, count(w.nft, account(i)))
						if i == 37 {
							if want := map[bool]fault.Kind{false: fault.Unsupported, true: fault.Canceled}[hang]; !errors.Is(err, want) {
								t.Errorf("the bad one got %v", err)
							}
							return
						}
						if err != nil || r.Answers[0].Value != map[bool]string{true: "1", false: "0"}[i == 5] {
							t.Errorf("%d: %+v, %v", i, r, err)
						}
					})
				}
				synctest.Wait()
				release()
				wg.Wait()
				if n := p.asked.Load(); n > 40 {
					t.Errorf("%d checks", n)
				}
			})
		})
	}
}

// A dead chain is not asked once for each who waits.
func TestAFailureOfAllIsBounded(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, release func()) {
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if _, err := v.Check(t.Context(), latest, count(w.nft, account(i))); !errors.Is(err, fault.Unavailable) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		w.chain.Fail(nfttest.Faults{Err: errors.New("refused")})
		release()
		wg.Wait()
		if n := w.chain.Checks(); n > 40 {
			t.Errorf("%d checks of a dead chain for 100 askers", n)
		}
	})
}

// An answer too few for all together is none for anybody, until they ask alone.
func TestTooFewAnswersAreNotMixedUp(t *testing.T) {
	gathering(t, nil, func(t *testing.T, w *world, v nft.Verifier, release func()) {
		w.chain.Mine(mint(account(1), "1"))
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				r, err := v.Check(t.Context(), latest, count(w.nft, account(i)))
				if err != nil || len(r.Answers) > 1 || len(r.Answers) == 1 && r.Answers[0].Value != map[bool]string{true: "1", false: "0"}[i == 1] {
					t.Errorf("%d: %+v, %v", i, r, err)
				}
			})
		}
		synctest.Wait()
		w.chain.Fail(nfttest.Faults{Drop: 1})
		release()
		wg.Wait()
	})
}

func TestWhenAllHangUpTheCheckEnds(t *testing.T) {
	p := &picky{poison: account(1), hang: true}
	gathering(t, func(c *nfttest.Chain) nft.Verifier { p.Verifier = c; return p }, func(t *testing.T, w *world, v nft.Verifier, release func()) {
		ctx, hangUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _ = v.Check(ctx, latest, count(w.nft, account(1))) })
		}
		synctest.Wait()
		release()
		synctest.Wait()
		hangUp()
		wg.Wait()
		synctest.Wait()
		if n := p.ended.Load(); n != 1 {
			t.Errorf("%d checks ended", n)
		}
	})
}

// Nobody gets another's answer, and none older than his question.
func TestGatheredAnswersAreRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	v := nft.NewGather(nft.Verifier(w.chain))
	w.chain.Fail(nfttest.Faults{Delay: 200 * time.Microsecond})
	var minted atomic.Int64
	stop := make(chan struct{})
	var miner sync.WaitGroup
	miner.Go(func() {
		for i := range 400 {
			select {
			case <-stop:
				return
			default:
			}
			w.chain.Mine(mint(account(i), fmt.Sprint(i)))
			minted.Store(int64(i + 1))
			time.Sleep(100 * time.Microsecond)
		}
	})
	var wg sync.WaitGroup
	for seed := range uint64(16) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range 200 {
				known := int(minted.Load())
				var qs []nft.Query
				var who []int
				for range 1 + rnd.IntN(5) {
					i := rnd.IntN(400)
					who = append(who, i)
					qs = append(qs, count(w.nft, account(i))...)
				}
				r, err := v.Check(context.Background(), latest, qs)
				if err != nil || len(r.Answers) != len(qs) || int(r.Block.Number) < known {
					t.Errorf("%d answers to %d at block %d after %d: %v", len(r.Answers), len(qs), r.Block.Number, known, err)
					return
				}
				for k, i := range who {
					want := "0"
					if i < int(r.Block.Number) {
						want = "1"
					}
					if r.Answers[k].Value != want {
						t.Errorf("account %d at block %d: %s", i, r.Block.Number, r.Answers[k].Value)
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	miner.Wait()
}

// Queries that differ in anything are two reads. A new member of Query makes this fail until readKey has it.
func TestEveryMemberOfAQueryIsItsIdentity(t *testing.T) {
	t.Parallel()
	base := nft.KeyOfRead(nft.Query{})
	q := reflect.TypeFor[nft.Query]()
	for i := range q.NumField() {
		var filled nft.Query
		f := reflect.ValueOf(&filled).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			if e := f.Elem(); e.Kind() == reflect.Struct && e.NumField() > 0 && e.Field(0).Kind() == reflect.String {
				e.Field(0).SetString("x")
			}
		case reflect.Struct:
			for k := range f.NumField() {
				var one nft.Query
				if m := reflect.ValueOf(&one).Elem().Field(i).Field(k); m.Kind() == reflect.Bool {
					m.SetBool(true)
				} else {
					m.SetUint(1)
				}
				if nft.KeyOfRead(one) == base {
					t.Errorf("%s.%s does not count", q.Field(i).Name, f.Type().Field(k).Name)
				}
			}
			continue
		default:
			t.Errorf("%s: this test cannot fill a %v", q.Field(i).Name, f.Kind())
			continue
		}
		if nft.KeyOfRead(filled) == base {
			t.Errorf("%s does not count", q.Field(i).Name)
		}
	}
}

// A thousand watches of what only asking tells make a few Checks at a head, not a thousand.
func TestAThousandWatchesOfCallsAskTogether(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		w.chain.SetCall(w.misc, "tier(address)(uint8)", "1")
		r := rule.Call("eip155:1:"+w.misc, "tier(address)(uint8)", ":account").Test(">", "1").MustBuild()
		var chs []<-chan nft.Decision
		for i := range 1000 {
			ch := w.d.Watch(ctx, r, subject(account(i)))
			chs = append(chs, ch)
		}
		for _, ch := range chs {
			w.next(ch, nft.No, "call_failed")
		}
		w.settle()
		before := w.chain.Checks()
		w.chain.Fail(nfttest.Faults{Delay: 5 * time.Millisecond})
		w.chain.SetCall(w.misc, "tier(address)(uint8)", "2")
		start := time.Now()
		for _, ch := range chs {
			w.next(ch, nft.Yes, "allowed")
		}
		if n := w.chain.Checks() - before; n > 40 {
			t.Errorf("%d checks at one head for 1,000 watches", n)
		}
		if d := time.Since(start); d > 250*time.Millisecond {
			t.Errorf("the last flipped after %v", d)
		}
	})
}

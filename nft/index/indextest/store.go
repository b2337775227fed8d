// Package indextest tests implementations of what package index stands on: RunStore its
// Store, RunSource its Source. Tests of drivers and of hosts with their own call it.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
)

// NewStore makes an empty store.
type NewStore func(t testing.TB) index.Store

// RunStore checks the promises of index.Store.
func RunStore(t *testing.T, open NewStore) { suite.Run(t, storeChecks(), open) }

// FailingStore returns the names of the checks that a store fails, to test the suite.
func FailingStore(t *testing.T, open NewStore) []string {
	return suite.Failing(t, storeChecks(), open)
}

func storeChecks() []suite.Check[NewStore] {
	return []suite.Check[NewStore]{
		{Name: "an unknown chain is the zero state", Run: unknownChain},
		{Name: "a step is taken over as it is", Run: stepComesBack},
		{Name: "amounts are added and owners replaced", Run: amountsAdd},
		{Name: "a step of another revision changes nothing", Run: staleStep},
		{Name: "of many steps of one revision one is made", Run: oneOfMany},
		{Name: "wanting changes nothing that is known", Run: wanting},
		{Name: "what is dropped is gone, of that contract alone", Run: dropping},
		{Name: "chains are apart", Run: chainsApart},
		{Name: "values are of the state of their mark", Run: valuesOfOneState},
		{Name: "many keys at once", Run: manyKeys},
		{Name: "samples are keys of the contract", Run: samples},
		{Name: "who hung up is told so and changes nothing", Run: hungUp},
	}
}

const (
	chain = "eip155:1"
	one   = "0x0000000000000000000000000000000000000001"
	two   = "0x0000000000000000000000000000000000000002"
	alice = "0x00000000000000000000000000000000000000a1"
	bob   = "0x00000000000000000000000000000000000000b2"
)

func block(n uint64) *nft.Block {
	return &nft.Block{Number: n, Hash: fmt.Sprintf("0x%064x", n), Time: time.Unix(1_700_000_000+int64(n), 0).UTC()}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, s index.Store, chain string) index.State {
	t.Helper()
	state, err := s.Load(t.Context(), chain)
	must(t, err)
	return state
}

// apply makes a step of the present revision.
func apply(t testing.TB, s index.Store, step index.Step) {
	t.Helper()
	step.Revision = load(t, s, chain).Revision
	must(t, s.Apply(t.Context(), chain, step))
}

func values(t testing.TB, s index.Store, chain string, keys ...index.Key) []string {
	t.Helper()
	_, got, err := s.Values(t.Context(), chain, keys)
	must(t, err)
	return got
}

func amounts(of map[index.Key]int64) map[index.Key]*big.Int {
	out := map[index.Key]*big.Int{}
	for k, n := range of {
		out[k] = big.NewInt(n)
	}
	return out
}

func unknownChain(t testing.TB, open NewStore) {
	s := open(t)
	if got := load(t, s, chain); !reflect.DeepEqual(got, index.State{}) {
		t.Errorf("state %+v", got)
	}
	mark, got, err := s.Values(t.Context(), chain, []index.Key{{Contract: one, Account: alice}})
	if err != nil || mark != (index.Mark{}) || !slices.Equal(got, []string{""}) {
		t.Errorf("values %v %q, %v", mark, got, err)
	}
	if keys, err := s.Sample(t.Context(), chain, one, 5); err != nil || len(keys) != 0 {
		t.Errorf("sample %v, %v", keys, err)
	}
}

func stepComesBack(t testing.TB, open NewStore) {
	s := open(t)
	must(t, s.Want(t.Context(), chain, []string{two, one}))
	full := index.Contract{
		Address: one, Kind: index.ERC721, Status: index.Refused, Reason: "unusual", Next: 1 << 40, First: 1<<40 - 5, Events: 1 << 41,
	}
	apply(t, s, index.Step{Base: block(7), Contracts: []index.Contract{full}})
	want := index.State{Revision: 1, Base: *block(7), Contracts: []index.Contract{full, {Address: two, Status: index.Wanted}}}
	if got := load(t, s, chain); !reflect.DeepEqual(got, want) {
		t.Errorf("state %+v\n want %+v", got, want)
	}
	apply(t, s, index.Step{Withdraw: true})
	want.Revision, want.Generation = 2, 1
	if got := load(t, s, chain); !reflect.DeepEqual(got, want) {
		t.Errorf("after a withdrawal the state is %+v\n want %+v", got, want)
	}
}

func amountsAdd(t testing.TB, open NewStore) {
	s := open(t)
	owner, coins, item := index.Key{Contract: one, Token: "9"}, index.Key{Contract: two, Account: alice}, index.Key{Contract: two, Account: bob, Token: "115792089237316195423570985008687907853269984665640564039457584007913129639935"}
	huge, _ := new(big.Int).SetString(strings.Repeat("9", 77), 10)
	apply(t, s, index.Step{Base: block(1), Amounts: map[index.Key]*big.Int{coins: huge, item: big.NewInt(3)}, Owners: map[index.Key]string{owner: alice}})
	apply(t, s, index.Step{Amounts: amounts(map[index.Key]int64{coins: 1, item: -5}), Owners: map[index.Key]string{owner: bob}})
	want := []string{"1" + strings.Repeat("0", 77), "-2", bob}
	if got := values(t, s, chain, coins, item, owner); !slices.Equal(got, want) {
		t.Errorf("values %q, want %q", got, want)
	}
	apply(t, s, index.Step{Amounts: amounts(map[index.Key]int64{item: 2}), Owners: map[index.Key]string{owner: ""}})
	if got := values(t, s, chain, item, owner); got[0] != "0" && got[0] != "" || got[1] != "" {
		t.Errorf("nothing is left, but the values are %q", got)
	}
}

func staleStep(t testing.TB, open NewStore) {
	s := open(t)
	k := index.Key{Contract: one, Account: alice}
	step := index.Step{Base: block(3), Amounts: amounts(map[index.Key]int64{k: 2}), Contracts: []index.Contract{{Address: one, Status: index.Live}}}
	must(t, s.Apply(t.Context(), chain, step))
	for _, revision := range []int64{0, 2, -1} {
		again := index.Step{Revision: revision, Base: block(9), Withdraw: true, Drop: []string{one}, Amounts: step.Amounts, Contracts: []index.Contract{{Address: two}}}
		if err := s.Apply(t.Context(), chain, again); !errors.Is(err, fault.Conflict) {
			t.Errorf("a step of revision %d: %v, want kind conflict", revision, err)
		}
	}
	want := index.State{Revision: 1, Base: *block(3), Contracts: step.Contracts}
	if got := load(t, s, chain); !reflect.DeepEqual(got, want) {
		t.Errorf("state %+v, want %+v", got, want)
	}
	if got := values(t, s, chain, k); got[0] != "2" {
		t.Errorf("value %q, want 2", got)
	}
}

func oneOfMany(t testing.TB, open NewStore) {
	s := open(t)
	k := index.Key{Contract: one, Account: alice}
	const racers, rounds = 8, 5
	for round := range rounds {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		for i := range racers {
			wg.Go(func() {
				errs[i] = s.Apply(t.Context(), chain, index.Step{Revision: int64(round), Base: block(uint64(round)), Amounts: amounts(map[index.Key]int64{k: 1})})
			})
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, fault.Conflict) {
				t.Errorf("a step that came too late: %v", err)
			}
		}
		if made != 1 {
			t.Errorf("%d steps of revision %d are made", made, round)
		}
	}
	if got := values(t, s, chain, k); got[0] != fmt.Sprint(rounds) {
		t.Errorf("value %q after %d steps", got, rounds)
	}
}

func wanting(t testing.TB, open NewStore) {
	s := open(t)
	known := index.Contract{Address: one, Kind: index.ERC20, Status: index.Live, Next: 4, Events: 2}
	apply(t, s, index.Step{Contracts: []index.Contract{known}})
	for range 2 {
		must(t, s.Want(t.Context(), chain, []string{one, two}))
	}
	must(t, s.Want(t.Context(), chain, nil))
	want := index.State{Revision: 1, Contracts: []index.Contract{known, {Address: two, Status: index.Wanted}}}
	if got := load(t, s, chain); !reflect.DeepEqual(got, want) {
		t.Errorf("state %+v, want %+v", got, want)
	}
}

func dropping(t testing.TB, open NewStore) {
	s := open(t)
	mine, owned, theirs := index.Key{Contract: one, Account: alice}, index.Key{Contract: one, Token: "1"}, index.Key{Contract: two, Account: alice}
	apply(t, s, index.Step{Amounts: amounts(map[index.Key]int64{mine: 4, theirs: 5}), Owners: map[index.Key]string{owned: alice}})
	apply(t, s, index.Step{Drop: []string{one}, Amounts: amounts(map[index.Key]int64{mine: 1})})
	if got := values(t, s, chain, mine, owned, theirs); !slices.Equal(got, []string{"1", "", "5"}) {
		t.Errorf("values %q", got)
	}
}

func chainsApart(t testing.TB, open NewStore) {
	s := open(t)
	const other = "eip155:137"
	k := index.Key{Contract: one, Account: alice}
	apply(t, s, index.Step{Base: block(5), Amounts: amounts(map[index.Key]int64{k: 4}), Contracts: []index.Contract{{Address: one, Status: index.Live}}})
	if got := load(t, s, other); !reflect.DeepEqual(got, index.State{}) {
		t.Errorf("the other chain's state is %+v", got)
	}
	if got := values(t, s, other, k); got[0] != "" {
		t.Errorf("the other chain's value is %q", got)
	}
	must(t, s.Apply(t.Context(), other, index.Step{Base: block(1), Drop: []string{one}}))
	if got := values(t, s, chain, k); got[0] != "4" {
		t.Errorf("the value is %q", got)
	}
}

// valuesOfOneState reads while steps move the base and add one to each of two values.
func valuesOfOneState(t testing.TB, open NewStore) {
	s := open(t)
	keys := []index.Key{{Contract: one, Account: alice}, {Contract: two, Account: bob, Token: "7"}}
	const steps = 40
	done := make(chan error, 1)
	go func() {
		for i := range steps {
			n := uint64(i + 1)
			err := s.Apply(t.Context(), chain, index.Step{Revision: int64(i), Base: block(n), Withdraw: true, Amounts: amounts(map[index.Key]int64{keys[0]: 1, keys[1]: 1})})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			must(t, err)
			ended = true
		default:
		}
		mark, got, err := s.Values(t.Context(), chain, keys)
		must(t, err)
		want := fmt.Sprint(mark.Number)
		if mark.Number == 0 {
			want = ""
		}
		if got[0] != want || got[1] != want || mark.Generation != int64(mark.Number) || mark.Number > 0 && mark.Hash != block(mark.Number).Hash {
			t.Fatalf("at %+v the values are %q", mark, got)
		}
	}
}

func manyKeys(t testing.TB, open NewStore) {
	s := open(t)
	const n = 1200
	add, owners := map[index.Key]*big.Int{}, map[index.Key]string{}
	var keys []index.Key
	var want []string
	for i := range n {
		held, owned := index.Key{Contract: one, Account: alice, Token: fmt.Sprint(i)}, index.Key{Contract: two, Token: fmt.Sprint(i)}
		add[held], owners[owned] = big.NewInt(int64(i+1)), bob
		keys, want = append(keys, held, owned), append(want, fmt.Sprint(i+1), bob)
	}
	apply(t, s, index.Step{Base: block(1), Amounts: add, Owners: owners})
	if got := values(t, s, chain, keys...); !slices.Equal(got, want) {
		t.Error("values differ")
	}
	twice := []index.Key{keys[0], keys[1], keys[0]}
	if got := values(t, s, chain, twice...); !slices.Equal(got, []string{want[0], want[1], want[0]}) {
		t.Errorf("a key asked for twice: %q", got)
	}
}

func samples(t testing.TB, open NewStore) {
	s := open(t)
	add, owners := map[index.Key]*big.Int{}, map[index.Key]string{}
	for i := range 40 {
		add[index.Key{Contract: one, Account: fmt.Sprintf("0x%040x", i)}] = big.NewInt(1)
		add[index.Key{Contract: two, Account: fmt.Sprintf("0x%040x", i)}] = big.NewInt(1)
		owners[index.Key{Contract: one, Token: fmt.Sprint(i)}] = alice
	}
	apply(t, s, index.Step{Amounts: add, Owners: owners})
	seen := map[index.Key]bool{}
	for range 30 {
		keys, err := s.Sample(t.Context(), chain, one, 10)
		must(t, err)
		if len(keys) == 0 || len(keys) > 10 {
			t.Fatalf("%d keys of at most 10", len(keys))
		}
		owned := 0
		for i, k := range keys {
			if k.Contract != one || add[k] == nil && owners[k] == "" || slices.Contains(keys[:i], k) {
				t.Errorf("key %+v is not of the contract, or twice in the sample", k)
			}
			if seen[k] = true; k.Account == "" {
				owned++
			}
		}
		if owned == 0 || owned == len(keys) {
			t.Errorf("%d of %d keys are owners", owned, len(keys))
		}
	}
	if len(seen) <= 12 {
		t.Errorf("thirty samples of ten saw %d of 80 keys", len(seen))
	}
}

func hungUp(t testing.TB, open NewStore) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, loadErr := s.Load(ctx, chain)
	_, _, valuesErr := s.Values(ctx, chain, []index.Key{{Contract: one}})
	_, sampleErr := s.Sample(ctx, chain, one, 1)
	for op, err := range map[string]error{
		"Load": loadErr, "Values": valuesErr, "Sample": sampleErr,
		"Want": s.Want(ctx, chain, []string{one}), "Apply": s.Apply(ctx, chain, index.Step{Base: block(1)}),
	} {
		if !errors.Is(err, fault.Canceled) {
			t.Errorf("%s: %v, want kind canceled", op, err)
		}
	}
	if got := load(t, s, chain); !reflect.DeepEqual(got, index.State{}) {
		t.Errorf("state %+v", got)
	}
}

package passtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/nft/pass"
)

// NewStore returns an empty store of its own for one check, which ends with t.Cleanup.
type NewStore = func(t testing.TB) pass.Store

// RunStore checks that what newStore makes keeps the promises of pass.Store.
func RunStore(t *testing.T, newStore NewStore) { suite.Run(t, checks(), newStore) }

// Failing returns the names of the checks that do not pass, without failing t.
func Failing(t *testing.T, newStore NewStore) []string { return suite.Failing(t, checks(), newStore) }

func checks() []suite.Check[NewStore] {
	return []suite.Check[NewStore]{
		{Name: "records are whole", Run: whole},
		{Name: "a key is one order", Run: oneKey},
		{Name: "a key races for one order", Run: keyRace},
		{Name: "tenants are apart", Run: tenants},
		{Name: "lists are filtered and paged", Run: lists},
		{Name: "a change is whole or nothing", Run: changes},
		{Name: "changes at once all count", Run: changeRace},
		{Name: "what is to be done", Run: work},
		{Name: "numbers fill gaps", Run: gaps},
		{Name: "numbers race without doubles", Run: numberRace},
		{Name: "an ended context", Run: canceled},
	}
}

var (
	chainA = caip.ChainID{Namespace: "eip155", Reference: "1337"}
	chainB = caip.ChainID{Namespace: "eip155", Reference: "1"}
)

const sender = "0x00000000000000000000000000000000000000aa"

func order(tenant string, n int) pass.Order {
	at := time.UnixMilli(1_800_000_000_000 + int64(n)).UTC()
	return pass.Order{
		ID: fmt.Sprintf("%s-%06d", tenant, n), Tenant: tenant, Owner: "u1", Key: fmt.Sprintf("k%d", n), Act: pass.Mint, Pass: "p", Chain: chainA, Sender: sender,
		State: pass.Created, CreatedAt: at, UpdatedAt: at,
	}
}

func insert(t testing.TB, s pass.Store, list ...pass.Order) {
	t.Helper()
	for _, o := range list {
		if _, fresh, err := s.Insert(t.Context(), o); err != nil || !fresh {
			t.Fatalf("Insert(%s): %t, %v", o.ID, fresh, err)
		}
	}
}

func whole(t testing.TB, newStore NewStore) {
	s := newStore(t)
	o := order("one", 1)
	nonce := uint64(math.MaxInt64)
	o.Spec = &pass.Spec{Chain: chainA, Kind: pass.ERC1155, Name: "Pass \u2116 1", Symbol: "P", BaseURI: "ipfs://x/", MaxSupply: 1 << 53, Soulbound: true, Authority: sender}
	o.Grant = &pass.Grant{To: sender, TokenID: "7", Amount: 3, Duration: 60}
	o.State, o.Reason, o.Nonce, o.Void, o.Gas, o.To, o.Data, o.Reorgs = pass.Mined, "a \"reason\"", &nonce, true, 21_000, sender, []byte{0, 255}, 2
	o.Attempts = []pass.Attempt{{Hash: "0x1", Raw: []byte{2, 0, 1}, TipCap: "1", FeeCap: "340282366920938463463374607431768211456", At: o.CreatedAt, Expires: 9}}
	o.Past, o.Contract, o.TokenID, o.Hash, o.Block = []string{"0x0"}, sender, "12", "0x1", &pass.Block{Number: 9, Hash: "0xb"}
	insert(t, s, o)
	got, err := s.Order(t.Context(), "one", o.ID)
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, o)
	}
	got, err = s.Change(t.Context(), "one", o.ID, func(r *pass.Order) error { r.State = pass.Confirmed; return nil })
	o.State = pass.Confirmed
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("changed: %+v, %v\nwant %+v", got, err, o)
	}
	if got, err = s.Order(t.Context(), "one", o.ID); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("read again: %+v, %v", got, err)
	}
}

func oneKey(t testing.TB, newStore NewStore) {
	s := newStore(t)
	a, b := order("one", 1), order("one", 2)
	b.Key = a.Key
	insert(t, s, a)
	if got, fresh, err := s.Insert(t.Context(), b); err != nil || fresh || got.ID != a.ID {
		t.Errorf("the same key: %s, %t, %v", got.ID, fresh, err)
	}
	if _, err := s.Order(t.Context(), "one", b.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("the repeat was kept: %v", err)
	}
	b.Owner = "u2"
	c := order("two", 3)
	c.Key = a.Key
	insert(t, s, b, c)
}

func keyRace(t testing.TB, newStore NewStore) {
	s := newStore(t)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			o := order("one", i)
			o.Key = "same"
			got, _, err := s.Insert(t.Context(), o)
			if err != nil {
				t.Error(err)
			}
			ids[i] = got.ID
		})
	}
	wg.Wait()
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
		t.Errorf("one key became the orders %v", slices.Compact(ids))
	}
}

func tenants(t testing.TB, newStore NewStore) {
	s := newStore(t)
	a := order("one", 1)
	insert(t, s, a, order("two", 2))
	if _, err := s.Order(t.Context(), "two", a.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("Order of another tenant: %v", err)
	}
	if _, err := s.Change(t.Context(), "two", a.ID, func(*pass.Order) error { return nil }); !errors.Is(err, fault.NotFound) {
		t.Errorf("Change of another tenant: %v", err)
	}
	if _, err := s.Number(t.Context(), "two", a.ID, 0); !errors.Is(err, fault.NotFound) {
		t.Errorf("Number of another tenant: %v", err)
	}
	if got, _, err := s.Orders(t.Context(), "two", pass.ListOptions{}); err != nil || len(got) != 1 || got[0].Tenant != "two" {
		t.Errorf("Orders: %v, %v", got, err)
	}
	if _, err := s.Order(t.Context(), "one", "none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("no such order: %v", err)
	}
}

func ids(list []pass.Order) (out []string) {
	for _, o := range list {
		out = append(out, o.ID)
	}
	return out
}

func lists(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for i := range 7 {
		o := order("one", i)
		switch i {
		case 0:
			o.Act, o.Pass = pass.Deploy, o.ID
		case 1:
			o.State = pass.Failed
		case 2:
			o.Owner = "u2"
		case 3:
			o.Pass = "other"
		}
		insert(t, s, o)
	}
	for what, c := range map[string]struct {
		opt  pass.ListOptions
		want []int
	}{
		"all":     {pass.ListOptions{}, []int{6, 5, 4, 3, 2, 1, 0}},
		"owner":   {pass.ListOptions{Owner: "u2"}, []int{2}},
		"act":     {pass.ListOptions{Act: pass.Deploy}, []int{0}},
		"pass":    {pass.ListOptions{Pass: "other"}, []int{3}},
		"open":    {pass.ListOptions{Open: true, Owner: "u1"}, []int{6, 5, 4, 3, 0}},
		"key":     {pass.ListOptions{Key: "k4", Owner: "u1"}, []int{4}},
		"foreign": {pass.ListOptions{Key: "k4", Owner: "u2"}, nil},
	} {
		got, next, err := s.Orders(t.Context(), "one", c.opt)
		var want []string
		for _, n := range c.want {
			want = append(want, order("one", n).ID)
		}
		if err != nil || next != "" || !slices.Equal(ids(got), want) {
			t.Errorf("%s: %v, %q, %v, want %v", what, ids(got), next, err, want)
		}
	}
	var got []string
	cursor := ""
	for range 4 {
		page, next, err := s.Orders(t.Context(), "one", pass.ListOptions{Limit: 3, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(page)...)
		if cursor = next; next == "" {
			break
		}
	}
	if len(got) != 7 || cursor != "" || !slices.IsSortedFunc(got, func(a, b string) int { return -compare(a, b) }) {
		t.Errorf("by pages of three: %v, cursor %q", got, cursor)
	}
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func changes(t testing.TB, newStore NewStore) {
	s := newStore(t)
	o := order("one", 1)
	insert(t, s, o)
	no := errors.New("no")
	if _, err := s.Change(t.Context(), "one", o.ID, func(r *pass.Order) error { r.State = pass.Failed; return no }); !errors.Is(err, no) {
		t.Errorf("the error of a change: %v", err)
	}
	if got, err := s.Order(t.Context(), "one", o.ID); err != nil || got.State != pass.Created {
		t.Errorf("a change that failed was kept: %s, %v", got.State, err)
	}
	nonce := uint64(4)
	if _, err := s.Change(t.Context(), "one", o.ID, func(r *pass.Order) error { r.Nonce = &nonce; return nil }); err != nil {
		t.Error(err)
	}
	b := order("one", 2)
	insert(t, s, b)
	if got, err := s.Number(t.Context(), "one", b.ID, 4); err != nil || *got.Nonce != 5 {
		t.Errorf("a number that a change gave is free: %v, %v", got.Nonce, err)
	}
	if _, err := s.Change(t.Context(), "one", o.ID, func(r *pass.Order) error { r.Nonce = nil; return nil }); err != nil {
		t.Error(err)
	}
	c := order("one", 3)
	insert(t, s, c)
	if got, err := s.Number(t.Context(), "one", c.ID, 4); err != nil || *got.Nonce != 4 {
		t.Errorf("a number that was given back is not free: %v, %v", got.Nonce, err)
	}
}

func changeRace(t testing.TB, newStore NewStore) {
	s := newStore(t)
	o := order("one", 1)
	insert(t, s, o)
	const n = 8
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := s.Change(t.Context(), "one", o.ID, func(r *pass.Order) error { r.Reorgs++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := s.Order(t.Context(), "one", o.ID); err != nil || got.Reorgs != n {
		t.Errorf("of %d changes %d count, %v", n, got.Reorgs, err)
	}
}

func work(t testing.TB, newStore NewStore) {
	s := newStore(t)
	list := []pass.Order{order("one", 1), order("two", 2), order("one", 3), order("one", 4), order("one", 5), order("one", 6)}
	list[2].State = pass.Confirmed
	list[3].Chain = chainB
	list[4].Wallet = true
	list[5].Wallet, list[5].State, list[5].Attempts = true, pass.Sent, []pass.Attempt{{Hash: "0x1"}}
	insert(t, s, list...)
	want := []string{list[0].ID, list[5].ID, list[1].ID}
	slices.Sort(want)
	var got []string
	for after := ""; ; {
		page, err := s.Work(t.Context(), chainA.String(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(page)...)
		if len(page) < 2 {
			break
		}
		after = page[1].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("to be done: %v, want %v", got, want)
	}
	if _, err := s.Change(t.Context(), "one", list[0].ID, func(r *pass.Order) error { r.State = pass.Failed; return nil }); err != nil {
		t.Error(err)
	}
	if page, err := s.Work(t.Context(), chainA.String(), "", 100); err != nil || len(page) != 2 {
		t.Errorf("after one ended: %v, %v", ids(page), err)
	}
}

func gaps(t testing.TB, newStore NewStore) {
	s := newStore(t)
	var list []pass.Order
	for i := range 8 {
		list = append(list, order("one", i))
	}
	list[5].Chain, list[6].Sender = chainB, "0x00000000000000000000000000000000000000bb"
	list[7].Tenant, list[7].ID = "two", "two-000007"
	insert(t, s, list...)
	number := func(i int, base, want uint64) {
		t.Helper()
		got, err := s.Number(t.Context(), list[i].Tenant, list[i].ID, base)
		if err != nil || got.Nonce == nil || *got.Nonce != want {
			t.Errorf("number of %s from %d: %v, %v, want %d", list[i].ID, base, got.Nonce, err, want)
		}
	}
	number(0, 3, 3)
	number(1, 3, 4)
	number(0, 9, 3) // it has one
	number(2, 6, 6)
	number(3, 3, 5) // the gap
	number(4, 0, 0)
	number(5, 3, 3) // another chain
	number(6, 3, 3) // another sender
	number(7, 3, 7) // a sender's numbers are one row over all tenants
}

func numberRace(t testing.TB, newStore NewStore) {
	s := newStore(t)
	const n = 24
	for i := range n {
		insert(t, s, order("one", i))
	}
	var wg sync.WaitGroup
	got := make([]uint64, n)
	for i := range n {
		wg.Go(func() {
			o, err := s.Number(t.Context(), "one", order("one", i).ID, 10)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = *o.Nonce
		})
	}
	wg.Wait()
	slices.Sort(got)
	for i, nonce := range got {
		if nonce != uint64(10+i) {
			t.Fatalf("the numbers are %v", got)
		}
	}
}

func canceled(t testing.TB, newStore NewStore) {
	s := newStore(t)
	o := order("one", 1)
	insert(t, s, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, insertErr := s.Insert(ctx, order("one", 2))
	_, orderErr := s.Order(ctx, "one", o.ID)
	_, _, listErr := s.Orders(ctx, "one", pass.ListOptions{})
	_, changeErr := s.Change(ctx, "one", o.ID, func(*pass.Order) error { return nil })
	_, workErr := s.Work(ctx, chainA.String(), "", 1)
	_, numberErr := s.Number(ctx, "one", o.ID, 1)
	for i, err := range []error{insertErr, orderErr, listErr, changeErr, workErr, numberErr} {
		if !errors.Is(err, fault.Canceled) {
			t.Errorf("method %d: %v, want fault.Canceled", i, err)
		}
	}
}

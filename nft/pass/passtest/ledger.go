package passtest

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/nft/pass"
)

// Issuing is a ledger under test, on a chain of its own, with what the checks need beside it.
type Issuing struct {
	// Ledger has a signer that can pay, Cut is the same ledger on a node that does not answer.
	Ledger, Cut pass.Ledger
	// To is an account that can receive passes.
	To string
	// Mine lets the chain go on by n blocks, with what was sent to it in the first. After Final blocks a transaction is final.
	Mine  func(t testing.TB, n int)
	Final int
	// Held is how many of a pass To holds.
	Held func(t testing.TB, p pass.Order) int
}

// NewLedger makes what one check works on; it ends with t.Cleanup.
type NewLedger = func(t testing.TB) Issuing

// RunLedger checks that what newLedger makes keeps the promises of pass.Ledger.
func RunLedger(t *testing.T, newLedger NewLedger) { suite.Run(t, ledgerChecks(), newLedger) }

// FailingLedger returns the names of the checks that do not pass, without failing t.
func FailingLedger(t *testing.T, newLedger NewLedger) []string {
	return suite.Failing(t, ledgerChecks(), newLedger)
}

func ledgerChecks() []suite.Check[NewLedger] {
	return []suite.Check[NewLedger]{
		{Name: "facts", Run: facts},
		{Name: "a pass is deployed and minted", Run: issued},
		{Name: "signing sends nothing", Run: signedOnly},
		{Name: "sent twice is done once", Run: sentTwice},
		{Name: "orders at once", Run: atOnce},
		{Name: "higher fees replace what waits", Run: replaced},
		{Name: "a void order does nothing", Run: void},
		{Name: "no key but the signer's", Run: notOurs},
		{Name: "a node that does not answer", Run: unanswered},
		{Name: "an ended context", Run: givenUp},
	}
}

// book makes the orders of one check and carries them as the Service does.
type book struct {
	Issuing
	t testing.TB
	n int
}

func open(t testing.TB, newLedger NewLedger) *book { return &book{Issuing: newLedger(t), t: t} }

func (b *book) order(act pass.Act) pass.Order {
	b.n++
	f, now := b.Ledger.Facts(), time.Now().UTC().Truncate(time.Millisecond)
	o := pass.Order{
		ID: fmt.Sprintf("order-%04d", b.n), Tenant: "default", Owner: "u1", Act: act, Chain: f.Chain, Sender: f.Signer,
		State: pass.Created, CreatedAt: now, UpdatedAt: now,
	}
	return o
}

func (b *book) deployment() pass.Order {
	o := b.order(pass.Deploy)
	o.Pass = o.ID
	o.Spec = &pass.Spec{Chain: o.Chain, Kind: b.Ledger.Facts().Kinds[0], Name: "Pass", Symbol: "PASS", BaseURI: "https://a.example/", Authority: o.Sender}
	return o
}

func (b *book) minting(p pass.Order) pass.Order {
	o := b.order(pass.Mint)
	o.Pass, o.Grant = p.ID, &pass.Grant{To: b.To, Amount: 1}
	switch p.Spec.Kind {
	case pass.ERC1155:
		o.Grant.TokenID = "1"
	case pass.Subscription:
		o.Grant.Duration = 3600
	case pass.ERC721, pass.Token2022:
	}
	return o
}

// signed drafts an order and signs it, under the number that comes next unless it has one.
func (b *book) signed(o pass.Order, p *pass.Order) (pass.Order, error) {
	d, err := b.Ledger.Draft(b.t.Context(), o, p)
	if err != nil {
		return o, fmt.Errorf("Draft: %w", err)
	}
	if b.Ledger.Facts().Numbered && o.Nonce == nil {
		o.Nonce = &d.Base
	}
	a, contract, err := b.Ledger.Sign(b.t.Context(), o, d)
	if err == nil && (a.Hash == "" || len(a.Raw) == 0) {
		err = fmt.Errorf("an attempt without %+v", a)
	}
	if err != nil {
		return o, fmt.Errorf("Sign: %w", err)
	}
	o.Attempts, o.To, o.Data, o.Gas = append(o.Attempts, a), d.To, d.Data, d.Gas
	if contract != "" {
		o.Contract = contract
	}
	return o, nil
}

func (b *book) sign(o pass.Order, p *pass.Order) pass.Order {
	b.t.Helper()
	o, err := b.signed(o, p)
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

func (b *book) send(o pass.Order) {
	b.t.Helper()
	if err := b.Ledger.Send(b.t.Context(), o.Last().Raw); err != nil {
		b.t.Fatalf("Send: %v", err)
	}
}

func (b *book) look(o pass.Order) pass.Sighting {
	b.t.Helper()
	got, err := b.Ledger.Look(b.t.Context(), o)
	if err != nil {
		b.t.Fatalf("Look: %v", err)
	}
	return got
}

// landed wants an order to have been done by one of its attempts.
func (b *book) landed(o pass.Order) pass.Sighting {
	b.t.Helper()
	got := b.look(o)
	if got.Fate != pass.Landed || !got.OK || got.Reason != "" {
		b.t.Fatalf("the %s is %s, ok %v, %q", o.Act, got.Fate, got.OK, got.Reason)
	}
	if !slices.ContainsFunc(o.Attempts, func(a pass.Attempt) bool { return a.Hash == got.Hash }) || got.Block.Hash == "" {
		b.t.Fatalf("the %s was done by %q in %+v", o.Act, got.Hash, got.Block)
	}
	return got
}

// deploy puts a pass on the chain for good.
func (b *book) deploy() pass.Order {
	b.t.Helper()
	p := b.sign(b.deployment(), nil)
	b.send(p)
	b.Mine(b.t, b.Final)
	got := b.landed(p)
	if got.Contract == "" || p.Contract != "" && p.Contract != got.Contract || !got.Final {
		b.t.Fatalf("Sign foretold the contract %q, the chain has %q, final %v", p.Contract, got.Contract, got.Final)
	}
	p.Contract, p.State, p.Block, p.Hash = got.Contract, pass.Confirmed, &got.Block, got.Hash
	return p
}

func (b *book) held(p pass.Order, want int) {
	b.t.Helper()
	if got := b.Held(b.t, p); got != want {
		b.t.Errorf("%d are held, want %d", got, want)
	}
}

func facts(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	f := b.Ledger.Facts()
	if f.Chain.Namespace == "" || f.Chain.Reference == "" || len(f.Kinds) == 0 || f.Signer == "" || f.Patience < 0 {
		t.Errorf("%+v", f)
	}
}

func issued(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	p := b.deploy()
	m := b.sign(b.minting(p), &p)
	if got := b.look(m); got.Fate != pass.Unseen || got.Final {
		t.Errorf("before it was sent it is %s, final %v", got.Fate, got.Final)
	}
	b.send(m)
	b.Mine(t, 1)
	if got := b.landed(m); got.Final && b.Final > 1 {
		t.Error("it is final in its first block")
	}
	b.Mine(t, b.Final-1)
	got := b.landed(m)
	if !got.Final {
		t.Error("it is not final")
	}
	if got.Contract != "" && got.Contract != p.Contract {
		t.Errorf("it was minted from %s, the pass is %s", got.Contract, p.Contract)
	}
	b.held(p, 1)
}

func signedOnly(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	o := b.sign(b.deployment(), nil)
	b.Mine(t, 2)
	if got := b.look(o); got.Fate != pass.Unseen {
		t.Errorf("what was only signed is %s", got.Fate)
	}
}

func sentTwice(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	p := b.deploy()
	m := b.sign(b.minting(p), &p)
	b.send(m)
	b.send(m)
	b.Mine(t, 1)
	b.send(m) // a process that was killed does not know
	b.Mine(t, b.Final)
	b.landed(m)
	b.held(p, 1)
}

func atOnce(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	p := b.deploy()
	const n = 8
	list := make([]pass.Order, n)
	for i := range list {
		list[i] = b.minting(p)
	}
	d, err := b.Ledger.Draft(t.Context(), list[0], &p)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			o := &list[i]
			if b.Ledger.Facts().Numbered {
				number := d.Base + uint64(i)
				o.Nonce = &number
			}
			var err error
			if *o, err = b.signed(*o, &p); err == nil {
				err = b.Ledger.Send(t.Context(), o.Last().Raw)
			}
			if err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	b.Mine(t, b.Final)
	tokens := map[string]bool{}
	for _, o := range list {
		got := b.landed(o)
		if tokens[got.TokenID] && got.TokenID != "" && p.Spec.Kind != pass.ERC1155 {
			t.Errorf("the token %s was minted twice", got.TokenID)
		}
		tokens[got.TokenID] = true
	}
	b.held(p, n)
}

func replaced(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	if b.Ledger.Facts().Patience == 0 {
		return // nothing waits for fees
	}
	p := b.deploy()
	m := b.sign(b.minting(p), &p)
	b.send(m)
	if got := b.look(m); got.Fate != pass.Pending {
		t.Errorf("what was sent is %s", got.Fate)
	}
	again := b.sign(m, &p)
	first, second := again.Attempts[0], again.Attempts[1]
	if second.Hash == first.Hash || !more(second.TipCap, first.TipCap) || !more(second.FeeCap, first.FeeCap) {
		t.Fatalf("the fees %s / %s are replaced by %s / %s", first.TipCap, first.FeeCap, second.TipCap, second.FeeCap)
	}
	if again.To != m.To || !slices.Equal(again.Data, m.Data) || again.Gas != m.Gas {
		t.Errorf("the replacement calls %s with %x, the first called %s with %x", again.To, again.Data, m.To, m.Data)
	}
	b.send(again)
	b.Mine(t, b.Final)
	if got := b.landed(again); got.Hash != second.Hash {
		t.Errorf("%s was mined, not its replacement", got.Hash)
	}
	b.held(p, 1)
}

// more compares decimal numbers.
func more(a, b string) bool {
	x, okX := new(big.Int).SetString(a, 10)
	y, okY := new(big.Int).SetString(b, 10)
	return okX && okY && x.Cmp(y) > 0
}

func void(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	if !b.Ledger.Facts().Numbered {
		return // there is no number to use up
	}
	p := b.deploy()
	m := b.minting(p)
	m.Void = true
	m = b.sign(m, &p)
	b.send(m)
	b.Mine(t, b.Final)
	if got := b.look(m); got.Fate != pass.Landed || !got.Final || got.Next != *m.Nonce+1 {
		t.Errorf("%+v after number %d was used up", got, *m.Nonce)
	}
	b.held(p, 0)
}

func notOurs(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	o := b.deployment()
	d, err := b.Ledger.Draft(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	number := d.Base
	o.Sender, o.Nonce = b.To, &number
	a, _, err := b.Ledger.Sign(t.Context(), o, d)
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("signed for another as %q: %v", a.Hash, err)
	}
}

// each calls what asks the node. signed is an order with an attempt.
func each(ctx context.Context, l pass.Ledger, fresh, signed pass.Order, f func(name string, err error)) {
	_, err := l.Draft(ctx, fresh, nil)
	f("Draft", err)
	f("Send", l.Send(ctx, signed.Last().Raw))
	_, err = l.Look(ctx, signed)
	f("Look", err)
}

func unanswered(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	each(t.Context(), b.Cut, b.deployment(), b.sign(b.deployment(), nil), func(name string, err error) {
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	})
}

func givenUp(t testing.TB, newLedger NewLedger) {
	b := open(t, newLedger)
	signed := b.sign(b.deployment(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	each(ctx, b.Ledger, b.deployment(), signed, func(name string, err error) {
		if err == nil || fault.KindOf(err) != fault.Canceled {
			t.Errorf("%s: %v", name, err)
		}
	})
	b.Mine(t, 1)
	if got := b.look(signed); got.Fate != pass.Unseen {
		t.Errorf("what was not sent is %s", got.Fate)
	}
}

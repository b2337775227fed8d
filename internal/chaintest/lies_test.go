package chaintest_test

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/quorum"
	"github.com/streamgate/streamgate/nft/rule"
)

// past is a chain on which a token has moved: seller held it at the block old, buyer has it now.
// Another contract's token, by which one is banned, went to the seller after old. A third went from the
// seller to the buyer, and back in the newest block, which is not settled yet.
type past struct {
	*chaintest.Chain
	token, banned, round string
	seller, buyer        string
	old                  nft.Block
}

func newPast(t *testing.T, k chaintest.Kind) *past {
	t.Helper()
	c := k.Start(t, chaintest.Options{NoMulticall: true})
	acc := c.Accounts()
	p := &past{Chain: c, seller: acc[1], buyer: acc[2]}
	p.token, p.banned, p.round = c.Deploy(t, contracts.TestToken()), c.Deploy(t, contracts.TestToken()), c.Deploy(t, contracts.TestToken())
	p.old = p.mine(t, p.mint(t, p.token, p.seller, 1), p.mint(t, p.round, p.seller, 1))
	p.mine(t, p.move(t, p.token, p.seller, p.buyer, 1))
	moved := p.mine(t, p.mint(t, p.banned, p.seller, 1), p.move(t, p.round, p.seller, p.buyer, 1))
	for range 8 {
		p.mine(t)
	}
	v := p.provider(t, c.RPCURL)
	for range 100 {
		if b, err := v.BlockAt(t.Context(), nft.Finality{Tag: "finalized"}); err == nil && b.Number >= moved.Number {
			break
		}
		p.mine(t)
	}
	p.mine(t, p.move(t, p.round, p.buyer, p.seller, 1))
	return p
}

func (p *past) mint(t *testing.T, token, to string, id int64) chaintest.Tx {
	return chaintest.Method(t, p.Accounts()[0], contracts.TestToken(), token, "mint", to, big.NewInt(id))
}

func (p *past) move(t *testing.T, token, from, to string, id int64) chaintest.Tx {
	return chaintest.Method(t, from, contracts.TestToken(), token, "transferFrom", from, to, big.NewInt(id))
}

func (p *past) mine(t *testing.T, txs ...chaintest.Tx) nft.Block {
	t.Helper()
	b, err := p.Mine(t.Context(), txs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (p *past) provider(t *testing.T, url string) *evm.Verifier {
	t.Helper()
	v, err := evm.New(evm.Options{RPCURL: url, Chain: p.ID, Timeout: 3 * time.Second, MaxReply: 1 << 20, NoMulticall: true, PollInterval: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// ring is so many providers of operators of their own, of which the first are liars.
func (p *past) ring(t *testing.T, liars, honest int) ([]*chaintest.Liar, *quorum.Verifier) {
	t.Helper()
	var all []*chaintest.Liar
	var ps []quorum.Provider
	for i := range liars + honest {
		l := chaintest.StartLiar(t, p.Chain, p.old)
		if i < liars {
			all = append(all, l)
		}
		ps = append(ps, quorum.Provider{Name: fmt.Sprint("p", i), Verifier: p.provider(t, l.RPCURL)})
	}
	// All blocks are of this minute, so only their numbers can show that one is old.
	v, err := quorum.New(ps, quorum.Options{FreshFor: -1, MaxLag: 3, FinalityLag: 3, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return all, v
}

// question is what is asked while somebody lies, and the truth.
type question struct {
	rule  rule.Expr
	who   string
	truth nft.Outcome
}

func (p *past) hold(token string) rule.Expr { return rule.Hold(p.ID.String() + "/erc721:" + token) }

// questions are two that a lie aims at: one whose answer is no, for a wrong yes, and one whose answer is yes.
func (p *past) questions(lie string) [2]question {
	switch lie {
	case "stale finalized":
		return [2]question{{p.hold(p.round).Finalized(), p.seller, nft.No}, {p.hold(p.token).Finalized(), p.buyer, nft.Yes}}
	case "success for revert":
		return [2]question{{p.hold(p.token).IDs("404"), p.seller, nft.No}, {p.hold(p.token).IDs("404", "1"), p.buyer, nft.Yes}}
	case "revert for success":
		return [2]question{{p.hold(p.token).IDs("1"), p.seller, nft.No}, {p.hold(p.token).IDs("1"), p.buyer, nft.Yes}}
	}
	r := func() rule.Expr { return rule.All(p.hold(p.token), rule.Not(p.hold(p.banned))) }
	return [2]question{{r(), p.seller, nft.No}, {r(), p.buyer, nft.Yes}}
}

func (q question) ask(t *testing.T, p *past, v nft.Verifier, expr rule.Expr) nft.Decision {
	t.Helper()
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}, Timeout: 20 * time.Second})
	got, err := d.DecideFresh(t.Context(), expr.MustBuild(), q.subject(p))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (q question) subject(p *past) nft.Subject {
	return nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: p.ID, Address: q.who}}}
}

// No lie makes a wrong yes, or a wrong no, of a quorum of two of three with one liar, whatever the lie; nor of a
// provider alone, when the lie can be noticed at all. With one liar the answer is even the right one.
func TestLies(t *testing.T) {
	t.Parallel()
	if n := len(chaintest.Lies()); n < 25 {
		t.Errorf("%d lies", n)
	}
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t, k)
			for _, lie := range chaintest.Lies() {
				if lie.Logs {
					continue
				}
				t.Run(lie.Name, func(t *testing.T) {
					t.Parallel()
					for i, q := range p.questions(lie.Name) {
						t.Run([]string{"wrong yes", "wrong no"}[i], func(t *testing.T) {
							t.Parallel()
							p.alone(t, lie, q)
							p.oneLiar(t, lie, q)
							p.twoLiars(t, lie, q)
						})
					}
				})
			}
		})
	}
}

// alone asks one provider that was honest before.
func (p *past) alone(t *testing.T, lie chaintest.Lie, q question) {
	t.Helper()
	liars, v := p.ring(t, 1, 0)
	if got := q.ask(t, p, v, q.rule); got.Outcome != q.truth {
		t.Fatalf("the truth is %v, not %v: %+v", q.truth, got.Outcome, got)
	}
	liars[0].Tell(&lie)
	got := q.ask(t, p, v, q.rule)
	switch {
	case liars[0].Fired() == 0:
		t.Error("the liar did not lie")
	case lie.Hidden:
		t.Logf("alone: %v, the truth is %v", got.Outcome, q.truth)
	case got.Outcome != q.truth && got.Outcome != nft.Unknown:
		t.Errorf("alone it makes %v of %v: %+v", got.Outcome, q.truth, got)
	}
}

// oneLiar asks two of three.
func (p *past) oneLiar(t *testing.T, lie chaintest.Lie, q question) {
	t.Helper()
	liars, v := p.ring(t, 1, 2)
	liars[0].Tell(&lie)
	var got nft.Decision
	for range 5 { // a busy machine may keep an honest one from answering in time
		if got = q.ask(t, p, v, q.rule.Quorum(2, 3)); got.Outcome != nft.Unknown {
			break
		}
	}
	v.Close()                              // the liar may be the last to answer
	ahead := lie.Name == "block far ahead" // which only the clock can tell from two that are behind
	if got.Outcome != q.truth && !(ahead && got.Outcome == nft.Unknown) {
		t.Errorf("one liar of three makes %v of %v: %+v; %+v", got.Outcome, q.truth, got, v.Providers())
	}
	if liars[0].Fired() == 0 {
		t.Error("the liar did not lie")
	}
}

// twoLiars asks two of three where two tell the same lie, one that each of them could be caught at. Two that agree on a false value are
// a quorum: that is what the number is for.
func (p *past) twoLiars(t *testing.T, lie chaintest.Lie, q question) {
	t.Helper()
	if lie.Hidden {
		return
	}
	liars, v := p.ring(t, 2, 1)
	for _, l := range liars {
		l.Tell(&lie)
	}
	got := q.ask(t, p, v, q.rule.Quorum(2, 3))
	v.Close()
	if got.Outcome != q.truth && got.Outcome != nft.Unknown {
		t.Errorf("two liars of three make %v of %v: %+v", got.Outcome, q.truth, got)
	}
	if liars[0].Fired()+liars[1].Fired() == 0 {
		t.Error("the liars did not lie")
	}
}

// A transfer that is left out of the logs, or told wrongly, ends access all the same: alone when the lie can be noticed, and always
// when another provider is watched.
func TestLiesAboutLogs(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t, k)
			id := int64(100)
			for _, lie := range chaintest.Lies() {
				if !lie.Logs {
					continue
				}
				for name, honest := range map[string]int{"alone": 0, "one liar of two": 1} {
					if lie.Hidden && honest == 0 {
						continue // believed, until the answer's time is over
					}
					id++
					t.Run(lie.Name+" "+name, func(t *testing.T) { p.leavesOut(t, lie, honest, id) })
				}
			}
		})
	}
}

func (p *past) leavesOut(t *testing.T, lie chaintest.Lie, honest int, id int64) {
	liars, v := p.ring(t, 1, honest)
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}, YesTTL: time.Hour, NoTTL: time.Millisecond, Timeout: 20 * time.Second, RecheckEvery: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	token := p.Deploy(t, contracts.TestToken())
	p.mine(t, p.mint(t, token, p.seller, id))
	q := question{who: p.seller}
	r := p.hold(token).MustBuild()
	decide := func() nft.Decision {
		got, err := d.Decide(t.Context(), r, q.subject(p))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// Until the transfers of the token are followed every new block voids the answer.
	followed := func() bool {
		if decide().Outcome != nft.Yes {
			return false
		}
		b := p.mine(t)
		within(t, "the block to be heard of", func() bool {
			head := d.Chains(t.Context())[0].Head
			return head != nil && head.Number >= b.Number
		})
		return decide().Cached
	}
	within(t, "a cached yes", followed)
	for _, l := range liars {
		l.Tell(&lie)
	}
	p.mine(t, p.mint(t, token, p.seller, id+1000), p.move(t, token, p.seller, p.buyer, id), p.move(t, token, p.seller, p.buyer, id+1000))
	within(t, "the end of access", func() bool { return decide().Outcome != nft.Yes })
	within(t, "a no", func() bool {
		if liars[0].Fired() > 0 {
			liars[0].Tell(nil) // alone it may keep saying nothing that can be used
		}
		return decide().Outcome == nft.No
	})
	within(t, "the lie", func() bool { return liars[0].Fired() > 0 })
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// The page on chains names every lie with what it comes to.
func TestThePageOnChainsNamesEveryLie(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/chains.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range chaintest.Lies() {
		alone := map[bool]string{true: "believed", false: "noticed"}[lie.Hidden]
		if !strings.Contains(string(page), "| "+lie.Name+" | "+alone+" |") {
			t.Errorf("docs/chains.md lacks a row of %q that says %q", lie.Name, alone)
		}
	}
}

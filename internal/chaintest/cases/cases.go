// Package cases is the one table of how tokens come to be held and cease to be: for each kind of token somebody
// who is let in, somebody who is not, and what happens when it changes hands, runs out or is taken back. Every row is real contracts,
// real transactions and the decisions of a real nft.Decider, by asking and by watching. Run takes the table through a chain;
// the tests of this package take it through every kind of chain there is.
package cases

import (
	"context"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/metadata"
	"github.com/streamgate/streamgate/nft/rule"
)

// Case is one row: a rule, and what is done to whom it asks about.
type Case struct {
	Name string
	// Rule builds the rule, after what it speaks of was deployed.
	Rule func(w *World) rule.Expr
	// Steps are taken in order on a chain where nothing of the case has happened.
	Steps []Step
}

// Step is something that happens and what is decided then.
type Step struct {
	Name string
	// Do lists the transactions; none mines an empty block.
	Do func(w *World) []chaintest.Tx
	// Pass is how far the time of the decisions moves on before.
	Pass time.Duration
	// Undo reorganises the block of the step before away, instead of Do. Chains that cannot leave it out, with the steps after it.
	Undo bool
	// Yes and No are who has access then, by index of World.Accounts.
	Yes, No []int
	// Reason is that of the Nos; empty does not matter.
	Reason string
}

// World is one chain and what a case deployed on it. The first account is the creator, who has nothing.
type World struct {
	Chain    *chaintest.Chain
	Accounts [3]string
	Registry string

	v        nft.Verifier
	t        testing.TB
	deployed map[string]string
	end      uint64
}

// At returns the address of a contract of the case, deployed at first use.
func (w *World) At(a contracts.Artefact, args ...any) string {
	addr := w.deployed[a.Name]
	if addr == "" {
		addr = w.Chain.Deploy(w.t, a, args...)
		w.deployed[a.Name] = addr
	}
	return addr
}

// Call is a transaction of an account that calls a contract of the case.
func (w *World) Call(from int, a contracts.Artefact, method string, args ...any) chaintest.Tx {
	return chaintest.Method(w.t, w.Accounts[from], a, w.At(a), method, args...)
}

// Asset is the CAIP-19 identifier of a contract of the case, with a token's id unless it is empty.
func (w *World) Asset(standard string, a contracts.Artefact, token string) string {
	s := w.Chain.ID.String() + "/" + standard + ":" + w.At(a)
	if token != "" {
		s += "/" + token
	}
	return s
}

// BoundAccount is the address of the account (ERC-6551) of a token; CreateAccount is the transaction that makes it. What code it
// runs does not matter here: it is that of no contract.
func (w *World) BoundAccount(contract, token string) string {
	w.t.Helper()
	r, err := w.v.Check(w.t.Context(), nft.Finality{Tag: "latest"}, []nft.Query{{
		Op: nft.OpCall, Contract: w.At(contracts.TestAccountRegistry()), Account: w.Accounts[0],
		Call: &nft.Call{Fn: "account(address,bytes32,uint256,address,uint256)(address)", Args: []string{w.Accounts[0], "0x" + strings.Repeat("00", 32), w.Chain.ID.Reference, contract, token}},
	}})
	if err != nil || r.Answers[0].Err != nil {
		w.t.Fatal(err, r)
	}
	return r.Answers[0].Value
}

// CreateAccount makes the account of a token.
func (w *World) CreateAccount(contract string, token int64) chaintest.Tx {
	chain, _ := new(big.Int).SetString(w.Chain.ID.Reference, 10)
	return w.Call(0, contracts.TestAccountRegistry(), "createAccount", w.Accounts[0], [32]byte{}, chain, contract, id(token))
}

// End is a second an hour after the case began.
func (w *World) End() uint64 { return w.end }

func id(n int64) *big.Int { return big.NewInt(n) }

// Run takes cases through a chain, one after the other.
func Run(t *testing.T, k chaintest.Kind, table []Case) {
	t.Helper()
	c := k.Start(t, chaintest.Options{})
	registry, bound := c.Deploy(t, contracts.TestDelegateRegistry()), c.Deploy(t, contracts.TestAccountRegistry())
	v, err := evm.Dial(context.Background(), evm.Options{RPCURL: c.RPCURL, WSURL: c.WSURL, Chain: c.ID, DelegateRegistry: registry, AccountRegistry: bound, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	for _, row := range table {
		t.Run(row.Name, func(t *testing.T) {
			head, err := c.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			now := head.Time.Unix()
			if real := time.Now().Unix(); real > now {
				now = real
			}
			w := &World{Chain: c, Accounts: c.Accounts(), Registry: registry, v: v, t: t, deployed: map[string]string{}, end: uint64(now) + 3600}
			w.deployed[contracts.TestDelegateRegistry().Name], w.deployed[contracts.TestAccountRegistry().Name] = registry, bound
			run(t, w, v, row)
		})
	}
}

// patience is how long a watch may take to tell.
const patience = time.Minute

func run(t *testing.T, w *World, v nft.Verifier, row Case) {
	var ahead atomic.Int64
	docs := metadata.New(metadata.Options{})
	defer docs.Close()
	d := nft.NewDecider(nft.DeciderOptions{
		Verifiers: []nft.Verifier{v}, Metadata: docs, Timeout: 30 * time.Second,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	r, err := row.Rule(w).Build()
	if err != nil {
		t.Fatal(err)
	}
	var eyes []*eye
	for _, a := range w.Accounts {
		who := nft.Subject{Tenant: "cases", Accounts: []caip.AccountID{{Chain: w.Chain.ID, Address: a}}}
		eyes = append(eyes, &eye{who: who, ch: d.Watch(ctx, r, who)})
	}
	for _, s := range row.Steps {
		if s.Undo && !w.Chain.CanReorg() {
			t.Logf("%s: this chain cannot be reorganised", s.Name)
			return
		}
		ahead.Add(int64(s.Pass))
		if err := s.take(ctx, w); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		for _, want := range []struct {
			outcome nft.Outcome
			who     []int
			reason  string
		}{{nft.Yes, s.Yes, "allowed"}, {nft.No, s.No, s.Reason}} {
			for _, i := range want.who {
				eyes[i].sees(t, d, r, s.Name, want.outcome, want.reason)
			}
		}
	}
}

func (s Step) take(ctx context.Context, w *World) error {
	if s.Undo {
		return w.Chain.Reorg(ctx, 1)
	}
	var txs []chaintest.Tx
	if s.Do != nil {
		txs = s.Do(w)
	}
	_, err := w.Chain.Mine(ctx, txs...)
	return err
}

// eye is a watch and what it told last.
type eye struct {
	who  nft.Subject
	ch   <-chan nft.Decision
	last nft.Decision
}

// sees asks for a fresh decision, which must be right at once, and waits until the watch says the same.
func (e *eye) sees(t *testing.T, d *nft.Decider, r *rule.Rule, step string, want nft.Outcome, reason string) {
	t.Helper()
	who := e.who.Accounts[0].Address
	dec, err := d.DecideFresh(t.Context(), r, e.who)
	if err != nil || dec.Outcome != want || reason != "" && dec.Reason != reason {
		t.Fatalf("%s: %s is decided %v %s, %v; want %v %s\n%s", step, who, dec.Outcome, dec.Reason, err, want, reason, strings.TrimSpace(dec.Message))
	}
	limit := time.After(patience)
	for e.last.Outcome != want {
		select {
		case e.last = <-e.ch:
		case <-limit:
			t.Fatalf("%s: the watch of %s still says %v %s, want %v", step, who, e.last.Outcome, e.last.Reason, want)
		}
	}
}

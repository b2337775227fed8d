package evm_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
	"github.com/streamgate/streamgate/nft/rule"
)

// signerKey is of no account of the chains, so that their reorganisations do not touch it.
const signerKey = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"

const confirmations = 3

// desk issues passes on a real chain, with a clock of its own.
type desk struct {
	t      testing.TB
	chain  *chaintest.Chain
	client *ethclient.Client
	store  pass.Store
	signer *evm.KeySigner
	issuer *evm.Issuer
	ledger pass.Ledger
	*pass.Service

	mu  sync.Mutex
	now time.Time
}

func newDesk(t testing.TB, k chaintest.Kind) *desk {
	t.Helper()
	d := &desk{t: t, chain: k.Start(t, chaintest.Options{}), store: passtest.NewMemory(), now: time.Now()}
	var err error
	if d.client, err = ethclient.Dial(d.chain.RPCURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.Close)
	if d.signer, err = evm.NewKeySigner(signerKey); err != nil {
		t.Fatal(err)
	}
	d.fund(d.signer.Address(), 100)
	d.restart(nil)
	return d
}

// restart makes issuer and service anew over the same store, as a process that starts again does.
func (d *desk) restart(change func(*evm.IssuerOptions)) {
	d.t.Helper()
	opt := evm.IssuerOptions{Options: evm.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID}, Signer: d.signer, Confirmations: confirmations}
	if change != nil {
		change(&opt)
	}
	issuer, err := evm.NewIssuer(opt)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(issuer.Close)
	d.issuer = issuer
	d.serve(issuer)
}

func (d *desk) serve(l pass.Ledger) {
	d.t.Helper()
	s, err := pass.New(pass.Options{Store: d.store, Ledgers: []pass.Ledger{l}, MaySpend: func(auth.Principal) bool { return true }, Now: d.clock})
	if err != nil {
		d.t.Fatal(err)
	}
	d.ledger, d.Service = l, s
}

func (d *desk) clock() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

func (d *desk) sleep(by time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.now = d.now.Add(by) }

func (d *desk) creator() auth.Principal {
	return auth.Principal{Tenant: "default", UserID: "creator", Accounts: []caip.AccountID{{Chain: d.chain.ID, Address: d.chain.Accounts()[1]}}}
}

// pay sends a transaction from a key, with the number and the tip given, and does not mine it.
func (d *desk) pay(key string, nonce uint64, tip int64, to *common.Address, value *big.Int, data []byte) common.Hash {
	d.t.Helper()
	k, err := crypto.HexToECDSA(strings.TrimPrefix(key, "0x"))
	if err != nil {
		d.t.Fatal(err)
	}
	id, _ := new(big.Int).SetString(d.chain.ID.Reference, 10)
	tx, err := types.SignNewTx(k, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, To: to, Value: value, Data: data, Gas: 5_000_000,
		GasTipCap: big.NewInt(tip * params.GWei), GasFeeCap: big.NewInt((tip + 100) * params.GWei),
	})
	if err == nil {
		err = d.client.SendTransaction(d.t.Context(), tx)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return tx.Hash()
}

func (d *desk) fund(address string, ether int64) {
	d.t.Helper()
	from := devchain.Accounts()[2]
	nonce, err := d.client.PendingNonceAt(d.t.Context(), common.HexToAddress(from.Address))
	if err != nil {
		d.t.Fatal(err)
	}
	to := common.HexToAddress(address)
	d.pay(from.PrivateKey, nonce, 1, &to, new(big.Int).Mul(big.NewInt(ether), big.NewInt(params.Ether)), nil)
	d.mine(1)
}

func (d *desk) mine(n int) {
	d.t.Helper()
	for range n {
		if _, err := d.chain.Mine(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) round() {
	d.t.Helper()
	if err := d.Round(d.t.Context(), d.ledger); err != nil {
		d.t.Fatal(err)
	}
}

// settle looks and mines until nothing is under way.
func (d *desk) settle() {
	d.t.Helper()
	for range 12 {
		d.round()
		open, err := d.store.Work(d.t.Context(), d.chain.ID.String(), "", 1)
		if err != nil {
			d.t.Fatal(err)
		}
		if len(open) == 0 {
			return
		}
		d.mine(1)
	}
}

func (d *desk) want(id string, state pass.State) pass.Order {
	d.t.Helper()
	o, err := d.store.Order(d.t.Context(), "default", id)
	if err != nil {
		d.t.Fatal(err)
	}
	if o.State != state {
		d.t.Fatalf("the %s is %s (%s), want %s", o.Act, o.State, o.Reason, state)
	}
	return o
}

func (d *desk) deploy(kind pass.Kind, change func(*pass.CreatePass)) pass.Order {
	d.t.Helper()
	in := pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: kind, Name: "Tour pass", Symbol: "TOUR", BaseURI: "ipfs://x/"}}
	if change != nil {
		change(&in)
	}
	o, err := d.Create(d.t.Context(), d.creator(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	d.settle()
	return d.want(o.ID, pass.Confirmed)
}

func (d *desk) order(p pass.Order, g pass.Grant, key string) pass.Order {
	d.t.Helper()
	if g.To == "" {
		g.To = d.chain.Accounts()[0]
	}
	o, err := d.Mint(d.t.Context(), d.creator(), p.ID, pass.MintPass{Grant: g, Key: key})
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

// held is how many passes the first account holds.
func (d *desk) held(p pass.Order) int64 {
	d.t.Helper()
	v := dial(d.t, evm.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID})
	q := nft.Query{Op: nft.OpBalance721, Contract: p.Contract, Account: d.chain.Accounts()[0]}
	if p.Spec.Kind == pass.ERC1155 {
		q.Op, q.TokenID = nft.OpBalance1155, "1"
	}
	res, err := v.Check(d.t.Context(), nft.Finality{Tag: "latest"}, []nft.Query{q})
	if err != nil || res.Answers[0].Err != nil {
		d.t.Fatal(err, res)
	}
	n, err := strconv.ParseInt(res.Answers[0].Value, 10, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// gated wants the pass's own rule to decide so for an account.
func (d *desk) gated(p pass.Order, account string, want nft.Outcome) {
	d.t.Helper()
	r, err := rule.Parse(p.Rule())
	if err != nil {
		d.t.Fatal(err)
	}
	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{dial(d.t, evm.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID})}})
	dec, err := decider.Decide(d.t.Context(), r, nft.Subject{Tenant: "default", Accounts: []caip.AccountID{{Chain: d.chain.ID, Address: account}}})
	if err != nil || dec.Outcome != want {
		d.t.Errorf("%s: the rule says %s %s (%v), want %s", p.Spec.Kind, dec.Outcome, dec.Reason, err, want)
	}
}

func onChains(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			test(t, newDesk(t, k))
		})
	}
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		for kind, g := range map[pass.Kind]pass.Grant{
			pass.ERC721: {}, pass.ERC1155: {Amount: 3}, pass.Subscription: {Duration: 3600},
		} {
			p := d.deploy(kind, nil)
			m := d.order(p, g, "")
			d.settle()
			m = d.want(m.ID, pass.Confirmed)
			if got := d.held(p); got != int64(max(g.Amount, 1)) || m.TokenID != "1" || len(m.Attempts) != 1 {
				t.Errorf("%s: %d held, token %s, %d attempts", kind, got, m.TokenID, len(m.Attempts))
			}
			d.gated(p, d.chain.Accounts()[0], nft.Yes)
			d.gated(p, d.chain.Accounts()[1], nft.No)
		}
	})
}

func TestIssuerIsALedger(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			passtest.RunLedger(t, func(t testing.TB) passtest.Issuing {
				d := newDesk(t, k)
				d.restart(func(o *evm.IssuerOptions) { o.Patience = time.Minute })
				cut, err := evm.NewIssuer(evm.IssuerOptions{Options: evm.Options{RPCURL: "http://127.0.0.1:1", Chain: d.chain.ID}, Signer: d.signer})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(cut.Close)
				return passtest.Issuing{
					Ledger: d.issuer, Cut: cut, To: d.chain.Accounts()[0], Final: confirmations,
					Mine: func(_ testing.TB, n int) { d.mine(n) },
					Held: func(_ testing.TB, p pass.Order) int { return int(d.held(p)) },
				}
			})
		})
	}
}

func TestIssuerRefuses(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, func(c *pass.CreatePass) { c.MaxSupply = 1 })
		// Both are taken, since the chain has neither yet; one of them reverts in the block.
		a, b := d.order(p, pass.Grant{}, "a"), d.order(p, pass.Grant{}, "b")
		d.settle()
		list, _, err := d.List(t.Context(), d.creator(), p.ID, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, o := range list {
			if o.State == pass.Failed {
				failed++
				if !strings.Contains(o.Reason, "SoldOut(1)") {
					t.Errorf("the reason: %q", o.Reason)
				}
			}
		}
		if failed != 1 || d.held(p) != 1 {
			t.Errorf("%s and %s: %d failed, %d held", a.ID, b.ID, failed, d.held(p))
		}
		_, err = d.Mint(t.Context(), d.creator(), p.ID, pass.MintPass{Grant: pass.Grant{To: d.chain.Accounts()[0]}})
		if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Conflict) || !strings.Contains(msg, "SoldOut(1)") {
			t.Errorf("a third: %v", err)
		}
		// A signer without money says so, with what it has and what is needed.
		poor, err := evm.NewKeySigner("0x" + strings.Repeat("7", 64))
		if err != nil {
			t.Fatal(err)
		}
		d.restart(func(o *evm.IssuerOptions) { o.Signer = poor })
		_, err = d.Create(t.Context(), d.creator(), pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.ERC721, Name: "n", Symbol: "s"}})
		if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Unavailable) || !strings.Contains(msg, poor.Address()+" has 0 ") {
			t.Errorf("without money: %v", err)
		}
		// Fees above the limit wait.
		d.restart(func(o *evm.IssuerOptions) { o.MaxFee, o.MinTip = big.NewInt(1), big.NewInt(1) })
		_, err = d.Create(t.Context(), d.creator(), pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.ERC721, Name: "n", Symbol: "s"}})
		if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Unavailable) || !strings.Contains(msg, "limit of") {
			t.Errorf("above the limit: %v", err)
		}
		// A provider of another chain is not believed.
		other := caip.ChainID{Namespace: "eip155", Reference: "5"}
		d.restart(func(o *evm.IssuerOptions) { o.Chain = other })
		_, err = d.Create(t.Context(), d.creator(), pass.CreatePass{Spec: pass.Spec{Chain: other, Kind: pass.ERC721, Name: "n", Symbol: "s"}})
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "chain") {
			t.Errorf("another chain: %v", err)
		}
	})
}

// dying is a ledger whose process dies when it is about to send.
type dying struct{ pass.Ledger }

func (dying) Send(context.Context, []byte) error { return errors.New("killed") }

func TestIssuerKilledBetweenStoreAndSend(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, nil)
		d.serve(dying{d.issuer})
		o := d.order(p, pass.Grant{}, "")
		d.round()
		signed := d.want(o.ID, pass.Signed)
		d.mine(2)
		d.restart(nil)
		d.settle()
		if done := d.want(o.ID, pass.Confirmed); done.Hash != signed.Attempts[0].Hash || d.held(p) != 1 {
			t.Errorf("mined %s, signed %s; %d held", done.Hash, signed.Attempts[0].Hash, d.held(p))
		}
	})
}

// deaf is a ledger whose node takes transactions and loses them, as a pool that is full does.
type deaf struct {
	pass.Ledger
	sent int
}

func (d *deaf) Send(context.Context, []byte) error { d.sent++; return nil }

func TestIssuerReplacesWhatIsStuck(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, nil)
		o := d.order(p, pass.Grant{}, "")
		d.round()
		o = d.want(o.ID, pass.Sent)
		first := *o.Last()
		d.round()
		if o = d.want(o.ID, pass.Sent); len(o.Attempts) != 1 {
			t.Fatalf("replaced at once: %d attempts", len(o.Attempts))
		}
		d.sleep(2 * time.Minute)
		d.round()
		o = d.want(o.ID, pass.Sent)
		if len(o.Attempts) != 2 {
			t.Fatalf("%d attempts, %s", len(o.Attempts), o.Reason)
		}
		second := *o.Last()
		for _, fee := range [][2]string{{first.TipCap, second.TipCap}, {first.FeeCap, second.FeeCap}} {
			before, _ := new(big.Int).SetString(fee[0], 10)
			after, _ := new(big.Int).SetString(fee[1], 10)
			// after * 1000 >= before * 1125
			if after.Mul(after, big.NewInt(1000)).Cmp(before.Mul(before, big.NewInt(1125))) < 0 {
				t.Errorf("fees rose from %s to %s, less than an eighth", fee[0], fee[1])
			}
		}
		d.settle()
		if o = d.want(o.ID, pass.Confirmed); o.Hash != second.Hash || d.held(p) != 1 {
			t.Errorf("mined %s, %d held", o.Hash, d.held(p))
		}
		// One that every node lost is sent again as it is.
		lost := &deaf{Ledger: d.issuer}
		d.serve(lost)
		o = d.order(p, pass.Grant{}, "lost")
		d.round()
		d.round()
		if d.want(o.ID, pass.Sent); lost.sent < 2 {
			t.Errorf("sent %d times", lost.sent)
		}
		d.restart(nil)
		d.settle()
		if o = d.want(o.ID, pass.Confirmed); len(o.Attempts) != 1 || d.held(p) != 2 {
			t.Errorf("%d attempts, %d held", len(o.Attempts), d.held(p))
		}
	})
}

func TestIssuerSurvivesReorganisations(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, nil)
		for i := range 3 {
			o := d.order(p, pass.Grant{}, fmt.Sprint(i))
			d.round()
			d.mine(1)
			d.round()
			mined := d.want(o.ID, pass.Mined)
			if err := d.chain.Reorg(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				d.restart(nil)
			}
			d.settle()
			done := d.want(o.ID, pass.Confirmed)
			if done.Hash != mined.Hash || done.Block.Hash == mined.Block.Hash || len(done.Attempts) != 1 || d.held(p) != int64(i+1) {
				t.Errorf("mined %+v, then %+v of %d attempts; %d held", mined.Block, done.Block, len(done.Attempts), d.held(p))
			}
		}
		// A deployment that a reorganisation takes back comes again at the same address, and mints on it wait.
		o, err := d.Create(t.Context(), d.creator(), pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.ERC1155, Name: "n", Symbol: "s"}})
		if err != nil {
			t.Fatal(err)
		}
		d.round()
		d.mine(1)
		d.round()
		mined := d.want(o.ID, pass.Mined)
		m := d.order(mined, pass.Grant{}, "early")
		if err := d.chain.Reorg(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		d.settle()
		done := d.want(o.ID, pass.Confirmed)
		if d.want(m.ID, pass.Confirmed); done.Contract != mined.Contract || d.held(done) != 1 {
			t.Errorf("deployed at %s, then at %s; %d held", mined.Contract, done.Contract, d.held(done))
		}
	})
}

func TestIssuerWhoseKeyIsUsedElsewhere(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, nil)
		o := d.order(p, pass.Grant{}, "")
		d.round()
		sent := d.want(o.ID, pass.Sent)
		to := common.HexToAddress(d.chain.Accounts()[0])
		d.pay(signerKey, *sent.Nonce, 50, &to, big.NewInt(1), nil)
		d.mine(1)
		d.round()
		d.want(o.ID, pass.Replaced)
		d.settle()
		done := d.want(o.ID, pass.Confirmed)
		if *done.Nonce != *sent.Nonce+1 || len(done.Past) != 1 || d.held(p) != 1 {
			t.Errorf("number %d, then %d; %d held", *sent.Nonce, *done.Nonce, d.held(p))
		}
	})
}

func TestIssuerFillsAGap(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		p := d.deploy(pass.ERC721, nil)
		o := d.order(p, pass.Grant{}, "")
		// The order gets a number with one before it that nobody uses.
		next, err := d.client.NonceAt(t.Context(), common.HexToAddress(d.signer.Address()), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.store.Number(t.Context(), "default", o.ID, next+1); err != nil {
			t.Fatal(err)
		}
		d.round()
		d.mine(2)
		d.round()
		if o = d.want(o.ID, pass.Sent); *o.Nonce != next+1 {
			t.Fatalf("number %d", *o.Nonce)
		}
		d.sleep(2 * time.Minute)
		d.settle()
		if d.want(o.ID, pass.Confirmed); d.held(p) != 1 {
			t.Errorf("%d held", d.held(p))
		}
	})
}

// walletOf signs what the service drafted as a wallet does: with its own number and, maybe, its own fees.
func (d *desk) walletOf(o pass.Order, key string, tip int64) common.Hash {
	d.t.Helper()
	draft, ok, err := d.Unsigned(d.t.Context(), o)
	if err != nil || !ok {
		d.t.Fatal(ok, err)
	}
	nonce, err := d.client.NonceAt(d.t.Context(), common.HexToAddress(draft.From), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var to *common.Address
	if draft.To != "" {
		a := common.HexToAddress(draft.To)
		to = &a
	}
	return d.pay(key, nonce, tip, to, new(big.Int), draft.Data)
}

func TestIssuerOfAWallet(t *testing.T) {
	t.Parallel()
	onChains(t, func(t *testing.T, d *desk) {
		d.restart(func(o *evm.IssuerOptions) { o.Signer = nil })
		key := devchain.Accounts()[1].PrivateKey
		in := pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.ERC721, Name: "n", Symbol: "s"}}
		if _, err := d.Create(t.Context(), d.creator(), in); !errors.Is(err, fault.Forbidden) {
			t.Errorf("without a signer: %v", err)
		}
		in.Wallet = true
		p, err := d.Create(t.Context(), d.creator(), in)
		if err != nil {
			t.Fatal(err)
		}
		// A transaction that is another is not taken for this order's.
		to := common.HexToAddress(d.chain.Accounts()[0])
		nonce, err := d.client.NonceAt(t.Context(), common.HexToAddress(d.chain.Accounts()[1]), nil)
		if err != nil {
			t.Fatal(err)
		}
		other := d.pay(key, nonce, 1, &to, big.NewInt(1), nil)
		if _, err := d.Sent(t.Context(), p, strings.ToLower(other.Hex())); err != nil {
			t.Fatal(err)
		}
		d.mine(1)
		d.round()
		p = d.want(p.ID, pass.Created)
		// The wallet sends, and then sends the same with higher fees: another hash, the same order.
		hash := d.walletOf(p, key, 1)
		if _, err := d.Sent(t.Context(), p, strings.ToLower(hash.Hex())); err != nil {
			t.Fatal(err)
		}
		d.round()
		faster := d.walletOfAgain(p, key, 30)
		d.settle()
		if p = d.want(p.ID, pass.Confirmed); p.Hash != strings.ToLower(faster.Hex()) || p.Spec.Authority != d.chain.Accounts()[1] {
			t.Errorf("mined %s, made %s", p.Hash, faster.Hex())
		}
		m, err := d.Mint(t.Context(), d.creator(), p.ID, pass.MintPass{Grant: pass.Grant{To: d.chain.Accounts()[0]}, Wallet: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Sent(t.Context(), m, strings.ToLower(d.walletOf(m, key, 1).Hex())); err != nil {
			t.Fatal(err)
		}
		d.settle()
		if m = d.want(m.ID, pass.Confirmed); m.TokenID != "1" || d.held(p) != 1 {
			t.Errorf("token %s, %d held", m.TokenID, d.held(p))
		}
	})
}

// walletOfAgain replaces what a wallet sent of an order by the same with another tip.
func (d *desk) walletOfAgain(o pass.Order, key string, tip int64) common.Hash {
	d.t.Helper()
	kept := d.want(o.ID, pass.Sent)
	var to *common.Address
	if kept.To != "" {
		a := common.HexToAddress(kept.To)
		to = &a
	}
	return d.pay(key, *kept.Nonce, tip, to, new(big.Int), kept.Data)
}

func TestIssuerThatCannotAsk(t *testing.T) {
	t.Parallel()
	d := newDesk(t, chaintest.Kinds(t)[0])
	p := d.deploy(pass.ERC721, nil)
	o := d.order(p, pass.Grant{}, "")
	d.round()
	o = d.want(o.ID, pass.Sent)
	proxy := chaintest.StartProxy(t, d.chain)
	d.restart(func(opt *evm.IssuerOptions) { opt.RPCURL = proxy.RPCURL + "/secret-path-of-the-provider" })
	proxy.Break()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func(context.Context) error{
		"Draft": func(ctx context.Context) error { _, err := d.issuer.Draft(ctx, o, &p); return err },
		"Send":  func(ctx context.Context) error { return d.issuer.Send(ctx, o.Last().Raw) },
		"Look":  func(ctx context.Context) error { _, err := d.issuer.Look(ctx, o); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s without a provider: %v", name, err)
		}
		if err := call(ctx); !errors.Is(err, fault.Canceled) {
			t.Errorf("%s of a caller that gave up: %v", name, err)
		}
	}
}

func TestNewIssuer(t *testing.T) {
	t.Parallel()
	chain := caip.ChainID{Namespace: "eip155", Reference: "1"}
	for name, opt := range map[string]evm.IssuerOptions{
		"another namespace": {Options: evm.Options{RPCURL: "http://a.example", Chain: caip.ChainID{Namespace: "solana", Reference: "x"}}},
		"no URL":            {Options: evm.Options{Chain: chain}},
		"no limit":          {Options: evm.Options{RPCURL: "http://a.example", Chain: chain}, MaxFee: new(big.Int)},
	} {
		if _, err := evm.NewIssuer(opt); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleNewIssuer() {
	signer, err := evm.OpenKeystore("minter.json", "the password")
	if err != nil {
		fmt.Println("no key file here")
		return
	}
	issuer, err := evm.NewIssuer(evm.IssuerOptions{
		Options: evm.Options{RPCURL: "https://rpc.example", Chain: caip.ChainID{Namespace: "eip155", Reference: "137"}},
		Signer:  signer, MaxFee: big.NewInt(300 * params.GWei),
	})
	fmt.Println(issuer.Facts().Signer, err)
	// Output: no key file here
}

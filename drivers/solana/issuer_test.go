package solana_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	sol "github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
)

// desk issues passes on the test node.
type desk struct {
	t      testing.TB
	chain  *chaintest.Solana
	issuer *solana.Issuer
	ledger pass.Ledger
	store  *passtest.Memory
	holder sol.PrivateKey
	*pass.Service
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, chain: chaintest.StartSolana(t), store: passtest.NewMemory()}
	key := d.chain.Wallet(t)
	d.holder = d.chain.Wallet(t)
	var err error
	if d.issuer, err = solana.NewIssuer(solana.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID}, key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.issuer.Close)
	d.serve(d.issuer)
	return d
}

func (d *desk) serve(l pass.Ledger) {
	d.t.Helper()
	s, err := pass.New(pass.Options{Store: d.store, Ledgers: []pass.Ledger{l}, MaySpend: func(auth.Principal) bool { return true }})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Service, d.ledger = s, l
}

func (d *desk) round() {
	d.t.Helper()
	if err := d.Round(d.t.Context(), d.ledger); err != nil {
		d.t.Fatal(err)
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

// settled works until an order is confirmed.
func (d *desk) settled(id string) pass.Order {
	d.t.Helper()
	for range 6 {
		d.round()
		if o, err := d.store.Order(d.t.Context(), "default", id); err != nil || o.State.Final() {
			break
		}
		if err := d.chain.Tick(d.t.Context(), 40); err != nil {
			d.t.Fatal(err)
		}
	}
	return d.want(id, pass.Confirmed)
}

var solCreator = auth.Principal{Tenant: "default", UserID: "creator"}

func (d *desk) deploy(change func(*pass.Spec)) pass.Order {
	d.t.Helper()
	s := pass.Spec{Chain: d.chain.ID, Kind: pass.Token2022, Name: "Tour pass", Symbol: "TOUR", BaseURI: "https://a.example/meta.json"}
	if change != nil {
		change(&s)
	}
	o, err := d.Create(d.t.Context(), solCreator, pass.CreatePass{Spec: s})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.settled(o.ID)
}

func (d *desk) mint(p pass.Order) pass.Order {
	d.t.Helper()
	o, err := d.Mint(d.t.Context(), solCreator, p.ID, pass.MintPass{Grant: pass.Grant{To: d.holder.PublicKey().String(), Amount: 2}})
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

// held is how many the holder has, as rules ask it.
func (d *desk) held(p pass.Order) string {
	d.t.Helper()
	v, err := solana.Dial(d.t.Context(), solana.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID})
	if err != nil {
		d.t.Fatal(err)
	}
	defer v.Close()
	r, err := v.Check(d.t.Context(), nft.Finality{Tag: "latest"}, []nft.Query{{Op: nft.OpSolMint, Contract: p.Contract, Account: d.holder.PublicKey().String()}})
	if err != nil || r.Answers[0].Err != nil {
		d.t.Fatal(err, r)
	}
	return r.Answers[0].Value
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	plain := d.deploy(nil)
	if m := d.settled(d.mint(plain).ID); d.held(plain) != "2" || len(m.Attempts) != 1 {
		t.Errorf("%s held, %+v", d.held(plain), m)
	}
	if want := d.chain.ID.String() + "/token:" + plain.Contract; plain.Asset() != want || !strings.Contains(string(plain.Rule()), `"sol"`) {
		t.Errorf("asset %s, rule %s", plain.Asset(), plain.Rule())
	}
	mint := sol.MustPublicKeyFromBase58(plain.Contract)
	if err := d.chain.Transfer(t.Context(), mint, d.holder, d.holder.PublicKey(), d.chain.Payer.PublicKey(), 1); err != nil {
		t.Errorf("a plain pass cannot be given away: %v", err)
	}
	bound := d.deploy(func(s *pass.Spec) { s.Soulbound, s.Revocable = true, true })
	d.settled(d.mint(bound).ID)
	if err := d.chain.Transfer(t.Context(), sol.MustPublicKeyFromBase58(bound.Contract), d.holder, d.holder.PublicKey(), d.chain.Payer.PublicKey(), 1); err == nil {
		t.Error("a bound pass can be given away")
	}
	if d.held(bound) != "2" {
		t.Errorf("%s held", d.held(bound))
	}
	_, err := d.Create(t.Context(), solCreator, pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.Token2022, Name: "n", Symbol: "s", MaxSupply: 3}})
	if _, fields, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Pointer != "/max_supply" {
		t.Errorf("a limit of supply: %v", err)
	}
}

func TestIssuerIsALedger(t *testing.T) {
	t.Parallel()
	passtest.RunLedger(t, func(t testing.TB) passtest.Issuing {
		d := newDesk(t)
		if err := d.chain.Lags(t.Context(), 0, 32); err != nil {
			t.Fatal(err)
		}
		key := d.chain.Wallet(t)
		cut, err := solana.NewIssuer(solana.Options{RPCURL: "http://127.0.0.1:1", Chain: d.chain.ID}, key)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cut.Close)
		return passtest.Issuing{
			Ledger: d.issuer, Cut: cut, To: d.holder.PublicKey().String(), Final: 33,
			Mine: func(t testing.TB, n int) {
				if err := d.chain.Tick(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			},
			Held: func(t testing.TB, p pass.Order) int {
				n, err := strconv.Atoi(d.held(p))
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
		}
	})
}

// deaf is a ledger whose node takes transactions and loses them.
type deaf struct{ pass.Ledger }

func (deaf) Send(context.Context, []byte) error { return nil }

func TestIssuerSignsAnewWhatHasExpired(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.deploy(nil)
	d.serve(deaf{d.issuer})
	o := d.mint(p)
	d.round()
	lost := d.want(o.ID, pass.Sent)
	d.round()
	if again := d.want(o.ID, pass.Sent); again.Attempts[0].Hash != lost.Attempts[0].Hash {
		t.Error("signed anew before the first had expired")
	}
	if err := d.chain.Tick(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	d.round()
	d.want(o.ID, pass.Created)
	d.serve(d.issuer)
	done := d.settled(o.ID)
	if len(done.Past) != 1 || done.Past[0] != lost.Attempts[0].Hash || d.held(p) != "2" {
		t.Errorf("%+v, %s held", done, d.held(p))
	}
}

// An order that landed although nobody believed it is not done again: its proof is on the chain.
func TestIssuerMintsAnOrderOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.deploy(nil)
	o := d.mint(p)
	draft, err := d.issuer.Draft(t.Context(), o, &p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		a, _, err := d.issuer.Sign(t.Context(), o, draft)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.issuer.Send(t.Context(), a.Raw); (err == nil) != (i == 0) {
			t.Errorf("transaction %d of one order: %v", i, err)
		}
	}
	d.round()
	d.settled(o.ID)
	if d.held(p) != "2" {
		t.Errorf("%s held", d.held(p))
	}
}

func TestIssuerFollowsCommitments(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := d.chain.Lags(t.Context(), 0, 32); err != nil {
		t.Fatal(err)
	}
	if err := d.chain.Tick(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	o, err := d.Create(t.Context(), solCreator, pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.Token2022, Name: "n", Symbol: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	d.round()
	d.round()
	if mined := d.want(o.ID, pass.Mined); !mined.Deployed() || mined.Block == nil {
		t.Errorf("%+v", mined)
	}
	if err := d.chain.Tick(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	d.round()
	d.want(o.ID, pass.Confirmed)
}

func TestIssuerThatCannotAsk(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.deploy(nil)
	o := d.mint(p)
	d.round()
	o = d.settled(o.ID)
	o.Attempts = []pass.Attempt{{Hash: o.Hash, Raw: []byte{1}}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.chain.Fault(t.Context(), chaintest.SolanaFault{Status: 429}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"Draft": func(ctx context.Context) error { _, err := d.issuer.Draft(ctx, o, &p); return err },
		"Send":  func(ctx context.Context) error { return d.issuer.Send(ctx, []byte{1}) },
		"Look":  func(ctx context.Context) error { _, err := d.issuer.Look(ctx, o); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if err := call(ended); !errors.Is(err, fault.Canceled) {
			t.Errorf("%s of a caller that gave up: %v", name, err)
		}
	}
	if err := d.chain.Fault(t.Context(), chaintest.SolanaFault{Genesis: sol.NewWallet().PublicKey().String()}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.issuer.Look(t.Context(), o); !errors.Is(err, fault.Unavailable) {
		t.Errorf("another cluster: %v", err)
	}
	poor, err := solana.NewIssuer(solana.Options{RPCURL: d.chain.RPCURL, Chain: d.chain.ID}, sol.NewWallet().PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	defer poor.Close()
	if err := d.chain.Fault(t.Context(), chaintest.SolanaFault{}); err != nil {
		t.Fatal(err)
	}
	d.serve(poor)
	_, err = d.Create(t.Context(), solCreator, pass.CreatePass{Spec: pass.Spec{Chain: d.chain.ID, Kind: pass.Token2022, Name: "n", Symbol: "s"}})
	if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Unavailable) || !strings.Contains(msg, "has 0 lamports") {
		t.Errorf("a signer without money: %v", err)
	}
}

func TestOpenKeyfile(t *testing.T) {
	t.Parallel()
	key := sol.NewWallet().PrivateKey
	numbers := make([]int, 64)
	for i, b := range key {
		numbers[i] = int(b)
	}
	write := func(name string, v any, mode os.FileMode) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := solana.OpenKeyfile(write("good", numbers, 0o600)); err != nil || got.PublicKey() != key.PublicKey() {
		t.Errorf("%v", err)
	}
	other := append([]int{(numbers[0] + 1) % 256}, numbers[1:]...)
	for name, path := range map[string]string{
		"open to others": write("open", numbers, 0o644), "short": write("short", numbers[:63], 0o600), "not bytes": write("big", append(numbers[:63:63], 256), 0o600),
		"halves of two keys": write("halves", other, 0o600), "no file": filepath.Join(t.TempDir(), "none"), "no list": write("text", "x", 0o600),
	} {
		if _, err := solana.OpenKeyfile(path); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleNewIssuer() {
	key, err := solana.OpenKeyfile("minter.json")
	if err != nil {
		fmt.Println("no key file here")
		return
	}
	issuer, err := solana.NewIssuer(solana.Options{RPCURL: "https://rpc.example"}, key)
	fmt.Println(issuer, err)
	// Output: no key file here
}

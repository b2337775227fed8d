package pass_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
	"github.com/streamgate/streamgate/nft/rule"
)

const (
	alice = "0x00000000000000000000000000000000000000a1"
	bob   = "0x00000000000000000000000000000000000000b0"
)

var dev = caip.ChainID{Namespace: "eip155", Reference: "1337"}

func principal(user, address string) auth.Principal {
	return auth.Principal{Tenant: "default", UserID: user, Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: address}}}
}

var creator = principal("creator", alice)

// house is a Service over a scripted chain, with a clock of its own.
type house struct {
	t     *testing.T
	chain *passtest.Chain
	store pass.Store
	opt   pass.Options
	*pass.Service

	mu  sync.Mutex
	now time.Time
}

func newHouse(t *testing.T, change func(*pass.Options)) *house {
	t.Helper()
	h := &house{t: t, chain: passtest.NewChain(time.Minute), store: passtest.NewMemory(), now: time.UnixMilli(1_800_000_000_000)}
	h.opt = pass.Options{Store: h.store, Ledgers: []pass.Ledger{h.chain}, MaySpend: func(auth.Principal) bool { return true }, Now: h.clock}
	if change != nil {
		change(&h.opt)
	}
	h.restart()
	return h
}

func (h *house) clock() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

func (h *house) sleep(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// restart makes a new Service over the same store, as a process that starts again does.
func (h *house) restart() {
	h.t.Helper()
	s, err := pass.New(h.opt)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Service = s
}

func (h *house) round() {
	h.t.Helper()
	if err := h.Round(h.t.Context(), h.opt.Ledgers[0]); err != nil {
		h.t.Fatal(err)
	}
}

// settle looks and mines until nothing is under way.
func (h *house) settle() {
	h.t.Helper()
	for range 8 {
		h.round()
		h.chain.Mine(1)
	}
	h.round()
}

func (h *house) get(id string) pass.Order {
	h.t.Helper()
	o, err := h.store.Order(h.t.Context(), "default", id)
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

func (h *house) want(id string, state pass.State) pass.Order {
	h.t.Helper()
	o := h.get(id)
	if o.State != state {
		h.t.Fatalf("the %s is %s (%s), want %s", o.Act, o.State, o.Reason, state)
	}
	return o
}

func spec() pass.CreatePass {
	return pass.CreatePass{Spec: pass.Spec{Chain: dev, Kind: pass.ERC721, Name: "Tour pass", Symbol: "TOUR"}}
}

// deployed returns a pass that is confirmed.
func (h *house) deployed() pass.Order {
	h.t.Helper()
	o, err := h.Create(h.t.Context(), creator, spec())
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	return h.want(o.ID, pass.Confirmed)
}

func (h *house) mint(p pass.Order, key string) pass.Order {
	h.t.Helper()
	o, err := h.Mint(h.t.Context(), creator, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}, Key: key})
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

func TestDeployAndMint(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	o, err := h.Create(t.Context(), creator, spec())
	if err != nil || o.State != pass.Created || o.Asset() != "" || o.Rule() != nil {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := h.Mint(t.Context(), creator, o.ID, pass.MintPass{Grant: pass.Grant{To: bob}}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a mint before the pass is there: %v", err)
	}
	h.round()
	o = h.want(o.ID, pass.Sent)
	if o.Contract == "" || o.Deployed() || len(o.Attempts) != 1 || *o.Nonce != 0 {
		t.Errorf("sent: %+v", o)
	}
	h.chain.Mine(1)
	h.round()
	o = h.want(o.ID, pass.Mined)
	h.chain.Mine(2)
	h.round()
	o = h.want(o.ID, pass.Confirmed)
	if o.Spec.Authority != alice || o.Spec.Minter != passtest.SignerAddress || len(o.Last().Raw) != 0 {
		t.Errorf("confirmed: %+v of %+v", o, o.Spec)
	}
	r, err := rule.Parse(o.Rule())
	if err != nil || !strings.Contains(r.Sentence(), "eip155:1337") || o.Asset() != "eip155:1337/erc721:"+o.Contract {
		t.Errorf("the gate: %s, %v", o.Rule(), err)
	}
	m := h.mint(o, "one")
	h.settle()
	m = h.want(m.ID, pass.Confirmed)
	if m.TokenID == "" || m.Contract != o.Contract || h.chain.Mints(m.ID) != 1 {
		t.Errorf("minted: %+v", m)
	}
	list, _, err := h.List(t.Context(), creator, o.ID, 0, "")
	if err != nil || len(list) != 1 || list[0].ID != m.ID {
		t.Errorf("the mints: %v, %v", list, err)
	}
	if list, _, err := h.List(t.Context(), creator, "", 0, ""); err != nil || len(list) != 1 || list[0].ID != o.ID {
		t.Errorf("the passes: %v, %v", list, err)
	}
	if got, err := h.Minting(t.Context(), creator, o.ID, m.ID); err != nil || got.ID != m.ID {
		t.Error(got, err)
	}
}

func TestRulesOfTheKinds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	o := h.deployed()
	for kind, want := range map[pass.Kind]string{
		pass.ERC721:       `{"hold":"eip155:1337/erc721:` + o.Contract + `"}`,
		pass.ERC1155:      `{"hold":"eip155:1337/erc1155:` + o.Contract + `/1"}`,
		pass.Subscription: `{"check":"erc5643","key":"eip155:1337/erc721:` + o.Contract + `"}`,
	} {
		o.Spec.Kind = kind
		if _, err := rule.Parse(o.Rule()); err != nil || !strings.Contains(string(o.Rule()), want) {
			t.Errorf("%s: %s, %v", kind, o.Rule(), err)
		}
	}
}

func TestAKeyIsOneOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	in := spec()
	in.Key = "deploy"
	first, err := h.Create(t.Context(), creator, in)
	if err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.chain.SetRefuse("SoldOut(1)") // a repeat asks the chain nothing
	again, err := h.Create(t.Context(), creator, in)
	if err != nil || again.ID != first.ID || again.State != pass.Confirmed {
		t.Errorf("again: %+v, %v", again, err)
	}
	in.Name = "Another"
	if _, err := h.Create(t.Context(), creator, in); !errors.Is(err, fault.Invalid) {
		t.Errorf("another wish under the same key: %v", err)
	}
	h.chain.SetRefuse("")
	var wg sync.WaitGroup
	ids := make([]string, 20)
	for i := range ids {
		wg.Go(func() { ids[i] = h.mint(first, "same").ID })
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one key became the orders %v", ids)
		}
	}
	h.settle()
	if n := h.chain.Mints(ids[0]); n != 1 {
		t.Errorf("minted %d times", n)
	}
}

// dying is a ledger whose process dies when it is about to send.
type dying struct {
	*passtest.Chain
	dead bool
}

var errDead = errors.New("the process died")

func (d *dying) Send(ctx context.Context, raw []byte) error {
	if d.dead {
		return errDead
	}
	return d.Chain.Send(ctx, raw)
}

func TestKilledBetweenStoreAndSend(t *testing.T) {
	t.Parallel()
	var d *dying
	h := newHouse(t, func(o *pass.Options) {
		d = &dying{Chain: o.Ledgers[0].(*passtest.Chain), dead: true}
		o.Ledgers = []pass.Ledger{d}
	})
	o, err := h.Create(t.Context(), creator, spec())
	if err != nil {
		t.Fatal(err)
	}
	h.round()
	signed := h.want(o.ID, pass.Signed)
	d.dead = false
	h.restart()
	h.settle()
	done := h.want(o.ID, pass.Confirmed)
	if done.Hash != signed.Last().Hash || len(done.Attempts) != 1 || h.chain.Mints(o.ID) != 1 {
		t.Errorf("signed %s, mined %s of %d attempts", signed.Last().Hash, done.Hash, len(done.Attempts))
	}
}

func TestStuckIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	h.chain.SetMinTip(12)
	o := h.mint(p, "stuck")
	h.round()
	h.chain.Mine(2)
	h.round()
	if o = h.want(o.ID, pass.Sent); len(o.Attempts) != 1 {
		t.Fatalf("replaced too early: %d attempts", len(o.Attempts))
	}
	h.sleep(2 * time.Minute)
	h.round()
	if o = h.want(o.ID, pass.Sent); len(o.Attempts) != 2 || o.Attempts[1].TipCap != "12" {
		t.Fatalf("attempts: %+v", o.Attempts)
	}
	h.settle()
	o = h.want(o.ID, pass.Confirmed)
	if o.Hash != o.Attempts[1].Hash || h.chain.Mints(o.ID) != 1 {
		t.Errorf("mined %s", o.Hash)
	}
}

func TestReorganisedIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	o := h.mint(p, "reorg")
	h.round()
	h.chain.Mine(1)
	h.round()
	mined := h.want(o.ID, pass.Mined)
	h.chain.Reorg(1)
	h.round()
	back := h.want(o.ID, pass.Sent)
	if back.Reorgs != 1 || back.Block != nil || back.TokenID != "" {
		t.Errorf("after the reorganisation: %+v", back)
	}
	h.settle()
	done := h.want(o.ID, pass.Confirmed)
	if done.Hash != mined.Hash || len(done.Attempts) != 1 || h.chain.Mints(o.ID) != 1 {
		t.Errorf("mined first %s, then %s", mined.Hash, done.Hash)
	}
}

func TestDroppedIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	o := h.mint(p, "dropped")
	h.round()
	h.chain.DropPool()
	h.settle()
	if done := h.want(o.ID, pass.Confirmed); len(done.Attempts) != 1 || h.chain.Mints(o.ID) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestDisplacedIsSignedAnewOnceThatIsFinal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	o := h.mint(p, "displaced")
	h.round()
	sent := h.want(o.ID, pass.Sent)
	h.chain.Use(passtest.SignerAddress, 100) // somebody uses the key elsewhere
	h.chain.Mine(1)
	h.round()
	if r := h.want(o.ID, pass.Replaced); *r.Nonce != *sent.Nonce {
		t.Errorf("numbered anew before it was final: %d", *r.Nonce)
	}
	h.settle()
	done := h.want(o.ID, pass.Confirmed)
	if *done.Nonce != *sent.Nonce+1 || len(done.Past) != 1 || done.Past[0] != sent.Last().Hash || h.chain.Mints(o.ID) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestDisplacedAndThenNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	o := h.mint(p, "back")
	h.round()
	h.chain.Use(passtest.SignerAddress, 100)
	h.chain.Mine(1)
	h.round()
	h.want(o.ID, pass.Replaced)
	h.chain.Reorg(1)
	h.settle()
	if done := h.want(o.ID, pass.Confirmed); len(done.Attempts) != 1 || len(done.Past) != 0 || h.chain.Mints(o.ID) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	h.chain.SetRefuse("SoldOut(1)")
	if _, err := h.Mint(t.Context(), creator, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}}); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "SoldOut") {
		t.Errorf("refused at once: %v", err)
	}
	h.chain.SetRefuse("")
	o := h.mint(p, "late")
	h.chain.SetRefuse("SoldOut(1)")
	h.round()
	if o = h.want(o.ID, pass.Failed); o.Reason != "SoldOut(1)" || o.Nonce != nil {
		t.Errorf("refused before it was numbered: %+v", o)
	}
}

// numberless makes Sign fail once, so that an order has a number and nothing signed.
type numberless struct {
	*passtest.Chain
	mu   sync.Mutex
	fail bool
}

func (n *numberless) Sign(ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail {
		return pass.Attempt{}, "", fault.New(fault.Unavailable, "test", "The key is away.")
	}
	return n.Chain.Sign(ctx, o, d)
}

func TestAnImpossibleOrderUsesItsNumberUp(t *testing.T) {
	t.Parallel()
	var n *numberless
	h := newHouse(t, func(o *pass.Options) {
		n = &numberless{Chain: o.Ledgers[0].(*passtest.Chain)}
		o.Ledgers = []pass.Ledger{n}
	})
	p := h.deployed()
	a := h.mint(p, "a")
	n.fail = true
	h.round()
	h.round()
	if a = h.want(a.ID, pass.Created); a.Nonce == nil || a.Reason != "The key is away." {
		t.Fatalf("%+v", a)
	}
	n.fail = false
	h.chain.SetRefuse("SoldOut(1)")
	h.round()
	h.chain.SetRefuse("")
	b := h.mint(p, "b")
	h.settle()
	if a = h.want(a.ID, pass.Failed); !a.Void || a.Reason != "SoldOut(1)" || h.chain.Mints(a.ID) != 0 {
		t.Errorf("%+v", a)
	}
	if b = h.want(b.ID, pass.Confirmed); *b.Nonce != *a.Nonce+1 || h.chain.Mints(b.ID) != 1 {
		t.Errorf("%+v", b)
	}
}

func TestAGapIsFilled(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	h.chain.Use(passtest.SignerAddress, 5) // pending, from elsewhere; then lost
	o := h.mint(p, "behind")
	h.round()
	h.chain.DropPool()
	for range 3 {
		h.chain.Mine(1)
		h.round()
		h.want(o.ID, pass.Sent)
	}
	h.sleep(2 * time.Minute)
	h.settle()
	if done := h.want(o.ID, pass.Confirmed); h.chain.Mints(o.ID) != 1 || len(done.Attempts) != 1 {
		t.Errorf("%+v", done)
	}
	fills, _, err := h.store.Orders(t.Context(), "default", pass.ListOptions{Act: pass.Fill})
	if err != nil || len(fills) != 1 || fills[0].State != pass.Confirmed {
		t.Errorf("fills: %+v, %v", fills, err)
	}
}

func TestAWalletSigns(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	in := spec()
	in.Wallet = true
	o, err := h.Create(t.Context(), creator, in)
	if err != nil || o.Sender != alice || o.Spec.Minter != "" {
		t.Fatalf("%+v, %v", o, err)
	}
	d, ok, err := h.Unsigned(t.Context(), o)
	if err != nil || !ok || d.From != alice {
		t.Errorf("what to sign: %+v, %t, %v", d, ok, err)
	}
	h.settle()
	h.want(o.ID, pass.Created)
	// Another transaction's hash is noticed.
	if _, err := h.Sent(t.Context(), o, h.chain.Wallet(o, true)); err != nil {
		t.Fatal(err)
	}
	h.round()
	if o = h.want(o.ID, pass.Created); !strings.Contains(o.Reason, "not the one") {
		t.Errorf("%+v", o)
	}
	// One that the chain never sees can be signed again.
	if _, err := h.Sent(t.Context(), o, "lost"); err != nil {
		t.Fatal(err)
	}
	h.round()
	h.want(o.ID, pass.Sent)
	h.sleep(time.Hour)
	h.round()
	o = h.want(o.ID, pass.Created)
	hash := h.chain.Wallet(o, false)
	for range 2 {
		if _, err := h.Sent(t.Context(), o, hash); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Sent(t.Context(), o, "other"); !errors.Is(err, fault.Conflict) {
		t.Errorf("another hash: %v", err)
	}
	h.settle()
	o = h.want(o.ID, pass.Confirmed)
	if o.Contract == "" || o.Hash != hash {
		t.Errorf("%+v", o)
	}
	if _, err := h.Sent(t.Context(), o, hash); err != nil {
		t.Errorf("the same hash when all is done: %v", err)
	}
	if _, ok, err := h.Unsigned(t.Context(), o); ok || err != nil {
		t.Errorf("there is nothing to sign: %t, %v", ok, err)
	}
	m, err := h.Mint(t.Context(), creator, o.ID, pass.MintPass{Grant: pass.Grant{To: bob}, Wallet: true, Sender: alice})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := h.Unsigned(t.Context(), m); !ok || err != nil {
		t.Errorf("the mint: %t, %v", ok, err)
	}
	if _, err := h.Sent(t.Context(), m, h.chain.Wallet(m, false)); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.want(m.ID, pass.Confirmed)
}

func TestAWalletThatUsesItsNumberOtherwise(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	in := spec()
	in.Wallet = true
	o, err := h.Create(t.Context(), creator, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Sent(t.Context(), o, h.chain.Wallet(o, false)); err != nil {
		t.Fatal(err)
	}
	h.round()
	h.chain.Use(alice, 100) // the wallet cancelled it
	h.settle()
	if o = h.want(o.ID, pass.Failed); !strings.Contains(o.Reason, "took its place") {
		t.Errorf("%+v", o)
	}
}

func TestWhoMay(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *pass.Options) {
		o.MayCreate = func(p auth.Principal) bool { return p.UserID != "viewer" }
		o.MaySpend = func(p auth.Principal) bool { return p.UserID == "creator" }
	})
	p := h.deployed()
	viewer, other := principal("viewer", bob), principal("other", bob)
	for name, c := range map[string]struct {
		who  auth.Principal
		in   func(*pass.CreatePass)
		want fault.Kind
	}{
		"nobody":               {auth.Principal{}, nil, fault.Unauthenticated},
		"one who may not":      {viewer, nil, fault.Forbidden},
		"one who may not pay":  {other, nil, fault.Forbidden},
		"one with a wallet":    {other, func(c *pass.CreatePass) { c.Wallet = true }, 99},
		"a wallet of others":   {other, func(c *pass.CreatePass) { c.Wallet, c.Sender = true, alice }, fault.Invalid},
		"no wallet":            {auth.Principal{Tenant: "default", UserID: "other", APIKey: "k"}, func(c *pass.CreatePass) { c.Wallet = true }, fault.Invalid},
		"a sender and no need": {creator, func(c *pass.CreatePass) { c.Sender = alice }, fault.Invalid},
		"an unknown chain":     {creator, func(c *pass.CreatePass) { c.Chain.Reference = "5" }, fault.Invalid},
		"a long key":           {creator, func(c *pass.CreatePass) { c.Key = strings.Repeat("k", 256) }, fault.Invalid},
	} {
		in := spec()
		if c.in != nil {
			c.in(&in)
		}
		_, err := h.Create(t.Context(), c.who, in)
		if c.want == 99 && err != nil || c.want != 99 && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Pass(t.Context(), other, p.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("the pass of another: %v", err)
	}
	elsewhere := creator
	elsewhere.Tenant = "two"
	if _, err := h.Pass(t.Context(), elsewhere, p.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("the pass of another tenant: %v", err)
	}
	if _, err := h.Mint(t.Context(), other, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("a mint by another: %v", err)
	}
	for _, who := range []auth.Principal{{}, {Tenant: "default"}} {
		_, passErr := h.Pass(t.Context(), who, p.ID)
		_, _, listErr := h.List(t.Context(), who, "", 0, "")
		if !errors.Is(passErr, fault.Unauthenticated) || !errors.Is(listErr, fault.Unauthenticated) {
			t.Errorf("nobody: %v, %v", passErr, listErr)
		}
	}
	if f := h.Chains(creator); len(f) != 1 || f[0].Signer == "" {
		t.Errorf("the chains of the creator: %+v", f)
	}
	if f := h.Chains(other); len(f) != 1 || f[0].Signer != "" || !f[0].Wallet {
		t.Errorf("the chains of another: %+v", f)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	for pointer, change := range map[string]func(*pass.CreatePass){
		"/kind":       func(c *pass.CreatePass) { c.Kind = pass.Token2022 },
		"/name":       func(c *pass.CreatePass) { c.Name = " " },
		"/symbol":     func(c *pass.CreatePass) { c.Symbol = "two words" },
		"/base_uri":   func(c *pass.CreatePass) { c.BaseURI = "http://a.example/" },
		"/max_supply": func(c *pass.CreatePass) { c.MaxSupply = 1<<53 + 1 },
		"/owner":      func(c *pass.CreatePass) { c.Authority = "0x0000000000000000000000000000000000000000" },
		"/revocable":  func(c *pass.CreatePass) { c.Revocable = true },
	} {
		in := spec()
		change(&in)
		_, err := h.Create(t.Context(), creator, in)
		if _, fields, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	for pointer, g := range map[string]pass.Grant{
		"/to":       {To: "0x12"},
		"/token_id": {To: bob, TokenID: "7"},
		"/amount":   {To: bob, Amount: 2},
		"/duration": {To: bob, Duration: 60},
	} {
		_, err := h.Mint(t.Context(), creator, p.ID, pass.MintPass{Grant: g})
		if _, fields, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
}

func TestGrantsOfTheKinds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	for kind, c := range map[pass.Kind]struct {
		good pass.Grant
		bad  []pass.Grant
		want pass.Grant
	}{
		pass.ERC1155: {
			pass.Grant{To: bob}, []pass.Grant{{To: bob, TokenID: "01"}, {To: bob, TokenID: "x"}, {To: bob, Amount: 1_000_001}},
			pass.Grant{To: bob, TokenID: "1", Amount: 1},
		},
		pass.Subscription: {
			pass.Grant{To: strings.ToUpper(bob[2:]), Duration: 3600}, []pass.Grant{{To: bob}, {To: bob, Duration: 1}, {To: bob, Duration: 1 << 40}},
			pass.Grant{To: bob, Duration: 3600},
		},
	} {
		in := spec()
		in.Kind = kind
		o, err := h.Create(t.Context(), creator, in)
		if err != nil {
			t.Fatal(err)
		}
		h.settle()
		for _, g := range c.bad {
			if _, err := h.Mint(t.Context(), creator, o.ID, pass.MintPass{Grant: g}); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s %+v: %v", kind, g, err)
			}
		}
		c.good.To = bob
		m, err := h.Mint(t.Context(), creator, o.ID, pass.MintPass{Grant: c.good})
		if err != nil || *m.Grant != c.want {
			t.Errorf("%s: %+v, %v", kind, m.Grant, err)
		}
	}
}

func TestTooMuchUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *pass.Options) { o.MaxOpen = 3 })
	p := h.deployed()
	for i := range 3 {
		h.mint(p, fmt.Sprint(i))
	}
	_, err := h.Mint(t.Context(), creator, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}})
	if _, _, retry := fault.Public(err); !errors.Is(err, fault.Limited) || retry == 0 {
		t.Errorf("the fourth: %v", err)
	}
	h.settle()
	h.mint(p, "fourth")
}

func TestAChainThatDoesNotAnswerHoldsNothingUpForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	o := h.mint(p, "m")
	h.chain.Break(fault.New(fault.Unavailable, "test", "The node is away."))
	h.round()
	if o = h.want(o.ID, pass.Created); o.Reason != "The node is away." {
		t.Errorf("%+v", o)
	}
	if _, err := h.Mint(t.Context(), creator, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a mint meanwhile: %v", err)
	}
	h.chain.Break(nil)
	h.settle()
	if o = h.want(o.ID, pass.Confirmed); o.Reason != "" {
		t.Errorf("%+v", o)
	}
}

// Two services over one store, as two processes have, and fifty mints at once.
func TestTwoServicesMintEachOrderOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	p := h.deployed()
	two, err := pass.New(h.opt)
	if err != nil {
		t.Fatal(err)
	}
	const n = 50
	var wg sync.WaitGroup
	ids := make([]string, n)
	for i := range n {
		s := []*pass.Service{h.Service, two}[i%2]
		wg.Go(func() {
			o, err := s.Mint(t.Context(), creator, p.ID, pass.MintPass{Grant: pass.Grant{To: bob}, Key: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
			}
			ids[i] = o.ID
		})
	}
	wg.Wait()
	for range 6 {
		for _, s := range []*pass.Service{h.Service, two} {
			wg.Go(func() {
				if err := s.Round(t.Context(), h.chain); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		h.chain.Mine(1)
	}
	numbers := map[uint64]bool{}
	for _, id := range ids {
		o := h.want(id, pass.Confirmed)
		if h.chain.Mints(id) != 1 || numbers[*o.Nonce] {
			t.Errorf("%s: %d mints, number %d", id, h.chain.Mints(id), *o.Nonce)
		}
		numbers[*o.Nonce] = true
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *pass.Options) { o.Interval = 5 * time.Millisecond; o.Now = nil })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	o, err := h.Create(t.Context(), creator, spec())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); h.get(o.ID).State != pass.Confirmed; time.Sleep(time.Millisecond) {
		if h.chain.Mine(1); time.Now().After(deadline) {
			t.Fatalf("not done: %+v", h.get(o.ID))
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, fault.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	c := passtest.NewChain(0)
	for _, opt := range []pass.Options{{}, {Store: passtest.NewMemory(), Ledgers: []pass.Ledger{c, c}}} {
		if _, err := pass.New(opt); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
	}
}

func ExampleNew() {
	chain := passtest.NewChain(time.Minute) // in earnest evm.NewIssuer, and the store of drivers/sqldb
	s, err := pass.New(pass.Options{
		Store: passtest.NewMemory(), Ledgers: []pass.Ledger{chain}, MaySpend: func(p auth.Principal) bool { return p.UserID == "creator" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	me := auth.Principal{Tenant: "default", UserID: "creator"}
	o, err := s.Create(ctx, me, pass.CreatePass{Spec: pass.Spec{Chain: chain.Facts().Chain, Kind: pass.ERC721, Name: "Tour pass", Symbol: "TOUR"}, Key: "tour"})
	fmt.Println(o.State, err)
	for range 4 { // Run does this by itself
		if err := s.Round(ctx, chain); err != nil {
			fmt.Println(err)
		}
		chain.Mine(1)
	}
	o, err = s.Pass(ctx, me, o.ID)
	fmt.Println(o.State, err)
	// Output:
	// created <nil>
	// confirmed <nil>
}

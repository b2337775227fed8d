package httpapi

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/rule"
)

// orderView is what a pass and a mint have in common: how far the chain has it.
type orderView struct {
	ID    string       `json:"id"`
	Chain caip.ChainID `json:"chain"`
	// Signer is server or wallet, From the address that signs and pays.
	Signer string     `json:"signer"`
	From   string     `json:"from"`
	State  pass.State `json:"state"`
	Reason string     `json:"reason,omitempty"`
	// Hash is the transaction that was mined, or else the newest that was signed.
	Hash      string      `json:"hash,omitempty"`
	Block     *pass.Block `json:"block,omitempty"`
	Reorgs    int         `json:"reorgs,omitempty"`
	Contract  string      `json:"contract,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	// Transaction is what the creator's wallet is to sign and send, as eth_sendTransaction takes it (EIP-1193).
	Transaction *transactionView `json:"transaction,omitempty"`
}

type transactionView struct {
	ChainID              string `json:"chainId"`
	From                 string `json:"from"`
	To                   string `json:"to,omitempty"`
	Data                 string `json:"data"`
	Value                string `json:"value"`
	Gas                  string `json:"gas"`
	MaxFeePerGas         string `json:"maxFeePerGas"`
	MaxPriorityFeePerGas string `json:"maxPriorityFeePerGas"`
}

type passView struct {
	orderView
	Kind      pass.Kind `json:"kind"`
	Name      string    `json:"name"`
	Symbol    string    `json:"symbol"`
	BaseURI   string    `json:"base_uri,omitempty"`
	MaxSupply uint64    `json:"max_supply,omitempty"`
	Soulbound bool      `json:"soulbound,omitempty"`
	Revocable bool      `json:"revocable,omitempty"`
	Owner     string    `json:"owner"`
	// Asset is the CAIP-19 name, Rule the gate "holds this pass" and Sentence what it says; all once the pass is on the chain.
	Asset    string          `json:"asset,omitempty"`
	Rule     json.RawMessage `json:"rule,omitempty"`
	Sentence string          `json:"sentence,omitempty"`
}

type mintView struct {
	orderView
	PassID   string `json:"pass_id"`
	To       string `json:"to"`
	TokenID  string `json:"token_id,omitempty"`
	Amount   uint64 `json:"amount,omitempty"`
	Duration uint64 `json:"duration,omitempty"`
}

func orderOf(o pass.Order) orderView {
	v := orderView{
		ID: o.ID, Chain: o.Chain, Signer: "server", From: o.Sender, State: o.State, Reason: o.Reason, Hash: o.Hash, Block: o.Block, Reorgs: o.Reorgs,
		Contract: o.Contract, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	if o.Wallet {
		v.Signer = "wallet"
	}
	if last := o.Last(); v.Hash == "" && last != nil {
		v.Hash = last.Hash
	}
	return v
}

func passOf(o pass.Order) passView {
	v := passView{
		orderView: orderOf(o), Kind: o.Spec.Kind, Name: o.Spec.Name, Symbol: o.Spec.Symbol, BaseURI: o.Spec.BaseURI, MaxSupply: o.Spec.MaxSupply,
		Soulbound: o.Spec.Soulbound, Revocable: o.Spec.Revocable, Owner: o.Spec.Authority, Asset: o.Asset(), Rule: o.Rule(),
	}
	if r, err := rule.Parse(v.Rule); len(v.Rule) > 0 && err == nil {
		v.Sentence = r.Sentence()
	}
	return v
}

func mintOf(o pass.Order) mintView {
	v := mintView{orderView: orderOf(o), PassID: o.Pass, To: o.Grant.To, TokenID: o.TokenID, Amount: o.Grant.Amount, Duration: o.Grant.Duration}
	if v.TokenID == "" {
		v.TokenID = o.Grant.TokenID
	}
	return v
}

// unsigned adds what a wallet is to sign, where the order waits for one. The order is there whether or not that can be made right
// now: its reason says why not.
func (a *api) unsigned(q *request, o pass.Order, v *orderView) {
	d, ok, err := a.Passes.Unsigned(q.r.Context(), o)
	if err != nil {
		if v.Reason, _, _ = fault.Public(err); v.Reason == "" {
			v.Reason = "What to sign cannot be made right now: the chain does not answer."
		}
	}
	if err != nil || !ok {
		return
	}
	v.Transaction = &transactionView{
		ChainID: quantity(o.Chain.Reference), From: d.From, To: d.To, Data: "0x" + hex.EncodeToString(d.Data), Value: quantity(d.Value),
		Gas: quantity(strconv.FormatUint(d.Gas, 10)), MaxFeePerGas: quantity(d.FeeCap), MaxPriorityFeePerGas: quantity(d.TipCap),
	}
}

// quantity writes a decimal number as Ethereum's JSON-RPC does.
func quantity(decimal string) string {
	n, ok := new(big.Int).SetString(decimal, 10)
	if !ok {
		return "0x0"
	}
	return "0x" + n.Text(16)
}

// issues refuses on a server without passes.
func (a *api) issues() error {
	if a.Passes == nil {
		return fault.New(fault.NotFound, "httpapi.passes", "This server issues no passes.")
	}
	return nil
}

func (a *api) createPass(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	var in struct {
		Chain     string    `json:"chain"`
		Kind      pass.Kind `json:"kind"`
		Name      string    `json:"name"`
		Symbol    string    `json:"symbol"`
		BaseURI   string    `json:"base_uri"`
		MaxSupply uint64    `json:"max_supply"`
		Soulbound bool      `json:"soulbound"`
		Revocable bool      `json:"revocable"`
		Owner     string    `json:"owner"`
		Signer    string    `json:"signer"`
		From      string    `json:"from"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	chain, err := caip.ParseChainID(in.Chain)
	if err != nil {
		return fault.New(fault.Invalid, "httpapi.createPass", "The chain is not a CAIP-2 identifier.").With("/chain", "such as eip155:1; GET /v1/passes lists the chains")
	}
	wallet, err := signerOf(in.Signer)
	if err != nil {
		return err
	}
	o, err := a.Passes.Create(q.r.Context(), q.who, pass.CreatePass{
		Spec: pass.Spec{
			Chain: chain, Kind: in.Kind, Name: in.Name, Symbol: in.Symbol, BaseURI: in.BaseURI, MaxSupply: in.MaxSupply, Soulbound: in.Soulbound,
			Revocable: in.Revocable, Authority: in.Owner,
		},
		Wallet: wallet, Sender: in.From, Key: q.r.Header.Get("Idempotency-Key"),
	})
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", "/v1/passes/"+o.ID)
	return a.answerPass(q, http.StatusCreated, o)
}

func (a *api) answerPass(q *request, status int, o pass.Order) error {
	v := passOf(o)
	a.unsigned(q, o, &v.orderView)
	return q.json(status, v)
}

func (a *api) answerMint(q *request, status int, o pass.Order) error {
	v := mintOf(o)
	a.unsigned(q, o, &v.orderView)
	return q.json(status, v)
}

// signerOf reads who signs; the default is the platform.
func signerOf(s string) (wallet bool, err error) {
	switch s {
	case "", "server":
		return false, nil
	case "wallet":
		return true, nil
	}
	return false, fault.New(fault.Invalid, "httpapi.signerOf", "There is no such signer.").With("/signer", "\"server\" or \"wallet\"")
}

// pageOf reads limit and cursor, and refuses other parameters.
func pageOf(q *request) (limit int, cursor string, err error) {
	query := q.r.URL.Query()
	bad := fault.New(fault.Invalid, "httpapi.pageOf", "The query is not valid.")
	for name := range query {
		if name != "limit" && name != "cursor" {
			bad.With(name, "unknown parameter; known are limit, cursor")
		}
	}
	if s := query.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > 200 {
			bad.With("limit", "a number from 1 to 200")
		}
	}
	if len(bad.Fields) > 0 {
		return 0, "", bad
	}
	return limit, query.Get("cursor"), nil
}

type issuingChain struct {
	Chain  caip.ChainID `json:"chain"`
	Kinds  []pass.Kind  `json:"kinds"`
	Server bool         `json:"server"`
	Wallet bool         `json:"wallet"`
}

func (a *api) listPasses(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	limit, cursor, err := pageOf(q)
	if err != nil {
		return err
	}
	list, next, err := a.Passes.List(q.r.Context(), q.who, "", limit, cursor)
	if err != nil {
		return err
	}
	out := struct {
		Passes []passView     `json:"passes"`
		Chains []issuingChain `json:"chains"`
		Next   string         `json:"next_cursor,omitempty"`
	}{Passes: []passView{}, Chains: []issuingChain{}, Next: next}
	for _, o := range list {
		out.Passes = append(out.Passes, passOf(o))
	}
	for _, f := range a.Passes.Chains(q.who) {
		out.Chains = append(out.Chains, issuingChain{f.Chain, f.Kinds, f.Signer != "", f.Wallet})
	}
	return q.json(http.StatusOK, out)
}

func (a *api) getPass(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	o, err := a.Passes.Pass(q.r.Context(), q.who, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	return a.answerPass(q, http.StatusOK, o)
}

func (a *api) createMint(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	var in struct {
		To       string `json:"to"`
		TokenID  string `json:"token_id"`
		Amount   uint64 `json:"amount"`
		Duration uint64 `json:"duration"`
		Signer   string `json:"signer"`
		From     string `json:"from"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	wallet, err := signerOf(in.Signer)
	if err != nil {
		return err
	}
	id := q.r.PathValue("id")
	// Account identifiers are welcome, too, as they are everywhere else.
	if i := strings.LastIndexByte(in.To, ':'); i >= 0 {
		p, err := a.Passes.Pass(q.r.Context(), q.who, id)
		if err != nil {
			return err
		}
		if in.To[:i] != p.Chain.String() {
			return fault.New(fault.Invalid, "httpapi.createMint", "The account is on another chain than the pass.").With("/to", "an account on "+p.Chain.String())
		}
		in.To = in.To[i+1:]
	}
	o, err := a.Passes.Mint(q.r.Context(), q.who, id, pass.MintPass{
		Grant:  pass.Grant{To: in.To, TokenID: in.TokenID, Amount: in.Amount, Duration: in.Duration},
		Wallet: wallet, Sender: in.From, Key: q.r.Header.Get("Idempotency-Key"),
	})
	if err != nil {
		return err
	}
	q.w.Header().Set("Location", "/v1/passes/"+id+"/mints/"+o.ID)
	return a.answerMint(q, http.StatusCreated, o)
}

func (a *api) listMints(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	limit, cursor, err := pageOf(q)
	if err != nil {
		return err
	}
	list, next, err := a.Passes.List(q.r.Context(), q.who, q.r.PathValue("id"), limit, cursor)
	if err != nil {
		return err
	}
	out := struct {
		Mints []mintView `json:"mints"`
		Next  string     `json:"next_cursor,omitempty"`
	}{[]mintView{}, next}
	for _, o := range list {
		out.Mints = append(out.Mints, mintOf(o))
	}
	return q.json(http.StatusOK, out)
}

func (a *api) getMint(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	o, err := a.Passes.Minting(q.r.Context(), q.who, q.r.PathValue("id"), q.r.PathValue("mint"))
	if err != nil {
		return err
	}
	return a.answerMint(q, http.StatusOK, o)
}

var hashRE = regexp.MustCompile(`^0x[0-9a-fA-F]{64}$`)

// sentHash reads which transaction a wallet made.
func (a *api) sentHash(q *request) (string, error) {
	var in struct {
		Hash string `json:"hash"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return "", err
	}
	if !hashRE.MatchString(in.Hash) {
		return "", fault.New(fault.Invalid, "httpapi.sentHash", "That is not the hash of a transaction.").With("/hash", "0x and 64 hexadecimal digits")
	}
	return strings.ToLower(in.Hash), nil
}

func (a *api) passSent(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	o, err := a.Passes.Pass(q.r.Context(), q.who, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	hash, err := a.sentHash(q)
	if err != nil {
		return err
	}
	if o, err = a.Passes.Sent(q.r.Context(), o, hash); err != nil {
		return err
	}
	return q.json(http.StatusOK, passOf(o))
}

func (a *api) mintSent(q *request) error {
	if err := a.issues(); err != nil {
		return err
	}
	o, err := a.Passes.Minting(q.r.Context(), q.who, q.r.PathValue("id"), q.r.PathValue("mint"))
	if err != nil {
		return err
	}
	hash, err := a.sentHash(q)
	if err != nil {
		return err
	}
	if o, err = a.Passes.Sent(q.r.Context(), o, hash); err != nil {
		return err
	}
	return q.json(http.StatusOK, mintOf(o))
}

package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// demoWallets acts for the demo's three people with keys everyone knows: it signs
// their sign-in messages and moves the pass between them.
type demoWallets struct {
	chain *devchain.Chain
	pass  string
	token string // id of the one pass
	// solana is the other chain's side, nil without it.
	solana *demoSolana

	mu      sync.Mutex
	holder  string // address
	assetID string
}

func newDemoWallets(ctx context.Context, chain *devchain.Chain) (*demoWallets, error) {
	pass, err := chain.DeployPass(ctx, "Demo Pass", "DEMO")
	if err != nil {
		return nil, err
	}
	holder := devchain.Holder().Address
	token, err := chain.Mint(ctx, pass, holder)
	if err != nil {
		return nil, err
	}
	return &demoWallets{chain: chain, pass: pass, token: token, holder: holder}, nil
}

func (w *demoWallets) setAsset(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.assetID = id
}

func (w *demoWallets) list(keys bool) []demoWallet {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []demoWallet
	for _, a := range devchain.Accounts() {
		d := demoWallet{Name: a.Name, Address: a.Address, Holds: a.Address == w.holder}
		if keys {
			d.PrivateKey = a.PrivateKey
		}
		out = append(out, d)
	}
	return append(out, w.solana.list(keys)...)
}

func findAccount(address string) (devchain.Account, bool) {
	for _, a := range devchain.Accounts() {
		if strings.EqualFold(a.Address, address) {
			return a, true
		}
	}
	return devchain.Account{}, false
}

// sign is personal_sign (EIP-191) by the named demo wallet, or what a Solana wallet does.
func (w *demoWallets) sign(address, message string) (string, error) {
	if sig, ok, err := w.solana.sign(address, message); ok {
		return sig, err
	}
	a, ok := findAccount(address)
	if !ok {
		return "", errNotDemoWallet
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
	if err != nil {
		return "", err
	}
	sig, err := crypto.Sign(accounts.TextHash([]byte(message)), key)
	if err != nil {
		return "", err
	}
	sig[64] += 27
	return "0x" + hex.EncodeToString(sig), nil
}

type demoError string

func (e demoError) Error() string { return string(e) }

const (
	errNotDemoWallet = demoError("that address is not a demo wallet")
	errNotHolder     = demoError("that wallet does not hold the pass")
)

func (w *demoWallets) transfer(ctx context.Context, from, to string) error {
	if ok, err := w.solana.transfer(ctx, from, to); ok {
		return err
	}
	src, ok := findAccount(from)
	dst, ok2 := findAccount(to)
	if !ok || !ok2 {
		return errNotDemoWallet
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holder != src.Address {
		return errNotHolder
	}
	if err := w.chain.Transfer(ctx, w.pass, src, dst.Address, w.token); err != nil {
		return err
	}
	w.holder = dst.Address
	return nil
}

// mount adds the demo's routes: what the page shows, signing, and the transfer.
func (w *demoWallets) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/demo", func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		asset := w.assetID
		w.mu.Unlock()
		out := map[string]any{"chain": w.chain.ChainID().String(), "pass_contract": w.pass, "asset_id": asset, "wallets": w.list(false)}
		if info := w.solana.info(); info != nil {
			out["solana"] = info
		}
		reply(rw, out, nil)
	})
	mux.HandleFunc("POST /v1/demo/sign", func(rw http.ResponseWriter, r *http.Request) {
		var in struct{ Address, Message string }
		if !decode(rw, r, &in) {
			return
		}
		sig, err := w.sign(in.Address, in.Message)
		reply(rw, map[string]string{"signature": sig}, err)
	})
	mux.HandleFunc("POST /v1/demo/transfer", func(rw http.ResponseWriter, r *http.Request) {
		var in struct{ From, To string }
		if !decode(rw, r, &in) {
			return
		}
		err := w.transfer(r.Context(), in.From, in.To)
		reply(rw, map[string]any{"wallets": w.list(false)}, err)
	})
}

func decode(rw http.ResponseWriter, r *http.Request, v any) bool {
	// A form on another site cannot send this type without asking first (CORS), so it cannot act for the demo's visitor.
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		problem(rw, http.StatusUnsupportedMediaType, "unsupported", "send application/json")
		return false
	}
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 16<<10)).Decode(v); err != nil {
		problem(rw, http.StatusBadRequest, "invalid", "the body is not the JSON object expected")
		return false
	}
	return true
}

func reply(rw http.ResponseWriter, v any, err error) {
	var told demoError
	switch {
	case errors.As(err, &told):
		problem(rw, http.StatusBadRequest, "invalid", told.Error())
		return
	case err != nil:
		problem(rw, http.StatusServiceUnavailable, "unavailable", "the demo chain did not do it: "+err.Error())
		return
	}
	write(rw, http.StatusOK, "application/json", v)
}

func problem(rw http.ResponseWriter, status int, code, detail string) {
	write(rw, status, "application/problem+json", map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}

func write(rw http.ResponseWriter, status int, contentType string, v any) {
	rw.Header().Set("Content-Type", contentType)
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // the client left: nothing to do
}

package httpapi

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

func (a *api) challenge(q *request) error {
	var in struct {
		Account string `json:"account"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	account, err := parseAccount(in.Account)
	if err != nil {
		return err
	}
	origin, err := a.origin(q.r)
	if err != nil {
		return err
	}
	c, err := a.Auth.Challenge(q.r.Context(), q.tenant, origin, account)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, c)
}

func (a *api) verify(q *request) error {
	var in struct {
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	origin, err := a.origin(q.r)
	if err != nil {
		return err
	}
	tokens, err := a.Auth.Verify(q.r.Context(), q.tenant, origin, in.Message, in.Signature)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, tokens)
}

func (a *api) link(q *request) error {
	var in struct {
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	origin, err := a.origin(q.r)
	if err != nil {
		return err
	}
	account, err := a.Auth.Link(q.r.Context(), q.who, origin, in.Message, in.Signature)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, map[string]caip.AccountID{"account": account})
}

func (a *api) refresh(q *request) error {
	var in struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	tokens, err := a.Auth.Refresh(q.r.Context(), q.tenant, in.RefreshToken)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, tokens)
}

func (a *api) logout(q *request) error {
	if err := a.Auth.Logout(q.r.Context(), q.who.SessionID); err != nil {
		return err
	}
	return q.noContent()
}

func (a *api) whoAmI(q *request) error { return q.json(http.StatusOK, q.who) }

func (a *api) createKey(q *request) error {
	var in struct {
		Name string `json:"name"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	id, secret, err := a.Auth.CreateAPIKey(q.r.Context(), q.tenant, q.who.UserID, in.Name)
	if err != nil {
		return err
	}
	return q.json(http.StatusCreated, map[string]string{"id": id, "name": in.Name, "secret": secret})
}

func (a *api) listKeys(q *request) error {
	keys, err := a.Auth.ListAPIKeys(q.r.Context(), q.tenant, q.who.UserID)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, map[string]any{"keys": keys})
}

func (a *api) revokeKey(q *request) error {
	if err := a.Auth.RevokeAPIKey(q.r.Context(), q.tenant, q.who.UserID, q.r.PathValue("id")); err != nil {
		return err
	}
	return q.noContent()
}

func parseAccount(s string) (caip.AccountID, error) {
	account, err := caip.ParseAccountID(s)
	if err != nil {
		return account, &fault.Error{Kind: fault.Invalid, Op: "httpapi.account", Msg: "The account is not a CAIP-10 identifier.", Err: err,
			Fields: []fault.Field{{Pointer: "/account", Detail: "write it as eip155:1:0xabc… (chain, then address; mixed case must have a right EIP-55 checksum) or solana:mainnet:<public key in base58>"}}}
	}
	return account, nil
}

// origin is what the wallet shows and signs: PublicURL, or on loopback whatever
// address the browser used. Taking an arbitrary Host would let another site's
// name into a message that this server accepts.
func (a *api) origin(r *http.Request) (string, error) {
	if a.PublicURL != "" {
		return a.PublicURL, nil
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && a.trusted(peer.Addr().Unmap()) {
		if v := r.Header.Get("X-Forwarded-Proto"); v == "http" || v == "https" {
			scheme = v
		}
		if v := r.Header.Get("X-Forwarded-Host"); v != "" {
			host = v
		}
	}
	if !loopback(host) {
		return "", fault.New(fault.Unavailable, "httpapi.origin", "Sign-in is not set up for this address: the operator must configure the public URL of this server.")
	}
	return scheme + "://" + host, nil
}

// loopback reports whether host, with or without a port, is this machine.
func loopback(host string) bool {
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return ap.Addr().IsLoopback()
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.IsLoopback()
	}
	name, port, _ := strings.Cut(host, ":")
	return name == "localhost" && strings.Trim(port, "0123456789") == ""
}

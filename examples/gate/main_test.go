package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// site is the example, running against a chain of its own.
type site struct {
	t   *testing.T
	url string
}

func (s site) do(method, path, token string, body any) (int, http.Header, map[string]any) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out map[string]any
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &out); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	} else {
		out = map[string]any{"text": string(text)}
	}
	return res.StatusCode, res.Header, out
}

func (s site) signIn(a devchain.Account) string {
	s.t.Helper()
	status, _, ch := s.do("POST", "/challenge", "", map[string]string{"account": "eip155:1337:" + a.Address})
	if status != 200 {
		s.t.Fatalf("challenge: %d %v", status, ch)
	}
	key, err := crypto.ToECDSA(hexutil.MustDecode(a.PrivateKey))
	if err != nil {
		s.t.Fatal(err)
	}
	message := ch["message"].(string)
	sig, err := crypto.Sign(accounts.TextHash([]byte(message)), key)
	if err != nil {
		s.t.Fatal(err)
	}
	sig[64] += 27
	status, _, tokens := s.do("POST", "/verify", "", map[string]string{"message": message, "signature": hexutil.Encode(sig)})
	if status != 200 {
		s.t.Fatalf("verify: %d %v", status, tokens)
	}
	return tokens["access_token"].(string)
}

// becomes waits until /members/ answers a token with status: the chain's news travel.
func (s site) becomes(status int, token string) map[string]any {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got, _, body := s.do("GET", "/members/", token, nil)
		if got == status {
			return body
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("still %d %v, want %d", got, body, status)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	chain, err := devchain.Start(ctx, devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	holder, newcomer := devchain.Holder(), devchain.Newcomer()
	pass, err := chain.DeployPass(ctx, "Pass", "PASS")
	if err != nil {
		t.Fatal(err)
	}
	token, err := chain.Mint(ctx, pass, holder.Address)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run(ctx, ln, chain.RPCURL(), "eip155:1337/erc721:"+pass) }()
	s := site{t, "http://" + ln.Addr().String()}

	status, header, body := s.do("GET", "/members/", "", nil)
	if status != 401 || header.Get("Content-Type") != "application/problem+json" || body["code"] != "unauthenticated" {
		t.Fatalf("without a session: %d %v", status, body)
	}
	if status, _, _ := s.do("GET", "/members/", "sga_forged", nil); status != 401 {
		t.Fatalf("a forged session: %d", status)
	}
	if status, _, _ := s.do("POST", "/verify", "", map[string]string{"message": "x", "signature": "0x"}); status != 401 {
		t.Fatalf("a forged message: %d", status)
	}
	held, without := s.signIn(holder), s.signIn(newcomer)
	if body := s.becomes(200, held); body["text"] != "Welcome, holder.\n" {
		t.Fatalf("the holder reads %v", body)
	}
	status, header, body = s.do("GET", "/members/", without, nil)
	if status != 403 || header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("the newcomer: %d %v", status, body)
	}
	decision, _ := body["decision"].(map[string]any)
	if decision == nil || decision["outcome"] != "no" || decision["reason"] != "not_held" || decision["explain"] == nil || decision["how_to"] == nil {
		t.Fatalf("a refusal explains itself, got %v", body)
	}

	if err := chain.Transfer(ctx, pass, holder, newcomer.Address, token); err != nil {
		t.Fatal(err)
	}
	s.becomes(403, held)
	s.becomes(200, without)

	chain.Close()
	body = s.becomes(503, without)
	decision, _ = body["decision"].(map[string]any)
	if decision == nil || decision["outcome"] != "unknown" {
		t.Fatalf("a chain that is down is not a no: %v", body)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, asset := range map[string]string{
		"not an asset": "gold",
		"no chain":     "eip155:1337/erc721:0x5fbdb2315678afecb367f032d93f642f64180aa3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if err := run(t.Context(), ln, "http://127.0.0.1:1", asset); err == nil {
				t.Fatal("started")
			}
			if _, err := ln.Accept(); err == nil {
				t.Fatal("the listener is left open")
			}
		})
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
)

func request(t *testing.T, method, url, token string, body any) (int, []byte) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, out
}

func signIn(t *testing.T, url string, w authtest.Wallet) string {
	t.Helper()
	var ch struct{ Message string }
	_, b := request(t, "POST", url+"/v1/auth/challenge", "", map[string]string{"account": w.On("eip155:1").String()})
	if err := json.Unmarshal(b, &ch); err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	status, b := request(t, "POST", url+"/v1/auth/verify", "", map[string]string{"message": ch.Message, "signature": w.Sign(ch.Message)})
	if err := json.Unmarshal(b, &tokens); err != nil || status != 200 {
		t.Fatalf("verify: %d %s", status, b)
	}
	return tokens.AccessToken
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	creator, stranger := authtest.NewWallet(1), authtest.NewWallet(2)
	done := make(chan error, 1)
	go func() { done <- run(ctx, ln, []string{" " + creator.Address}) }()
	url := "http://" + ln.Addr().String()

	if status, b := request(t, "GET", url+"/about", "", nil); status != 200 || string(b) != "A shop with a cinema.\n" {
		t.Fatalf("the host's own page: %d %s", status, b)
	}
	if status, b := request(t, "GET", url+"/", "", nil); status != 200 || !bytes.Contains(b, []byte("<html")) {
		t.Fatalf("the web app: %d %.80s", status, b)
	}
	for who, c := range map[string]struct {
		w    authtest.Wallet
		want int
	}{"creator": {creator, 201}, "stranger": {stranger, 403}} {
		if status, b := request(t, "POST", url+"/v1/assets", signIn(t, url, c.w), map[string]string{"title": "Film"}); status != c.want {
			t.Errorf("the %s: %d %s, want %d", who, status, b, c.want)
		}
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("run does not end")
	}
}

func TestRunFailsWhereItCannotServe(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := run(t.Context(), ln, nil); err == nil {
		t.Fatal("run serves on a closed listener")
	}
}

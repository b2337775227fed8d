package torture

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
)

// client is one person at the gateway: a wallet, or a stranger without one.
type client struct {
	base, account string
	ip            string // each person has an address of its own, so that rate limits meet each alone
	key           *ecdsa.PrivateKey
	http          *http.Client

	mu    sync.Mutex
	token string
}

// newClient makes a person whose wallet is key, on chain; key nil is nobody.
func newClient(base, chain, ip string, key *ecdsa.PrivateKey) *client {
	c := &client{base: base, ip: ip, key: key, http: &http.Client{
		Timeout:   25 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true, ResponseHeaderTimeout: 22 * time.Second},
	}}
	if key != nil {
		c.account = chain + ":" + strings.ToLower(crypto.PubkeyToAddress(key.PublicKey).Hex())
	}
	return c
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is what came back, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// offset is the Upload-Offset told, or -1.
func (a answer) offset() int64 {
	n, err := strconv.ParseInt(a.header.Get("Upload-Offset"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// code is the kind of the problem that a refusal tells.
func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p) // an answer without a code has none
	return p.Code
}

func (a answer) String() string { return fmt.Sprintf("%d %.200s", a.status, a.body) }

// send makes one request, with the session's token, and renews a session that is over once.
func (c *client) send(ctx context.Context, method, path string, body []byte, header map[string]string) (answer, error) {
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token == "" && c.key != nil {
		if err := c.signIn(ctx); err != nil {
			return answer{}, err
		}
		return c.send(ctx, method, path, body, header)
	}
	a, err := c.once(ctx, method, path, token, body, header)
	if err == nil && a.status == http.StatusUnauthorized && c.key != nil {
		if err := c.signIn(ctx); err != nil {
			return answer{}, err
		}
		c.mu.Lock()
		token = c.token
		c.mu.Unlock()
		a, err = c.once(ctx, method, path, token, body, header)
	}
	return a, err
}

func (c *client) once(ctx context.Context, method, path, token string, body []byte, header map[string]string) (answer, error) {
	url := path
	if strings.HasPrefix(path, "/") {
		url = c.base + path
	}
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Forwarded-For", c.ip)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return answer{res.StatusCode, res.Header, b}, err
}

// call sends in as JSON and reads the answer into out when it succeeds.
func (c *client) call(ctx context.Context, method, path string, in, out any) (answer, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return answer{}, err
		}
	}
	a, err := c.send(ctx, method, path, body, nil)
	if err == nil && a.ok() && out != nil {
		err = json.Unmarshal(a.body, out)
	}
	return a, err
}

// signIn proves the wallet, as a page does.
func (c *client) signIn(ctx context.Context) error {
	var challenge struct{ Message string }
	if err := c.step(ctx, "/v1/auth/challenge", map[string]string{"account": c.account}, &challenge); err != nil {
		return err
	}
	sig, err := crypto.Sign(accounts.TextHash([]byte(challenge.Message)), c.key)
	if err != nil {
		return err
	}
	sig[64] += 27
	var tokens struct {
		Access string `json:"access_token"`
	}
	in := map[string]string{"message": challenge.Message, "signature": "0x" + hex.EncodeToString(sig)}
	if err := c.step(ctx, "/v1/auth/verify", in, &tokens); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = tokens.Access
	return nil
}

func (c *client) step(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := c.once(ctx, http.MethodPost, path, "", b, nil)
	if err != nil {
		return err
	}
	if !a.ok() {
		return fmt.Errorf("POST %s: %s", path, a)
	}
	return json.Unmarshal(a.body, out)
}

// until repeats try until it says that it is done, or ctx ends. A platform that is being hurt refuses
// and breaks off: clients come back.
func until(ctx context.Context, every time.Duration, try func(ctx context.Context) (done bool)) error {
	for {
		if try(ctx) {
			return nil
		}
		if err := sleep(ctx, every); err != nil {
			return err
		}
	}
}

// sleep waits, or returns why not.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

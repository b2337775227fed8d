package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/internal/httpload"
)

// maxViewers keeps the sign-ins, of two requests each, below the default limit of one client address.
const maxViewers = 28

// platform is the process under test and those who hold its pass.
type platform struct {
	*child
	node    *child
	chain   chainGreeting
	said    platformGreeting
	wallets []*ecdsa.PrivateKey
}

func startPlatform(ctx context.Context, work string, c config) (*platform, error) {
	p := &platform{}
	var holders []string
	for i := range c.viewers {
		seed := sha256.Sum256(fmt.Appendf(nil, "sgbench viewer %d", i))
		k, err := crypto.ToECDSA(seed[:])
		if err != nil {
			return nil, err
		}
		p.wallets = append(p.wallets, k)
		holders = append(holders, address(k))
	}
	var err error
	if p.node, err = start(ctx, "chain", chainOrders{holders}, &p.chain); err != nil {
		return nil, err
	}
	orders := platformOrders{Dir: filepath.Join(work, "data"), Chain: p.chain, Sizes: c.sizes, Profile: c.profile}
	if p.child, err = start(ctx, "platform", orders, &p.said); err != nil {
		return nil, errors.Join(err, p.node.stop())
	}
	return p, nil
}

// stop ends the platform, then the node. It may be called twice.
func (p *platform) stop() error { return errors.Join(p.child.stop(), p.node.stop()) }

func address(k *ecdsa.PrivateKey) string {
	return strings.ToLower(crypto.PubkeyToAddress(k.PublicKey).Hex())
}

// measureGated offers a mix of manifests, keys and licences at a fixed rate. All keys
// are of the epoch the viewer began with, so that none is held back for its time; each
// request for one asks the decision again all the same.
func measureGated(ctx context.Context, c config, p *platform, out io.Writer) error {
	var lines strings.Builder
	for _, w := range p.wallets {
		if err := p.view(ctx, w, &lines); err != nil {
			return err
		}
	}
	targets, err := httpload.Parse(strings.NewReader(lines.String()))
	if err != nil {
		return err
	}
	r, err := httpload.Run(targets, httpload.Options{Rate: c.rate, Duration: c.gated, Conns: 64})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Gated manifests (half), keys (a third) and licences (a sixth) of %d viewers, open loop, 64 connections:\n\n", len(p.wallets))
	fmt.Fprintln(out, "| offered/s | answered/s | answers other than 200 | errors | p50 ms | p95 ms | p99 ms | max ms | goal |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	fmt.Fprintf(out, "| %.0f | %.0f | %d | %d | %.2f | %.2f | %.2f | %.2f | 10000/s, p95 < 100 |\n\n", c.rate, r.PerSecond, r.Requests-r.Status["200"], r.Errors, r.P50, r.P95, r.P99, r.Max)
	if r.Errors > 0 || r.Status["200"] != r.Requests {
		return fmt.Errorf("not every answer was 200: %+v", r)
	}
	return nil
}

var (
	hlsKey  = regexp.MustCompile(`URI="\.\./key/([0-9a-f]{32})"`)
	dashKID = regexp.MustCompile(`cenc:default_KID="([0-9a-fA-F-]{36})"`)
)

// view signs a wallet in, opens a viewing as a page does, and writes its targets.
func (p *platform) view(ctx context.Context, w *ecdsa.PrivateKey, lines *strings.Builder) error {
	var challenge struct {
		Message string `json:"message"`
	}
	if err := p.post(ctx, "/v1/auth/challenge", "", map[string]string{"account": p.chain.ID + ":" + address(w)}, &challenge); err != nil {
		return err
	}
	sig, err := crypto.Sign(accounts.TextHash([]byte(challenge.Message)), w)
	if err != nil {
		return err
	}
	sig[64] += 27
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := p.post(ctx, "/v1/auth/verify", "", map[string]string{"message": challenge.Message, "signature": "0x" + hex.EncodeToString(sig)}, &tokens); err != nil {
		return err
	}
	var v struct {
		HLS     string `json:"hls_url"`
		DASH    string `json:"dash_url"`
		License string `json:"license_url"`
	}
	if err := p.post(ctx, "/v1/assets/"+p.said.Asset+"/playback", tokens.AccessToken, nil, &v); err != nil {
		return err
	}
	base := p.said.URL + strings.TrimSuffix(v.HLS, "master.m3u8")
	playlist, err := fetch(ctx, base+trackOf(0)+".m3u8")
	if err != nil {
		return err
	}
	key := hlsKey.FindSubmatch(playlist)
	mpd, err := fetch(ctx, p.said.URL+v.DASH)
	if err != nil {
		return err
	}
	kid := dashKID.FindSubmatch(mpd)
	if key == nil || kid == nil {
		return fmt.Errorf("a manifest names no key: %s %s", playlist, mpd)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(string(kid[1]), "-", ""))
	if err != nil {
		return err
	}
	keyURL := p.said.URL + strings.TrimSuffix(v.HLS, "hls/master.m3u8") + "key/" + string(key[1])
	if _, err := fetch(ctx, keyURL); err != nil {
		return err
	}
	fmt.Fprintf(lines, "GET %smaster.m3u8\nGET %s\nGET %s%s.m3u8\nPOST %s {\"kids\":[%q],\"type\":\"temporary\"}\nGET %s\nGET %s\n",
		base, keyURL, base, trackOf(0), p.said.URL+v.License, base64.RawURLEncoding.EncodeToString(raw), p.said.URL+v.DASH, keyURL)
	return nil
}

func (p *platform) post(ctx context.Context, path, token string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.said.URL+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if b, err = do(req); err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

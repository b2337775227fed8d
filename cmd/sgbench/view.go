package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
)

// visitor does what a page does with one platform, for one wallet.
type visitor struct {
	url, chain string
	wallet     *ecdsa.PrivateKey
	// from is the address that the platform is told the visitor has, where it trusts this machine to tell; the limits
	// are of each address.
	from  string
	token string
}

// viewing is an opened viewing's addresses.
type viewing struct {
	master, playlist, key, dash string
	license, licenseBody        string
}

var (
	hlsKey  = regexp.MustCompile(`URI="\.\./key/([0-9a-f]{32})"`)
	dashKID = regexp.MustCompile(`cenc:default_KID="([0-9a-fA-F-]{36})"`)
)

func (v *visitor) account() string { return v.chain + ":" + address(v.wallet) }

// signIn opens a session.
func (v *visitor) signIn(ctx context.Context) error {
	var challenge struct {
		Message string `json:"message"`
	}
	if err := v.post(ctx, "/v1/auth/challenge", map[string]string{"account": v.account()}, &challenge); err != nil {
		return err
	}
	sig, err := crypto.Sign(accounts.TextHash([]byte(challenge.Message)), v.wallet)
	if err != nil {
		return err
	}
	sig[64] += 27
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := v.post(ctx, "/v1/auth/verify", map[string]string{"message": challenge.Message, "signature": "0x" + hex.EncodeToString(sig)}, &tokens); err != nil {
		return err
	}
	v.token = tokens.AccessToken
	return nil
}

// open opens a viewing and asks for its first key, which begins the epoch whose keys are asked for later.
func (v *visitor) open(ctx context.Context, asset string) (w viewing, err error) {
	var said struct {
		HLS     string `json:"hls_url"`
		DASH    string `json:"dash_url"`
		License string `json:"license_url"`
	}
	if err := v.post(ctx, "/v1/assets/"+asset+"/playback", nil, &said); err != nil {
		return w, err
	}
	base := v.url + strings.TrimSuffix(said.HLS, "master.m3u8")
	w = viewing{master: base + "master.m3u8", playlist: base + trackOf(0) + ".m3u8", dash: v.url + said.DASH, license: v.url + said.License}
	playlist, err := fetch(ctx, w.playlist)
	if err != nil {
		return w, err
	}
	key := hlsKey.FindSubmatch(playlist)
	mpd, err := fetch(ctx, w.dash)
	if err != nil {
		return w, err
	}
	kid := dashKID.FindSubmatch(mpd)
	if key == nil || kid == nil {
		return w, fmt.Errorf("a manifest names no key: %s %s", playlist, mpd)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(string(kid[1]), "-", ""))
	if err != nil {
		return w, err
	}
	w.licenseBody = fmt.Sprintf(`{"kids":[%q],"type":"temporary"}`, base64.RawURLEncoding.EncodeToString(raw))
	w.key = v.url + strings.TrimSuffix(said.HLS, "hls/master.m3u8") + "key/" + string(key[1])
	_, err = fetch(ctx, w.key)
	return w, err
}

func (v *visitor) post(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = v.send(ctx, http.MethodPost, path, bytes.NewReader(b), map[string]string{"Content-Type": "application/json"}, out)
	return err
}

// send makes a request and reads a JSON answer into out, unless that is nil.
func (v *visitor) send(ctx context.Context, method, path string, body io.Reader, header map[string]string, out any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, body)
	if err != nil {
		return nil, err
	}
	for k, text := range v.header() {
		req.Header.Set(k, text)
	}
	for k, text := range header {
		req.Header.Set(k, text)
	}
	b, got, err := exchange(req)
	if err != nil || out == nil {
		return got, err
	}
	return got, json.Unmarshal(b, out)
}

// header is what says who the visitor is.
func (v *visitor) header() map[string]string {
	h := map[string]string{}
	if v.token != "" {
		h["Authorization"] = "Bearer " + v.token
	}
	if v.from != "" {
		h["X-Forwarded-For"] = v.from
	}
	return h
}

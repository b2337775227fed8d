package sgtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/nft/rule"
)

// Session is a wallet that has signed in.
type Session struct {
	// Token is the access token. Client sends it with every request, to any host.
	Token  string
	Client *http.Client

	kit *Kit
}

// bearer adds the token to requests.
type bearer struct{ token string }

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// SignIn has w ask for a challenge, sign it and trade it for a session, over HTTP.
func (k *Kit) SignIn(w authtest.Wallet) *Session {
	k.t.Helper()
	s := &Session{kit: k, Client: &http.Client{Timeout: Patience}}
	var challenge struct{ Message string }
	s.must(http.StatusOK, "POST", "/v1/auth/challenge", map[string]string{"account": w.On(ChainID).String()}, &challenge)
	var tokens struct {
		Access string `json:"access_token"`
	}
	s.must(http.StatusOK, "POST", "/v1/auth/verify", map[string]string{"message": challenge.Message, "signature": w.Sign(challenge.Message)}, &tokens)
	s.Token = tokens.Access
	s.Client.Transport = bearer{s.Token}
	return s
}

// Do sends a JSON request to the platform and returns the status and the body of the
// answer. in may be nil.
func (s *Session) Do(method, path string, in any) (status int, body []byte) {
	s.kit.t.Helper()
	var r io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			s.kit.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	return s.send(method, s.kit.URL+path, r, http.Header{"Content-Type": {"application/json"}})
}

func (s *Session) send(method, url string, body io.Reader, header http.Header) (int, []byte) {
	s.kit.t.Helper()
	req, err := http.NewRequestWithContext(s.kit.t.Context(), method, url, body)
	if err != nil {
		s.kit.t.Fatal(err)
	}
	req.Header = header
	res, err := s.Client.Do(req)
	if err != nil {
		s.kit.t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.kit.t.Fatalf("%s %s: %v", method, url, err)
	}
	if at := res.Header.Get("Location"); res.StatusCode == http.StatusCreated && len(b) == 0 {
		b = []byte(at)
	}
	return res.StatusCode, b
}

// must sends a request, wants a status and reads the answer into out.
func (s *Session) must(want int, method, path string, in, out any) {
	s.kit.t.Helper()
	status, body := s.Do(method, path, in)
	if status != want {
		s.kit.t.Fatalf("%s %s: %d %s, want %d", method, path, status, body, want)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(body, out); err != nil {
		s.kit.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// Owner is the session that films are made with, of a wallet of its own.
func (k *Kit) Owner() *Session {
	k.t.Helper()
	if k.owner == nil {
		k.owner = k.SignIn(k.Wallet(1 << 20))
	}
	return k.owner
}

// Film makes an asset behind a gate, uploads the kit's clip of 8 s, and waits until every
// part of it is ready. It returns the asset's id.
func (k *Kit) Film(gate rule.Expr) string {
	k.t.Helper()
	r, err := gate.Build()
	if err != nil {
		k.t.Fatalf("the gate: %v", err)
	}
	id := k.Upload("Film", r.Canonical(), []byte("the kit's transcoder does not look at the source"))
	k.Await(id, media.Ready)
	return id
}

// Upload makes an asset with a gate (GR/1, nil for none) and uploads source by tus. It does
// not wait for the transcoder. It returns the asset's id.
func (k *Kit) Upload(title string, gate json.RawMessage, source []byte) string {
	k.t.Helper()
	in := map[string]any{"title": title}
	if gate != nil {
		in["gate"] = gate
	}
	var asset struct{ ID string }
	o := k.Owner()
	o.must(http.StatusCreated, "POST", "/v1/assets", in, &asset)
	status, at := o.send("POST", k.URL+"/v1/uploads/", nil, http.Header{
		"Tus-Resumable": {"1.0.0"}, "Upload-Length": {fmt.Sprint(len(source))},
		"Upload-Metadata": {"asset_id " + base64.StdEncoding.EncodeToString([]byte(asset.ID))},
	})
	if status != http.StatusCreated {
		k.t.Fatalf("creating the upload: %d %s", status, at)
	}
	status, body := o.send("PATCH", k.URL+"/v1/uploads/"+path.Base(string(at)), bytes.NewReader(source), http.Header{
		"Tus-Resumable": {"1.0.0"}, "Upload-Offset": {"0"}, "Content-Type": {"application/offset+octet-stream"},
	})
	if status != http.StatusNoContent {
		k.t.Fatalf("uploading: %d %s", status, body)
	}
	return asset.ID
}

// Await waits until the asset has the status, and fails the test when it fails.
func (k *Kit) Await(id string, want media.Status) {
	k.t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(2 * time.Millisecond) {
		a, err := k.Platform.Media.Get(k.t.Context(), "default", id)
		switch {
		case err != nil:
			k.t.Fatal(err)
		case a.Status == want, want == media.Playable && a.Status == media.Ready:
			return
		case a.Status == media.Failed:
			k.t.Fatalf("the asset failed: %s", a.Reason)
		case time.Now().After(deadline):
			k.t.Fatalf("the asset is %s, want %s", a.Status, want)
		}
	}
}

// Viewing is the platform's answer to one who wants to play.
type Viewing struct {
	// Status is 200 when it plays, 403 when the gate says no, 503 when nobody can tell.
	Status int
	// Code is the kind of the problem, and Reason that of the decision, such as not_held.
	Code, Reason string
	// HLS is the address of the master playlist, when it plays.
	HLS string

	s *Session
}

// Play asks to play the asset. A refusal is an answer and does not fail the test.
func (s *Session) Play(asset string) Viewing {
	s.kit.t.Helper()
	status, body := s.Do("POST", "/v1/assets/"+asset+"/playback", struct{}{})
	var answer struct {
		HLS      string `json:"hls_url"`
		Code     string `json:"code"`
		Decision struct {
			Reason string `json:"reason"`
		} `json:"decision"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		s.kit.t.Fatalf("playback: %d %s", status, body)
	}
	return Viewing{Status: status, Code: answer.Code, Reason: answer.Decision.Reason, HLS: answer.HLS, s: s}
}

// Watch does what a player does: it reads the playlists, the first key and the first segment.
// It returns nil when all were served.
func (v Viewing) Watch() error {
	v.s.kit.t.Helper()
	if v.HLS == "" {
		return fmt.Errorf("there is nothing to watch: %d %s", v.Status, v.Code)
	}
	master, err := v.fetch(v.HLS)
	if err != nil {
		return err
	}
	list := line(master, func(l string) bool { return l != "" && l[0] != '#' })
	media, err := v.fetch(resolve(v.HLS, list))
	if err != nil {
		return err
	}
	list = resolve(v.HLS, list)
	_, key, _ := strings.Cut(line(media, func(l string) bool { return strings.HasPrefix(l, "#EXT-X-KEY") }), `URI="`)
	key, _, _ = strings.Cut(key, `"`)
	for _, uri := range []string{key, line(media, func(l string) bool { return l != "" && l[0] != '#' })} {
		if uri == "" {
			return fmt.Errorf("the playlist has no key or no segment:\n%s", media)
		}
		if _, err := v.fetch(resolve(list, uri)); err != nil {
			return err
		}
	}
	return nil
}

func (v Viewing) fetch(at string) (string, error) {
	status, body := v.s.send("GET", v.s.kit.URL+at, nil, http.Header{})
	if status != http.StatusOK {
		return "", fmt.Errorf("GET %s: %d %s", at, status, body)
	}
	return string(body), nil
}

func resolve(base, uri string) string {
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	return path.Join(path.Dir(base), uri)
}

func line(text string, is func(string) bool) string {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); is(l) {
			return l
		}
	}
	return ""
}

package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/nft/nfttest"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// upload sends a small clip through the tus routes and waits until all of it plays.
func (p *platform) upload(token, id string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "clip.mp4")
	out, err := exec.CommandContext(p.t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=12:duration=5",
		"-f", "lavfi", "-i", "sine=duration=5", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", file).CombinedOutput()
	if err != nil {
		p.t.Fatalf("ffmpeg: %v %s", err, out)
	}
	clip, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	next, end := p.events(call{method: "GET", path: "/v1/assets/" + id + "/events", token: token})
	defer end()
	made := p.want(201, call{method: "POST", path: "/v1/uploads/", token: token, body: string(clip), header: map[string]string{
		"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Length": strconv.Itoa(len(clip)),
		"Upload-Metadata": "asset_id " + b64(id) + ",filename " + b64("clip.mp4") + ",filetype " + b64("video/mp4"),
	}})
	if got := made.header.Get("Upload-Offset"); got != strconv.Itoa(len(clip)) {
		p.t.Fatalf("offset %s of %d", got, len(clip))
	}
	for {
		_, data := next()
		switch {
		case data == "" || strings.Contains(data, `"failed"`):
			p.t.Fatalf("the upload ended as %s", data)
		case strings.Contains(data, `"status":"ready"`):
			return
		}
	}
}

// The whole walk of a viewer over real media: what is served, with which
// headers, and how the right ends and returns.
func TestViewing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Fatal("ffmpeg is not installed: apt-get install -y ffmpeg")
	}
	p := start(t, true, func(o *httpapi.Options) { o.AllowedOrigins = []string{"https://app.example"} })
	owner, holder := p.signIn(1), p.signIn(2)
	pass, alice, bob := p.chain.Deploy("erc721"), authtest.NewWallet(2).Address, authtest.NewWallet(3).Address
	p.chain.Mine(nfttest.Op{Kind: nfttest.Mint721, Contract: pass, TokenID: "1", To: alice})
	id := p.create(owner, "clip")
	p.want(200, call{method: "PUT", path: "/v1/assets/" + id + "/gate", token: owner, body: `{"gr":1,"when":{"hold":"` + chainID + `/erc721:` + pass + `"}}`})
	p.upload(owner, id)

	no := p.want(403, call{method: "POST", path: "/v1/assets/" + id + "/playback", token: p.signIn(3), body: "{}"}).json(t)
	if d := no["decision"].(map[string]any); d["outcome"] != "no" || d["explain"] == nil || len(d["how_to"].([]any)) == 0 {
		t.Errorf("the refusal does not explain itself: %v", d)
	}
	v := p.want(200, call{method: "POST", path: "/v1/assets/" + id + "/playback", token: holder, body: "{}"}).json(t)
	str := func(name string) string { return v[name].(string) }

	next, end := p.events(call{method: "GET", path: str("events_url")})
	defer end()
	if e, _ := next(); e != "open" {
		t.Fatalf("first comes %q", e)
	}
	master := p.want(200, call{method: "GET", path: str("hls_url")})
	if cc := master.header.Get("Cache-Control"); cc != "private, no-store" || !strings.Contains(string(master.body), "#EXTM3U") {
		t.Errorf("master: %s %s", cc, master.body)
	}
	if mpd := p.want(200, call{method: "GET", path: str("dash_url")}); !bytes.Contains(mpd.body, []byte("<MPD")) || mpd.header.Get("Content-Type") != "application/dash+xml" {
		t.Errorf("manifest: %v %.80s", mpd.header, mpd.body)
	}
	track := regexp.MustCompile(`(?m)^[^#\s]+\.m3u8`).FindString(string(master.body))
	base := str("hls_url")[:strings.LastIndex(str("hls_url"), "/")+1]
	list := string(p.want(200, call{method: "GET", path: base + track}).body)
	resolve := func(uri string) string {
		u, err := p.request(call{method: "GET", path: base + track}).URL.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		return u.Path
	}
	seg := resolve(regexp.MustCompile(`(?m)^[^#\s].*$`).FindString(list))
	key := resolve(regexp.MustCompile(`EXT-X-KEY:.*URI="([^"]+)"`).FindStringSubmatch(list)[1])
	if k := p.want(200, call{method: "GET", path: key}); len(k.body) != 16 || k.header.Get("Cache-Control") != "no-store" || k.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("key: %d bytes, %v", len(k.body), k.header)
	}
	whole := p.want(200, call{method: "GET", path: seg})
	h := whole.header
	if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("ETag") == "" || h.Get("X-Request-Id") != "" || h.Get("Content-Length") != strconv.Itoa(len(whole.body)) {
		t.Errorf("segment: %v", h)
	}
	part := p.want(http.StatusPartialContent, call{method: "GET", path: seg, header: map[string]string{"Range": "bytes=10-19"}})
	if !bytes.Equal(part.body, whole.body[10:20]) {
		t.Error("a range is not a part of the whole")
	}
	p.want(http.StatusNotModified, call{method: "GET", path: seg, header: map[string]string{"If-None-Match": h.Get("ETag")}})
	if head := p.want(200, call{method: "HEAD", path: seg}); len(head.body) > 0 || head.header.Get("Content-Length") != strconv.Itoa(len(whole.body)) {
		t.Errorf("HEAD: %v", head.header)
	}
	if r := p.want(200, call{method: "POST", path: str("renew_url"), body: "{}"}).json(t); r["hls_url"] != str("hls_url") {
		t.Error("renewal changed the addresses")
	}

	p.chain.Mine(nfttest.Op{Kind: nfttest.Transfer721, Contract: pass, TokenID: "1", From: alice, To: bob})
	if e, d := next(); e != "revoked" || !strings.Contains(d, `"outcome":"no"`) {
		t.Fatalf("after the transfer comes %q %s", e, d)
	}
	if r := p.want(403, call{method: "GET", path: key}).json(t); r["decision"] == nil {
		t.Error("a refused key does not say why")
	}
	p.chain.Mine(nfttest.Op{Kind: nfttest.Transfer721, Contract: pass, TokenID: "1", From: bob, To: alice})
	if e, _ := next(); e != "restored" {
		t.Fatalf("after the return comes %q", e)
	}
	p.want(200, call{method: "GET", path: key})
	p.want(204, call{method: "DELETE", path: str("close_url")})
	p.want(403, call{method: "GET", path: key})
}

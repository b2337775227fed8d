package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/mem"
)

const chainID = "eip155:1337"

// platform is the real services round a handler, in memory but for the database.
type platform struct {
	t     *testing.T
	chain *nfttest.Chain
	db    *sqldb.DB
	media *media.Service
	opt   httpapi.Options
	url   string
	srv   *httptest.Server
}

// start builds the platform; change may alter the handler's options. With run
// the services' workers are started, too.
func start(t *testing.T, run bool, change func(*httpapi.Options)) *platform {
	t.Helper()
	return startWith(t, run, change, func(*media.Options) {})
}

func startWith(t *testing.T, run bool, change func(*httpapi.Options), library func(*media.Options)) *platform {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, err := sqldb.Open(ctx, filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := caip.ParseChainID(chainID)
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{t: t, db: db, chain: nfttest.NewChain(id)}
	bus, objects, ring := event.NewMemory(event.Options{}), mem.New(), keys.NewMemory()
	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{p.chain}})
	shelf := media.Options{
		Store: db.Media(), Objects: objects, Keys: ring, Transcoder: ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: true, Preset: "ultrafast"}),
		Queue: job.NewMemory(job.Options{}), Events: bus, WorkDir: t.TempDir(), MaxUpload: 50 << 20,
	}
	library(&shelf)
	p.media, err = media.New(shelf)
	if err != nil {
		t.Fatal(err)
	}
	play, err := playback.New(playback.Options{Assets: p.media, Store: db.Playback(), Objects: objects, Keys: ring, Decider: decider, Events: bus, Hold: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	p.opt = httpapi.Options{Auth: auth.New(db.Auth(), auth.Options{}), Media: p.media, Playback: play, Decider: decider}
	if change != nil {
		change(&p.opt)
	}
	h, err := httpapi.New(p.opt)
	if err != nil {
		t.Fatal(err)
	}
	p.srv = httptest.NewServer(h)
	p.url = p.srv.URL
	done := make(chan struct{})
	running := 0
	if run {
		for _, work := range []func(context.Context) error{decider.Run, p.media.Run, play.Run, db.Relay(bus, sqldb.RelayOptions{}).Run} {
			running++
			go func() { _ = work(ctx); done <- struct{}{} }() // ctx's own error
		}
	}
	t.Cleanup(func() {
		p.srv.CloseClientConnections()
		p.srv.Close()
		cancel()
		for range running {
			<-done
		}
		_ = bus.Close(context.Background()) // nothing is left that publishes
		db.Close()
	})
	return p
}

// call is one request; body may be nil, a string (sent as it is) or a value for JSON.
type call struct {
	method, path, token string
	body                any
	header              map[string]string
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(r.body, &m); err != nil {
		t.Fatalf("not JSON: %q: %v", r.body, err)
	}
	return m
}

func (p *platform) request(c call) *http.Request {
	p.t.Helper()
	var body io.Reader
	switch b := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			p.t.Fatal(err)
		}
		body = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), c.method, p.url+c.path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	return req
}

func (p *platform) do(c call) reply {
	p.t.Helper()
	res, err := p.srv.Client().Do(p.request(c))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, b}
}

func (p *platform) want(status int, c call) reply {
	p.t.Helper()
	r := p.do(c)
	if r.status != status {
		p.t.Fatalf("%s %s: got %d %s, want %d", c.method, c.path, r.status, r.body, status)
	}
	if status >= 400 && status != http.StatusMethodNotAllowed {
		if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
			p.t.Fatalf("%s %s: an error as %q", c.method, c.path, ct)
		}
	}
	return r
}

// signIn returns the access token of the n-th test wallet.
func (p *platform) signIn(n uint32) string {
	p.t.Helper()
	return p.session(n)["access_token"].(string)
}

func (p *platform) session(n uint32) map[string]any {
	p.t.Helper()
	w := authtest.NewWallet(n)
	ch := p.want(200, call{method: "POST", path: "/v1/auth/challenge", body: map[string]string{"account": w.On(chainID).String()}}).json(p.t)
	message := ch["message"].(string)
	return p.want(200, call{method: "POST", path: "/v1/auth/verify", body: map[string]string{"message": message, "signature": w.Sign(message)}}).json(p.t)
}

// create makes an asset and returns its id.
func (p *platform) create(token, title string) string {
	p.t.Helper()
	return p.want(201, call{method: "POST", path: "/v1/assets", token: token, body: map[string]any{"title": title}}).json(p.t)["id"].(string)
}

// finish marks an asset ready behind the service's back, for tests that need no media.
func (p *platform) finish(id string) {
	p.t.Helper()
	_, err := p.db.Media().ChangeAsset(p.t.Context(), "default", id, func(r *media.Record) error {
		r.Asset.Status = media.Ready
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
)

type demoCmd struct {
	Addr     string `default:"127.0.0.1:8080" help:"Address to serve on; port 0 takes a free one."`
	Data     string `default:"demo-data" help:"Folder for everything the demo keeps."`
	Clip     string `type:"existingfile" help:"Video to gate; without one a test picture is made."`
	Platform string `placeholder:"URL" help:"Use the platform at this address instead of one in this process. It must ask the demo's chain (eip155:1337 at --rpc-port)."`
	RPCPort  int    `help:"Port of the demo's chain; 0 takes a free one."`
	Solana   bool   `help:"Also run a small Solana (LiteSVM, not a validator; needs Node.js with npm), whose pass opens the video too."`
	SolPort  int    `name:"solana-port" help:"Port of the demo's Solana; 0 takes a free one."`
	Open     bool   `help:"Serve on an address that is not loopback, although the demo wallets' keys are public."`
}

// demoInfo is what DIR/demo.json holds.
type demoInfo struct {
	URL          string       `json:"url"`
	RPCURL       string       `json:"rpc_url"`
	WSURL        string       `json:"ws_url"`
	Chain        string       `json:"chain"`
	PassContract string       `json:"pass_contract"`
	AssetID      string       `json:"asset_id"`
	Clip         string       `json:"clip"`
	Solana       *solanaInfo  `json:"solana,omitempty"`
	Wallets      []demoWallet `json:"wallets"`
}

type demoWallet struct {
	Name       string `json:"name"`
	Address    string `json:"address"`
	Chain      string `json:"chain,omitempty"` // where it is not the demo's EVM chain
	PrivateKey string `json:"private_key,omitempty"`
	Holds      bool   `json:"holds"`
}

// Run starts the chain, the platform and the demo's own routes, then does through
// the public API what a creator does: sign in, create, upload, gate.
func (d demoCmd) Run(ctx context.Context, e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	log := logger(cfg, e.stderr)
	ln, err := net.Listen("tcp", d.Addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	if ip := ln.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() && !d.Open {
		return fmt.Errorf("%s is not loopback and the demo wallets' keys are public: add --open if that is what you want", d.Addr)
	}
	chain, err := devchain.Start(ctx, devchain.Options{Port: d.RPCPort})
	if err != nil {
		return err
	}
	defer chain.Close()
	wallets, err := newDemoWallets(ctx, chain)
	if err != nil {
		return err
	}
	if d.Solana {
		fmt.Fprintln(e.stdout, "starting the Solana test node (LiteSVM, not a validator; its packages are installed at the first use)")
		if wallets.solana, err = newDemoSolana(ctx, d.SolPort); err != nil {
			return err
		}
		defer wallets.solana.close()
	}
	p, err := d.open(ctx, cfg, chain, wallets.solana, log)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	wallets.mount(mux)
	mux.Handle("/", p.handler)
	address := "http://" + ln.Addr().String()
	info := demoInfo{
		URL: address, RPCURL: chain.RPCURL(), WSURL: chain.WSURL(), Chain: chain.ChainID().String(), PassContract: wallets.pass,
		Solana: wallets.solana.info(),
	}
	platform := func(inner context.Context) error {
		inner, cancel := context.WithCancel(inner)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- p.run(inner) }()
		// ctx, not inner: to stop the demo stops its preparation first
		if err := d.prepare(ctx, e, wallets, &info); err != nil && ctx.Err() == nil {
			cancel()
			return errors.Join(fmt.Errorf("demo: %w", err), <-done)
		}
		return <-done
	}
	return errors.Join(serve(ctx, ln, mux, platform, p.drain, log), p.close())
}

// demoPlatform is what the demo is shown on.
type demoPlatform struct {
	handler http.Handler
	run     func(context.Context) error
	drain   func()
	close   func() error
}

// open makes a platform in this process, or finds the one that was named.
func (d demoCmd) open(ctx context.Context, cfg *Config, chain *devchain.Chain, sol *demoSolana, log *slog.Logger) (*demoPlatform, error) {
	if d.Platform != "" {
		to, err := url.Parse(d.Platform)
		if err != nil || to.Host == "" {
			return nil, fmt.Errorf("--platform %s: write http://host:port", d.Platform)
		}
		forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		}}
		wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
		return &demoPlatform{forward, wait, func() {}, func() error { return nil }}, nil
	}
	metrics, flush, err := telemetry(ctx, cfg.OTLPEndpoint, log)
	if err != nil {
		return nil, err
	}
	var closers []func()
	closeAll := func() {
		for _, done := range slices.Backward(closers) {
			done()
		}
	}
	closers = append(closers, flush)
	opts, err := d.onChain(ctx, cfg, chain, log, func(f func()) { closers = append(closers, f) })
	if err != nil {
		closeAll()
		return nil, err
	}
	solOpts, closeSol, err := sol.options(log)
	if err != nil {
		closeAll()
		return nil, err
	}
	closers = append(closers, closeSol)
	p, err := streamgate.New(ctx, slices.Concat(platformOptions(cfg, log), []streamgate.Option{streamgate.WithMetrics(metrics)}, opts, solOpts)...)
	if err != nil {
		closeAll()
		return nil, err
	}
	return &demoPlatform{p.Handler(), p.Run, p.Drain, func() error {
		err := p.Close()
		closeAll()
		return err
	}}, nil
}

// onChain has the platform ask the demo's chain, and issue passes on it with a key that everyone knows.
func (d demoCmd) onChain(ctx context.Context, cfg *Config, chain *devchain.Chain, log *slog.Logger, onClose func(func())) ([]streamgate.Option, error) {
	cfg.Data, cfg.Spenders = d.Data, "creators"
	provider := evm.Options{RPCURL: chain.RPCURL(), WSURL: chain.WSURL(), Chain: chain.ChainID(), Logger: log}
	verifier, err := evm.Dial(ctx, provider)
	if err != nil {
		return nil, err
	}
	onClose(verifier.Close)
	wallets, err := evm.NewWallets(verifier)
	if err != nil {
		return nil, err
	}
	signer, err := evm.NewKeySigner(devchain.Minter().PrivateKey)
	if err != nil {
		return nil, err
	}
	issuer, err := evm.NewIssuer(evm.IssuerOptions{Options: provider, Signer: signer, Confirmations: 2, Patience: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	onClose(issuer.Close)
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return nil, err
	}
	db, err := sqldb.Open(ctx, filepath.Join(d.Data, streamgate.DatabaseFile))
	if err != nil {
		return nil, err
	}
	onClose(func() { _ = db.Close() }) // everything that was acknowledged is on disk
	// The chain is new at each start: passes of the last one are gone.
	if err := db.Passes().Forget(ctx, chain.ChainID().String()); err != nil {
		return nil, err
	}
	return []streamgate.Option{
		streamgate.WithDatabase(db), streamgate.WithVerifier(verifier), streamgate.WithContractWallets(wallets), streamgate.WithIssuers(issuer),
	}, nil
}

// prepare is the creator's part, over HTTP, and demo.json at its end. A video that
// an earlier run on the same folder made of the same clip is taken again.
func (d demoCmd) prepare(ctx context.Context, e *env, w *demoWallets, info *demoInfo) error {
	began := time.Now()
	clip := d.Clip
	if clip == "" {
		clip = filepath.Join(d.Data, "testpicture.mp4")
		if err := makeTestPicture(ctx, clip); err != nil {
			return err
		}
	}
	st, err := os.Stat(clip)
	if err != nil {
		return err
	}
	info.Clip = fmt.Sprintf("%s, %d bytes", filepath.Base(clip), st.Size())
	c := &creator{base: info.URL, http: &http.Client{Timeout: 2 * time.Minute}}
	if err := c.waitReady(ctx); err != nil {
		return err
	}
	if err := c.signIn(ctx, w.chain.ChainID().String(), devchain.Creator(), w.sign); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "chain %s at %s, pass contract %s\n", info.Chain, info.RPCURL, info.PassContract)
	if info.AssetID = d.earlier(ctx, c, info); info.AssetID != "" {
		fmt.Fprintln(e.stdout, "the video of the last run is still there")
	} else if info.AssetID, err = d.publish(ctx, e, c, clip, info); err != nil {
		return err
	}
	// Also the video of the last run: that may have been with Solana, or without.
	if err := c.call(ctx, "PUT", "/v1/assets/"+info.AssetID+"/gate", json.RawMessage(info.gate()), nil); err != nil {
		return err
	}
	w.setAsset(info.AssetID)
	info.Wallets = w.list(true)
	if err := writeJSON(filepath.Join(d.Data, "demo.json"), info); err != nil {
		return err
	}
	if sol := info.Solana; sol != nil {
		fmt.Fprintf(e.stdout, "\nSolana: %s at %s, a Token-2022 pass %s that opens the video too.\nSign in as Sol holder or Sol newcomer, or add a wallet of your own to that RPC address.\n", sol.Chain, sol.RPCURL, sol.Pass)
	}
	fmt.Fprintf(e.stdout, "\nOpen %s (set up in %.1f s). Sign in as Holder to watch, as Newcomer to meet the gate.\n", info.URL, time.Since(began).Seconds())
	return nil
}

// earlier is the asset that demo.json names, if it is of this clip and ready.
// The chain is new at each start, but its pass has the same address every time.
// The file is taken away: who waits for it waits for this run's.
func (d demoCmd) earlier(ctx context.Context, c *creator, info *demoInfo) string {
	var old demoInfo
	file := filepath.Join(d.Data, "demo.json")
	b, err := os.ReadFile(file)
	_ = os.Remove(file) // what is left is written over
	if err != nil || json.Unmarshal(b, &old) != nil || old.Clip != info.Clip || old.PassContract != info.PassContract {
		return ""
	}
	var a demoAsset
	if err := c.call(ctx, "GET", "/v1/assets/"+old.AssetID, nil, &a); err != nil || a.Status != "ready" {
		return ""
	}
	return a.ID
}

// gate is the rule of the video: the pass of either chain opens it.
func (i *demoInfo) gate() string {
	hold := fmt.Sprintf(`{"hold":"%s/erc721:%s"}`, i.Chain, i.PassContract)
	if i.Solana != nil {
		hold = fmt.Sprintf(`{"any":[%s,{"sol":"%s/token:%s"}]}`, hold, i.Solana.Chain, i.Solana.Pass)
	}
	return fmt.Sprintf(`{"gr":1,"when":%s,"note":"Holders of the demo pass may watch."}`, hold)
}

type demoAsset struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// publish creates the gated asset, uploads the clip and waits until all of it is ready.
func (d demoCmd) publish(ctx context.Context, e *env, c *creator, clip string, info *demoInfo) (string, error) {
	title := "Sintel (trailer)"
	if d.Clip == "" {
		title = "Test picture"
	} else if !strings.Contains(strings.ToLower(filepath.Base(clip)), "sintel") {
		title = strings.TrimSuffix(filepath.Base(clip), filepath.Ext(clip))
	}
	var asset demoAsset
	if err := c.call(ctx, "POST", "/v1/assets", map[string]any{"title": title, "description": "Gated by the demo pass.", "tags": []string{"demo"}, "gate": json.RawMessage(info.gate())}, &asset); err != nil {
		return "", err
	}
	fmt.Fprintf(e.stdout, "uploading %s\n", clip)
	if err := c.upload(ctx, asset.ID, clip); err != nil {
		return "", err
	}
	uploaded := time.Now()
	playable := false
	for asset.Status != "ready" {
		if err := c.call(ctx, "GET", "/v1/assets/"+asset.ID, nil, &asset); err != nil {
			return "", err
		}
		if asset.Status == "failed" {
			return "", errors.New("the video was refused: " + asset.Reason)
		}
		if asset.Status == "playable" && !playable {
			playable = true
			fmt.Fprintf(e.stdout, "playable %.1f s after the upload's end\n", time.Since(uploaded).Seconds())
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	fmt.Fprintf(e.stdout, "ready %.1f s after the upload's end\n", time.Since(uploaded).Seconds())
	return asset.ID, nil
}

// creator is a minimal client of the public API.
type creator struct {
	base, token string
	http        *http.Client
}

func (c *creator) do(ctx context.Context, method, path string, body io.Reader, header map[string]string) (*http.Response, error) {
	url := path
	if strings.HasPrefix(path, "/") {
		url = c.base + path
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return nil, fmt.Errorf("%s %s: %s: %s", method, req.URL.Path, res.Status, text)
	}
	return res, nil
}

func (c *creator) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	header := map[string]string{}
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body, header["Content-Type"] = bytes.NewReader(b), "application/json"
	}
	res, err := c.do(ctx, method, path, body, header)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(out)
}

func (c *creator) waitReady(ctx context.Context) error {
	for {
		res, err := c.do(ctx, "GET", "/readyz", nil, nil)
		if err == nil {
			return res.Body.Close()
		}
		select {
		case <-ctx.Done():
			return cmp.Or(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *creator) signIn(ctx context.Context, chain string, a devchain.Account, sign func(address, message string) (string, error)) error {
	var ch struct {
		Message string `json:"message"`
	}
	if err := c.call(ctx, "POST", "/v1/auth/challenge", map[string]string{"account": chain + ":" + a.Address}, &ch); err != nil {
		return err
	}
	sig, err := sign(a.Address, ch.Message)
	if err != nil {
		return err
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := c.call(ctx, "POST", "/v1/auth/verify", map[string]string{"message": ch.Message, "signature": sig}, &tokens); err != nil {
		return err
	}
	c.token = tokens.AccessToken
	return nil
}

// upload sends file by tus 1.0: one creation, one PATCH.
func (c *creator) upload(ctx context.Context, asset, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	enc := base64.StdEncoding.EncodeToString
	res, err := c.do(ctx, "POST", "/v1/uploads", nil, map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Length": strconv.FormatInt(st.Size(), 10),
		"Upload-Metadata": "asset_id " + enc([]byte(asset)) + ",filename " + enc([]byte(filepath.Base(file))),
	})
	if err != nil {
		return err
	}
	res.Body.Close()
	to := res.Header.Get("Location")
	res, err = c.do(ctx, "PATCH", to, f, map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream",
	})
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// makeTestPicture has ffmpeg make a minute of moving picture and sound.
func makeTestPicture(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	part := file + ".part.mp4"
	out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=24:duration=60",
		"-f", "lavfi", "-i", "sine=frequency=330:duration=60", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", part).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return os.Rename(part, file)
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".part", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

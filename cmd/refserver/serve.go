package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/media"
)

type serveCmd struct {
	Target string `placeholder:"ROLE,..." help:"Roles to run in this process, or all. Short for --set target=..."`
}

// Run serves until ctx ends.
func (s serveCmd) Run(ctx context.Context, e *env) error {
	if s.Target != "" {
		e.cli.Set = append(e.cli.Set, "target="+s.Target)
	}
	cfg, err := e.config()
	if err != nil {
		return err
	}
	log := logger(cfg, e.stderr)
	metrics, flush, err := telemetry(ctx, cfg.OTLPEndpoint, log)
	if err != nil {
		return err
	}
	defer flush()
	if cfg.publicURLMissing() {
		log.Warn("public_url_missing", "listen", cfg.Listen, "consequence", "sign-in is refused at any name but this machine's")
	}
	if !cfg.whole() {
		return serveRoles(ctx, cfg, metrics, log, e.stdout)
	}
	return serveWhole(ctx, cfg, metrics, log, e.stdout)
}

// serveWhole runs every role in this process.
func serveWhole(ctx context.Context, cfg *Config, metrics http.Handler, log *slog.Logger, stdout io.Writer) (err error) {
	w := newWiring(cfg, log)
	defer func() { err = errors.Join(err, w.close()) }()
	shared, err := w.backends(ctx)
	if err != nil {
		return err
	}
	chainOpts, closeChains, err := openChains(ctx, cfg.Chains, log)
	if err != nil {
		return err
	}
	defer closeChains()
	lag := media.NewLag(busyLag)
	opts := append(platformOptions(cfg, log), streamgate.WithMetrics(metrics), streamgate.WithBusy(lag.Busy))
	opts = append(opts, chainOpts...)
	issuers, closeIssuers, err := openIssuers(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer closeIssuers()
	opts = append(opts, issuers...)
	var p *streamgate.Platform
	opts = append(opts, streamgate.WithSystem(func(ctx context.Context) map[string]any {
		load, err := p.Media.Load(ctx)
		if err != nil {
			return nil
		}
		return map[string]any{"load": load}
	}))
	if p, err = streamgate.New(ctx, append(opts, shared...)...); err != nil {
		return err
	}
	recover := p.Recover
	w.recover.Store(&recover)
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	fmt.Fprintf(stdout, "StreamGate serves http://%s\n", ln.Addr())
	run := func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var measuring sync.WaitGroup
		defer measuring.Wait()
		defer cancel()
		measuring.Go(func() { _ = lag.Run(ctx) }) // it ends with ctx, never by itself
		return p.Run(ctx)
	}
	return errors.Join(serve(ctx, ln, p.Handler(), run, p.Drain, log), p.Close())
}

// busyLag is how late a goroutine may get a processor, on average, before new transcoding waits for playback.
const busyLag = 50 * time.Millisecond

// platformOptions translates the configuration to the library's options.
func platformOptions(cfg *Config, log *slog.Logger) []streamgate.Option {
	opts := []streamgate.Option{
		streamgate.WithDataDir(cfg.Data), streamgate.WithLogger(log), streamgate.WithPublicURL(cfg.PublicURL),
		streamgate.WithWorkers(cfg.Workers), streamgate.WithUploadLimits(cfg.MaxUpload, cfg.Quota),
		streamgate.WithKeyLead(cfg.KeyLead, cfg.GrantTTL), streamgate.WithSegmentCache(cfg.SegmentCache),
		streamgate.WithTrustedProxies(cfg.TrustedProxies...), streamgate.WithMaxWorkers(cfg.MaxWorkers),
	}
	if cfg.Unsandboxed {
		opts = append(opts, streamgate.WithUnsandboxedFFmpeg())
	}
	listed := func(p auth.Principal) bool {
		// an EVM address is the same person on every EVM chain
		return slices.ContainsFunc(p.Accounts, func(a caip.AccountID) bool {
			return slices.ContainsFunc(cfg.CreatorList, func(c caip.AccountID) bool {
				return c.Address == a.Address && c.Chain.Namespace == a.Chain.Namespace
			})
		})
	}
	switch cfg.Spenders {
	case "list":
		opts = append(opts, streamgate.WithSpenders(listed))
	case "creators": // the platform asks for the right to create before it asks this
		opts = append(opts, streamgate.WithSpenders(func(auth.Principal) bool { return true }))
	}
	switch cfg.Creators {
	case "list":
		opts = append(opts, streamgate.WithCreators(listed))
	case "api_key":
		opts = append(opts, streamgate.WithCreators(func(p auth.Principal) bool { return p.APIKey != "" }))
	}
	return opts
}

// serve runs the platform and its HTTP server until ctx ends or one of them
// does. Then it drains: streams of events end, requests under way get ten seconds,
// and only after them the platform stops.
func serve(ctx context.Context, ln net.Listener, h http.Handler, platform func(context.Context) error, drain func(), log *slog.Logger) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	srv.RegisterOnShutdown(drain)
	web, ended := make(chan error, 1), make(chan error, 1)
	go func() { web <- srv.Serve(ln) }()
	go func() { ended <- platform(inner) }()
	var webErr, platformErr error
	stopped := false
	select {
	case <-ctx.Done():
	case webErr = <-web:
	case platformErr = <-ended:
		stopped = true
	}
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	if err := srv.Shutdown(grace); err != nil {
		// A client that reads slowly or uploads a film; it can resume.
		log.Warn("requests_cut_off", "error", err)
		_ = srv.Close() // what it could not close the end of the process does
	}
	cancel()
	if !stopped {
		platformErr = <-ended
	}
	return errors.Join(webErr, platformErr)
}

func logger(cfg *Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked by the setting
	opt := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

type configCmd struct {
	Explain explainCmd `cmd:"" help:"List every setting with its value and where it came from."`
	Check   checkCmd   `cmd:"" help:"Refuse what serve would refuse before it opens anything."`
}

type checkCmd struct{}

// Run loads the configuration and says what it would run. It opens no back-end.
func (checkCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "ok   configuration of %s\n", strings.Join(cfg.Targets, ","))
	return err
}

type explainCmd struct{}

// Run prints the effective configuration.
func (explainCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	return cfg.Explain(e.stdout)
}

type versionCmd struct{}

// Run prints the module version and the commit it was built from.
func (versionCmd) Run(e *env) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this binary carries no build information")
	}
	rev := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			rev = " " + s.Value
		}
	}
	_, err := fmt.Fprintf(e.stdout, "refserver %s%s %s\n", info.Main.Version, rev, info.GoVersion)
	return err
}

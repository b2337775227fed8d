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
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/nft"
)

type serveCmd struct{}

// Run serves until ctx ends.
func (serveCmd) Run(ctx context.Context, e *env) error {
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
	verifiers, closeChains, err := openChains(ctx, cfg.Chains, log)
	if err != nil {
		return err
	}
	defer closeChains()
	opts := append(platformOptions(cfg, log), streamgate.WithMetrics(metrics), streamgate.WithVerifier(verifiers...))
	p, err := streamgate.New(ctx, opts...)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	fmt.Fprintf(e.stdout, "StreamGate serves http://%s\n", ln.Addr())
	return errors.Join(serve(ctx, ln, p.Handler(), p.Run, p.Drain, log), p.Close())
}

// platformOptions translates the configuration to the library's options.
func platformOptions(cfg *Config, log *slog.Logger) []streamgate.Option {
	opts := []streamgate.Option{
		streamgate.WithDataDir(cfg.Data), streamgate.WithLogger(log), streamgate.WithPublicURL(cfg.PublicURL),
		streamgate.WithWorkers(cfg.Workers), streamgate.WithUploadLimits(cfg.MaxUpload, cfg.Quota),
		streamgate.WithKeyLead(cfg.KeyLead, cfg.GrantTTL), streamgate.WithSegmentCache(cfg.SegmentCache),
		streamgate.WithTrustedProxies(cfg.TrustedProxies...),
	}
	if cfg.Unsandboxed {
		opts = append(opts, streamgate.WithUnsandboxedFFmpeg())
	}
	switch cfg.Creators {
	case "list":
		opts = append(opts, streamgate.WithCreators(func(p auth.Principal) bool {
			// an EVM address is the same person on every EVM chain
			return slices.ContainsFunc(p.Accounts, func(a caip.AccountID) bool {
				return slices.ContainsFunc(cfg.CreatorList, func(c caip.AccountID) bool {
					return c.Address == a.Address && c.Chain.Namespace == a.Chain.Namespace
				})
			})
		}))
	case "api_key":
		opts = append(opts, streamgate.WithCreators(func(p auth.Principal) bool { return p.APIKey != "" }))
	}
	return opts
}

// openChains opens every configured chain. One that does not answer now is no
// reason not to serve: rules over it answer unknown until it does.
func openChains(ctx context.Context, chains []ChainConfig, log *slog.Logger) (vs []nft.Verifier, closeAll func(), err error) {
	var open []*evm.Verifier
	closeAll = func() {
		for _, v := range open {
			v.Close()
		}
	}
	for _, c := range chains {
		v, err := evm.New(evm.Options{RPCURL: c.RPCURL, WSURL: c.WSURL, Chain: c.ID, Logger: log})
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("chains.%s: %w", c.ID, err)
		}
		if _, err := v.Head(ctx); err != nil {
			log.Warn("chain_unavailable", "chain", c.ID.String(), "error", err)
		}
		open, vs = append(open, v), append(vs, v)
	}
	return vs, closeAll, nil
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

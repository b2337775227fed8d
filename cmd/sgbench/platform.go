package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"

	"go.opentelemetry.io/otel"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/file"
)

type platformOrders struct {
	Dir     string        `json:"dir"`
	Chain   chainGreeting `json:"chain"`
	Sizes   []int         `json:"sizes"`
	Profile string        `json:"profile"`
}

type platformGreeting struct {
	URL   string `json:"url"`
	Asset string `json:"asset"`
}

// servePlatform is the platform as refserver assembles it, metrics included, with one
// gated asset. The asset's bytes are noise of the right sizes: neither
// storage nor HLS encryption looks at them.
func servePlatform(ctx context.Context, o platformOrders, out io.Writer) (err error) {
	var closers []func() error
	defer func() {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
	}()
	id, err := caip.ParseChainID(o.Chain.ID)
	if err != nil {
		return err
	}
	verifier, err := evm.Dial(ctx, evm.Options{RPCURL: o.Chain.RPCURL, WSURL: o.Chain.WSURL, Chain: id})
	if err != nil {
		return err
	}
	closers = append(closers, func() error { verifier.Close(); return nil })
	ring, err := keys.OpenKeyring(filepath.Join(o.Dir, "keys"), keys.Options{})
	if err != nil {
		return err
	}
	closers = append(closers, ring.Close)
	objects, err := file.Open(filepath.Join(o.Dir, "objects"), file.Options{})
	if err != nil {
		return err
	}
	closers = append(closers, objects.Close)
	registry := prometheus.NewRegistry()
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return err
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	otel.SetMeterProvider(meters)
	closers = append(closers, func() error { return meters.Shutdown(context.WithoutCancel(ctx)) })
	p, err := streamgate.New(ctx, streamgate.WithDataDir(o.Dir), streamgate.WithKeys(ring), streamgate.WithStorage(objects),
		streamgate.WithVerifier(verifier), streamgate.WithMetrics(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})), streamgate.WithUnsandboxedFFmpeg())
	if err != nil {
		return err
	}
	closers = append(closers, p.Close)
	gate := fmt.Sprintf(`{"gr":1,"when":{"hold":"%s/erc721:%s"}}`, id, o.Chain.Pass)
	asset, err := p.Media.Create(ctx, auth.Principal{Tenant: "default", UserID: "sgbench"}, media.CreateAsset{Title: "Bench", Gate: json.RawMessage(gate)})
	if err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, filepath.Join(o.Dir, streamgate.DatabaseFile))
	if err != nil {
		return err
	}
	if err := errors.Join(insert(ctx, home{db, ring, objects}, asset.ID, segmentCount, o.Sizes), db.Close()); err != nil {
		return err
	}
	ran := make(chan error, 1)
	inner, cancel := context.WithCancel(ctx)
	go func() { ran <- p.Run(inner) }()
	defer func() {
		cancel()
		if e := <-ran; !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}()
	select {
	case <-p.Ready():
	case e := <-ran:
		ran <- e
		return e
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return serve(ctx, p.Handler(), func(url string) error {
		return json.NewEncoder(out).Encode(platformGreeting{url, asset.ID})
	})
}

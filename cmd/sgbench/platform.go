package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
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

// segmentCount is how many segments each track has: 52 s.
const segmentCount = 13

// trackOf names the track whose segments have a size.
func trackOf(i int) string { return fmt.Sprintf("v%d", i) }

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
	if err := insert(ctx, o, asset.ID, ring, objects); err != nil {
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

// insert stores a finished version of the asset, as the pipeline would: one track
// a size, all of its segments in one object behind the envelope.
func insert(ctx context.Context, o platformOrders, asset string, ring keys.Manager, objects storage.Store) error {
	const tenant, timescale = "default", 24000
	db, err := sqldb.Open(ctx, filepath.Join(o.Dir, streamgate.DatabaseFile))
	if err != nil {
		return err
	}
	defer db.Close()
	store, err := envelope.New(objects, ring, envelope.Options{})
	if err != nil {
		return err
	}
	_, secret, err := ring.DataKey(ctx, media.Scope(tenant, asset))
	if err != nil {
		return err
	}
	v := media.VersionRecord{Asset: asset, Tenant: tenant, Number: 1, Secret: secret, Plan: media.Plan{ID: "sgbench"}}
	task := media.Task{ID: "all", Done: true}
	noise := rand.NewChaCha8([32]byte{1})
	for i, size := range o.Sizes {
		length := int64(size - 1) // and one byte of padding (RFC 8216 4.3.2.4)
		body := make([]byte, length*segmentCount)
		_, _ = noise.Read(body) // never fails
		t := cmaf.Track{
			ID: trackOf(i), Kind: cmaf.Video, Codec: "avc1.64001f", Timescale: timescale, Width: 1280, Height: 720, FrameRateNum: 24, FrameRateDen: 1,
			Init: []byte("sgbench"), Complete: true,
		}
		object := media.Scope(tenant, asset) + "/" + t.ID
		for n := range int64(segmentCount) {
			t.Segments = append(t.Segments, cmaf.Segment{
				Object: object, Offset: n * length, Length: length, Time: uint64(n) * 4 * timescale, Duration: 4 * timescale, Samples: 96,
			})
		}
		if _, err := store.Put(ctx, object, bytes.NewReader(body), storage.PutOptions{}); err != nil {
			return err
		}
		v.Plan.Rungs = append(v.Plan.Rungs, media.Rung{ID: t.ID, Width: t.Width, Height: t.Height})
		task.Rungs = append(task.Rungs, t.ID)
		task.Outputs = append(task.Outputs, media.Output{Object: object, Bytes: int64(len(body)), Samples: 96 * segmentCount, Track: t})
	}
	v.Plan.Tasks = []media.Task{task}
	records := db.Media()
	if err := records.PutVersion(ctx, v); err != nil {
		return err
	}
	_, err = records.ChangeAsset(ctx, tenant, asset, func(r *media.Record) error {
		r.Asset.Status, r.Asset.Version, r.Building = media.Ready, 1, 1
		return nil
	})
	return err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/redis"
)

// serveStreamer is a process that serves segments, whose /metrics are the counts of its segment cache as JSON.
func serveStreamer(ctx context.Context, o sharedOrders, out io.Writer) (err error) {
	in, closeAll, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	shared, err := redis.OpenURL(ctx, o.Redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	otel.SetMeterProvider(meters)
	defer func() { err = errors.Join(err, meters.Shutdown(context.WithoutCancel(ctx))) }()
	p, err := streamgate.New(ctx, streamgate.WithDataDir(filepath.Join(o.Dir, "data")), streamgate.WithDatabase(in.db), streamgate.WithKeys(in.keys), streamgate.WithStorage(in.objects),
		streamgate.WithCache(shared.Cache()), streamgate.WithSegmentCache(o.SegmentCache), streamgate.WithMetrics(segmentCounts(reader)), streamgate.WithoutWeb(),
		streamgate.WithRoles(streamgate.RoleAuth, streamgate.RoleMetadata, streamgate.RoleStreaming))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	inner, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- p.Run(inner) }()
	defer func() { cancel(); err = errors.Join(err, <-ran) }()
	select {
	case <-p.Ready():
	case e := <-ran:
		ran <- nil
		return e
	}
	return serve(ctx, p.Handler(), func(url string) error { return json.NewEncoder(out).Encode(greeting{url}) })
}

// segmentCounts serves how often the cache of segments answered, by level and outcome, as {"process hit": 1}.
func segmentCounts(reader *metric.ManualReader) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(r.Context(), &all); err != nil {
			http.Error(w, strconv.Quote(err.Error()), http.StatusInternalServerError)
			return
		}
		counts := map[string]int64{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				sum, ok := m.Data.(metricdata.Sum[int64])
				if m.Name != "streamgate.cache.requests" || !ok {
					continue
				}
				for _, p := range sum.DataPoints {
					label := func(k attribute.Key) string { v, _ := p.Attributes.Value(k); return v.AsString() }
					if label("cache") == "segments" {
						counts[label("level")+" "+label("outcome")] += p.Value
					}
				}
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(counts) // the reader has gone
	})
}

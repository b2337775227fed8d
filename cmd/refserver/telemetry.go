package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// telemetry installs the OpenTelemetry SDK behind the API that the libraries
// use: metrics to a Prometheus registry, traces to an OTLP collector if one is set.
// flush sends what is left, for five seconds at most.
func telemetry(ctx context.Context, otlpEndpoint string, log *slog.Logger) (metrics http.Handler, flush func(), err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	res := resource.NewSchemaless()
	meters := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithResource(res))
	otel.SetMeterProvider(meters)
	shutdown := meters.Shutdown
	if otlpEndpoint != "" {
		spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(otlpEndpoint), otlptracegrpc.WithInsecure())
		if err != nil {
			return nil, nil, errors.Join(err, shutdown(ctx))
		}
		tracers := trace.NewTracerProvider(trace.WithBatcher(spans), trace.WithResource(res))
		otel.SetTracerProvider(tracers)
		otel.SetTextMapPropagator(propagation.TraceContext{})
		shutdown = func(ctx context.Context) error { return errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx)) }
	}
	flush = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := shutdown(ctx); err != nil {
			log.Warn("telemetry_flush", "error", err)
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), flush, nil
}

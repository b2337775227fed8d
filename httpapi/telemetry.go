package httpapi

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/fault"
)

const scope = "github.com/streamgate/streamgate/httpapi"

// telemetry holds the instruments of the surface; names follow OpenTelemetry's
// HTTP conventions where there is one.
type telemetry struct {
	tracer    trace.Tracer
	duration  metric.Float64Histogram
	decisions metric.Int64Counter

	mu     sync.Mutex
	points []*point
}

func newTelemetry(mp metric.MeterProvider, tp trace.TracerProvider) (*telemetry, error) {
	if mp == nil {
		mp = otel.GetMeterProvider()
	}
	if tp == nil {
		tp = otel.GetTracerProvider()
	}
	m := mp.Meter(scope)
	t := &telemetry{tracer: tp.Tracer(scope)}
	var err error
	if t.duration, err = m.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from a request's arrival to the end of its answer."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)); err != nil {
		return nil, err
	}
	if _, err = m.Int64ObservableUpDownCounter("http.server.active_requests", metric.WithDescription("Requests being served."), metric.WithInt64Callback(t.observe)); err != nil {
		return nil, err
	}
	t.decisions, err = m.Int64Counter("streamgate.play.decisions", metric.WithDescription("Answers of the gate to viewers, by outcome."))
	return t, err
}

// observe reports the requests under way, when somebody reads the metrics: a counter
// here costs a request less than an instrument.
func (t *telemetry) observe(_ context.Context, o metric.Int64Observer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.points {
		o.Observe(p.active.Load(), p.set)
	}
	return nil
}

// point is one route's place in the telemetry, with everything that does not
// depend on the request made beforehand.
type point struct {
	t      *telemetry
	name   string
	quiet  bool
	active atomic.Int64
	set    metric.MeasurementOption
	// byClass holds the attributes for statuses 1xx to 5xx; a class is enough
	// for alerts and keeps the series few.
	byClass [6][]metric.RecordOption
	spanKV  trace.SpanStartOption
}

func (t *telemetry) point(r route) *point {
	method, pattern := attribute.String("http.request.method", r.method), attribute.String("http.route", r.pattern)
	if r.method == "" {
		method = attribute.String("http.request.method", "_OTHER")
	}
	p := &point{
		t: t, name: r.method + " " + r.pattern, quiet: r.quiet,
		set:    metric.WithAttributeSet(attribute.NewSet(method, pattern)),
		spanKV: trace.WithAttributes(method, pattern),
	}
	for class := range p.byClass {
		p.byClass[class] = []metric.RecordOption{
			metric.WithAttributeSet(attribute.NewSet(method, pattern, attribute.String("http.response.status_class", strconv.Itoa(class)+"xx"))),
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.points = append(t.points, p)
	return p
}

// begin counts the request in and returns what counts it out.
func (p *point) begin(q *request) func(status int, err error, took time.Duration) {
	ctx := q.r.Context()
	p.active.Add(1)
	var span trace.Span
	if !p.quiet {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(q.r.Header))
		ctx, span = p.t.tracer.Start(ctx, p.name, trace.WithSpanKind(trace.SpanKindServer), p.spanKV)
		q.r = q.r.WithContext(ctx)
	}
	return func(status int, err error, took time.Duration) {
		p.active.Add(-1)
		class := status / 100
		if class < 0 || class >= len(p.byClass) {
			class = 0
		}
		p.t.duration.Record(ctx, took.Seconds(), p.byClass[class]...)
		if span == nil {
			return
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("request_id", q.id))
		if status >= 500 {
			span.SetStatus(codes.Error, fault.KindOf(err).String())
		}
		span.End()
	}
}

// decided counts an answer of the gate.
func (t *telemetry) decided(ctx context.Context, outcome, reason string) {
	t.decisions.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", outcome), attribute.String("reason", reason)))
}

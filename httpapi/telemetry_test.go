package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate/httpapi"
)

func TestCountsRequestsUnderWay(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	asked, answer := make(chan struct{}), make(chan struct{})
	p := start(t, false, func(o *httpapi.Options) {
		o.Meter = metric.NewMeterProvider(metric.WithReader(reader))
		o.Health = func(context.Context) map[string]error {
			close(asked)
			<-answer
			return nil
		}
	})
	underWay := func() (n int64) {
		var data metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &data); err != nil {
			t.Fatal(err)
		}
		for _, scope := range data.ScopeMetrics {
			for _, m := range scope.Metrics {
				if m.Name != "http.server.active_requests" {
					continue
				}
				for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
					if route, _ := point.Attributes.Value("http.route"); route.AsString() == "/readyz" {
						n += point.Value
					}
				}
			}
		}
		return n
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.want(200, call{method: "GET", path: "/readyz"})
	}()
	<-asked
	if n := underWay(); n != 1 {
		t.Errorf("%d requests under way, not 1", n)
	}
	close(answer)
	<-done
	p.srv.Close() // waits for the handler's end, which comes after the answer
	if n := underWay(); n != 0 {
		t.Errorf("%d requests under way, not 0", n)
	}
}

// What caches keep must not carry one request's id; a refusal must.
func TestSegmentsCarryNoRequestID(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	r := p.want(404, call{method: "GET", path: "/v1/media/none/1/v0/h0.m4s"})
	if r.header.Get("X-Request-Id") == "" || r.header.Get("X-Request-Id") != r.json(t)["request_id"] {
		t.Errorf("a problem without its request's id: %v %s", r.header, r.body)
	}
	if h := r.header; h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("Timing-Allow-Origin") != "*" || h.Get("Access-Control-Expose-Headers") != "" {
		t.Errorf("a page of another origin cannot read segments: %v", h)
	}
	r = p.want(http.StatusNotFound, call{method: "GET", path: "/v1/media/none/1/v0/h0.m4s", header: map[string]string{"Range": "bytes=0-1", "X-Request-Id": "mine"}})
	if r.header.Get("X-Request-Id") != "mine" || r.header.Get("Access-Control-Expose-Headers") != "Content-Range, ETag" {
		t.Errorf("%v", r.header)
	}
}

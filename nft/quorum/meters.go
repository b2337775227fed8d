package quorum

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meters are the instruments of one chain's providers.
type meters struct {
	calls         metric.Int64Counter
	duration      metric.Float64Histogram
	disagreements metric.Int64Counter
	hedges        metric.Int64Counter
	chain         metric.MeasurementOption
	health        metric.Registration
}

func newMeters(v *Verifier) (*meters, error) {
	mp := v.opt.Meters
	if mp == nil {
		mp = otel.GetMeterProvider()
	}
	mt := mp.Meter("github.com/streamgate/streamgate/nft/quorum")
	chain := attribute.String("chain", v.chain.String())
	m := &meters{chain: metric.WithAttributeSet(attribute.NewSet(chain))}
	var err error
	if m.calls, err = mt.Int64Counter("streamgate.provider.calls", metric.WithUnit("{call}"),
		metric.WithDescription("Calls to the providers of chains, by outcome.")); err != nil {
		return nil, err
	}
	if m.duration, err = mt.Float64Histogram("streamgate.provider.duration", metric.WithUnit("s"),
		metric.WithDescription("Time that providers of chains took to answer."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)); err != nil {
		return nil, err
	}
	if m.disagreements, err = mt.Int64Counter("streamgate.provider.disagreements", metric.WithUnit("{disagreement}"),
		metric.WithDescription("Times that providers of one chain said different things.")); err != nil {
		return nil, err
	}
	if m.hedges, err = mt.Int64Counter("streamgate.provider.hedges", metric.WithUnit("{call}"),
		metric.WithDescription("Calls made because another provider dawdled.")); err != nil {
		return nil, err
	}
	healthy, err := mt.Int64ObservableGauge("streamgate.provider.healthy", metric.WithDescription("1 while a provider is asked, 0 while it is left out."))
	if err != nil {
		return nil, err
	}
	lag, err := mt.Int64ObservableGauge("streamgate.provider.lag", metric.WithUnit("{block}"), metric.WithDescription("Blocks a provider is behind the newest head."))
	if err != nil {
		return nil, err
	}
	m.health, err = mt.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := v.opt.Now()
		for _, p := range v.providers {
			set := metric.WithAttributes(chain, attribute.String("provider", p.Name))
			s := p.status(now)
			up := int64(0)
			if s.State == stateOK || s.State == stateNew {
				up = 1
			}
			o.ObserveInt64(healthy, up, set)
			o.ObserveInt64(lag, int64(min(s.Lag, 1<<62)), set)
		}
		return nil
	}, healthy, lag)
	return m, err
}

func (m *meters) close() { _ = m.health.Unregister() }

func (m *meters) called(ctx context.Context, p *provider, outcome string, took time.Duration) {
	chain := attribute.String("chain", p.Verifier.Chain().String())
	name := attribute.String("provider", p.Name)
	m.calls.Add(ctx, 1, metric.WithAttributes(chain, name, attribute.String("outcome", outcome)))
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(chain, name))
}

func (m *meters) disagreed() { m.disagreements.Add(context.Background(), 1, m.chain) }

func (m *meters) hedge(ctx context.Context) { m.hedges.Add(ctx, 1, m.chain) }

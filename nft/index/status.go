package index

import (
	"context"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Status returns how the index is doing.
func (x *Indexer) Status() *nft.IndexStatus {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := &nft.IndexStatus{Leader: x.leading, EventsPerSecond: x.meter.rate(x.opt.Now())}
	if head, ok := x.win.head(); ok {
		s.Head = &head.Block
	}
	var age time.Duration
	s.LagBlocks, age = x.lag()
	s.LagSeconds = age.Seconds()
	for _, c := range x.state.Contracts {
		one := nft.IndexedContract{Contract: c.Address, Status: string(c.Status), Reason: c.Reason, Events: c.Events}
		switch {
		case c.Status == Live:
			one.Progress = 1
		case c.Status == Backfilling && x.state.Base.Number >= c.First:
			one.Progress = float64(c.Next-min(c.Next, c.First)) / float64(x.state.Base.Number-c.First+1)
		}
		s.Contracts = append(s.Contracts, one)
	}
	for _, err := range x.failed {
		if err != nil {
			s.Error = "the index is held up" // the cause may name the provider
		}
	}
	return s
}

// meters are the metrics of one index.
type meters struct {
	x      *Indexer
	meter  metric.Meter
	attrs  metric.MeasurementOption
	events metric.Int64Counter
	checks metric.Int64Counter
	bySelf metric.MeasurementOption
	byNode metric.MeasurementOption

	mu    sync.Mutex
	speed float64 // events per second, decaying
	at    time.Time
}

func newMeters(provider metric.MeterProvider, x *Indexer) (*meters, error) {
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	attrs := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(more, attribute.String("chain", x.chain))...))
	}
	m := &meters{
		x: x, meter: provider.Meter("github.com/streamgate/streamgate/nft/index"), attrs: attrs(),
		bySelf: attrs(attribute.String("source", "index")), byNode: attrs(attribute.String("source", "chain")),
	}
	var err error
	m.events, err = m.meter.Int64Counter("streamgate.index.events", metric.WithUnit("{event}"), metric.WithDescription("Transfers that were settled."))
	if err == nil {
		m.checks, err = m.meter.Int64Counter("streamgate.index.checks", metric.WithUnit("{check}"),
			metric.WithDescription("Questions to the chain by what answered them."))
	}
	return m, fault.Wrap(fault.Internal, "index.New", err)
}

// observe registers the gauges until stop is called.
func (m *meters) observe() (stop func(), err error) {
	gauge := func(name, unit, description string) metric.Float64ObservableGauge {
		g, e := m.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		if err == nil {
			err = e
		}
		return g
	}
	blocks := gauge("streamgate.index.lag.blocks", "{block}", "Blocks between the newest one heard of and the index.")
	seconds := gauge("streamgate.index.lag", "s", "Time since the index was last known to be at the chain's head.")
	contracts := gauge("streamgate.index.contracts", "{contract}", "Contracts by status.")
	progress := gauge("streamgate.index.backfill", "1", "The part of the backfills under way that is done.")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "index.Run", err)
	}
	chain := attribute.String("chain", m.x.chain)
	reg, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := m.x.Status()
		o.ObserveFloat64(blocks, float64(s.LagBlocks), m.attrs)
		o.ObserveFloat64(seconds, s.LagSeconds, m.attrs)
		count := map[string]int{string(Wanted): 0, string(Backfilling): 0, string(Live): 0, string(Refused): 0}
		open, done := 0, 0.0
		for _, c := range s.Contracts {
			count[c.Status]++
			if c.Status == string(Wanted) || c.Status == string(Backfilling) {
				open++
				done += c.Progress
			}
		}
		for status, n := range count {
			o.ObserveFloat64(contracts, float64(n), metric.WithAttributes(chain, attribute.String("status", status)))
		}
		if open > 0 {
			o.ObserveFloat64(progress, done/float64(open), m.attrs)
		} else {
			o.ObserveFloat64(progress, 1, m.attrs)
		}
		return nil
	}, blocks, seconds, contracts, progress)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "index.Run", err)
	}
	return func() { _ = reg.Unregister() }, nil
}

// memoryOf is how long the speed remembers.
const memoryOf = 10 * time.Second

func (m *meters) settled(ctx context.Context, events uint64) {
	m.events.Add(ctx, int64(events), m.attrs)
	now := m.x.opt.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.speed = m.decayed(now) + float64(events)/memoryOf.Seconds()
	m.at = now
}

func (m *meters) rate(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.decayed(now)
}

func (m *meters) decayed(now time.Time) float64 {
	return m.speed * math.Exp(-max(0, now.Sub(m.at).Seconds())/memoryOf.Seconds())
}

func (m *meters) answered(ctx context.Context, byIndex bool) {
	attrs := m.byNode
	if byIndex {
		attrs = m.bySelf
	}
	m.checks.Add(ctx, 1, attrs)
}

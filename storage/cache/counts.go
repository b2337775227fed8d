package cache

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/fault"
)

// Level is where a cache was asked.
type Level uint8

// The levels of Counts.
const (
	// AtProcess is the memory of this process.
	AtProcess Level = iota
	// AtShared is the cache that processes share.
	AtShared
	// Overall is the answer that the caller got, from wherever it came.
	Overall
	levels
)

// Outcome is what an asker got.
type Outcome uint8

// The outcomes of Counts.
const (
	Hit Outcome = iota
	// Miss found nothing; Overall it means that this caller's load was run.
	Miss
	// Joined waited for the load of another caller.
	Joined
	// Failed got no answer: the cache was out of reach, or the load failed.
	Failed
	outcomes
)

// Counts counts the answers of a cache, as Stats and as the metric
// streamgate.cache.requests{cache,level,outcome}. All methods are safe for concurrent use, also
// on nil, which counts nothing.
type Counts struct {
	n       [levels][outcomes]atomic.Uint64
	counter metric.Int64Counter
	attrs   [levels][outcomes]metric.AddOption
}

// NewCounts returns the counts of the cache called name; nil meters means the global provider.
func NewCounts(name string, meters metric.MeterProvider) (*Counts, error) {
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	c := &Counts{}
	var err error
	c.counter, err = meters.Meter("github.com/streamgate/streamgate/storage/cache").Int64Counter("streamgate.cache.requests",
		metric.WithUnit("{request}"), metric.WithDescription("Answers of caches by level and outcome."))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "cache.NewCounts", err)
	}
	for l, level := range []string{"process", "shared", "overall"} {
		for o, outcome := range []string{"hit", "miss", "joined", "failed"} {
			c.attrs[l][o] = metric.WithAttributeSet(attribute.NewSet(
				attribute.String("cache", name), attribute.String("level", level), attribute.String("outcome", outcome)))
		}
	}
	return c, nil
}

// Add counts one answer.
func (c *Counts) Add(ctx context.Context, l Level, o Outcome) {
	if c == nil {
		return
	}
	c.n[l][o].Add(1)
	c.counter.Add(ctx, 1, c.attrs[l][o])
}

// Stats is what a level of a cache answered since it was made.
type Stats struct{ Hits, Misses, Joined, Failed uint64 }

// HitRate is the share of answers that ran no load, 0 when there was none.
func (s Stats) HitRate() float64 {
	all := s.Hits + s.Misses + s.Joined + s.Failed
	if all == 0 {
		return 0
	}
	return float64(s.Hits+s.Joined) / float64(all)
}

// Stats returns what was counted at a level.
func (c *Counts) Stats(l Level) Stats {
	if c == nil {
		return Stats{}
	}
	n := &c.n[l]
	return Stats{Hits: n[Hit].Load(), Misses: n[Miss].Load(), Joined: n[Joined].Load(), Failed: n[Failed].Load()}
}

package eventtest_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
)

// The rules of shared buses must notice each of these, in the case named. The second of the pair is the broken one.
func TestPairSuiteNoticesBrokenPairs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		noticed string
		second  func(m, other *event.Memory) event.Bus
	}{
		"is a bus of its own": {"every subscriber", func(_, other *event.Memory) event.Bus { return other }},
		"shares the work": {"every subscriber", func(m, _ *event.Memory) event.Bus {
			var n atomic.Int64 // keys are handled side by side
			return &broken{Memory: m, subscribe: func(b *event.Memory, p string, h event.Handler) (func(), error) {
				return b.Subscribe(p, func(ctx context.Context, e event.Event) error {
					if n.Add(1)%2 == 0 {
						return nil
					}
					return h(ctx, e)
				})
			}}
		}},
		"replays the past": {"only what is published", func(m, _ *event.Memory) event.Bus {
			return &broken{Memory: m, subscribe: func(b *event.Memory, p string, h event.Handler) (func(), error) {
				_ = h(context.Background(), event.Event{ID: "before", Topic: "a"})
				return b.Subscribe(p, h)
			}}
		}},
		"delivers twice": {"a failure here", func(m, _ *event.Memory) event.Bus {
			return &broken{Memory: m, handler: func(h event.Handler) event.Handler {
				return func(ctx context.Context, e event.Event) error {
					_ = h(ctx, e)
					return h(ctx, e)
				}
			}}
		}},
		"hides the dead": {"both see", func(m, other *event.Memory) event.Bus {
			return struct {
				event.Bus
				event.Inspector
			}{m, other}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(eventtest.PairCases(), func(c eventtest.PairCase) bool { return strings.HasPrefix(c.Name, tc.noticed) })
			if i < 0 {
				t.Fatalf("no case begins with %q", tc.noticed)
			}
			synctest.Test(t, func(t *testing.T) {
				complaint := suite.Failure(t, func(tb testing.TB) {
					eventtest.PairCases()[i].Check(tb, func(tb testing.TB, c eventtest.Config) (a, b event.Bus) {
						m := event.NewMemory(event.Options{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff})
						other := event.NewMemory(event.Options{})
						tb.Cleanup(func() {
							ended, cancel := context.WithCancel(context.Background())
							cancel()
							_ = m.Close(ended)
							_ = other.Close(ended)
						})
						return m, tc.second(m, other)
					})
				})
				if complaint == "" {
					t.Errorf("the case %q did not notice", eventtest.PairCases()[i].Name)
				}
				t.Log(complaint)
			})
		})
	}
}

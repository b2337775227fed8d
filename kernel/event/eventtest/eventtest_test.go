package eventtest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
)

// broken changes what a good bus does, by the hooks that are set.
type broken struct {
	*event.Memory
	publish   func(b *event.Memory, ctx context.Context, e event.Event) error
	handler   func(h event.Handler) event.Handler
	pattern   func(p string) string
	subscribe func(b *event.Memory, p string, h event.Handler) (func(), error)
}

func (b *broken) Publish(ctx context.Context, e event.Event) error {
	if b.publish != nil {
		return b.publish(b.Memory, ctx, e)
	}
	return b.Memory.Publish(ctx, e)
}

func (b *broken) Subscribe(p string, h event.Handler) (func(), error) {
	if b.subscribe != nil {
		return b.subscribe(b.Memory, p, h)
	}
	if b.handler != nil && h != nil {
		h = b.handler(h)
	}
	if b.pattern != nil {
		p = b.pattern(p)
	}
	return b.Memory.Subscribe(p, h)
}

// The suite must notice each of these, in the case named.
func TestSuiteNoticesBrokenBuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		noticed string // beginning of the case's name
		tune    func(o *event.Options)
		make    func() broken
	}{
		"drops every fifth event": {"concurrent", nil, func() broken {
			var mu sync.Mutex
			n := 0
			return broken{publish: func(b *event.Memory, ctx context.Context, e event.Event) error {
				mu.Lock()
				n++
				drop := n%5 == 0
				mu.Unlock()
				if drop {
					return nil
				}
				return b.Publish(ctx, e)
			}}
		}},
		"forgets the data": {"an event arrives", nil, func() broken {
			return broken{publish: func(b *event.Memory, ctx context.Context, e event.Event) error {
				e.Data = nil
				return b.Publish(ctx, e)
			}}
		}},
		"does not keep the id": {"an event arrives", nil, func() broken {
			return broken{publish: func(b *event.Memory, ctx context.Context, e event.Event) error {
				e.ID = "same"
				return b.Publish(ctx, e)
			}}
		}},
		"delivers everything to everyone": {"patterns", nil, func() broken {
			return broken{pattern: func(string) string { return "*" }}
		}},
		"handles in Publish": {"publishing", nil, func() broken {
			var handlers []event.Handler
			return broken{
				subscribe: func(_ *event.Memory, _ string, h event.Handler) (func(), error) {
					handlers = append(handlers, h)
					return func() {}, nil
				},
				publish: func(_ *event.Memory, ctx context.Context, e event.Event) error {
					for _, h := range handlers {
						_ = h(ctx, e)
					}
					return nil
				},
			}
		}},
		"has no order": {"events of a key", nil, func() broken {
			return broken{publish: func(b *event.Memory, ctx context.Context, e event.Event) error {
				if string(e.Data) == "3" {
					go func() { time.Sleep(time.Millisecond); _ = b.Publish(context.WithoutCancel(ctx), e) }()
					return nil
				}
				return b.Publish(ctx, e)
			}}
		}},
		"never retries": {"an error or a panic", nil, func() broken {
			return broken{handler: func(h event.Handler) event.Handler {
				return func(ctx context.Context, e event.Event) error {
					defer func() { _ = recover() }()
					_ = h(ctx, e)
					return nil
				}
			}}
		}},
		"tries too often": {"attempts end", func(o *event.Options) { o.MaxAttempts = 9 }, func() broken { return broken{} }},
		"keeps no dead letters": {"attempts end", func(o *event.Options) { o.MaxAttempts = 1 << 30 }, func() broken {
			return broken{handler: func(h event.Handler) event.Handler {
				tries := map[string]int{}
				return func(ctx context.Context, e event.Event) error {
					err := h(ctx, e)
					if tries[e.ID]++; tries[e.ID] == 4 {
						return nil
					}
					return err
				}
			}}
		}},
		"one handler for all keys": {"keys and subscriptions", func(o *event.Options) { o.Handlers = 1 }, func() broken { return broken{} }},
		"cancel does not wait": {"cancel", nil, func() broken {
			return broken{subscribe: func(b *event.Memory, p string, h event.Handler) (func(), error) {
				cancel, err := b.Subscribe(p, h)
				return func() { go cancel() }, err
			}}
		}},
		"cancel does nothing": {"cancel", nil, func() broken {
			return broken{subscribe: func(b *event.Memory, p string, h event.Handler) (func(), error) {
				_, err := b.Subscribe(p, h)
				return func() {}, err
			}}
		}},
		"hides the end of the subscription": {"cancel", nil, func() broken {
			return broken{handler: func(h event.Handler) event.Handler {
				return func(ctx context.Context, e event.Event) error { return h(context.WithoutCancel(ctx), e) }
			}}
		}},
		"shares the data": {"data belongs", nil, func() broken {
			kept := map[string][]byte{}
			var mu sync.Mutex
			return broken{
				publish: func(b *event.Memory, ctx context.Context, e event.Event) error {
					mu.Lock()
					e.ID = "x"
					kept[e.ID] = e.Data
					mu.Unlock()
					return b.Publish(ctx, e)
				},
				handler: func(h event.Handler) event.Handler {
					return func(ctx context.Context, e event.Event) error {
						mu.Lock()
						e.Data = kept[e.ID]
						mu.Unlock()
						return h(ctx, e)
					}
				},
			}
		}},
		"takes any topic": {"bad arguments", nil, func() broken {
			return broken{publish: func(*event.Memory, context.Context, event.Event) error { return nil }}
		}},
		"takes any pattern": {"bad arguments", nil, func() broken {
			return broken{pattern: func(string) string { return "*" }}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(eventtest.Cases(), func(c eventtest.Case) bool { return strings.HasPrefix(c.Name, tc.noticed) })
			if i < 0 {
				t.Fatalf("no case begins with %q", tc.noticed)
			}
			synctest.Test(t, func(t *testing.T) {
				complaint := suite.Failure(t, func(tb testing.TB) {
					eventtest.Cases()[i].Check(tb, func(tb testing.TB, c eventtest.Config) event.Bus {
						o := event.Options{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff}
						if tc.tune != nil {
							tc.tune(&o)
						}
						b := tc.make()
						b.Memory = event.NewMemory(o)
						tb.Cleanup(func() {
							ended, cancel := context.WithCancel(context.Background())
							cancel()
							_ = b.Close(ended)
						})
						return &b
					})
				})
				if complaint == "" {
					t.Errorf("the case %q did not notice", eventtest.Cases()[i].Name)
				}
				t.Log(complaint)
			})
		})
	}
}

package jobtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
)

// broken changes what a good queue does, by the hooks that are set.
type broken struct {
	*job.Memory
	enqueue func(j *job.Job)
	lease   func(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error)
	extend  func(ctx context.Context, token string, d time.Duration) error
	ack     func(ctx context.Context, token string) error
	nack    func(ctx context.Context, token string, delay time.Duration, cause error) error
	byKind  func(kinds map[string]job.Stats)
}

func (b *broken) Enqueue(ctx context.Context, jobs ...job.Job) error {
	for i := range jobs {
		if b.enqueue != nil {
			b.enqueue(&jobs[i])
		}
	}
	return b.Memory.Enqueue(ctx, jobs...)
}

func (b *broken) Lease(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
	if b.lease != nil {
		return b.lease(ctx, kinds, d)
	}
	return b.Memory.Lease(ctx, kinds, d)
}

func (b *broken) Extend(ctx context.Context, token string, d time.Duration) error {
	if b.extend != nil {
		return b.extend(ctx, token, d)
	}
	return b.Memory.Extend(ctx, token, d)
}

func (b *broken) Ack(ctx context.Context, token string) error {
	if b.ack != nil {
		return b.ack(ctx, token)
	}
	return b.Memory.Ack(ctx, token)
}

func (b *broken) Nack(ctx context.Context, token string, delay time.Duration, cause error) error {
	if b.nack != nil {
		return b.nack(ctx, token, delay, cause)
	}
	return b.Memory.Nack(ctx, token, delay, cause)
}

func (b *broken) StatsByKind(ctx context.Context) (map[string]job.Stats, error) {
	kinds, err := b.Memory.StatsByKind(ctx)
	if b.byKind != nil {
		b.byKind(kinds)
	}
	return kinds, err
}

// The suite must notice each of these, in the case named.
func TestSuiteNoticesBrokenQueues(t *testing.T) {
	t.Parallel()
	edit := func(f func(*job.Job)) func(*broken) { return func(b *broken) { b.enqueue = f } }
	change := func(f func(*job.Lease)) func(*broken) {
		return func(b *broken) {
			b.lease = func(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
				l, err := b.Memory.Lease(ctx, kinds, d)
				if l != nil {
					f(l)
				}
				return l, err
			}
		}
	}
	n := 0
	for name, tc := range map[string]struct {
		noticed string // beginning of the case's name
		brk     func(*broken)
	}{
		"loses the payload":      {"a lease holds", edit(func(j *job.Job) { j.Payload = nil })},
		"miscounts attempts":     {"a lease holds", change(func(l *job.Lease) { l.Attempt-- })},
		"gives no token":         {"a lease holds", change(func(l *job.Lease) { l.Token = "" })},
		"expires in the past":    {"a lease holds", change(func(l *job.Lease) { l.Expires = time.Time{} })},
		"has no priorities":      {"higher priority", edit(func(j *job.Job) { j.Priority = 0 })},
		"is last in, first out":  {"higher priority", edit(func(j *job.Job) { n++; j.Priority = j.Priority*1000 + n })},
		"has one kind":           {"only the kinds", edit(func(j *job.Job) { j.Kind = "k" })},
		"forgets who is waiting": {"an id is in", edit(func(j *job.Job) { n++; j.ID += string(rune('a' + n%26)) })},
		"mixes tenants":          {"an id is in", edit(func(j *job.Job) { j.Tenant = "" })},
		"knows no delay":         {"no job before", edit(func(j *job.Job) { j.NotBefore = time.Time{} })},
		"polls once a minute": {"a waiting lease is woken", func(b *broken) {
			b.lease = func(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
				for {
					now, cancel := context.WithTimeout(ctx, time.Nanosecond)
					l, err := b.Memory.Lease(now, kinds, d)
					cancel()
					if err == nil {
						return l, nil
					}
					select {
					case <-time.After(time.Minute):
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
			}
		}},
		"waits for ever": {"a waiting lease ends", func(b *broken) {
			b.lease = func(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
				bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
				defer cancel()
				return b.Memory.Lease(bounded, kinds, d)
			}
		}},
		"leases never expire": {"an expired lease", func(b *broken) {
			b.lease = func(ctx context.Context, kinds []string, _ time.Duration) (*job.Lease, error) {
				return b.Memory.Lease(ctx, kinds, 24*time.Hour)
			}
		}},
		"takes stale tokens": {"an expired lease", func(b *broken) {
			b.ack = func(ctx context.Context, token string) error {
				if err := b.Memory.Ack(ctx, token); !errors.Is(err, fault.Conflict) {
					return err
				}
				return nil
			}
		}},
		"ignores heart-beats": {"heart-beats", func(b *broken) { b.extend = func(context.Context, string, time.Duration) error { return nil } }},
		"ack is only a nack": {"ack ends", func(b *broken) {
			b.ack = func(ctx context.Context, token string) error { return b.Memory.Nack(ctx, token, 0, nil) }
		}},
		"ack holds the job on": {"ack ends", func(b *broken) { b.ack = func(context.Context, string) error { return nil } }},
		"nack at once": {"nack gives", func(b *broken) {
			b.nack = func(ctx context.Context, token string, _ time.Duration, err error) error {
				return b.Memory.Nack(ctx, token, 0, err)
			}
		}},
		"nack drops the job": {"nack gives", func(b *broken) {
			b.nack = func(ctx context.Context, token string, _ time.Duration, _ error) error {
				return b.Memory.Ack(ctx, token)
			}
		}},
		"back-off is constant": {"the queue's own", func(b *broken) {
			b.nack = func(ctx context.Context, token string, delay time.Duration, err error) error {
				if delay < 0 {
					delay = 150 * time.Millisecond
				}
				return b.Memory.Nack(ctx, token, delay, err)
			}
		}},
		"tries for ever": {"attempts end", edit(func(j *job.Job) { j.MaxAttempts = 1 << 20 })},
		"hides the reason": {"attempts end", func(b *broken) {
			b.nack = func(ctx context.Context, token string, d time.Duration, _ error) error {
				return b.Memory.Nack(ctx, token, d, nil)
			}
		}},
		"expiry is no attempt":          {"expired leases", edit(func(j *job.Job) { j.MaxAttempts++ })},
		"every worker gets all":         {"every job", edit(func(j *job.Job) { n++; j.ID = j.ID[:1] })},
		"counts the delayed as waiting": {"jobs are counted", edit(func(j *job.Job) { j.NotBefore = time.Time{} })},
		"calls all kinds one":           {"jobs are counted", edit(func(j *job.Job) { j.Kind = "k" })},
		"counts what is finished": {"jobs are counted", func(b *broken) {
			b.ack = func(ctx context.Context, token string) error { return b.Memory.Nack(ctx, token, 0, nil) }
		}},
		"counts by kind at random": {"jobs are counted", func(b *broken) {
			b.byKind = func(kinds map[string]job.Stats) { kinds["k"], kinds["other"] = kinds["other"], kinds["k"] }
		}},
		"shares what it is given": {"payloads", func(b *broken) {
			var kept []byte
			b.enqueue = func(j *job.Job) { kept = j.Payload }
			change(func(l *job.Lease) { l.Job.Payload = kept })(b)
		}},
		"takes jobs without an id": {"bad arguments", edit(func(j *job.Job) { j.ID += "x" })},
		"leases of no length": {"bad arguments", func(b *broken) {
			b.lease = func(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
				return b.Memory.Lease(ctx, kinds, max(d, 1))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(jobtest.Cases(), func(c jobtest.Case) bool { return strings.HasPrefix(c.Name, tc.noticed) })
			if i < 0 {
				t.Fatalf("no case begins with %q", tc.noticed)
			}
			synctest.Test(t, func(t *testing.T) {
				complaint := suite.Failure(t, func(tb testing.TB) {
					jobtest.Cases()[i].Check(tb, func(_ testing.TB, c jobtest.Config) job.Queue {
						b := &broken{Memory: job.NewMemory(job.Options{Backoff: c.Backoff})}
						tc.brk(b)
						return b
					})
				})
				time.Sleep(2 * time.Hour) // what the broken queue left behind ends
				if complaint == "" {
					t.Errorf("the case %q did not notice", jobtest.Cases()[i].Name)
				}
				t.Log(complaint)
			})
		})
	}
}

package jobtest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
)

// The rules of shared queues must notice each of these, in the case named. The second of the pair is the broken one.
func TestPairSuiteNoticesBrokenPairs(t *testing.T) {
	t.Parallel()
	other := func(*job.Memory) job.Queue { return job.NewMemory(job.Options{}) }
	with := func(f func(m *job.Memory, b *broken)) func(m *job.Memory) job.Queue {
		return func(m *job.Memory) job.Queue {
			b := &broken{Memory: m}
			f(m, b)
			return b
		}
	}
	for name, tc := range map[string]struct {
		noticed string
		second  func(m *job.Memory) job.Queue
	}{
		"is a queue of its own":       {"a job from one", other},
		"shares nothing":              {"a token counts", other},
		"knows ids by their own name": {"an id in the queue", with(func(_ *job.Memory, b *broken) { b.enqueue = func(j *job.Job) { j.ID += "b" } })},
		"skips what is finished": {"an id that one finished", with(func(_ *job.Memory, b *broken) {
			n := 0
			b.enqueue = func(j *job.Job) {
				if n++; n > 3 {
					j.Kind = "nowhere"
				}
			}
		})},
		"knows no priorities": {"order holds", with(func(_ *job.Memory, b *broken) { b.enqueue = func(j *job.Job) { j.Priority = 0 } })},
		"acks without effect": {"every job goes", with(func(m *job.Memory, b *broken) {
			b.ack = func(ctx context.Context, token string) error { return m.Nack(ctx, token, 0, nil) }
		})},
		"takes at once what is held": {"a lease that expired", func(m *job.Memory) job.Queue {
			thief := job.NewMemory(job.Options{})
			_ = thief.Enqueue(context.Background(), job.Job{ID: "1", Kind: "k"})
			return thief
		}},
		"does not see heart-beats": {"heart-beats", func(*job.Memory) job.Queue {
			thief := job.NewMemory(job.Options{})
			_ = thief.Enqueue(context.Background(), job.Job{ID: "1", Kind: "k", NotBefore: time.Now().Add(2 * time.Second)})
			return thief
		}},
		"hides the dead": {"both see", func(m *job.Memory) job.Queue {
			return struct {
				job.Queue
				job.Inspector
			}{m, job.NewMemory(job.Options{})}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(jobtest.PairCases(), func(c jobtest.PairCase) bool { return strings.HasPrefix(c.Name, tc.noticed) })
			if i < 0 {
				t.Fatalf("no case begins with %q", tc.noticed)
			}
			synctest.Test(t, func(t *testing.T) {
				complaint := suite.Failure(t, func(tb testing.TB) {
					jobtest.PairCases()[i].Check(tb, func(_ testing.TB, c jobtest.Config) (a, b job.Queue) {
						m := job.NewMemory(job.Options{Backoff: c.Backoff})
						return m, tc.second(m)
					})
				})
				time.Sleep(2 * time.Hour)
				if complaint == "" {
					t.Errorf("the case %q did not notice", jobtest.PairCases()[i].Name)
				}
				t.Log(complaint)
			})
		})
	}
}

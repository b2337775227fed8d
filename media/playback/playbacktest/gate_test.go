package playbacktest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

func chainGate(t testing.TB) playbacktest.GateFixture {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	g, wait, err := playbacktest.NewChainGate(ctx)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); wait() })
	return g.GateFixture
}

func TestDeciderIsAGate(t *testing.T) {
	t.Parallel()
	playbacktest.RunGate(t, chainGate)
}

// broken is a gate with one thing wrong.
type broken struct {
	playback.Gate
	decide func(nft.Decision, error) (nft.Decision, error)
	watch  func(context.Context, playback.Gate, *rule.Rule, nft.Subject) <-chan nft.Decision
}

func (b broken) Decide(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error) {
	d, err := b.Gate.Decide(ctx, r, s)
	return b.decide(d, err)
}

func (b broken) Watch(ctx context.Context, r *rule.Rule, s nft.Subject) <-chan nft.Decision {
	return b.watch(ctx, b.Gate, r, s)
}

func TestTheGateSuiteNotices(t *testing.T) {
	t.Parallel()
	asIs := func(d nft.Decision, err error) (nft.Decision, error) { return d, err }
	watch := func(ctx context.Context, g playback.Gate, r *rule.Rule, s nft.Subject) <-chan nft.Decision {
		return g.Watch(ctx, r, s)
	}
	for name, c := range map[string]struct {
		b    broken
		want string
	}{
		"loses the explanation": {broken{decide: func(d nft.Decision, err error) (nft.Decision, error) { d.Explain = nil; return d, err }, watch: watch},
			"an answer comes with its evidence"},
		"opens when it cannot tell": {broken{decide: func(d nft.Decision, err error) (nft.Decision, error) { d.Outcome = nft.Yes; return d, err }, watch: watch},
			"an ended context gets no answer"},
		"swallows errors": {broken{decide: func(d nft.Decision, _ error) (nft.Decision, error) { return d, nil }, watch: watch},
			"bad questions are refused"},
		"closes at once": {broken{decide: asIs, watch: func(context.Context, playback.Gate, *rule.Rule, nft.Subject) <-chan nft.Decision {
			ch := make(chan nft.Decision)
			close(ch)
			return ch
		}}, "a watch tells the present and each flip"},
		"tells all of the past": {broken{decide: asIs, watch: func(ctx context.Context, g playback.Gate, r *rule.Rule, s nft.Subject) <-chan nft.Decision {
			ch := make(chan nft.Decision, 100)
			go func() {
				defer close(ch)
				for d := range g.Watch(ctx, r, s) {
					for range 5 {
						ch <- d
					}
				}
			}()
			return ch
		}}, "a slow watcher gets the newest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := playbacktest.FailingGate(t, func(t testing.TB) playbacktest.GateFixture {
				f := chainGate(t)
				c.b.Gate = f.Gate
				f.Gate = c.b
				return f
			})
			if !slices.Contains(failing, c.want) {
				t.Errorf("failing are %q, want %q among them", failing, c.want)
			}
		})
	}
}

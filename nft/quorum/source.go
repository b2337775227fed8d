package quorum

import (
	"context"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/index"
)

// IndexSource returns a source of the chain's transfers that asks the best provider, and the next one
// when that does not answer; nil when a provider has none. An index believes one provider at a time, as a plain
// Check does: rules with a quorum do not ask it.
func (v *Verifier) IndexSource() index.Source {
	s := &source{v: v, of: map[*provider]index.Source{}}
	for _, p := range v.providers {
		src, ok := index.SourceOf(p.Verifier)
		if !ok {
			return nil
		}
		s.of[p] = src
	}
	return s
}

type source struct {
	v  *Verifier
	of map[*provider]index.Source
}

var _ index.Sourced = (*Verifier)(nil)

// inTurn asks the providers one after the other until one answers.
func inTurn[T any](ctx context.Context, s *source, op string, ask func(context.Context, index.Source) (T, error)) (out T, err error) {
	now := s.v.opt.Now()
	for _, p := range s.v.ranked(s.v.providers, now) {
		if !p.take(now) {
			continue
		}
		out, err = call(ctx, s.v, p, func(ctx context.Context, p *provider) (T, int, error) {
			out, err := ask(ctx, s.of[p])
			return out, 1, err
		})
		if err == nil || ctx.Err() != nil || fault.KindOf(err) != fault.Unavailable {
			return out, err
		}
	}
	if err == nil {
		err = s.v.nobody(op, now)
	}
	return out, err
}

// Tip implements index.Source.
func (s *source) Tip(ctx context.Context, tag string) (index.Header, error) {
	return inTurn(ctx, s, "quorum.Tip", func(ctx context.Context, src index.Source) (index.Header, error) { return src.Tip(ctx, tag) })
}

// Blocks implements index.Source.
func (s *source) Blocks(ctx context.Context, from, to uint64) ([]index.Header, error) {
	return inTurn(ctx, s, "quorum.Blocks", func(ctx context.Context, src index.Source) ([]index.Header, error) { return src.Blocks(ctx, from, to) })
}

// Transfers implements index.Source.
func (s *source) Transfers(ctx context.Context, from, to uint64, contracts []string) ([]index.Transfer, error) {
	return inTurn(ctx, s, "quorum.Transfers", func(ctx context.Context, src index.Source) ([]index.Transfer, error) {
		return src.Transfers(ctx, from, to, contracts)
	})
}

// TransfersIn implements index.Source.
func (s *source) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	return inTurn(ctx, s, "quorum.TransfersIn", func(ctx context.Context, src index.Source) ([][]index.Transfer, error) {
		return src.TransfersIn(ctx, blocks, contracts)
	})
}

// Born implements index.Source.
func (s *source) Born(ctx context.Context, contract string) (uint64, error) {
	return inTurn(ctx, s, "quorum.Born", func(ctx context.Context, src index.Source) (uint64, error) { return src.Born(ctx, contract) })
}

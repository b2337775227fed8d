package quorum

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/index"
)

var _ index.Sourced = (*Verifier)(nil)

// IndexSource returns the chain's blocks and transfers as the healthiest provider gives them, and the next one when that
// fails; nil when none of the providers can be followed by an index. An index so is fed by one provider at a time: it is as true as
// that one, which is held to the blocks' hashes and what their blooms and receipts prove.
func (v *Verifier) IndexSource() index.Source {
	s := source{v: v, of: map[*provider]index.Source{}}
	for _, p := range v.providers {
		if src, ok := index.SourceOf(p.Verifier); ok && !p.NoWatch {
			s.of[p] = src
		}
	}
	if len(s.of) == 0 {
		return nil
	}
	return s
}

type source struct {
	v  *Verifier
	of map[*provider]index.Source
}

// ask asks the providers in turn, until one answers or says what is wrong with the question. Such calls may be long, so that what
// they take says nothing of a provider's pace, and Options.Timeout does not bound them.
func ask[T any](ctx context.Context, s source, op string, do func(index.Source) (T, error)) (out T, err error) {
	err = s.v.nobody(op, s.v.opt.Now())
	for _, p := range s.v.ranked(s.v.providers, s.v.opt.Now()) {
		src, ok := s.of[p]
		if !ok || ctx.Err() != nil || !p.take(s.v.opt.Now()) {
			continue
		}
		start := time.Now()
		out, err = do(src)
		switch k := fault.KindOf(err); {
		case err == nil, settledError(err), k == fault.TooLarge, k == fault.NotFound:
			p.alive(s.v.opt.Now())
			return out, fault.At(op, err)
		default:
			outcome := p.note(s.v.opt.Now(), time.Since(start), 1, err)
			s.v.meters.called(ctx, p, outcome, time.Since(start))
		}
	}
	if ctx.Err() != nil {
		err = fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	return out, fault.At(op, err)
}

// Tip implements index.Source.
func (s source) Tip(ctx context.Context, tag string) (index.Header, error) {
	return ask(ctx, s, "quorum.Tip", func(src index.Source) (index.Header, error) { return src.Tip(ctx, tag) })
}

// Blocks implements index.Source.
func (s source) Blocks(ctx context.Context, from, to uint64) ([]index.Header, error) {
	return ask(ctx, s, "quorum.Blocks", func(src index.Source) ([]index.Header, error) { return src.Blocks(ctx, from, to) })
}

// Transfers implements index.Source.
func (s source) Transfers(ctx context.Context, from, to uint64, contracts []string) ([]index.Transfer, error) {
	return ask(ctx, s, "quorum.Transfers", func(src index.Source) ([]index.Transfer, error) { return src.Transfers(ctx, from, to, contracts) })
}

// TransfersIn implements index.Source.
func (s source) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	return ask(ctx, s, "quorum.TransfersIn", func(src index.Source) ([][]index.Transfer, error) { return src.TransfersIn(ctx, blocks, contracts) })
}

// Born implements index.Source.
func (s source) Born(ctx context.Context, contract string) (uint64, error) {
	return ask(ctx, s, "quorum.Born", func(src index.Source) (uint64, error) { return src.Born(ctx, contract) })
}

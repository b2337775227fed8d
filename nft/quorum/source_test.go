package quorum_test

import (
	"context"
	"errors"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/quorum"
)

// followed is a node that can be followed by an index.
type followed struct {
	*node
	err error
}

func (f *followed) IndexSource() index.Source { return f }

func (f *followed) Tip(ctx context.Context, tag string) (index.Header, error) {
	b, _ := f.scripted.Head(ctx)
	return index.Header{Block: b}, f.err
}

func (f *followed) Blocks(context.Context, uint64, uint64) ([]index.Header, error) {
	return make([]index.Header, 1), f.err
}

func (f *followed) Transfers(context.Context, uint64, uint64, []string) ([]index.Transfer, error) {
	return make([]index.Transfer, 2), f.err
}

func (f *followed) TransfersIn(context.Context, []index.Header, []string) ([][]index.Transfer, error) {
	return make([][]index.Transfer, 3), f.err
}
func (f *followed) Born(context.Context, string) (uint64, error) { return 4, f.err }

// An index is fed by the healthiest provider, and by the next one when that fails.
func TestAnIndexIsFedByWhoAnswers(t *testing.T) {
	t.Parallel()
	var all []*followed
	w := newWorld(t, quorum.Options{}, func(ps []quorum.Provider) {
		for i := range ps {
			f := &followed{node: ps[i].Verifier.(*node)}
			all, ps[i].Verifier = append(all, f), f
		}
	})
	s, ok := index.SourceOf(w.v)
	if !ok || s == nil {
		t.Fatal("no source")
	}
	all[0].err = errDown
	ctx := t.Context()
	tip, err := s.Tip(ctx, "latest")
	blocks, err2 := s.Blocks(ctx, 1, 1)
	moved, err3 := s.Transfers(ctx, 1, 1, nil)
	in, err4 := s.TransfersIn(ctx, nil, nil)
	born, err5 := s.Born(ctx, "")
	if err := errors.Join(err, err2, err3, err4, err5); err != nil || tip.Number != 10 || len(blocks) != 1 || len(moved) != 2 || len(in) != 3 || born != 4 {
		t.Errorf("%v", err)
	}
	if s := state(w.v, "alpha"); s.Failures == 0 {
		t.Errorf("%+v", s)
	}
	for _, f := range all {
		f.err = fault.New(fault.TooLarge, "node", "too many logs")
	}
	if _, err := s.Transfers(ctx, 1, 1e6, nil); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("%v", err)
	}
	for _, f := range all {
		f.err = errDown
	}
	if _, err := s.Tip(ctx, "latest"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Tip(gone, "latest"); fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
}

package streamgate

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/storage/cache"
)

// indexing is what WithIndex asks for.
type indexing struct {
	opt    index.Options
	chains []caip.ChainID
}

// openIndexes puts an index before each verifier that is to have one and can.
func (p *Platform) openIndexes(s *settings) ([]nft.Verifier, error) {
	out := slices.Clone(s.verifiers)
	for i, v := range out {
		opt, ok := s.indexOf(v.Chain())
		src, can := index.SourceOf(v)
		if !ok || !can {
			continue
		}
		x, err := index.New(v, src, s.db.Index(), opt)
		if err != nil {
			return nil, err
		}
		out[i] = index.NewVerifier(v, x)
		p.indexes = append(p.indexes, x)
	}
	return out, nil
}

func (s *settings) indexOf(chain caip.ChainID) (opt index.Options, ok bool) {
	for _, x := range s.index {
		if len(x.chains) == 0 || slices.Contains(x.chains, chain) {
			opt, ok = x.opt, true
		}
	}
	if opt.Claims == nil && s.cache != nil {
		opt.Claims, _ = cache.As[cache.Claimer](s.cache)
	}
	if opt.Now == nil {
		opt.Now = s.now
	}
	if opt.Logger == nil {
		opt.Logger = s.logger
	}
	return opt, ok
}

// runIndexes keeps the indexes current until ctx ends.
func (p *Platform) runIndexes(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(p.indexes))
	var wg sync.WaitGroup
	for i, x := range p.indexes {
		wg.Go(func() {
			defer cancel() // one that cannot run ends all
			errs[i] = x.Run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

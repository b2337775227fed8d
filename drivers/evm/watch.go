package evm

import (
	"context"
	"errors"

	"github.com/streamgate/streamgate/nft"
)

// Watch is not there yet.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	return errors.New("skeleton")
}

package envelope

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

var _ storage.Presigner = (*Store)(nil)

// PresignGet is fault.Unsupported always: the store below would serve ciphertext. It is
// here so that storage.As does not find the store below.
func (s *Store) PresignGet(context.Context, string, time.Duration) (string, error) {
	return "", fault.New(fault.Unsupported, "envelope.PresignGet", "objects are encrypted at rest; only this process can read them")
}

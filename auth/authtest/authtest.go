// Package authtest holds what the tests of sign-in share: the conformance suite
// of auth.Store, a Store in memory, and a wallet that signs. Only tests import it.
package authtest

import (
	"context"
	"testing"

	"github.com/streamgate/streamgate/auth"
)

// Check is one promise of auth.Store.
type Check struct {
	Name string
	// Run returns what store, which is empty and used by no one else, got wrong.
	Run func(ctx context.Context, store auth.Store) error
}

// Run checks every promise, each on a new store from newStore.
func Run(t *testing.T, newStore func(t *testing.T) auth.Store) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Run(t.Context(), newStore(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

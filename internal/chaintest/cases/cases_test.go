package cases_test

import (
	"testing"

	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/internal/chaintest/cases"
)

// One table on every kind of chain: the simulated one, anvil, and with STREAMGATE_SLOW=1 a real geth --dev.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.AllKinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			cases.Run(t, k, cases.Table())
		})
	}
}

// Each kind of token has somebody who is let in, somebody who is not, and a change that ends the access of who had it.
func TestEveryCaseAllowsDeniesAndEnds(t *testing.T) {
	t.Parallel()
	for _, c := range cases.Table() {
		had := map[int]bool{}
		var allowed, denied, ended bool
		for _, s := range c.Steps {
			for _, i := range s.Yes {
				allowed, had[i] = true, true
			}
			for _, i := range s.No {
				denied, ended = true, ended || had[i]
			}
		}
		if !allowed || !denied || !ended {
			t.Errorf("%s: allows %v, denies %v, ends %v", c.Name, allowed, denied, ended)
		}
	}
}

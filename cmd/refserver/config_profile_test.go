package main

import (
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/evm"
)

func TestChainProfile(t *testing.T) {
	t.Parallel()
	const p = "chains.eip155:137."
	c, err := loadConfig("", nil, []string{p + "rpc_url=http://127.0.0.1:1", p + "block_time=2s", p + "safe_depth=32", p + "finalized_depth=256"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (evm.Profile{BlockTime: 2 * time.Second, SafeDepth: 32, FinalizedDepth: 256}); c.Chains[0].Profile != want {
		t.Errorf("%+v", c.Chains[0].Profile)
	}
	var b strings.Builder
	if err := c.Explain(&b); err != nil || !strings.Contains(b.String(), p+"finalized_depth") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

package evm

import (
	"time"

	"github.com/streamgate/streamgate/nft"
)

// Profile says in what an EVM chain differs from Ethereum.
type Profile struct {
	// BlockTime is how often the chain makes a block, as far as is known. While Watch has no subscription
	// it asks four times a block, at least every two seconds and at most ten times a second (0: twice a second).
	BlockTime time.Duration
	// SafeDepth and FinalizedDepth are how many confirmations stand for "safe" and "finalized", for chains whose nodes
	// do not know these tags or mean less by them (0: the node's tag). A chain that is not that long yet is at its first block.
	SafeDepth, FinalizedDepth uint64
}

func (p Profile) pollInterval() time.Duration {
	if p.BlockTime <= 0 {
		return 500 * time.Millisecond
	}
	return min(max(p.BlockTime/4, 100*time.Millisecond), 2*time.Second)
}

// depth returns the confirmations that stand for a finality, 0 where the node's tag is meant.
func (p Profile) depth(at nft.Finality) uint64 {
	switch at.Tag {
	case "safe":
		return p.SafeDepth
	case "finalized":
		return p.FinalizedDepth
	}
	return 0
}

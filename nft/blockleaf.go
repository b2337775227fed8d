package nft

import (
	"math/big"

	"github.com/streamgate/streamgate/nft/rule"
)

// blockLeaf compares the number of the block that its finality names.
func (e *evaluation) blockLeaf(n *rule.Node, out *Node, ph phase) {
	t := n.Block
	at := finalityOf(n.Evidence.Finality, ph)
	out.Chain, out.Finality, out.Wanted, out.Reason = t.Chain.String(), at.String(), t.Op+" "+t.Value.String(), "not_needed"
	b := e.plan.batches[batchKey{t.Chain, at}]
	if b == nil {
		return
	}
	if b.reason != "" {
		out.Reason = b.reason
		return
	}
	block := b.reply.Block
	number := new(big.Int).SetUint64(block.Number)
	out.Block, out.Observed = &block, number.String()
	out.Outcome, out.Reason = No, "block_failed"
	if ordered(t.Op, number.Cmp(t.Value)) {
		out.Outcome, out.Reason = Yes, "block_passed"
	}
}

// ordered applies a comparison operator to the sign of a comparison.
func ordered(op string, sign int) bool {
	switch op {
	case "==":
		return sign == 0
	case "!=":
		return sign != 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	return false
}

// comesTrue reports whether waiting alone makes a block leaf that is not as wanted so: numbers only grow.
func comesTrue(t *rule.BlockTest, observed string, want bool) bool {
	n, ok := integer(observed)
	if !ok {
		return false
	}
	below := n.Cmp(t.Value) < 0
	switch t.Op {
	case ">", ">=":
		return want
	case "<", "<=":
		return !want
	case "==":
		return want && below || !want
	}
	return want || below // !=
}

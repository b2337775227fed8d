package devchain

import (
	"context"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/streamgate/streamgate/fault"
)

// mineLoop seals a block for each transaction that reaches the pool and, so that
// finality and clocks move on, an empty one every period.
func (c *Chain) mineLoop(ctx context.Context, txs <-chan common.Hash, period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case tx := <-txs:
			c.mineUnless(func() bool { return c.mined(ctx, tx) })
		case <-tick.C:
			// Block times differ by at least a second, so blocks for transactions
			// run the chain's clock ahead; empty ones must not run it further.
			c.mineUnless(func() bool { return c.ahead(ctx) })
		}
	}
}

func (c *Chain) mineUnless(skip func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !skip() {
		c.backend.Commit()
	}
}

func (c *Chain) mined(ctx context.Context, tx common.Hash) bool {
	_, err := c.backend.Client().TransactionReceipt(ctx, tx)
	return err == nil
}

func (c *Chain) ahead(ctx context.Context) bool {
	head, err := c.backend.Client().HeaderByNumber(ctx, nil)
	return err == nil && int64(head.Time) >= time.Now().Unix()
}

// Mine seals n blocks with what is pending and returns the number of the head.
func (c *Chain) Mine(ctx context.Context, n int) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open("devchain.Mine"); err != nil {
		return 0, err
	}
	for range n {
		c.backend.Commit()
	}
	head, err := c.backend.Client().BlockNumber(ctx)
	return head, fault.Wrap(fault.Unavailable, "devchain.Mine", err)
}

// Reorg replaces the newest depth blocks by depth+1 new ones. The transactions of
// the replaced blocks are lost when an account of Accounts sent them, and are
// mined again otherwise. fill, when not nil, is called once the old blocks are
// gone: what it sends over RPC is mined in the first new block. It must call no
// method of c.
func (c *Chain) Reorg(ctx context.Context, depth int, fill func(context.Context) error) error {
	const op = "devchain.Reorg"
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(op); err != nil {
		return err
	}
	client := c.backend.Client()
	block, err := client.BlockByNumber(ctx, nil)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if depth < 1 || uint64(depth) > block.NumberU64() {
		return fault.Newf(fault.Invalid, op, "depth %d is not between 1 and the head's number", depth)
	}
	var lost []*types.Transaction
	for range depth {
		lost = append(lost, block.Transactions()...)
		if block, err = client.BlockByHash(ctx, block.ParentHash()); err != nil {
			return fault.Wrap(fault.Unavailable, op, err)
		}
	}
	if err := c.backend.Fork(block.Hash()); err != nil {
		return fault.Wrap(fault.Conflict, op, err)
	}
	// The pool takes the lost transactions back in its own time. Fork waits for
	// it before it looks at anything, so a second one serves as that wait; that it
	// then refuses a pool that is not empty is what we expect.
	_ = c.backend.Fork(block.Hash())
	for _, tx := range lost {
		if err := c.replace(ctx, tx); err != nil {
			return err
		}
	}
	if fill != nil {
		if err := fill(ctx); err != nil {
			return err
		}
	}
	for range depth + 1 {
		c.backend.Commit()
	}
	return nil
}

func (c *Chain) open(op string) error {
	if c.closed {
		return fault.New(fault.Unavailable, op, "the dev chain is closed")
	}
	return nil
}

package nfttest

import (
	"context"
	"fmt"
	"math/big"

	"github.com/streamgate/streamgate/nft"
)

// held asks one query with its window at the newest block and compares the least balances of
// the steps, and the blocks they begin at (0 for any).
func (f Fixture) held(ctx context.Context, q nft.Query, ask nft.HeldFor, value string, want ...nft.HeldStep) error {
	q.Held = ask
	reply, err := f.Verifier.Check(ctx, latest, []nft.Query{q})
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(reply.Answers) != 1 {
		return fmt.Errorf("%d answers to a query", len(reply.Answers))
	}
	a := reply.Answers[0]
	switch {
	case a.Err != nil || a.HeldErr != nil || a.Held == nil:
		return fmt.Errorf("%s through %v: %v, %w", q.Op, ask, a, a.HeldErr)
	case a.Value != value:
		return fmt.Errorf("%s with a window says %q, want %q", q.Op, a.Value, value)
	case len(a.Held.Steps) != len(want):
		return fmt.Errorf("%s through %v has the steps %v, want %v", q.Op, ask, a.Held.Steps, want)
	}
	for i, s := range a.Held.Steps {
		w := want[i]
		if s.Least == nil || s.Least.Cmp(w.Least) != 0 || s.Since.Number != w.Since.Number || ask.Seconds > 0 && s.Since.Number > 0 && s.Since.Time.IsZero() {
			return fmt.Errorf("%s through %v: step %d is %v, want %v", q.Op, ask, i, s, w)
		}
	}
	return nil
}

func heldStep(number uint64, least int64) nft.HeldStep {
	return nft.HeldStep{Since: nft.Block{Number: number}, Least: big.NewInt(least)}
}

// mine makes n empty blocks and returns the newest.
func (f Fixture) mine(ctx context.Context, n int) (b nft.Block, err error) {
	for range n {
		if b, err = f.Mine(ctx); err != nil {
			return b, err
		}
	}
	return b, nil
}

func holdsBalance(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	if _, err := f.mine(ctx, 2); err != nil {
		return err
	}
	got, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}, Op{Kind: Mint1155, To: a, TokenID: "7", Amount: 5})
	if err != nil {
		return err
	}
	gave, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "2"}, Op{Kind: Transfer1155, From: a, To: b, TokenID: "7", Amount: 3})
	if err != nil {
		return err
	}
	next, err := f.mine(ctx, 1)
	if err != nil {
		return err
	}
	now, err := f.mine(ctx, 1)
	if err != nil {
		return err
	}
	blocks := func(since uint64) nft.HeldFor { return nft.HeldFor{Blocks: now.Number - since} }
	if err := f.held(ctx, f.balance(a), blocks(gave.Number), "2", heldStep(gave.Number, 2)); err != nil {
		return err
	}
	if err := f.held(ctx, f.balance(a), blocks(got.Number), "2", heldStep(got.Number, 1), heldStep(gave.Number, 2)); err != nil {
		return err
	}
	if err := f.held(ctx, f.balance(a), blocks(got.Number-1), "2", heldStep(got.Number-1, 0), heldStep(got.Number, 1), heldStep(gave.Number, 2)); err != nil {
		return err
	}
	if err := f.held(ctx, f.balance(b), blocks(got.Number-1), "0", heldStep(got.Number-1, 0)); err != nil {
		return err
	}
	// What became less is worth what is left; 3 of the 5 of token 7 were given away.
	if err := f.held(ctx, f.multi(a, "7"), blocks(got.Number), "2", heldStep(got.Number, 2)); err != nil {
		return err
	}
	if err := f.held(ctx, f.multi(b, "7"), blocks(got.Number), "3", heldStep(got.Number, 0), heldStep(gave.Number, 3)); err != nil {
		return err
	}
	// A window of seconds begins with a block when the next is younger, which not all chains' blocks are.
	seconds := func(since nft.Block) nft.HeldFor {
		return nft.HeldFor{Seconds: uint64(now.Time.Sub(since.Time).Seconds())}
	}
	if next.Time.After(gave.Time) {
		if err := f.held(ctx, f.balance(a), seconds(gave), "2", heldStep(gave.Number, 2)); err != nil {
			return err
		}
	}
	if gave.Time.After(got.Time) {
		if err := f.held(ctx, f.balance(a), seconds(got), "2", heldStep(got.Number, 1), heldStep(gave.Number, 2)); err != nil {
			return err
		}
	}
	// A chain that is younger than the window is no sign of having held.
	for _, ask := range []nft.HeldFor{{Blocks: now.Number + 1}, {Seconds: 1 << 33}} {
		reply, err := f.Verifier.Check(ctx, latest, []nft.Query{{Op: nft.OpBalance721, Contract: f.NFT, Account: a, Held: ask}})
		if err != nil {
			return err
		}
		if h := reply.Answers[0].Held; h != nil && (len(h.Steps) == 0 || h.Steps[0].Least.Sign() > 0) {
			return fmt.Errorf("a window of %v, longer than the chain, was held: %v", ask, h.Steps)
		}
	}
	return nil
}

func holdsToken(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	made, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}, Op{Kind: Mint721, To: b, TokenID: "2"})
	if err != nil {
		return err
	}
	if _, err := f.mine(ctx, 1); err != nil {
		return err
	}
	moved, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"})
	if err != nil {
		return err
	}
	now, err := f.mine(ctx, 1)
	if err != nil {
		return err
	}
	ask := nft.HeldFor{Blocks: now.Number - made.Number}
	if err := f.held(ctx, f.owner("1"), ask, b, heldStep(made.Number, 0), heldStep(moved.Number, 1)); err != nil {
		return err
	}
	if err := f.held(ctx, f.owner("1"), nft.HeldFor{Blocks: 1}, b, heldStep(moved.Number, 1)); err != nil {
		return err
	}
	return f.held(ctx, f.owner("2"), ask, b, heldStep(made.Number, 1))
}

func holdsAround(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	before, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}, Op{Kind: Mint1155, To: a, TokenID: "7", Amount: 5})
	if err != nil {
		return err
	}
	// Out and back; within one block where the chain can.
	back, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"}, Op{Kind: Transfer721, From: b, To: a, TokenID: "1"},
		Op{Kind: Transfer1155, From: a, To: b, TokenID: "7", Amount: 4}, Op{Kind: Transfer1155, From: b, To: a, TokenID: "7", Amount: 4},
		// What an account sends itself stays.
		Op{Kind: Mint1155, To: b, TokenID: "8", Amount: 2}, Op{Kind: Transfer1155, From: b, To: b, TokenID: "8", Amount: 2})
	if err != nil {
		return err
	}
	self, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: a, TokenID: "1"}, Op{Kind: Transfer1155, From: b, To: b, TokenID: "8", Amount: 1})
	if err != nil {
		return err
	}
	ask := nft.HeldFor{Blocks: self.Number - before.Number}
	for _, q := range []nft.Query{f.balance(a), f.owner("1")} {
		value := map[bool]string{true: "1", false: a}[q.Op == nft.OpBalance721]
		if err := f.held(ctx, q, ask, value, heldStep(before.Number, 0), heldStep(back.Number, 1)); err != nil {
			return err
		}
		if err := f.held(ctx, q, nft.HeldFor{Blocks: self.Number - back.Number}, value, heldStep(back.Number, 1)); err != nil {
			return err
		}
	}
	if err := f.held(ctx, f.multi(a, "7"), ask, "5", heldStep(before.Number, 1), heldStep(back.Number, 5)); err != nil {
		return err
	}
	return f.held(ctx, f.multi(b, "8"), nft.HeldFor{Blocks: self.Number - back.Number}, "2", heldStep(back.Number, 2))
}

func holdsReorg(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	made, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"})
	if err != nil {
		return err
	}
	if _, err := f.mine(ctx, 1); err != nil {
		return err
	}
	moved, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"})
	if err != nil {
		return err
	}
	ask := nft.HeldFor{Blocks: moved.Number - made.Number}
	if err := f.held(ctx, f.owner("1"), ask, b, heldStep(made.Number, 0), heldStep(moved.Number, 1)); err != nil {
		return err
	}
	if err := f.Reorg(ctx, 1); err != nil {
		return err
	}
	head, err := f.Verifier.Head(ctx)
	if err != nil {
		return err
	}
	ask.Blocks = head.Number - made.Number
	return f.held(ctx, f.owner("1"), ask, a, heldStep(made.Number, 1))
}

package nfttest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var latest = nft.Finality{Tag: "latest"}

// ask makes one Check and compares the values, in order.
func (f Fixture) ask(ctx context.Context, at nft.Finality, qs []nft.Query, want ...string) error {
	reply, err := f.Verifier.Check(ctx, at, qs)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(reply.Answers) != len(qs) {
		return fmt.Errorf("%d answers to %d queries", len(reply.Answers), len(qs))
	}
	if len(want) < len(qs) {
		return fmt.Errorf("the suite wants %d values of %d queries", len(want), len(qs))
	}
	for i, a := range reply.Answers {
		switch {
		case a.Err != nil:
			return fmt.Errorf("query %d (%s): %w", i, qs[i].Op, a.Err)
		case a.Value != want[i]:
			return fmt.Errorf("query %d (%s of %s) says %q, want %q", i, qs[i].Op, qs[i].Account, a.Value, want[i])
		case qs[i].Op != nft.OpOwner721 && (a.Int == nil || a.Int.String() != a.Value):
			return fmt.Errorf("query %d (%s): Int is %v beside the value %q", i, qs[i].Op, a.Int, a.Value)
		}
	}
	return nil
}

func (f Fixture) balance(account string) nft.Query {
	if f.Ask.Count != nil {
		return f.Ask.Count(account)
	}
	return nft.Query{Op: nft.OpBalance721, Contract: f.NFT, Account: account}
}

func (f Fixture) owner(token string) nft.Query {
	if f.Ask.Owner != nil {
		return f.Ask.Owner(token)
	}
	return nft.Query{Op: nft.OpOwner721, Contract: f.NFT, TokenID: token}
}

func (f Fixture) multi(account, token string) nft.Query {
	if f.Ask.Amount != nil {
		return f.Ask.Amount(account, token)
	}
	return nft.Query{Op: nft.OpBalance1155, Contract: f.Multi, Account: account, TokenID: token}
}

func chainAndHead(ctx context.Context, f Fixture) error {
	if f.Verifier.Chain().IsZero() {
		return errors.New("the verifier names no chain")
	}
	mined, err := f.Mine(ctx)
	if err != nil {
		return err
	}
	head, err := f.Verifier.Head(ctx)
	if err != nil {
		return err
	}
	if head.Number != mined.Number || head.Hash != mined.Hash || head.Time.IsZero() {
		return fmt.Errorf("head is %+v, the newest block is %+v", head, mined)
	}
	return nil
}

func holds721(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	qs := []nft.Query{f.balance(a), f.balance(b), f.owner("1"), f.owner("2"), f.owner("404")}
	if f.Ask.NoOwner {
		qs = qs[:2]
	}
	if err := f.ask(ctx, latest, qs, "0", "0", "", "", ""); err != nil {
		return fmt.Errorf("before minting: %w", err)
	}
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}, Op{Kind: Mint721, To: a, TokenID: "2"}); err != nil {
		return err
	}
	if err := f.ask(ctx, latest, qs, "2", "0", a, a, ""); err != nil {
		return fmt.Errorf("after minting: %w", err)
	}
	if _, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"}); err != nil {
		return err
	}
	if err := f.ask(ctx, latest, qs, "1", "1", b, a, ""); err != nil {
		return fmt.Errorf("after a transfer: %w", err)
	}
	return nil
}

func holds1155(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	_, err := f.Mine(ctx, Op{Kind: Mint1155, To: a, TokenID: "7", Amount: 5}, Op{Kind: Mint1155, To: a, TokenID: "8", Amount: 1},
		Op{Kind: Transfer1155, From: a, To: b, TokenID: "7", Amount: 2})
	if err != nil {
		return err
	}
	qs := []nft.Query{f.multi(a, "7"), f.multi(a, "8"), f.multi(b, "7"), f.multi(b, "8")}
	return f.ask(ctx, latest, qs, "3", "1", "2", "0")
}

func answersInOrder(ctx context.Context, f Fixture) error {
	const n = 150 // more than one batch of most providers
	var ops []Op
	for i := range 3 {
		op := Op{Kind: Mint721, To: f.Accounts[i], TokenID: strconv.Itoa(i)}
		if f.Ask.NoOwner {
			op = Op{Kind: Mint1155, To: f.Accounts[i], TokenID: "7", Amount: uint64(i + 1)}
		}
		ops = append(ops, op)
	}
	block, err := f.Mine(ctx, ops...)
	if err != nil {
		return err
	}
	var qs []nft.Query
	var want []string
	for i := range n {
		if f.Ask.NoOwner {
			qs, want = append(qs, f.multi(f.Accounts[i%3], "7")), append(want, strconv.Itoa(i%3+1))
			continue
		}
		qs, want = append(qs, f.owner(strconv.Itoa(i%3))), append(want, f.Accounts[i%3])
	}
	if err := f.ask(ctx, latest, qs, want...); err != nil {
		return err
	}
	reply, err := f.Verifier.Check(ctx, latest, qs)
	if err != nil {
		return err
	}
	if reply.Block.Number != block.Number || reply.Block.Hash != block.Hash {
		return fmt.Errorf("the reply says block %+v, the newest is %+v", reply.Block, block)
	}
	if reply.Calls < 1 && reply.Source == "" {
		return errors.New("the reply counts no calls")
	}
	return nil
}

func noContract(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	lost := f.balance(a)
	lost.Contract = f.NoCode
	reply, err := f.Verifier.Check(ctx, latest, []nft.Query{lost, f.balance(a)})
	if err != nil {
		return err
	}
	if len(reply.Answers) != 2 {
		return fmt.Errorf("%d answers to 2 queries", len(reply.Answers))
	}
	if ans := reply.Answers[0]; !errors.Is(ans.Err, fault.Unsupported) || ans.Value != "" {
		return fmt.Errorf("an address without code answers %q, %v; want an error of kind unsupported", ans.Value, ans.Err)
	}
	if ans := reply.Answers[1]; ans.Err != nil || ans.Value != "1" {
		return fmt.Errorf("the query beside it answers %q, %v; want 1", ans.Value, ans.Err)
	}
	return nil
}

func nonsense(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	for what, q := range map[string]nft.Query{
		"an unknown operation":               {Op: "erc9999.frobnicate", Contract: f.NFT, Account: a},
		"a function the contract has not":    {Op: nft.OpCall, Contract: f.NFT, Account: a, Call: &nft.Call{Fn: "noSuchFunction(address)(uint256)", Args: []string{":account"}}},
		"an ERC-1155 question to an ERC-721": {Op: nft.OpBalance1155, Contract: f.NFT, Account: a, TokenID: "1"},
	} {
		reply, err := f.Verifier.Check(ctx, latest, []nft.Query{q})
		if err != nil {
			continue
		}
		if len(reply.Answers) != 1 || reply.Answers[0].Err == nil || reply.Answers[0].Value != "" {
			return fmt.Errorf("%s is answered: %+v", what, reply.Answers)
		}
	}
	return nil
}

func finality(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	if _, err := f.Mine(ctx); err != nil { // so that three confirmations exist on the shortest chain
		return err
	}
	before, err := f.Mine(ctx)
	if err != nil {
		return err
	}
	minted, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"})
	if err != nil {
		return err
	}
	q := []nft.Query{f.balance(a)}
	below := minted.Number - before.Number // 1, unless the chain needs several blocks to mint
	if err := f.ask(ctx, nft.Finality{Confirmations: 1}, q, "1"); err != nil {
		return fmt.Errorf("1 confirmation is the head: %w", err)
	}
	past := nft.Finality{Confirmations: below + 1}
	if f.NoHistory {
		if r, err := f.Verifier.Check(ctx, past, q); !errors.Is(err, fault.Unsupported) || len(r.Answers) > 0 {
			return fmt.Errorf("a chain without history answers %d confirmations: %+v, %w", below+1, r, err)
		}
		return f.tags(ctx, q, minted)
	}
	if err := f.ask(ctx, past, q, "0"); err != nil {
		return fmt.Errorf("%d confirmations are before the mint: %w", below+1, err)
	}
	reply, err := f.Verifier.Check(ctx, past, q)
	if err != nil {
		return err
	}
	if reply.Block.Number != before.Number || reply.Block.Hash != before.Hash {
		return fmt.Errorf("%d confirmations read %+v, want %+v", below+1, reply.Block, before)
	}
	if err := f.tags(ctx, q, minted); err != nil {
		return err
	}
	if _, err := f.Verifier.Check(ctx, nft.Finality{Confirmations: 1 << 40}, q); err == nil {
		return errors.New("more confirmations than the chain has blocks are answered")
	}
	return nil
}

// tags reads at the named finalities, which are the older the more settled.
func (f Fixture) tags(ctx context.Context, q []nft.Query, minted nft.Block) error {
	newest := minted.Number
	for _, tag := range []string{"latest", "safe", "finalized"} {
		reply, err := f.Verifier.Check(ctx, nft.Finality{Tag: tag}, q)
		if k := fault.KindOf(err); err != nil && tag != "latest" && (k == fault.Unavailable || k == fault.Unsupported) {
			continue // a young chain, or one without the notion
		}
		// A contract younger than the block read has no code there.
		if err != nil {
			return fmt.Errorf("%s: %w", tag, err)
		}
		if reply.Block.Number > newest {
			return fmt.Errorf("%s is block %d, newer than %d", tag, reply.Block.Number, newest)
		}
		newest = reply.Block.Number
	}
	if _, err := f.Verifier.Check(ctx, nft.Finality{Tag: "pending"}, q); err == nil {
		return errors.New("the tag \"pending\" is answered")
	}
	return nil
}

func together(ctx context.Context, f Fixture) error {
	var ops []Op
	for i, a := range f.Accounts {
		ops = append(ops, Op{Kind: Mint1155, To: a, TokenID: "7", Amount: uint64(i + 1)})
	}
	if _, err := f.Mine(ctx, ops...); err != nil {
		return err
	}
	errs := make([]error, 12)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			n := i % 3
			for range 5 {
				errs[i] = errors.Join(errs[i], f.ask(ctx, latest, []nft.Query{f.multi(f.Accounts[n], "7")}, strconv.Itoa(n+1)))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func hangUp(ctx context.Context, f Fixture) error {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := f.Verifier.Check(gone, latest, []nft.Query{f.balance(f.Accounts[0])})
	if fault.KindOf(err) != fault.Canceled {
		return fmt.Errorf("a canceled check says %v, want an error of kind canceled", err)
	}
	return nil
}

func outage(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	restore := f.Break()
	reply, err := f.Verifier.Check(ctx, latest, []nft.Query{f.balance(a)})
	_, headErr := f.Verifier.Head(ctx)
	restore()
	if !errors.Is(err, fault.Unavailable) {
		return fmt.Errorf("an outage says %v with %+v, want an error of kind unavailable", err, reply.Answers)
	}
	if !errors.Is(headErr, fault.Unavailable) {
		return fmt.Errorf("the head in an outage says %v, want an error of kind unavailable", headErr)
	}
	return f.ask(ctx, latest, []nft.Query{f.balance(a)}, "1")
}

package nfttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// rightsChecks are the promises about operations of several reads.
func rightsChecks() []Check {
	has := func(f Fixture) bool { return f.Rights.Rental != "" }
	return []Check{
		{Name: "rentals have a user and an end", Func: rentals, Needs: has},
		{Name: "subscriptions run out", Func: subscriptions, Needs: has},
		{Name: "keys of a lock run out", Func: lockKeys, Needs: has},
		{Name: "tokens are listed with their metadata", Func: tokenLists, Needs: has},
		{Name: "delegations count what the vault holds", Func: delegations, Needs: has},
		{Name: "accounts of tokens count for who owns the token", Func: boundAccounts, Needs: func(f Fixture) bool { return f.Bind != nil }},
		{Name: "operations of several reads need their functions", Func: rightsOfOthers, Needs: has},
	}
}

const hour = 3600

// script mines the operations of each step in one block and asks afterwards.
type step struct {
	ops  []Op
	qs   []nft.Query
	want []string
}

func (f Fixture) script(ctx context.Context, steps ...step) error {
	for i, s := range steps {
		if _, err := f.Mine(ctx, s.ops...); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if err := f.ask(ctx, latest, s.qs, s.want...); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// soon is a second an hour after the head.
func (f Fixture) soon(ctx context.Context) (uint64, error) {
	head, err := f.Verifier.Head(ctx)
	return uint64(head.Time.Unix()) + hour, err
}

func dec(n uint64) string { return strconv.FormatUint(n, 10) }

func rentals(ctx context.Context, f Fixture) error {
	a, b, c := f.Accounts[0], f.Accounts[1], f.Accounts[2]
	soon, err := f.soon(ctx)
	if err != nil {
		return err
	}
	q := func(who string) nft.Query {
		return nft.Query{Op: nft.OpRental, Contract: f.Rights.Rental, Account: who, TokenID: "1"}
	}
	qs := []nft.Query{q(a), q(b), q(c)}
	at := f.Rights.Rental
	return f.script(ctx,
		step{[]Op{{Kind: Mint721, Contract: at, To: a, TokenID: "1"}}, qs, []string{"0", "0", "0"}},
		step{[]Op{{Kind: Rent, From: a, To: b, TokenID: "1", Until: soon}}, qs, []string{"0", dec(soon), "0"}},
		step{[]Op{{Kind: Rent, From: a, To: c, TokenID: "1", Until: soon + 1}}, qs, []string{"0", "0", dec(soon + 1)}},
		step{[]Op{{Kind: Rent, From: a, To: c, TokenID: "1", Until: soon - 2*hour}}, qs, []string{"0", "0", "0"}},
	)
}

func subscriptions(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	soon, err := f.soon(ctx)
	if err != nil {
		return err
	}
	at := f.Rights.Subscription
	q := func(who, token string) nft.Query {
		return nft.Query{Op: nft.OpSubscription, Contract: at, Account: who, TokenID: token}
	}
	qs := []nft.Query{q(a, "1"), q(a, "2"), q(a, ""), q(b, "1"), q(b, "")}
	return f.script(ctx,
		step{[]Op{{Kind: Mint721, Contract: at, To: a, TokenID: "1"}, {Kind: Mint721, Contract: at, To: a, TokenID: "2"}}, qs, []string{"0", "0", "0", "0", "0"}},
		step{[]Op{{Kind: Extend, TokenID: "1", Until: soon}, {Kind: Extend, TokenID: "2", Until: soon + 5}}, qs,
			[]string{dec(soon), dec(soon + 5), dec(soon + 5), "0", "0"}},
		step{[]Op{{Kind: Transfer721, Contract: at, From: a, To: b, TokenID: "2"}}, qs, []string{dec(soon), "0", dec(soon), "0", dec(soon + 5)}},
	)
}

func lockKeys(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	soon, err := f.soon(ctx)
	if err != nil {
		return err
	}
	at := f.Rights.Lock
	q := func(who, token string) nft.Query {
		return nft.Query{Op: nft.OpUnlockKey, Contract: at, Account: who, TokenID: token}
	}
	qs := []nft.Query{q(a, ""), q(a, "1"), q(b, ""), q(b, "2")}
	past := soon - 2*hour
	return f.script(ctx,
		step{nil, []nft.Query{q(a, ""), q(b, "")}, []string{"0", "0"}},
		step{[]Op{{Kind: GrantKey, To: a, Until: soon}, {Kind: GrantKey, To: b, Until: past}}, qs, []string{dec(soon), dec(soon), dec(past), dec(past)}},
		step{[]Op{{Kind: GrantKey, To: a, Until: soon + 9}}, qs[:2], []string{dec(soon + 9), dec(soon)}},
		step{[]Op{{Kind: Transfer721, Contract: at, From: a, To: b, TokenID: "3"}}, []nft.Query{q(a, ""), q(b, ""), q(a, "3")}, []string{dec(soon), dec(soon + 9), "0"}},
	)
}

func tokenLists(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	at := f.Rights.Art
	list := func(tokens ...nft.Token) string { return nft.FormatTokens(tokens) }
	one, two := nft.Token{ID: "1", URI: "ipfs://a/1"}, nft.Token{ID: "20", URI: "data:,{}"}
	check := func(want ...string) error {
		reply, err := f.Verifier.Check(ctx, latest, []nft.Query{{Op: nft.OpTokens721, Contract: at, Account: a}, {Op: nft.OpTokens721, Contract: at, Account: b}})
		if err != nil {
			return err
		}
		for i, ans := range reply.Answers {
			tokens, err := nft.ParseTokens(ans.Value)
			if ans.Err != nil || err != nil {
				return fmt.Errorf("account %d: %q, %w", i, ans.Value, errors.Join(ans.Err, err))
			}
			slices.SortFunc(tokens, func(x, y nft.Token) int { return len(x.ID) - len(y.ID) })
			if got := list(tokens...); got != want[i] {
				return fmt.Errorf("account %d has %s, want %s", i, got, want[i])
			}
		}
		return nil
	}
	if err := check(list(), list()); err != nil {
		return err
	}
	_, err := f.Mine(ctx, Op{Kind: Mint721, Contract: at, To: a, TokenID: one.ID}, Op{Kind: Mint721, Contract: at, To: a, TokenID: two.ID},
		Op{Kind: SetURI, TokenID: one.ID, Text: one.URI}, Op{Kind: SetURI, TokenID: two.ID, Text: two.URI})
	if err != nil {
		return err
	}
	if err := check(list(one, two), list()); err != nil {
		return err
	}
	if _, err := f.Mine(ctx, Op{Kind: Transfer721, Contract: at, From: a, To: b, TokenID: two.ID}); err != nil {
		return err
	}
	return check(list(one), list(two))
}

func delegations(ctx context.Context, f Fixture) error {
	vault, hot, other := f.Accounts[0], f.Accounts[1], f.Accounts[2]
	q := func(op nft.Op, contract, who, token string) nft.Query {
		return nft.Query{Op: op, Contract: contract, Account: who, TokenID: token}
	}
	qs := []nft.Query{
		q(nft.OpDelegated721, f.NFT, hot, ""), q(nft.OpDelegated721, f.NFT, hot, "1"), q(nft.OpDelegated721, f.NFT, hot, "2"),
		q(nft.OpDelegated1155, f.Multi, hot, "7"), q(nft.OpDelegated1155, f.Multi, hot, "8"),
		q(nft.OpDelegated721, f.NFT, vault, ""), q(nft.OpDelegated721, f.NFT, vault, "1"),
	}
	let := func(kind OpKind, contract, token string) Op {
		return Op{Kind: kind, From: vault, To: hot, Contract: contract, TokenID: token}
	}
	return f.script(ctx,
		step{[]Op{{Kind: Mint721, To: vault, TokenID: "1"}, {Kind: Mint721, To: vault, TokenID: "2"}, {Kind: Mint1155, To: vault, TokenID: "7", Amount: 3}},
			qs, []string{"0", "0", "0", "0", "0", "0", "0"}},
		step{[]Op{let(Delegate, "", "")}, qs, []string{"2", "1", "1", "3", "0", "0", "0"}},
		step{[]Op{let(Revoke, "", ""), let(Delegate, f.NFT, "")}, qs, []string{"2", "1", "1", "0", "0", "0", "0"}},
		step{[]Op{let(Revoke, f.NFT, ""), let(Delegate, f.NFT, "1")}, qs, []string{"1", "1", "0", "0", "0", "0", "0"}},
		// What the vault no longer holds does not count, whatever it delegated.
		step{[]Op{{Kind: Transfer721, From: vault, To: other, TokenID: "1"}}, qs, []string{"0", "0", "0", "0", "0", "0", "0"}},
		// One hop: whom the vault let act cannot pass it on.
		step{[]Op{let(Delegate, "", ""), {Kind: Delegate, From: hot, To: other}},
			[]nft.Query{q(nft.OpDelegated721, f.NFT, hot, ""), q(nft.OpDelegated721, f.NFT, other, ""), q(nft.OpDelegated721, f.NFT, other, "2")}, []string{"1", "0", "0"}},
	)
}

func boundAccounts(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}, Op{Kind: Mint721, To: b, TokenID: "2"}); err != nil {
		return err
	}
	account, err := f.Bind(ctx, f.NFT, "1")
	if err != nil {
		return err
	}
	q := func(who, token string) nft.Query {
		return nft.Query{Op: nft.OpBound721, Contract: f.NFT, Account: who, TokenID: token}
	}
	qs := []nft.Query{q(a, "3"), q(b, "3"), q(a, "2"), q(b, "2"), q(a, "1")}
	return f.script(ctx,
		step{nil, qs, []string{"0", "0", "0", "0", "0"}},
		step{[]Op{{Kind: Mint721, To: account, TokenID: "3"}}, qs, []string{"1", "0", "0", "0", "0"}},
		step{[]Op{{Kind: Transfer721, From: a, To: b, TokenID: "1"}}, qs, []string{"0", "1", "0", "0", "0"}},
		// A token in its own account is a circle that nobody is in.
		step{[]Op{{Kind: Transfer721, From: b, To: account, TokenID: "1"}}, append(qs, q(b, "1")), []string{"0", "0", "0", "0", "0", "0"}},
	)
}

func rightsOfOthers(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	for _, q := range []nft.Query{
		{Op: nft.OpRental, Contract: f.NFT, Account: a, TokenID: "1"},
		{Op: nft.OpSubscription, Contract: f.NFT, Account: a, TokenID: "1"},
		{Op: nft.OpUnlockKey, Contract: f.NFT, Account: a},
		{Op: nft.OpTokens721, Contract: f.NFT, Account: a},
		{Op: nft.OpTokens721, Contract: f.NoCode, Account: a},
		{Op: nft.OpUnlockKey, Contract: f.NoCode, Account: a},
	} {
		reply, err := f.Verifier.Check(ctx, latest, []nft.Query{q, f.balance(a)})
		if err != nil {
			return fmt.Errorf("%s: %w", q.Op, err)
		}
		if ans := reply.Answers[0]; !errors.Is(ans.Err, fault.Unsupported) || ans.Value != "" {
			return fmt.Errorf("%s of a contract that has no such thing answers %q, %v; want an error of kind unsupported", q.Op, ans.Value, ans.Err)
		}
		if ans := reply.Answers[1]; ans.Err != nil || ans.Value != "1" {
			return fmt.Errorf("the query beside %s answers %q, %v; want 1", q.Op, ans.Value, ans.Err)
		}
	}
	return nil
}

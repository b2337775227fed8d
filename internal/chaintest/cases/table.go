package cases

import (
	"encoding/base64"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft/rule"
)

// Who the rows speak of, as indexes of World.Accounts.
const (
	maker = 0
	ann   = 1
	bob   = 2
)

// do makes a step's transactions of functions that make one each.
func do(txs ...func(w *World) chaintest.Tx) func(*World) []chaintest.Tx {
	return func(w *World) []chaintest.Tx {
		var out []chaintest.Tx
		for _, tx := range txs {
			out = append(out, tx(w))
		}
		return out
	}
}

// sends makes a transaction whose arguments need the world: functions of it, and accounts by who.
func sends(from int, a func() contracts.Artefact, method string, args ...any) func(*World) chaintest.Tx {
	return func(w *World) chaintest.Tx {
		out := make([]any, len(args))
		for i, arg := range args {
			switch arg := arg.(type) {
			case who:
				out[i] = w.Accounts[arg]
			case func(*World) any:
				out[i] = arg(w)
			default:
				out[i] = arg
			}
		}
		return w.Call(from, a(), method, out...)
	}
}

type who int

// An end is an hour after the case began, in the types that methods take.
func end64(w *World) any  { return w.End() }
func endBig(w *World) any { return id(int64(w.End())) }

// at is the address of a contract of the case.
func at(a func() contracts.Artefact) func(*World) any {
	return func(w *World) any { return w.At(a()) }
}

// hours is longer than anything in a case lasts.
const hours = 2 * time.Hour

var (
	everyone = []int{maker, ann, bob}
	noRights = [32]byte{}
	someApp  = [32]byte{'a', 'p', 'p'}
)

// hold is a rule on one contract.
func hold(standard string, a func() contracts.Artefact, token string, more ...func(rule.Expr) rule.Expr) func(*World) rule.Expr {
	return func(w *World) rule.Expr {
		e := rule.Hold(w.Asset(standard, a(), token))
		for _, m := range more {
			e = m(e)
		}
		return e
	}
}

func key(a func() contracts.Artefact, token string, check rule.KeyCheck) func(*World) rule.Expr {
	return func(w *World) rule.Expr { return rule.Key(w.Asset("erc721", a(), token), check) }
}

func least(n uint64) func(rule.Expr) rule.Expr {
	return func(e rule.Expr) rule.Expr { return e.Min(n) }
}

func as(h ...rule.Holder) func(rule.Expr) rule.Expr {
	return func(e rule.Expr) rule.Expr { return e.As(h...) }
}

func ids(of ...string) func(rule.Expr) rule.Expr {
	return func(e rule.Expr) rule.Expr { return e.IDs(of...) }
}

func trait(name string, values ...string) func(rule.Expr) rule.Expr {
	return func(e rule.Expr) rule.Expr { return e.Trait(name, values...) }
}

// document is metadata on the chain.
func document(tier string) string {
	return "data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(`{"attributes":[{"trait_type":"Tier","value":"`+tier+`"}]}`))
}

// Table is every case.
func Table() []Case {
	var all []Case
	for _, part := range [][]Case{ownership(), keys(), delegations(), traits()} {
		all = append(all, part...)
	}
	return all
}

// ownership are the tokens that one owns.
func ownership() []Case {
	token, items, coin, soul, tiers := contracts.TestToken, contracts.TestItems, contracts.TestCoin, contracts.TestSoulbound, contracts.TierRegistry
	return []Case{
		{"ERC-721, any token of the collection", hold("erc721", token, ""), []Step{
			{Name: "nobody has one", No: everyone, Reason: "not_held"},
			{Name: "minted", Do: do(sends(maker, token, "mint", who(ann), id(1))), Yes: []int{ann}, No: []int{maker, bob}},
			{Name: "sold", Do: do(sends(ann, token, "transferFrom", who(ann), who(bob), id(1))), Yes: []int{bob}, No: []int{maker, ann}, Reason: "not_held"},
			{Name: "the sale is reorganised away", Undo: true, Yes: []int{ann}, No: []int{bob}},
		}},
		{"ERC-721, one token", hold("erc721", token, "7"), []Step{
			{Name: "another token", Do: do(sends(maker, token, "mint", who(ann), id(8))), No: everyone, Reason: "not_held"},
			{Name: "the token", Do: do(sends(maker, token, "mint", who(ann), id(7))), Yes: []int{ann}, No: []int{bob}},
			{Name: "sold", Do: do(sends(ann, token, "transferFrom", who(ann), who(bob), id(7))), Yes: []int{bob}, No: []int{ann}},
		}},
		{"ERC-721, who must not hold it", func(w *World) rule.Expr { return rule.Not(rule.Hold(w.Asset("erc721", token(), ""))) }, []Step{
			{Name: "nobody has one", Yes: everyone},
			{Name: "minted", Do: do(sends(maker, token, "mint", who(ann), id(1))), Yes: []int{bob}, No: []int{ann}, Reason: "excluded"},
			{Name: "sold", Do: do(sends(ann, token, "transferFrom", who(ann), who(bob), id(1))), Yes: []int{ann}, No: []int{bob}},
		}},
		{"ERC-1155", hold("erc1155", items, "7", least(2)), []Step{
			{Name: "one is too few, and another token does not count", Do: do(sends(maker, items, "mint", who(ann), id(7), id(1)), sends(maker, items, "mint", who(ann), id(8), id(9))), No: everyone, Reason: "not_held"},
			{Name: "two", Do: do(sends(maker, items, "mint", who(ann), id(7), id(1))), Yes: []int{ann}, No: []int{bob}},
			{Name: "one given away", Do: do(sends(ann, items, "safeTransferFrom", who(ann), who(bob), id(7), id(1), []byte{})), No: []int{ann, bob}},
			{Name: "and the other", Do: do(sends(ann, items, "safeTransferFrom", who(ann), who(bob), id(7), id(1), []byte{})), Yes: []int{bob}, No: []int{ann}},
		}},
		{"ERC-20", hold("erc20", coin, "", least(1000)), []Step{
			{Name: "too little", Do: do(sends(maker, coin, "mint", who(ann), id(999))), No: everyone, Reason: "not_held"},
			{Name: "enough", Do: do(sends(maker, coin, "mint", who(ann), id(1))), Yes: []int{ann}, No: []int{bob}},
			{Name: "paid out", Do: do(sends(ann, coin, "transfer", who(bob), id(1000))), Yes: []int{bob}, No: []int{ann}},
		}},
		{"ERC-5192, bound and said to be", func(w *World) rule.Expr {
			return rule.All(rule.Hold(w.Asset("erc721", soul(), "1")),
				rule.Call(w.Chain.ID.String()+":"+w.At(soul()), "locked(uint256)(bool)", "1").Test("==", "true"))
		}, []Step{
			{Name: "issued", Do: do(sends(maker, soul, "issue", who(ann), id(1))), Yes: []int{ann}, No: []int{bob}},
			{Name: "withdrawn", Do: do(sends(maker, soul, "withdraw", id(1))), No: []int{ann, bob}},
			{Name: "issued to another", Do: do(sends(maker, soul, "issue", who(bob), id(1))), Yes: []int{bob}, No: []int{ann}},
		}},
		{"ERC-6551, a token held by the account of another", hold("erc721", token, "9", as(rule.Owner, rule.BoundAccount)), []Step{
			{Name: "the account has nothing", Do: func(w *World) []chaintest.Tx {
				return []chaintest.Tx{sends(maker, token, "mint", who(ann), id(1))(w), w.CreateAccount(w.At(token()), 1)}
			}, No: everyone, Reason: "not_held"},
			{Name: "given to the account", Do: func(w *World) []chaintest.Tx {
				return []chaintest.Tx{sends(maker, token, "mint", w.BoundAccount(w.At(token()), "1"), id(9))(w)}
			}, Yes: []int{ann}, No: []int{maker, bob}},
			{Name: "the token of the account is sold", Do: do(sends(ann, token, "transferFrom", who(ann), who(bob), id(1))), Yes: []int{bob}, No: []int{ann}},
		}},
		{"a tier by a call", func(w *World) rule.Expr {
			return rule.Call(w.Chain.ID.String()+":"+w.At(tiers()), "tierOf(address)(uint8)", ":account").Test(">=", "2")
		}, []Step{
			{Name: "no tier", No: everyone, Reason: "call_failed"},
			{Name: "raised", Do: do(sends(maker, tiers, "setTier", who(ann), uint8(2))), Yes: []int{ann}, No: []int{bob}},
			{Name: "taken away", Do: do(sends(maker, tiers, "setTier", who(ann), uint8(1)), sends(maker, tiers, "setTier", who(bob), uint8(3))), Yes: []int{bob}, No: []int{ann}},
		}},
	}
}

// keys are what runs out.
func keys() []Case {
	rent, subs, lock, old, pass := contracts.TestRental, contracts.TestSubscription, contracts.TestLock, contracts.TestOldLock, contracts.AccessPass
	return []Case{
		{"ERC-4907, the user of a rental", key(rent, "1", rule.ERC4907), []Step{
			{Name: "owned and not let", Do: do(sends(maker, rent, "mint", who(maker), id(1))), No: everyone, Reason: "not_held"},
			{Name: "let", Do: do(sends(maker, rent, "setUser", id(1), who(ann), end64)), Yes: []int{ann}, No: []int{maker, bob}},
			{Name: "sold while it is let", Do: do(sends(maker, rent, "transferFrom", who(maker), who(bob), id(1))), Yes: []int{ann}, No: []int{maker, bob}},
			{Name: "let to another", Do: do(sends(bob, rent, "setUser", id(1), who(maker), end64)), Yes: []int{maker}, No: []int{ann, bob}},
			{Name: "run out", Pass: hours, No: everyone, Reason: ""},
		}},
		{"ERC-721 to own or to rent", hold("erc721", rent, "", ids("1", "2"), as(rule.Owner, rule.Renter)), []Step{
			{Name: "owned and let", Do: do(sends(maker, rent, "mint", who(bob), id(2)), sends(bob, rent, "setUser", id(2), who(ann), end64)), Yes: []int{ann, bob}, No: []int{maker}, Reason: "not_held"},
			{Name: "run out", Pass: hours, Yes: []int{bob}, No: []int{ann}},
		}},
		{"ERC-5643, any subscription", key(subs, "", rule.ERC5643), []Step{
			{Name: "never ran", Do: do(sends(maker, subs, "mint", who(ann), id(1)), sends(maker, subs, "mint", who(ann), id(2))), No: everyone, Reason: "not_held"},
			{Name: "one runs", Do: do(sends(maker, subs, "setEnd", id(2), end64)), Yes: []int{ann}, No: []int{bob}},
			{Name: "sold", Do: do(sends(ann, subs, "transferFrom", who(ann), who(bob), id(2))), Yes: []int{bob}, No: []int{ann}},
			{Name: "cancelled", Do: do(sends(bob, subs, "cancelSubscription", id(2))), No: everyone},
			{Name: "renewed", Do: do(sends(bob, subs, "setEnd", id(2), end64)), Yes: []int{bob}, No: []int{ann}},
			{Name: "run out", Pass: hours, No: []int{bob}, Reason: "key_expired"},
		}},
		{"ERC-5643, the pass of this house by its number", func(w *World) rule.Expr {
			w.At(pass(), "Pass", "P")
			return rule.Key(w.Asset("erc721", pass(), "1"), rule.ERC5643)
		}, []Step{
			{Name: "runs", Do: do(sends(maker, pass, "mintWithExpiry", who(ann), end64)), Yes: []int{ann}, No: []int{bob}, Reason: "not_held"},
			{Name: "sold", Do: do(sends(ann, pass, "transferFrom", who(ann), who(bob), id(1))), Yes: []int{bob}, No: []int{ann}},
			{Name: "run out", Pass: hours, No: []int{bob}, Reason: "key_expired"},
		}},
		{"a key of a lock", key(lock, "", rule.Unlock), []Step{
			{Name: "none", No: everyone, Reason: "not_held"},
			{Name: "granted", Do: do(sends(maker, lock, "grantKey", who(ann), endBig)), Yes: []int{ann}, No: []int{bob}},
			{Name: "given away", Do: do(sends(ann, lock, "transferFrom", who(ann), who(bob), id(1))), Yes: []int{bob}, No: []int{ann}},
			{Name: "the lock's hook refuses", Do: do(sends(maker, lock, "setHook", who(bob), uint8(1))), No: []int{bob}},
			{Name: "the hook admits without a key", Do: do(sends(maker, lock, "setHook", who(bob), uint8(0)), sends(maker, lock, "setHook", who(ann), uint8(2))), Yes: []int{ann, bob}},
			{Name: "expired by the maker", Do: do(sends(maker, lock, "expireKey", id(1)), sends(maker, lock, "setHook", who(ann), uint8(0))), No: []int{ann}, Reason: "not_held"},
			{Name: "another that runs out", Do: do(sends(maker, lock, "grantKey", who(bob), endBig)), Yes: []int{bob}},
			{Name: "run out", Pass: hours, No: []int{bob}, Reason: "key_expired"},
		}},
		{"one key of a lock", key(lock, "2", rule.Unlock), []Step{
			{Name: "another key", Do: do(sends(maker, lock, "grantKey", who(ann), endBig)), No: everyone},
			{Name: "the key", Do: do(sends(maker, lock, "grantKey", who(bob), endBig)), Yes: []int{bob}, No: []int{ann}},
			{Name: "expired by the maker", Do: do(sends(maker, lock, "expireKey", id(2))), No: []int{bob}, Reason: "key_expired"},
		}},
		{"a key of an old lock", key(old, "", rule.Unlock), []Step{
			{Name: "none", No: everyone, Reason: "not_held"},
			{Name: "granted", Do: do(sends(maker, old, "grantKey", who(ann), endBig)), Yes: []int{ann}, No: []int{bob}},
			{Name: "run out", Pass: hours, No: []int{ann}, Reason: "key_expired"},
		}},
	}
}

// delegations are by delegate.xyz v2: bob keeps the tokens, ann acts for him.
func delegations() []Case {
	token, items, coin, reg := contracts.TestToken, contracts.TestItems, contracts.TestCoin, contracts.TestDelegateRegistry
	both := as(rule.Owner, rule.Delegate)
	return []Case{
		{"a delegate of a wallet", hold("erc721", token, "", both), []Step{
			{Name: "the vault has one", Do: do(sends(maker, token, "mint", who(bob), id(1))), Yes: []int{bob}, No: []int{maker, ann}, Reason: "not_held"},
			{Name: "for another purpose", Do: do(sends(bob, reg, "delegateAll", who(ann), someApp, true)), No: []int{ann}},
			{Name: "delegated", Do: do(sends(bob, reg, "delegateAll", who(ann), noRights, true)), Yes: []int{ann, bob}, No: []int{maker}},
			{Name: "one hop and no second", Do: do(sends(ann, reg, "delegateAll", who(maker), noRights, true)), Yes: []int{ann}, No: []int{maker}},
			{Name: "taken back", Do: do(sends(bob, reg, "delegateAll", who(ann), noRights, false), sends(ann, reg, "delegateAll", who(maker), noRights, false)), Yes: []int{bob}, No: []int{ann}},
			{Name: "taking back is reorganised away", Undo: true, Yes: []int{ann, bob}},
			{Name: "the vault sells", Do: do(sends(bob, token, "transferFrom", who(bob), who(maker), id(1))), Yes: []int{maker}, No: []int{ann, bob}},
			{Name: "tidied up", Do: do(sends(bob, reg, "delegateAll", who(ann), noRights, false), sends(ann, reg, "delegateAll", who(maker), noRights, false)), No: []int{ann}},
		}},
		{"a delegate of one token", hold("erc721", token, "", ids("1", "2"), both), []Step{
			{Name: "another token is delegated, and one that the vault has not", Do: do(sends(maker, token, "mint", who(bob), id(1)), sends(maker, token, "mint", who(bob), id(3)),
				sends(bob, reg, "delegateERC721", who(ann), at(token), id(3), noRights, true), sends(bob, reg, "delegateERC721", who(ann), at(token), id(2), noRights, true)), Yes: []int{bob}, No: []int{ann}},
			{Name: "the token", Do: do(sends(bob, reg, "delegateERC721", who(ann), at(token), id(1), noRights, true)), Yes: []int{ann}, No: []int{maker}},
			{Name: "the vault sells", Do: do(sends(bob, token, "transferFrom", who(bob), who(maker), id(1))), Yes: []int{maker}, No: []int{ann, bob}},
		}},
		{"a delegate of a contract, by the subject", func(w *World) rule.Expr {
			return rule.Hold(w.Asset("erc721", token(), "")).Min(2).Delegation("delegate.xyz/v2")
		}, []Step{
			{Name: "one of two", Do: do(sends(maker, token, "mint", who(bob), id(1)), sends(bob, reg, "delegateContract", who(ann), at(token), noRights, true)), No: everyone},
			{Name: "two", Do: do(sends(maker, token, "mint", who(bob), id(2))), Yes: []int{ann, bob}, No: []int{maker}},
			{Name: "taken back", Do: do(sends(bob, reg, "delegateContract", who(ann), at(token), noRights, false)), Yes: []int{bob}, No: []int{ann}},
		}},
		{"a delegate of an amount of an ERC-1155", hold("erc1155", items, "7", both, least(3)), []Step{
			{Name: "fewer than due", Do: do(sends(maker, items, "mint", who(bob), id(7), id(5)), sends(bob, reg, "delegateERC1155", who(ann), at(items), id(7), noRights, id(2))), Yes: []int{bob}, No: []int{ann}},
			{Name: "enough", Do: do(sends(bob, reg, "delegateERC1155", who(ann), at(items), id(7), noRights, id(4))), Yes: []int{ann}},
			{Name: "more than the vault has left", Do: do(sends(bob, items, "safeTransferFrom", who(bob), who(maker), id(7), id(3), []byte{})), Yes: []int{maker}, No: []int{ann, bob}},
		}},
		{"a delegate of an amount of an ERC-20", hold("erc20", coin, "", both, least(100)), []Step{
			{Name: "the vault has it", Do: do(sends(maker, coin, "mint", who(bob), id(500))), Yes: []int{bob}, No: []int{ann}},
			{Name: "less than due", Do: do(sends(bob, reg, "delegateERC20", who(ann), at(coin), noRights, id(99))), No: []int{ann}},
			{Name: "enough", Do: do(sends(bob, reg, "delegateERC20", who(ann), at(coin), noRights, id(100))), Yes: []int{ann}},
			{Name: "taken back", Do: do(sends(bob, reg, "delegateERC20", who(ann), at(coin), noRights, id(0))), Yes: []int{bob}, No: []int{ann}},
		}},
	}
}

// traits are what metadata says; here it lies on the chain.
func traits() []Case {
	art, items := contracts.TestArt, contracts.TestArtItems
	return []Case{
		{"a trait of any token", hold("erc721", art, "", trait("Tier", "gold")), []Step{
			{Name: "another tier", Do: do(sends(maker, art, "mint", who(ann), id(1), document("tin"))), No: everyone, Reason: "not_held"},
			{Name: "the tier", Do: do(sends(maker, art, "mint", who(ann), id(2), document("gold"))), Yes: []int{ann}, No: []int{bob}},
			{Name: "sold", Do: do(sends(ann, art, "transferFrom", who(ann), who(bob), id(2))), Yes: []int{bob}, No: []int{ann}},
			{Name: "changed by the issuer", Do: do(sends(maker, art, "setURI", id(2), document("tin")), sends(maker, art, "setURI", id(1), document("gold"))), Yes: []int{ann}, No: []int{bob}},
		}},
		{"a trait of one token", hold("erc721", art, "5", trait("Tier", "gold", "silver")), []Step{
			{Name: "minted", Do: do(sends(maker, art, "mint", who(ann), id(5), document("silver"))), Yes: []int{ann}, No: []int{bob}, Reason: "not_held"},
			{Name: "sold", Do: do(sends(ann, art, "transferFrom", who(ann), who(bob), id(5))), Yes: []int{bob}, No: []int{ann}},
		}},
		{"a trait of an ERC-1155", hold("erc1155", items, "7", trait("Tier", "gold")), []Step{
			{Name: "minted", Do: do(sends(maker, items, "setURI", document("gold")), sends(maker, items, "mint", who(ann), id(7), id(1))), Yes: []int{ann}, No: []int{bob}},
			{Name: "sold", Do: do(sends(ann, items, "safeTransferFrom", who(ann), who(bob), id(7), id(1), []byte{})), Yes: []int{bob}, No: []int{ann}},
		}},
	}
}

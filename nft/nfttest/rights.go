package nfttest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// The operations on contracts of Fixture.Rights.
const (
	// Rent lends TokenID of Rental to To until Until; From owns it.
	Rent OpKind = "rent"
	// Extend sets the end of the subscription TokenID to Until.
	Extend OpKind = "extend"
	// GrantKey gives To a new key of the lock that ends at Until. Keys are numbered 1, 2, 3 ... by lock.
	GrantKey OpKind = "grantKey"
	// SetURI says where the metadata of TokenID is: Text.
	SetURI OpKind = "setURI"
	// Delegate lets To act for From: for everything, for Contract, or for its token TokenID. Revoke takes it back.
	Delegate OpKind = "delegate"
	Revoke   OpKind = "revoke"
)

// Rights are the addresses of further contracts, without tokens; all or none are there.
type Rights struct {
	// Rental is an ERC-721 with ERC-4907, Subscription an ERC-721 Enumerable with ERC-5643, Lock a lock of the
	// Unlock Protocol, Art an ERC-721 Enumerable with metadata. The verifier knows a registry of delegations.
	Rental, Subscription, Lock, Art string
}

// rights is what a block knows besides balances.
type rights struct {
	users       map[holdKey]string // contract and token
	ends        map[holdKey]uint64
	uris        map[holdKey]string
	keys        map[string]int // the last of a lock
	delegations map[delegation]bool
	bound       map[string]holdKey // accounts of tokens
}

type delegation struct{ from, to, contract, token string }

func newRights() rights {
	return rights{map[holdKey]string{}, map[holdKey]uint64{}, map[holdKey]string{}, map[string]int{}, map[delegation]bool{}, map[string]holdKey{}}
}

func (r rights) clone() rights {
	return rights{maps.Clone(r.users), maps.Clone(r.ends), maps.Clone(r.uris), maps.Clone(r.keys), maps.Clone(r.delegations), maps.Clone(r.bound)}
}

// is721 reports whether contracts of a standard have the functions of an ERC-721.
func is721(standard string) bool {
	return slices.Contains([]string{"erc721", "erc4907", "erc5643", "unlock", "art"}, standard)
}

// uriOf answers a call of tokenURI, or of uri.
func (b *block) uriOf(q nft.Query) (string, bool) {
	name, _, _ := strings.Cut(q.Call.Fn, "(")
	if len(q.Call.Args) != 1 || name != "tokenURI" && name != "uri" {
		return "", false
	}
	uri, ok := b.rights.uris[holdKey{q.Contract, q.Call.Args[0], ""}]
	return uri, ok
}

// applyRight applies the operations of this file, and reports whether op is one. None is a
// transfer that watchers hear of, but the grant of a key.
func (b *block) applyRight(op Op, token func(string) string) bool {
	key := func(contract string) holdKey { return holdKey{contract, op.TokenID, ""} }
	switch op.Kind {
	case Rent:
		k := key(token("erc4907"))
		b.rights.users[k], b.rights.ends[k] = op.To, op.Until
	case Extend:
		b.rights.ends[key(token("erc5643"))] = op.Until
	case SetURI:
		contract := op.Contract
		if contract == "" {
			contract = token("art")
		}
		b.rights.uris[key(contract)] = op.Text
	case GrantKey:
		lock := token("unlock")
		b.rights.keys[lock]++
		k := holdKey{lock, big.NewInt(int64(b.rights.keys[lock])).String(), ""}
		b.owners[k], b.rights.ends[k] = op.To, op.Until
		b.changes = append(b.changes, nft.Change{Block: b.Block, Contract: lock, Accounts: []string{op.To}})
	case Delegate:
		b.rights.delegations[delegation{op.From, op.To, op.Contract, op.TokenID}] = true
	case Revoke:
		delete(b.rights.delegations, delegation{op.From, op.To, op.Contract, op.TokenID})
	default:
		return false
	}
	return true
}

// Bind mines a block with the account (ERC-6551) of a token, and returns its address.
func (c *Chain) Bind(contract, token string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.grow()
	sum := sha256.Sum256([]byte(contract + "/" + token))
	account := "0x" + hex.EncodeToString(sum[:20])
	b.rights.bound[account] = holdKey{contract, token, ""}
	c.tell(b.report())
	return account
}

// tokensOf lists an account's tokens of a contract, by value.
func (b *block) tokensOf(contract, account string) []string {
	var ids []string
	for k, owner := range b.owners {
		if k.contract == contract && owner == account {
			ids = append(ids, k.token)
		}
	}
	slices.SortFunc(ids, func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	return ids
}

// answerRight answers the operations of several reads.
func (b *block) answerRight(q nft.Query) (nft.Answer, bool) {
	number := func(n *big.Int) (nft.Answer, bool) { return nft.Answer{Value: n.String(), Int: n}, true }
	refuse := func(kind fault.Kind, cause error) (nft.Answer, bool) {
		return nft.Answer{Err: fault.Wrap(kind, "nfttest.Check", cause)}, true
	}
	want := map[nft.Op]string{nft.OpRental: "erc4907", nft.OpSubscription: "erc5643", nft.OpUnlockKey: "unlock", nft.OpDelegated1155: "erc1155", nft.OpDelegated20: "erc20"}[q.Op]
	if std := b.standard[q.Contract]; want != "" && std != want {
		return nft.Answer{Err: fault.New(fault.Unsupported, "nfttest.Check", "the contract does not have the function")}, true
	}
	k := holdKey{q.Contract, q.TokenID, ""}
	switch q.Op {
	case nft.OpRental:
		if b.rights.users[k] != q.Account || b.rights.ends[k] < uint64(b.Time.Unix()) {
			return number(new(big.Int))
		}
		return number(new(big.Int).SetUint64(b.rights.ends[k]))
	case nft.OpSubscription, nft.OpUnlockKey:
		last := uint64(0)
		for _, id := range b.tokensOf(q.Contract, q.Account) {
			if q.TokenID == "" || q.TokenID == id {
				last = max(last, b.rights.ends[holdKey{q.Contract, id, ""}])
			}
		}
		return number(new(big.Int).SetUint64(last))
	case nft.OpTokens721:
		std := b.standard[q.Contract]
		if std != "art" && std != "erc5643" {
			return refuse(fault.Unsupported, nft.ErrNotEnumerable)
		}
		var tokens []nft.Token
		for _, id := range b.tokensOf(q.Contract, q.Account) {
			tokens = append(tokens, nft.Token{ID: id, URI: b.rights.uris[holdKey{q.Contract, id, ""}]})
		}
		if len(tokens) > rule.MaxIDs {
			return refuse(fault.TooLarge, nft.ErrTooMany)
		}
		return nft.Answer{Value: nft.FormatTokens(tokens)}, true
	case nft.OpDelegated721, nft.OpDelegated1155, nft.OpDelegated20:
		return number(b.delegated(q))
	case nft.OpBound721:
		to, ok := b.rights.bound[b.owners[k]]
		if ok && b.owners[to] == q.Account {
			return number(big.NewInt(1))
		}
		return number(new(big.Int))
	}
	return nft.Answer{}, false
}

// delegated sums what vaults that delegated to the account hold.
func (b *block) delegated(q nft.Query) *big.Int {
	lets := func(vault, token string) bool {
		d := delegation{vault, q.Account, "", ""}
		all := b.rights.delegations[d]
		d.contract = q.Contract
		all = all || b.rights.delegations[d]
		d.token = token
		return all || b.rights.delegations[d]
	}
	sum := new(big.Int)
	if q.Op == nft.OpDelegated721 {
		for k, owner := range b.owners {
			if k.contract == q.Contract && (q.TokenID == "" || q.TokenID == k.token) && owner != "" && owner != q.Account && lets(owner, k.token) {
				sum.Add(sum, big.NewInt(1))
			}
		}
		return sum
	}
	for k, n := range b.balances {
		if k.contract == q.Contract && k.token == q.TokenID && k.account != q.Account && lets(k.account, k.token) {
			sum.Add(sum, n)
		}
	}
	return sum
}

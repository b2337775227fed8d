package evm

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// delegateRegistry is where delegate.xyz v2 lives on the chains that have it.
const delegateRegistry = "0x00000000000000447e69651d841bd8d104bed493"

// Kinds of delegations in the registry.
const (
	delegateAll      = 1
	delegateContract = 2
	delegateERC721   = 3
	delegateERC20    = 4
	delegateERC1155  = 5
)

const noRights = "0x0000000000000000000000000000000000000000000000000000000000000000"

// delegated721 counts the tokens that others hold and let the account act for. For one token its owner is
// asked after, and nobody can hide a delegation behind many; for a collection, the list of delegations is read.
func delegated721(s *snapshot, q nft.Query) inquiry {
	if q.TokenID == "" {
		return delegatedAmount(s, q)
	}
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		owner := got[0].Value
		if owner == "" || owner == q.Account { // one's own token is not delegated
			return number(new(big.Int))
		}
		return ask(func(got []nft.Answer) inquiry {
			if bad, ok := firstErr(got); ok {
				return bad
			}
			if got[0].Value == "true" {
				return number(big.NewInt(1))
			}
			return number(new(big.Int))
		}, viewing(s.v.opt.DelegateRegistry, "checkDelegateForERC721(address,address,address,uint256,bytes32)(bool)",
			q.Account, owner, q.Contract, q.TokenID, noRights))
	}, ownerOf(q.Contract, q.TokenID))
}

// delegatedAmount sums what the vaults that delegated to the account hold themselves, at the same block.
func delegatedAmount(s *snapshot, q nft.Query) inquiry {
	list := viewing(s.v.opt.DelegateRegistry, "getIncomingDelegations(address)(bytes)", q.Account)
	list.raw = true
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		all, err := parseDelegations([]byte(got[0].Value))
		if err != nil {
			return failed(fault.Unsupported, err)
		}
		stakes := stakesOf(q, all)
		if len(stakes) > rule.MaxVaults {
			return failed(fault.TooLarge, nft.ErrTooMany)
		}
		if len(stakes) == 0 {
			return number(new(big.Int))
		}
		calls := make([]ready, len(stakes))
		for i, st := range stakes {
			calls[i] = st.read(q)
		}
		return ask(func(got []nft.Answer) inquiry {
			sum := new(big.Int)
			for i, st := range stakes {
				if got[i].Err != nil {
					return answered(nft.Answer{Err: got[i].Err})
				}
				sum.Add(sum, st.amount(got[i]))
			}
			return number(sum)
		}, calls...)
	}, list)
}

// delegation is one entry of the registry's list.
type delegation struct {
	kind           byte
	vault          common.Address
	contract       common.Address
	token, balance *big.Int
	full           bool // for every purpose
}

const delegationWords = 7

// parseDelegations reads the ABI encoding of (uint8 kind, address to, address from, bytes32 rights, address
// contract, uint256 token, uint256 amount)[], which has one form alone.
func parseDelegations(data []byte) ([]delegation, error) {
	bad := errors.New("the registry's answer is not a list of delegations")
	const head = 64
	if len(data) < head || (len(data)-head)%(32*delegationWords) != 0 {
		return nil, bad
	}
	n := (len(data) - head) / (32 * delegationWords)
	if word(data, 0).Cmp(big.NewInt(32)) != 0 || word(data, 1).Cmp(big.NewInt(int64(n))) != 0 {
		return nil, bad
	}
	out := make([]delegation, 0, n)
	for i := range n {
		entry := data[head+i*32*delegationWords:]
		kind, ok1 := word(entry, 0), isAddress(entry, 1)
		if !ok1 || !isAddress(entry, 2) || !isAddress(entry, 4) || kind.BitLen() > 8 {
			return nil, bad
		}
		out = append(out, delegation{
			kind: byte(kind.Uint64()), vault: common.BytesToAddress(entry[2*32 : 3*32]), full: word(entry, 3).Sign() == 0,
			contract: common.BytesToAddress(entry[4*32 : 5*32]), token: word(entry, 5), balance: word(entry, 6),
		})
	}
	return out, nil
}

func word(data []byte, i int) *big.Int { return new(big.Int).SetBytes(data[i*32 : (i+1)*32]) }

func isAddress(data []byte, i int) bool { return bytes.Equal(data[i*32:i*32+12], make([]byte, 12)) }

// stake is what one vault may lend the account: all that it holds, at most limit of it, or one token.
type stake struct {
	vault string
	limit *big.Int // nil: without one
	token string   // of an ERC-721
}

// stakesOf picks the delegations that speak of what is asked for, each vault's widest: those of the
// vault or of the contract, or the largest of the token.
func stakesOf(q nft.Query, all []delegation) []stake {
	contract, account := common.HexToAddress(q.Contract), common.HexToAddress(q.Account)
	single := map[nft.Op]byte{nft.OpDelegated721: delegateERC721, nft.OpDelegated1155: delegateERC1155, nft.OpDelegated20: delegateERC20}[q.Op]
	whole := map[common.Address]bool{}
	for _, d := range all {
		if d.full && (d.kind == delegateAll || d.kind == delegateContract && d.contract == contract) {
			whole[d.vault] = true
		}
	}
	var out []stake
	at := map[[2]string]int{}
	for _, d := range all {
		st := stake{vault: lower(d.vault)}
		switch {
		case d.vault == account || d.vault == (common.Address{}):
			continue
		case whole[d.vault]:
		case !d.full || d.kind != single || d.contract != contract:
			continue
		case d.kind == delegateERC721:
			st.token = d.token.String()
		case d.kind == delegateERC1155 && d.token.String() != q.TokenID:
			continue
		default:
			st.limit = d.balance
		}
		key := [2]string{st.vault, st.token}
		i, twice := at[key]
		if !twice {
			at[key] = len(out)
			out = append(out, st)
		} else if out[i].limit != nil && st.limit.Cmp(out[i].limit) > 0 {
			out[i].limit = st.limit
		}
	}
	return out
}

// read asks what the vault holds.
func (st stake) read(q nft.Query) ready {
	switch {
	case st.token != "":
		return ownerOf(q.Contract, st.token)
	case q.Op == nft.OpDelegated1155:
		return viewing(q.Contract, "balanceOf(address,uint256)(uint256)", st.vault, q.TokenID)
	}
	return viewing(q.Contract, "balanceOf(address)(uint256)", st.vault)
}

// amount is what the vault holds of what it delegated.
func (st stake) amount(a nft.Answer) *big.Int {
	switch {
	case st.token != "" && a.Value == st.vault:
		return big.NewInt(1)
	case st.token != "":
		return new(big.Int)
	case st.limit != nil && st.limit.Cmp(a.Int) < 0:
		return st.limit
	}
	return a.Int
}

package evm

import (
	"bytes"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/nft"
)

// accountRegistry is where the registry of ERC-6551 lives on every chain that has it.
const accountRegistry = "0x000000006551c19487814612e58fe06813775758"

// opCode reads the code of an account.
const opCode nft.Op = "code"

// code makes a read of the code at an address.
func code(address string) ready {
	return ready{read: read{op: opCode, to: common.HexToAddress(address)}}
}

// bound721 asks whether a token is owned by the account of another token (ERC-6551), which Account owns: one hop, for
// ownership may run in circles.
func bound721(s *snapshot, q nft.Query) inquiry {
	none := number(new(big.Int))
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		holder := got[0].Value
		if holder == "" || holder == q.Account {
			return none
		}
		return ask(func(got []nft.Answer) inquiry {
			if bad, ok := firstErr(got); ok {
				return bad
			}
			contract, token, ok := boundTo(holder, []byte(got[0].Value), common.HexToAddress(s.v.opt.AccountRegistry), s.v.chainID)
			if !ok {
				return none // somebody's key, or a contract of another kind
			}
			return ask(func(got []nft.Answer) inquiry {
				if bad, ok := firstErr(got); ok {
					return bad
				}
				if got[0].Value != q.Account {
					return none
				}
				return number(big.NewInt(1))
			}, ownerOf(contract, token))
		}, code(holder))
	}, ownerOf(q.Contract, q.TokenID))
}

// The code of a bound account (ERC-6551, Registry): a minimal proxy (ERC-1167), then salt, chain, contract and token.
var (
	boundCreation = []byte("\x3d\x60\xad\x80\x60\x0a\x3d\x39\x81\xf3")
	boundHead     = []byte("\x36\x3d\x3d\x37\x3d\x3d\x3d\x36\x3d\x73")
	boundTail     = []byte("\x5a\xf4\x3d\x82\x80\x3e\x90\x3d\x91\x60\x2b\x57\xfd\x5b\xf3")
)

// boundTo reads from the code of an account which token of this chain it is bound to. The account's address must be the
// one that the registry gives to this very code, so that no contract can say of itself that it is bound.
func boundTo(account string, code []byte, registry common.Address, chain *big.Int) (contract, token string, ok bool) {
	const proxy, length = 45, 45 + 4*32
	if len(code) != length || !bytes.HasPrefix(code, boundHead) || !bytes.Equal(code[30:proxy], boundTail) {
		return "", "", false
	}
	data := code[proxy:]
	if word(data, 1).Cmp(chain) != 0 || !isAddress(data, 2) {
		return "", "", false
	}
	made := crypto.CreateAddress2(registry, [32]byte(data[:32]), crypto.Keccak256(boundCreation, code))
	if lower(made) != account {
		return "", "", false
	}
	return lower(common.BytesToAddress(data[2*32 : 3*32])), word(data, 3).String(), true
}

package evm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// ErrNoContract is the cause of an Answer.Err, of kind fault.Unsupported, when
// the address asked has no code at the block.
var ErrNoContract = errors.New("there is no contract at the address")

// read is a query made ready to be sent.
type read struct {
	op    nft.Op
	to    common.Address
	fn    function
	data  []byte
	token *big.Int // for OpOwner721
	raw   bool     // the answer's value is the bytes returned
}

// compileOne makes a query of one read ready; its errors are fault.Invalid.
func compileOne(q nft.Query) (read, error) {
	to, err := caip.ParseEVMAddress(q.Contract)
	if err != nil {
		return read{}, err
	}
	r := read{op: q.Op, to: common.HexToAddress(to)}
	call := &nft.Call{Args: []string{":account"}}
	switch q.Op {
	case nft.OpBalance721, nft.OpBalance20:
		call.Fn = "balanceOf(address)(uint256)"
	case nft.OpBalance1155:
		call.Fn, call.Args = "balanceOf(address,uint256)(uint256)", []string{":account", q.TokenID}
	case nft.OpOwner721:
		call.Fn, call.Args = "ownerOf(uint256)(address)", []string{q.TokenID}
		r.token, _ = new(big.Int).SetString(q.TokenID, 10)
	case nft.OpCall:
		call = q.Call
	default:
		return read{}, fault.Newf(fault.Invalid, "evm.Check", "operation %q is not known", q.Op)
	}
	r.fn, r.data, err = packCall(call, q.Account)
	return r, err
}

// decode turns what a call returned into an answer.
func (r *read) decode(data []byte) nft.Answer {
	if r.raw {
		return nft.Answer{Value: string(data)}
	}
	values, err := r.fn.out.Unpack(data)
	if err != nil || len(values) != 1 {
		return unsupported("the contract's answer is not a " + r.fn.out[0].Type.String())
	}
	// Encoding again must give the same bytes: this refuses dirty padding, words
	// too many and every other way to hide a second meaning in an answer.
	again, err := r.fn.out.Pack(values...)
	if err != nil || !bytes.Equal(again, data) {
		return unsupported("the contract's answer is not a " + r.fn.out[0].Type.String() + " in canonical form")
	}
	a := answer(r.fn.out[0].Type, values[0])
	if r.op == nft.OpOwner721 && a.Value == zeroAddress {
		return nft.Answer{} // no token is held by nobody
	}
	return a
}

const zeroAddress = "0x0000000000000000000000000000000000000000"

func answer(t abi.Type, v any) nft.Answer {
	switch v := v.(type) {
	case common.Address:
		return nft.Answer{Value: lower(v)}
	case bool:
		return nft.Answer{Value: fmt.Sprint(v)}
	case string:
		if !utf8.ValidString(v) {
			return unsupported("the contract's answer is not UTF-8")
		}
		return nft.Answer{Value: v}
	case []byte:
		return nft.Answer{Value: "0x" + hex.EncodeToString(v)}
	case *big.Int:
		return nft.Answer{Value: v.String(), Int: v}
	}
	if t.T == abi.FixedBytesTy {
		return nft.Answer{Value: fmt.Sprintf("0x%x", v)}
	}
	n, _ := new(big.Int).SetString(fmt.Sprint(v), 10)
	return nft.Answer{Value: n.String(), Int: n}
}

func unsupported(msg string) nft.Answer {
	return nft.Answer{Err: fault.New(fault.Unsupported, "evm.Check", msg)}
}

func noContract() nft.Answer {
	return nft.Answer{Err: fault.Wrap(fault.Unsupported, "evm.Check", ErrNoContract)}
}

func lower(a common.Address) string { return strings.ToLower(a.Hex()) }

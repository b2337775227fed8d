package evm

import (
	"bytes"
	"errors"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// multicallAddress is where Multicall3 lives on the chains that have it.
const multicallAddress = "0xca11bde05977b3631167028862be2a173976ca11"

const multicallABI = `[{"type":"function","name":"aggregate3","stateMutability":"payable",
"inputs":[{"name":"calls","type":"tuple[]","components":[{"name":"target","type":"address"},{"name":"allowFailure","type":"bool"},{"name":"callData","type":"bytes"}]}],
"outputs":[{"name":"returnData","type":"tuple[]","components":[{"name":"success","type":"bool"},{"name":"returnData","type":"bytes"}]}]}]`

// codec holds the parsed ABIs.
type codec struct {
	multicall abi.ABI
	supports  function // supportsInterface(bytes4)(bool), ERC-165
}

type call3 struct {
	Target       common.Address
	AllowFailure bool
	CallData     []byte
}

type result3 struct {
	Success    bool
	ReturnData []byte
}

func newCodec() (codec, error) {
	m, err := abi.JSON(strings.NewReader(multicallABI))
	if err != nil {
		return codec{}, err
	}
	s, err := parseFunction("supportsInterface(bytes4)(bool)")
	return codec{multicall: m, supports: s}, err
}

func (c codec) packAggregate(reads []read) ([]byte, error) {
	calls := make([]call3, len(reads))
	for i, r := range reads {
		calls[i] = call3{Target: r.to, AllowFailure: true, CallData: r.data}
	}
	return c.multicall.Pack("aggregate3", calls)
}

func (c codec) unpackAggregate(data []byte, want int) ([]result3, error) {
	var out []result3
	if err := c.multicall.UnpackIntoInterface(&out, "aggregate3", data); err != nil {
		return nil, err
	}
	if len(out) != want {
		return nil, errors.New("as many results as calls are due")
	}
	return out, nil
}

// supports721 is the question whether a contract is an ERC-721.
func (c codec) supports721() ([]byte, error) {
	args, err := c.supports.in.Pack([4]byte{0x80, 0xac, 0x58, 0xcd})
	return append(c.supports.selector[:], args...), err
}

// saysTrue reports whether data is exactly the ABI encoding of true.
func saysTrue(data []byte) bool {
	return len(data) == 32 && new(big.Int).SetBytes(data).IsUint64() && data[31] == 1 && bytes.Equal(data[:31], make([]byte, 31))
}

// saysNonexistent reports whether revert data is ERC721NonexistentToken(id) of
// ERC-6093, for this very id.
func saysNonexistent(data []byte, id *big.Int) bool {
	return len(data) == 36 && bytes.Equal(data[:4], []byte{0x7e, 0x27, 0x32, 0x89}) && new(big.Int).SetBytes(data[4:]).Cmp(id) == 0
}

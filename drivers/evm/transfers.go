package evm

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/nft/index"
)

// maxRange bounds the tokens of one ERC-2309 log; what names more is unusual.
const maxRange = 10_000

var errUnusual = errors.New("the log fits no token standard")

// movements returns what a log moved. A log of an unusual shape is one Odd transfer.
func (t topics) movements(l logEntry) []index.Transfer {
	out, err := t.read(l)
	if err != nil {
		out = []index.Transfer{{Kind: index.Odd, Amount: new(big.Int)}}
	}
	for i := range out {
		out[i].Contract = lower(l.Address)
		out[i].Hash = hashText(l.BlockHash)
		if l.BlockNumber != nil {
			out[i].Block = uint64(*l.BlockNumber)
		}
	}
	return out
}

func (t topics) read(l logEntry) ([]index.Transfer, error) {
	switch n := len(l.Topics); {
	case l.Topics[0] == t.transfer && n == 4 && len(l.Data) == 0:
		return parties2(l.Topics[1], l.Topics[2], index.Transfer{Kind: index.ERC721, Token: decimal(l.Topics[3][:]), Amount: big.NewInt(1)})
	case l.Topics[0] == t.transfer && n == 3 && len(l.Data) == 32:
		return parties2(l.Topics[1], l.Topics[2], index.Transfer{Kind: index.ERC20, Amount: new(big.Int).SetBytes(l.Data)})
	case l.Topics[0] == t.single && n == 4 && len(l.Data) == 64:
		return parties2(l.Topics[2], l.Topics[3], index.Transfer{
			Kind: index.ERC1155, Token: decimal(l.Data[:32]), Amount: new(big.Int).SetBytes(l.Data[32:]),
		})
	case l.Topics[0] == t.batch && n == 4:
		return batch(l)
	case l.Topics[0] == t.consecutive && n == 4 && len(l.Data) == 32:
		return consecutive(l)
	}
	return nil, errUnusual
}

// parties2 adds the accounts of a transfer.
func parties2(from, to common.Hash, t index.Transfer) ([]index.Transfer, error) {
	var ok1, ok2 bool
	t.From, ok1 = party(from)
	t.To, ok2 = party(to)
	if !ok1 || !ok2 {
		return nil, errUnusual
	}
	return []index.Transfer{t}, nil
}

// party reads an address topic; the zero address is nobody.
func party(w common.Hash) (string, bool) {
	if !bytes.Equal(w[:12], make([]byte, 12)) {
		return "", false
	}
	if w == (common.Hash{}) {
		return "", true
	}
	return lower(common.BytesToAddress(w[12:])), true
}

// batch reads TransferBatch, whose data is two arrays of words in ABI encoding.
func batch(l logEntry) ([]index.Transfer, error) {
	ids, ok1 := words(l.Data, 0)
	amounts, ok2 := words(l.Data, 1)
	if !ok1 || !ok2 || len(ids) != len(amounts) {
		return nil, errUnusual
	}
	var out []index.Transfer
	for i, id := range ids {
		one, err := parties2(l.Topics[2], l.Topics[3], index.Transfer{Kind: index.ERC1155, Token: decimal(id), Amount: new(big.Int).SetBytes(amounts[i])})
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

// words reads the array that word n of the data points to.
func words(data []byte, n int) ([][]byte, bool) {
	word := func(at uint64) (uint64, bool) {
		if at > uint64(len(data)) || uint64(len(data))-at < 32 {
			return 0, false
		}
		v := new(big.Int).SetBytes(data[at : at+32])
		return v.Uint64(), v.IsUint64()
	}
	at, ok := word(uint64(32 * n))
	if !ok {
		return nil, false
	}
	count, ok := word(at)
	if !ok || count > uint64(len(data))/32 || uint64(len(data))-at-32 < 32*count {
		return nil, false
	}
	out := make([][]byte, count)
	for i := range out {
		begin := at + 32 + 32*uint64(i)
		out[i] = data[begin : begin+32]
	}
	return out, true
}

// consecutive reads ConsecutiveTransfer of ERC-2309.
func consecutive(l logEntry) ([]index.Transfer, error) {
	first, last := new(big.Int).SetBytes(l.Topics[1][:]), new(big.Int).SetBytes(l.Data)
	n := new(big.Int).Sub(last, first)
	if n.Sign() < 0 || n.Cmp(big.NewInt(maxRange)) >= 0 {
		return nil, errUnusual
	}
	var out []index.Transfer
	for id := first; id.Cmp(last) <= 0; id.Add(id, big.NewInt(1)) {
		one, err := parties2(l.Topics[2], l.Topics[3], index.Transfer{Kind: index.ERC721, Token: id.String(), Amount: big.NewInt(1)})
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

func decimal(word []byte) string { return new(big.Int).SetBytes(word).String() }

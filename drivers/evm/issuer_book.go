package evm

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm/passabi"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
	"github.com/streamgate/streamgate/nft/pass"
)

// book knows the pass contracts: how they are called, what they log, why they refuse.
type book struct {
	nft          *passabi.NFTPass
	subscription *passabi.SubscriptionPass
	item         *passabi.ItemPass
	abis         []abi.ABI
	artefacts    map[pass.Kind]contracts.Artefact
	transfer     common.Hash
	single       common.Hash
}

func newBook() (*book, error) {
	b := &book{
		artefacts: map[pass.Kind]contracts.Artefact{pass.ERC721: contracts.NFTPass(), pass.Subscription: contracts.SubscriptionPass(), pass.ERC1155: contracts.ItemPass()},
		transfer:  crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)")),
		single:    crypto.Keccak256Hash([]byte("TransferSingle(address,address,address,uint256,uint256)")),
	}
	for _, a := range b.artefacts {
		spec, err := abi.JSON(bytes.NewReader(a.ABI))
		if err != nil {
			return nil, err
		}
		b.abis = append(b.abis, spec)
	}
	// The constructors of the bindings panic on an ABI that does not parse: those just parsed are theirs.
	b.nft, b.subscription, b.item = passabi.NewNFTPass(), passabi.NewSubscriptionPass(), passabi.NewItemPass()
	return b, nil
}

// reference is the order as its contract knows it.
func reference(o pass.Order) [32]byte {
	return crypto.Keccak256Hash([]byte("streamgate order\x00" + o.Tenant + "\x00" + o.ID))
}

// call is what the transaction of an order calls, with which data.
func (b *book) call(o pass.Order, p *pass.Order) (to string, data []byte, err error) {
	const op = "evm.call"
	switch {
	case o.Act == pass.Deploy && o.Spec != nil:
		data, err = b.creation(o.Spec)
		return "", data, err
	case o.Act != pass.Mint || o.Grant == nil || p == nil || p.Spec == nil || p.Contract == "":
		return "", nil, fault.New(fault.Internal, op, "the order is neither of a pass nor for one")
	}
	holder, ref := common.HexToAddress(o.Grant.To), reference(o)
	switch p.Spec.Kind {
	case pass.ERC721:
		data, err = b.nft.TryPackMint(holder, ref)
	case pass.Subscription:
		data, err = b.subscription.TryPackSubscribe(holder, o.Grant.Duration, ref)
	case pass.ERC1155:
		id, ok := new(big.Int).SetString(o.Grant.TokenID, 10)
		if !ok {
			return "", nil, fault.Newf(fault.Invalid, op, "%q is not a token id", o.Grant.TokenID)
		}
		data, err = b.item.TryPackMint(holder, id, new(big.Int).SetUint64(o.Grant.Amount), ref)
	default:
		return "", nil, fault.Newf(fault.Invalid, op, "the kind %q", p.Spec.Kind)
	}
	return p.Contract, data, fault.Wrap(fault.Internal, op, err)
}

func (b *book) creation(s *pass.Spec) ([]byte, error) {
	a, ok := b.artefacts[s.Kind]
	if !ok {
		return nil, fault.Newf(fault.Invalid, "evm.creation", "the kind %q", s.Kind)
	}
	supply := new(big.Int).SetUint64(s.MaxSupply)
	owner, minter := common.HexToAddress(s.Authority), common.HexToAddress(s.Minter)
	var args []byte
	if s.Kind == pass.ERC1155 {
		args = b.item.PackConstructor(passabi.ItemPassTerms{Name: s.Name, Symbol: s.Symbol, BaseURI: s.BaseURI, MaxSupply: supply, Soulbound: s.Soulbound, Owner: owner, Minter: minter})
	} else {
		// The subscription has the same constructor.
		args = b.nft.PackConstructor(passabi.NFTPassTerms{Name: s.Name, Symbol: s.Symbol, BaseURI: s.BaseURI, MaxSupply: supply, Soulbound: s.Soulbound, Owner: owner, Minter: minter})
	}
	return append(bytes.Clone(a.Bytecode), args...), nil
}

// reason reads the data of a revert, as far as it says something.
func (b *book) reason(data any) (string, bool) {
	text, _ := data.(string)
	raw, err := hexutil.Decode(text)
	if err != nil || len(raw) < 4 {
		return "", false
	}
	if msg, err := abi.UnpackRevert(raw); err == nil {
		return outbound.Secrets(nil).Redact(msg), true // a text of the contract's
	}
	for _, spec := range b.abis {
		e, err := spec.ErrorByID([4]byte(raw[:4]))
		if err != nil {
			continue
		}
		values, err := e.Inputs.Unpack(raw[4:])
		if err != nil {
			continue
		}
		parts := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case common.Address:
				parts[i] = lowerAddress(v)
			case [32]byte:
				parts[i] = "0x" + hex.EncodeToString(v[:])
			default:
				parts[i] = fmt.Sprint(v)
			}
		}
		return e.Name + "(" + strings.Join(parts, ", ") + ")", true
	}
	return "", false
}

// logOf is what is read of a log.
type logOf struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
}

// minted is the token that the logs of a mint tell of.
func (b *book) minted(o pass.Order, logs []logOf) (string, bool) {
	if o.Grant == nil {
		return "", false
	}
	contract, holder := common.HexToAddress(o.To), common.BytesToHash(common.HexToAddress(o.Grant.To).Bytes())
	for _, l := range logs {
		if l.Address != contract || len(l.Topics) != 4 {
			continue
		}
		switch l.Topics[0] {
		case b.transfer:
			if l.Topics[1] == (common.Hash{}) && l.Topics[2] == holder {
				return l.Topics[3].Big().String(), true
			}
		case b.single:
			if l.Topics[2] == (common.Hash{}) && l.Topics[3] == holder && len(l.Data) == 64 {
				return new(big.Int).SetBytes(l.Data[:32]).String(), true
			}
		}
	}
	return "", false
}

func createAddress(from common.Address, nonce uint64) common.Address {
	return crypto.CreateAddress(from, nonce)
}

func lowerAddress(a common.Address) string { return strings.ToLower(a.Hex()) }
func lowerHex(h common.Hash) string        { return strings.ToLower(h.Hex()) }

// sameCall tells whether a transaction on the chain does what an order wants.
func sameCall(o pass.Order, tx *chainTx) bool {
	to := ""
	if tx.To != nil {
		to = lowerAddress(*tx.To)
	}
	return lowerAddress(tx.From) == o.Sender && to == o.To && bytes.Equal(tx.Input, o.Data) && tx.Value.ToInt().Sign() == 0
}

// chainTx is what is read of a transaction.
type chainTx struct {
	Hash  common.Hash     `json:"hash"`
	From  common.Address  `json:"from"`
	To    *common.Address `json:"to"`
	Nonce hexutil.Uint64  `json:"nonce"`
	Input hexutil.Bytes   `json:"input"`
	Value hexutil.Big     `json:"value"`
}

// receipt is what is read of a receipt.
type receipt struct {
	Hash     common.Hash     `json:"transactionHash"`
	Block    common.Hash     `json:"blockHash"`
	Number   *hexutil.Uint64 `json:"blockNumber"`
	Status   *hexutil.Uint64 `json:"status"`
	Contract *common.Address `json:"contractAddress"`
	Logs     []logOf         `json:"logs"`
}

func (r *receipt) ok() bool {
	return r.Status != nil && uint64(*r.Status) == types.ReceiptStatusSuccessful
}

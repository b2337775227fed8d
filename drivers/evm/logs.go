package evm

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// topics are the first topics of the logs by which tokens change hands.
type topics struct{ transfer, single, batch, consecutive common.Hash }

func newTopics() topics {
	h := func(s string) common.Hash { return crypto.Keccak256Hash([]byte(s)) }
	return topics{
		transfer:    h("Transfer(address,address,uint256)"),                          // ERC-20, ERC-721
		single:      h("TransferSingle(address,address,address,uint256,uint256)"),    // ERC-1155
		batch:       h("TransferBatch(address,address,address,uint256[],uint256[])"), // ERC-1155
		consecutive: h("ConsecutiveTransfer(uint256,uint256,address,address)"),       // ERC-2309
	}
}

func (t topics) all() []common.Hash {
	return []common.Hash{t.transfer, t.single, t.batch, t.consecutive}
}

// logEntry is what is read of a log.
type logEntry struct {
	Address   common.Address `json:"address"`
	Topics    []common.Hash  `json:"topics"`
	Data      hexutil.Bytes  `json:"data"`
	BlockHash common.Hash    `json:"blockHash"`
	Removed   bool           `json:"removed"`
	// BlockNumber is read where a range was asked for.
	BlockNumber *hexutil.Uint64 `json:"blockNumber"`
	LogIndex    hexutil.Uint64  `json:"logIndex"`
}

// errDoubt means logs may be missing and the provider cannot prove otherwise.
var errDoubt = errors.New("the block announces logs that the provider does not show")

// addressesAtOnce is how many contracts one eth_getLogs names.
const addressesAtOnce = 256

// transfers returns the changes of one block for the contracts in set, one for
// each contract. An error that is errDoubt comes with what was found.
func (v *Verifier) transfers(ctx context.Context, h *header, set []common.Address, m *meter) ([]nft.Change, error) {
	logs, err := v.logsOf(ctx, []*header{h}, set, m)
	if len(logs) == 0 {
		return nil, err
	}
	return v.group(h, logs[0]), err
}

// logsOf returns the transfers' logs of each block, by its hash. An error that is errDoubt
// comes with what was found.
func (v *Verifier) logsOf(ctx context.Context, hs []*header, set []common.Address, m *meter) ([][]logEntry, error) {
	if len(set) == 0 {
		return make([][]logEntry, len(hs)), nil
	}
	var reqs []request
	chunks := slices.Collect(slices.Chunk(set, addressesAtOnce))
	results := make([][]logEntry, len(hs)*len(chunks))
	for i, h := range hs {
		for j, chunk := range chunks {
			filter := map[string]any{"blockHash": *h.Hash, "address": chunk, "topics": [][]common.Hash{v.topics.all()}}
			reqs = append(reqs, request{Method: "eth_getLogs", Args: []any{filter}, Result: &results[i*len(chunks)+j]})
		}
	}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return nil, err
	}
	if err := first(reqs); err != nil {
		return nil, err
	}
	out := make([][]logEntry, len(hs))
	for i, h := range hs {
		out[i] = slices.Concat(results[i*len(chunks) : (i+1)*len(chunks)]...)
		for _, l := range out[i] {
			if l.BlockHash != *h.Hash || l.Removed || len(l.Topics) == 0 || !slices.Contains(set, l.Address) {
				return nil, fault.New(fault.Unavailable, "evm.logs", "the provider answers with logs that were not asked for")
			}
		}
	}
	for i, h := range hs {
		if !v.announced(h, set, out[i]) {
			continue
		}
		proven, err := v.provenLogs(ctx, h, set, m)
		if err != nil {
			return out, err
		}
		out[i] = proven
	}
	return out, nil
}

// announced reports whether the block's bloom speaks of a contract's transfers
// of which logs shows none. Blooms have false positives, never false negatives.
func (v *Verifier) announced(h *header, set []common.Address, logs []logEntry) bool {
	if h.Bloom == nil {
		return false
	}
	hit := func(t common.Hash) bool { return h.Bloom.Test(t.Bytes()) }
	if !slices.ContainsFunc(v.topics.all(), hit) {
		return false
	}
	shown := map[common.Address]bool{}
	for _, l := range logs {
		shown[l.Address] = true
	}
	return slices.ContainsFunc(set, func(a common.Address) bool { return !shown[a] && h.Bloom.Test(a.Bytes()) })
}

// provenLogs takes the logs from the block's receipts, whose hash is in the header.
func (v *Verifier) provenLogs(ctx context.Context, h *header, set []common.Address, m *meter) ([]logEntry, error) {
	var receipts types.Receipts
	reqs := []request{{Method: "eth_getBlockReceipts", Args: []any{*h.Hash}, Result: &receipts}}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return nil, err
	}
	doubt := fault.Wrap(fault.Unavailable, "evm.logs", errDoubt)
	if first(reqs) != nil || h.ReceiptsRoot == nil || slices.Contains(receipts, nil) {
		return nil, doubt
	}
	if types.DeriveSha(receipts, trie.NewStackTrie(nil)) != *h.ReceiptsRoot {
		return nil, doubt
	}
	var out []logEntry
	for _, r := range receipts {
		for _, l := range r.Logs {
			if len(l.Topics) > 0 && slices.Contains(v.topics.all(), l.Topics[0]) && slices.Contains(set, l.Address) {
				out = append(out, logEntry{Address: l.Address, Topics: l.Topics, Data: l.Data})
			}
		}
	}
	return out, nil
}

// group makes one change of all logs of a contract, in the order of their first.
func (v *Verifier) group(h *header, logs []logEntry) []nft.Change {
	var changes []nft.Change
	for _, l := range logs {
		contract := lower(l.Address)
		i := slices.IndexFunc(changes, func(c nft.Change) bool { return c.Contract == contract })
		if i < 0 {
			i = len(changes)
			changes = append(changes, nft.Change{Block: h.block(), Contract: contract})
		}
		for _, a := range v.topics.parties(l) {
			if !slices.Contains(changes[i].Accounts, a) {
				changes[i].Accounts = append(changes[i].Accounts, a)
			}
		}
	}
	return changes
}

// parties returns the accounts between which a log says something moved. A
// Transfer of an unusual shape (CryptoKitties indexes nothing) yields every word
// that may be an address: one account too many is asked again, one too few would
// keep what it no longer holds.
func (t topics) parties(l logEntry) []string {
	var words []common.Hash
	switch {
	case l.Topics[0] != t.transfer:
		words = l.Topics[min(2, len(l.Topics)):] // operator, or first id, comes before
	case len(l.Topics) >= 3:
		words = l.Topics[1:3]
	default:
		words = slices.Clone(l.Topics[1:])
		for chunk := range slices.Chunk(l.Data[:min(len(l.Data), 3*32)], 32) {
			words = append(words, common.BytesToHash(chunk))
		}
	}
	var out []string
	for _, w := range words {
		if bytes.Equal(w[:12], make([]byte, 12)) && w != (common.Hash{}) {
			out = append(out, lower(common.BytesToAddress(w[12:])))
		}
	}
	return out
}

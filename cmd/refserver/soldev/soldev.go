// Package soldev is a small Solana for demos and tests: the real virtual machine (LiteSVM) with the real SPL Token,
// Token-2022, associated token account and memo programs, behind JSON-RPC and notices over WebSocket of this project's own, in a
// process of Node.js on loopback. It is NO validator and no other cluster's node: one process, no consensus, no forks, no
// Metaplex programs, keys that everyone knows, and nothing is kept on disk. The demo and internal/chaintest call it.
package soldev

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
)

//go:embed node
var node embed.FS

// File returns a file of the node's program: package.json, package-lock.json or node.mjs.
func File(name string) []byte {
	b, err := node.ReadFile("node/" + name)
	if err != nil {
		panic("soldev: no file " + name) // a caller's own mistake, which its first test shows
	}
	return b
}

// Node is a running node. A slot passes when a transaction, SetAccount or Tick makes it, and on a clock where the node was
// started with one. Methods that send transactions may be called from one goroutine at a time.
type Node struct {
	// RPCURL is its address, on loopback, and WSURL where it tells of slots, accounts and programs.
	RPCURL, WSURL string
	// Genesis is its genesis hash, ID the CAIP-2 identifier made of it.
	Genesis string
	ID      caip.ChainID
	// Payer pays for everything, and is the authority of every mint.
	Payer solana.PrivateKey

	stop func() error
}

// Attach returns the node that listens at addr, with SOL for its payer.
func Attach(ctx context.Context, addr, genesis string, payer solana.PrivateKey) (*Node, error) {
	n := &Node{RPCURL: "http://" + addr, WSURL: "ws://" + addr, Genesis: genesis, Payer: payer,
		ID: caip.ChainID{Namespace: "solana", Reference: genesis[:32]}}
	return n, n.Airdrop(ctx, payer.PublicKey(), 1_000_000_000_000)
}

// Fault is what is wrong with the node; the zero value is nothing.
type Fault struct {
	// Lag answers from that many slots ago, StaleSlot puts a false slot in every
	// context, IgnoreMin forgets minContextSlot.
	Lag       int     `json:"lag,omitempty"`
	StaleSlot *uint64 `json:"staleSlot,omitempty"`
	IgnoreMin bool    `json:"ignoreMin,omitempty"`
	// Status answers with an HTTP status, Drop cuts the connection, Delay waits
	// that many milliseconds, Huge sends that many bytes.
	Status int  `json:"status,omitempty"`
	Drop   bool `json:"drop,omitempty"`
	Delay  int  `json:"delay,omitempty"`
	Huge   int  `json:"huge,omitempty"`
	// Genesis is another chain's hash.
	Genesis string `json:"genesis,omitempty"`
	// Methods limits Status, Drop, Delay and Huge to requests with one of them.
	Methods []string `json:"methods,omitempty"`
	// Mute tells nobody of changed accounts, Deaf nobody of anything, Refuse lists subscriptions that are refused.
	Mute   bool     `json:"mute,omitempty"`
	Deaf   bool     `json:"deaf,omitempty"`
	Refuse []string `json:"refuse,omitempty"`
}

// post sends one JSON document and decodes the answer.
func (s *Node) post(ctx context.Context, path string, body, out any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.RPCURL+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err = io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return json.Unmarshal(b, out)
}

// Airdrop gives an account SOL.
func (s *Node) Airdrop(ctx context.Context, to solana.PublicKey, lamports uint64) error {
	_, err := s.call(ctx, "requestAirdrop", to.String(), lamports)
	return err
}

func (s *Node) call(ctx context.Context, method string, params ...any) (json.RawMessage, error) {
	var out struct {
		Result json.RawMessage
		Error  *struct {
			Message string
			Data    json.RawMessage
		}
	}
	if err := s.post(ctx, "/", map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, &out); err != nil {
		return nil, err
	}
	if out.Error != nil {
		return nil, fmt.Errorf("%s: %s %s", method, out.Error.Message, out.Error.Data)
	}
	return out.Result, nil
}

func (s *Node) admin(ctx context.Context, method string, params any) error {
	var out any
	return s.post(ctx, "/admin", map[string]any{"method": method, "params": params}, &out)
}

func (s *Node) ask(ctx context.Context, method string) (map[string]int, error) {
	var out struct{ Result map[string]int }
	err := s.post(ctx, "/admin", map[string]any{"method": method}, &out)
	return out.Result, err
}

// Counts returns the HTTP requests ("requests") and the calls in them by method since the last call.
func (s *Node) Counts(ctx context.Context) (map[string]int, error) { return s.ask(ctx, "counts") }

// Listening returns the subscriptions there are: slot, account, program.
func (s *Node) Listening(ctx context.Context) (map[string]int, error) {
	return s.ask(ctx, "listening")
}

// Cut ends all WebSocket connections.
func (s *Node) Cut(ctx context.Context) error { return s.admin(ctx, "cut", nil) }

// Fault sets what is wrong with the node from now on.
func (s *Node) Fault(ctx context.Context, f Fault) error { return s.admin(ctx, "fault", f) }

// Lags says how many slots behind the newest "confirmed" and "finalized" are; both
// are 0 at the start.
func (s *Node) Lags(ctx context.Context, confirmed, finalized int) error {
	return s.admin(ctx, "lags", map[string]int{"confirmed": confirmed, "finalized": finalized})
}

// Tick makes n empty slots.
func (s *Node) Tick(ctx context.Context, n int) error {
	return s.admin(ctx, "tick", map[string]int{"slots": n})
}

// SetAccount sets an account to any bytes in a slot of its own, which is how the
// accounts of programs the node does not have come to be.
func (s *Node) SetAccount(ctx context.Context, key, owner solana.PublicKey, data []byte) error {
	return s.admin(ctx, "setAccount", map[string]any{"key": key.String(), "owner": owner.String(), "data": base64.StdEncoding.EncodeToString(data)})
}

// Head returns the newest slot with its blockhash.
func (s *Node) Head(ctx context.Context) (nft.Block, error) {
	raw, err := s.call(ctx, "getLatestBlockhash", map[string]string{"commitment": "processed"})
	if err != nil {
		return nft.Block{}, err
	}
	var out struct {
		Context struct{ Slot uint64 }
		Value   struct{ Blockhash string }
	}
	err = json.Unmarshal(raw, &out)
	return nft.Block{Number: out.Context.Slot, Hash: out.Value.Blockhash, Time: time.Now()}, err
}

// Send signs and runs instructions in a slot of their own, paid by Payer.
func (s *Node) Send(ctx context.Context, signers []solana.PrivateKey, ins ...solana.Instruction) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	hash, err := solana.HashFromBase58(head.Hash)
	if err != nil {
		return err
	}
	tx, err := solana.NewTransaction(ins, hash, solana.TransactionPayer(s.Payer.PublicKey()))
	if err != nil {
		return err
	}
	_, err = tx.Sign(func(key solana.PublicKey) *solana.PrivateKey {
		for _, k := range append(signers, s.Payer) {
			if k.PublicKey() == key {
				return &k
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b, err := tx.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = s.call(ctx, "sendTransaction", base64.StdEncoding.EncodeToString(b), map[string]string{"encoding": "base64"})
	return err
}

var errNoMint = errors.New("there is no such mint")

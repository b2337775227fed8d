package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/cmd/refserver/soldev"
	driver "github.com/streamgate/streamgate/drivers/solana"
)

// solanaInfo is what demo.json and the page learn of the demo's Solana.
type solanaInfo struct {
	Chain  string `json:"chain"`
	RPCURL string `json:"rpc_url"`
	WSURL  string `json:"ws_url"`
	Pass   string `json:"pass"`
}

// demoSolana is the Solana side of the demo: a test node, one Token-2022 pass and two people with keys everyone
// knows. A nil one is a demo without Solana.
type demoSolana struct {
	node *soldev.Node
	pass solana.PublicKey

	mu     sync.Mutex // the node takes one transaction at a time
	holder string     // address
}

const (
	solHolder   = "sol holder"
	solNewcomer = "sol newcomer"
)

func newDemoSolana(ctx context.Context, port int) (*demoSolana, error) {
	node, err := soldev.Start(ctx, soldev.Options{Port: port})
	if err != nil {
		return nil, err
	}
	s := &demoSolana{node: node, holder: soldev.Key(solHolder).PublicKey().String()}
	if s.pass, err = node.NewMint(ctx, soldev.Mint{Key: soldev.Key("pass"), Token2022: true}); err == nil {
		err = node.MintTo(ctx, s.pass, soldev.Key(solHolder).PublicKey(), 1)
	}
	if err != nil {
		_ = node.Close()
		return nil, err
	}
	return s, nil
}

func (s *demoSolana) close() { _ = s.node.Close() }

func (s *demoSolana) info() *solanaInfo {
	if s == nil {
		return nil
	}
	return &solanaInfo{Chain: s.node.ID.String(), RPCURL: s.node.RPCURL, WSURL: s.node.WSURL, Pass: s.pass.String()}
}

// options lets a platform in this process ask the node.
func (s *demoSolana) options(log *slog.Logger) ([]streamgate.Option, func(), error) {
	if s == nil {
		return nil, func() {}, nil
	}
	v, err := driver.New(driver.Options{RPCURL: s.node.RPCURL, WSURL: s.node.WSURL, Chain: s.node.ID, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	return []streamgate.Option{streamgate.WithVerifier(v)}, v.Close, nil
}

// list is the demo's Solana wallets.
func (s *demoSolana) list(keys bool) []demoWallet {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []demoWallet
	for _, name := range []string{solHolder, solNewcomer} {
		key := soldev.Key(name)
		w := demoWallet{Name: name, Address: key.PublicKey().String(), Chain: s.node.ID.String()}
		w.Holds = w.Address == s.holder
		if keys {
			w.PrivateKey = key.String()
		}
		out = append(out, w)
	}
	return out
}

func (s *demoSolana) find(address string) (solana.PrivateKey, bool) {
	if s == nil {
		return nil, false
	}
	for _, name := range []string{solHolder, solNewcomer} {
		if k := soldev.Key(name); k.PublicKey().String() == address {
			return k, true
		}
	}
	return nil, false
}

// sign signs a sign-in message as a Solana wallet does; the signature is in base58.
func (s *demoSolana) sign(address, message string) (sig string, ok bool, err error) {
	key, ok := s.find(address)
	if !ok {
		return "", false, nil
	}
	b, err := key.Sign([]byte(message))
	return b.String(), true, err
}

// transfer moves the pass; ok=false when the two are not the demo's Solana wallets.
func (s *demoSolana) transfer(ctx context.Context, from, to string) (ok bool, err error) {
	src, ok := s.find(from)
	dst, ok2 := s.find(to)
	if !ok || !ok2 {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != from {
		return true, errNotHolder
	}
	if err := s.node.Transfer(ctx, s.pass, src, src.PublicKey(), dst.PublicKey(), 1); err != nil {
		return true, err
	}
	s.holder = to
	return true, nil
}

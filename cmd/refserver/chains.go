package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/quorum"
)

// openedChain is one chain with all its providers.
type openedChain struct {
	verifier *quorum.Verifier
	// onEVM has, for each operator, the verifier of its first provider, where the chain is one of EVM.
	onEVM   []*evm.Verifier
	closers []func()
}

func (c *openedChain) close() {
	if c.verifier != nil {
		c.verifier.Close()
	}
	for _, done := range c.closers {
		done()
	}
}

// openChains opens every configured chain, for rules and for the contract wallets on it. One that does not answer now is no
// reason not to serve: rules over it answer unknown until it does.
func openChains(ctx context.Context, chains []ChainConfig, log *slog.Logger) (opts []streamgate.Option, closeAll func(), err error) {
	var opened []*openedChain
	closeAll = func() {
		for _, c := range opened {
			c.close()
		}
	}
	for _, cfg := range chains {
		c, err := openChain(cfg, log)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("chains.%s: %w", cfg.ID, err)
		}
		opened, opts = append(opened, c), append(opts, streamgate.WithVerifier(c.verifier))
		if cfg.ID.Namespace == "eip155" && !cfg.NoIndex {
			opts = append(opts, streamgate.WithIndex(index.Options{}, cfg.ID))
		}
		if _, err := c.verifier.Head(ctx); err != nil {
			log.Warn("chain_unavailable", "chain", cfg.ID.String(), "error", err)
		}
	}
	wallets, err := openWallets(opened)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	if wallets != nil {
		opts = append(opts, streamgate.WithContractWallets(wallets))
	}
	return opts, closeAll, nil
}

// openChain asks the chain nothing yet.
func openChain(cfg ChainConfig, log *slog.Logger) (*openedChain, error) {
	c := &openedChain{}
	var ps []quorum.Provider
	operators := map[string]bool{}
	for _, p := range cfg.all() {
		var budget *quorum.Budget
		if p.PerSecond > 0 || p.PerDay > 0 {
			budget = quorum.NewBudget(p.PerSecond, p.PerDay, nil)
		}
		v, err := c.open(cfg, p, budget, log)
		if err != nil {
			c.close()
			return nil, err
		}
		ps = append(ps, quorum.Provider{Name: p.Name, Operator: p.Operator, Verifier: v, Budget: budget, NoWatch: p.NoWatch})
		operator := p.Operator
		if operator == "" {
			operator = p.Name
		}
		if e, ok := v.(*evm.Verifier); ok && !operators[operator] {
			operators[operator] = true
			c.onEVM = append(c.onEVM, e)
		}
	}
	v, err := quorum.New(ps, quorum.Options{Logger: log})
	if err != nil {
		c.close()
		return nil, err
	}
	c.verifier = v
	return c, nil
}

func (c *openedChain) open(cfg ChainConfig, p ProviderConfig, budget *quorum.Budget, log *slog.Logger) (nft.Verifier, error) {
	client := budget.Client(nil)
	if cfg.ID.Namespace == "solana" {
		v, err := solana.New(solana.Options{RPCURL: p.RPCURL, WSURL: p.WSURL, DASURL: cfg.DASURL, Chain: cfg.ID, Client: client, Logger: log})
		if err != nil {
			return nil, err
		}
		c.closers = append(c.closers, v.Close)
		return v, nil
	}
	v, err := evm.New(evm.Options{RPCURL: p.RPCURL, WSURL: p.WSURL, Chain: cfg.ID, Profile: cfg.Profile, Client: client, Logger: log})
	if err != nil {
		return nil, err
	}
	c.closers = append(c.closers, v.Close)
	return v, nil
}

// openWallets asks contract wallets through as many operators as any chain has, three at most, of which most must agree. A chain
// with fewer takes part in each with those it has.
func openWallets(chains []*openedChain) (auth.ContractVerifier, error) {
	sets := 0
	for _, c := range chains {
		sets = max(sets, min(3, len(c.onEVM)))
	}
	var voices []auth.ContractVerifier
	for i := range sets {
		var through []*evm.Verifier
		for _, c := range chains {
			if n := len(c.onEVM); n > 0 {
				through = append(through, c.onEVM[i%n])
			}
		}
		w, err := evm.NewWallets(through...)
		if err != nil {
			return nil, err
		}
		voices = append(voices, w)
	}
	switch len(voices) {
	case 0:
		return nil, nil
	case 1:
		return voices[0], nil
	}
	return quorum.NewWallets(voices...)
}

// checkChain is the doctor's: it asks every provider.
func checkChain(ctx context.Context, cfg ChainConfig) (string, error) {
	c, err := openChain(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer c.close()
	var notes []string
	var failed []error
	for _, p := range cfg.all() {
		one := cfg
		one.Providers = []ProviderConfig{p}
		o, err := openChain(one, slog.New(slog.DiscardHandler))
		if err != nil {
			return "", err
		}
		head, err := o.verifier.Head(ctx)
		o.close()
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		note := fmt.Sprintf("head %d, %s old", head.Number, time.Since(head.Time).Round(time.Second))
		if len(cfg.Providers) > 0 {
			note = p.Name + " " + note
		}
		notes = append(notes, note)
	}
	return ": " + strings.Join(notes, "; "), errors.Join(failed...)
}

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/internal/httpload"
)

// maxViewers keeps the sign-ins, of two requests each, below the default limit of one client address.
const maxViewers = 28

// platform is the process under test and those who hold its pass.
type platform struct {
	*child
	node    *child
	chain   chainGreeting
	said    platformGreeting
	wallets []*ecdsa.PrivateKey
}

func startPlatform(ctx context.Context, work string, c config) (*platform, error) {
	p := &platform{}
	var holders []string
	var err error
	if p.wallets, holders, err = wallets(c.viewers); err != nil {
		return nil, err
	}
	if p.node, err = start(ctx, "chain", chainOrders{holders}, &p.chain); err != nil {
		return nil, err
	}
	orders := platformOrders{Dir: filepath.Join(work, "data"), Chain: p.chain, Sizes: c.sizes, Profile: c.profile}
	if p.child, err = start(ctx, "platform", orders, &p.said); err != nil {
		return nil, errors.Join(err, p.node.stop())
	}
	return p, nil
}

// stop ends the platform, then the node. It may be called twice.
func (p *platform) stop() error { return errors.Join(p.child.stop(), p.node.stop()) }

// wallets are the viewers', the same in every run, and their addresses.
func wallets(n int) (all []*ecdsa.PrivateKey, holders []string, err error) {
	for i := range n {
		seed := sha256.Sum256(fmt.Appendf(nil, "sgbench viewer %d", i))
		k, err := crypto.ToECDSA(seed[:])
		if err != nil {
			return nil, nil, err
		}
		all, holders = append(all, k), append(holders, address(k))
	}
	return all, holders, nil
}

func address(k *ecdsa.PrivateKey) string {
	return strings.ToLower(crypto.PubkeyToAddress(k.PublicKey).Hex())
}

// measureGated offers a mix of manifests, keys and licences at a fixed rate. All keys
// are of the epoch the viewer began with, so that none is held back for its time; each
// request for one asks the decision again all the same.
func measureGated(ctx context.Context, c config, p *platform, out io.Writer) error {
	var lines strings.Builder
	for _, w := range p.wallets {
		v := &visitor{url: p.said.URL, chain: p.chain.ID, wallet: w}
		if err := v.signIn(ctx); err != nil {
			return err
		}
		o, err := v.open(ctx, p.said.Asset)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "GET %s\nGET %s\nGET %s\nPOST %s %s\nGET %s\nGET %s\n", o.master, o.key, o.playlist, o.license, o.licenseBody, o.dash, o.key)
	}
	targets, err := httpload.Parse(strings.NewReader(lines.String()))
	if err != nil {
		return err
	}
	r, err := httpload.Run(targets, httpload.Options{Rate: c.rate, Duration: c.gated, Conns: 64})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Gated manifests (half), keys (a third) and licences (a sixth) of %d viewers, open loop, 64 connections:\n\n", len(p.wallets))
	fmt.Fprintln(out, "| offered/s | answered/s | answers other than 200 | errors | p50 ms | p95 ms | p99 ms | max ms | goal |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	fmt.Fprintf(out, "| %.0f | %.0f | %d | %d | %.2f | %.2f | %.2f | %.2f | 10000/s, p95 < 100 |\n\n", c.rate, r.PerSecond, r.Requests-r.Status["200"], r.Errors, r.P50, r.P95, r.P99, r.Max)
	if r.Errors > 0 || r.Status["200"] != r.Requests {
		return fmt.Errorf("not every answer was 200: %+v", r)
	}
	return nil
}

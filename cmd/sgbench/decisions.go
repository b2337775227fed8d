package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/consul"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// measureDecisions asks the same cached decision of a decider in this process and of the auth role over gRPC, as the
// streaming role asks it.
func measureDecisions(ctx context.Context, c config, g *ground, nine *contestant, out io.Writer) (err error) {
	id, err := caip.ParseChainID(g.chain.ID)
	if err != nil {
		return err
	}
	verifier, err := evm.Dial(ctx, evm.Options{RPCURL: g.chain.RPCURL, WSURL: g.chain.WSURL, Chain: id})
	if err != nil {
		return err
	}
	defer verifier.Close()
	near := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{verifier}})
	inner, cancel := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- near.Run(inner) }()
	defer func() {
		cancel()
		if e := <-ran; !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
	}()
	registry, err := consul.OpenURL(ctx, nine.registry)
	if err != nil {
		return err
	}
	conn, err := grpc.Dial(ctx, grpc.DialOptions{Registry: registry, Service: "auth", Insecure: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := rule.Parse([]byte(g.gate))
	if err != nil {
		return err
	}
	account, err := caip.ParseAccountID(nine.visitors[0].account())
	if err != nil {
		return err
	}
	who := nft.Subject{Tenant: tenant, Accounts: []caip.AccountID{account}}
	fmt.Fprintln(out, "A cached decision, the call alone, at the same rate:\n\n| where | p50 ms | p95 ms | p99 ms | goal |\n|---|---|---|---|---|")
	var p50 []float64
	for _, place := range []struct {
		name, goal string
		gate       playback.Gate
	}{{"in this process", "", near}, {"the auth role, over gRPC", "p50 < 1", grpc.NewGate(conn)}} {
		took, err := decide(ctx, c, place.gate, r, who)
		if err != nil {
			return fmt.Errorf("%s: %w", place.name, err)
		}
		at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1e6 }
		fmt.Fprintf(out, "| %s | %.4f | %.4f | %.4f | %s |\n", place.name, at(0.5), at(0.95), at(0.99), place.goal)
		p50 = append(p50, at(0.5))
	}
	fmt.Fprintf(out, "\nThe gRPC hop costs %.3f ms (p50). Waiting for the due time is not counted here: each call counts from when it was made.\n\n", p50[1]-p50[0])
	return nil
}

// decide makes calls at the rate of the run, whether or not earlier ones are answered, and returns how long each took, sorted.
func decide(ctx context.Context, c config, g playback.Gate, r *rule.Rule, who nft.Subject) ([]time.Duration, error) {
	one := func() (time.Duration, error) {
		begin := time.Now()
		d, err := g.Decide(ctx, r, who)
		if err == nil && d.Outcome != nft.Yes {
			err = fmt.Errorf("the decision is %v %s", d.Outcome, d.Reason)
		}
		return time.Since(begin), err
	}
	if _, err := one(); err != nil { // fills the cache
		return nil, err
	}
	n := max(int(c.hopRate*c.hop.Seconds()*float64(c.rounds)), 1)
	took, errs := make([]time.Duration, n), make([]error, n)
	var wg sync.WaitGroup
	due := time.NewTicker(time.Duration(float64(time.Second) / c.hopRate))
	defer due.Stop()
	for i := range n {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-due.C:
		}
		wg.Go(func() { took[i], errs[i] = one() })
	}
	wg.Wait()
	slices.Sort(took)
	return took, errors.Join(errs...)
}

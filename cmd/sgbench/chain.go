package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

type chainOrders struct {
	// Holders are the addresses that get a pass.
	Holders []string `json:"holders"`
}

type chainGreeting struct {
	ID     string `json:"id"`
	RPCURL string `json:"rpc_url"`
	WSURL  string `json:"ws_url"`
	Pass   string `json:"pass"`
}

// serveChain is the node, in a process of its own so that its work is not counted
// as the platform's.
func serveChain(ctx context.Context, o chainOrders, out io.Writer) error {
	chain, err := devchain.Start(ctx, devchain.Options{})
	if err != nil {
		return err
	}
	pass, err := chain.DeployPass(ctx, "Bench Pass", "BENCH")
	for _, h := range o.Holders {
		if err == nil {
			_, err = chain.Mint(ctx, pass, h)
		}
	}
	if err == nil {
		err = json.NewEncoder(out).Encode(chainGreeting{chain.ChainID().String(), chain.RPCURL(), chain.WSURL(), pass})
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, chain.Close())
}

package evm_test

import (
	"context"
	"fmt"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/nft"
)

func ExampleDial() {
	ctx := context.Background()
	chain, err := devchain.Start(ctx, devchain.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chain.Close()
	pass, _ := chain.DeployPass(ctx, "Demo Pass", "PASS")
	id, _ := chain.Mint(ctx, pass, devchain.Holder().Address)

	v, err := evm.Dial(ctx, evm.Options{RPCURL: chain.RPCURL(), WSURL: chain.WSURL(), Chain: chain.ChainID()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	r, err := v.Check(ctx, nft.Finality{Tag: "latest"}, []nft.Query{
		{Op: nft.OpBalance721, Contract: pass, Account: devchain.Holder().Address},
		{Op: nft.OpOwner721, Contract: pass, TokenID: id},
		{Op: nft.OpOwner721, Contract: pass, TokenID: "77"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("holds", r.Answers[0].Value)
	fmt.Println("owner is the holder:", r.Answers[1].Value == devchain.Holder().Address)
	fmt.Printf("owner of 77: %q\n", r.Answers[2].Value)
	// Output:
	// holds 1
	// owner is the holder: true
	// owner of 77: ""
}

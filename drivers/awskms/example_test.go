package awskms_test

import (
	"context"
	"log"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/awskms"
)

func ExampleOpenURL() {
	ctx := context.Background()
	master, err := awskms.OpenURL(ctx, "awskms://AKIA...:SECRET@kms.eu-west-1.amazonaws.com/streamgate?region=eu-west-1&delete_after_days=30", nil)
	if err != nil {
		log.Fatal(err)
	}
	// In earnest the store is that of drivers/sqldb, shared by all processes.
	manager, err := keys.NewShared(master, keys.NewMemoryScopes(), keys.SharedOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = manager.DataKey(ctx, "t/default/a/01J")
	log.Print(err)
}

func ExampleNew() {
	// A client that aws-sdk-go-v2/config set up knows the roles of instances and pods.
	var client *kms.Client
	master, err := awskms.New(client, "alias/streamgate", awskms.Options{NoCreate: true})
	log.Print(master, err)
}

func ExampleOpenSigningKey() {
	key, err := awskms.OpenSigningKey(context.Background(), "awskms://AKIA...:SECRET@kms.eu-west-1.amazonaws.com/minter?region=eu-west-1", nil)
	// evm.NewRemoteSigner(ctx, key) makes it the signer of an evm.Issuer.
	log.Print(key, err)
}

func ExampleNewSigningKey() {
	var client *kms.Client
	key, err := awskms.NewSigningKey(client, "alias/minter", awskms.Options{})
	log.Print(key, err)
}

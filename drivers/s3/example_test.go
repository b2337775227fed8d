package s3_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/storage"
)

func ExampleOpen() {
	ctx := context.Background()
	store, err := s3.Open(ctx, s3.Options{
		Endpoint: "s3.eu-central-1.amazonaws.com", Region: "eu-central-1", Bucket: "my-videos", Prefix: "streamgate",
		AccessKey: "AKIA...", SecretKey: "...", // from your secret store
	})
	if err != nil {
		log.Fatal(err) // names what to do about it
	}
	defer store.Close()
	// Once a day, somewhere:
	if _, err := store.AbortStale(ctx, 24*time.Hour); err != nil {
		log.Print(err)
	}
}

func ExampleOpenURL() {
	store, err := s3.OpenURL(context.Background(), "s3://key:secret@127.0.0.1:9000/my-videos?tls=false&create=true", s3.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}

func ExampleParseURL() {
	opt, err := s3.ParseURL("s3://key:secret@minio.internal:9000/my-videos/live?part_size=16MiB&equal_parts=true", s3.Options{})
	fmt.Println(opt.Endpoint, opt.Bucket, opt.Prefix, opt.PartSize, opt.EqualParts, err)
	// Output: minio.internal:9000 my-videos live 16777216 true <nil>
}

func ExampleStore_PresignGet() {
	var store storage.Store // a *s3.Store, or a decorator of one
	if signer, ok := storage.As[storage.Presigner](store); ok {
		url, err := signer.PresignGet(context.Background(), "public/poster.jpg", time.Hour)
		fmt.Println(url, err)
	}
}

package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

var benchSizes = []int{14_000, 2_600_000, 64 << 20}

// benchBoth measures the driver beside a plain client of the same server.
func benchBoth(b *testing.B, ours func(b *testing.B, s *s3.Store, body []byte), plain func(b *testing.B, c *minio.Client, bucket string, body []byte)) {
	if testing.Short() {
		b.Skip("-short: needs servers")
	}
	for _, start := range []func(context.Context, string) (*servers.S3, error){servers.StartVersityGW, servers.StartMinIO} {
		srv := &server{S3: servers.S3Of(b, start)}
		for _, size := range benchSizes {
			body := storagetest.Body(1, size)
			b.Run(fmt.Sprintf("%s/%d/driver", srv.Name, size), func(b *testing.B) {
				s := srv.store(b, s3.Options{})
				b.SetBytes(int64(size))
				ours(b, s, body)
			})
			b.Run(fmt.Sprintf("%s/%d/plain", srv.Name, size), func(b *testing.B) {
				bucket := srv.bucket(b)
				b.SetBytes(int64(size))
				plain(b, srv.Client(), bucket, body)
			})
		}
	}
}

func BenchmarkPut(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *s3.Store, body []byte) {
		for b.Loop() {
			put(b, s, "k", body, storage.PutOptions{Size: int64(len(body))})
		}
	}, func(b *testing.B, c *minio.Client, bucket string, body []byte) {
		for b.Loop() {
			if _, err := c.PutObject(b.Context(), bucket, "k", bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{PartSize: 8 << 20, NumThreads: 3}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	benchBoth(b, func(b *testing.B, s *s3.Store, body []byte) {
		put(b, s, "k", body, storage.PutOptions{})
		for b.Loop() {
			r, err := s.Get(b.Context(), "k", 0, -1)
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); n != int64(len(body)) || err != nil {
				b.Fatal(n, err)
			}
			r.Close()
		}
	}, func(b *testing.B, c *minio.Client, bucket string, body []byte) {
		if _, err := c.PutObject(b.Context(), bucket, "k", bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			r, err := c.GetObject(b.Context(), bucket, "k", minio.GetObjectOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); n != int64(len(body)) || err != nil {
				b.Fatal(n, err)
			}
			r.Close()
		}
	})
}

package s3_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// server is one of the two that all tests of the package share: each test has a bucket or
// a prefix of its own.
type server struct {
	*servers.S3
	buckets atomic.Int64
}

var shared []*server // set by TestMain

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run() // without servers
	}
	dir, err := os.MkdirTemp("", "s3-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, start := range []func(context.Context, string) (*servers.S3, error){servers.StartVersityGW, servers.StartMinIO} {
		s, err := start(context.Background(), dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer s.Kill()
		shared = append(shared, &server{S3: s})
	}
	return m.Run()
}

// onBoth runs test on both servers, at the same time.
func onBoth(t *testing.T, test func(t *testing.T, srv *server)) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs servers")
	}
	for _, srv := range shared {
		t.Run(srv.Name, func(t *testing.T) {
			t.Parallel()
			test(t, srv)
		})
	}
}

// bucket makes a new bucket.
func (srv *server) bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", srv.buckets.Add(1))
	if err := srv.Bucket(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

func (srv *server) open(t testing.TB, rawURL string, opt s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.OpenURL(t.Context(), rawURL, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (srv *server) store(t testing.TB, opt s3.Options) *s3.Store {
	t.Helper()
	return srv.open(t, srv.URL(srv.bucket(t), "", ""), opt)
}

func TestStore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		storagetest.Run(t, func(t testing.TB) storage.Store { return srv.store(t, s3.Options{}) })
	})
}

func TestStoreBelowAPrefix(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("-race: TestStore runs the same code")
	}
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		var n atomic.Int64
		storagetest.Run(t, func(t testing.TB) storage.Store {
			return srv.open(t, srv.URL(bucket, fmt.Sprintf("deep/p%d", n.Add(1)), ""), s3.Options{EqualParts: true})
		})
	})
}

func put(t testing.TB, s storage.Store, key string, body []byte, opt storage.PutOptions) storage.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(body), opt)
	if err != nil {
		t.Fatalf("Put(%q) of %d bytes: %v", key, len(body), err)
	}
	return info
}

func get(t testing.TB, s storage.Store, key string, offset, length int64) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key, offset, length)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("reading %q: %v", key, err)
	}
	return body
}

func want(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes that are not the %d put", what, len(got), len(want))
	}
}

// noUploads fails when a multipart upload is under way in the bucket.
func (srv *server) noUploads(t testing.TB, bucket string, keys ...string) {
	t.Helper()
	// MinIO lists by exact name only.
	for _, key := range append(keys, "") {
		for u := range srv.Client().ListIncompleteUploads(t.Context(), bucket, key, true) {
			if u.Err != nil {
				t.Fatal(u.Err)
			}
			t.Errorf("the upload of %q was left", u.Key)
		}
	}
}

// onlyReader hides what else a reader can do.
type onlyReader struct{ io.Reader }

func TestSizes(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		for _, equal := range []bool{false, true} {
			s := srv.open(t, srv.URL(bucket, fmt.Sprint(equal), ""), s3.Options{PartSize: 5 * mib, EqualParts: equal})
			for _, n := range []int{0, 1, 5*mib - 1, 5 * mib, 5*mib + 1, 17 * mib} {
				for _, known := range []bool{false, true} {
					key, body := fmt.Sprintf("k-%v", known), storagetest.Body(uint64(n), n)
					opt := storage.PutOptions{}
					if known {
						opt.Size = int64(n)
					}
					info, err := s.Put(t.Context(), key, onlyReader{bytes.NewReader(body)}, opt)
					if err != nil {
						t.Fatalf("Put of %d bytes: %v", n, err)
					}
					if info.Size != int64(n) {
						t.Errorf("Put of %d bytes says %d", n, info.Size)
					}
					want(t, fmt.Sprintf("%d bytes", n), get(t, s, key, 0, -1), body)
					if from := int64(n) - 7; from > 0 {
						want(t, "the last bytes", get(t, s, key, from, -1), body[from:])
					}
					if stat, err := s.Stat(t.Context(), key); err != nil || stat != info {
						t.Errorf("Stat says %+v, %v, Put said %+v", stat, err, info)
					}
				}
			}
		}
		srv.noUploads(t, bucket)
	})
}

// TestLarge streams, with bounds that would show an object held in memory.
func TestLarge(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled {
		t.Skip("129 MiB")
	}
	const size = 129 << 20
	onBoth(t, func(t *testing.T, srv *server) {
		s := srv.store(t, s3.Options{})
		info, err := s.Put(t.Context(), "large", io.LimitReader(&pattern{}, size), storage.PutOptions{})
		if err != nil || info.Size != size {
			t.Fatalf("Put: %+v, %v", info, err)
		}
		r, err := s.Get(t.Context(), "large", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		check := &pattern{}
		if n, err := io.Copy(check, r); err != nil || n != size || check.wrong {
			t.Errorf("read %d bytes, %v, wrong: %v", n, err, check.wrong)
		}
	})
}

// pattern is a stream of numbers that is never the same twice, and its judge.
type pattern struct {
	n     uint64
	wrong bool
}

func (p *pattern) at() byte { p.n++; return byte((p.n * 0x9e3779b97f4a7c15) >> 56) }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = p.at()
	}
	return len(b), nil
}

func (p *pattern) Write(b []byte) (int, error) {
	for i := range b {
		p.wrong = p.wrong || b[i] != p.at()
	}
	return len(b), nil
}

func TestForeignObjectsArePassedOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		below := srv.open(t, srv.URL(bucket, "p", ""), s3.Options{})
		beside := srv.open(t, srv.URL(bucket, "p2", ""), s3.Options{})
		put(t, beside, "x", []byte("x"), storage.PutOptions{})
		put(t, below, "y", []byte("y"), storage.PutOptions{})
		for _, name := range []string{"p/a~b", "p/~probe-left", "p/a b"} {
			if _, err := srv.Client().PutObject(t.Context(), bucket, name, strings.NewReader("?"), 1, minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		infos, err := below.List(t.Context(), "", "", 1)
		if err != nil || len(infos) != 1 || infos[0].Key != "y" {
			t.Errorf("List shows %v, %v", infos, err)
		}
	})
}

// A reader that is far from its end when the object goes away goes on with the same bytes
// or says that it cannot.
func TestReaderOfALargeObjectOutlives(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s := srv.store(t, s3.Options{})
		body := storagetest.Body(1, 24<<20)
		put(t, s, "k", body, storage.PutOptions{})
		r, err := s.Get(t.Context(), "k", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		head := make([]byte, 10)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		replaced := make(chan error, 1)
		go func() {
			_, err := s.Put(context.WithoutCancel(t.Context()), "k", strings.NewReader("new"), storage.PutOptions{})
			replaced <- err
		}()
		select {
		case err := <-replaced:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(3 * time.Second):
			t.Log("the server makes the writer wait for the reader")
			defer func() { <-replaced }()
		}
		rest, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("reading on: %v", err)
		}
		want(t, "the reader", slices.Concat(head, rest), body)
	})
}

package servers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a running server that speaks S3, with credentials of its own.
type S3 struct {
	*Process
	// Name is that of the program: versitygw or minio.
	Name string
	// Addr is host:port, without TLS.
	Addr string
	// AccessKey and SecretKey are the root user's; both are made up.
	AccessKey, SecretKey string
	client               *minio.Client
}

// StartVersityGW starts versitygw on a folder in dir, whose file system must have extended
// attributes.
func StartVersityGW(ctx context.Context, dir string) (*S3, error) {
	return startS3(ctx, "versitygw", dir, func(addr, data, access, secret string) ([]string, []string) {
		return []string{"--quiet", "--keep-alive", "--health", "/health-" + access, "--port", addr, "posix", data},
			[]string{"ROOT_ACCESS_KEY=" + access, "ROOT_SECRET_KEY=" + secret}
	})
}

// StartMinIO starts MinIO on one folder in dir. It is a peer of tests only.
func StartMinIO(ctx context.Context, dir string) (*S3, error) {
	return startS3(ctx, "minio", dir, func(addr, data, access, secret string) ([]string, []string) {
		return []string{"server", "--quiet", "--address", addr, "--console-address", "127.0.0.1:0", data},
			// CI=1 lets it use the disk of the system, and no browser is wanted.
			[]string{"MINIO_ROOT_USER=" + access, "MINIO_ROOT_PASSWORD=" + secret, "MINIO_BROWSER=off", "CI=1", "MINIO_UPDATE=off", "MINIO_CI_CD=1"}
	})
}

func startS3(ctx context.Context, name, dir string, command func(addr, data, access, secret string) (args, env []string)) (*S3, error) {
	path, err := Tool(name)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, name)
	if err := os.MkdirAll(data, 0o750); err != nil {
		return nil, err
	}
	// The port may be taken between the choice and the start.
	for attempt := range 3 {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		s := &S3{
			Name: name, Addr: fmt.Sprintf("127.0.0.1:%d", port),
			AccessKey: fmt.Sprintf("access%d%d", port, attempt), SecretKey: fmt.Sprintf("not-a-secret-%d", port),
		}
		s.client, err = minio.New(s.Addr, &minio.Options{
			Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: "us-east-1", MaxRetries: 1,
		})
		if err != nil {
			return nil, err
		}
		args, env := command(s.Addr, data, s.AccessKey, s.SecretKey)
		s.Process, err = Start(ctx, Spec{Name: name, Path: path, Args: args, Env: env, Dir: dir, Ready: s.ready})
		if err == nil {
			return s, nil
		}
		if attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, errors.New("unreachable")
}

// ready reports whether the server answers, and that it is this one: nobody else takes its
// credentials.
func (s *S3) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := s.client.ListBuckets(ctx)
	return err
}

// Bucket makes a bucket unless it is there.
func (s *S3) Bucket(ctx context.Context, name string) error {
	err := s.client.MakeBucket(ctx, name, minio.MakeBucketOptions{Region: "us-east-1"})
	if r := minio.ToErrorResponse(err); r.Code == "BucketAlreadyOwnedByYou" || r.Code == "BucketAlreadyExists" {
		return nil
	}
	return err
}

// Client returns a plain client of the server, to look behind the driver's back.
func (s *S3) Client() *minio.Client { return s.client }

// URL returns the URL that drivers/s3 opens for a bucket, with a prefix when it is not
// empty, reached at addr (the server's own when empty), as through an S3Proxy.
func (s *S3) URL(bucket, prefix, addr string) string {
	if addr == "" {
		addr = s.Addr
	}
	u := url.URL{
		Scheme: "s3", Host: addr, Path: "/" + bucket + "/" + prefix, User: url.UserPassword(s.AccessKey, s.SecretKey),
		RawQuery: url.Values{"tls": {"false"}, "path_style": {"true"}}.Encode(),
	}
	return u.String()
}

// S3For runs test as two subtests, against versitygw and against MinIO, each started for it.
func S3For(t *testing.T, test func(t *testing.T, s *S3)) {
	for name, start := range map[string]func(context.Context, string) (*S3, error){"versitygw": StartVersityGW, "minio": StartMinIO} {
		t.Run(name, func(t *testing.T) {
			test(t, S3Of(t, start))
		})
	}
}

// S3Of starts one server, StartVersityGW or StartMinIO, for a test or a benchmark.
func S3Of(t testing.TB, start func(context.Context, string) (*S3, error)) *S3 {
	t.Helper()
	return must(t, start, func(s *S3) { _ = s.Stop(syscall.SIGTERM) })
}

package awskms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/drivers/awskms"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
)

const secret = "the-secret-access-key"

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: secret}, nil
})

// rawURL is the form of OpenURL for the stand-in.
func rawURL(srv *servers.LocalKMS, alias, more string) string {
	host := strings.TrimPrefix(srv.URL, "http://")
	return fmt.Sprintf("awskms://AKIATEST:%s@%s/%s?region=%s&insecure=true%s", secret, host, alias, srv.Region, more)
}

func open(t testing.TB, srv *servers.LocalKMS, alias, more string) *awskms.Master {
	t.Helper()
	m, err := awskms.OpenURL(t.Context(), rawURL(srv, alias, more), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func client(srv *servers.LocalKMS) *kms.Client {
	return kms.New(kms.Options{Region: srv.Region, Credentials: credentials, BaseEndpoint: &srv.URL})
}

func shared(t testing.TB, m keys.Master, s keys.ScopeStore) *keys.Shared {
	t.Helper()
	k, err := keys.NewShared(m, s, keys.SharedOptions{Recheck: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// One stand-in serves all the suites; every check has an alias of its own.
func TestSuites(t *testing.T) {
	t.Parallel()
	srv := servers.LocalKMSFor(t)
	var n atomic.Int64
	alias := func() string { return fmt.Sprint("sg-", n.Add(1)) }
	t.Run("master", func(t *testing.T) {
		t.Parallel()
		keystest.RunMaster(t, func(t testing.TB) keys.Master { return open(t, srv, alias(), "&delete_after_days=7") })
	})
	t.Run("manager", func(t *testing.T) {
		t.Parallel()
		keystest.Run(t, func(t testing.TB) keys.Manager { return shared(t, open(t, srv, alias(), ""), keys.NewMemoryScopes()) })
	})
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		keystest.RunShared(t, func(t testing.TB) func() keys.Manager {
			alias, store := alias(), keys.NewMemoryScopes()
			return func() keys.Manager { return shared(t, open(t, srv, alias, "&delete_after_days=7"), store) }
		})
	})
}

// unwrapless fails the test when a scope key is shown to this process.
type unwrapless struct {
	*awskms.Master
	t *testing.T
}

func (u unwrapless) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	if scope != "streamgate-probe" {
		u.t.Errorf("the key of %s was unwrapped", scope)
	}
	return u.Master.Unwrap(ctx, version, scope, wrapped)
}

func TestRotationHappensInsideKMS(t *testing.T) {
	t.Parallel()
	srv := servers.LocalKMSFor(t)
	c := client(srv)
	m, err := awskms.New(c, "alias/sg", awskms.Options{DeleteAfterDays: 7})
	if err != nil {
		t.Fatal(err)
	}
	store := keys.NewMemoryScopes()
	k := shared(t, m, store)
	plain, wrapped, err := k.DataKey(t.Context(), "t/default/a/1")
	if err != nil {
		t.Fatal(err)
	}
	before, err := store.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := shared(t, unwrapless{m, t}, store).Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := store.Versions(t.Context())
	if err != nil || after.Current == before.Current || len(after.Old) != 0 {
		t.Fatalf("versions before %+v, after %+v, %v", before, after, err)
	}
	if got, err := shared(t, m, store).Unwrap(t.Context(), "t/default/a/1", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the rotation: %v", err)
	}
	alias, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/sg")})
	if err != nil || *alias.KeyMetadata.Arn != after.Current {
		t.Errorf("the alias points to %v, %v, want %s", alias, err, after.Current)
	}
	old, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &before.Current})
	if err != nil || old.KeyMetadata.KeyState != types.KeyStatePendingDeletion {
		t.Errorf("the retired key: %+v, %v, want it pending deletion", old, err)
	}
}

func TestAnOperatorChoosesTheKey(t *testing.T) {
	t.Parallel()
	srv := servers.LocalKMSFor(t)
	c := client(srv)
	m, err := awskms.New(c, "sg", awskms.Options{NoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	k := shared(t, m, keys.NewMemoryScopes())
	if _, _, err := k.DataKey(t.Context(), "s"); !errors.Is(err, fault.Invalid) {
		t.Errorf("without the alias: %v, want kind invalid", err)
	}
	newKey := func() string {
		out, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		return *out.KeyMetadata.Arn
	}
	first := newKey()
	if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/sg"), TargetKeyId: &first}); err != nil {
		t.Fatal(err)
	}
	plain, wrapped, err := k.DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(t.Context()); !errors.Is(err, fault.Invalid) {
		t.Errorf("Rotate while the alias stays: %v, want kind invalid", err)
	}
	second := newKey()
	if _, err := c.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: aws.String("alias/sg"), TargetKeyId: &second}); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The old key is not needed any more, and was left as it is.
	out, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &first})
	if err != nil || out.KeyMetadata.KeyState != types.KeyStateEnabled {
		t.Errorf("the old key: %+v, %v, want it enabled", out, err)
	}
	if _, err := c.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &first}); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("with the old key disabled: %v", err)
	}
	// Neither is a key that KMS does not give taken for a damaged one.
	if _, err := c.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &second}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Wrap(t.Context(), second, "s", make([]byte, 32)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Wrap with the key disabled: %v, want kind unavailable", err)
	}
}

func TestKMSDownAndUpAgain(t *testing.T) {
	t.Parallel()
	srv := servers.LocalKMSFor(t)
	m := open(t, srv, "sg", "&timeout=5s")
	store := keys.NewMemoryScopes()
	plain, wrapped, err := shared(t, m, store).DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Ping(t.Context()), srv.Kill()); err != nil {
		t.Fatal(err)
	}
	k := shared(t, m, store)
	_, err = k.Unwrap(t.Context(), "s", wrapped)
	if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), secret) {
		t.Errorf("Unwrap while KMS is down: %v, want kind unavailable and no secret", err)
	}
	if err := m.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Ping while KMS is down: %v, want kind unavailable", err)
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the restart: %v", err)
	}
}

func TestASilentKMSIsUnavailable(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := awskms.OpenURL(t.Context(), "awskms://"+l.Addr().String()+"/sg?region=r&insecure=true&timeout=200ms", credentials)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Wrap(t.Context(), "arn:x", "s", make([]byte, 32))
	if !errors.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a KMS that does not answer: %v, want kind unavailable and no ended context", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = m.Wrap(ctx, "arn:x", "s", make([]byte, 32)); !errors.Is(err, fault.Canceled) {
		t.Errorf("a caller who gives up: %v, want kind canceled", err)
	}
}

func TestOpenURLRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, says string }{
		{"awskms://k:" + secret + "@h/sg?region=r&colour=red", "colour"},
		{"awskms://k:" + secret + "@h/sg?region=r;insecure=true", "parameters"},
		{"awskms://k:" + secret + "@h/sg", "region"},
		{"awskms://k:" + secret + "@h/?region=r", "alias"},
		{"awskms://k:" + secret + "@h/alias/aws/s3?region=r", "alias"},
		{"awskms://k:" + secret + "@h/sg?region=r&delete_after_days=3", "7 to 30"},
		{"awskms://k:" + secret + "@h/sg?region=r&delete_after_days=x", "delete_after_days"},
		{"awskms://k:" + secret + "@h/sg?region=r&timeout=soon", "timeout"},
		{"awskms://k:" + secret + "@h/sg?region=r&create=perhaps", "create"},
		{"awskms://h/sg?region=r", "credentials"},
		{"https://k:" + secret + "@h/sg?region=r", "awskms://"},
		{"awskms://k:" + secret + "@h:port:/sg\x7f?region=r", "awskms://"},
		{"awskms:sg", "awskms://"},
	} {
		_, err := awskms.OpenURL(t.Context(), c.raw, nil)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(err), c.says) || strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("OpenURL(%s): %v, want kind invalid, %q and no secret", url.QueryEscape(c.raw), err, c.says)
		}
	}
}

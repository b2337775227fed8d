package grpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/fault"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue writes a certificate for name into dir, and whom its holder believes.
func (a *authority) issue(t *testing.T, dir, name string, believes *authority) grpc.TLS {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	out := grpc.TLS{CertFile: filepath.Join(dir, name+".crt"), KeyFile: filepath.Join(dir, name+".key"), CAFile: filepath.Join(dir, name+".ca")}
	for path, b := range map[string][]byte{
		out.CertFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), out.KeyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
		out.CAFile: believes.pem,
	} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	home, foreign := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	server := home.issue(t, dir, "auth", home)
	l := listener(t)
	serve(t, l, grpc.ServerOptions{TLS: &server, Callers: []string{"gateway", "monitor"}}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, says("u"))
	})
	call := func(opt grpc.DialOptions) error {
		opt.Target, opt.Attempts = l.Addr().String(), 1
		_, err := grpc.NewAuthenticator(dial(t, opt)).Authenticate(t.Context(), "t", "x")
		return err
	}
	named := func(tls grpc.TLS, name string) *grpc.TLS { tls.ServerName = name; return &tls }
	gateway := home.issue(t, dir, "gateway", home)
	if err := call(grpc.DialOptions{TLS: named(gateway, "auth")}); err != nil {
		t.Errorf("a good caller: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(home.cert)
	for what, opt := range map[string]grpc.DialOptions{
		"a certificate of another authority":    {TLS: named(foreign.issue(t, t.TempDir(), "gateway", home), "auth")},
		"a server of an authority not believed": {TLS: named(home.issue(t, t.TempDir(), "gateway", foreign), "auth")},
		"a server of another name":              {TLS: named(gateway, "keys")},
		"a caller who is not listed":            {TLS: named(home.issue(t, dir, "worker", home), "auth")},
		"no certificate":                        {TLS: &grpc.TLS{ServerName: "auth", Config: &tls.Config{RootCAs: pool}}},
		"no TLS":                                {Insecure: true},
	} {
		if err := call(opt); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want fault.Unavailable", what, err)
		}
	}
}

// The service that a registry names must show that it is that service.
func TestTheServiceIsTheName(t *testing.T) {
	t.Parallel()
	home := newAuthority(t)
	dir := t.TempDir()
	gateway := home.issue(t, dir, "gateway", home)
	for name, good := range map[string]bool{"auth": true, "keys": false} {
		server := home.issue(t, dir, name, home)
		l := listener(t)
		serve(t, l, grpc.ServerOptions{TLS: &server}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterAuthenticator(s, says("u")) })
		i := newReplicaAt(name, l.Addr().String())
		conn := dial(t, grpc.DialOptions{Registry: newRoster(i), Service: "auth", TLS: &gateway, Attempts: 1})
		_, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x")
		if good && err != nil || !good && !errors.Is(err, fault.Unavailable) {
			t.Errorf("a server with the certificate of %s where auth was called: %v", name, err)
		}
	}
}

// A renewed certificate counts from the next connection on, without a restart.
func TestCertificatesAreReloaded(t *testing.T) {
	t.Parallel()
	old, renewed := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	server := old.issue(t, dir, "auth", renewed)
	l := listener(t)
	serve(t, l, grpc.ServerOptions{TLS: &server}, func(s gogrpc.ServiceRegistrar) { grpc.RegisterAuthenticator(s, says("u")) })
	client := renewed.issue(t, t.TempDir(), "gateway", renewed)
	client.ServerName = "auth"
	a := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Target: l.Addr().String(), TLS: &client, BreakAfter: 1000}))
	if _, err := a.Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("a server of the old authority: %v, want fault.Unavailable", err)
	}
	if err := os.WriteFile(server.CertFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	renewed.issue(t, dir, "auth", renewed)
	eventually(t, "after the renewal", func(ctx context.Context) error { _, err := a.Authenticate(ctx, "t", "x"); return err })
}

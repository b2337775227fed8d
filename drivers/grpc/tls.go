package grpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/streamgate/streamgate/fault"
)

// TLS is a process's identity towards the others and whom it believes. Both sides show a
// certificate, always: who has none is nobody.
type TLS struct {
	// CertFile, KeyFile and CAFile are PEM files. They are looked at for every connection, so that
	// a renewed certificate or authority counts from the next connection on; while what is there cannot be
	// read, what was read before counts.
	CertFile, KeyFile, CAFile string
	// ServerName is the name a client wants in the server's certificate (default: the service
	// called, or the host of the target). Servers do not use it.
	ServerName string
	// Config is used as it is instead of the files. A server's is made to ask for and verify
	// client certificates whatever it says.
	Config *tls.Config
}

// recheck is how long files are not looked at again.
const recheck = time.Second

// identity is what the files of a TLS hold.
type identity struct {
	opt    TLS
	server bool

	mu      sync.Mutex
	cfg     *tls.Config
	stamps  [3]stamp
	checked time.Time
}

type stamp struct {
	at   time.Time
	size int64
}

func newIdentity(opt TLS, server bool) (*identity, error) {
	const op = "grpc.TLS"
	id := &identity{opt: opt, server: server}
	if opt.Config != nil {
		cfg := opt.Config.Clone()
		if server && cfg.ClientCAs == nil {
			return nil, fault.New(fault.Invalid, op, "the TLS config of a server needs ClientCAs: whom it believes")
		}
		if server {
			cfg.ClientAuth = tls.RequireAndVerifyClientCert
		}
		id.cfg = id.finish(cfg)
		return id, nil
	}
	bad := fault.New(fault.Invalid, op, "the TLS files are incomplete")
	for name, path := range map[string]string{"CertFile": opt.CertFile, "KeyFile": opt.KeyFile, "CAFile": opt.CAFile} {
		if path == "" {
			bad.With(name, "is required")
		}
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	var err error
	id.stamps = id.look()
	id.cfg, err = id.load()
	return id, err
}

func (id *identity) finish(cfg *tls.Config) *tls.Config {
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if !id.server && id.opt.ServerName != "" {
		cfg.ServerName = id.opt.ServerName
	}
	return cfg
}

func (id *identity) load() (*tls.Config, error) {
	const op = "grpc.TLS"
	cert, err := tls.LoadX509KeyPair(id.opt.CertFile, id.opt.KeyFile)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the certificate or its key cannot be read", Err: err}
	}
	pem, err := os.ReadFile(id.opt.CAFile)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the authorities cannot be read", Err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, op, "the file of authorities holds no certificate")
	}
	return id.finish(&tls.Config{
		Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}), nil
}

func (id *identity) look() (out [3]stamp) {
	for i, path := range []string{id.opt.CertFile, id.opt.KeyFile, id.opt.CAFile} {
		if fi, err := os.Stat(path); err == nil {
			out[i] = stamp{fi.ModTime(), fi.Size()}
		}
	}
	return out
}

// current returns the config for the next connection.
func (id *identity) current() *tls.Config {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.opt.Config != nil || time.Since(id.checked) < recheck {
		return id.cfg
	}
	id.checked = time.Now()
	if now := id.look(); now != id.stamps {
		// A certificate without its new key yet: the pair is tried again at the next change.
		if cfg, err := id.load(); err == nil {
			id.cfg, id.stamps = cfg, now
		}
	}
	return id.cfg
}

// reloading are transport credentials that ask for the config at each handshake.
type reloading struct {
	id   *identity
	name string // OverrideServerName
}

var _ credentials.TransportCredentials = (*reloading)(nil)

func (r *reloading) now() credentials.TransportCredentials {
	cfg := r.id.current()
	if r.name != "" {
		cfg = cfg.Clone()
		cfg.ServerName = r.name
	}
	return credentials.NewTLS(cfg)
}

// ClientHandshake implements credentials.TransportCredentials.
func (r *reloading) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return r.now().ClientHandshake(ctx, authority, c)
}

// ServerHandshake implements credentials.TransportCredentials.
func (r *reloading) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return r.now().ServerHandshake(c)
}

// Info implements credentials.TransportCredentials.
func (r *reloading) Info() credentials.ProtocolInfo { return r.now().Info() }

// Clone implements credentials.TransportCredentials.
func (r *reloading) Clone() credentials.TransportCredentials {
	return &reloading{id: r.id, name: r.name}
}

// OverrideServerName implements credentials.TransportCredentials.
func (r *reloading) OverrideServerName(name string) error {
	r.name = name
	return nil
}

package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/internal/cluster"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage/file"
)

// ground is what both platforms of the cluster part stand on: a chain, and those who hold its pass.
type ground struct {
	node    *child
	chain   chainGreeting
	wallets []*ecdsa.PrivateKey
	gate    string
}

func startGround(ctx context.Context, c config) (*ground, error) {
	g := &ground{}
	var holders []string
	var err error
	if g.wallets, holders, err = wallets(c.viewers); err != nil {
		return nil, err
	}
	if g.node, err = start(ctx, "chain", chainOrders{holders}, &g.chain); err != nil {
		return nil, err
	}
	g.gate = fmt.Sprintf(`{"gr":1,"when":{"hold":"%s/erc721:%s"}}`, g.chain.ID, g.chain.Pass)
	return g, nil
}

// contestant is a platform of the cluster part with its visitors.
type contestant struct {
	name string
	url  string
	// past are the addresses of single roles past the gateway, and registry where they are found; of nine services only.
	past     map[string]string
	registry string
	visitors []*visitor
	viewings []viewing
	stop     func() error
}

// startOne starts the platform as one process, everything embedded.
func startOne(ctx context.Context, binary, dir string, g *ground) (*contestant, error) {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	master := filepath.Join(dir, "master.key")
	db, err := sqldb.Open(ctx, filepath.Join(data, streamgate.DatabaseFile))
	if err != nil {
		return nil, err
	}
	objects, err := file.Open(filepath.Join(data, "objects"), file.Options{})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	err = furnish(ctx, home{db: db, objects: objects}, master, g.gate)
	if err = errors.Join(err, objects.Close(), db.Close()); err != nil {
		return nil, err
	}
	port, err := servers.FreePort()
	if err != nil {
		return nil, err
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	args := []string{"serve"}
	for _, s := range []string{
		"listen=" + addr, "data=" + data, "keys=master:" + master, "trusted_proxies=127.0.0.0/8", "log.format=json",
		"chains." + g.chain.ID + ".rpc_url=" + g.chain.RPCURL, "chains." + g.chain.ID + ".ws_url=" + g.chain.WSURL,
	} {
		args = append(args, "--set", s)
	}
	p := &contestant{name: "one process", url: "http://" + addr}
	process, err := servers.Start(ctx, servers.Spec{
		Name: "refserver", Path: binary, Args: args, Dir: dir, Env: []string{"TMPDIR=" + dir},
		Ready: func(ctx context.Context) error { _, err := fetch(ctx, p.url+"/readyz"); return err },
	})
	if err != nil {
		return nil, err
	}
	p.stop = func() error { return process.Stop(syscall.SIGTERM) }
	if err := p.visit(ctx, g); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// startNine starts the platform as nine services.
func startNine(ctx context.Context, binary, dir string, g *ground) (*contestant, error) {
	// PostgreSQL runs as another user, who must be able to pass.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cl, err := cluster.Start(ctx, cluster.Options{Dir: dir, Binary: binary, Replicas: cluster.DefaultReplicas(), RPC: g.chain.RPCURL, ChainID: g.chain.ID})
	if err != nil {
		return nil, err
	}
	p := &contestant{
		name: "nine services", url: cl.URL, stop: cl.Stop, registry: "consul://" + cl.Consul.Addr,
		past: map[string]string{"streaming": "http://" + cl.Role("streaming-1").HTTP, "auth": "http://" + cl.Role("auth-1").HTTP},
	}
	if err := p.furnishNine(ctx, cl, filepath.Join(dir, "master.key"), g); err != nil {
		return nil, errors.Join(err, cl.Stop())
	}
	return p, nil
}

func (p *contestant) furnishNine(ctx context.Context, cl *cluster.Cluster, master string, g *ground) error {
	db, err := sqldb.OpenURL(ctx, cl.DSN, sqldb.PostgresOptions{})
	if err != nil {
		return err
	}
	objects, err := s3.OpenURL(ctx, cl.S3.URL("streamgate", "", cl.S3.Addr), s3.Options{})
	if err == nil {
		err = furnish(ctx, home{db: db, objects: objects}, master, g.gate)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return p.visit(ctx, g)
}

// furnish puts the asset into a platform whose master key is in a file.
func furnish(ctx context.Context, in home, master, gate string) error {
	m, err := keys.OpenFileMaster(master, keys.FileOptions{})
	if err != nil {
		return err
	}
	if in.keys, err = keys.NewShared(m, in.db.Keys(), keys.SharedOptions{}); err != nil {
		return err
	}
	if err := create(ctx, in, clusterAsset, gate); err != nil {
		return err
	}
	return insert(ctx, in, clusterAsset, segmentCount, clusterSizes)
}

// visit signs the viewers in and opens a viewing for each.
func (p *contestant) visit(ctx context.Context, g *ground) error {
	for i, w := range g.wallets {
		v := &visitor{url: p.url, chain: g.chain.ID, wallet: w, from: fmt.Sprintf("10.0.0.%d", i+1)}
		if err := v.signIn(ctx); err != nil {
			return err
		}
		o, err := v.open(ctx, clusterAsset)
		if err != nil {
			return err
		}
		p.visitors, p.viewings = append(p.visitors, v), append(p.viewings, o)
	}
	http.DefaultClient.CloseIdleConnections()
	return nil
}

package torture

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/sys/unix"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/internal/cluster"
	"github.com/streamgate/streamgate/internal/servers"
)

// rig is the platform under torture, with what hurts it and what watches it.
type rig struct {
	dir    string
	cl     *cluster.Cluster
	chain  *devchain.Chain
	links  map[string]*link
	s3     *servers.S3Proxy
	hist   *history
	store  *store
	log    *watchLog
	rnd    *rand.Rand // of the faults, used by one goroutine
	short  []*clip
	long   *clip
	mounts []string
	url    string // what the workload calls

	creators        []*client
	stranger        *client
	holder, another *client
	passes          []pass
	reference       *asset  // what probes play
	prober          *client // its owner, who comes from a new address each time
	ips             atomic.Int64
}

// pass is a collection of one token, that holder and another pass on to each other, and a video behind it.
type pass struct {
	contract, token string
	asset           *asset
}

// rigOptions say what is started.
type rigOptions struct {
	binary, dir string
	seed        uint64
	small       bool // one process a role
	passes      int
	// rpc and front may put something before the chain and the gateway.
	rpc   func(url string) (string, func(), error)
	front func(url string) (string, func(), error)
	// s3 may put something between the proxies and the S3 server.
	s3 func(cl string) (string, func(), error)
}

// newRig starts the platform behind proxies. What was started is stopped when that fails.
func newRig(ctx context.Context, o rigOptions) (r *rig, err error) {
	r = &rig{dir: o.dir, links: map[string]*link{}, hist: newHistory(), rnd: rand.New(rand.NewPCG(o.seed, 1))}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	// PostgreSQL runs as another user, who must be able to pass.
	if err = os.MkdirAll(o.dir, 0o755); err != nil { //nolint:gosec // what is secret in it has modes of its own
		return r, err
	}
	if err = os.Chmod(o.dir, 0o755); err != nil { //nolint:gosec // the same
		return r, err
	}
	if r.short, r.long, err = clips(ctx, o.dir); err != nil {
		return r, err
	}
	if r.log, err = newWatchLog(filepath.Join(o.dir, "processes.log")); err != nil {
		return r, err
	}
	if r.chain, err = devchain.Start(ctx, devchain.Options{}); err != nil {
		return r, err
	}
	if err = r.startCluster(ctx, o); err != nil {
		return r, err
	}
	r.url = r.cl.URL
	if o.front != nil {
		var stop func()
		if r.url, stop, err = o.front(r.cl.URL); err != nil {
			return r, err
		}
		r.links["front"] = &link{afterwards: stop}
	}
	if r.store, err = openStore(ctx, r.cl); err != nil {
		return r, err
	}
	return r, r.people(ctx, o.passes)
}

func (r *rig) startCluster(ctx context.Context, o rigOptions) error {
	rpc := r.chain.RPCURL()
	if o.rpc != nil {
		to, stop, err := o.rpc(rpc)
		if err != nil {
			return err
		}
		rpc = to
		r.links["rpc"] = &link{afterwards: stop}
	}
	dir := filepath.Join(o.dir, "cluster")
	for _, name := range smallDisks() {
		_ = unix.Unmount(filepath.Join(dir, name), unix.MNT_DETACH) // of a run that was killed
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := r.mountSmall(dir); err != nil {
		return err
	}
	var replicas map[string]int
	if !o.small {
		replicas = cluster.DefaultReplicas()
	}
	var err error
	r.cl, err = cluster.Start(ctx, cluster.Options{
		Dir: dir, Binary: o.binary, Replicas: replicas, RPC: rpc, ChainID: r.chain.ChainID().String(), Log: r.log,
		Via: func(name, addr string) (string, error) { return r.interpose(name, addr, o) },
	})
	return err
}

// interpose puts a link before a dependency, and for S3 the proxy that spoils answers behind it.
func (r *rig) interpose(name, addr string, o rigOptions) (string, error) {
	var after []func()
	if name == "s3" {
		if o.s3 != nil {
			to, stop, err := o.s3(addr)
			if err != nil {
				return "", err
			}
			addr, after = to, append(after, stop)
		}
		p, err := servers.StartS3Proxy(addr, o.seed)
		if err != nil {
			return "", err
		}
		r.s3, addr = p, p.Addr
		after = append(after, p.Close)
	}
	l, err := newLink(name, addr)
	if err != nil {
		return "", err
	}
	l.afterwards = func() {
		for _, f := range after {
			f()
		}
	}
	r.links[name] = l
	return l.near.addr, nil
}

// smallDisk is the size of the file systems that are filled up. They must hold all of a run.
const smallDisk = "512m"

// smallDisks are the folders of the cluster that are file systems of their own.
func smallDisks() []string { return []string{"worker-1", "s3"} }

// mountSmall gives one worker and the S3 server disks that can be filled. Only root can.
func (r *rig) mountSmall(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range smallDisks() {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(at, 0o755); err != nil { //nolint:gosec // PostgreSQL runs as another user, who must be able to pass
			return err
		}
		if err := unix.Mount("tmpfs", at, "tmpfs", 0, "size="+smallDisk+",mode=0755"); err != nil {
			return fmt.Errorf("a small disk at %s: %w", at, err)
		}
		r.mounts = append(r.mounts, at)
	}
	return nil
}

// people signs up those who use the platform.
func (r *rig) people(ctx context.Context, passes int) error {
	for range 3 {
		k, err := crypto.GenerateKey()
		if err != nil {
			return err
		}
		r.creators = append(r.creators, r.person(k))
	}
	r.stranger, r.creators = r.creators[2], r.creators[:2]
	for to, a := range map[**client]devchain.Account{&r.holder: devchain.Holder(), &r.another: devchain.Newcomer()} {
		k, err := crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
		if err != nil {
			return err
		}
		*to = r.person(k)
	}
	r.prober = r.person(r.creators[0].key)
	for i := range passes {
		contract, err := r.chain.DeployPass(ctx, fmt.Sprintf("Pass %d", i), "PASS")
		if err != nil {
			return err
		}
		token, err := r.chain.Mint(ctx, contract, devchain.Holder().Address)
		if err != nil {
			return err
		}
		r.passes = append(r.passes, pass{contract: contract, token: token})
	}
	return nil
}

// person is a client with an address of its own.
func (r *rig) person(k *ecdsa.PrivateKey) *client {
	return newClient(r.url, r.chain.ChainID().String(), r.address(), k)
}

// address is one that nobody had before, within 198.18.0.0/15 (RFC 2544).
func (r *rig) address() string {
	n := r.ips.Add(1)
	return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, n>>8&255, n&255)
}

// close stops everything. It is safe on a rig that is not whole.
func (r *rig) close() error {
	var errs []error
	for _, c := range append(r.creators, r.stranger, r.holder, r.another, r.prober) {
		if c != nil {
			c.close()
		}
	}
	if r.store != nil {
		errs = append(errs, r.store.close())
	}
	if r.cl != nil {
		errs = append(errs, r.cl.Stop())
	}
	for _, l := range r.links {
		l.close()
	}
	if r.chain != nil {
		errs = append(errs, r.chain.Close())
	}
	for _, at := range r.mounts {
		errs = append(errs, unix.Unmount(at, unix.MNT_DETACH))
	}
	if r.cl != nil {
		errs = append(errs, os.RemoveAll(r.cl.Dir())) // the logs and the report stay
	}
	if r.log != nil {
		errs = append(errs, r.log.close())
	}
	return errors.Join(errs...)
}

// watchLog keeps what the processes print and counts the lines that prove a fault.
type watchLog struct {
	mu     sync.Mutex
	f      *os.File
	counts map[string]int // by process and phrase
}

var _ io.Writer = (*watchLog)(nil)

// noSpace is how a full disk is told.
const noSpace = "no space left on device"

func newWatchLog(file string) (*watchLog, error) {
	f, err := os.Create(file)
	return &watchLog{f: f, counts: map[string]int{}}, err
}

// Write implements io.Writer: it is given whole lines that begin with a process's name.
func (w *watchLog) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(string(b), noSpace) {
		name, _, _ := strings.Cut(string(b), " ")
		w.counts[name+" "+noSpace]++
	}
	return w.f.Write(b)
}

func (w *watchLog) count(process, phrase string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[process+" "+phrase]
}

func (w *watchLog) close() error { return w.f.Close() }

// Package metadata reads what tokens say of themselves outside the chain: the document that tokenURI or
// uri points to, of which it takes the attributes in the form that marketplaces show (trait_type and value).
// It implements nft.Metadata; hosts give a Reader to nft.NewDecider. The addresses come from whoever wrote the contract,
// so everything is bounded and only public https addresses are asked. What cannot be read is an error, never "no traits".
package metadata

import (
	"context"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
	"github.com/streamgate/streamgate/nft"
)

// Options configures a Reader; the zero value reads data: and https: addresses.
type Options struct {
	// IPFS returns at most max bytes of the file at a path such as "bafy…/7.json", with its hashes checked;
	// nil makes ipfs:// fault.Unsupported. drivers/ipfs's Node.ReadPath is one.
	IPFS func(ctx context.Context, path string, max int64) ([]byte, error)
	// MaxBytes bounds a document (default 1 MiB), Timeout the time to have one (default 3 s).
	MaxBytes int64
	Timeout  time.Duration
	// TTL is how long a document of an https address is kept (default 5 min). What is named by its hash or lies
	// on the chain does not change and is kept while there is room for it.
	TTL time.Duration
	// CacheSize is the number of documents kept (default 10,000); a negative one keeps none.
	CacheSize int
	// Client sends the requests. Nil makes one that refuses what is not public; another one must, too.
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.TTL <= 0 {
		o.TTL = 5 * time.Minute
	}
	if o.CacheSize == 0 {
		o.CacheSize = 10_000
	}
	if o.Client == nil {
		o.Client = outbound.New(outbound.Options{Timeout: o.Timeout, Redirects: 3})
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Reader reads metadata. Its methods are safe for concurrent use.
type Reader struct {
	opt   Options
	cache *otter.Cache[string, kept]
}

var _ nft.Metadata = (*Reader)(nil)

// kept is a document in the cache; until is zero for what does not change.
type kept struct {
	traits map[string][]string
	until  time.Time
}

// New returns a Reader. Close ends its idle connections.
func New(opt Options) *Reader {
	opt = opt.withDefaults()
	r := &Reader{opt: opt}
	if opt.CacheSize > 0 {
		r.cache = otter.Must(&otter.Options[string, kept]{MaximumSize: opt.CacheSize})
	}
	return r
}

// Close ends the connections that wait for another request.
func (r *Reader) Close() { r.opt.Client.CloseIdleConnections() }

// maxURI bounds an address that is not a document itself.
const maxURI = 2048

// Traits implements nft.Metadata. Errors are fault.Unavailable when the document cannot be had, fault.Corrupt when it
// is not one, fault.TooLarge beyond a bound, fault.Unsupported for an address of another kind, fault.Forbidden for one
// that is not public, fault.Canceled for ctx. The result is shared: callers must not change it.
func (r *Reader) Traits(ctx context.Context, uri, tokenID string) (map[string][]string, error) {
	const op = "metadata.Traits"
	scheme, rest, _ := strings.Cut(uri, ":")
	scheme = strings.ToLower(scheme)
	if scheme == "data" {
		b, err := r.data(rest)
		if err != nil {
			return nil, fault.At(op, err)
		}
		t, err := parse(b)
		return t, fault.At(op, err)
	}
	uri, err := substitute(uri, tokenID)
	if err != nil {
		return nil, fault.At(op, err)
	}
	if r.cache != nil {
		if k, ok := r.cache.GetIfPresent(uri); ok && (k.until.IsZero() || r.opt.Now().Before(k.until)) {
			return k.traits, nil
		}
	}
	k := kept{}
	b, err := r.fetch(ctx, scheme, uri)
	if err == nil {
		k.traits, err = parse(b)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = fault.Wrap(fault.Canceled, op, ctx.Err())
		}
		return nil, fault.At(op, err)
	}
	if scheme != "ipfs" {
		k.until = r.opt.Now().Add(r.opt.TTL)
	}
	if r.cache != nil {
		r.cache.Set(uri, k)
	}
	return k.traits, nil
}

// substitute puts the token's id in the place of "{id}": 64 digits in lower case (ERC-1155, Metadata).
func substitute(uri, tokenID string) (string, error) {
	const op = "metadata.substitute"
	if tokenID != "" && strings.Contains(uri, "{id}") {
		n, ok := new(big.Int).SetString(tokenID, 10)
		if !ok || n.Sign() < 0 || n.BitLen() > 256 {
			return "", fault.New(fault.Invalid, op, "the token id is not one")
		}
		hex := n.Text(16)
		uri = strings.ReplaceAll(uri, "{id}", strings.Repeat("0", 64-len(hex))+hex)
	}
	if len(uri) > maxURI {
		return "", fault.New(fault.TooLarge, op, "the address of the metadata is too long")
	}
	return uri, nil
}

func (r *Reader) fetch(ctx context.Context, scheme, uri string) ([]byte, error) {
	const op = "metadata.fetch"
	ctx, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	switch scheme {
	case "ipfs":
		if r.opt.IPFS == nil {
			return nil, fault.New(fault.Unsupported, op, "ipfs:// is not read here")
		}
		path, err := ipfsPath(uri)
		if err != nil {
			return nil, err
		}
		b, err := r.opt.IPFS(ctx, path, r.opt.MaxBytes)
		return b, away(err)
	case "https":
		return r.get(ctx, uri)
	}
	return nil, fault.New(fault.Unsupported, op, "the metadata is at an address of a kind that is not read")
}

// ipfsPath reads ipfs://CID/path, and the ipfs://ipfs/CID/path that many contracts have.
func ipfsPath(uri string) (string, error) {
	_, path, _ := strings.Cut(uri, "://")
	path = strings.TrimPrefix(path, "ipfs/")
	path, _, _ = strings.Cut(path, "?")
	path, err := url.PathUnescape(path)
	if err != nil || path == "" {
		return "", fault.New(fault.Corrupt, "metadata.ipfs", "the ipfs:// address cannot be read")
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." || part == "." {
			return "", fault.New(fault.Corrupt, "metadata.ipfs", "the ipfs:// address leaves its folder")
		}
	}
	return path, nil
}

// away makes our own deadline the far side's failure, and keeps kinds that say more.
func away(err error) error {
	switch k := fault.KindOf(err); {
	case err == nil, k == fault.Forbidden, k == fault.TooLarge, k == fault.Corrupt, k == fault.Unsupported:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "metadata.fetch", "the metadata did not come in time")
	}
	return fault.Newf(fault.Unavailable, "metadata.fetch", "the metadata cannot be had")
}

func (r *Reader) get(ctx context.Context, uri string) ([]byte, error) {
	const op = "metadata.get"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, fault.New(fault.Corrupt, op, "the address of the metadata cannot be read")
	}
	req.Header.Set("Accept", "application/json")
	res, err := r.opt.Client.Do(req)
	if err != nil {
		return nil, away(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.Newf(fault.Unavailable, op, "the metadata's server answers %d", res.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, r.opt.MaxBytes+1))
	if err != nil {
		return nil, away(err)
	}
	if int64(len(b)) > r.opt.MaxBytes {
		return nil, fault.New(fault.TooLarge, op, "the metadata is too long")
	}
	return b, nil
}

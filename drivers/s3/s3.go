// Package s3 keeps objects in a bucket of any server that speaks S3: AWS, Cloudflare R2,
// Ceph, Garage, MinIO, versitygw and others. Programs open a Store at start and hand it
// out as storage.Store; nothing else calls it. It never lists, reads or deletes what
// is not below its prefix, never creates a bucket unasked and never retries for ever.
//
// # What is stored how
//
// The object of key k is Prefix+k+"!". Servers that keep objects as files need the mark:
// versitygw on posix cannot hold "a" beside "a/b", and MinIO holds it but does not list it.
// The mark sorts before every byte of a key, so the order of lists stays. Where names
// without it are wanted and the server is able to, KeysPlain is Prefix+k. Choose once: the
// two are different objects. Each object carries the random number of its Put as user
// metadata (Streamgate-Write).
//
// # Lost answers
//
// When the answer of a write is lost or is a 5xx, storage is asked whose number the
// object carries, and only that decides whether the write happened. An error of kind
// fault.Unavailable from Put can still mean that it did, or that it will, when storage
// could not be asked; with IfAbsent a later attempt then finds fault.Conflict.
//
// # What S3 cannot do
//
// Modification times have a resolution of one second. A reader whose connection
// breaks goes on with the same object (If-Match, and the version in a versioned bucket);
// when that object was replaced meanwhile the reader fails with fault.Unavailable rather
// than mix two. A multipart upload of a process that was killed stays, unseen and paid
// for, until AbortStale or a rule of the bucket removes it.
package s3

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

const (
	minPart     = 5 << 20 // of S3, except for the last part
	maxPart     = 1 << 30
	defaultPart = 8 << 20
	maxParts    = 10_000
)

// Keys is how keys become names of objects.
type Keys string

// The encodings of keys.
const (
	// KeysMarked ends every name with "!". Every server can hold that.
	KeysMarked Keys = "marked"
	// KeysPlain names objects as their keys.
	KeysPlain Keys = "plain"
)

// Options says where the bucket is and how to use it. Endpoint and Bucket are required.
type Options struct {
	// Endpoint is the server's host, with a port where it is not that of the scheme.
	Endpoint string
	// Plaintext speaks HTTP instead of HTTPS. Uploads are signed with their SHA-256
	// in both cases.
	Plaintext bool
	// Region is the region of the bucket (default us-east-1).
	Region string
	// Bucket is the bucket, and Prefix goes before every key. A prefix that does not end
	// in a slash gets one.
	Bucket, Prefix string
	// AccessKey, SecretKey and SessionToken are the credentials. Without them requests
	// are anonymous.
	AccessKey, SecretKey, SessionToken string
	// PathStyle puts the bucket into the path of the URL always; the default does so
	// everywhere but with AWS and a few others that want it in the host name.
	PathStyle bool
	// Keys is the encoding of keys (default KeysMarked). Open refuses one that the
	// server cannot hold.
	Keys Keys
	// Create makes a bucket that is missing.
	Create bool
	// NoProbe keeps Open from writing: it does not find out whether the server honours
	// If-None-Match, so that Put with IfAbsent is fault.Unsupported, nor whether it can
	// hold the keys. For credentials that only read.
	NoProbe bool
	// PartSize is the size of parts, 5 MiB to 1 GiB (default 8 MiB). An object up to it
	// is sent in one request, a longer one in parts. A Put holds at most
	// Parallel+1 parts in memory, and no more than the object has.
	PartSize int64
	// Parallel is how many parts a Put sends at once (default 3).
	Parallel int
	// EqualParts keeps all parts of an object but the last of one size, as R2 wants, which
	// bounds an object of unknown size to 10,000 parts. Without it, parts grow: every
	// 1,000 are twice the size of those before, up to 512 MiB.
	EqualParts bool
	// RetryFor bounds the time in which a request that fails for a passing reason is
	// tried again (default 15 s, negative is never), with pauses of 50 ms to 2 s. It is
	// then fault.Unavailable.
	RetryFor time.Duration
	// StallAfter ends a request in which no byte moves for that long (default 30 s).
	StallAfter time.Duration
	// Linger is how long a Put whose ctx ends while its last request is under way goes on
	// waiting for the outcome (default 10 s).
	Linger time.Duration
	// Transport carries the requests (default one of its own, without a proxy and
	// without regard to the environment).
	Transport http.RoundTripper
	// Now is the clock of AbortStale; nil means time.Now.
	Now func() time.Time
}

// Store is a storage.Store in a bucket. All methods are safe for concurrent use. Its
// readers also implement io.Seeker and io.WriterTo.
type Store struct {
	core minio.Core
	opt  Options
	// can is what the probe of Open found out about If-None-Match.
	can    struct{ single, multipart bool }
	opened bool // set once, by Open
	close  func()
	chunks sync.Pool
	bufs   sync.Pool
}

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Presigner = (*Store)(nil)
)

// Open returns the Store of a bucket. A bucket that is missing, and one whose server cannot
// hold the keys, is fault.Invalid with what to do about it; one that cannot be reached
// or refuses the credentials is fault.Unavailable. Unless NoProbe is set, Open writes two
// objects beside all keys and deletes them. Call Close when done.
func Open(ctx context.Context, opt Options) (*Store, error) {
	const op = "s3.Open"
	if err := opt.complete(); err != nil {
		return nil, fault.At(op, err)
	}
	transport, closeIdle := opt.Transport, func() {}
	if transport == nil {
		own := newTransport()
		transport, closeIdle = own, own.CloseIdleConnections
	}
	lookup := minio.BucketLookupAuto
	if opt.PathStyle {
		lookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(opt.Endpoint, &minio.Options{
		Creds:        credentials.NewStaticV4(opt.AccessKey, opt.SecretKey, opt.SessionToken),
		Secure:       !opt.Plaintext,
		Region:       opt.Region,
		BucketLookup: lookup,
		Transport:    &patient{next: transport, stall: opt.StallAfter},
		MaxRetries:   1, // whether a request may be sent again is decided in this package
	})
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "the endpoint is not a host with or without a port")
	}
	s := &Store{core: *core, opt: opt, close: closeIdle}
	s.chunks.New = func() any { return new([chunkSize]byte) }
	s.bufs.New = func() any { return new([256 << 10]byte) }
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, fault.At(op, err)
	}
	s.opened = true
	return s, nil
}

// complete checks the options and sets the defaults.
func (o *Options) complete() error {
	bad := func(format string, args ...any) error {
		return fault.Newf(fault.Invalid, "s3.Options", format, args...)
	}
	if o.Endpoint == "" || o.Bucket == "" {
		return bad("the endpoint and the bucket are required")
	}
	if err := s3utils.CheckValidBucketName(o.Bucket); err != nil {
		return bad("the bucket %q has no name that S3 takes: %v", o.Bucket, err)
	}
	if (o.AccessKey == "") != (o.SecretKey == "") {
		return bad("the access key and the secret key go together")
	}
	if o.Prefix != "" {
		o.Prefix = strings.TrimSuffix(o.Prefix, "/")
		if err := storage.CheckKey(o.Prefix); err != nil || len(o.Prefix) > 256 {
			return bad("the prefix is not a key of at most 256 bytes")
		}
		o.Prefix += "/"
	}
	if o.Keys == "" {
		o.Keys = KeysMarked
	}
	if o.Keys != KeysPlain && o.Keys != KeysMarked {
		return bad("keys is %q, want %q or %q", string(o.Keys), KeysMarked, KeysPlain)
	}
	if o.PartSize == 0 {
		o.PartSize = defaultPart
	}
	if o.PartSize < minPart || o.PartSize > maxPart {
		return bad("the part size %d is not between %d and %d", o.PartSize, minPart, maxPart)
	}
	if o.Parallel == 0 {
		o.Parallel = 3
	}
	if o.Parallel < 1 || o.Parallel > 100 {
		return bad("%d parts at once are not between 1 and 100", o.Parallel)
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.RetryFor == 0 {
		o.RetryFor = 15 * time.Second
	}
	if o.StallAfter <= 0 {
		o.StallAfter = 30 * time.Second
	}
	if o.Linger <= 0 {
		o.Linger = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		ReadBufferSize:      64 << 10,
		WriteBufferSize:     64 << 10,
		// An object is bytes: they must not be unpacked on the way.
		DisableCompression: true,
	}
}

// Close releases idle connections. Open readers stay usable.
func (s *Store) Close() error {
	s.close()
	return nil
}

// PresignGet implements storage.Presigner. The URL names the Endpoint: whoever is to use
// it must reach the server under that name.
func (s *Store) PresignGet(ctx context.Context, key string, ttl time.Duration) (string, error) {
	const op = "s3.PresignGet"
	if err := check(ctx, key); err != nil {
		return "", fault.At(op, err)
	}
	if ttl < time.Second || ttl > 7*24*time.Hour {
		return "", fault.Newf(fault.Invalid, op, "the lifetime %v is not between 1 s and 7 days", ttl)
	}
	u, err := s.core.PresignedGetObject(ctx, s.opt.Bucket, s.name(key), ttl, nil)
	if err != nil {
		return "", s.fault(ctx, op, key, err)
	}
	return u.String(), nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "", err)
	}
	return storage.CheckKey(key)
}

const mark = "!" // sorts before every byte of a key

// name is the name of key's object in the bucket.
func (s *Store) name(key string) string {
	if s.opt.Keys == KeysMarked {
		return s.opt.Prefix + key + mark
	}
	return s.opt.Prefix + key
}

// key is the reverse of name; it reports false for objects that are none of ours.
func (s *Store) key(name string) (string, bool) {
	key, ok := strings.CutPrefix(name, s.opt.Prefix)
	if ok && s.opt.Keys == KeysMarked {
		key, ok = strings.CutSuffix(key, mark)
	}
	return key, ok && storage.CheckKey(key) == nil
}

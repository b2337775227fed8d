// Package redis is a cache that processes share: a cache.Cache with the powers Claimer,
// Limiter and Updater on a Redis server (7.0 or newer, one primary). It is called by whoever
// wires a platform. It never holds anything that may not be lost: a restart or a flush of the
// server makes callers slower and never lets anything through.
//
// The client library prints failed dials to standard error; a program that minds gives it
// another logger (SetLogger of github.com/redis/go-redis/v9) or none (Disable of its package logging), which is
// for the whole process.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/streamgate/streamgate/fault"
)

// The defaults of Options.
const (
	DefaultPrefix   = "streamgate:"
	DefaultTimeout  = 250 * time.Millisecond
	DefaultCooldown = time.Second
	DefaultMaxValue = 8 << 20
)

// Options says which server to use and how. Only Addr is required.
type Options struct {
	// Addr is host:port.
	Addr string
	// Username and Password sign in; an empty Username is the server's default user.
	Username, Password string
	// DB is the number of the logical database.
	DB int
	// TLS encrypts the connection when it is not nil.
	TLS *tls.Config
	// Prefix begins every key, so that programs can share a server (default DefaultPrefix).
	Prefix string
	// Timeout bounds each exchange with the server, a dial included (default DefaultTimeout).
	Timeout time.Duration
	// Cooldown is how long nobody asks a server that did not answer twice in a row
	// (default DefaultCooldown). Calls fail at once meanwhile; then one call tries it.
	Cooldown time.Duration
	// MaxValue bounds the bytes of a value (default DefaultMaxValue). A larger one is not stored.
	MaxValue int
	// PoolSize bounds the connections (default: ten for each processor).
	PoolSize int
}

// failures in a row open the circuit.
const failures = 2

// Client is a connection to a server. All methods are safe for concurrent use.
type Client struct {
	opt     Options
	rdb     *redis.Client
	breaker circuitbreaker.CircuitBreaker[any]
}

// Open connects to a server and checks that it answers. One that does not is
// fault.Unavailable, one that refuses the credentials or the database fault.Invalid. A server that
// goes away later does no harm to the Client: it is found again when it comes back.
func Open(ctx context.Context, opt Options) (*Client, error) {
	const op = "redis.Open"
	if _, _, err := net.SplitHostPort(opt.Addr); err != nil {
		return nil, fault.New(fault.Invalid, op, "the address of a Redis server is host:port")
	}
	if opt.DB < 0 {
		return nil, fault.New(fault.Invalid, op, "the database of a Redis server is a number from 0")
	}
	fill(&opt.Prefix, DefaultPrefix)
	fill(&opt.Timeout, DefaultTimeout)
	fill(&opt.Cooldown, DefaultCooldown)
	fill(&opt.MaxValue, DefaultMaxValue)
	c := &Client{
		opt: opt,
		rdb: redis.NewClient(&redis.Options{
			Addr: opt.Addr, Username: opt.Username, Password: opt.Password, DB: opt.DB, TLSConfig: opt.TLS, PoolSize: opt.PoolSize,
			DialTimeout: opt.Timeout, ReadTimeout: opt.Timeout, WriteTimeout: opt.Timeout, PoolTimeout: opt.Timeout, ContextTimeoutEnabled: true,
			// A step that is tried again by itself might count twice.
			MaxRetries: -1, DialerRetries: 1,
			DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}),
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failures).WithSuccessThreshold(1).WithDelay(opt.Cooldown).Build(),
	}
	if err := c.Ping(ctx); err != nil {
		var refused redis.Error
		if errors.As(err, &refused) && !busy(refused) {
			err = &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the Redis server refuses to serve us: check the credentials and the database", Err: err}
		}
		return nil, errors.Join(fault.At(op, err), c.Close())
	}
	return c, nil
}

// OpenURL is Open with everything in a URL:
//
//	redis://[user[:password]@]host[:port][/db][?prefix=p&timeout=250ms]
//
// or rediss:// for TLS, with the certificate checked against host and the system's roots. The port is
// 6379 and the database 0 unless said. An unknown query parameter is fault.Invalid and named.
// Errors never contain the URL, which has a password.
func OpenURL(ctx context.Context, rawURL string) (*Client, error) {
	opt, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	return Open(ctx, opt)
}

func parse(rawURL string) (Options, error) {
	const op = "redis.OpenURL"
	bad := func(msg string) (Options, error) { return Options{}, fault.New(fault.Invalid, op, msg) }
	u, err := url.Parse(rawURL)
	if err != nil {
		return bad("this is not a URL; write redis://user:password@host:port/db") // its error would show the password
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.Fragment != "" {
		return bad("the URL of a Redis server is redis://user:password@host:port/db, or rediss:// for TLS")
	}
	opt := Options{Addr: u.Host}
	if u.Port() == "" {
		opt.Addr = net.JoinHostPort(u.Hostname(), "6379")
	}
	if u.User != nil {
		opt.Username = u.User.Username()
		opt.Password, _ = u.User.Password()
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if opt.DB, err = strconv.Atoi(db); err != nil || opt.DB < 0 {
			return bad("the path of a Redis URL is the number of a database")
		}
	}
	if u.Scheme == "rediss" {
		opt.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("the parameters of the Redis URL cannot be read")
	}
	for name, vals := range query {
		switch name {
		case "prefix":
			opt.Prefix = vals[0]
		case "timeout":
			if opt.Timeout, err = time.ParseDuration(vals[0]); err != nil || opt.Timeout <= 0 {
				return bad("the parameter timeout of a Redis URL is a time such as 250ms")
			}
		default:
			return Options{}, fault.Newf(fault.Invalid, op, "a Redis URL has no parameter %.40q; there are prefix and timeout", name)
		}
	}
	return opt, nil
}

// Ping asks the server whether it is there; when it is not, fault.Unavailable.
func (c *Client) Ping(ctx context.Context) error {
	return c.do(ctx, "redis.Ping", func(ctx context.Context) error { return c.rdb.Ping(ctx).Err() })
}

// Close ends all connections. Calls after it are fault.Unavailable.
func (c *Client) Close() error {
	if err := c.rdb.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fault.Wrap(fault.Internal, "redis.Close", err)
	}
	return nil
}

// do makes one exchange with the server, within the time-out and unless the circuit is open.
// A missing key is no error of it: call handles redis.Nil.
func (c *Client) do(ctx context.Context, op string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	if !c.breaker.TryAcquirePermit() {
		return fault.New(fault.Unavailable, op, "the Redis server did not answer a moment ago").After(max(c.breaker.RemainingDelay(), time.Second))
	}
	limited, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	err := call(limited)
	var reply redis.Error
	switch {
	case err == nil:
		c.breaker.RecordSuccess()
		return nil
	case ctx.Err() != nil:
		// The caller gave up, which tells nothing of the server. But a half-open circuit
		// wants an answer to the permit it gave.
		if !c.breaker.IsClosed() {
			c.breaker.RecordFailure()
		}
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	case errors.As(err, &reply):
		c.breaker.RecordSuccess() // it does answer
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the Redis server refused", Err: err}
	case errors.Is(err, redis.ErrPoolTimeout) && c.breaker.IsClosed():
		// Too many callers at once are no sign of a dead server.
	default:
		c.breaker.RecordFailure()
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the Redis server does not answer", Err: opaque{err}}
}

// opaque keeps the text of an error and hides that it is a context's: the time-out is
// this package's own and not the caller's.
type opaque struct{ err error }

// Error tells the cause.
func (o opaque) Error() string { return o.err.Error() }

// busy tells of a server that will serve us in a while.
func busy(e redis.Error) bool {
	for _, prefix := range []string{"LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "ERR max number of clients"} {
		if strings.HasPrefix(e.Error(), prefix) {
			return true
		}
	}
	return false
}

// fill sets *v to def when it is the zero value.
func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

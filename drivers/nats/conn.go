package nats

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgate/streamgate/fault"
)

// Options say which server a Conn speaks to; the zero value of a field means the default given.
type Options struct {
	// URL is nats://host:port, or tls:// for TLS, with several servers of a cluster joined
	// by commas. It is required unless Embedded is set.
	URL string
	// Embedded is a server of this process, reached without a socket. The caller stops it
	// after the Conn is closed.
	Embedded *Embedded
	// User and Password, or Token, or the path of a credentials file, sign in.
	User, Password, Token, CredentialsFile string
	// TLS is used for tls:// servers. Nil means the system's roots.
	TLS *tls.Config
	// Prefix begins the name of every stream and subject, so that several platforms can share
	// a server: one to 32 of a-z, 0-9, _ and -. Empty means "streamgate".
	Prefix string
	// Replicas is how many servers of a cluster hold each stream that is made: 1, 3 or 5. Zero means 1.
	Replicas int
	// Name tells operators who is connected. Empty means "streamgate".
	Name string
	// Timeout bounds how long one operation waits for a server that does not answer before
	// it is fault.Unavailable. Zero means 5 seconds.
	Timeout time.Duration
	// CheckEvery is how often streams are looked at for what the server tells nobody: that messages were
	// purged or dropped unread, and that dead letters are too many. Zero means 15 seconds.
	CheckEvery time.Duration
	// Logger hears of lost connections and streams made anew, at Info. Nil discards.
	Logger *slog.Logger
}

const (
	retryFirst = 20 * time.Millisecond // pause after a failed try, doubled up to
	retryLast  = time.Second
)

var prefixRE = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// Conn is a connection that mends itself. Its methods may be called from any goroutine.
type Conn struct {
	o      Options
	nc     *nats.Conn
	js     jetstream.JetStream
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	owned  *Embedded // stopped by Close

	mu     sync.Mutex
	closed bool
	link   context.Context // ends when the connection is lost or had again
	unlink context.CancelFunc
	closer []func(ctx context.Context) error
}

// Open connects. It is fault.Invalid for options that make no sense, fault.Unavailable when no server
// answers within the timeout, fault.Unauthenticated when it does not let us in, and fault.Unsupported for a server that is too old or has no JetStream.
// ctx bounds the opening only.
func Open(ctx context.Context, o Options) (*Conn, error) {
	const op = "nats.Open"
	o.Prefix = cmp.Or(o.Prefix, "streamgate")
	o.Replicas = cmp.Or(o.Replicas, 1)
	o.Name = cmp.Or(o.Name, "streamgate")
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.CheckEvery = cmp.Or(o.CheckEvery, 15*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case (o.URL == "") == (o.Embedded == nil):
		return nil, fault.New(fault.Invalid, op, "give the address of a server or an embedded one")
	case !prefixRE.MatchString(o.Prefix):
		return nil, fault.Newf(fault.Invalid, op, "the prefix %.40q needs to be 1 to 32 of a-z, 0-9, _ and -", o.Prefix)
	case o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5:
		return nil, fault.Newf(fault.Invalid, op, "%d replicas: 1, 3 and 5 are possible", o.Replicas)
	case o.Timeout < 0 || o.CheckEvery < 0:
		return nil, fault.New(fault.Invalid, op, "times must be positive")
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	c := &Conn{o: o}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.link, c.unlink = context.WithCancel(c.ctx)
	if err := c.dial(ctx); err != nil {
		c.cancel()
		return nil, err
	}
	if err := c.usable(ctx); err != nil {
		c.cancel()
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) dial(ctx context.Context) error {
	const op = "nats.Open"
	wait := c.o.Timeout
	if end, ok := ctx.Deadline(); ok {
		wait = max(min(wait, time.Until(end)), time.Millisecond)
	}
	opts := []nats.Option{
		nats.Name(c.o.Name), nats.Timeout(wait), nats.MaxReconnects(-1),
		nats.ReconnectWait(50 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		// Nothing is kept to be sent after the connection is back: what was to be done is
		// decided anew then.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.changed("nats connection lost", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { c.changed("nats connection had again", nil) }),
		// Without a handler the client prints to standard error.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.o.Logger.Info("nats reported an error", "error", err)
		}),
	}
	if c.o.User != "" {
		opts = append(opts, nats.UserInfo(c.o.User, c.o.Password))
	}
	if c.o.Token != "" {
		opts = append(opts, nats.Token(c.o.Token))
	}
	if c.o.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(c.o.CredentialsFile))
	}
	if c.o.TLS != nil {
		opts = append(opts, nats.Secure(c.o.TLS))
	}
	url := c.o.URL
	if e := c.o.Embedded; e != nil {
		url = ""
		opts = append(opts, nats.InProcessServer(e.server), nats.Token(e.token))
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, op, ctx.Err())
		}
		if errors.Is(err, nats.ErrAuthorization) {
			return &fault.Error{Kind: fault.Unauthenticated, Op: op, Msg: "the NATS server does not let us in", Err: err}
		}
		return unavailable(op, "no NATS server could be connected to", err)
	}
	c.nc = nc
	c.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(c.o.Timeout))
	if err != nil {
		nc.Close()
		return fault.Wrap(fault.Internal, op, err)
	}
	return nil
}

// usable checks that the server can do what the package needs.
func (c *Conn) usable(ctx context.Context) error {
	const op = "nats.Open"
	var major, minor int
	if _, err := fmt.Sscanf(c.nc.ConnectedServerVersion(), "%d.%d", &major, &minor); err == nil && (major < 2 || major == 2 && minor < 12) {
		return fault.Newf(fault.Unsupported, op, "the NATS server has version %.20s: 2.12 or later is needed", c.nc.ConnectedServerVersion())
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	_, err := c.js.AccountInfo(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &fault.Error{Kind: fault.Unsupported, Op: op, Msg: "the NATS server has no JetStream", Err: err}
	}
	return c.failed(ctx, op, err)
}

// Ping asks the server for a sign of life. It is fault.Unavailable when none comes in time.
func (c *Conn) Ping(ctx context.Context) error {
	const op = "nats.Ping"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	bound, cancel := c.bound(ctx)
	defer cancel()
	if _, err := c.js.AccountInfo(bound); err != nil {
		return c.failed(bound, op, err)
	}
	return nil
}

// Close refuses new work, waits until the handlers of its buses have handled what this process was
// given, ends all waiting calls, and disconnects. When ctx ends first, handlers' contexts
// end and the error (fault.Canceled) says so. In every case nothing of c runs any more when it
// returns. Leases that are held stay held until they expire: end the workers first.
func (c *Conn) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	closers := c.closer
	c.closer = nil
	c.mu.Unlock()
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i](ctx))
	}
	c.cancel()
	c.tasks.Wait()
	if c.nc.IsConnected() {
		_ = c.nc.FlushTimeout(time.Second)
	}
	c.nc.Close()
	if c.owned != nil {
		c.owned.Stop()
	}
	return errors.Join(errs...)
}

// onClose registers f to be called by Close, the last first. False means that it is closed already.
func (c *Conn) onClose(f func(ctx context.Context) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closer = append(c.closer, f)
	return true
}

// reset calls the host's hook in a goroutine that Close waits for.
func (c *Conn) reset(hook func(ctx context.Context)) {
	if hook == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.tasks.Go(func() { hook(c.ctx) })
	}
}

func (c *Conn) changed(what string, err error) {
	if c.ctx.Err() == nil {
		c.o.Logger.Info(what, "error", err) //nolint:sloglint // the two constants of the handlers above
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unlink()
	c.link, c.unlink = context.WithCancel(c.ctx)
}

// interruption returns a context that ends when the connection next breaks or comes back.
func (c *Conn) interruption() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// linked ends ctx also when the connection breaks, after which no answer to what was asked comes.
func (c *Conn) linked(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.interruption(), func() { cancel(errBroken) })
	return ctx, func() { stop(); cancel(nil) }
}

var errBroken = errors.New("the connection to NATS broke")

var errTimeout = errors.New("the NATS server did not answer in time")

// bound ends ctx after the timeout of one operation, with a cause that tells it from
// the caller's own deadline.
func (c *Conn) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.o.Timeout, errTimeout)
}

// failed classifies err, which happened under bound, a context made by bound.
func (c *Conn) failed(bound context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) && known.Kind != fault.Canceled {
		return fault.At(op, err)
	}
	if bound.Err() != nil && !errors.Is(context.Cause(bound), errTimeout) {
		return fault.Wrap(fault.Canceled, op, context.Cause(bound))
	}
	return unavailable(op, "the NATS server is out of reach", err)
}

// unavailable hides context errors inside cause: the deadline was our own.
func unavailable(op, msg string, cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: msg, Err: fmt.Errorf("%w: %s", errTimeout, cause.Error())}
}

// pause waits after the nth failed try, or until the connection changes or ctx ends.
func (c *Conn) pause(ctx context.Context, n int) {
	t := time.NewTimer(min(retryFirst<<min(n, 10), retryLast))
	defer t.Stop()
	broken := c.interruption()
	select {
	case <-t.C:
	case <-broken.Done():
	case <-ctx.Done():
	}
}

package grpc_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
)

// asker is an authenticator that answers as it is told.
type asker func(ctx context.Context, tenant, token string) (auth.Principal, error)

func (a asker) Authenticate(ctx context.Context, tenant, token string) (auth.Principal, error) {
	return a(ctx, tenant, token)
}

// over serves register over a connection in memory.
func over(t testing.TB, opt grpc.ServerOptions, register func(gogrpc.ServiceRegistrar)) *gogrpc.ClientConn {
	t.Helper()
	l := listener(t)
	opt.Insecure = true
	serve(t, l, opt, register)
	return dial(t, grpc.DialOptions{Target: l.Addr().String(), Insecure: true})
}

func TestErrorsKeepTheirKind(t *testing.T) {
	t.Parallel()
	var fail error
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(context.Context, string, string) (auth.Principal, error) { return auth.Principal{}, fail }))
	})
	for _, k := range fault.Kinds() {
		cause := fault.New(fault.Forbidden, "inner.Op", "the inner message")
		secret := errors.New("password=hunter2")
		sent := &fault.Error{
			Kind: k, Op: "outer.Op", Msg: "what is wrong \u2116 1", RetryAfter: 1500 * time.Millisecond, Err: fmt.Errorf("%w: %w", secret, cause),
			Fields: []fault.Field{{Pointer: "/a/0", Detail: "mend it"}, {Pointer: "/b"}},
		}
		fail = sent
		_, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x")
		var got *fault.Error
		if !errors.As(err, &got) {
			t.Fatalf("%v: %v is no fault", k, err)
		}
		want := &fault.Error{Kind: k, Op: sent.Op, Msg: sent.Msg, Fields: sent.Fields, RetryAfter: sent.RetryAfter}
		switch k {
		case fault.Internal: // shows nothing
			want.Msg, want.Fields, want.RetryAfter = "", nil, 0
		case fault.Canceled: // the caller is still there: it is not he who gave up
			want = &fault.Error{Kind: fault.Unavailable, Op: "grpc.Authenticate", Msg: got.Msg}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v", k, got, want)
		}
		if s := fmt.Sprintf("%+v %v", got, err); strings.Contains(s, "hunter2") || strings.Contains(s, "inner") {
			t.Errorf("%v: the cause crossed: %s", k, s)
		}
	}
	// What is found by wrapping crosses as fault.Public shows it.
	fail = fault.At("outer.Op", fault.New(fault.Limited, "inner.Op", "too often").After(time.Minute))
	_, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x")
	if msg, _, retry := fault.Public(err); !errors.Is(err, fault.Limited) || msg != "too often" || retry != time.Minute {
		t.Errorf("got %v: %q, %v", err, msg, retry)
	}
	fail = errors.New("a bare error")
	if _, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x"); fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "bare") {
		t.Errorf("a bare error crossed as %v", err)
	}
	fail = fault.New(fault.Invalid, "x", strings.Repeat("long", 10_000)+"\xff")
	if _, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Invalid) || len(err.Error()) > 4096 {
		t.Errorf("a long message crossed as %.100v", err)
	}
}

// bare is a far side that answers with a status of its own making, as a proxy would.
type bare struct {
	pb.UnimplementedAuthServiceServer
	code codes.Code
	with *pb.Fault
}

func (b *bare) Authenticate(context.Context, *pb.AuthenticateRequest) (*pb.AuthenticateResponse, error) {
	st := status.New(b.code, "proxy")
	if b.with != nil {
		st, _ = st.WithDetails(b.with)
	}
	return nil, st.Err()
}

// A status without our detail says something of the way, and never who a viewer is or what there is.
func TestCodesOfOthers(t *testing.T) {
	t.Parallel()
	b := &bare{}
	conn := over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) { pb.RegisterAuthServiceServer(s, b) })
	want := map[codes.Code]fault.Kind{
		codes.Canceled: fault.Unavailable, codes.DeadlineExceeded: fault.Unavailable, codes.Unavailable: fault.Unavailable,
		codes.Unauthenticated: fault.Unavailable, codes.PermissionDenied: fault.Unavailable, codes.NotFound: fault.Unavailable, codes.Aborted: fault.Unavailable,
		codes.InvalidArgument: fault.Invalid, codes.OutOfRange: fault.TooLarge, codes.ResourceExhausted: fault.Limited,
		codes.Unimplemented: fault.Unsupported, codes.DataLoss: fault.Corrupt,
		codes.Unknown: fault.Internal, codes.Internal: fault.Internal, codes.AlreadyExists: fault.Internal, codes.FailedPrecondition: fault.Internal, 99: fault.Internal,
	}
	for c, kind := range want {
		b.code = c
		if _, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x"); fault.KindOf(err) != kind {
			t.Errorf("%v is %v (%v), want %v", c, fault.KindOf(err), err, kind)
		}
	}
	b.code, b.with = codes.Internal, &pb.Fault{Kind: 200, Msg: "of a later version"}
	if _, err := grpc.NewAuthenticator(conn).Authenticate(t.Context(), "t", "x"); fault.KindOf(err) != fault.Internal {
		t.Errorf("a kind of a later version is %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	l := listener(t)
	serve(t, l, grpc.ServerOptions{Insecure: true}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterAuthenticator(s, asker(func(ctx context.Context, _, _ string) (auth.Principal, error) {
			<-ctx.Done()
			return auth.Principal{}, fault.Wrap(fault.Canceled, "x", ctx.Err())
		}))
	})
	a := grpc.NewAuthenticator(dial(t, grpc.DialOptions{Target: l.Addr().String(), Insecure: true, Timeout: 200 * time.Millisecond, BreakAfter: 100}))
	for range 3 {
		if _, err := a.Authenticate(t.Context(), "t", "x"); !errors.Is(err, fault.Unavailable) {
			t.Errorf("our own deadline: %v, want fault.Unavailable", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := a.Authenticate(ctx, "t", "x"); !errors.Is(err, fault.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller's deadline: %v, want fault.Canceled", err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		time.Sleep(20 * time.Millisecond)
		cancel()
	}()
	if _, err := a.Authenticate(ctx, "t", "x"); !errors.Is(err, fault.Canceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who hangs up: %v, want fault.Canceled", err)
	}
}

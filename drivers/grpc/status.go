package grpc

import (
	"context"
	"errors"
	"strings"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The bounds of what crosses of an error: a status travels in a header.
const (
	maxText   = 2 << 10
	maxFields = 32
)

// codeOf is the code a kind travels under, for those who know codes only.
func codeOf(k fault.Kind) codes.Code {
	switch k {
	case fault.Invalid:
		return codes.InvalidArgument
	case fault.Unauthenticated:
		return codes.Unauthenticated
	case fault.Forbidden:
		return codes.PermissionDenied
	case fault.NotFound:
		return codes.NotFound
	case fault.Conflict:
		return codes.Aborted
	case fault.TooLarge:
		return codes.OutOfRange
	case fault.Unsupported:
		return codes.Unimplemented
	case fault.Limited:
		return codes.ResourceExhausted
	case fault.Unavailable:
		return codes.Unavailable
	case fault.Canceled:
		return codes.Canceled
	case fault.Corrupt:
		return codes.DataLoss
	}
	return codes.Internal
}

// kindOf is the kind of a status without our detail: it comes from the transport, a
// proxy or a server that is not ours, and so is never an answer of the domain. A
// refusal of this process (its certificate, its place in an allow-list) must not be
// taken for "this viewer may not", nor a proxy's 404 for "there is no such asset".
func kindOf(c codes.Code) fault.Kind {
	switch c {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.Unauthenticated, codes.PermissionDenied,
		codes.NotFound, codes.Aborted:
		return fault.Unavailable
	case codes.InvalidArgument:
		return fault.Invalid
	case codes.OutOfRange:
		return fault.TooLarge
	case codes.ResourceExhausted:
		return fault.Limited
	case codes.Unimplemented:
		return fault.Unsupported
	case codes.DataLoss:
		return fault.Corrupt
	}
	return fault.Internal
}

// detailOf returns the public part of err. The operation is the outermost named;
// Msg, Fields and RetryAfter are what fault.Public shows.
func detailOf(err error) *pb.Fault {
	msg, fields, retry := fault.Public(err)
	out := &pb.Fault{Kind: uint32(fault.KindOf(err)), Op: clip(opOf(err)), Msg: clip(msg)}
	for _, f := range fields[:min(len(fields), maxFields)] {
		out.Fields = append(out.Fields, &pb.FaultField{Pointer: clip(f.Pointer), Detail: clip(f.Detail)})
	}
	if retry > 0 {
		out.RetryAfter = durationpb.New(retry)
	}
	for name, cause := range causes() {
		if errors.Is(err, cause) {
			out.Cause = name
		}
	}
	return out
}

// causes are what callers tell from other errors of the kind. No error has two.
func causes() map[string]error {
	return map[string]error{
		"not_enumerable": nft.ErrNotEnumerable, "too_many": nft.ErrTooMany, "compressed": nft.ErrCompressed, "disagreement": nft.ErrDisagreement,
	}
}

func opOf(err error) string {
	for err != nil {
		var e *fault.Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Op != "" {
			return e.Op
		}
		err = e.Err
	}
	return ""
}

// clip makes s fit to be sent: bounded, and UTF-8 as a protobuf string must be.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// restore is the inverse of detailOf. A kind this build does not know is Internal.
func restore(f *pb.Fault) *fault.Error {
	k := fault.Internal
	if n := f.GetKind(); n < uint32(len(fault.Kinds())) {
		k = fault.Kind(n)
	}
	out := &fault.Error{Kind: k, Op: f.GetOp(), Msg: f.GetMsg(), RetryAfter: max(f.GetRetryAfter().AsDuration(), 0), Err: causes()[f.GetCause()]}
	for _, field := range f.GetFields() {
		out.Fields = append(out.Fields, fault.Field{Pointer: field.GetPointer(), Detail: field.GetDetail()})
	}
	return out
}

// toStatus turns an error into the status that carries it.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	f := detailOf(err)
	msg := f.GetMsg()
	if msg == "" {
		msg = fault.Kind(f.GetKind()).String()
	}
	st := status.New(codeOf(fault.Kind(f.GetKind())), msg)
	if with, err := st.WithDetails(f); err == nil {
		st = with
	}
	return st.Err()
}

// fromStatus turns a status into the error it carries; answered tells that one of our
// services made it, as against the way there.
func fromStatus(err error) (out *fault.Error, answered bool) {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if f, ok := d.(*pb.Fault); ok {
			return restore(f), true
		}
	}
	return &fault.Error{Kind: kindOf(st.Code()), Err: errors.New(st.Code().String() + ": " + clip(st.Message()))}, false
}

// answer is what a service returns to the wire for err. The far dependency that is
// unavailable has been asked just now: asking again at once would only add to its load.
func answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if fault.KindOf(err) == fault.Unavailable {
		_ = gogrpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "-1")) // fails off the wire only
	}
	return &served{status.Convert(toStatus(err)), err}
}

// served is an answer with its cause, which stays here, for the log.
type served struct {
	st    *status.Status
	cause error
}

// Error implements error.
func (s *served) Error() string { return s.cause.Error() }

// Unwrap returns the cause.
func (s *served) Unwrap() error { return s.cause }

// GRPCStatus tells package status what to send.
func (s *served) GRPCStatus() *status.Status { return s.st }

// failure is what a client returns for the error of a call made under ctx. Canceled is
// about the caller: one who is still there has met a deadline of ours, or a service that
// gave up, and to him that is Unavailable.
func failure(ctx context.Context, op string, err error) error {
	out, answered := fromStatus(err)
	if out.Op == "" {
		out.Op = op
	}
	gaveUp := out.Kind == fault.Canceled
	if c := status.Code(err); !answered && (c == codes.Canceled || c == codes.DeadlineExceeded) {
		gaveUp = true
	}
	if !gaveUp {
		return out
	}
	if cause := ended(ctx); cause != nil {
		return &fault.Error{Kind: fault.Canceled, Op: op, Err: cause}
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the service did not answer in time", Err: out.Err}
}

// ended returns the error of a context that has ended. The far side may notice the
// deadline that travelled with the call a moment before the timer here does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at.Add(-deadlineSlack)) {
		return context.DeadlineExceeded
	}
	return nil
}

// deadlineSlack is how much earlier than ours another clock may see the same deadline.
const deadlineSlack = 20 * time.Millisecond

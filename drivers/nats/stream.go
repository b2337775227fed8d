package nats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgate/streamgate/fault"
)

// stream is a JetStream stream that is made when it is missing. Every making gives it a new epoch,
// a random element of its subjects: whoever knows only a deleted stream can write into no
// other, and everybody sees that it is not the same.
type stream struct {
	c      *Conn
	name   string
	config map[string]any // beside the name and the subjects
}

// state is what a server said of a stream.
type state struct {
	epoch       string
	first, last uint64
	at          time.Time // of the server's clock
}

// The numbers of JetStream errors this package acts on.
const (
	codeStreamMissing = 10059
	codeStreamThere   = 10058
	codeMessageNone   = 10037
	codeTooLarge      = 10054
	codeStoreFailed   = 10077 // also a stream that is full
	codeWrongLast     = 10071
	codeWrongLastPlus = 10164
)

// apiError is JetStream's refusal.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (%d)", e.Description, e.ErrCode) }

// is reports whether err is a refusal with one of the numbers.
func is(err error, codes ...int) bool {
	var e *apiError
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.ErrCode == code {
			return true
		}
	}
	return false
}

func (s *stream) base() string { return s.c.o.Prefix + "." + s.name }

func (s *stream) stored() string { return s.c.o.Prefix + "_" + s.name }

// subject returns the subject of rest in an epoch.
func (s *stream) subject(epoch, rest string) string { return s.base() + "." + epoch + "." + rest }

// ensure returns the state of the stream, which it makes when it is missing.
func (s *stream) ensure(ctx context.Context) (state, error) {
	for try := 0; ; try++ {
		st, err := s.info(ctx)
		if !is(err, codeStreamMissing) || try == 3 {
			return st, err
		}
		config := map[string]any{
			"name": s.stored(), "subjects": []string{s.subject(strings.ToLower(rand.Text()[:16]), ">")},
			"num_replicas": s.c.o.Replicas, "storage": "file", "retention": "limits", "allow_direct": false,
		}
		for k, v := range s.config {
			config[k] = v
		}
		err = s.api(ctx, "STREAM.CREATE."+s.stored(), config, &struct{}{})
		if err != nil && !is(err, codeStreamThere) { // another process was first
			return state{}, err
		}
		if err == nil {
			s.c.o.Logger.Info("nats stream made", "stream", s.stored())
		}
	}
}

func (s *stream) info(ctx context.Context) (state, error) {
	var info struct {
		Config struct {
			Subjects []string `json:"subjects"`
		} `json:"config"`
		State struct {
			First uint64 `json:"first_seq"`
			Last  uint64 `json:"last_seq"`
		} `json:"state"`
		At time.Time `json:"ts"`
	}
	if err := s.api(ctx, "STREAM.INFO."+s.stored(), nil, &info); err != nil {
		return state{}, err
	}
	if len(info.Config.Subjects) == 1 {
		epoch, ours := strings.CutPrefix(info.Config.Subjects[0], s.base()+".")
		if epoch, all := strings.CutSuffix(epoch, ".>"); ours && all {
			return state{epoch: epoch, first: info.State.First, last: info.State.Last, at: info.At}, nil
		}
	}
	return state{}, &fault.Error{Kind: fault.Invalid, Op: "nats.stream", Msg: "there is another stream of the name " + s.stored() + ": choose another prefix", Err: errForeign}
}

// errForeign means that trying again is of no use.
var errForeign = errors.New("the stream is not one of StreamGate")

// message is one that a stream holds.
type message struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Data    []byte    `json:"data"`
	Time    time.Time `json:"time"`
}

// get asks the stream's leader for a message by sequence, or for the last of a subject. ok is false
// when there is none.
func (s *stream) get(ctx context.Context, request map[string]any) (m message, ok bool, err error) {
	var r struct {
		Message message `json:"message"`
	}
	err = s.api(ctx, "STREAM.MSG.GET."+s.stored(), request, &r)
	if is(err, codeMessageNone, codeStreamMissing) {
		return message{}, false, nil
	}
	return r.Message, err == nil, err
}

// api sends one request of the JetStream API.
func (s *stream) api(ctx context.Context, what string, request, response any) error {
	body := []byte(nil)
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return err
		}
	}
	ctx, cancel := s.c.linked(ctx)
	defer cancel()
	m, err := s.c.nc.RequestWithContext(ctx, "$JS.API."+what, body)
	if err != nil {
		return err
	}
	var refused struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &refused); err != nil {
		return err
	}
	if refused.Error != nil {
		return refused.Error
	}
	return json.Unmarshal(m.Data, response)
}

// publish sends a message into a stream once and returns its sequence there.
func (c *Conn) publish(ctx context.Context, m *nats.Msg) (seq uint64, err error) {
	ctx, cancel := c.linked(ctx)
	defer cancel()
	r, err := c.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Error *apiError `json:"error"`
		Seq   uint64    `json:"seq"`
	}
	if err := json.Unmarshal(r.Data, &ack); err != nil {
		return 0, err
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	return ack.Seq, nil
}

// final returns the fault of a refusal that trying again would not mend, or nil.
func final(op string, err error) error {
	switch {
	case is(err, codeTooLarge), errors.Is(err, nats.ErrMaxPayload):
		return &fault.Error{Kind: fault.TooLarge, Op: op, Msg: "that is more than the NATS server takes in one message", Err: err}
	case errors.Is(err, nats.ErrConnectionClosed):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the connection to NATS is closed", Err: err}
	}
	return nil
}

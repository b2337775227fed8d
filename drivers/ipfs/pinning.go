package ipfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
)

// PinService is a client of a service that speaks the IPFS Pinning Service API 1.0.0. All methods are safe
// for concurrent use; failures that may pass are retried as RemoteOptions says.
type PinService struct{ r *remote }

// NewPinService returns a client of the service at base, the part of its URLs before "/pins". It
// connects to nothing yet.
func NewPinService(base string, opt RemoteOptions) (*PinService, error) {
	r, err := newRemote("ipfs.NewPinService", base, opt)
	if err != nil {
		return nil, err
	}
	return &PinService{r}, nil
}

// PinState is the state of a pin request.
type PinState string

// The states of the specification.
const (
	PinQueued  PinState = "queued"
	PinPinning PinState = "pinning"
	PinPinned  PinState = "pinned"
	PinFailed  PinState = "failed"
)

// PinStatus is what a service says of a pin request.
type PinStatus struct {
	RequestID string    `json:"requestid"`
	Status    PinState  `json:"status"`
	Created   time.Time `json:"created"`
	Pin       PinSpec   `json:"pin"`
	// Delegates are addresses of the service's nodes, to connect to so that it finds the blocks.
	Delegates []string `json:"delegates"`
}

// PinSpec is what to pin. The name is at most 255 bytes; Origins are at most 20 multiaddresses of nodes that have the blocks.
type PinSpec struct {
	CID     string   `json:"cid"`
	Name    string   `json:"name,omitempty"`
	Origins []string `json:"origins,omitempty"`
}

// ask makes one attempt at a call, body being sent as JSON unless it is nil.
func (p *PinService) ask(ctx context.Context, op, method, path string, query url.Values, body, v any) error {
	c := call{op: op, method: method, path: path, query: query}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fault.Wrap(fault.Internal, op, err)
		}
		c.body = func() (io.Reader, string) { return bytes.NewReader(b), "application/json" }
	}
	a, err := p.r.do(ctx, c, maxAnswer)
	if err != nil || v == nil {
		return err
	}
	return decode(op, a.body, v)
}

// check refuses an answer that is about something else.
func (s PinStatus) check(op, want string) error {
	got, err := cid.Decode(s.Pin.CID)
	// The id becomes part of a path.
	if err != nil || s.RequestID == "" || s.RequestID == "." || s.RequestID == ".." || len(s.RequestID) > 256 || want != "" && got.String() != want {
		return fault.New(fault.Unavailable, op, "the answer is about another pin")
	}
	switch s.Status {
	case PinQueued, PinPinning, PinPinned, PinFailed:
		return nil
	}
	return fault.New(fault.Unavailable, op, "the answer has a state that the specification does not know")
}

// Find returns the requests for root in any state, at most ten.
func (p *PinService) Find(ctx context.Context, root cid.Cid) ([]PinStatus, error) {
	var found []PinStatus
	err := p.r.retry(ctx, func(ctx context.Context) (err error) {
		found, err = p.find(ctx, root)
		return err
	})
	return found, err
}

func (p *PinService) find(ctx context.Context, root cid.Cid) ([]PinStatus, error) {
	const op = "ipfs.PinService.Find"
	var list struct {
		Results []PinStatus `json:"results"`
	}
	// Without a list of states the service answers with what is pinned only.
	query := url.Values{"cid": {root.String()}, "status": {"queued,pinning,pinned,failed"}, "limit": {strconv.Itoa(10)}}
	if err := p.ask(ctx, op, http.MethodGet, "/pins", query, nil, &list); err != nil {
		return nil, err
	}
	for _, s := range list.Results {
		if err := s.check(op, root.String()); err != nil {
			return nil, err
		}
	}
	return list.Results, nil
}

// Get returns the state of a request, or fault.NotFound.
func (p *PinService) Get(ctx context.Context, requestID string) (PinStatus, error) {
	const op = "ipfs.PinService.Get"
	var s PinStatus
	err := p.r.retry(ctx, func(ctx context.Context) error {
		if err := p.ask(ctx, op, http.MethodGet, "/pins/"+url.PathEscape(requestID), nil, nil, &s); err != nil {
			return err
		}
		return s.check(op, "")
	})
	return s, err
}

// Delete removes a request; its blocks may be collected then. A request that is gone is no error.
func (p *PinService) Delete(ctx context.Context, requestID string) error {
	const op = "ipfs.PinService.Delete"
	err := p.r.retry(ctx, func(ctx context.Context) error {
		return p.ask(ctx, op, http.MethodDelete, "/pins/"+url.PathEscape(requestID), nil, nil, nil)
	})
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Remove deletes all requests for root.
func (p *PinService) Remove(ctx context.Context, root cid.Cid) error {
	for {
		found, err := p.Find(ctx, root)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, s := range found {
			if err := p.Delete(ctx, s.RequestID); err != nil {
				return err
			}
		}
	}
}

// Ensure returns when the service says that root is pinned. It looks before it asks, so that calling it again, or
// after an answer was lost, makes no second request. A request that failed at the service is replaced, as
// often as RemoteOptions.Attempts; when PinTimeout has passed the error is fault.Unavailable and the request stays.
func (p *PinService) Ensure(ctx context.Context, root cid.Cid, name string, origins []string) (PinStatus, error) {
	const op = "ipfs.PinService.Ensure"
	if err := checkCID(root); err != nil {
		return PinStatus{}, fault.At(op, err)
	}
	if len(name) > 255 || len(origins) > 20 {
		return PinStatus{}, fault.New(fault.Invalid, op, "the name has more than 255 bytes, or there are more than 20 origins")
	}
	inner, cancel := context.WithTimeout(ctx, p.r.opt.PinTimeout)
	defer cancel()
	s, err := p.ensure(inner, PinSpec{root.String(), name, origins}, root)
	if err != nil && ctx.Err() == nil && inner.Err() != nil {
		return s, fault.New(fault.Unavailable, op, "the service has not pinned it in time")
	}
	return s, err
}

func (p *PinService) ensure(ctx context.Context, spec PinSpec, root cid.Cid) (PinStatus, error) {
	for attempt := 1; ; attempt++ {
		s, err := p.request(ctx, spec, root)
		if err != nil {
			return s, err
		}
		s, err = p.settle(ctx, s, root)
		if err == nil || !errors.Is(err, fault.NotFound) && s.Status != PinFailed || attempt >= p.r.opt.Attempts {
			return s, err
		}
		if err := sleep(ctx, p.r.opt.Backoff); err != nil {
			return s, err
		}
	}
}

// request returns the furthest request for root that did not fail, made now if there is none.
func (p *PinService) request(ctx context.Context, spec PinSpec, root cid.Cid) (PinStatus, error) {
	const op = "ipfs.PinService.Ensure"
	var s PinStatus
	err := p.r.retry(ctx, func(ctx context.Context) error {
		// In each attempt: the one before may have been heard.
		found, err := p.find(ctx, root)
		if err != nil {
			return err
		}
		for _, state := range []PinState{PinPinned, PinPinning, PinQueued} {
			for _, f := range found {
				if f.Status == state {
					s = f
					return nil
				}
			}
		}
		for _, f := range found { // all failed
			err := p.ask(ctx, op, http.MethodDelete, "/pins/"+url.PathEscape(f.RequestID), nil, nil, nil)
			if err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
		}
		if err := p.ask(ctx, op, http.MethodPost, "/pins", nil, spec, &s); err != nil {
			return err
		}
		return s.check(op, root.String())
	})
	return s, err
}

// settle asks until the request is pinned or has failed.
func (p *PinService) settle(ctx context.Context, s PinStatus, root cid.Cid) (PinStatus, error) {
	const op = "ipfs.PinService.Ensure"
	for {
		switch s.Status {
		case PinPinned:
			return s, nil
		case PinFailed:
			return s, fault.New(fault.Unavailable, op, "the service failed to pin it")
		}
		if err := sleep(ctx, p.r.opt.PollEvery); err != nil {
			return s, err
		}
		now, err := p.Get(ctx, s.RequestID)
		if err != nil {
			return s, err
		}
		if err := now.check(op, root.String()); err != nil {
			return s, err
		}
		s = now
	}
}

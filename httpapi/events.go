package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
)

// heartbeat keeps proxies from closing a quiet stream and finds dead clients.
const heartbeat = 15 * time.Second

// sendTime bounds one write to a client that does not read.
const sendTime = 10 * time.Second

// eventStream is a server-sent event stream (WHATWG HTML, 9.2) that has begun.
type eventStream struct {
	q  *request
	rc *http.ResponseController
}

// stream begins the answer. The stream outlives the server's write timeout;
// each single write is bounded instead.
func (q *request) stream() *eventStream {
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	return &eventStream{q, http.NewResponseController(q.w)}
}

// send writes one event; data is marshalled as JSON on one line.
func (s *eventStream) send(event string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fault.Wrap(fault.Internal, "httpapi.events", err)
	}
	return s.write("event: " + event + "\ndata: " + string(b) + "\n\n")
}

func (s *eventStream) write(text string) error {
	// Not every ResponseWriter has deadlines (HTTP/2 and httptest do differ);
	// without one the connection's own limits hold.
	_ = s.rc.SetWriteDeadline(time.Now().Add(sendTime))
	if _, err := s.q.w.Write([]byte(text)); err != nil {
		return fault.Wrap(fault.Canceled, "httpapi.events", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fault.Wrap(fault.Canceled, "httpapi.events", err)
	}
	return nil
}

// follow sends an event for each value of ch until it closes, the client
// leaves, the server stops or the deadline (zero: none) passes.
func follow[T any](a *api, s *eventStream, ch <-chan T, deadline time.Time, name func(T) string, view func(T) any) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var over <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		over = t.C
	}
	// "open" tells the page that the stream is live and how long to wait before
	// it reconnects.
	if err := s.write("retry: 1000\nevent: open\ndata: {}\n\n"); err != nil {
		return err
	}
	for {
		var err error
		select {
		case v, ok := <-ch:
			if !ok {
				return nil
			}
			err = s.send(name(v), view(v))
		case <-beat.C:
			err = s.write(": beat\n\n")
		case <-over:
			return nil
		case <-a.Stopping:
			return nil
		case <-s.q.r.Context().Done():
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (a *api) assetEvents(q *request) error {
	ctx, cancel := context.WithCancel(q.r.Context())
	defer cancel()
	as, err := a.assetFor(q, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	ch, err := a.Media.Watch(ctx, q.tenant, as.ID)
	if err != nil {
		return err
	}
	who := q.who
	// A session that ends takes its streams with it: the client comes back with
	// a fresh token, or not.
	return follow(a, q.stream(), ch, who.ExpiresAt,
		func(media.Asset) string { return "asset" },
		func(as media.Asset) any { return viewOf(as, who) })
}

func (a *api) playEvents(q *request) error {
	ctx, cancel := context.WithCancel(q.r.Context())
	defer cancel()
	ch, err := a.Playback.Notices(ctx, q.r.PathValue("token"))
	if err != nil {
		return err
	}
	return follow(a, q.stream(), ch, time.Time{},
		func(n playback.Notice) string { return n.Type },
		func(n playback.Notice) any { return n })
}

package httpapi

import (
	"container/list"
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// idempotencyTTL is how long a repeated request gets the first one's answer.
const idempotencyTTL = 24 * time.Hour

// once runs a request that carries an Idempotency-Key once.
type once interface {
	// do runs fn once per key and body and replays its answer to repeats. A repeat with
	// another body is fault.Invalid, one that comes while the first still runs fault.Conflict.
	// Failures are not kept, so that they can be tried again. Without a key it just runs fn.
	do(ctx context.Context, key idempotencyKey, body []byte, fn func() (int, []byte, error)) (status int, answer []byte, replayed bool, err error)
}

// newOnce keeps the answers in the shared cache where that can, else in this process.
func newOnce(max int, shared cache.Cache, now func() time.Time) once {
	if shared != nil {
		if claims, ok := cache.As[cache.Claimer](shared); ok {
			return &sharedOnce{answers: shared, claims: claims}
		}
	}
	return newIdempotency(max, now)
}

// idempotency remembers the answers to requests that carried an
// Idempotency-Key, per caller. It is in memory and bounded: after a restart, or
// when that many newer keys have come, a repeat is a new request.
type idempotency struct {
	max int
	now func() time.Time

	mu      sync.Mutex
	records map[idempotencyKey]*list.Element
	order   *list.List // of *record, newest first
}

type idempotencyKey struct{ tenant, user, key string }

func (k idempotencyKey) check() error {
	if len(k.key) <= 255 {
		return nil
	}
	return fault.New(fault.Invalid, "httpapi.idempotency", "The Idempotency-Key is too long.").With("Idempotency-Key", "at most 255 bytes")
}

func otherRequest() error {
	return fault.New(fault.Invalid, "httpapi.idempotency", "This Idempotency-Key was used for another request.").
		With("Idempotency-Key", "use a new key for a new request")
}

func stillRunning() error {
	return fault.New(fault.Conflict, "httpapi.idempotency", "The first request with this Idempotency-Key is still running.").After(time.Second)
}

type record struct {
	key     idempotencyKey
	body    [sha256.Size]byte
	expires time.Time
	done    bool
	status  int
	answer  []byte
}

func newIdempotency(max int, now func() time.Time) *idempotency {
	return &idempotency{max: max, now: now, records: map[idempotencyKey]*list.Element{}, order: list.New()}
}

// do implements once.
func (s *idempotency) do(_ context.Context, key idempotencyKey, body []byte, fn func() (int, []byte, error)) (status int, answer []byte, replayed bool, err error) {
	if key.key == "" {
		status, answer, err = fn()
		return status, answer, false, err
	}
	if err := key.check(); err != nil {
		return 0, nil, false, err
	}
	sum := sha256.Sum256(body)
	s.mu.Lock()
	if el, ok := s.records[key]; ok {
		rec := el.Value.(*record)
		switch {
		case !s.now().Before(rec.expires):
			s.remove(el)
		case rec.body != sum:
			s.mu.Unlock()
			return 0, nil, false, otherRequest()
		case !rec.done:
			s.mu.Unlock()
			return 0, nil, false, stillRunning()
		default:
			status, answer = rec.status, rec.answer
			s.mu.Unlock()
			return status, answer, true, nil
		}
	}
	if s.order.Len() >= s.max {
		s.remove(s.order.Back())
	}
	el := s.order.PushFront(&record{key: key, body: sum, expires: s.now().Add(idempotencyTTL)})
	s.records[key] = el
	s.mu.Unlock()

	keep := false
	defer func() { // also when fn panics: the key must not stay taken
		s.mu.Lock()
		defer s.mu.Unlock()
		if rec := el.Value.(*record); keep {
			rec.done, rec.status, rec.answer = true, status, answer
		} else if s.records[key] == el {
			s.remove(el)
		}
	}()
	status, answer, err = fn()
	keep = err == nil
	return status, answer, false, err
}

// remove forgets a record; the caller holds mu.
func (s *idempotency) remove(el *list.Element) {
	delete(s.records, el.Value.(*record).key)
	s.order.Remove(el)
}

package media

import (
	"context"
	"net/http"
	"sync"

	tusd "github.com/tus/tusd/v2/pkg/handler"
)

// uploadLocks lets one request at a time write an upload. A newcomer asks the
// holder to let go (its client is often long gone) and waits its turn in order of arrival; if
// the holder does not in time, the newcomer is refused. The queue is of this process, which then claims the upload
// among the others: see claims. The offset in the database, which moves only from where the writer
// believes it is, is what protects the bytes.
type uploadLocks struct {
	claims *claims

	mu sync.Mutex
	m  map[string]*uploadQueue
}

type uploadQueue struct {
	release func() // asks the holder to let go
	waiting []chan struct{}
}

var _ tusd.Locker = (*uploadLocks)(nil)

// errLocked is tusd's error with the status that tells a client to come back; its own is that of a fault of ours.
var errLocked = tusd.NewError(tusd.ErrLockTimeout.ErrorCode, tusd.ErrLockTimeout.Message, http.StatusLocked)

// NewLock implements tusd.Locker.
func (l *uploadLocks) NewLock(id string) (tusd.Lock, error) { return &uploadLock{all: l, id: id}, nil }

type uploadLock struct {
	all *uploadLocks
	id  string
	end func() // gives the claim back
}

// Lock implements tusd.Lock.
func (l *uploadLock) Lock(ctx context.Context, release func()) (err error) {
	if err := l.turn(ctx, release); err != nil {
		return err
	}
	if l.end, err = l.all.claims.take(ctx, l.id, release); err != nil {
		l.pass()
	}
	return err
}

// Unlock implements tusd.Lock.
func (l *uploadLock) Unlock() error {
	l.end()
	l.pass()
	return nil
}

// turn waits until it is this lock's turn in this process.
func (l *uploadLock) turn(ctx context.Context, release func()) error {
	a := l.all
	a.mu.Lock()
	if a.m == nil {
		a.m = map[string]*uploadQueue{}
	}
	q := a.m[l.id]
	if q == nil {
		a.m[l.id] = &uploadQueue{release: release}
		a.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	ask := q.release
	a.mu.Unlock()
	if ask != nil {
		ask()
	}
	select {
	case <-turn:
	case <-ctx.Done():
		if !l.leave(q, turn) {
			// The turn came at the same moment: pass it on.
			l.pass()
		}
		return errLocked
	}
	a.mu.Lock()
	q.release = release
	crowded := len(q.waiting) > 0
	a.mu.Unlock()
	if crowded {
		release()
	}
	return nil
}

// leave takes turn out of the queue; false means it is no longer in it.
func (l *uploadLock) leave(q *uploadQueue, turn chan struct{}) bool {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	for i, w := range q.waiting {
		if w == turn {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// pass lets the next in.
func (l *uploadLock) pass() {
	a := l.all
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.m[l.id]
	if q == nil {
		return
	}
	if len(q.waiting) == 0 {
		delete(a.m, l.id)
		return
	}
	turn := q.waiting[0]
	q.waiting, q.release = q.waiting[1:], nil
	close(turn)
}

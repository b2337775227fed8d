package nats

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// subscription reads the stream for one handler. An in-process bus of its own keeps
// the order of keys, the turns, the pauses and the room; the tail fills it.
type subscription struct {
	b       *Bus
	pattern string
	local   *event.Memory
	stop    context.CancelFunc
	done    chan struct{} // closed when the tail has ended
	once    sync.Once

	due uint64 // what Close waits for; under the bus's mu

	mu     sync.Mutex
	epoch  string
	next   uint64    // the sequence to read next
	last   time.Time // the server's time of the last one read
	moved  chan struct{}
	failed map[lane]int // attempts of the event that a lane is at
}

type lane struct{ tenant, key string }

func (b *Bus) newSubscription(pattern string, h event.Handler, st state) (*subscription, error) {
	s := &subscription{
		b: b, pattern: pattern, done: make(chan struct{}),
		epoch: st.epoch, next: st.last + 1, last: st.at, moved: make(chan struct{}), failed: map[lane]int{},
	}
	s.local = event.NewMemory(event.Options{
		Queue: b.o.Queue, Handlers: b.o.Handlers, MaxAttempts: b.o.MaxAttempts, Backoff: b.o.Backoff, MaxBackoff: b.o.MaxBackoff,
		Jitter: b.o.Jitter, Now: b.o.Now, KeepDead: 1,
	})
	if _, err := s.local.Subscribe("*", s.wrap(h)); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(b.c.ctx)
	s.stop = stop
	t := &tail{s: b.live, r: s}
	go func() {
		defer close(s.done)
		t.run(ctx)
	}()
	return s, nil
}

// wrap counts attempts and buries after the last. The local bus works the events of a lane
// off one by one, so the count of a lane is that of its foremost event.
func (s *subscription) wrap(h event.Handler) event.Handler {
	return func(ctx context.Context, e event.Event) error {
		kept := e
		kept.Data = append([]byte(nil), e.Data...)
		err := fault.Catch("event.Handler", func() error { return h(ctx, e) })
		l := lane{e.Tenant, e.Key}
		s.mu.Lock()
		s.failed[l]++
		n := s.failed[l]
		if err == nil || n >= s.b.o.MaxAttempts {
			delete(s.failed, l)
		}
		s.mu.Unlock()
		if err == nil || n < s.b.o.MaxAttempts || ctx.Err() != nil {
			return err
		}
		s.b.bury(ctx, event.Dead{Event: kept, Pattern: s.pattern, Attempts: n, Reason: err.Error(), At: s.b.o.Now()})
		return nil
	}
}

// begin implements reader: it goes on where it was, as far as the stream lets it.
func (s *subscription) begin(ctx context.Context, st state) (from, error) {
	s.b.met(st.epoch)
	s.mu.Lock()
	next, last, same := s.next, s.last, s.epoch == st.epoch
	s.mu.Unlock()
	filter := s.b.live.subject(st.epoch, topicFilter(s.pattern))
	switch {
	case !same: // all in it came after the subscription
		s.move(st.epoch, 1, time.Time{})
		return from{filter: filter, seq: 1}, nil
	case st.last+1 < next: // a disk lost its end; numbers are given a second time
		s.b.reset("the stream went back in time")
		s.move(st.epoch, st.last+1, last)
		return from{filter: filter, time: last.Add(1)}, nil
	case st.first > next:
		s.b.reset("a subscription was too slow for the bounds of the stream")
	}
	return from{filter: filter, seq: next}, nil
}

func (s *subscription) begun(uint64) {}

func (s *subscription) broke(error) {}

// take implements reader.
func (s *subscription) take(ctx context.Context, m message, _ uint64) error {
	topic := strings.TrimPrefix(m.Subject, s.b.live.subject(s.epoch, "")) // only begin, of this goroutine, changes it
	if e, ok := readEvent(m.Data, topic); !ok {
		s.b.o.Logger.Info("what is no event was left out", "stream", s.b.live.stored(), "sequence", m.Seq)
	} else if err := s.local.Publish(ctx, e); err != nil {
		return err
	}
	s.move(s.epoch, m.Seq+1, m.Time)
	return nil
}

// readEvent reads an event that was published under a topic.
func readEvent(data []byte, topic string) (e event.Event, ok bool) {
	err := json.Unmarshal(data, &e)
	return e, err == nil && e.Topic == topic && event.ValidTopic(topic)
}

// check implements reader. Events of other topics do not move next, so it is moved on when idle.
func (s *subscription) check(_ context.Context, st state, idle bool) error {
	s.mu.Lock()
	next := s.next
	s.mu.Unlock()
	if st.epoch != s.epoch {
		return errGap
	}
	if st.first > next {
		s.b.reset("a subscription was too slow for the bounds of the stream")
	}
	if idle && st.last+1 > next {
		s.move(st.epoch, st.last+1, st.at)
	}
	return nil
}

func (s *subscription) move(epoch string, next uint64, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.next, s.last = epoch, next, last
	close(s.moved)
	s.moved = make(chan struct{})
}

// end stops reading and handling and waits for both.
func (s *subscription) end() {
	s.once.Do(func() {
		s.stop()
		<-s.done
	})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.local.Close(ended)
}

// drain waits until what this process published is read, stops reading, and waits until it is handled.
func (s *subscription) drain(ctx context.Context) error {
	s.b.mu.Lock()
	due := s.due
	s.b.mu.Unlock()
	for {
		s.mu.Lock()
		next, moved := s.next, s.moved
		s.mu.Unlock()
		if next > due || ctx.Err() != nil {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
		case <-s.done:
			due = 0 // it was cancelled meanwhile
		}
	}
	s.stop()
	<-s.done
	return s.local.Close(ctx)
}

// topicFilter returns pattern as a filter of subjects.
func topicFilter(pattern string) string {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return prefix + ">"
	}
	return pattern
}

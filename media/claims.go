package media

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/storage/cache"
)

// TopicWanted asks the process that writes an upload to let go of it. Key is the upload, Data {"by": the process that asks}.
const TopicWanted = "upload.wanted"

const (
	// claimFor is how long an upload stays claimed by a process that was killed; claims are renewed well before.
	claimFor   = 6 * time.Second
	claimEvery = claimFor / 3
	claimRetry = 100 * time.Millisecond
	claimAsk   = time.Second // between two requests to let go
	// claimWait bounds one call of the shared cache, so that one that hangs holds up no upload.
	claimWait = 500 * time.Millisecond
)

// claims let one process at a time write an upload, through a cache that they share. They save work and waiting, and that is
// all: when the cache is away, or has lost what it held, two processes may write at once, and the one that commits second is
// refused by the offset in the database.
type claims struct {
	cache  cache.Claimer // nil: this process is alone
	events event.Bus
	now    func() time.Time
	log    *slog.Logger
	self   string

	mu      sync.Mutex
	release map[string]func() // of the uploads held, asks the holder to let go
}

type wanted struct {
	By string `json:"by"`
}

func newClaims(opt Options, log *slog.Logger) *claims {
	c := &claims{events: opt.Events, now: opt.Now, log: log, self: rand.Text(), release: map[string]func(){}}
	if opt.SharedCache != nil {
		c.cache, _ = cache.As[cache.Claimer](opt.SharedCache)
	}
	return c
}

// take claims an upload, asking the process that holds it to let go, until ctx ends. end gives it back. release is
// called when another process wants it or has it. In this process the caller is the only one for id.
func (c *claims) take(ctx context.Context, id string, release func()) (end func(), err error) {
	if c.cache == nil {
		return func() {}, nil
	}
	var asked time.Time
	for {
		held, err := c.claim(ctx, id)
		switch {
		case held:
			return c.hold(ctx, id, release), nil
		case ctx.Err() != nil:
			c.giveBack(ctx, id) // the claim may have been made all the same
			return nil, errLocked
		case err != nil:
			c.log.InfoContext(ctx, "upload_not_claimed", "upload", id, "error", err)
			return func() {}, nil
		}
		if now := time.Now(); now.Sub(asked) >= claimAsk {
			asked = now
			c.ask(ctx, id)
		}
		select {
		case <-ctx.Done():
			return nil, errLocked
		case <-time.After(claimRetry):
		}
	}
}

func (c *claims) claim(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	return c.cache.Claim(ctx, claimKey(id), c.self, claimFor)
}

func claimKey(upload string) string { return "media/upload/" + upload }

func (c *claims) giveBack(ctx context.Context, id string) {
	ctx, cancel := detached(ctx, claimWait)
	defer cancel()
	if err := c.cache.Release(ctx, claimKey(id), c.self); err != nil {
		c.log.InfoContext(ctx, "upload_not_released", "upload", id, "error", err) // it ends by itself
	}
}

func (c *claims) ask(ctx context.Context, id string) {
	data, _ := json.Marshal(wanted{c.self}) // plain data always marshals
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	if err := c.events.Publish(ctx, event.Event{Topic: TopicWanted, Key: id, Data: data}); err != nil {
		c.log.InfoContext(ctx, "event_not_published", "topic", TopicWanted, "upload", id, "error", err)
	}
}

// hold renews a claim until end is called. When another has it, the holder is asked to let go.
func (c *claims) hold(ctx context.Context, id string, release func()) (end func()) {
	c.mu.Lock()
	c.release[id] = release
	c.mu.Unlock()
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beat sync.WaitGroup
	beat.Go(func() {
		t := time.NewTicker(claimEvery)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if held, err := c.claim(ctx, id); err == nil && !held {
				release()
				return
			}
		}
	})
	return func() {
		stop()
		beat.Wait()
		c.mu.Lock()
		delete(c.release, id)
		c.mu.Unlock()
		c.giveBack(ctx, id)
	}
}

// hear lets go of an upload that another process asks for. A request that comes late is about a holder long gone.
func (c *claims) hear(_ context.Context, e event.Event) error {
	var w wanted
	if json.Unmarshal(e.Data, &w) != nil || w.By == c.self || c.now().Sub(e.At) > claimFor {
		return nil //nolint:nilerr // what is not to be understood is nothing to try again
	}
	c.mu.Lock()
	release := c.release[e.Key]
	c.mu.Unlock()
	if release != nil {
		release()
	}
	return nil
}

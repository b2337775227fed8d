// Package job is the work queue. Queue is the interface; Memory is the
// in-process default. Jobs are leased, extended by heart-beats, retried with
// back-off and set aside as dead letters; they are hints to do work that the
// database describes, so a lost queue is refilled from there on start.
package job

import (
	"context"
	"time"
)

// DefaultAttempts is how often a job is tried when it does not say.
const DefaultAttempts = 5

// Job is a unit of work.
type Job struct {
	// ID names the work within the tenant: enqueuing an ID that is waiting or
	// leased is a no-op.
	ID     string
	Kind   string
	Tenant string
	// Priority orders waiting jobs, higher first; equal ones go in order of arrival.
	Priority int
	Payload  []byte
	// NotBefore delays the first attempt; zero means now.
	NotBefore time.Time
	// MaxAttempts bounds the tries; zero means DefaultAttempts. A lease that expires
	// is a try.
	MaxAttempts int
}

// Lease is a job held by one worker until Expires.
type Lease struct {
	Job     Job
	Token   string // names this lease; stale tokens are refused
	Attempt int    // 1 for the first try
	Expires time.Time
}

// Queue holds jobs. Its methods may be called from any goroutine. Arguments that
// make no sense (no ID, kind or kinds, a duration that is not positive) are
// fault.Invalid.
type Queue interface {
	// Enqueue adds all jobs or, with an error, none; ones whose ID is already
	// waiting or leased are skipped. The payload is copied.
	Enqueue(ctx context.Context, jobs ...Job) error
	// Lease waits for a job of one of kinds and holds it for d. It returns
	// ctx's error when ctx ends first.
	Lease(ctx context.Context, kinds []string, d time.Duration) (*Lease, error)
	// Extend is the heart-beat: it moves the expiry to now+d. A lease that was
	// lost is fault.Conflict, and the worker must stop without effect.
	Extend(ctx context.Context, token string, d time.Duration) error
	// Ack ends the job for good. A lost lease is fault.Conflict.
	Ack(ctx context.Context, token string) error
	// Nack gives the job back to be tried after delay (< 0: the queue's own
	// back-off), or makes it a dead letter when attempts are used up.
	Nack(ctx context.Context, token string, delay time.Duration, cause error) error
}

// Dead is a job that used up its attempts. To try it again, enqueue its Job;
// that takes it out of the dead letters.
type Dead struct {
	Job      Job
	Attempts int
	Reason   string // what the last attempt said
	At       time.Time
}

// Stats counts the jobs of a queue.
type Stats struct {
	Waiting int // could be leased now
	Delayed int // wait for their time
	Leased  int
	Dead    int
}

// Inspector is what a Queue can also do: tell what it holds.
type Inspector interface {
	Stats(ctx context.Context) (Stats, error)
	// DeadLetters returns at most limit dead jobs, the latest first.
	DeadLetters(ctx context.Context, limit int) ([]Dead, error)
}

// KindInspector is a further power of a Queue that counts its jobs by kind. Kinds without jobs may be left out.
// A queue elsewhere that turns out not to have it is fault.Unsupported.
type KindInspector interface {
	StatsByKind(ctx context.Context) (map[string]Stats, error)
}

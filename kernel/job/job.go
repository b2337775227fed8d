// Package job is the work queue. Queue is the interface; Memory is the
// in-process default. Jobs are leased, extended by heart-beats, retried with
// back-off and set aside as dead letters; they are hints to do work that the
// database describes, so a lost queue is refilled from there on start.
package job

import (
	"context"
	"time"
)

// Job is a unit of work.
type Job struct {
	// ID names the work: enqueuing an ID that is waiting or leased is a no-op.
	ID     string
	Kind   string
	Tenant string
	// Priority orders waiting jobs, higher first; equal ones go in order of arrival.
	Priority int
	Payload  []byte
	// NotBefore delays the first attempt; zero means now.
	NotBefore time.Time
	// MaxAttempts bounds the tries; zero means 5.
	MaxAttempts int
}

// Lease is a job held by one worker until Expires.
type Lease struct {
	Job     Job
	Token   string // names this lease; stale tokens are refused
	Attempt int    // 1 for the first try
	Expires time.Time
}

// Queue holds jobs.
type Queue interface {
	// Enqueue adds jobs; ones whose ID is already waiting or leased are skipped.
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

// Package event is the bus domains tell each other things over. Bus is the
// interface; Memory is the in-process default. Delivery is at least once and in
// order per subscription and key; the database is the truth, an event only wakes.
package event

import (
	"context"
	"time"
)

// Event is one thing that happened.
type Event struct {
	// ID is unique; a handler that must act once remembers it. A publisher that
	// may repeat itself sets it.
	ID string `json:"id"`
	// Topic is dotted lower case, such as asset.changed or gate.changed.
	Topic  string `json:"topic"`
	Tenant string `json:"tenant"`
	// Key is what the event is about (an asset id); order holds per tenant and key.
	Key string    `json:"key"`
	At  time.Time `json:"at"`
	// Data is JSON whose shape the topic fixes.
	Data []byte `json:"data,omitempty"`
}

// Handler acts on an event, whose Data it may keep and change. An error or a panic
// causes redelivery with back-off, before any later event of the same key; after
// the bus's limit of attempts the event is a dead letter. Events of different
// keys may be handled at the same time. ctx ends when the subscription does.
type Handler func(ctx context.Context, e Event) error

// Bus carries events. Its methods may be called from any goroutine.
type Bus interface {
	// Publish hands e to every present subscriber of its topic. ID and At are
	// filled in when empty. It returns once the bus has taken the event, not
	// once it is handled. When the bus is full it waits for room until ctx ends; with an
	// error no subscriber gets the event. A topic that is not dotted lower
	// case is fault.Invalid, a closed bus fault.Unavailable.
	Publish(ctx context.Context, e Event) error
	// Subscribe calls h for each event whose topic matches pattern, where a
	// last element "*" matches any rest ("asset.*", "*"). cancel stops it and waits for
	// a running handler to return; h itself must not call it. What was not
	// handled yet is dropped.
	Subscribe(pattern string, h Handler) (cancel func(), err error)
}

// Dead is an event one subscription could not handle.
type Dead struct {
	Event    Event
	Pattern  string // names the subscription
	Attempts int
	Reason   string // what the last attempt said
	At       time.Time
}

// Inspector is what a Bus can also do: tell what it failed to deliver.
type Inspector interface {
	// DeadLetters returns at most limit dead events, the latest first.
	DeadLetters(ctx context.Context, limit int) ([]Dead, error)
}

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
	// ID is unique; a handler that must act once remembers it.
	ID string `json:"id"`
	// Topic is dotted lower case, such as asset.changed or gate.changed.
	Topic  string `json:"topic"`
	Tenant string `json:"tenant"`
	// Key is what the event is about (an asset id); order holds per key.
	Key string    `json:"key"`
	At  time.Time `json:"at"`
	// Data is JSON whose shape the topic fixes.
	Data []byte `json:"data,omitempty"`
}

// Handler acts on an event. An error or a panic causes redelivery with back-off;
// after the bus's limit of attempts the event is a dead letter.
type Handler func(ctx context.Context, e Event) error

// Bus carries events.
type Bus interface {
	// Publish hands e to every present subscriber of its topic. ID and At are
	// filled in when empty. It returns once the bus has taken the event, not
	// once it is handled.
	Publish(ctx context.Context, e Event) error
	// Subscribe calls h for each event whose topic matches pattern, where a
	// last element "*" matches any rest ("asset.*", "*"). cancel stops it and waits for
	// a running handler to return.
	Subscribe(pattern string, h Handler) (cancel func(), err error)
}

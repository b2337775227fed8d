// Package nats is event.Bus and job.Queue on NATS JetStream, for several processes that
// work together, and an embedded server for one machine. The host opens a Conn with Open,
// OpenURL or a StartEmbedded before, and takes a Bus and a Queue from it.
//
// The database stays the truth: what JetStream holds are wake-ups that may be
// lost with its disks. Bus and Queue make their streams anew when somebody deleted them, go on,
// and tell the host through OnReset, which then publishes and enqueues again what is undone.
// The package never stores what cannot be had again elsewhere.
//
// It needs nats-server 2.12 or later (atomic batches).
package nats

package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/streamgate/streamgate/fault"
)

// EmbeddedOptions tune an embedded server; the zero value of a field means the default given.
type EmbeddedOptions struct {
	// Dir is the folder of its streams, which is made when missing. One server at a time may have it.
	Dir string
	// SyncAlways has every write on the disk before it is acknowledged, so that a power failure loses
	// nothing. Otherwise the disk is synced every two minutes; a crash of the process alone loses
	// nothing in either case.
	SyncAlways bool
	// MaxBytes bounds what all streams together store. Zero means 1 GiB.
	MaxBytes int64
	// Listen opens a port on loopback, for other processes of this machine that are given URL.
	Listen bool
}

// Embedded is a NATS server with JetStream inside this process.
type Embedded struct {
	server *server.Server
	token  string
	listen bool
	lock   *os.File
	stop   sync.Once
}

// StartEmbedded starts a server and waits until it is ready. A folder that another server has is
// fault.Conflict. The server touches no signals, prints nothing, and whoever connects needs
// the secret that is in URL.
func StartEmbedded(ctx context.Context, o EmbeddedOptions) (*Embedded, error) {
	const op = "nats.StartEmbedded"
	if o.Dir == "" || o.MaxBytes < 0 {
		return nil, fault.New(fault.Invalid, op, "an embedded server needs a folder, and a bound that is not negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	lock, err := acquire(op, o.Dir)
	if err != nil {
		return nil, err
	}
	e := &Embedded{token: rand.Text(), listen: o.Listen, lock: lock}
	e.server, err = server.NewServer(&server.Options{
		ServerName: "embedded", Host: "127.0.0.1", Port: server.RANDOM_PORT, DontListen: !o.Listen,
		Authorization: e.token, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: o.Dir, SyncAlways: o.SyncAlways,
		JetStreamMaxStore: o.MaxBytes, JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		lock.Close()
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	e.server.Start()
	wait := 30 * time.Second // recovering large streams takes a while
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	if !e.server.ReadyForConnections(wait) || !e.server.JetStreamEnabled() {
		e.Stop()
		return nil, fault.New(fault.Unavailable, op, "the embedded NATS server did not start in time, or could not use its folder")
	}
	return e, nil
}

// URL is the address for other processes of this machine, with the secret that admits them; empty
// without Listen.
func (e *Embedded) URL() string {
	if !e.listen {
		return ""
	}
	return fmt.Sprintf("nats://%s@%s", e.token, e.server.Addr())
}

// Stop ends the server and waits until its files are closed. Stopping again does nothing.
func (e *Embedded) Stop() {
	e.stop.Do(func() {
		e.server.Shutdown()
		e.server.WaitForShutdown()
		e.lock.Close()
	})
}

// acquire makes the folder this process's: the server itself would let two write into it.
func acquire(op, dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fault.Newf(fault.Conflict, op, "another embedded NATS server has the folder %s", dir)
	}
	return nil, fault.Wrap(fault.Unavailable, op, err)
}

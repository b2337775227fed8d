//go:build unix && !solaris && !aix

package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/streamgate/streamgate/fault"
)

// acquire takes the lock of the key ring. It ends with the process or when the
// file is closed, so that no crash leaves it behind.
func (d dir) acquire() (*os.File, error) {
	const op = "keys.acquire"
	f, err := d.root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		return nil, fault.Newf(fault.Conflict, op, "the key ring %s is in use by process %s; one process at a time may open it", d.root.Name(), holder)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprint(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockBeside waits for the lock of a file that several processes change. It is a
// file beside it, since the file itself is replaced.
func lockBeside(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil // gives the lock up
}

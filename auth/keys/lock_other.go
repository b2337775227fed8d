//go:build !unix || solaris || aix

package keys

import (
	"os"

	"github.com/streamgate/streamgate/fault"
)

func (d dir) acquire() (*os.File, error) {
	return nil, fault.New(fault.Unsupported, "keys.acquire", "the local key ring needs flock, which this system does not have")
}

func lockBeside(string) (unlock func(), err error) {
	return nil, fault.New(fault.Unsupported, "keys.lockBeside", "a file of master keys needs flock to be changed, which this system does not have; open it read-only")
}

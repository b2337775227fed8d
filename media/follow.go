package media

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// follower reads a file while another process writes it, from before there is
// one. Where the file ends it waits until it is poked or the writer has ended.
type follower struct {
	path  string
	grown chan struct{} // holds one
	ended chan struct{}
	f     *os.File
}

// poke says that there may be more to read.
func (f *follower) poke() {
	select {
	case f.grown <- struct{}{}:
	default:
	}
}

// Read implements io.Reader.
func (f *follower) Read(b []byte) (int, error) {
	for last := false; ; {
		n, err := f.read(b)
		if n > 0 || (err != nil && err != io.EOF) {
			return n, err
		}
		if last {
			return 0, io.EOF
		}
		select {
		case <-f.grown:
		case <-f.ended:
			last = true // what was written since the last look is still to be read
		}
	}
}

func (f *follower) read(b []byte) (int, error) {
	if f.f == nil {
		file, err := os.Open(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		f.f = file
	}
	return f.f.Read(b)
}

func (f *follower) close() {
	if f.f != nil {
		f.f.Close()
	}
}

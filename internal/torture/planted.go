package torture

import (
	"context"
	"io"
)

// List prints the faults and the planted bugs.
func List(w io.Writer) error { return nil }

// Planted is.
func Planted(ctx context.Context, binary, dir, only string, out io.Writer) error { return nil }

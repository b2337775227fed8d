package torture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// clip is a source to upload and what is known to be in it.
type clip struct {
	name   string
	data   []byte
	sha256 string
	frames int // of its picture
}

// clips are small, of several sizes and lengths: one segment, several, more than one rendition. The long
// one keeps a worker busy for long enough to be caught at it.
func clips(ctx context.Context, dir string) (short []*clip, long *clip, err error) {
	for _, c := range []struct {
		size            string
		seconds, frames int
	}{{"128x72", 6, 12}, {"192x108", 10, 12}, {"256x144", 12, 24}, {"480x270", 24, 24}} {
		file := filepath.Join(dir, fmt.Sprintf("%s-%ds.mp4", c.size, c.seconds))
		out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y",
			"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d:duration=%d", c.size, c.frames, c.seconds),
			"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=330:duration=%d", c.seconds),
			"-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", "-c:a", "aac", file).CombinedOutput()
		if err != nil {
			return nil, nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, err
		}
		sum := sha256.Sum256(b)
		short = append(short, &clip{filepath.Base(file), b, hex.EncodeToString(sum[:]), c.seconds * c.frames})
	}
	return short[:3], short[3], nil
}

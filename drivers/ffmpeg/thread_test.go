package ffmpeg_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/ffmpeg"
)

// The kernel's promise to end a program with its parent is about the thread that started it, and a Go thread ends with
// a goroutine that stays locked to it, as some libraries leave theirs. That must not end the program.
func TestThreadThatEnds(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var ending, running sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		ending.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				done := make(chan struct{})
				go func() {
					runtime.LockOSThread() // and never unlocks
					close(done)
				}()
				<-done
			}
		})
	}
	for range 4 {
		running.Go(func() {
			for range 6 {
				if err := ffmpeg.New(ffmpeg.Options{}).Check(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	close(stop)
	ending.Wait()
}

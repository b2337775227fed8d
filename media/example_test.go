package media_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/mem"
)

func ExampleNew() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqldb.Open(ctx, filepath.Join(dir, "sg.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	svc, err := media.New(media.Options{
		Store: db.Media(), Objects: mem.New(), Keys: keys.NewMemory(), Transcoder: ffmpeg.New(ffmpeg.Options{}),
		Queue: job.NewMemory(job.Options{}), Events: event.NewMemory(event.Options{}), WorkDir: dir,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// svc.Run(ctx) works in the background; svc.UploadHandler takes the bytes.
	a, err := svc.Create(ctx, auth.Principal{Tenant: "default", UserID: "ann"}, media.CreateAsset{Title: "Holiday"})
	fmt.Println(a.Title, a.Status, err)
	// Output: Holiday created <nil>
}

package s3

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// partSize is the size of part n, counted from 1, of an object of size bytes (0 is unknown).
func (s *Store) partSize(n int, size int64) int64 {
	switch {
	case size > 0:
		return min(max(s.opt.PartSize, (size+maxParts-1)/maxParts), maxPart)
	case s.opt.EqualParts:
		return s.opt.PartSize
	}
	const most = 512 << 20
	return max(s.opt.PartSize, min(s.opt.PartSize<<((n-1)/1000), most))
}

// upload is a multipart upload under way.
type upload struct {
	*write
	id string

	mu   sync.Mutex
	done []minio.CompletePart // by number
	size int64
}

// parts sends the source in parts, of which first is the first.
func (w *write) parts(ctx context.Context, split *splitter, first *body) (storage.Info, error) {
	if w.opt.IfAbsent && !w.s.can.multipart {
		return storage.Info{}, fault.Newf(fault.Unsupported, w.op,
			"the object store honours If-None-Match in one request only: nothing longer than the part size of %d bytes can be written only if absent", w.s.opt.PartSize)
	}
	u := &upload{write: w}
	if err := u.begin(ctx); err != nil {
		return storage.Info{}, w.s.fault(ctx, w.op, w.key, err)
	}
	committed := false
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(w.s.opt.Parallel)
	// Deferred, so that nothing is left when the source panics.
	defer func() {
		if !committed {
			_ = group.Wait()
			u.abort(ctx)
		}
	}()
	err := u.send(sending, group, split, first)
	if e := group.Wait(); err == nil {
		err = e // also why send found its context ended
	}
	if err == nil {
		err = split.src.Err()
	}
	if err != nil {
		return storage.Info{}, w.s.fault(ctx, w.op, w.key, err)
	}
	info, _, err := w.commit(ctx, u.size, u.complete)
	committed = err == nil
	return info, err
}

func (u *upload) begin(ctx context.Context) error {
	return u.s.retry(ctx, func() (err error) {
		u.id, err = u.s.core.NewMultipartUpload(ctx, u.s.opt.Bucket, u.s.name(u.key), u.options(false))
		return err
	})
}

// send reads the source and sends it, part by part.
func (u *upload) send(ctx context.Context, group *errgroup.Group, split *splitter, first *body) error {
	next := first
	for n := 1; n <= maxParts; n++ {
		b := next // which the group keeps
		u.size += b.size
		group.Go(func() error { return u.part(ctx, n, b) })
		if split.ended || ctx.Err() != nil {
			return nil //nolint:nilerr // in the second case the group knows why
		}
		var err error
		if next, err = split.next(u.s.partSize(n+1, u.opt.Size)); err != nil {
			return err
		}
	}
	return fault.Newf(fault.TooLarge, u.op, "the object has more than %d parts: announce its size or choose larger parts", maxParts)
}

func (u *upload) part(ctx context.Context, n int, b *body) error {
	sum, clean := b.sha256(), true
	var part minio.ObjectPart
	err := u.s.retry(ctx, func() (err error) {
		part, err = u.s.core.PutObjectPart(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id, n, b.reader(), b.size,
			minio.PutObjectPartOptions{Sha256Hex: sum, DisableContentSha256: true})
		clean = clean && err == nil
		return err
	})
	if err != nil {
		return err
	}
	if clean {
		u.s.free(b)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.done) < n {
		u.done = append(u.done, minio.CompletePart{PartNumber: len(u.done) + 1})
	}
	u.done[n-1].ETag = part.ETag
	return nil
}

// complete makes the object of the parts. When the server does not know a part by its ETag,
// the ETags are read back from storage: the hash of each part was checked when
// it was taken.
func (u *upload) complete(ctx context.Context) (string, error) {
	up, err := u.s.core.CompleteMultipartUpload(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id, u.done, u.options(true))
	if r, ok := response(err); ok && r.Code == "InvalidPart" {
		if err := u.readBack(ctx); err != nil {
			return "", err
		}
		up, err = u.s.core.CompleteMultipartUpload(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id, u.done, u.options(true))
	}
	return up.ETag, err
}

func (u *upload) readBack(ctx context.Context) error {
	for marker := 0; ; {
		page, err := u.s.core.ListObjectParts(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id, marker, 1000)
		if err != nil {
			return err
		}
		for _, p := range page.ObjectParts {
			if p.PartNumber >= 1 && p.PartNumber <= len(u.done) {
				u.done[p.PartNumber-1].ETag = trimETag(p.ETag)
			}
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return nil
		}
		marker = page.NextPartNumberMarker
	}
}

// abort removes the parts, although ctx has ended. A part that was still on its way when its
// request was given up can come after the removal, so storage is asked whether all is
// gone. What cannot be removed is left to AbortStale.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.s.opt.Linger)
	defer cancel()
	silent := 0
	for pause := 20 * time.Millisecond; silent < 3; pause = min(2*pause, time.Second) {
		err := u.s.core.AbortMultipartUpload(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id)
		if err == nil || gone(err) {
			_, err = u.s.core.ListObjectParts(ctx, u.s.opt.Bucket, u.s.name(u.key), u.id, 0, 1)
			if gone(err) {
				return
			}
		}
		if _, answered := response(err); err != nil && !answered {
			silent++ // a server that is down must not hold up the error for long
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func gone(err error) bool {
	r, ok := response(err)
	return ok && r.Code == "NoSuchUpload"
}

func (s *Store) abort(ctx context.Context, name, id string) error {
	err := s.retry(ctx, func() error { return s.core.AbortMultipartUpload(ctx, s.opt.Bucket, name, id) })
	if gone(err) {
		return nil
	}
	return err
}

// AbortStale removes the multipart uploads below the prefix that began longer than olderThan
// ago, as killed processes leave them, and returns how many. Choose longer than any Put
// takes. MinIO lists no uploads by prefix, so that none is found there; it removes them
// itself after a day.
func (s *Store) AbortStale(ctx context.Context, olderThan time.Duration) (int, error) {
	const op = "s3.AbortStale"
	if olderThan <= 0 {
		return 0, fault.New(fault.Invalid, op, "the age is not positive")
	}
	before := s.opt.Now().Add(-olderThan)
	aborted := 0
	for keyMarker, idMarker := "", ""; ; {
		var page minio.ListMultipartUploadsResult
		err := s.retry(ctx, func() (err error) {
			page, err = s.core.ListMultipartUploads(ctx, s.opt.Bucket, s.opt.Prefix, keyMarker, idMarker, "", 1000)
			return err
		})
		if err != nil {
			return aborted, s.fault(ctx, op, "", err)
		}
		for _, u := range page.Uploads {
			if !u.Initiated.Before(before) || !strings.HasPrefix(u.Key, s.opt.Prefix) {
				continue
			}
			if err := s.abort(ctx, u.Key, u.UploadID); err != nil {
				return aborted, s.fault(ctx, op, "", err)
			}
			aborted++
		}
		// A server that repeats its markers must not be asked for ever.
		if !page.IsTruncated || page.NextKeyMarker == keyMarker && page.NextUploadIDMarker == idMarker {
			return aborted, nil
		}
		keyMarker, idMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

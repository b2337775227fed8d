package s3

import (
	"context"
	"crypto/rand"
	"io"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// writeMeta is the user metadata that tells the objects of two Puts apart.
const writeMeta = "Streamgate-Write"

// Put implements storage.Store. With IfAbsent it is fault.Unsupported when the server
// does not honour If-None-Match in the request it takes: a check before the write would let
// two writers win.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "s3.Put"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	w := &write{s: s, op: op, key: key, opt: opt, id: rand.Text()}
	if opt.IfAbsent {
		if err := w.mayBeAbsent(ctx); err != nil {
			return storage.Info{}, err
		}
	}
	split := &splitter{s: s, src: storage.NewSource(ctx, r, opt.Size)}
	first, err := split.next(s.partSize(1, opt.Size))
	if err != nil {
		return storage.Info{}, s.fault(ctx, op, key, err)
	}
	if split.ended {
		return w.whole(ctx, split.src, first)
	}
	return w.parts(ctx, split, first)
}

// write is one Put.
type write struct {
	s   *Store
	op  string
	key string
	opt storage.PutOptions
	id  string
}

// mayBeAbsent refuses early what cannot succeed, to spare reading a body in vain. The
// condition of the write itself decides.
func (w *write) mayBeAbsent(ctx context.Context) error {
	if !w.s.can.single {
		return fault.New(fault.Unsupported, w.op, "the object store does not honour If-None-Match, or Open was told not to find out: nothing can be written only if absent")
	}
	_, err := w.s.head(ctx, w.key)
	switch {
	case err == nil:
		return w.exists()
	case absent(err):
		return nil
	}
	return w.s.fault(ctx, w.op, w.key, err)
}

func (w *write) exists() error {
	return fault.Newf(fault.Conflict, w.op, "the key %q exists already", w.key)
}

// options are those of the request that makes the object, and of the one that commits it.
func (w *write) options(commits bool) minio.PutObjectOptions {
	opt := minio.PutObjectOptions{
		UserMetadata: map[string]string{writeMeta: w.id},
		// Signs the hash that is given instead of every 64 KiB.
		DisableContentSha256: true,
	}
	if commits && w.opt.IfAbsent {
		opt.SetMatchETagExcept("*")
	}
	return opt
}

// whole sends b as the object in one request.
func (w *write) whole(ctx context.Context, src *storage.Source, b *body) (storage.Info, error) {
	sum := b.sha256()
	if err := src.Err(); err != nil {
		return storage.Info{}, fault.At(w.op, err)
	}
	info, clean, err := w.commit(ctx, b.size, func(ctx context.Context) (string, error) {
		up, err := w.s.core.PutObject(ctx, w.s.opt.Bucket, w.s.name(w.key), b.reader(), b.size, "", sum, w.options(true))
		return up.ETag, err
	})
	if clean {
		w.s.free(b)
	}
	return info, err
}

// commit sends the request that makes the object visible, until its outcome is known. It
// goes on for a while when ctx ends. clean reports that no attempt failed.
func (w *write) commit(ctx context.Context, size int64, do func(context.Context) (etag string, err error)) (info storage.Info, clean bool, err error) {
	lingering, stop := linger(ctx, w.s.opt.Linger)
	defer stop()
	clean = true
	var etag string
	var known *minio.ObjectInfo
	err = w.s.retry(ctx, func() error {
		var err error
		if etag, err = do(lingering); err == nil {
			return nil
		}
		clean = false
		if !unclear(err) {
			return err
		}
		found, mine, askErr := w.ask(lingering)
		switch {
		case mine:
			known = &found
			return nil
		case askErr == nil && refusedCondition(err):
			return w.exists()
		}
		if gone(err) {
			// An earlier attempt may have happened and been replaced since.
			return fault.New(fault.Unavailable, w.op, "whether the object was written cannot be found out")
		}
		return err
	})
	if err != nil {
		return storage.Info{}, false, w.s.fault(ctx, w.op, w.key, err)
	}
	if known == nil {
		if found, mine, _ := w.ask(lingering); mine {
			known = &found
		}
	}
	if known == nil {
		// Written, but replaced or deleted already, or storage fell silent since.
		now := time.Now().UTC().Truncate(time.Second)
		return storage.Info{Key: w.key, Size: size, ETag: trimETag(etag), ModTime: now}, clean, nil
	}
	if known.Size != size {
		return storage.Info{}, false, fault.Newf(fault.Corrupt, w.op, "the object store holds %d bytes of the %d sent", known.Size, size)
	}
	return s3info(w.key, *known), clean, nil
}

// ask reports whether the object under the key is that of this write.
func (w *write) ask(ctx context.Context) (found minio.ObjectInfo, mine bool, err error) {
	found, err = w.s.head(ctx, w.key)
	if absent(err) {
		return found, false, nil
	}
	return found, err == nil && found.UserMetadata[writeMeta] == w.id, err
}

// linger returns a context that ends a while after ctx does.
func linger(ctx context.Context, d time.Duration) (context.Context, func()) {
	lingering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-lingering.Done():
		case <-time.After(d):
			cancel()
		}
	})
	return lingering, func() { stop(); cancel() }
}

// head asks for the object under key, again when it fails for a passing reason.
func (s *Store) head(ctx context.Context, key string) (info minio.ObjectInfo, err error) {
	err = s.retry(ctx, func() error {
		info, err = s.core.StatObject(ctx, s.opt.Bucket, s.name(key), minio.StatObjectOptions{})
		return err
	})
	return info, err
}

func s3info(key string, o minio.ObjectInfo) storage.Info {
	// HEAD knows seconds, a list more: what both say must be the same.
	return storage.Info{Key: key, Size: o.Size, ModTime: o.LastModified.UTC().Truncate(time.Second), ETag: trimETag(o.ETag)}
}

func trimETag(s string) string { return strings.Trim(s, `"`) }

package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	tusd "github.com/tus/tusd/v2/pkg/handler"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// partSize is how much is gathered before it is committed. It bounds what a
// broken connection costs, and the memory of an upload.
const partSize = 8 << 20

// uploadStore is the tusd data store: parts into storage, offsets and the running
// hash into the database. A byte counts once its part is durable and committed.
type uploadStore struct{ s *Service }

var (
	_ tusd.DataStore           = uploadStore{}
	_ tusd.TerminaterDataStore = uploadStore{}
	_ tusd.ConcaterDataStore   = uploadStore{}
)

// request is what the handler tells the store through the context.
type request struct {
	principal auth.Principal
	checksum  *checksum // of the chunk being sent, or nil
}

type requestKey struct{}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// NewUpload implements tusd.DataStore.
func (u uploadStore) NewUpload(ctx context.Context, info tusd.FileInfo) (tusd.Upload, error) {
	p, s := requestOf(ctx).principal, u.s
	up := Upload{
		ID: newID(s.opt.Now()), Tenant: p.Tenant, Owner: p.UserID, Asset: info.MetaData["asset_id"], Size: info.Size,
		Meta: info.MetaData, Partial: info.IsPartial, Final: info.IsFinal, Of: info.PartialUploads, UpdatedAt: s.opt.Now().UTC(),
	}
	if err := s.admit(ctx, p, up); err != nil {
		return nil, tusError(err)
	}
	if err := s.opt.Store.CreateUpload(ctx, up); err != nil {
		return nil, tusError(err)
	}
	if !up.Partial {
		if err := s.uploading(ctx, up); err != nil {
			return nil, tusError(err)
		}
	}
	return &upload{s: s, id: up.ID, first: &up}, nil
}

// GetUpload implements tusd.DataStore. An upload of another is as if it were not.
func (u uploadStore) GetUpload(ctx context.Context, id string) (tusd.Upload, error) {
	up, err := u.s.opt.Store.Upload(ctx, id)
	if err != nil {
		return nil, tusError(err)
	}
	p := requestOf(ctx).principal
	if up.Tenant != p.Tenant || up.Owner != p.UserID {
		return nil, tusd.ErrNotFound
	}
	return &upload{s: u.s, id: id, first: &up}, nil
}

// AsTerminatableUpload implements tusd.TerminaterDataStore.
func (u uploadStore) AsTerminatableUpload(x tusd.Upload) tusd.TerminatableUpload { return x.(*upload) }

// AsConcatableUpload implements tusd.ConcaterDataStore.
func (u uploadStore) AsConcatableUpload(x tusd.Upload) tusd.ConcatableUpload { return x.(*upload) }

// upload is one request's view of an upload.
type upload struct {
	s     *Service
	id    string
	first *Upload // as read when the request began
}

// GetInfo implements tusd.Upload.
func (u *upload) GetInfo(ctx context.Context) (tusd.FileInfo, error) {
	up, err := u.s.opt.Store.Upload(ctx, u.id)
	if err != nil {
		return tusd.FileInfo{}, tusError(err)
	}
	return tusd.FileInfo{
		ID: up.ID, Size: up.Size, Offset: up.Offset, MetaData: up.Meta,
		IsPartial: up.Partial, IsFinal: up.Final, PartialUploads: up.Of,
	}, nil
}

// WriteChunk implements tusd.Upload. What it returns is committed. With a checksum
// all of the request is committed at its end or nothing is.
func (u *upload) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	up, err := u.s.opt.Store.Upload(ctx, u.id)
	if err != nil {
		return 0, tusError(err)
	}
	w := partWriter{s: u.s, up: up, at: offset, committed: offset, sum: requestOf(ctx).checksum}
	if w.state, err = resume(up.Hash); err != nil {
		return 0, tusError(err)
	}
	n, err := w.copy(ctx, src)
	return n, tusError(err)
}

// GetReader implements tusd.Upload; downloads are off.
func (u *upload) GetReader(context.Context) (io.ReadCloser, error) {
	return nil, tusd.ErrNotImplemented
}

// FinishUpload implements tusd.Upload.
func (u *upload) FinishUpload(ctx context.Context) error {
	if u.first != nil && u.first.Final {
		return nil // ConcatUploads has done it
	}
	return tusError(u.s.finish(context.WithoutCancel(ctx), u.id))
}

// Terminate implements tusd.TerminatableUpload.
func (u *upload) Terminate(ctx context.Context) error {
	up, err := u.s.opt.Store.Upload(ctx, u.id)
	if err != nil {
		return tusError(err)
	}
	if up.Finished {
		return tusError(fault.New(fault.Conflict, "", "the upload is complete; delete the asset instead"))
	}
	return tusError(u.s.abandon(context.WithoutCancel(ctx), up))
}

// ConcatUploads implements tusd.ConcatableUpload: the final upload takes over
// the parts of the partial ones, which are gone then.
func (u *upload) ConcatUploads(ctx context.Context, partials []tusd.Upload) error {
	return tusError(u.s.concat(context.WithoutCancel(ctx), u.id, partials))
}

func (s *Service) concat(ctx context.Context, id string, partials []tusd.Upload) error {
	up, err := s.opt.Store.Upload(ctx, id)
	if err != nil {
		return err
	}
	var parts []Part
	for _, x := range partials {
		p := x.(*upload).first
		if p.Asset != up.Asset || !p.Partial {
			return fault.New(fault.Invalid, "", "the partial uploads belong to another asset or are not partial")
		}
		ps, err := s.opt.Store.Parts(ctx, p.ID)
		if err != nil {
			return err
		}
		parts = append(parts, ps...)
	}
	h := sha256.New()
	if err := s.copyParts(ctx, parts, h); err != nil {
		return err
	}
	state, err := freeze(h)
	if err != nil {
		return err
	}
	if err := s.opt.Store.AppendParts(ctx, id, 0, parts, state, s.opt.Now().UTC()); err != nil {
		return err
	}
	for _, x := range partials {
		if err := s.opt.Store.DeleteUpload(ctx, x.(*upload).id); err != nil {
			return err
		}
	}
	return s.finish(ctx, id)
}

// partWriter cuts a request body into parts.
type partWriter struct {
	s         *Service
	up        Upload
	at        int64 // end of the parts put so far
	committed int64
	state     hash.Hash
	sum       *checksum
	pending   []Part // put, not yet committed
}

func (w *partWriter) copy(ctx context.Context, src io.Reader) (int64, error) {
	start := w.committed
	buf := make([]byte, min(partSize, max(w.up.Size-w.at, 1)))
	for {
		n, err := io.ReadFull(src, buf)
		if n > 0 {
			if err := w.put(ctx, buf[:n]); err != nil {
				w.drop(ctx)
				return w.committed - start, err
			}
			if w.sum == nil {
				if err := w.commit(ctx); err != nil {
					w.drop(ctx)
					return w.committed - start, err
				}
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			w.drop(ctx)
			return w.committed - start, fault.Wrap(fault.Unavailable, "", err)
		}
	}
	if w.sum != nil {
		if err := w.sum.verify(); err != nil {
			w.drop(ctx)
			return 0, err
		}
		if err := w.commit(ctx); err != nil {
			w.drop(ctx)
			return 0, err
		}
	}
	return w.committed - start, nil
}

func (w *partWriter) put(ctx context.Context, b []byte) error {
	// A fresh name each time: a part that was put but not committed is never
	// mistaken for the one that is.
	key := fmt.Sprintf("%s/src/%s/%012d-%s", Scope(w.up.Tenant, w.up.Asset), w.up.ID, w.at, newID(w.s.opt.Now())[16:])
	if _, err := w.s.opt.Objects.Put(ctx, key, bytes.NewReader(b), storage.PutOptions{Size: int64(len(b))}); err != nil {
		return err
	}
	w.pending = append(w.pending, Part{Key: key, Size: int64(len(b))})
	w.at += int64(len(b))
	w.state.Write(b)
	if w.sum != nil {
		w.sum.hash.Write(b)
	}
	return nil
}

func (w *partWriter) commit(ctx context.Context) error {
	if len(w.pending) == 0 {
		return nil
	}
	state, err := freeze(w.state)
	if err != nil {
		return err
	}
	if err := w.s.opt.Store.AppendParts(ctx, w.up.ID, w.committed, w.pending, state, w.s.opt.Now().UTC()); err != nil {
		return err
	}
	w.committed, w.pending = w.at, nil
	w.s.uploadProgress(ctx, w.up, w.committed)
	return nil
}

// drop removes what was put and will not be committed.
func (w *partWriter) drop(ctx context.Context) {
	for _, p := range w.pending {
		if err := w.s.opt.Objects.Delete(context.WithoutCancel(ctx), p.Key); err != nil {
			w.s.log.InfoContext(ctx, "part_not_removed", "key", p.Key, "error", err)
		}
	}
	w.pending = nil
}

// resume returns the SHA-256 state to go on from.
func resume(state []byte) (hash.Hash, error) {
	h := sha256.New()
	if len(state) > 0 {
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			return nil, fault.Wrap(fault.Internal, "media.resume", err)
		}
	}
	return h, nil
}

func freeze(h hash.Hash) ([]byte, error) {
	b, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	return b, fault.Wrap(fault.Internal, "media.freeze", err)
}

func digest(state []byte) (string, error) {
	h, err := resume(state)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

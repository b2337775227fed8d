package s3

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/fault"
)

// prepare finds the bucket and what its server can do.
func (s *Store) prepare(ctx context.Context) error {
	var found bool
	err := s.retry(ctx, func() (err error) {
		found, err = s.core.BucketExists(ctx, s.opt.Bucket)
		return err
	})
	if err != nil {
		return s.fault(ctx, "", "", err)
	}
	if !found {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	if s.opt.NoProbe {
		return nil
	}
	// No key has a name with "~", and no list shows it.
	name := s.opt.Prefix + "~probe-" + strings.ToLower(rand.Text())
	p := &probe{s: s, common: name, name: name, beneath: name + "/a"}
	if s.opt.Keys == KeysMarked {
		p.name, p.beneath = p.name+mark, p.beneath+mark
	}
	defer p.remove(ctx)
	if err := p.run(ctx); err != nil {
		if r, ok := response(err); ok && r.StatusCode == http.StatusForbidden {
			return &fault.Error{Kind: fault.Unavailable, Msg: "the object store refuses to write with these credentials; for a store that only reads, set no_probe", Err: err}
		}
		return s.fault(ctx, "", "", err)
	}
	return nil
}

func (s *Store) create(ctx context.Context) error {
	if !s.opt.Create {
		return fault.Newf(fault.Invalid, "", "there is no bucket %q at %s: create it, or set create=true", s.opt.Bucket, s.opt.Endpoint)
	}
	err := s.retry(ctx, func() error {
		return s.core.MakeBucket(ctx, s.opt.Bucket, minio.MakeBucketOptions{Region: s.opt.Region})
	})
	if r, ok := response(err); ok && (r.Code == "BucketAlreadyOwnedByYou" || r.Code == "BucketAlreadyExists") {
		err = nil // another process was first; whether it is usable the probe shows
	}
	return s.fault(ctx, "", "", err)
}

// probe tries out what the server does, with two objects of its own.
type probe struct {
	s             *Store
	common        string // what both names begin with
	name, beneath string
}

func (p *probe) run(ctx context.Context) error {
	if err := p.put(ctx, p.name, minio.PutObjectOptions{}); err != nil {
		return err
	}
	if err := p.beside(ctx); err != nil {
		return err
	}
	var ifAbsent minio.PutObjectOptions
	ifAbsent.SetMatchETagExcept("*")
	var err error
	if p.s.can.single, err = honoured(p.put(ctx, p.name, ifAbsent)); err != nil || !p.s.can.single {
		return err
	}
	p.s.can.multipart, err = p.multipart(ctx, ifAbsent)
	return err
}

// honoured tells what the server's answer to a condition that fails says of it.
func honoured(err error) (bool, error) {
	r, ok := response(err)
	switch {
	case err == nil, ok && (r.StatusCode == http.StatusNotImplemented || r.StatusCode == http.StatusBadRequest):
		return false, nil
	case refusedCondition(err):
		return true, nil
	}
	return false, err
}

// beside makes sure that the server holds a key and one beneath it, and shows both.
func (p *probe) beside(ctx context.Context) error {
	err := p.put(ctx, p.beneath, minio.PutObjectOptions{})
	shown := 0
	if err == nil {
		err = p.s.retry(ctx, func() error {
			shown = 0
			for o := range p.s.core.ListObjectsIter(ctx, p.s.opt.Bucket, minio.ListObjectsOptions{Prefix: p.common, Recursive: true}) {
				if o.Err != nil {
					return o.Err
				}
				shown++
			}
			return ctx.Err()
		})
	}
	if r, ok := response(err); ok && r.StatusCode >= 400 && r.StatusCode < 500 && r.StatusCode != http.StatusForbidden && !p.s.passing(err) ||
		err == nil && shown != 2 {
		return &fault.Error{Kind: fault.Invalid, Msg: `the object store cannot hold or list the key "a" beside "a/b", as those that keep objects as files cannot: set keys=marked`, Err: err}
	}
	return err
}

func (p *probe) put(ctx context.Context, name string, opt minio.PutObjectOptions) error {
	opt.DisableContentSha256 = true
	b := &body{chunks: []*[chunkSize]byte{new([chunkSize]byte)}, size: 1}
	return p.s.retry(ctx, func() error {
		_, err := p.s.core.PutObject(ctx, p.s.opt.Bucket, name, b.reader(), b.size, "", b.sha256(), opt)
		return err
	})
}

func (p *probe) multipart(ctx context.Context, ifAbsent minio.PutObjectOptions) (bool, error) {
	w := &write{s: p.s, id: "probe"}
	var id string
	err := p.s.retry(ctx, func() (err error) {
		id, err = p.s.core.NewMultipartUpload(ctx, p.s.opt.Bucket, p.name, w.options(false))
		return err
	})
	if err != nil {
		return false, err
	}
	defer func() { _ = p.s.abort(context.WithoutCancel(ctx), p.name, id) }()
	b := &body{chunks: []*[chunkSize]byte{new([chunkSize]byte)}, size: 1}
	var part minio.ObjectPart
	err = p.s.retry(ctx, func() (err error) {
		part, err = p.s.core.PutObjectPart(ctx, p.s.opt.Bucket, p.name, id, 1, b.reader(), b.size,
			minio.PutObjectPartOptions{Sha256Hex: b.sha256(), DisableContentSha256: true})
		return err
	})
	if err != nil {
		return false, err
	}
	return honoured(p.s.retry(ctx, func() error {
		_, err := p.s.core.CompleteMultipartUpload(ctx, p.s.opt.Bucket, p.name, id, []minio.CompletePart{{PartNumber: 1, ETag: part.ETag}}, ifAbsent)
		return err
	}))
}

// remove deletes what the probe wrote, as far as it can: no list shows what is left.
func (p *probe) remove(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, name := range []string{p.beneath, p.name} {
		_ = p.s.core.RemoveObject(ctx, p.s.opt.Bucket, name, minio.RemoveObjectOptions{})
	}
}

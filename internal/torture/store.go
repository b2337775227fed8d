package torture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/internal/cluster"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/envelope"
)

// store looks at the database and the objects behind the platform's back, past the proxies.
type store struct {
	db      *sqldb.DB
	raw     *s3.Store
	objects *envelope.Store
	keys    *keys.Shared
}

func openStore(ctx context.Context, cl *cluster.Cluster) (*store, error) {
	db, err := sqldb.OpenURL(ctx, cl.DSN, sqldb.PostgresOptions{})
	if err != nil {
		return nil, err
	}
	s := &store{db: db}
	if err := s.open(ctx, cl); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) open(ctx context.Context, cl *cluster.Cluster) error {
	var err error
	if s.raw, err = s3.OpenURL(ctx, cl.S3.URL(cluster.Bucket, "", ""), s3.Options{}); err != nil {
		return err
	}
	master, err := keys.OpenFileMaster(filepath.Join(cl.Dir(), "master.key"), keys.FileOptions{})
	if err != nil {
		return err
	}
	if s.keys, err = keys.NewShared(master, s.db.Keys(), keys.SharedOptions{}); err != nil {
		return err
	}
	s.objects, err = envelope.New(s.raw, s.keys, envelope.Options{})
	return err
}

func (s *store) close() error {
	var errs []error
	if s.raw != nil {
		errs = append(errs, s.raw.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// list returns the sizes of all objects, as they were before encryption.
func (s *store) list(ctx context.Context) (map[string]int64, error) {
	all, after := map[string]int64{}, ""
	for {
		infos, err := s.objects.List(ctx, "t/", after, 0)
		if err != nil || len(infos) == 0 {
			return all, err
		}
		for _, i := range infos {
			all[i.Key], after = i.Size, i.Key
		}
	}
}

// tenant is the only one that the reference server has.
const tenant = "default"

// source checks that an asset's acknowledged source is there: its parts follow each other, are in storage in
// their size, and, when read is set, give the bytes that were sent.
func (s *store) source(ctx context.Context, a *asset, all map[string]int64, read bool) (problem string, err error) {
	rec, err := s.db.Media().Asset(ctx, tenant, a.id)
	if err != nil {
		return "", err
	}
	if rec.Upload == "" {
		return "", nil // the upload's end is still to come to the asset
	}
	parts, err := s.db.Media().Parts(ctx, rec.Upload)
	if err != nil {
		return "", err
	}
	sum, size := sha256.New(), int64(0)
	for _, p := range parts {
		size += p.Size
		if have, ok := all[p.Key]; !ok || have != p.Size {
			return fmt.Sprintf("part %s of its source has %d bytes in storage, want %d", p.Key, have, p.Size), nil
		}
		if !read {
			continue
		}
		if err := s.copy(ctx, sum, p.Key); err != nil {
			return "", fmt.Errorf("part %s: %w", p.Key, err)
		}
	}
	if size != int64(len(a.clip.data)) || rec.SHA256 != a.clip.sha256 || (read && hex.EncodeToString(sum.Sum(nil)) != a.clip.sha256) {
		return fmt.Sprintf("its source has %d bytes, SHA-256 %s; %d bytes, %s were acknowledged", size, rec.SHA256, len(a.clip.data), a.clip.sha256), nil
	}
	return "", nil
}

func (s *store) copy(ctx context.Context, w io.Writer, key string) error {
	body, err := s.objects.Get(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	return errors.Join(err, body.Close())
}

// outputs checks a ready asset's version: every task is done, each rendition has every frame once, every
// object that counts is in storage in its size. It returns the keys that count.
func (s *store) outputs(ctx context.Context, a *asset, all map[string]int64) (named []string, missing, twice string, err error) {
	rec, err := s.db.Media().Asset(ctx, tenant, a.id)
	if err != nil {
		return nil, "", "", err
	}
	v, err := s.db.Media().VersionRecord(ctx, a.id, rec.Asset.Version)
	if err != nil {
		return nil, "", "", err
	}
	frames := map[string]int{}
	seen := map[string]bool{}
	for _, t := range v.Plan.Tasks {
		if !t.Done {
			twice = fmt.Sprintf("task %s of a ready asset is not done", t.ID)
		}
		for _, o := range t.Outputs {
			if seen[o.Object] {
				twice = fmt.Sprintf("object %s counts twice", o.Object)
			}
			seen[o.Object] = true
			named = append(named, o.Object)
			if len(t.Rungs) > 0 {
				frames[o.Track.ID] += o.Samples
			}
			if have, ok := all[o.Object]; !ok || have != o.Bytes {
				missing = fmt.Sprintf("object %s has %d bytes in storage, want %d", o.Object, have, o.Bytes)
			}
		}
	}
	for _, r := range v.Plan.Rungs {
		if frames[r.ID] != a.clip.frames {
			twice = fmt.Sprintf("rendition %s has %d frames of %d", r.ID, frames[r.ID], a.clip.frames)
		}
	}
	return named, missing, twice, nil
}

// stray returns the objects below an asset that nothing names: of attempts that were killed.
func (s *store) stray(ctx context.Context, a *asset, all map[string]int64, named []string) (n int, err error) {
	rec, err := s.db.Media().Asset(ctx, tenant, a.id)
	if err != nil {
		return 0, err
	}
	parts, err := s.db.Media().Parts(ctx, rec.Upload)
	if err != nil {
		return 0, err
	}
	known := map[string]bool{}
	for _, k := range named {
		known[k] = true
	}
	for _, p := range parts {
		known[p.Key] = true
	}
	for k := range all {
		if strings.HasPrefix(k, media.Scope(tenant, a.id)+"/") && !known[k] {
			n++
		}
	}
	return n, nil
}

// collect does what the platform does once a day, as if a day had gone by: it removes the objects whose asset and
// key are gone.
func (s *store) collect(ctx context.Context) (int, error) {
	m, err := media.New(media.Options{
		Store: s.db.Media(), Objects: s.objects, Keys: s.keys, Transcoder: ffmpeg.New(ffmpeg.Options{}), Queue: job.NewMemory(job.Options{}),
		Events: event.NewMemory(event.Options{}), Lanes: media.LaneNone, Now: func() time.Time { return time.Now().Add(24 * time.Hour) },
	})
	if err != nil {
		return 0, err
	}
	return m.Collect(ctx)
}

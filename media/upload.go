package media

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
)

// admit decides whether an upload may begin.
func (s *Service) admit(ctx context.Context, p auth.Principal, up Upload) error {
	if up.Asset == "" {
		return fault.New(fault.Invalid, "", "the upload does not say for which asset it is").With("asset_id", "send it in Upload-Metadata, for partial uploads too")
	}
	r, err := s.record(ctx, p.Tenant, up.Asset)
	if err != nil {
		return err
	}
	if err := owned(p, &r); err != nil {
		return err
	}
	if !takes(r) {
		return fault.New(fault.Conflict, "", "the asset has its video already; make a new asset for another")
	}
	if up.Size == 0 {
		return fault.New(fault.Invalid, "", "the file is empty").With("Upload-Length", "choose a file that has content")
	}
	if up.Size > s.opt.MaxUpload {
		return fault.Newf(fault.TooLarge, "", "the file is larger than the %d bytes one upload may have", s.opt.MaxUpload)
	}
	if s.opt.Quota > 0 && !up.Final {
		// A final upload's bytes are counted by its partial ones.
		pledged, err := s.opt.Store.Pledged(ctx, p.Tenant, p.UserID)
		if err != nil {
			return err
		}
		if pledged+up.Size > s.opt.Quota {
			return fault.Newf(fault.TooLarge, "", "with this file your uploads would exceed your quota of %d bytes", s.opt.Quota)
		}
	}
	return nil
}

// takes tells whether the asset waits for a source.
func takes(r Record) bool {
	switch r.Asset.Status {
	case Created, Uploading, Failed:
		return !r.Deleting
	}
	return false
}

// uploading shows that bytes are on their way.
func (s *Service) uploading(ctx context.Context, up Upload) error {
	r, err := s.opt.Store.ChangeAsset(ctx, up.Tenant, up.Asset, func(r *Record) error {
		if !takes(*r) {
			return fault.New(fault.Conflict, "", "the asset has its video already")
		}
		r.Asset.Status, r.Asset.Reason, r.Asset.Progress = Uploading, "", Progress{Stage: "upload"}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if err != nil {
		return err
	}
	s.publish(ctx, r.Events)
	return nil
}

func (s *Service) uploadProgress(ctx context.Context, up Upload, offset int64) {
	if up.Partial || up.Size == 0 {
		return
	}
	p, tell := s.progress.note(up.Asset, stageUpload, 0, up.ID, "", float64(offset)/float64(up.Size), nil, s.opt.Now())
	if tell {
		s.tell(ctx, TopicProgress, up.Tenant, up.Asset, p)
	}
}

// finish hands a complete upload to its asset and starts the processing. It
// may be called again; only the first complete upload of an asset wins.
func (s *Service) finish(ctx context.Context, id string) (err error) {
	up, err := s.opt.Store.Upload(ctx, id)
	if err != nil {
		return err
	}
	ctx, end := s.span(ctx, "media.upload", up.Asset)
	defer func() { end(err) }()
	if up.Partial || up.Finished || up.Offset != up.Size {
		return nil
	}
	sum, err := digest(up.Hash)
	if err != nil {
		return err
	}
	r, err := s.opt.Store.ChangeAsset(ctx, up.Tenant, up.Asset, func(r *Record) error {
		if r.Upload == id {
			return nil
		}
		if !takes(*r) || r.Spent == id {
			return fault.New(fault.Conflict, "", "the asset has its video already")
		}
		r.Upload, r.Size, r.SHA256 = id, up.Size, sum
		r.Building++
		r.Faults, r.Queued = 0, s.opt.Now().UTC()
		r.Asset.Status, r.Asset.Reason, r.Asset.Progress = Processing, "", Progress{Stage: "probe"}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := s.opt.Store.ChangeUpload(ctx, id, func(u *Upload) error { u.Finished = true; return nil }); err != nil {
		return err
	}
	s.publish(ctx, r.Events)
	s.later(ctx, r.Asset.ID, s.enqueue(ctx, r, Task{}, 100))
	return nil
}

// abandon removes an unfinished upload, and puts its asset back to waiting.
func (s *Service) abandon(ctx context.Context, up Upload) error {
	if taken, err := s.taken(ctx, up); err != nil || taken {
		if err == nil {
			err = s.opt.Store.DeleteUpload(ctx, up.ID)
		}
		return err
	}
	if err := s.removeUpload(ctx, up.ID); err != nil {
		return err
	}
	if err := s.removeObjects(ctx, fmt.Sprintf("%s/src/%s/", Scope(up.Tenant, up.Asset), up.ID)); err != nil {
		return err
	}
	if up.Partial {
		return nil
	}
	r, err := s.opt.Store.ChangeAsset(ctx, up.Tenant, up.Asset, func(r *Record) error {
		if r.Asset.Status != Uploading {
			return errStale
		}
		r.Asset.Status, r.Asset.Progress = Created, Progress{}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	switch fault.KindOf(err) {
	case fault.Conflict, fault.NotFound:
		return nil
	}
	if err != nil {
		return err
	}
	s.progress.forget(up.Asset)
	s.publish(ctx, r.Events)
	return nil
}

// taken tells whether the parts of a partial upload are the asset's source by now: a crash may have come between taking
// them and removing the upload that had them.
func (s *Service) taken(ctx context.Context, up Upload) (bool, error) {
	if !up.Partial {
		return false, nil
	}
	r, err := s.opt.Store.Asset(ctx, up.Tenant, up.Asset)
	if err == nil && r.Upload != "" {
		var source Upload
		source, err = s.opt.Store.Upload(ctx, r.Upload)
		return err == nil && slices.Contains(source.Of, up.ID), err
	}
	if fault.KindOf(err) == fault.NotFound {
		err = nil
	}
	return false, err
}

// removeUpload removes an upload and its parts, wherever concatenation took them from.
func (s *Service) removeUpload(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	parts, err := s.opt.Store.Parts(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := s.opt.Objects.Delete(ctx, p.Key); err != nil {
			return err
		}
	}
	return s.opt.Store.DeleteUpload(ctx, id)
}

// expires tells when an unfinished upload is given up.
func (s *Service) expires(up Upload) time.Time { return up.UpdatedAt.Add(s.opt.UploadTTL) }

// sweepUploads ends what clients left: expired uploads, and complete ones whose end a
// crash cut off.
func (s *Service) sweepUploads(ctx context.Context) error {
	ups, err := s.opt.Store.Uploads(ctx)
	if err != nil {
		return err
	}
	now := s.opt.Now()
	for _, up := range ups {
		switch {
		case up.Offset == up.Size && !up.Partial:
			if err = s.finish(ctx, up.ID); fault.KindOf(err) == fault.Conflict || fault.KindOf(err) == fault.NotFound {
				err = s.abandon(ctx, up)
			}
		case now.After(s.expires(up)):
			err = s.abandon(ctx, up)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

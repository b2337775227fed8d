package media

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// remains removes what a worker has made for an asset that was deleted meanwhile. Ids are not used twice,
// so all of it may go, again and again.
func (s *Service) remains(ctx context.Context, p payload) error {
	if err := s.shred(ctx, p.Tenant, p.Asset); err != nil {
		return err
	}
	if err := s.opt.Store.DeleteVersion(ctx, p.Asset, p.Version); err != nil {
		return err
	}
	s.settle(p.Asset)
	return nil
}

// shred destroys the key of an asset first: from then on no byte left anywhere can be read, and nothing new can
// be written. Then it removes the bytes.
func (s *Service) shred(ctx context.Context, tenant, id string) error {
	scope := Scope(tenant, id)
	err := s.opt.Keys.Shred(ctx, scope)
	s.forgetKeys(tenant, id) // also when Shred fails, as it may have happened all the same
	if err != nil {
		return err
	}
	return s.removeObjects(ctx, scope+"/")
}

// forgetKeys drops the unwrapped keys that encrypted storage holds for a while in this process.
func (s *Service) forgetKeys(tenant, id string) {
	if o, ok := storage.As[interface{ Forget(scope string) }](s.opt.Objects); ok {
		o.Forget(Scope(tenant, id))
	}
}

// unused removes the objects of a finished version that its plan does not name: those of attempts that others overtook
// or that were cut off. Every task is done, so nothing can come to refer to them.
func (s *Service) unused(ctx context.Context, tenant string, vr VersionRecord) error {
	named := map[string]bool{}
	for _, t := range vr.Plan.Tasks {
		for _, o := range t.Outputs {
			named[o.Object] = true
		}
	}
	return s.eachObject(ctx, fmt.Sprintf("%s/v/%d/", Scope(tenant, vr.Asset), vr.Number), func(i storage.Info) error {
		if named[i.Key] {
			return nil
		}
		return s.opt.Objects.Delete(ctx, i.Key)
	})
}

// collectAge is how old an object must be for Collect to look at it: what is younger may belong to an asset just being made.
const collectAge = time.Hour

// Collect searches storage for objects whose asset and whose key are gone and removes them, and returns how many it removed.
// Each deletion and each worker removes its own; what is left is of processes killed between writing and noticing. An object whose
// key is still there stays, whatever the database says: it may be the wrong database, or one restored. It reads the
// listing of all objects, so it is for once a day (Run does that) or for an operator. It may run in several processes at once.
func (s *Service) Collect(ctx context.Context) (removed int, err error) {
	old := s.opt.Now().Add(-collectAge)
	scope, gone := "", false
	err = s.eachObject(ctx, "t/", func(i storage.Info) (err error) {
		tenant, id, ok := ownerOf(i.Key)
		if !ok || i.ModTime.After(old) {
			return nil
		}
		if own := Scope(tenant, id); own != scope {
			if gone, err = s.gone(ctx, tenant, id); err != nil {
				return err
			}
			scope = own
		}
		if !gone {
			return nil
		}
		if err := s.opt.Objects.Delete(ctx, i.Key); err != nil {
			return err
		}
		removed++
		return nil
	})
	return removed, fault.At("media.Collect", err)
}

// gone tells whether an asset was deleted: there is neither a record nor a key.
func (s *Service) gone(ctx context.Context, tenant, id string) (bool, error) {
	_, err := s.opt.Store.Asset(ctx, "", id)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return false, err
	}
	// A scope whose key is there says fault.Corrupt to bytes that are no wrapped key.
	_, err = s.opt.Keys.Unwrap(ctx, Scope(tenant, id), []byte("no wrapped key, only a question"))
	switch fault.KindOf(err) {
	case fault.NotFound:
		return true, nil
	case fault.Corrupt:
		return false, nil
	}
	return false, err
}

// ownerOf reads the asset out of a key made by Scope.
func ownerOf(key string) (tenant, id string, ok bool) {
	f := strings.SplitN(key, "/", 5)
	if len(f) < 5 || f[0] != "t" || f[2] != "a" {
		return "", "", false
	}
	return f[1], f[3], true
}

package mediatest

import (
	"context"
	"path/filepath"
	"slices"
	gosync "sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

func newStore(t testing.TB) *sqldb.Media {
	db, err := sqldb.Open(context.Background(), filepath.Join(t.TempDir(), "sg.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db.Media()
}

type (
	// losesUpdates writes what it read, whatever happened since.
	losesUpdates struct{ *sqldb.Media }
	// seesAll forgets the tenant.
	seesAll struct{ *sqldb.Media }
	// keepsCanceled stores what a change that fails has done.
	keepsCanceled struct{ *sqldb.Media }
	// leavesUploads deletes the asset's row only, so to say.
	leavesUploads struct{ *sqldb.Media }
	// appendsAnywhere takes parts at whatever offset.
	appendsAnywhere struct {
		*sqldb.Media
		mu *gosync.Mutex
	}
	// oneTenant finds the unfinished uploads of one tenant only.
	oneTenant struct{ *sqldb.Media }
	// forgetsTasks stores a version without its plan.
	forgetsTasks struct{ *sqldb.Media }
	// eatsEvents does not hand them back.
	eatsEvents struct{ *sqldb.Media }
	// hurries hands events back while earlier ones are open.
	hurries struct{ *sqldb.Media }
)

func (s losesUpdates) ChangeAsset(ctx context.Context, tenant, id string, change func(*media.Record) error) (media.Record, error) {
	r, err := s.Asset(ctx, tenant, id)
	if err != nil {
		return r, err
	}
	time.Sleep(time.Millisecond) // for others to come between
	if err := change(&r); err != nil {
		return r, err
	}
	return s.Media.ChangeAsset(ctx, tenant, id, func(now *media.Record) error { *now = r; return nil })
}

func (s seesAll) Asset(ctx context.Context, _, id string) (media.Record, error) {
	return s.Media.Asset(ctx, "", id)
}

func (s keepsCanceled) ChangeAsset(ctx context.Context, tenant, id string, change func(*media.Record) error) (media.Record, error) {
	var failed error
	r, err := s.Media.ChangeAsset(ctx, tenant, id, func(r *media.Record) error { failed = change(r); return nil })
	if failed != nil {
		err = failed
	}
	return r, err
}

func (s leavesUploads) DeleteAsset(ctx context.Context, tenant, id string, events ...event.Event) ([]event.Event, error) {
	_, err := s.Media.ChangeAsset(ctx, tenant, id, func(r *media.Record) error { r.Deleting = true; return nil })
	_ = err
	return events, nil
}

func (s appendsAnywhere) AppendParts(ctx context.Context, id string, _ int64, parts []media.Part, hash []byte, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.Upload(ctx, id)
	if err != nil {
		return err
	}
	return s.Media.AppendParts(ctx, id, u.Offset, parts, hash, at)
}

func (s oneTenant) Uploads(ctx context.Context) ([]media.Upload, error) {
	us, err := s.Media.Uploads(ctx)
	return slices.DeleteFunc(us, func(u media.Upload) bool { return u.Tenant != "t" }), err
}

func (s forgetsTasks) PutVersion(ctx context.Context, v media.VersionRecord) error {
	v.Plan.Tasks = nil
	return s.Media.PutVersion(ctx, v)
}

func (s eatsEvents) ChangeAsset(ctx context.Context, tenant, id string, change func(*media.Record) error) (media.Record, error) {
	r, err := s.Media.ChangeAsset(ctx, tenant, id, change)
	r.Events = nil
	return r, err
}

func (s hurries) ChangeAsset(ctx context.Context, tenant, id string, change func(*media.Record) error) (media.Record, error) {
	var events []event.Event
	r, err := s.Media.ChangeAsset(ctx, tenant, id, func(r *media.Record) error {
		err := change(r)
		events = r.Events
		return err
	})
	r.Events = events
	return r, err
}

// TestStoreSuiteNotices: each broken store fails the check that is about what it breaks.
func TestStoreSuiteNotices(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*sqldb.Media) media.Store{
		"changes are not lost":                   func(m *sqldb.Media) media.Store { return losesUpdates{m} },
		"a tenant's asset is nobody else's":      func(m *sqldb.Media) media.Store { return seesAll{m} },
		"a canceled change leaves nothing":       func(m *sqldb.Media) media.Store { return keepsCanceled{m} },
		"an asset goes with all it has":          func(m *sqldb.Media) media.Store { return leavesUploads{m} },
		"parts only at the offset":               func(m *sqldb.Media) media.Store { return appendsAnywhere{m, &gosync.Mutex{}} },
		"one of many appends wins":               func(m *sqldb.Media) media.Store { return appendsAnywhere{m, &gosync.Mutex{}} },
		"uploads of all tenants, pledges of one": func(m *sqldb.Media) media.Store { return oneTenant{m} },
		"versions keep their tasks":              func(m *sqldb.Media) media.Store { return forgetsTasks{m} },
		"events are handed back and not stored":  func(m *sqldb.Media) media.Store { return eatsEvents{m} },
		"later events wait for earlier ones":     func(m *sqldb.Media) media.Store { return hurries{m} },
	} {
		t.Run(name, func(t *testing.T) {
			failing := suite.Failing(t, storeChecks(), func(t testing.TB) media.Store { return broken(newStore(t)) })
			if !slices.Contains(failing, name) {
				t.Errorf("not noticed; these failed: %q", failing)
			}
		})
	}
}

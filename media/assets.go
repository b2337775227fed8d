package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage"
)

// Topics of the events published.
const (
	TopicChanged  = "asset.changed"  // Data is the Asset
	TopicProgress = "asset.progress" // Data is the Progress, and more that processes tell each other
	TopicDeleted  = "asset.deleted"
	TopicGate     = "gate.changed" // Data is {"rule_id": ...}
)

// Bounds on what owners write.
const (
	maxTitle       = 200 // characters
	maxDescription = 5000
	maxTags        = 20
	maxTag         = 40
)

// CreateAsset is the input of Create.
type CreateAsset struct {
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Tags        []string        `json:"tags"`
	Gate        json.RawMessage `json:"gate"`
	Policy      Policy          `json:"policy"`
}

// PatchAsset changes what is not nil.
type PatchAsset struct {
	Title       *string   `json:"title"`
	Description *string   `json:"description"`
	Tags        *[]string `json:"tags"`
	Policy      *Policy   `json:"policy"`
}

// MayCreate reports whether p may create assets.
func (s *Service) MayCreate(p auth.Principal) bool {
	return p.UserID != "" && (s.opt.MayCreate == nil || s.opt.MayCreate(p))
}

// Create makes an asset owned by p. Bad members are fault.Invalid with fields.
func (s *Service) Create(ctx context.Context, p auth.Principal, in CreateAsset) (Asset, error) {
	const op = "media.Create"
	if p.UserID == "" || p.Tenant == "" {
		return Asset{}, fault.New(fault.Unauthenticated, op, "sign in to create an asset")
	}
	if !s.MayCreate(p) {
		return Asset{}, fault.New(fault.Forbidden, op, "this account may not create assets")
	}
	now := s.opt.Now().UTC()
	a := Asset{
		ID: newID(now), Tenant: p.Tenant, Owner: p.UserID, Title: in.Title, Description: in.Description, Tags: in.Tags,
		Policy: in.Policy, Status: Created, CreatedAt: now, UpdatedAt: now,
	}
	bad := check(&a)
	if err := s.setStorage(&a, "", true); err != nil {
		_, fields, _ := fault.Public(err)
		bad = append(bad, fields...)
	}
	if err := setGate(&a, in.Gate); err != nil {
		bad = append(bad, gateFields(err)...)
	}
	if len(bad) > 0 {
		return Asset{}, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the asset has members that must be changed", Fields: bad}
	}
	r := Record{Asset: a, Tenant: a.Tenant}
	s.happened(&r, TopicChanged, a)
	if err := s.opt.Store.CreateAsset(ctx, r); err != nil {
		return Asset{}, fault.At(op, err)
	}
	s.publish(ctx, r.Events)
	return a, nil
}

// check trims and bounds what the owner wrote, and fills in the policy.
func check(a *Asset) (bad []fault.Field) {
	wrong := func(pointer, detail string, args ...any) {
		bad = append(bad, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(detail, args...)})
	}
	a.Title, a.Description = strings.TrimSpace(a.Title), strings.TrimSpace(a.Description)
	if n := utf8.RuneCountInString(a.Title); n == 0 || n > maxTitle || !printable(a.Title) {
		wrong("/title", "write 1 to %d characters on one line", maxTitle)
	}
	if utf8.RuneCountInString(a.Description) > maxDescription || !utf8.ValidString(a.Description) {
		wrong("/description", "write at most %d characters", maxDescription)
	}
	if len(a.Tags) > maxTags {
		wrong("/tags", "give at most %d tags", maxTags)
	}
	tags := make([]string, 0, len(a.Tags))
	for i, t := range a.Tags {
		t = strings.TrimSpace(t)
		if n := utf8.RuneCountInString(t); n == 0 || n > maxTag || !printable(t) {
			wrong(fmt.Sprintf("/tags/%d", i), "write 1 to %d characters", maxTag)
		}
		tags = append(tags, t)
	}
	a.Tags = tags
	switch a.Policy.EpochMS {
	case 0:
		a.Policy.EpochMS = SegmentMS
	case SegmentMS, 2 * SegmentMS:
	default:
		wrong("/policy/epoch_ms", "choose %d or %d", SegmentMS, 2*SegmentMS)
	}
	return bad
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) }) < 0
}

// setGate validates raw and stores its canonical form; nil, empty and JSON null remove the gate.
func setGate(a *Asset, raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || string(raw) == "null" {
		a.Gate, a.RuleID = nil, ""
		return nil
	}
	r, err := rule.Parse(raw)
	if err != nil {
		return err
	}
	a.Gate, a.RuleID = bytes.Clone(r.Canonical()), r.ID()
	return nil
}

// gateFields moves the rule's own findings below /gate.
func gateFields(err error) []fault.Field {
	msg, fields, _ := fault.Public(err)
	if len(fields) == 0 {
		return []fault.Field{{Pointer: "/gate", Detail: msg}}
	}
	out := make([]fault.Field, len(fields))
	for i, f := range fields {
		out[i] = fault.Field{Pointer: "/gate" + f.Pointer, Detail: f.Detail}
	}
	return out
}

// Get returns an asset of the tenant, or fault.NotFound. Tenant "" matches any.
func (s *Service) Get(ctx context.Context, tenant, id string) (Asset, error) {
	r, err := s.record(ctx, tenant, id)
	if err != nil {
		return Asset{}, fault.At("media.Get", err)
	}
	return s.withProgress(r.Asset), nil
}

// record returns an asset that is not being deleted.
func (s *Service) record(ctx context.Context, tenant, id string) (Record, error) {
	r, err := s.opt.Store.Asset(ctx, tenant, id)
	if err != nil {
		return Record{}, err
	}
	if r.Deleting {
		return Record{}, fault.New(fault.NotFound, "", "there is no such asset")
	}
	return r, nil
}

// ListOptions selects and pages a listing.
type ListOptions struct {
	Owner  string // only this user's
	Query  string // words in title, description or tags
	Limit  int    // default 50, at most 200
	Cursor string
}

// List returns assets, newest first, and the cursor of the next page ("" at the end).
func (s *Service) List(ctx context.Context, tenant string, opt ListOptions) ([]Asset, string, error) {
	const op = "media.List"
	if tenant == "" {
		return nil, "", fault.New(fault.Invalid, op, "a tenant is required")
	}
	if opt.Limit <= 0 {
		opt.Limit = 50
	}
	opt.Limit = min(opt.Limit, 200)
	rs, next, err := s.opt.Store.Assets(ctx, tenant, opt)
	if err != nil {
		return nil, "", fault.At(op, err)
	}
	out := make([]Asset, len(rs))
	for i, r := range rs {
		out[i] = s.withProgress(r.Asset)
	}
	return out, next, nil
}

// Patch changes an asset; only its owner may (else fault.Forbidden).
func (s *Service) Patch(ctx context.Context, p auth.Principal, id string, in PatchAsset) (Asset, error) {
	return s.change(ctx, "media.Patch", p, id, func(r *Record) error {
		a := &r.Asset
		if in.Title != nil {
			a.Title = *in.Title
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.Tags != nil {
			a.Tags = *in.Tags
		}
		if in.Policy != nil {
			// The epoch is part of what keys derive from, so it is fixed once players may hold keys.
			if e := in.Policy.EpochMS; a.Version > 0 && e != 0 && e != a.Policy.EpochMS {
				return fault.New(fault.Conflict, "", "the epoch cannot change once the asset plays").With("/policy/epoch_ms", "leave it as it is")
			}
			before := a.Policy
			a.Policy = *in.Policy
			if a.Policy.EpochMS == 0 {
				a.Policy.EpochMS = before.EpochMS
			}
			if err := s.setStorage(a, before.Storage, a.Status == Created && r.Upload == ""); err != nil {
				return err
			}
		}
		if bad := check(a); len(bad) > 0 {
			return &fault.Error{Kind: fault.Invalid, Msg: "the asset has members that must be changed", Fields: bad}
		}
		return nil
	})
}

// SetGate replaces the rule (nil removes it); only the owner may. It publishes gate.changed.
func (s *Service) SetGate(ctx context.Context, p auth.Principal, id string, gate []byte) (Asset, error) {
	return s.change(ctx, "media.SetGate", p, id, func(r *Record) error {
		if err := setGate(&r.Asset, gate); err != nil {
			return err
		}
		s.happened(r, TopicGate, map[string]string{"rule_id": r.Asset.RuleID})
		return nil
	})
}

// owned is the check in front of every change.
func owned(p auth.Principal, r *Record) error {
	if r.Deleting {
		return fault.New(fault.NotFound, "", "there is no such asset")
	}
	if p.UserID == "" || r.Asset.Owner != p.UserID {
		return fault.New(fault.Forbidden, "", "only the owner may change this asset")
	}
	return nil
}

func (s *Service) change(ctx context.Context, op string, p auth.Principal, id string, change func(*Record) error) (Asset, error) {
	if p.Tenant == "" {
		return Asset{}, fault.New(fault.Unauthenticated, op, "sign in first")
	}
	r, err := s.opt.Store.ChangeAsset(ctx, p.Tenant, id, func(r *Record) error {
		if err := owned(p, r); err != nil {
			return err
		}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		if err := change(r); err != nil {
			return err
		}
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if err != nil {
		return Asset{}, fault.At(op, err)
	}
	s.versions.forget(id)
	s.publish(ctx, r.Events)
	return s.withProgress(r.Asset), nil
}

// Delete removes the asset, its bytes and its keys; only the owner may. It is
// gone for everyone when Delete returns; what a crash leaves undone, the next Run finishes.
func (s *Service) Delete(ctx context.Context, p auth.Principal, id string) error {
	const op = "media.Delete"
	if p.Tenant == "" {
		return fault.New(fault.Unauthenticated, op, "sign in first")
	}
	r, err := s.opt.Store.ChangeAsset(ctx, p.Tenant, id, func(r *Record) error {
		if err := owned(p, r); err != nil {
			return err
		}
		r.Deleting = true
		return nil
	})
	if err != nil {
		return fault.At(op, err)
	}
	return fault.At(op, s.erase(ctx, r))
}

// erase removes all of an asset that is marked as being deleted. It may run in several processes at once.
func (s *Service) erase(ctx context.Context, r Record) error {
	id := r.Asset.ID
	s.versions.forget(id)
	if err := s.shred(ctx, r.Tenant, id); err != nil {
		return err
	}
	events, err := s.opt.Store.DeleteAsset(ctx, r.Tenant, id, s.newEvent(TopicDeleted, r.Tenant, id, nil))
	if err != nil {
		return err
	}
	s.settle(id)
	s.publish(ctx, events)
	return nil
}

// removeObjects removes every object under a prefix. What a worker writes meanwhile goes in a further pass; storage
// that goes on listing what it says it deleted is fault.Unavailable, not a loop without end.
func (s *Service) removeObjects(ctx context.Context, prefix string) error {
	for range 5 {
		found := false
		err := s.eachObject(ctx, prefix, func(i storage.Info) error {
			found = true
			return s.opt.Objects.Delete(ctx, i.Key)
		})
		if err != nil || !found {
			return err
		}
	}
	return fault.Newf(fault.Unavailable, "", "storage still lists objects under %s that it said it had deleted", prefix)
}

// eachObject calls f for every object under a prefix, in the order of keys, until it fails. f may delete them.
func (s *Service) eachObject(ctx context.Context, prefix string, f func(storage.Info) error) error {
	for after := ""; ; {
		infos, err := s.opt.Objects.List(ctx, prefix, after, 0)
		if err != nil || len(infos) == 0 {
			return err
		}
		for _, i := range infos {
			if err := f(i); err != nil {
				return err
			}
			after = i.Key
		}
	}
}

// Source describes the uploaded original of an asset: its size and SHA-256 in hex. Before
// there is one it is fault.NotFound.
func (s *Service) Source(ctx context.Context, tenant, id string) (size int64, sha256 string, err error) {
	r, err := s.record(ctx, tenant, id)
	if err == nil && r.Upload == "" {
		err = fault.New(fault.NotFound, "", "the asset has no source yet")
	}
	if err != nil {
		return 0, "", fault.At("media.Source", err)
	}
	return r.Size, r.SHA256, nil
}

// newID returns a ULID in lower case: 48 bits of milliseconds and 80 random ones, so that
// ids sort by age.
func newID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	return ulid.EncodeToString(b[:])
}

// ulid is Crockford's alphabet; 26 characters hold 16 bytes.
var ulid = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

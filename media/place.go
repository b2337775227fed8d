package media

import (
	"fmt"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// defaultStorage is how an owner says that the default store is meant, where saying nothing means no change.
const defaultStorage = "default"

// storageName tells whether a second store may be called name.
func storageName(name string) bool {
	if name == "" || len(name) > 32 || name == defaultStorage {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// The key of a version's object is t/TENANT/a/ASSET/v/NUMBER/PLAN/NAME in the default store and
// t/TENANT/a/ASSET/v/NUMBER/in-STORE/PLAN/NAME in another. The key alone says where an object is, so that no read
// has to ask the database, and what deletes by prefix finds both.
const placeMark = "in-"

// objectPrefix is what the keys of a plan's objects begin with.
func objectPrefix(r Record, vr VersionRecord) string {
	prefix := fmt.Sprintf("%s/v/%d/", Scope(r.Tenant, r.Asset.ID), vr.Number)
	if name := r.Asset.Policy.Storage; name != "" {
		prefix += placeMark + name + "/"
	}
	return prefix + vr.Plan.ID + "/" // a plan's id is hexadecimal, so it is never taken for a place
}

// StoredIn returns the name of the store that an object's key says it is kept in, and "" for the default store. It is the
// rule to route objects by: route.New(def, second, func(key string) bool { return media.StoredIn(key) == name }).
func StoredIn(key string) string {
	f := strings.SplitN(key, "/", 8)
	if len(f) < 8 || f[0] != "t" || f[2] != "a" || f[4] != "v" {
		return ""
	}
	name, ok := strings.CutPrefix(f[6], placeMark)
	if !ok {
		return ""
	}
	return name
}

// setStorage takes the store an owner chose for an asset that is or was in the store now; free tells that no upload
// has begun. Nothing said is no change.
func (s *Service) setStorage(a *Asset, now string, free bool) error {
	const pointer = "/policy/storage"
	chosen := a.Policy.Storage
	switch chosen {
	case "":
		a.Policy.Storage = now
		return nil
	case defaultStorage:
		chosen = ""
	}
	a.Policy.Storage = chosen
	switch {
	case chosen == now:
		return nil
	case chosen != "" && chosen != s.opt.SecondStorage:
		return &fault.Error{Kind: fault.Invalid, Msg: "the asset has members that must be changed", Fields: []fault.Field{{Pointer: pointer, Detail: s.storages()}}}
	case !free:
		return fault.New(fault.Conflict, "", "the storage cannot change once an upload has begun").With(pointer, "leave it as it is")
	}
	return nil
}

// storages says what an owner may choose.
func (s *Service) storages() string {
	if s.opt.SecondStorage == "" {
		return "there is only the default storage here: leave it out"
	}
	return fmt.Sprintf("choose %q or %q", defaultStorage, s.opt.SecondStorage)
}

// reachable refuses to write an object to a store that this process does not have: it would end up in another.
func (s *Service) reachable(p Policy) error {
	if p.Storage != "" && p.Storage != s.opt.SecondStorage {
		return fault.Newf(fault.Unavailable, "media.store", "this process has no storage %q", p.Storage)
	}
	return nil
}

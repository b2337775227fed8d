package keys

import (
	"context"
	"time"
)

// Master wraps scope keys with master keys that have versions: FileMaster here,
// drivers/awskms, or HashiCorp Vault's transit engine (encrypt and decrypt with
// key_version, rotate, min_decryption_version). Which version is the current one is
// kept in the ScopeStore, so that all processes agree; a Master only makes versions and
// uses those it is told to. A Master serves one ScopeStore: two would retire each other's keys.
// All methods are safe for concurrent use. A version this Master cannot use, now or at
// all, is fault.Unavailable.
type Master interface {
	// Wrap encrypts plain, 32 bytes, under version and binds it to scope.
	Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error)
	// Unwrap returns what Wrap was given. Another scope or version is fault.Corrupt or, when the
	// Master cannot tell, fault.Unavailable, and so are changed bytes, unless the
	// change is in what the Master does not need: they never give another key.
	Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error)
	// Next returns a version newer than from, made for this call or waiting since; from is ""
	// for the first. It may be called again for the same from, by several processes at
	// once, and the versions it returned may go unused. No version comes twice.
	Next(ctx context.Context, from string) (version string, err error)
	// Retire tells that nothing wrapped under version is left, so that its key can be
	// destroyed. It is idempotent. What the Master cannot destroy it leaves.
	Retire(ctx context.Context, version string) error
}

// Rewrapper is a Master that can move a scope key to another version without
// showing it to this process.
type Rewrapper interface {
	Rewrap(ctx context.Context, from, to, scope string, wrapped []byte) ([]byte, error)
}

// ScopeRecord is a scope's key, wrapped, or its tombstone.
type ScopeRecord struct {
	Scope string
	// Master is the version of the master key that wraps Wrapped. Both are empty once shredded.
	Master  string
	Wrapped []byte
	// Shredded is when the key was destroyed, zero while it lives.
	Shredded time.Time
	// Revision counts the changes of the record from 1 on.
	Revision int64
}

// Versions are the master keys in use.
type Versions struct {
	// Current wraps what is new.
	Current string
	// Old may still wrap something; they leave the list once they do not and are retired.
	Old []string
	// Revision counts the changes from 1 on.
	Revision int64
}

// ScopeStore keeps the wrapped scope keys where all processes of a Shared see
// them: drivers/sqldb, or MemoryScopes in tests. It never sees a key. Once a change
// has returned, every process sees it. All methods are safe for concurrent use.
type ScopeStore interface {
	// Get returns the record of scope, also a tombstone, or fault.NotFound.
	Get(ctx context.Context, scope string) (ScopeRecord, error)
	// Put stores rec under the next revision.
	//
	// A key is stored only if the record has rec.Revision still (0: there is none), is
	// no tombstone, and rec.Master is the current version, all at one instant; else the
	// answer is fault.Conflict and nothing is changed. A tombstone (Shredded is set)
	// replaces whatever there is, whatever rec.Revision says, and keeps no byte of it;
	// on a tombstone it does nothing.
	Put(ctx context.Context, rec ScopeRecord) error
	// Stale returns at most limit records of keys under another master than
	// current, behind the scope after ("" at first) in an order of the store's own.
	Stale(ctx context.Context, current, after string, limit int) ([]ScopeRecord, error)
	// Versions returns the master keys in use, or fault.NotFound while there are none.
	Versions(ctx context.Context) (Versions, error)
	// SetVersions stores v under the next revision if v.Revision is still the stored
	// one (0: there is none), else it returns fault.Conflict.
	SetVersions(ctx context.Context, v Versions) error
}

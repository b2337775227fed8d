// Package keys manages the keys that encrypt data at rest. Manager is the
// interface; Keyring, a local folder, is the default for one process. Shared is for
// many: a Master (a file of theirs, or a key management service) wraps the keys, a
// ScopeStore that all of them see keeps them.
//
// There are three levels: a master key, one key per scope (an asset) wrapped by
// the master, and data keys wrapped by their scope's key. Rotation touches the
// first level only; destroying a scope's key makes everything under it
// unreadable for ever (crypto-shredding).
package keys

import "context"

// Manager hands out data keys and unwraps them again. All methods are safe for
// concurrent use. Scopes are paths like "t/default/a/01J..." of the same
// alphabet as storage keys.
type Manager interface {
	// DataKey returns a fresh 256-bit key and its wrapped form, bound to scope.
	// A shredded scope is fault.NotFound: it cannot be used again.
	DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error)
	// Unwrap returns the key in wrapped. The wrong scope or changed bytes are
	// fault.Corrupt, a shredded or unknown scope is fault.NotFound.
	Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error)
	// Rotate makes a new master key and re-wraps every scope under it. Wrapped
	// data keys handed out before stay valid. Safe while others read and write.
	Rotate(ctx context.Context) error
	// Shred destroys scope's key. It is idempotent and cannot be undone.
	Shred(ctx context.Context, scope string) error
}

package keys

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "REDACTED"

// Secret is bytes that do not show themselves: fmt with any verb, slog and
// encoding/json all render "REDACTED", also when the Secret is an unexported
// field deep in another value. The zero Secret is empty. It may be copied;
// copies share the bytes.
type Secret struct {
	// Two pointers deep, because fmt prints unexported fields without asking their
	// methods: it follows one pointer at most, when the verb does not fit its
	// type, and of the second it prints the address.
	p **[]byte
}

// NewSecret returns a Secret that holds b and takes ownership of it.
func NewSecret(b []byte) Secret {
	p := &b
	return Secret{&p}
}

// Bytes returns the bytes themselves, not a copy.
func (s Secret) Bytes() []byte {
	if s.p == nil {
		return nil
	}
	return **s.p
}

// Equal compares in constant time.
func (s Secret) Equal(b []byte) bool { return subtle.ConstantTimeCompare(s.Bytes(), b) == 1 }

// Clear overwrites the bytes with zeros, in every copy of the Secret.
func (s Secret) Clear() { clear(s.Bytes()) }

// String returns "REDACTED".
func (Secret) String() string { return redacted }

// GoString returns "REDACTED".
func (Secret) GoString() string { return redacted }

// Format writes "REDACTED" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "REDACTED" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "REDACTED", for the other encodings.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

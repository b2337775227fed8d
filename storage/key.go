package storage

import (
	"github.com/streamgate/streamgate/fault"
)

// The bounds of a key. An element is bounded so that every back-end can keep it
// as one file name.
const (
	MaxKeyLen     = 512
	MaxElementLen = 200
)

// CheckKey returns fault.Invalid, saying what is wrong, when key is not one a
// Store takes: see Store for the alphabet and the bounds. Implementations call
// it first in every method that takes a key.
func CheckKey(key string) error {
	const op = "storage.CheckKey"
	if key == "" {
		return fault.New(fault.Invalid, op, "the key is empty")
	}
	if len(key) > MaxKeyLen {
		return fault.Newf(fault.Invalid, op, "the key has %d bytes, at most %d are allowed", len(key), MaxKeyLen)
	}
	start := 0
	for i := 0; i <= len(key); i++ {
		if i < len(key) && key[i] != '/' {
			if !keyByte(key[i]) {
				return fault.Newf(fault.Invalid, op, "the key %q has the byte %q, only a-z A-Z 0-9 . _ - and / are allowed", key, key[i])
			}
			continue
		}
		switch elem := key[start:i]; {
		case elem == "":
			return fault.Newf(fault.Invalid, op, "the key %q has an empty path element", key)
		case elem == "." || elem == "..":
			return fault.Newf(fault.Invalid, op, "the key %q has the path element %q", key, elem)
		case len(elem) > MaxElementLen:
			return fault.Newf(fault.Invalid, op, "a path element of the key has %d bytes, at most %d are allowed", len(elem), MaxElementLen)
		}
		start = i + 1
	}
	return nil
}

func keyByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// CutRange returns how many bytes a Get of (offset, length) yields from an
// object of size bytes, or fault.Invalid when offset is not inside [0, size].
func CutRange(size, offset, length int64) (int64, error) {
	if offset < 0 || offset > size {
		return 0, fault.Newf(fault.Invalid, "storage.CutRange", "offset %d is outside the object of %d bytes", offset, size)
	}
	rest := size - offset
	if length < 0 || length > rest {
		return rest, nil
	}
	return length, nil
}

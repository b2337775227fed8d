package storage

import (
	"context"
	"time"
)

// Presigner is the optional power of a Store to hand out a URL that serves an object
// without credentials, so that bytes can flow past this process. Find it with As.
//
// As looks beneath decorators, and what lies there may be other bytes than the
// decorator yields: one that changes bytes implements Presigner itself and returns
// fault.Unsupported, as storage/envelope does.
type Presigner interface {
	// PresignGet returns a URL whose GET, ranges included, yields the object that is
	// under key at the time of the request. It works for ttl, 1 s to 7 days
	// (fault.Invalid otherwise), for everybody who has it and cannot be revoked before;
	// treat it as a secret. It does not look whether the object exists.
	PresignGet(ctx context.Context, key string, ttl time.Duration) (url string, err error)
}

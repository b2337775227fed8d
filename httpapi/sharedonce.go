package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// claimFor is longer than any request that carries an Idempotency-Key runs.
const claimFor = time.Minute

// sharedOnce is once over all processes that share a cache. What the cache loses makes a repeat a new request, as a
// restart does in one process; what it does not answer makes the request wait.
type sharedOnce struct {
	answers cache.Cache
	claims  cache.Claimer
}

type storedAnswer struct {
	Body   []byte `json:"body"` // SHA-256
	Status int    `json:"status"`
	Answer []byte `json:"answer"`
}

// do implements once.
func (s *sharedOnce) do(ctx context.Context, key idempotencyKey, body []byte, fn func() (int, []byte, error)) (status int, answer []byte, replayed bool, err error) {
	if key.key == "" {
		status, answer, err = fn()
		return status, answer, false, err
	}
	if err := key.check(); err != nil {
		return 0, nil, false, err
	}
	name, sum := key.hash(), sha256.Sum256(body)
	if status, answer, ok, err := s.replay(ctx, name, sum); ok || err != nil {
		return status, answer, ok, err
	}
	owner := rand.Text()
	held, err := s.claims.Claim(ctx, "http/once/claim/"+name, owner, claimFor)
	if err != nil {
		return 0, nil, false, cannotTell(err)
	}
	if !held {
		return 0, nil, false, stillRunning()
	}
	// The claim is given up last, so that no repeat comes between it and the answer. It ends
	// by itself where this fails.
	defer func() { _ = s.claims.Release(context.WithoutCancel(ctx), "http/once/claim/"+name, owner) }()
	// The first may have ended between the look and the claim.
	if status, answer, ok, err := s.replay(ctx, name, sum); ok || err != nil {
		return status, answer, ok, err
	}
	if status, answer, err = fn(); err != nil {
		return 0, nil, false, err
	}
	b, err := json.Marshal(storedAnswer{sum[:], status, answer})
	if err != nil {
		return 0, nil, false, fault.Wrap(fault.Internal, "httpapi.idempotency", err)
	}
	// It is done: an answer that cannot be kept is no reason to say that it is not.
	_ = s.answers.Set(context.WithoutCancel(ctx), "http/once/answer/"+name, b, idempotencyTTL)
	return status, answer, false, nil
}

func (s *sharedOnce) replay(ctx context.Context, name string, sum [sha256.Size]byte) (status int, answer []byte, ok bool, err error) {
	b, ok, err := s.answers.Get(ctx, "http/once/answer/"+name)
	if err != nil {
		return 0, nil, false, cannotTell(err)
	}
	var rec storedAnswer
	if !ok || json.Unmarshal(b, &rec) != nil {
		return 0, nil, false, nil //nolint:nilerr // what cannot be read is no answer
	}
	if string(rec.Body) != string(sum[:]) {
		return 0, nil, false, otherRequest()
	}
	return rec.Status, rec.Answer, true, nil
}

func cannotTell(err error) error {
	return &fault.Error{
		Kind: fault.Unavailable, Op: "httpapi.idempotency", RetryAfter: time.Second, Err: err,
		Msg: "We cannot tell right now whether this request was done already. Send it again with the same Idempotency-Key.",
	}
}

// hash names the key; no separator inside a part can make two keys one.
func (k idempotencyKey) hash() string {
	b, _ := json.Marshal([]string{k.tenant, k.user, k.key}) // strings always marshal
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

package auth

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/streamgate/streamgate/fault"
)

// MaxAPIKeys is how many keys one user may have; parallel calls may overshoot it slightly.
const MaxAPIKeys = 100

// CreateAPIKey makes a key that acts as user; the secret is returned once. The
// name is 1 to 100 characters for its owner's eyes (fault.Invalid otherwise). More than
// MaxAPIKeys is fault.Limited. Whether the user exists is the caller's to know.
func (s *Service) CreateAPIKey(ctx context.Context, tenant, userID, name string) (id, secret string, err error) {
	const op = "auth.CreateAPIKey"
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", "", fault.New(fault.Invalid, op, "the key's name is not usable").With("/name", "write 1 to 100 characters without control characters")
	}
	have, err := s.store.APIKeys(ctx, tenant, userID)
	if err != nil {
		return "", "", fault.At(op, err)
	}
	if len(have) >= MaxAPIKeys {
		return "", "", fault.Newf(fault.Limited, op, "a user has at most %d API keys: revoke one first", MaxAPIKeys)
	}
	secret, h := newToken(keyPrefix)
	k := APIKeyRecord{ID: newID("key_"), Tenant: tenant, UserID: userID, Name: name, Secret: h, CreatedAt: s.now()}
	if err := s.store.AddAPIKey(ctx, k); err != nil {
		return "", "", fault.At(op, err)
	}
	return k.ID, secret, nil
}

// ListAPIKeys returns the user's keys, oldest first.
func (s *Service) ListAPIKeys(ctx context.Context, tenant, userID string) ([]APIKey, error) {
	recs, err := s.store.APIKeys(ctx, tenant, userID)
	if err != nil {
		return nil, fault.At("auth.ListAPIKeys", err)
	}
	keys := make([]APIKey, len(recs))
	for i, r := range recs {
		keys[i] = APIKey{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt}
	}
	return keys, nil
}

// RevokeAPIKey ends the user's key at once; fault.NotFound if the user has no such key.
func (s *Service) RevokeAPIKey(ctx context.Context, tenant, userID, id string) error {
	err := s.store.RemoveAPIKey(ctx, tenant, userID, id)
	s.cache.forget(func(p Principal) bool { return p.APIKey == id && p.UserID == userID && p.Tenant == tenant })
	return fault.At("auth.RevokeAPIKey", err)
}

func (s *Service) byAPIKey(ctx context.Context, tenant string, h Hash) (Principal, error) {
	k, err := s.store.APIKey(ctx, tenant, h)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Tenant: k.Tenant, UserID: k.UserID, APIKey: k.ID}, nil
}

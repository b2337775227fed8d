package authtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Memory is an auth.Store that forgets everything with the process.
type Memory struct {
	mu         sync.Mutex
	challenges map[tenantKey]auth.ChallengeRecord
	wallets    []wallet // in the order they were proven first
	sessions   map[string]auth.SessionRecord
	tokens     map[tokenKey]token
	keys       map[tenantKey]auth.APIKeyRecord
}

type (
	tenantKey struct{ tenant, id string }
	tokenKey  struct {
		tenant  string
		hash    auth.Hash
		refresh bool
	}
	wallet struct {
		tenant, user string
		account      caip.AccountID
	}
	token struct {
		session         string
		expires, usedAt time.Time
	}
)

var _ auth.Store = (*Memory)(nil)

// NewMemory returns an empty store that passes Run.
func NewMemory() *Memory {
	return &Memory{
		challenges: map[tenantKey]auth.ChallengeRecord{},
		sessions:   map[string]auth.SessionRecord{},
		tokens:     map[tokenKey]token{},
		keys:       map[tenantKey]auth.APIKeyRecord{},
	}
}

func missing(op, what string) error {
	return fault.New(fault.NotFound, "authtest."+op, "no such "+what)
}

func clash(op, what string) error { return fault.New(fault.Conflict, "authtest."+op, what) }

// AddChallenge implements auth.ChallengeStore.
func (m *Memory) AddChallenge(_ context.Context, c auth.ChallengeRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := tenantKey{c.Tenant, c.Nonce}
	if _, ok := m.challenges[k]; ok {
		return clash("AddChallenge", "the nonce is taken")
	}
	m.challenges[k] = c
	return nil
}

// Challenge implements auth.ChallengeStore.
func (m *Memory) Challenge(_ context.Context, tenant, nonce string) (auth.ChallengeRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.challenges[tenantKey{tenant, nonce}]
	if !ok {
		return auth.ChallengeRecord{}, missing("Challenge", "challenge")
	}
	return c, nil
}

// AddFailure implements auth.ChallengeStore.
func (m *Memory) AddFailure(_ context.Context, tenant, nonce string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.challenges[tenantKey{tenant, nonce}]; ok {
		c.Failures++
		m.challenges[tenantKey{tenant, nonce}] = c
	}
	return nil
}

// SignIn implements auth.ChallengeStore.
func (m *Memory) SignIn(_ context.Context, nonce string, s auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := tenantKey{s.Tenant, nonce}
	if _, ok := m.challenges[k]; !ok {
		return auth.SessionRecord{}, missing("SignIn", "challenge")
	}
	delete(m.challenges, k)
	s.UserID = m.own(s.Tenant, s.UserID, s.Account)
	m.sessions[s.ID] = s
	m.addTokens(s.Tenant, s.ID, p)
	return s, nil
}

// Link implements auth.ChallengeStore.
func (m *Memory) Link(_ context.Context, tenant, nonce, userID string, account caip.AccountID, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := tenantKey{tenant, nonce}
	if _, ok := m.challenges[k]; !ok {
		return missing("Link", "challenge")
	}
	if w := m.wallet(tenant, account); w != nil && w.user != userID {
		return clash("Link", "the wallet belongs to another user")
	}
	delete(m.challenges, k)
	m.own(tenant, userID, account)
	return nil
}

func (m *Memory) wallet(tenant string, a caip.AccountID) *wallet {
	for i := range m.wallets {
		w := &m.wallets[i]
		if w.tenant == tenant && w.account.Chain.Namespace == a.Chain.Namespace && w.account.Address == a.Address {
			return w
		}
	}
	return nil
}

// own gives the wallet to user unless it has an owner, and returns the owner.
func (m *Memory) own(tenant, user string, a caip.AccountID) string {
	if w := m.wallet(tenant, a); w != nil {
		w.account = a
		return w.user
	}
	m.wallets = append(m.wallets, wallet{tenant, user, a})
	return user
}

func (m *Memory) addTokens(tenant, session string, p auth.TokenPair) {
	m.tokens[tokenKey{tenant, p.Access, false}] = token{session: session, expires: p.AccessExpiresAt}
	m.tokens[tokenKey{tenant, p.Refresh, true}] = token{session: session, expires: p.RefreshExpires}
}

// Access implements auth.SessionStore.
func (m *Memory) Access(_ context.Context, tenant string, h auth.Hash) (auth.AccessRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[tokenKey{tenant, h, false}]
	if !ok {
		return auth.AccessRecord{}, missing("Access", "token")
	}
	r := auth.AccessRecord{Session: m.sessions[t.session], ExpiresAt: t.expires}
	for _, w := range m.wallets {
		if w.tenant == tenant && w.user == r.Session.UserID {
			r.Wallets = append(r.Wallets, w.account)
		}
	}
	return r, nil
}

// Refresh implements auth.SessionStore.
func (m *Memory) Refresh(_ context.Context, tenant string, h auth.Hash) (auth.RefreshRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[tokenKey{tenant, h, true}]
	if !ok {
		return auth.RefreshRecord{}, missing("Refresh", "token")
	}
	return auth.RefreshRecord{Session: m.sessions[t.session], ExpiresAt: t.expires, UsedAt: t.usedAt}, nil
}

// Rotate implements auth.SessionStore.
func (m *Memory) Rotate(_ context.Context, tenant string, old auth.Hash, next auth.TokenPair, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := tokenKey{tenant, old, true}
	t, ok := m.tokens[k]
	if !ok || !t.usedAt.IsZero() {
		return clash("Rotate", "the token was used or is gone")
	}
	t.usedAt = now
	m.tokens[k] = t
	m.addTokens(tenant, t.session, next)
	return nil
}

// Session implements auth.SessionFinder.
func (m *Memory) Session(_ context.Context, tenant, id string) (auth.SessionRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok || s.Tenant != tenant {
		return auth.SessionRecord{}, missing("Session", "session")
	}
	return s, nil
}

// ProvenSessions implements auth.ProvenFinder.
func (m *Memory) ProvenSessions(_ context.Context, now time.Time, after string, limit int) ([]auth.SessionRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []auth.SessionRecord
	for _, s := range m.sessions {
		if s.Proof != "" && s.ID > after && s.EndsAt.After(now) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b auth.SessionRecord) int { return strings.Compare(a.ID, b.ID) })
	return out[:min(len(out), max(limit, 0))], nil
}

// EndSession implements auth.SessionStore.
func (m *Memory) EndSession(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(id)
	return nil
}

// EndSessions implements auth.SessionStore.
func (m *Memory) EndSessions(_ context.Context, tenant, userID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.sessions {
		if s.Tenant == tenant && s.UserID == userID {
			m.end(id)
		}
	}
	return nil
}

func (m *Memory) end(session string) {
	delete(m.sessions, session)
	maps.DeleteFunc(m.tokens, func(_ tokenKey, t token) bool { return t.session == session })
}

// AddAPIKey implements auth.APIKeyStore.
func (m *Memory) AddAPIKey(_ context.Context, k auth.APIKeyRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys[tenantKey{k.Tenant, k.ID}]; ok {
		return clash("AddAPIKey", "the id is taken")
	}
	m.keys[tenantKey{k.Tenant, k.ID}] = k
	return nil
}

// APIKey implements auth.APIKeyStore.
func (m *Memory) APIKey(_ context.Context, tenant string, secret auth.Hash) (auth.APIKeyRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.Tenant == tenant && k.Secret == secret {
			return k, nil
		}
	}
	return auth.APIKeyRecord{}, missing("APIKey", "key")
}

// APIKeys implements auth.APIKeyStore.
func (m *Memory) APIKeys(_ context.Context, tenant, userID string) ([]auth.APIKeyRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []auth.APIKeyRecord
	for _, k := range m.keys {
		if k.Tenant == tenant && k.UserID == userID {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b auth.APIKeyRecord) int {
		if d := a.CreatedAt.Compare(b.CreatedAt); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

// RemoveAPIKey implements auth.APIKeyStore.
func (m *Memory) RemoveAPIKey(_ context.Context, tenant, userID, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[tenantKey{tenant, id}]; !ok || k.UserID != userID {
		return missing("RemoveAPIKey", "key")
	}
	delete(m.keys, tenantKey{tenant, id})
	return nil
}

// Sweep implements auth.Sweeper.
func (m *Memory) Sweep(_ context.Context, now time.Time) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.challenges) + len(m.tokens) + len(m.sessions)
	maps.DeleteFunc(m.challenges, func(_ tenantKey, c auth.ChallengeRecord) bool { return !c.ExpiresAt.After(now) })
	maps.DeleteFunc(m.tokens, func(_ tokenKey, t token) bool { return !t.expires.After(now) })
	alive := map[string]bool{}
	for _, t := range m.tokens {
		alive[t.session] = true
	}
	for id, s := range m.sessions {
		if !alive[id] || !s.EndsAt.After(now) {
			m.end(id)
		}
	}
	return int64(before - len(m.challenges) - len(m.tokens) - len(m.sessions)), nil
}

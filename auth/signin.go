package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// MaxFailures is how many wrong signatures of one challenge are put to a chain. After that its
// account's key can still sign in, since no number of wrong guesses brings the right one nearer, and a
// contract wallet needs a new challenge.
const MaxFailures = 10

// errNotTheirs is a well-formed signature by somebody else.
var errNotTheirs = errors.New("the signature is not the account's")

// Challenge makes a one-use sign-in message for account, bound to origin
// ("https://example.org": its host[:port] becomes the domain, it plus "/" the URI).
// A wrong origin or a chain that is not accepted is fault.Invalid, an account
// that is neither eip155 nor solana fault.Unsupported, more than a challenge a second for one account (after a
// burst of 30) fault.Limited.
func (s *Service) Challenge(ctx context.Context, tenant, origin string, account caip.AccountID) (Challenge, error) {
	const op = "auth.Challenge"
	origin, domain, err := parseOrigin(op, origin)
	if err != nil {
		return Challenge{}, err
	}
	if err := s.accepts(op, account); err != nil {
		return Challenge{}, err
	}
	now := s.now()
	if wait := s.pace.wait(tenant+"\x00"+account.Chain.Namespace+":"+account.Address, now); wait > 0 {
		return Challenge{}, fault.New(fault.Limited, op, "too many sign-in messages were asked for this account").After(wait)
	}
	c := ChallengeRecord{Tenant: tenant, Nonce: newID(""), Origin: origin, Account: account, ExpiresAt: now.Add(s.opt.ChallengeTTL)}
	if c.Message, err = compose(c, domain, s.opt.Statement, now); err != nil {
		// Origin and account are checked above, so the statement is what is wrong.
		return Challenge{}, fault.Wrap(fault.Internal, op+": Options.Statement", err)
	}
	if err := s.store.AddChallenge(ctx, c); err != nil {
		return Challenge{}, fault.At(op, err)
	}
	return Challenge{Message: c.Message, Nonce: c.Nonce, ExpiresAt: c.ExpiresAt}, nil
}

// Verify checks message and signature (0x hex for eip155, base58 for solana) against what Challenge
// issued for tenant and origin, and opens a session. The first sign-in of an address makes its
// user; the same address on another chain is the same user. Any mismatch is
// fault.Unauthenticated; a malformed message or signature is fault.Invalid. A wrong signature
// does not burn the nonce. One nonce opens at most one session.
//
// With Options.Contracts, a signature that is not by the account's own key is put to the account's
// contract; a chain that cannot be asked is fault.Unavailable and costs the challenge nothing. At most
// MaxFailures wrong ones of a challenge are asked about; parallel ones may overshoot that by as many as run at once.
func (s *Service) Verify(ctx context.Context, tenant, origin, message, signature string) (Tokens, error) {
	const op = "auth.Verify"
	c, proof, err := s.proven(ctx, op, tenant, origin, message, signature, s.opt.Contracts)
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	rec := SessionRecord{
		ID: newID("ses_"), Tenant: tenant, UserID: newID("usr_"), Account: c.Account,
		CreatedAt: now, EndsAt: now.Add(s.opt.SessionTTL), Proof: proof,
	}
	tokens, pair := s.mint(now, rec)
	if _, err := s.store.SignIn(ctx, c.Nonce, rec, pair); err != nil {
		return Tokens{}, goneIfNotFound(op, err)
	}
	if proof != "" {
		s.safes.add(rec)
	}
	return tokens, nil
}

// Link adds the wallet that signed message to the user of p, a session's
// principal, after the checks of Verify. A wallet of another user is fault.Conflict; an API
// key and the session of a contract wallet may not link (fault.Forbidden). A contract wallet cannot be
// linked either, so that whoever comes to control one never comes to a person's other wallets by it.
func (s *Service) Link(ctx context.Context, p Principal, origin, message, signature string) (caip.AccountID, error) {
	const op = "auth.Link"
	if p.SessionID == "" {
		return caip.AccountID{}, fault.New(fault.Forbidden, op, "wallets are linked from a signed-in session, not by an API key")
	}
	ses, err := s.store.Session(ctx, p.Tenant, p.SessionID)
	if err != nil {
		return caip.AccountID{}, unknownToken(op, err)
	}
	if ses.Proof != "" {
		return caip.AccountID{}, fault.New(fault.Forbidden, op, "wallets cannot be linked to a contract wallet: sign in with a key")
	}
	c, _, err := s.proven(ctx, op, p.Tenant, origin, message, signature, nil)
	if err != nil {
		return caip.AccountID{}, err
	}
	err = s.store.Link(ctx, p.Tenant, c.Nonce, p.UserID, c.Account, s.now())
	s.cache.forget(func(q Principal) bool { return q.Tenant == p.Tenant && q.UserID == p.UserID })
	if errors.Is(err, fault.Conflict) {
		return caip.AccountID{}, &fault.Error{Kind: fault.Conflict, Op: op, Msg: "this wallet belongs to another user", Err: err}
	}
	if err != nil {
		return caip.AccountID{}, goneIfNotFound(op, err)
	}
	return c.Account, nil
}

// proven returns the challenge that message is, once the signature is found to be its account's, and the
// proof to keep if a contract wallet said so.
func (s *Service) proven(ctx context.Context, op, tenant, origin, message, signature string, contracts ContractVerifier) (ChallengeRecord, string, error) {
	origin, domain, err := parseOrigin(op, origin)
	if err != nil {
		return ChallengeRecord{}, "", err
	}
	m, err := parse(message)
	if err != nil {
		return ChallengeRecord{}, "", fault.At(op, err)
	}
	if m.domain != domain || m.uri != origin+"/" {
		return ChallengeRecord{}, "", refused(op, "this message was signed for another site")
	}
	c, err := s.issued(ctx, op, tenant, origin, m, message)
	if err != nil {
		return ChallengeRecord{}, "", err
	}
	var proof string
	if m.namespace == namespaceSolana {
		err = solanaProof(op, c, message, signature)
	} else {
		proof, err = s.evmProof(ctx, op, c, message, signature, contracts)
	}
	if errors.Is(err, errNotTheirs) {
		if c.Failures < MaxFailures {
			if err := s.store.AddFailure(context.WithoutCancel(ctx), tenant, c.Nonce); err != nil {
				return ChallengeRecord{}, "", fault.At(op, err)
			}
		}
		err = refused(op, "the signature is not by the account that the message names")
	}
	return c, proof, err
}

func solanaProof(op string, c ChallengeRecord, message, signature string) error {
	sig, err := siws.DecodeSignature(signature)
	if err != nil {
		return fault.At(op, err)
	}
	err = siws.Verify(c.Account.Address, []byte(message), sig)
	if errors.Is(err, fault.Unauthenticated) {
		return errNotTheirs
	}
	return fault.At(op, err)
}

// issued returns the living challenge that this message is, byte for byte.
func (s *Service) issued(ctx context.Context, op, tenant, origin string, m binding, message string) (ChallengeRecord, error) {
	now := s.now()
	if m.expires.IsZero() || !now.Before(m.expires) {
		return ChallengeRecord{}, refused(op, "the sign-in message has expired: ask for a new one")
	}
	c, err := s.store.Challenge(ctx, tenant, m.nonce)
	if err != nil {
		return ChallengeRecord{}, goneIfNotFound(op, err)
	}
	same := subtle.ConstantTimeCompare([]byte(c.Message), []byte(message)) == 1
	if !same || c.Origin != origin {
		return ChallengeRecord{}, refused(op, "this is not the sign-in message that was issued: sign it unchanged")
	}
	if !now.Before(c.ExpiresAt) {
		return ChallengeRecord{}, refused(op, "the sign-in message has expired: ask for a new one")
	}
	if err := s.accepts(op, c.Account); err != nil {
		// The configuration changed since the message was issued.
		return ChallengeRecord{}, refused(op, "this chain is no longer accepted")
	}
	return c, nil
}

// accepts tells whether accounts of this chain can sign in.
func (s *Service) accepts(op string, account caip.AccountID) error {
	if account.Chain.Namespace != namespaceEVM && account.Chain.Namespace != namespaceSolana {
		return fault.Newf(fault.Unsupported, op, "sign-in with %q accounts is not supported", account.Chain.Namespace).
			With("/account", "use an eip155 or solana account")
	}
	if canonical, err := caip.ParseAccountID(account.String()); err != nil || canonical != account {
		return fault.New(fault.Invalid, op, "the account is not a canonical CAIP-10 account").
			With("/account", "write eip155:<chain>:<0x address> or solana:<chain>:<base58 key>")
	}
	if len(s.opt.Chains) > 0 && !slices.Contains(s.opt.Chains, account.Chain) {
		names := make([]string, len(s.opt.Chains))
		for i, c := range s.opt.Chains {
			names[i] = c.String()
		}
		return fault.Newf(fault.Invalid, op, "chain %s is not accepted here", account.Chain).
			With("/account", "use an account on one of: "+strings.Join(names, ", "))
	}
	return nil
}

// parseOrigin returns the canonical RFC 6454 origin and its host[:port]. Browsers
// send it lower case and without the default port, which is also how a wallet
// compares the domain of a message with the page.
func parseOrigin(op, s string) (origin, domain string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return "", "", badOrigin(op)
	}
	domain = strings.ToLower(u.Host)
	domain = strings.TrimSuffix(domain, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	domain = strings.TrimSuffix(domain, ":")
	for i := range len(domain) {
		if c := domain[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._:[]", c) >= 0) {
			return "", "", badOrigin(op)
		}
	}
	return u.Scheme + "://" + domain, domain, nil
}

func badOrigin(op string) error {
	return fault.New(fault.Invalid, op, "the origin is not a web origin").With("origin", "write scheme://host[:port] with an ASCII host")
}

func refused(op, msg string) error { return fault.New(fault.Unauthenticated, op, msg) }

// goneIfNotFound turns a missing challenge into the answer for every message that is not ours,
// no longer ours or of another tenant: which of these is nobody's to know.
func goneIfNotFound(op string, err error) error {
	if errors.Is(err, fault.NotFound) {
		return &fault.Error{
			Kind: fault.Unauthenticated, Op: op, Err: err,
			Msg: "the sign-in message is unknown, expired or already used: ask for a new one",
		}
	}
	return fault.At(op, err)
}

// mint makes the tokens of a session and what the store keeps of them.
func (s *Service) mint(now time.Time, rec SessionRecord) (Tokens, TokenPair) {
	access, accessHash := newToken(accessPrefix)
	refresh, refreshHash := newToken(refreshPrefix)
	p := TokenPair{
		Access: accessHash, AccessExpiresAt: earlier(now.Add(s.opt.AccessTTL), rec.EndsAt),
		Refresh: refreshHash, RefreshExpires: earlier(now.Add(s.opt.RefreshTTL), rec.EndsAt),
	}
	return Tokens{AccessToken: access, RefreshToken: refresh, ExpiresAt: p.AccessExpiresAt, Account: rec.Account}, p
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

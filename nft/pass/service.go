package pass

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// The defaults and bounds of Options.
const (
	DefaultInterval = 2 * time.Second
	DefaultMaxOpen  = 100
	// DefaultForget is how long a hash that a wallet gave may stay unknown to the chain.
	DefaultForget = 15 * time.Minute
	// workers is how many orders of a chain are worked on at a time.
	workers = 8
	// page is how many orders are read at a time.
	page = 100
	// maxAttempts bounds how often an order is sent with higher fees.
	maxAttempts = 12
)

// Options configures a Service. Store is required.
type Options struct {
	Store Store
	// Ledgers are the chains to issue on, one for each chain.
	Ledgers []Ledger
	// MayCreate decides who may deploy and mint; nil lets any signed-in caller, who then signs and pays by a wallet.
	MayCreate func(auth.Principal) bool
	// MaySpend decides whose orders the platform's signer signs and pays; nil is nobody's.
	MaySpend func(auth.Principal) bool
	// MaxOpen bounds the orders of one owner that are not final (default 100).
	MaxOpen int
	// Interval is the pause between two looks at the chain (default 2 s).
	Interval time.Duration
	// Forget is how long a hash that a wallet gave may stay unknown before the order can be signed again (default 15 min).
	Forget time.Duration
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// Service takes orders and sees them through. It is safe for concurrent use; several processes may each have one over
// the same Store, and all of them may Run.
type Service struct {
	opt     Options
	ledgers map[caip.ChainID]Ledger
	wakes   map[caip.ChainID]chan struct{}
}

// New returns a Service. Two ledgers of one chain, or none of the Store, are fault.Invalid.
func New(opt Options) (*Service, error) {
	const op = "pass.New"
	if opt.Store == nil {
		return nil, fault.New(fault.Invalid, op, "a store is required")
	}
	opt.MaxOpen = cmp.Or(max(opt.MaxOpen, 0), DefaultMaxOpen)
	opt.Interval = cmp.Or(max(opt.Interval, 0), DefaultInterval)
	opt.Forget = cmp.Or(max(opt.Forget, 0), DefaultForget)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{opt: opt, ledgers: map[caip.ChainID]Ledger{}, wakes: map[caip.ChainID]chan struct{}{}}
	for _, l := range opt.Ledgers {
		chain := l.Facts().Chain
		if s.ledgers[chain] != nil {
			return nil, fault.Newf(fault.Invalid, op, "two ledgers of %s", chain)
		}
		s.ledgers[chain], s.wakes[chain] = l, make(chan struct{}, 1)
	}
	return s, nil
}

// Chains tells where passes can be issued by p, in the order of the options. Signer is left out where p may not use it.
func (s *Service) Chains(p auth.Principal) []Facts {
	var out []Facts
	for _, l := range s.opt.Ledgers {
		f := l.Facts()
		if !s.maySpend(p) {
			f.Signer = ""
		}
		if f.Signer != "" || f.Wallet {
			out = append(out, f)
		}
	}
	return out
}

func (s *Service) maySpend(p auth.Principal) bool {
	return s.mayCreate(p) && s.opt.MaySpend != nil && s.opt.MaySpend(p)
}

func (s *Service) mayCreate(p auth.Principal) bool {
	return p.UserID != "" && p.Tenant != "" && (s.opt.MayCreate == nil || s.opt.MayCreate(p))
}

// CreatePass is what the caller of Create chooses.
type CreatePass struct {
	Spec
	// Wallet has the caller's own wallet sign; its address is Sender, or the first of the caller's on the chain's kind.
	Wallet bool
	Sender string
	// Key makes a repeat the same order; empty makes each call a new one.
	Key string
}

// MintPass is what the caller of Mint chooses.
type MintPass struct {
	Grant
	Wallet bool
	Sender string
	Key    string
}

// Create orders the deployment of a pass. What the chain would refuse is refused here (fault.Conflict), and so is what the signer cannot
// pay (fault.Unavailable). The same Key again returns the order that there is; with other wishes it is fault.Invalid.
func (s *Service) Create(ctx context.Context, p auth.Principal, in CreatePass) (Order, error) {
	const op = "pass.Create"
	o, l, err := s.begin(op, p, in.Chain, in.Wallet, in.Sender, in.Key)
	if err != nil {
		return Order{}, err
	}
	in.Spec.Authority = cmp.Or(in.Spec.Authority, first(p, in.Chain), o.Sender)
	if !in.Wallet {
		in.Spec.Minter = o.Sender
	} else if in.Spec.Minter != "" {
		in.Spec.Minter = l.Facts().Signer
	}
	if err := in.Spec.check(l.Facts()); err != nil {
		return Order{}, err
	}
	o.Act, o.Pass, o.Spec = Deploy, o.ID, &in.Spec
	return s.place(ctx, op, l, o, nil)
}

// Mint orders a mint of a pass that the caller deployed. A pass that is not on the chain yet is fault.Conflict. For the rest see Create.
func (s *Service) Mint(ctx context.Context, p auth.Principal, passID string, in MintPass) (Order, error) {
	const op = "pass.Mint"
	pass, err := s.Pass(ctx, p, passID)
	if err != nil {
		return Order{}, err
	}
	o, l, err := s.begin(op, p, pass.Chain, in.Wallet, in.Sender, in.Key)
	if err != nil {
		return Order{}, err
	}
	if err := in.Grant.check(pass.Spec, pass.Chain); err != nil {
		return Order{}, err
	}
	if !pass.Deployed() {
		return Order{}, fault.New(fault.Conflict, op, "The pass is not on the chain yet: wait until it is mined.").After(s.opt.Interval)
	}
	o.Act, o.Pass, o.Grant, o.Contract = Mint, pass.ID, &in.Grant, pass.Contract
	return s.place(ctx, op, l, o, &pass)
}

// begin makes an order of what Create and Mint have in common.
func (s *Service) begin(op string, p auth.Principal, chain caip.ChainID, wallet bool, sender, key string) (Order, Ledger, error) {
	switch {
	case p.UserID == "" || p.Tenant == "":
		return Order{}, nil, fault.New(fault.Unauthenticated, op, "Sign in to issue passes.")
	case !s.mayCreate(p):
		return Order{}, nil, fault.New(fault.Forbidden, op, "This account may not issue passes.")
	case len(key) > 255:
		return Order{}, nil, fault.New(fault.Invalid, op, "The key is too long.").With("Idempotency-Key", "at most 255 bytes")
	}
	l := s.ledgers[chain]
	if l == nil {
		return Order{}, nil, fault.New(fault.Invalid, op, "Passes cannot be issued on this chain.").With("/chain", "GET /v1/passes lists the chains that can be")
	}
	now := s.opt.Now().UTC().Truncate(time.Millisecond)
	o := Order{
		ID: newID(now), Tenant: p.Tenant, Owner: p.UserID, Key: cmp.Or(key, "auto:"+rand.Text()), Chain: chain, Wallet: wallet,
		State: Created, CreatedAt: now, UpdatedAt: now,
	}
	f := l.Facts()
	if !wallet {
		if sender != "" {
			return o, l, fault.New(fault.Invalid, op, "The platform signs with its own key.").With("/from", "for signer \"wallet\" only")
		}
		if f.Signer == "" || !s.maySpend(p) {
			return o, l, fault.New(fault.Forbidden, op, "The platform does not sign for this account on this chain: sign with your own wallet.").With("/signer", "\"wallet\"")
		}
		o.Sender = f.Signer
		return o, l, nil
	}
	if !f.Wallet {
		return o, l, fault.New(fault.Invalid, op, "Wallets cannot sign on this chain here.").With("/signer", "\"server\"")
	}
	if o.Sender = cmp.Or(sender, first(p, chain)); sender != "" {
		id, err := caip.ParseAccountID(chain.String() + ":" + sender)
		if err != nil || !has(p, id) {
			return o, l, fault.New(fault.Invalid, op, "That wallet is not yours.").With("/from", "an address that you signed in with")
		}
		o.Sender = id.Address
	}
	if o.Sender == "" {
		return o, l, fault.New(fault.Invalid, op, "There is no wallet to sign with.").With("/signer", "sign in with a wallet of this kind of chain")
	}
	return o, l, nil
}

// place tries the order out, keeps it, and has it worked on.
func (s *Service) place(ctx context.Context, op string, l Ledger, o Order, pass *Order) (Order, error) {
	if old, ok, err := s.known(ctx, o); err != nil || ok {
		return old, err
	}
	if err := s.room(ctx, op, o); err != nil {
		return Order{}, err
	}
	d, err := l.Draft(ctx, o, pass)
	if err != nil {
		return Order{}, fault.At(op, err)
	}
	o.To, o.Data, o.Gas = d.To, d.Data, d.Gas
	kept, fresh, err := s.opt.Store.Insert(ctx, o)
	if err != nil {
		return Order{}, fault.At(op, err)
	}
	if !fresh {
		return kept, same(kept, o)
	}
	s.wake(o.Chain)
	return kept, nil
}

// known returns the order that the owner placed before under the same key, without asking the chain.
func (s *Service) known(ctx context.Context, o Order) (Order, bool, error) {
	list, _, err := s.opt.Store.Orders(ctx, o.Tenant, ListOptions{Owner: o.Owner, Key: o.Key, Limit: 1})
	if err != nil || len(list) == 0 {
		return Order{}, false, fault.At("pass.known", err)
	}
	return list[0], true, same(list[0], o)
}

// same refuses a key that named another wish.
func same(old, wish Order) error {
	otherSpec := (old.Spec == nil) != (wish.Spec == nil) || old.Spec != nil && *old.Spec != *wish.Spec
	otherGrant := (old.Grant == nil) != (wish.Grant == nil) || old.Grant != nil && *old.Grant != *wish.Grant
	if old.Act == wish.Act && old.Wallet == wish.Wallet && old.Sender == wish.Sender && old.Chain == wish.Chain && !otherSpec && !otherGrant && (wish.Act == Deploy || old.Pass == wish.Pass) {
		return nil
	}
	return fault.New(fault.Invalid, "pass.same", "This Idempotency-Key was used for another request.").With("Idempotency-Key", "use a new key for a new request")
}

// room refuses an owner who has too much under way.
func (s *Service) room(ctx context.Context, op string, o Order) error {
	left := s.opt.MaxOpen
	for cursor := ""; ; {
		open, next, err := s.opt.Store.Orders(ctx, o.Tenant, ListOptions{Owner: o.Owner, Open: true, Limit: min(left, 200), Cursor: cursor})
		if err != nil {
			return fault.At(op, err)
		}
		if left -= len(open); left <= 0 {
			return fault.Newf(fault.Limited, op, "You have %d orders under way. Wait until some are done.", s.opt.MaxOpen).After(10 * time.Second)
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// Pass returns a pass of the caller's, by the ID of its deployment.
func (s *Service) Pass(ctx context.Context, p auth.Principal, id string) (Order, error) {
	return s.own(ctx, "pass.Pass", p, id, func(o Order) bool { return o.Act == Deploy })
}

// Minting returns one mint of a pass of the caller's.
func (s *Service) Minting(ctx context.Context, p auth.Principal, passID, id string) (Order, error) {
	return s.own(ctx, "pass.Minting", p, id, func(o Order) bool { return o.Act == Mint && o.Pass == passID })
}

func (s *Service) own(ctx context.Context, op string, p auth.Principal, id string, is func(Order) bool) (Order, error) {
	if p.UserID == "" {
		return Order{}, fault.New(fault.Unauthenticated, op, "Sign in to see your passes.")
	}
	o, err := s.opt.Store.Order(ctx, p.Tenant, id)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return Order{}, fault.At(op, err)
	}
	if err != nil || o.Owner != p.UserID || !is(o) {
		return Order{}, fault.New(fault.NotFound, op, "There is no such pass or mint of yours.")
	}
	return o, nil
}

// List returns a page of the caller's passes or, with the ID of a pass, of its mints, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, passID string, limit int, cursor string) ([]Order, string, error) {
	const op = "pass.List"
	opt := ListOptions{Owner: p.UserID, Act: Deploy, Limit: limit, Cursor: cursor}
	if p.UserID == "" {
		return nil, "", fault.New(fault.Unauthenticated, op, "Sign in to see your passes.")
	}
	if passID != "" {
		if _, err := s.Pass(ctx, p, passID); err != nil {
			return nil, "", err
		}
		opt.Act, opt.Pass = Mint, passID
	}
	list, next, err := s.opt.Store.Orders(ctx, p.Tenant, opt)
	return list, next, fault.At(op, err)
}

// Unsigned returns what the creator's wallet is to sign for an order that waits for it, with fees of this moment. The second
// result is false for an order that waits for no wallet.
func (s *Service) Unsigned(ctx context.Context, o Order) (Draft, bool, error) {
	const op = "pass.Unsigned"
	l := s.ledgers[o.Chain]
	if !o.Wallet || o.State != Created || len(o.Attempts) > 0 || l == nil {
		return Draft{}, false, nil
	}
	var pass *Order
	if o.Act == Mint {
		p, err := s.opt.Store.Order(ctx, o.Tenant, o.Pass)
		if err != nil {
			return Draft{}, false, fault.At(op, err)
		}
		pass = &p
	}
	d, err := l.Draft(ctx, o, pass)
	return d, err == nil, fault.At(op, err)
}

// Sent tells which transaction the creator's wallet made of an order. The same hash again is no change. An order that waits for no
// hash is fault.Conflict.
func (s *Service) Sent(ctx context.Context, o Order, hash string) (Order, error) {
	const op = "pass.Sent"
	if !o.Wallet {
		return o, fault.New(fault.Conflict, op, "The platform signs this order itself.")
	}
	now := s.opt.Now().UTC().Truncate(time.Millisecond)
	kept, err := s.opt.Store.Change(ctx, o.Tenant, o.ID, func(r *Order) error {
		switch last := r.Last(); {
		case last != nil && last.Hash == hash, r.Hash == hash && hash != "":
			return errSame
		case r.State != Created || last != nil:
			return fault.New(fault.Conflict, op, "This order was sent before.")
		}
		r.State, r.Reason, r.UpdatedAt = Sent, "", now
		r.Attempts = []Attempt{{Hash: hash, At: now}}
		return nil
	})
	if errors.Is(err, errSame) {
		kept, err = s.opt.Store.Order(ctx, o.Tenant, o.ID)
	}
	if err != nil {
		return Order{}, fault.At(op, err)
	}
	s.wake(o.Chain)
	return kept, nil
}

// errSame leaves a change without effect.
var errSame = errors.New("pass: no change")

func (s *Service) wake(chain caip.ChainID) {
	select {
	case s.wakes[chain] <- struct{}{}:
	default: // it is awake
	}
}

// first is the address of the caller's first wallet of the chain's kind.
func first(p auth.Principal, chain caip.ChainID) string {
	for _, a := range p.Accounts {
		if a.Chain.Namespace == chain.Namespace {
			return a.Address
		}
	}
	return ""
}

func has(p auth.Principal, id caip.AccountID) bool {
	return slices.ContainsFunc(p.Accounts, func(a caip.AccountID) bool {
		return a.Chain.Namespace == id.Chain.Namespace && a.Address == id.Address
	})
}

// newID returns an identifier that sorts by age and cannot be guessed.
func newID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16) // #nosec G115 -- after 1970
	rand.Read(b[6:])
	return base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding).EncodeToString(b[:])
}

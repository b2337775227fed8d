package nft

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// DeciderOptions configures a Decider; the zero value works and answers
// Unknown for every chain, since it has no verifiers.
type DeciderOptions struct {
	// Verifiers are the chains that can be asked. The last of two for one chain counts.
	Verifiers []Verifier
	// Cache shares decisions between deciders that run and stand at the same head
	// block; nil keeps them in process only.
	Cache cache.Cache
	// Lists resolves the "list" leaf: is account in the tenant's list? Call
	// ListChanged after a change.
	Lists func(ctx context.Context, tenant, list, account string) (bool, error)
	// Roles returns the roles of whoever has the accounts, for the "role" leaf and subjects that bring none. Call
	// RolesChanged after a change.
	Roles func(ctx context.Context, tenant string, accounts []caip.AccountID) ([]string, error)
	// Proofs returns the proof that an EVM address is under a Merkle root (0x and 64 digits), for the "merkle" leaf.
	// It is checked here. fault.NotFound means that the address is not under the root; who does not have
	// the list of the root must answer with another error. Call ListChanged with the root after a change.
	Proofs func(ctx context.Context, tenant, root, address string) (merkle.Proof, error)
	// Metadata reads what tokens say of themselves, for traits.
	Metadata Metadata
	// YesTTL and NoTTL bound cached answers (default 30 s and 3 s), jittered.
	YesTTL, NoTTL time.Duration
	// Timeout bounds one evaluation's chain calls (default 5 s).
	Timeout time.Duration
	// Grace is how long a watch keeps its last answer while the chain cannot be
	// reached, for rules that set neither maxAge nor grace (default 30 s).
	Grace time.Duration
	// MaxReads is the budget of chain reads of one evaluation (default 2,000).
	MaxReads int
	// CacheSize is the number of decisions kept in process (default 100,000).
	CacheSize int
	// HealthEvery is how often Run asks each chain for its head (default 5 s).
	HealthEvery time.Duration
	// RecheckEvery is how often a watch asks again though transfers are followed (default 5 min).
	RecheckEvery time.Duration
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

func (o DeciderOptions) withDefaults() DeciderOptions {
	for d, def := range map[*time.Duration]time.Duration{
		&o.YesTTL: 30 * time.Second, &o.NoTTL: 3 * time.Second, &o.Timeout: 5 * time.Second,
		&o.Grace: 30 * time.Second, &o.HealthEvery: 5 * time.Second, &o.RecheckEvery: 5 * time.Minute,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.MaxReads <= 0 {
		o.MaxReads = 2000
	}
	if o.CacheSize <= 0 {
		o.CacheSize = 100_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// key names a decision: the tenant, the rule (whose id covers its evidence) and
// the accounts that count.
type key struct {
	tenant, rule string
	first        caip.AccountID
	more         string
}

func keyOf(r *rule.Rule, s Subject) key {
	k := key{tenant: s.Tenant, rule: r.ID()}
	accounts := counting(r, s)
	if len(accounts) > 0 {
		k.first = accounts[0]
	}
	var b strings.Builder
	if len(accounts) > 1 {
		for _, a := range accounts[1:] {
			b.WriteString(a.String())
			b.WriteByte('\n')
		}
	}
	if s.Roles != nil && asksRoles(r) {
		b.WriteByte('\n') // no account is empty, so this ends them
		for _, role := range slices.Sorted(slices.Values(s.Roles)) {
			b.WriteString(strconv.Quote(role))
		}
	}
	k.more = b.String()
	return k
}

func asksRoles(r *rule.Rule) bool {
	found := false
	r.Root().Walk(func(n *rule.Node) { found = found || n.Kind == rule.KindRole })
	return found
}

// entry is a cached decision, immutable.
type entry struct {
	d    Decision
	deps []dep
}

// Decider decides. All methods are safe for concurrent use.
type Decider struct {
	opt    DeciderOptions
	tracer trace.Tracer
	chains map[caip.ChainID]*chain
	order  []*chain
	cache  *otter.Cache[key, *entry]
	lists  [256]atomic.Uint64 // generations of the tenants' lists, by hash

	mu      sync.Mutex
	flights map[key]*flight

	watches watchSet
}

// NewDecider returns a Decider. Call Run to have transfers flip its answers.
func NewDecider(opt DeciderOptions) *Decider {
	opt = opt.withDefaults()
	d := &Decider{
		opt:     opt,
		tracer:  otel.Tracer("github.com/streamgate/streamgate/nft"),
		chains:  map[caip.ChainID]*chain{},
		cache:   otter.Must(&otter.Options[key, *entry]{MaximumSize: opt.CacheSize}),
		flights: map[key]*flight{},
	}
	for _, v := range opt.Verifiers {
		d.chains[v.Chain()] = newChain(v)
	}
	for _, v := range opt.Verifiers {
		if c := d.chains[v.Chain()]; c.v == v {
			d.order = append(d.order, c)
		}
	}
	d.watches.init(d)
	return d
}

func check(ctx context.Context, op string, r *rule.Rule) error {
	if r == nil || r.Root() == nil {
		return fault.New(fault.Invalid, op, "there is no rule to decide")
	}
	return fault.Wrap(fault.Canceled, op, ctx.Err())
}

// Decide evaluates r for s. A chain that cannot be asked makes an Unknown
// decision and no error; errors are for bad arguments (fault.Invalid), a rule
// that reads more than the budget (fault.TooLarge) and ctx (fault.Canceled).
//
// Granting waits for the rule's finality, revoking acts on the newest head: a
// rule that waits is read at both, and the answer is the weaker of the two. A
// yes at the settled block and a no at the head is a No "revoked_at_head"; the
// other way round it is a No "not_final".
//
// The decision and what it points to are shared: callers must not change them.
func (d *Decider) Decide(ctx context.Context, r *rule.Rule, s Subject) (Decision, error) {
	const op = "nft.Decide"
	if err := check(ctx, op, r); err != nil {
		return Decision{}, err
	}
	k := keyOf(r, s)
	if e := d.cached(k); e != nil {
		return e.d, nil
	}
	f, err := d.join(ctx, k, r, s)
	if err != nil {
		return Decision{}, fault.At(op, err)
	}
	select {
	case <-f.done:
		return f.d, fault.At(op, f.err)
	case <-ctx.Done():
		return Decision{}, fault.Wrap(fault.Canceled, op, ctx.Err())
	}
}

// DecideFresh is Decide without reading the cache ("test a wallet", and the
// answer a key release waits for after a flip).
func (d *Decider) DecideFresh(ctx context.Context, r *rule.Rule, s Subject) (Decision, error) {
	const op = "nft.DecideFresh"
	if err := check(ctx, op, r); err != nil {
		return Decision{}, err
	}
	deps := d.deps(r, s)
	out, err := d.evaluate(ctx, r, s)
	if err != nil {
		return Decision{}, fault.At(op, err)
	}
	if err := ctx.Err(); err != nil {
		return Decision{}, fault.Wrap(fault.Canceled, op, err)
	}
	d.store(keyOf(r, s), out, deps)
	return out, nil
}

func (d *Decider) cached(k key) *entry {
	e, ok := d.cache.GetIfPresent(k)
	if !ok || !fresh(e.deps) || !d.opt.Now().Before(e.d.ValidUntil) {
		return nil
	}
	return e
}

// store keeps a decision made from a state no older than deps. An answer that
// was overtaken while it was made is stored void, which is as good as not.
func (d *Decider) store(k key, out Decision, deps []dep) {
	if out.Outcome == Unknown || !fresh(deps) {
		return
	}
	out.Cached = true
	d.cache.Set(k, &entry{out, deps})
}

// ListChanged voids cached answers that rest on a tenant's list, and has the
// watches of its rules ask again.
func (d *Decider) ListChanged(tenant, list string) {
	d.listGen(tenant, list).Add(1)
	d.watches.kickList(tenant, list)
}

func (d *Decider) listGen(tenant, list string) *atomic.Uint64 {
	var h byte
	for _, s := range []string{tenant, "\x00", list} {
		for i := range len(s) {
			h = h*31 + s[i]
		}
	}
	return &d.lists[h]
}

// deps takes the counters a decision rests on. It is called before the chain is asked.
func (d *Decider) deps(r *rule.Rule, s Subject) []dep {
	var deps []dep
	now := d.opt.Now()
	accounts := counting(r, s)
	seen := map[*chain]bool{}
	r.Root().Walk(func(n *rule.Node) {
		if name, ok := listOf(n); ok {
			deps = append(deps, depOn(d.listGen(s.Tenant, name)))
		}
		id, contract, ok := chainOf(n)
		c := d.chains[id]
		if !ok || c == nil {
			return
		}
		if !seen[c] {
			seen[c] = true
			deps = append(deps, depOn(&c.epoch))
		}
		heads, perHead := depOn(&c.heads), true
		if follows(r, n) {
			perHead = !c.use(contract, now)
			for _, a := range accountsOn(id, accounts) {
				deps = append(deps, depOn(&c.holding(contract, a.Address).gen))
			}
		}
		if perHead || !n.Evidence.Finality.Latest() {
			deps = append(deps, heads)
		}
	})
	return deps
}

// flight is one evaluation that several callers wait for.
type flight struct {
	done chan struct{}
	deps []dep
	d    Decision
	err  error
}

// join returns the evaluation of k under way, or starts one. An evaluation begun
// before a change was seen is not joined: its answer may be from before.
func (d *Decider) join(ctx context.Context, k key, r *rule.Rule, s Subject) (*flight, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.flights[k]; f != nil && fresh(f.deps) {
		return f, nil
	}
	f := &flight{done: make(chan struct{})}
	if e := d.cached(k); e != nil { // it landed since the caller looked
		f.d = e.d
		close(f.done)
		return f, nil
	}
	f.deps = d.deps(r, s)
	d.flights[k] = f
	// Detached: the callers come and go, one hanging up fails nobody else.
	go d.fly(context.WithoutCancel(ctx), k, f, r, s)
	return f, nil
}

func (d *Decider) fly(ctx context.Context, k key, f *flight, r *rule.Rule, s Subject) {
	var shared bool
	if f.d, shared = d.loadShared(ctx, k, r); !shared {
		f.d, f.err = d.evaluate(ctx, r, s)
	}
	if f.err == nil {
		d.store(k, f.d, f.deps)
		if !shared {
			d.storeShared(ctx, k, r, f.d)
		}
	}
	d.mu.Lock()
	if d.flights[k] == f {
		delete(d.flights, k)
	}
	d.mu.Unlock()
	close(f.done)
}

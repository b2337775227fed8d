package solana

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// ErrNoMint is the cause of answers about an address that is neither a mint nor a
// Metaplex Core asset or collection.
var ErrNoMint = errors.New("the address is no mint, collection or asset")

// errMoved means the accounts changed while they were read.
var errMoved = errors.New("the chain moves on faster than the provider can be read")

func slotName(slot uint64) string { return "slot:" + strconv.FormatUint(slot, 10) }

// Check answers all queries at one slot of the wanted finality: "latest" is the
// commitment processed, "safe" confirmed, "finalized" finalized; one confirmation is
// latest and more are fault.Unsupported. A query that has no answer has its error in
// its Answer: fault.Unsupported for another operation, no mint (ErrNoMint) or compressed tokens without a DAS
// provider (nft.ErrCompressed), fault.Limited for an owner of more tokens than MaxTokens, fault.Conflict (ErrUnproven) for
// compressed tokens that the chain does not prove, fault.Unavailable when an account cannot be read. Errors of Check itself
// are fault.Invalid for a malformed query or finality, fault.Canceled for ctx, else fault.Unavailable.
//
// A pNFT counts as frozen when its token record is locked and as delegated when the
// record has a delegate; its token account is always both.
//
// While Watch runs, an answer of enough (see nft.SolQuery) may be that of the newest slot Watch told of.
func (v *Verifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	level, err := commitmentOf(at)
	if err != nil {
		return nft.Reply{}, err
	}
	reads, err := compile(queries)
	if err != nil {
		return nft.Reply{}, err
	}
	reply, left, ok, err := v.fromKnown(ctx, level, reads)
	if ok || err != nil {
		return reply, err
	}
	const tries = 3
	m, w := &meter{}, newWanted(reads)
	w.recall(left)
	for try := 1; ; try++ {
		reply, err := v.checkOnce(ctx, level, w, m)
		reply.Calls = m.requests
		if err == nil && w.disproven(reply.Answers) {
			try-- // once a read at most: now the provider is asked
			continue
		}
		if !errors.Is(err, errMoved) {
			return reply, err
		}
		if try == tries {
			return nft.Reply{Calls: m.requests}, fault.Wrap(fault.Unavailable, "solana.Check", errMoved)
		}
	}
}

func (v *Verifier) checkOnce(ctx context.Context, level string, w *wanted, m *meter) (nft.Reply, error) {
	if err := w.askDAS(ctx, v, m); err != nil {
		return nft.Reply{}, err
	}
	s := &survey{v: v, level: level, m: m, wanted: w}
	if err := s.read(ctx); err != nil {
		return nft.Reply{}, err
	}
	val := &values{accounts: map[solana.PublicKey]*account{}, slot: s.newest, whole: map[solana.PublicKey]bool{}}
	if err := val.read(ctx, s); err != nil {
		return nft.Reply{}, err
	}
	if s.oldest != val.slot {
		if !val.asListed(s) {
			return nft.Reply{}, errMoved // and may be back by now, which the list alone would not show
		}
		again := &survey{v: v, level: level, m: m, wanted: w, newest: val.slot}
		if err := again.read(ctx); err != nil {
			return nft.Reply{}, err
		}
		if !bytes.Equal(again.print, s.print) {
			return nft.Reply{}, errMoved
		}
	}
	reply := nft.Reply{Block: s.block(val.slot), Answers: make([]nft.Answer, len(w.reads))}
	for i := range w.reads {
		a, t := val.answer(s, i)
		reply.Answers[i] = a
		v.keep(s, val, i, a, t)
	}
	return reply, nil
}

// values are the accounts that decide, all of one slot.
type values struct {
	slot     uint64
	accounts map[solana.PublicKey]*account
	trees    map[solana.PublicKey]*tree
	whole    map[solana.PublicKey]bool // trees that must be read whole
}

func (val *values) read(ctx context.Context, s *survey) error {
	var keys []solana.PublicKey
	seen := map[solana.PublicKey]bool{}
	add := func(k solana.PublicKey) {
		if !seen[k] && k != (solana.PublicKey{}) {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for _, r := range s.wanted.reads {
		if r.err != nil {
			continue
		}
		for _, c := range s.candidates(r) {
			add(c.key)
			if c.core {
				add(c.collection)
				continue
			}
			add(c.mint)
			add(c.meta)
			if c.plain {
				continue
			}
			record, err := recordKey(c.mint, c.key)
			if err != nil {
				return fault.Wrap(fault.Internal, "solana.Check", err)
			}
			add(record)
		}
	}
	trees, readTrees := val.readTrees(s)
	if len(keys)+len(trees) == 0 {
		return nil
	}
	add(clock)
	looks := chunks(keys)
	looked := make([]accountReply, len(looks))
	calls := make([]*call, len(looks))
	for i, k := range looks {
		calls[i] = s.accountsCall(k, &looked[i])
	}
	if err := s.v.node.do(ctx, s.m, slices.Concat(calls, trees)); err != nil {
		return err
	}
	oldest, newest := s.oldest, s.newest
	for i, k := range looks {
		m, slot, err := s.accounts(calls[i], k, &looked[i])
		if err != nil {
			return err
		}
		if i > 0 && slot != val.slot {
			return errMoved
		}
		if val.slot = slot; slot < newest {
			return fault.New(fault.Unavailable, "solana.Check", "the provider answers from before the slot asked for")
		}
		for key, a := range m {
			val.accounts[key] = a
		}
	}
	if err := readTrees(); err != nil {
		return err
	}
	s.oldest = oldest
	if err := s.readClock(val.accounts[clock], val.slot); err != nil {
		return err
	}
	s.v.saw(s.level, val.slot)
	return nil
}

// asListed reports whether the tokens are where the survey saw them.
func (val *values) asListed(s *survey) bool {
	for _, r := range s.wanted.reads {
		if r.err != nil {
			continue
		}
		for _, c := range s.candidates(r) {
			a := val.accounts[c.key]
			if c.core {
				if asset, err := parseCore(a); err != nil || asset == nil || s.assets[c.key] != nil && asset.owner != s.assets[c.key].owner {
					return false
				}
				continue
			}
			if !isTokenAccount(a) {
				return false
			}
			if tok, ok := parseToken(a.data); !ok || tok.owner != r.account || tok.amount != c.amount {
				return false
			}
		}
	}
	return true
}

// tally is what the tokens of one read come to.
type tally struct {
	sum                                *big.Int
	permanentDelegate, nonTransferable bool
	frozen, delegated                  int  // not counted for that
	compressed                         bool // some of the sum
	proven                             []*leaf
}

// answer is what the accounts say to the i-th read.
func (val *values) answer(s *survey, i int) (nft.Answer, *tally) {
	r, t := s.wanted.reads[i], &tally{sum: new(big.Int)}
	if r.err != nil {
		return nft.Answer{Err: r.err}, t
	}
	if err := val.count(s, i, t); err != nil && !(r.q.Sol.Enough > 0 && t.sum.Cmp(new(big.Int).SetUint64(r.q.Sol.Enough)) >= 0) {
		return nft.Answer{Err: err}, t
	}
	if most := new(big.Int).SetUint64(r.q.Sol.Enough); r.q.Sol.Enough > 0 && t.sum.Cmp(most) > 0 {
		t.sum = most
	}
	return nft.Answer{Value: t.sum.String(), Int: t.sum, Note: t.note()}, t
}

// count adds up what counts for a read; an error says why there may be more.
func (val *values) count(s *survey, i int, t *tally) error {
	const op = "solana.Check"
	r := s.wanted.reads[i]
	compressed := val.leaves(t, s, i)
	k := s.kinds[r.contract]
	ok := r.q.Op == nft.OpSolCreator || r.q.Op == nft.OpSolMint && (k == kindMint || k == kindCoreAsset || k == kindCoreBurned) ||
		r.q.Op == nft.OpSolCollection && (k == kindMint || k == kindCoreCollection)
	if !ok {
		if r.q.Op == nft.OpSolMint && r.q.Sol.Compressed && s.wanted.claims[i].told() {
			return compressed // the address of a compressed token is no account
		}
		return fault.Wrap(fault.Unsupported, op, ErrNoMint)
	}
	list := [2]solana.PublicKey{r.account}
	if r.q.Op == nft.OpSolMint {
		list[1] = r.contract
	}
	if s.crowded[list] {
		return fault.Newf(fault.Limited, op, "the account has more than %d tokens", s.v.opt.MaxTokens)
	}
	for _, c := range s.candidates(r) {
		count := val.token
		if c.core {
			count = val.asset
		}
		if err := count(t, r, c); err != nil {
			return fault.Wrap(fault.Unavailable, op, err)
		}
	}
	return compressed
}

func (t *tally) note() string {
	var parts []string
	if t.permanentDelegate {
		parts = append(parts, "permanent delegate")
	}
	if t.nonTransferable {
		parts = append(parts, "non-transferable")
	}
	if t.compressed {
		parts = append(parts, "compressed")
	}
	if t.frozen > 0 {
		parts = append(parts, fmt.Sprintf("%d frozen not counted", t.frozen))
	}
	if t.delegated > 0 {
		parts = append(parts, fmt.Sprintf("%d delegated not counted", t.delegated))
	}
	return strings.Join(parts, ", ")
}

// counts reports whether a token in that state counts.
func (t *tally) counts(q nft.SolQuery, frozen, delegated bool) bool {
	switch {
	case frozen && !q.Frozen:
		t.frozen++
	case delegated && !q.Delegated:
		t.delegated++
	default:
		return true
	}
	return false
}

// token counts a token account.
func (val *values) token(t *tally, r read, c candidate) error {
	a := val.accounts[c.key]
	if !isTokenAccount(a) {
		return nil // closed since it was listed
	}
	tok, ok := parseToken(a.data)
	if !ok || tok.owner != r.account || tok.mint != c.mint {
		return nil
	}
	mint, ok := parseMint(val.accounts[c.mint])
	if !ok || val.accounts[c.mint].owner != a.owner {
		return errLayout
	}
	meta, err := parseMetadata(val.accounts[c.meta])
	if err != nil {
		return err
	}
	if meta != nil && meta.mint != c.mint {
		return errLayout
	}
	if r.q.Op != nft.OpSolMint && !belongs(meta, r) || tok.amount == 0 {
		return nil
	}
	frozen, delegated := tok.frozen, tok.delegated
	if meta != nil && meta.programmable {
		key, err := recordKey(c.mint, c.key)
		if err != nil {
			return err
		}
		rec, ok := parseRecord(val.accounts[key])
		if !ok {
			return errors.New("the token record of a pNFT is missing")
		}
		frozen, delegated = rec.locked, rec.delegated
	}
	t.permanentDelegate = t.permanentDelegate || mint.permanentDelegate
	t.nonTransferable = t.nonTransferable || mint.nonTransferable
	if !t.counts(r.q.Sol, frozen, delegated) {
		return nil
	}
	amount := new(big.Int).SetUint64(tok.amount)
	if r.q.Op != nft.OpSolMint {
		amount = units(amount, mint.decimals)
	}
	t.sum.Add(t.sum, amount)
	return nil
}

// asset counts a Metaplex Core asset.
func (val *values) asset(t *tally, r read, c candidate) error {
	a, err := parseCore(val.accounts[c.key])
	if err != nil {
		return err
	}
	if a == nil || a.owner != r.account || r.q.Op != nft.OpSolMint && !belongsCore(a, r) {
		return nil
	}
	if a.collection != nil {
		from, err := parseCoreCollection(val.accounts[*a.collection])
		if err != nil {
			return err // or it was put there since it was listed
		}
		a.inherit(from)
	}
	t.permanentDelegate = t.permanentDelegate || a.permanentDelegate
	if t.counts(r.q.Sol, a.frozen, a.delegated) {
		t.sum.Add(t.sum, big.NewInt(1))
	}
	return nil
}

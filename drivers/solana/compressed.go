package solana

import (
	"context"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// ErrUnproven is the cause of answers about compressed tokens that a DAS provider claims the account to hold and the
// chain does not prove.
var ErrUnproven = errors.New("the chain does not prove what the DAS provider says")

func (a *dasAsset) usesBytes() []byte {
	if a.Uses == nil {
		return nil
	}
	method := slices.Index([]string{"burn", "multiple", "single"}, strings.ToLower(a.Uses.Method))
	if method < 0 {
		return nil
	}
	b := binary.LittleEndian.AppendUint64([]byte{byte(method)}, a.Uses.Remaining)
	return binary.LittleEndian.AppendUint64(b, a.Uses.Total)
}

// claimedLeaf is a leaf with what was said about it.
type claimedLeaf struct {
	*leaf
	asset *dasAsset // nil for one that was proven before
}

// told reports whether a provider knows the address that a read is about as a compressed token, whoever's.
func (c *claims) told() bool { return c != nil && (c.known || len(c.leaves) > 0) }

// claims are the compressed tokens that may count for a read.
type claims struct {
	leaves   []claimedLeaf
	err      error // why there may be more of them
	known    bool  // the provider knows the asset asked for as compressed
	remember bool  // they are of an earlier answer, and no provider was asked
}

// recall takes the leaves that showed enough before in the place of a provider's answer: the chain proves them, or not.
func (w *wanted) recall(hs []*holding) {
	w.claims = map[int]*claims{}
	for i, h := range hs {
		if h != nil && len(h.leaves) > 0 {
			w.claims[i] = &claims{leaves: h.leaves, remember: true}
		}
	}
}

// disproven forgets what was recalled and is not enough any more, and reports whether there was such.
func (w *wanted) disproven(answers []nft.Answer) (any bool) {
	for i, c := range w.claims {
		if c.remember && !enough(answers[i], w.reads[i].q) {
			delete(w.claims, i)
			any = true
		}
	}
	return any
}

// askDAS asks the DAS provider once for every read that counts compressed tokens, within the time of one
// request. What it does not answer is the trouble of those reads alone.
func (w *wanted) askDAS(ctx context.Context, v *Verifier, m *meter) error {
	if w.claims == nil {
		w.claims = map[int]*claims{}
	}
	short, cancel := context.WithTimeout(ctx, v.opt.Timeout)
	defer cancel()
	lists := map[solana.PublicKey]*dasList{}
	for i, r := range w.reads {
		if r.err != nil || !r.q.Sol.Compressed || w.claims[i] != nil {
			continue
		}
		c := &claims{}
		w.claims[i] = c
		if v.das == nil {
			c.err = fault.Wrap(fault.Unsupported, "solana.Check", nft.ErrCompressed)
			continue
		}
		c.err = c.ask(short, v, m, r, lists)
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, "solana.Check", ctx.Err())
		}
		if errors.Is(c.err, fault.Canceled) {
			c.err = fault.New(fault.Unavailable, "solana.das", "the DAS provider did not answer in time")
		}
	}
	return nil
}

type dasList struct {
	assets []dasAsset
	err    error
}

// ask takes up the leaves with their proofs that the provider claims for a read; those it had before an error too.
func (c *claims) ask(ctx context.Context, v *Verifier, m *meter, r read, lists map[solana.PublicKey]*dasList) error {
	assets, err := v.assetsFor(ctx, m, r, lists)
	if err != nil {
		return err
	}
	for i := range assets {
		c.known = c.known || assets[i].Compression.Compressed
		l, err := assets[i].leafFor(r)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		// One or two more than enough, should one be frozen or have moved.
		if n, enough := len(c.leaves), r.q.Sol.Enough; n == dasProofs || enough > 0 && enough < dasProofs && uint64(n) >= enough+2 {
			return fault.New(fault.Limited, "solana.das", "the account has more compressed tokens than are looked through")
		}
		if err := v.proofOf(ctx, m, l); err != nil {
			return err
		}
		c.leaves = append(c.leaves, claimedLeaf{l, &assets[i]})
	}
	return nil
}

func (v *Verifier) assetsFor(ctx context.Context, m *meter, r read, lists map[solana.PublicKey]*dasList) ([]dasAsset, error) {
	if r.q.Op == nft.OpSolMint {
		a, err := v.asset(ctx, m, r.contract.String())
		if err != nil || a == nil {
			return nil, err
		}
		return []dasAsset{*a}, nil
	}
	l := lists[r.account]
	if l == nil {
		l = &dasList{}
		l.assets, l.err = v.assetsOf(ctx, m, r.account.String())
		lists[r.account] = l
	}
	return l.assets, l.err
}

type treeKey struct {
	solana.PublicKey
	canopy bool // is needed
}

// treesOf lists the trees of all leaves, each once, up to a bound: what is not read proves nothing.
func (s *survey) treesOf() (keys []treeKey) {
	for i := range s.wanted.reads {
		c := s.wanted.claims[i]
		if c == nil {
			continue
		}
		trees := 0
		for _, l := range c.leaves {
			at := slices.IndexFunc(keys, func(k treeKey) bool { return k.PublicKey == l.tree })
			if at < 0 && trees < dasTrees {
				at, trees = len(keys), trees+1
				keys = append(keys, treeKey{PublicKey: l.tree})
			}
			if at >= 0 && l.short {
				keys[at].canopy = true
			}
		}
	}
	return keys
}

// provenState returns the state at which all leaves of a tree are proven.
func (s *survey) provenState(key solana.PublicKey) (state treeState, ok bool) {
	for i := range s.wanted.reads {
		c := s.wanted.claims[i]
		if c == nil {
			continue
		}
		for _, l := range c.leaves {
			if l.tree != key {
				continue
			}
			if l.provenAt.seq == 0 || ok && l.provenAt != state {
				return treeState{}, false
			}
			state, ok = l.provenAt, true
		}
	}
	return state, ok
}

// treeCall reads a piece of one tree, all of it with length 0.
func (s *survey) treeCall(key solana.PublicKey, offset, length int, out *accountReply) *call {
	var more []any
	if length > 0 {
		more = []any{"dataSlice", map[string]int{"offset": offset, "length": length}}
	}
	return &call{method: "getMultipleAccounts", params: []any{[]string{key.String()}, s.config(more...)}, out: out}
}

// leaves counts the compressed tokens of a read, and returns why there may be more.
func (val *values) leaves(t *tally, s *survey, i int) error {
	c := s.wanted.claims[i]
	if c == nil {
		return nil
	}
	trouble := c.err
	for _, l := range c.leaves {
		if err := val.leaf(t, s.wanted.reads[i], l); err != nil {
			trouble = err // says more than that there may be others
		}
	}
	return trouble
}

// leaf counts one compressed token.
func (val *values) leaf(t *tally, r read, c claimedLeaf) error {
	refused := fault.Wrap(fault.Conflict, "solana.Check", ErrUnproven)
	tr := val.trees[c.tree]
	if tr == nil {
		return refused
	}
	if authority, err := treeAuthority(c.tree); err != nil || authority != tr.authority {
		return refused
	}
	if c.asset != nil && !c.asset.shows(r, c.leaf, tr.version) {
		return refused
	}
	l := *c.leaf
	l.version = tr.version
	if !tr.asProven(l.provenAt) {
		proof, v := tr.prove(l.hash(), l.nonce, l.proof)
		switch v {
		case vanished:
			return nil
		case proven:
			l.proof, l.provenAt = proof, tr.state()
		default:
			return refused
		}
	}
	if t.counts(r.q.Sol, l.frozen(), l.delegated()) {
		t.sum.Add(t.sum, big.NewInt(1))
		t.compressed = true
		t.proven = append(t.proven, &l)
	}
	return nil
}

// readTrees adds the calls that read the trees, and returns what makes trees of their replies. Of a tree whose
// leaves are proven already it is enough to see that it has not changed: its head, and the root in the place where it was.
func (val *values) readTrees(s *survey) (calls []*call, done func() error) {
	val.trees = map[solana.PublicKey]*tree{}
	var finish []func() error
	for _, key := range s.treesOf() {
		if state, ok := s.provenState(key.PublicKey); ok && !val.whole[key.PublicKey] {
			head, root := &accountReply{}, &accountReply{}
			a, b := s.treeCall(key.PublicKey, 0, treeStart, head), s.treeCall(key.PublicKey, state.at(), 32, root)
			calls = append(calls, a, b)
			finish = append(finish, func() error { return val.unchanged(s, key.PublicKey, state, a, head, b, root) })
			continue
		}
		length := maxTreeBytes
		if key.canopy {
			length = 0
		}
		reply := &accountReply{}
		c := s.treeCall(key.PublicKey, 0, length, reply)
		calls = append(calls, c)
		finish = append(finish, func() error {
			a, err := val.one(s, key.PublicKey, c, reply)
			if err != nil {
				return err
			}
			val.trees[key.PublicKey], _ = parseTree(a) // nil proves nothing
			return nil
		})
	}
	return calls, func() error {
		for _, f := range finish {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	}
}

// one returns the account of a call for one account, which must be of the slot of all others.
func (val *values) one(s *survey, key solana.PublicKey, c *call, reply *accountReply) (*account, error) {
	m, slot, err := s.accounts(c, []solana.PublicKey{key}, reply)
	if err == nil && val.slot != slot {
		err = errMoved
	}
	return m[key], err
}

func (val *values) unchanged(s *survey, key solana.PublicKey, was treeState, a *call, head *accountReply, b *call, root *accountReply) error {
	ha, err := val.one(s, key, a, head)
	if err != nil {
		return err
	}
	ra, err := val.one(s, key, b, root)
	if err != nil {
		return err
	}
	t, err := parseTree(ha)
	if err != nil || ra == nil || len(ra.data) != 32 || t.seq != was.seq || t.active != was.active || t.depth != was.depth || hash(ra.data) != was.root {
		val.whole[key] = true
		return errMoved
	}
	t.head = &was.root
	val.trees[key] = t
	return nil
}

package solana

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// read is one query with its addresses; err is why it has no answer at all.
type read struct {
	q                 nft.Query
	contract, account solana.PublicKey
	err               error
	// only are the candidates, when fixed: those that showed enough before.
	only  []candidate
	fixed bool
}

// compile reads the addresses. Malformed ones are fault.Invalid, as whoever asks
// should have known.
func compile(queries []nft.Query) ([]read, error) {
	const op = "solana.Check"
	reads := make([]read, len(queries))
	for i, q := range queries {
		r := read{q: q}
		switch q.Op {
		case nft.OpSolMint, nft.OpSolCollection, nft.OpSolCreator:
		default:
			reads[i].err = fault.Newf(fault.Unsupported, op, "Solana has no operation %q", q.Op)
			continue
		}
		var err error
		if r.contract, err = solana.PublicKeyFromBase58(q.Contract); err == nil {
			r.account, err = solana.PublicKeyFromBase58(q.Account)
		}
		if err != nil {
			return nil, fault.Newf(fault.Invalid, op, "query %d: %q or %q is not a Solana address", i, q.Contract, q.Account)
		}
		reads[i] = r
	}
	return reads, nil
}

// wanted is what the reads need, each once.
type wanted struct {
	reads     []read
	contracts []solana.PublicKey    // whose kind is looked at
	mints     [][2]solana.PublicKey // owner and mint
	owners    []solana.PublicKey    // of whom every token is listed
	claims    map[int]*claims       // compressed tokens, by read
}

func newWanted(reads []read) *wanted {
	w := &wanted{reads: reads}
	for _, r := range reads {
		if r.err != nil {
			continue
		}
		if r.q.Op != nft.OpSolCreator {
			w.contracts = once(w.contracts, r.contract)
		}
		if r.q.Op == nft.OpSolMint {
			w.mints = once(w.mints, [2]solana.PublicKey{r.account, r.contract})
		} else {
			w.owners = once(w.owners, r.account)
		}
	}
	return w
}

func once[T comparable](in []T, x T) []T {
	if slices.Contains(in, x) {
		return in
	}
	return append(in, x)
}

// candidate is a token that may count: a token account, or a Core asset.
type candidate struct {
	key, mint, meta, program solana.PublicKey
	amount                   uint64 // as listed
	core                     bool
	collection               solana.PublicKey // of a Core asset, zero for none
	plain                    bool             // was seen to be no pNFT, which would have a token record
}

// survey lists what may count. It decides nothing but which accounts are read.
type survey struct {
	v      *Verifier
	level  string
	m      *meter
	wanted *wanted

	floor          uint64 // no reply may be older
	oldest, newest uint64 // slots read at
	hash           string // blockhash of hashSlot
	hashSlot       uint64
	time           time.Time
	kinds          map[solana.PublicKey]kind
	held           map[[2]solana.PublicKey][]candidate // by owner, and mint or zero
	metas          map[solana.PublicKey]*account
	assets         map[solana.PublicKey]*coreAsset
	crowded        map[[2]solana.PublicKey]bool // lists of more than is looked through
	print          []byte                       // of everything listed
}

// config is the last parameter of a read.
func (s *survey) config(more ...any) map[string]any {
	c := map[string]any{"commitment": s.level, "encoding": "base64"}
	if n := max(s.floor, s.newest); n > 0 {
		c["minContextSlot"] = n
	}
	for i := 0; i+1 < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return c
}

// at takes note of the slot a reply was read at.
func (s *survey) at(slot uint64, err error) error {
	if err != nil {
		return err
	}
	if slot < s.floor {
		return fault.New(fault.Unavailable, "solana.Check", "the provider answers from before the newest slot it has shown")
	}
	if s.oldest == 0 || slot < s.oldest {
		s.oldest = slot
	}
	s.newest = max(s.newest, slot)
	return nil
}

func (s *survey) block(slot uint64) nft.Block {
	b := nft.Block{Number: slot, Hash: s.hash, Time: s.time}
	if s.hashSlot != slot {
		b.Hash = slotName(slot)
	}
	return b
}

type (
	listReply    = contextual[[]*keyed]
	accountReply = contextual[[]*account]
)

// read makes the survey: one request, and others where collections are asked about.
func (s *survey) read(ctx context.Context) error {
	s.floor = s.v.least(s.level) // as of now: others may raise it while we ask
	s.kinds, s.held = map[solana.PublicKey]kind{}, map[[2]solana.PublicKey][]candidate{}
	s.metas, s.assets, s.crowded = map[solana.PublicKey]*account{}, map[solana.PublicKey]*coreAsset{}, map[[2]solana.PublicKey]bool{}
	var (
		genesis string
		latest  contextual[struct {
			Blockhash string `json:"blockhash"`
		}]
		calls = []*call{
			{method: "getGenesisHash", out: &genesis},
			{method: "getLatestBlockhash", params: []any{s.config()}, out: &latest},
		}
		looks = chunks(append([]solana.PublicKey{clock}, s.wanted.contracts...))
	)
	looked := make([]accountReply, len(looks))
	for i, keys := range looks {
		calls = append(calls, s.accountsCall(keys, &looked[i]))
	}
	lists, listed := s.lists()
	if err := s.v.node.do(ctx, s.m, append(calls, lists...)); err != nil {
		return err
	}
	if err := calls[0].err; err != nil {
		return s.v.node.failed(calls[0])
	}
	if !sameChain(genesis, s.v.chain.Reference) {
		return fault.Wrap(fault.Unavailable, "solana.chain", fmt.Errorf("%w: the genesis hash is not that of the cluster", nft.ErrOtherChain))
	}
	if err := s.v.node.failed(calls[1]); err != nil {
		return err
	}
	if err := s.at(latest.slot()); err != nil {
		return err
	}
	s.hash, s.hashSlot = latest.Value.Blockhash, s.newest
	if h, err := solana.HashFromBase58(s.hash); err != nil || h.IsZero() {
		return fault.New(fault.Unavailable, "solana.Check", "the provider's blockhash is none")
	}
	for i, keys := range looks {
		accounts, slot, err := s.accounts(calls[2+i], keys, &looked[i])
		if err != nil {
			return err
		}
		if i == 0 {
			if err := s.readClock(accounts[clock], slot); err != nil {
				return err
			}
		}
		for k, a := range accounts {
			s.kinds[k] = kindOf(a)
			if s.kinds[k] == kindCoreAsset {
				asset, err := parseCore(a)
				if err != nil {
					continue // it has no answer
				}
				s.assets[k] = asset
			}
		}
	}
	if err := s.take(lists, listed); err != nil {
		return err
	}
	if len(s.wanted.owners) > 0 {
		if err := s.readMore(ctx); err != nil {
			return err
		}
	}
	s.v.saw(s.level, s.newest)
	s.fingerprint()
	return nil
}

// sameChain compares a genesis hash with a CAIP-2 reference, its first 32 characters.
func sameChain(genesis, reference string) bool {
	return len(genesis) >= 32 && len(genesis) <= 44 && genesis[:32] == reference
}

// readClock holds the cluster's clock against the slot the provider names and the
// time it is.
func (s *survey) readClock(a *account, slot uint64) error {
	const op = "solana.Check"
	if a == nil || a.owner != sysvars || len(a.data) < 40 {
		return fault.New(fault.Unavailable, op, "the provider does not have the clock")
	}
	if binary.LittleEndian.Uint64(a.data) != slot {
		return fault.New(fault.Unavailable, op, "the clock is of another slot than the provider names")
	}
	unix := int64(binary.LittleEndian.Uint64(a.data[32:]))
	if unix <= 0 || unix > 1<<40 {
		return fault.New(fault.Unavailable, op, "the clock shows no time")
	}
	s.time = time.Unix(unix, 0).UTC()
	if limit := s.v.opt.MaxStale; limit > 0 && s.v.opt.Now().Sub(s.time) > limit {
		return fault.New(fault.Unavailable, op, "the newest slot of the provider is too old")
	}
	return nil
}

func (s *survey) accountsCall(keys []solana.PublicKey, out *accountReply) *call {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	return &call{method: "getMultipleAccounts", params: []any{names, s.config()}, out: out}
}

// accounts returns what a getMultipleAccounts came to.
func (s *survey) accounts(c *call, keys []solana.PublicKey, out *accountReply) (map[solana.PublicKey]*account, uint64, error) {
	if err := s.v.node.failed(c); err != nil {
		return nil, 0, err
	}
	slot, err := out.slot()
	if err := s.at(slot, err); err != nil {
		return nil, 0, err
	}
	if len(out.Value) != len(keys) {
		return nil, 0, fault.New(fault.Unavailable, "solana.Check", "the provider answers another number of accounts than asked for")
	}
	m := make(map[solana.PublicKey]*account, len(keys))
	for i, k := range keys {
		m[k] = out.Value[i]
	}
	return m, slot, nil
}

// lists asks for the token accounts of the owners.
func (s *survey) lists() (calls []*call, out []*listReply) {
	add := func(owner solana.PublicKey, filter map[string]string) {
		r := &listReply{}
		slice := map[string]int{"offset": 0, "length": tokenHead}
		calls = append(calls, &call{method: "getTokenAccountsByOwner", out: r,
			params: []any{owner.String(), filter, s.config("dataSlice", slice)}})
		out = append(out, r)
	}
	for _, p := range s.wanted.mints {
		add(p[0], map[string]string{"mint": p[1].String()})
	}
	for _, o := range s.wanted.owners {
		add(o, map[string]string{"programId": splToken.String()})
		add(o, map[string]string{"programId": token2022.String()})
	}
	return calls, out
}

// take reads the lists: those of mints, then two for each owner.
func (s *survey) take(calls []*call, lists []*listReply) error {
	for i, c := range calls {
		byMint := i < len(s.wanted.mints)
		if byMint && c.err != nil && c.err.Code == codeInvalidParams {
			// No such mint, or none: its kind tells.
			if k := s.kinds[s.wanted.mints[i][1]]; k != kindMint {
				continue
			}
		}
		if err := s.v.node.failed(c); err != nil {
			return err
		}
		if err := s.at(lists[i].slot()); err != nil {
			return err
		}
		where := [2]solana.PublicKey{}
		if byMint {
			where = s.wanted.mints[i]
		} else {
			where[0] = s.wanted.owners[(i-len(s.wanted.mints))/2]
		}
		if len(lists[i].Value) > s.v.opt.MaxTokens {
			s.crowded[where] = true
			continue
		}
		for _, k := range lists[i].Value {
			if err := s.hold(where, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold notes a listed token account. Empty ones count for nothing, and the account
// itself is read again before it counts.
func (s *survey) hold(where [2]solana.PublicKey, k *keyed) error {
	bad := fault.New(fault.Unavailable, "solana.Check", "the provider lists what is no token account of the owner")
	if k == nil || k.Account == nil || !isTokenProgram(k.Account.owner) {
		return bad
	}
	key, err := solana.PublicKeyFromBase58(k.Pubkey)
	t, ok := parseToken(k.Account.data)
	if err != nil || !ok || t.owner != where[0] || where[1] != (solana.PublicKey{}) && t.mint != where[1] {
		return bad
	}
	if t.amount == 0 {
		return nil
	}
	c := candidate{key: key, mint: t.mint, program: k.Account.owner, amount: t.amount}
	if c.meta, err = metadataKey(t.mint); err != nil {
		return fault.Wrap(fault.Internal, "solana.Check", err)
	}
	s.held[where] = append(s.held[where], c)
	return nil
}

// fingerprint sums up all that was listed, in an order of its own.
func (s *survey) fingerprint() {
	var lines []string
	for k, v := range s.kinds {
		lines = append(lines, "kind "+k.String()+string('0'+byte(v)))
	}
	for where, cs := range s.held {
		for _, c := range cs {
			lines = append(lines, "held "+where[0].String()+" "+where[1].String()+" "+c.key.String()+" "+c.mint.String())
		}
	}
	for k, a := range s.metas {
		if a != nil {
			sum := sha256.Sum256(a.data)
			lines = append(lines, "meta "+k.String()+" "+base64.StdEncoding.EncodeToString(sum[:]))
		}
	}
	for k, a := range s.assets {
		line := "core " + k.String()
		if a.collection != nil {
			line += " " + a.collection.String()
		}
		for _, c := range a.creators {
			line += " " + c.key.String() + " " + strconv.FormatBool(c.verified)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l + "\n"))
	}
	s.print = h.Sum(nil)
}

// chunks splits keys into what one getMultipleAccounts takes.
func chunks(keys []solana.PublicKey) [][]solana.PublicKey {
	return slices.Collect(slices.Chunk(keys, 100))
}

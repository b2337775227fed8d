package solana

import (
	"context"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// readMore reads what collections and creators need: the metadata of every token of
// the owners, and their Core assets.
func (s *survey) readMore(ctx context.Context) error {
	var keys []solana.PublicKey
	seen := map[solana.PublicKey]bool{}
	for _, o := range s.wanted.owners {
		for _, c := range s.held[[2]solana.PublicKey{o}] {
			if !seen[c.meta] {
				seen[c.meta] = true
				keys = append(keys, c.meta)
			}
		}
	}
	looks := chunks(keys)
	looked := make([]accountReply, len(looks))
	var calls []*call
	for i, k := range looks {
		calls = append(calls, s.accountsCall(k, &looked[i]))
	}
	cores, listed, owners := s.coreCalls()
	if len(calls)+len(cores) == 0 {
		return nil
	}
	if err := s.v.node.do(ctx, s.m, append(calls, cores...)); err != nil {
		return err
	}
	for i, k := range looks {
		m, _, err := s.accounts(calls[i], k, &looked[i])
		if err != nil {
			return err
		}
		for key, a := range m {
			s.metas[key] = a
		}
	}
	for i, c := range cores {
		if err := s.v.node.failed(c); err != nil {
			return err
		}
		if err := s.at(listed[i].slot()); err != nil {
			return err
		}
		if err := s.holdCore(owners[i], listed[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// coreCalls lists the Core assets of the owners whom a Core collection or a creator
// is asked for.
func (s *survey) coreCalls() (calls []*call, out []*listReply, owners []solana.PublicKey) {
	bytesAt := func(offset int, b []byte) map[string]any {
		return map[string]any{"memcmp": map[string]any{"offset": offset, "bytes": solana.Base58(b).String()}}
	}
	for _, o := range s.wanted.owners {
		asks := false
		for _, r := range s.wanted.reads {
			asks = asks || r.err == nil && r.account == o && (r.q.Op == nft.OpSolCreator ||
				r.q.Op == nft.OpSolCollection && s.kinds[r.contract] == kindCoreCollection)
		}
		if !asks {
			continue
		}
		r := &listReply{}
		filters := []any{bytesAt(0, append([]byte{coreAssetV1}, o.Bytes()...))}
		calls = append(calls, &call{method: "getProgramAccounts", out: r,
			params: []any{core.String(), s.config("withContext", true, "filters", filters)}})
		out, owners = append(out, r), append(owners, o)
	}
	return calls, out, owners
}

func (s *survey) holdCore(owner solana.PublicKey, list []*keyed) error {
	bad := fault.New(fault.Unavailable, "solana.Check", "the provider lists what is no asset of the owner")
	if len(list) > s.v.opt.MaxTokens {
		s.crowded[[2]solana.PublicKey{owner}] = true
		return nil
	}
	for _, k := range list {
		if k == nil {
			return bad
		}
		key, err := solana.PublicKeyFromBase58(k.Pubkey)
		if err != nil || k.Account == nil {
			return bad
		}
		a, err := parseCore(k.Account)
		if err != nil || a == nil || a.owner != owner {
			return bad
		}
		s.assets[key] = a
		where := [2]solana.PublicKey{owner}
		s.held[where] = append(s.held[where], coreCandidate(key, a))
	}
	return nil
}

func coreCandidate(key solana.PublicKey, a *coreAsset) candidate {
	c := candidate{key: key, core: true}
	if a != nil && a.collection != nil {
		c.collection = *a.collection
	}
	return c
}

// candidates returns the tokens that may count for a read.
func (s *survey) candidates(r read) []candidate {
	if r.fixed {
		return r.only
	}
	if r.q.Op == nft.OpSolMint {
		if s.kinds[r.contract] == kindCoreAsset {
			return []candidate{coreCandidate(r.contract, s.assets[r.contract])}
		}
		return s.held[[2]solana.PublicKey{r.account, r.contract}]
	}
	var out []candidate
	for _, c := range s.held[[2]solana.PublicKey{r.account}] {
		if c.core && belongsCore(s.assets[c.key], r) {
			out = append(out, c)
		}
		if !c.core {
			// An unreadable metadata account is kept, so that it is not taken for a no.
			if m, err := parseMetadata(s.metas[c.meta]); err != nil || belongs(m, r) {
				out = append(out, c)
			}
		}
	}
	return out
}

// belongs reports whether the token of a metadata account is of the collection or creator.
func belongs(m *tokenMetadata, r read) bool {
	if m == nil {
		return false
	}
	if r.q.Op == nft.OpSolCollection {
		return m.collection != nil && m.collection.key == r.contract && (m.collection.verified || r.q.Sol.Unverified)
	}
	return claimed(m.creators, r)
}

func belongsCore(a *coreAsset, r read) bool {
	if a == nil {
		return false
	}
	if r.q.Op == nft.OpSolCollection {
		return a.collection != nil && *a.collection == r.contract
	}
	return claimed(a.creators, r)
}

func claimed(cs []claim, r read) bool {
	for _, c := range cs {
		if c.key == r.contract && (c.verified || r.q.Sol.Unverified) {
			return true
		}
	}
	return false
}

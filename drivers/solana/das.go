package solana

import (
	"context"
	"errors"
	"math/bits"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The Digital Asset Standard (DAS) is a read API that indexers of compressed tokens offer: getAsset, getAssetsByOwner and
// getAssetProof. What it answers are claims, which a tree on the chain has to prove.

const (
	dasPage = 250
	// dasProofs bounds the tokens that are proven for one question, dasTrees the trees they are in.
	dasProofs = 32
	dasTrees  = 8
)

// dasAsset is what is read of an asset.
type dasAsset struct {
	ID      string `json:"id"`
	Burnt   bool   `json:"burnt"`
	Mutable bool   `json:"mutable"`
	Content struct {
		JSONURI  string `json:"json_uri"`
		Metadata struct {
			Name   string `json:"name"`
			Symbol string `json:"symbol"`
		} `json:"metadata"`
	} `json:"content"`
	Compression struct {
		Compressed    bool   `json:"compressed"`
		Tree          string `json:"tree"`
		LeafID        uint64 `json:"leaf_id"`
		DataHash      string `json:"data_hash"`
		CreatorHash   string `json:"creator_hash"`
		AssetDataHash string `json:"asset_data_hash"`
		Flags         byte   `json:"flags"`
	} `json:"compression"`
	Grouping []struct {
		Key   string `json:"group_key"`
		Value string `json:"group_value"`
	} `json:"grouping"`
	Royalty struct {
		BasisPoints uint16 `json:"basis_points"`
		PrimarySale bool   `json:"primary_sale_happened"`
	} `json:"royalty"`
	Creators []struct {
		Address  string `json:"address"`
		Share    byte   `json:"share"`
		Verified bool   `json:"verified"`
	} `json:"creators"`
	Ownership struct {
		Owner    string `json:"owner"`
		Delegate string `json:"delegate"`
	} `json:"ownership"`
	Supply *struct {
		EditionNonce *byte `json:"edition_nonce"`
	} `json:"supply"`
	Uses *struct {
		Method    string `json:"use_method"`
		Remaining uint64 `json:"remaining"`
		Total     uint64 `json:"total"`
	} `json:"uses"`
}

var errDAS = errors.New("the DAS provider's answer has another form")

// asset asks for one asset; nil when the provider does not know it.
func (v *Verifier) asset(ctx context.Context, m *meter, id string) (*dasAsset, error) {
	var out *dasAsset
	c := &call{method: "getAsset", params: map[string]any{"id": id}, out: &out}
	if err := v.das.do(ctx, m, []*call{c}); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, v.das.failed(c)
	}
	if out != nil && out.ID != id {
		return nil, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
	}
	return out, nil
}

// assetsOf lists the assets of an owner, page by page. A list of more than MaxTokens is fault.Limited.
func (v *Verifier) assetsOf(ctx context.Context, m *meter, owner string) ([]dasAsset, error) {
	var all []dasAsset
	for page := 1; ; page++ {
		var out struct {
			Items []dasAsset `json:"items"`
		}
		c := &call{method: "getAssetsByOwner", params: map[string]any{"ownerAddress": owner, "page": page, "limit": dasPage}, out: &out}
		if err := v.das.do(ctx, m, []*call{c}); err != nil {
			return nil, err
		}
		if c.err != nil {
			return nil, v.das.failed(c)
		}
		if len(out.Items) > dasPage {
			return nil, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
		}
		all = append(all, out.Items...)
		if len(out.Items) < dasPage {
			return all, nil
		}
		if len(all) >= v.opt.MaxTokens {
			return nil, fault.Newf(fault.Limited, "solana.das", "the account has more than %d assets", v.opt.MaxTokens)
		}
	}
}

// proofOf asks for the siblings on a leaf's way to the root.
func (v *Verifier) proofOf(ctx context.Context, m *meter, l *leaf) error {
	var out struct {
		Proof     []string `json:"proof"`
		NodeIndex uint64   `json:"node_index"`
		TreeID    string   `json:"tree_id"`
	}
	c := &call{method: "getAssetProof", params: map[string]any{"id": l.id.String()}, out: &out}
	if err := v.das.do(ctx, m, []*call{c}); err != nil {
		return err
	}
	if c.err != nil {
		return v.das.failed(c)
	}
	if out.TreeID != l.tree.String() || len(out.Proof) > maxTreeDepth {
		return fault.Wrap(fault.Unavailable, "solana.das", errDAS)
	}
	// DAS numbers nodes from the root, which is 1: a full proof has as many nodes as the leaf's number has bits behind the first.
	l.short = bits.Len64(out.NodeIndex)-1 > len(out.Proof)
	l.proof = make([]hash, len(out.Proof))
	for i, p := range out.Proof {
		h, err := hashOf(p)
		if err != nil {
			return err
		}
		l.proof[i] = h
	}
	return nil
}

func hashOf(s string) (hash, error) {
	k, err := solana.PublicKeyFromBase58(s)
	if err != nil {
		return hash{}, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
	}
	return hash(k), nil
}

// leafFor reads an asset as the leaf it claims to be of a read: held by the account, and of the collection or
// creator. Nil is an asset that does not claim so, or is not compressed.
func (a *dasAsset) leafFor(r read) (*leaf, error) {
	c := a.Compression
	if a.Burnt || !c.Compressed || a.Ownership.Owner != r.account.String() || !a.claims(r) {
		return nil, nil
	}
	l := &leaf{owner: r.account, nonce: c.LeafID, flags: c.Flags}
	var err error
	if l.tree, err = solana.PublicKeyFromBase58(c.Tree); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
	}
	// The id is made of tree and number, so it cannot be claimed for another leaf.
	if l.id, err = assetKey(l.tree, l.nonce); err != nil || l.id.String() != a.ID {
		return nil, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
	}
	l.delegate = l.owner
	if d := a.Ownership.Delegate; d != "" {
		if l.delegate, err = solana.PublicKeyFromBase58(d); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "solana.das", errDAS)
		}
	}
	if l.data, err = hashOf(c.DataHash); err == nil {
		l.creators, err = hashOf(c.CreatorHash)
	}
	if l.assetData = keccak(nil); err == nil && c.AssetDataHash != "" {
		l.assetData, err = hashOf(c.AssetDataHash)
	}
	l.collection = keccak(a.collection().Bytes())
	return l, err
}

// claims reports whether the asset says that it is what a read asks for.
func (a *dasAsset) claims(r read) bool {
	switch r.q.Op {
	case nft.OpSolCollection:
		return a.collection() == r.contract
	case nft.OpSolCreator:
		cs, err := a.creators()
		return err == nil && claimed(claimsOf(cs), r)
	}
	return a.ID == r.contract.String()
}

func claimsOf(cs []creator) []claim {
	out := make([]claim, len(cs))
	for i, c := range cs {
		out[i] = c.claim
	}
	return out
}

// collection returns the zero key for none.
func (a *dasAsset) collection() solana.PublicKey {
	for _, g := range a.Grouping {
		if g.Key != "collection" {
			continue
		}
		if key, err := solana.PublicKeyFromBase58(g.Value); err == nil {
			return key
		}
	}
	return solana.PublicKey{}
}

func (a *dasAsset) creators() ([]creator, error) {
	if len(a.Creators) > 32 {
		return nil, errDAS
	}
	out := make([]creator, len(a.Creators))
	for i, c := range a.Creators {
		key, err := solana.PublicKeyFromBase58(c.Address)
		if err != nil {
			return nil, errDAS
		}
		out[i] = creator{claim{key, c.Verified}, c.Share}
	}
	return out, nil
}

// shows reports whether the hashes in the leaf really are of the collection or creator asked for. The leaf of
// version 2 names its collection itself, which is always verified.
func (a *dasAsset) shows(r read, l *leaf, version byte) bool {
	cs, err := a.creators()
	switch {
	case err != nil:
		return false
	case r.q.Op == nft.OpSolMint:
		return true
	case r.q.Op == nft.OpSolCreator:
		return hashCreators(cs) == l.creators && claimed(claimsOf(cs), r)
	case version == 2:
		return l.collection == keccak(r.contract.Bytes())
	}
	return a.hasCollection(r, l, cs)
}

// hasCollection writes the metadata anew, of which the chain has the hash alone. Providers leave some of it
// out, so that what it may have been is tried: a hash that fits leaves no doubt.
func (a *dasAsset) hasCollection(r read, l *leaf, cs []creator) bool {
	m := metadataArgs{name: a.Content.Metadata.Name, symbol: a.Content.Metadata.Symbol, uri: a.Content.JSONURI, fee: a.Royalty.BasisPoints,
		primarySale: a.Royalty.PrimarySale, isMutable: a.Mutable, creators: cs}
	nonces := []*byte{nil}
	if a.Supply != nil && a.Supply.EditionNonce != nil {
		nonces = append(nonces, a.Supply.EditionNonce)
	}
	uses := [][]byte{nil}
	if u := a.usesBytes(); u != nil {
		uses = append(uses, u)
	}
	verified := []bool{true}
	if r.q.Sol.Unverified {
		verified = append(verified, false)
	}
	for _, v := range verified {
		m.collection = &claim{r.contract, v}
		for _, m.editionNonce = range nonces {
			for _, m.uses = range uses {
				for _, m.standard = range []bool{true, false} {
					if m.hash() == l.data {
						return true
					}
				}
			}
		}
	}
	return false
}

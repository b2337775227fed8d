package solana

import "github.com/gagliardetto/solana-go"

// The layouts of metaplex-foundation/mpl-core: accounts in clients/rust/src/generated/accounts
// (base_asset_v1.rs, base_collection_v1.rs, plugin_registry_v1.rs, 02b263e2), the enums Key and Authority in
// programs/mpl-core/src/state/mod.rs (1c910bad), PluginType in plugins/mod.rs (5a04e422).

// The first byte of a Metaplex Core account (Key).
const (
	coreAssetV1      = 1
	corePluginHeader = 3
	coreRegistry     = 4
	coreCollectionV1 = 5
)

// The plugins of a Core asset that are read (PluginType).
const (
	pluginFreeze          = 1
	pluginTransfer        = 3
	pluginPermanentFreeze = 5
	pluginPermanentMove   = 7
	pluginCreators        = 13
)

// The authorities of a plugin (Authority).
const (
	authorityUpdate  = 2 // and above: not the owner
	authorityAddress = 3
)

// coreAsset is a Metaplex Core asset (BaseAssetV1 and its plugins).
type coreAsset struct {
	owner      solana.PublicKey
	collection *solana.PublicKey
	corePlugins
}

// corePlugins is what the plugins of an asset or a collection say.
type corePlugins struct {
	creators          []claim
	frozen, delegated bool
	permanentDelegate bool
	// ownPermanentFreeze: the asset has that plugin, so that its collection's does not count.
	ownPermanentFreeze, permanentlyFrozen bool
}

// parseCore returns nil for an account that is no asset (any more).
func parseCore(a *account) (*coreAsset, error) {
	if a == nil || a.owner != core || len(a.data) == 0 || a.data[0] != coreAssetV1 {
		return nil, nil
	}
	r := reader{b: a.data[1:]}
	out := &coreAsset{owner: r.key()}
	switch r.u8() {
	case 0:
	case 1:
		r.key()
	case 2: // only the collection's authority can have put it there
		key := r.key()
		out.collection = &key
	default:
		return nil, errLayout
	}
	r.text()
	r.text()
	if r.option() {
		r.u64() // the sequence of its compression
	}
	if r.bad {
		return nil, errLayout
	}
	return out, out.read(a.data, &r)
}

// parseCoreCollection reads what the plugins of a collection say, which its assets inherit.
func parseCoreCollection(a *account) (*corePlugins, error) {
	if a == nil || a.owner != core || len(a.data) == 0 || a.data[0] != coreCollectionV1 {
		return nil, errLayout
	}
	r := reader{b: a.data[1:]}
	r.key() // update authority
	r.text()
	r.text()
	r.take(8) // minted, current size
	if r.bad {
		return nil, errLayout
	}
	out := &corePlugins{}
	return out, out.read(a.data, &r)
}

// inherit takes over what the collection's plugins say of its assets. An asset's plugin stands before the
// collection's of the same kind.
func (c *corePlugins) inherit(from *corePlugins) {
	c.frozen = c.frozen || from.permanentlyFrozen && !c.ownPermanentFreeze
	c.permanentDelegate = c.permanentDelegate || from.permanentDelegate
}

// read reads the registry, which the header that r is at points to.
func (c *corePlugins) read(data []byte, r *reader) error {
	if len(r.b) == 0 {
		return nil
	}
	if r.u8() != corePluginHeader {
		return errLayout
	}
	at := func(offset uint64) *reader {
		if offset >= uint64(len(data)) {
			return &reader{bad: true}
		}
		return &reader{b: data[offset:]}
	}
	reg := at(r.u64())
	if reg.u8() != coreRegistry {
		return errLayout
	}
	n := reg.u32()
	if n > 64 {
		return errLayout
	}
	for range n {
		kind, authority := reg.u8(), reg.u8()
		if authority == authorityAddress {
			reg.key()
		}
		p := at(reg.u64())
		if p.u8() != kind || reg.bad {
			return errLayout
		}
		if err := c.plugin(kind, authority, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *corePlugins) plugin(kind, authority byte, p *reader) error {
	switch kind {
	case pluginFreeze:
		c.frozen = p.flag() || c.frozen
	case pluginPermanentFreeze:
		c.ownPermanentFreeze, c.permanentlyFrozen = true, p.flag()
		c.frozen = c.permanentlyFrozen || c.frozen
	case pluginTransfer:
		c.delegated = authority >= authorityUpdate
	case pluginPermanentMove:
		c.permanentDelegate = true
	case pluginCreators:
		m := p.u32()
		if m > 64 {
			return errLayout
		}
		for range m {
			c.creators = append(c.creators, claim{key: p.key(), verified: p.flag()})
		}
	}
	if p.bad {
		return errLayout
	}
	return nil
}

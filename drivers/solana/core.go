package solana

import "github.com/gagliardetto/solana-go"

// The first byte of a Metaplex Core account.
const (
	coreAssetV1      = 1
	corePluginHeader = 3
	coreRegistry     = 4
	coreCollectionV1 = 5
)

// The plugins of a Core asset that are read.
const (
	pluginFreeze          = 1
	pluginTransfer        = 3
	pluginPermanentFreeze = 5
	pluginPermanentMove   = 7
	pluginCreators        = 13
)

// coreAsset is a Metaplex Core asset (AssetV1).
type coreAsset struct {
	owner             solana.PublicKey
	collection        *solana.PublicKey
	creators          []claim
	frozen, delegated bool
	permanentDelegate bool
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
	if r.flag() {
		r.u64()
	}
	if r.bad {
		return nil, errLayout
	}
	if len(r.b) == 0 {
		return out, nil
	}
	return out, out.plugins(a.data, &r)
}

// plugins reads the registry, which the header behind the asset points to.
func (c *coreAsset) plugins(data []byte, r *reader) error {
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
		if authority == 3 {
			reg.key()
		}
		p := at(reg.u64())
		if p.u8() != kind || reg.bad {
			return errLayout
		}
		switch kind {
		case pluginFreeze, pluginPermanentFreeze:
			c.frozen = p.flag() || c.frozen
		case pluginTransfer:
			c.delegated = authority == 3
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
	}
	return nil
}

package solana

// kind is what sort of account a contract is.
type kind byte

const (
	kindNone kind = iota
	kindMint
	kindCoreAsset
	kindCoreBurned
	kindCoreCollection
)

func kindOf(a *account) kind {
	if _, ok := parseMint(a); ok {
		return kindMint
	}
	if a == nil || a.owner != core || len(a.data) == 0 {
		return kindNone
	}
	switch a.data[0] {
	case 0:
		return kindCoreBurned
	case coreAssetV1:
		return kindCoreAsset
	case coreCollectionV1:
		return kindCoreCollection
	}
	return kindNone
}

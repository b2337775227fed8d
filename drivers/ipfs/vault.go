package ipfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"

	"github.com/streamgate/streamgate/fault"
)

// vault is the local block store. It yields no block that does not have the hash it was
// asked by, to nobody: readers, peers and the gateway all go through it.
type vault struct{ under blockstore.Blockstore }

var _ blockstore.Blockstore = (*vault)(nil)

// checkCID refuses what this package does not verify: other hashes than SHA-256 of full
// length, and other codecs than raw bytes and dag-pb.
func checkCID(c cid.Cid) error {
	const op = "ipfs.checkCID"
	if !c.Defined() {
		return fault.New(fault.Invalid, op, "the CID is empty")
	}
	p := c.Prefix()
	if p.MhType != mh.SHA2_256 || p.MhLength != sha256.Size {
		return fault.Newf(fault.Unsupported, op, "the CID %s has another hash than sha2-256", c)
	}
	if p.Codec != cid.Raw && p.Codec != cid.DagProtobuf {
		return fault.Newf(fault.Unsupported, op, "the CID %s has another codec than raw and dag-pb", c)
	}
	return nil
}

// checkBlock returns fault.Corrupt unless data is what c names.
func checkBlock(c cid.Cid, data []byte) error {
	if err := checkCID(c); err != nil {
		return err
	}
	if len(data) > MaxBlockSize {
		return fault.Newf(fault.Corrupt, "ipfs.checkBlock", "the block %s has %d bytes, at most %d are allowed", c, len(data), MaxBlockSize)
	}
	sum := sha256.Sum256(data)
	if !bytes.HasSuffix(c.Hash(), sum[:]) {
		return fault.Newf(fault.Corrupt, "ipfs.checkBlock", "the bytes of the block %s have another hash", c)
	}
	return nil
}

// Get implements blockstore.Blockstore.
func (v *vault) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	if err := checkCID(c); err != nil {
		return nil, err
	}
	b, err := v.under.Get(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := checkBlock(c, b.RawData()); err != nil {
		return nil, err
	}
	return b, nil
}

// Put implements blockstore.Blockstore. It mends a block that is there and broken.
func (v *vault) Put(ctx context.Context, b blocks.Block) error {
	if err := checkBlock(b.Cid(), b.RawData()); err != nil {
		return err
	}
	_, err := v.Get(ctx, b.Cid())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fault.Corrupt):
		// The store beneath skips a block it has.
		if err := v.under.DeleteBlock(ctx, b.Cid()); err != nil {
			return err
		}
	case !ipld.IsNotFound(err):
		return err
	}
	return v.under.Put(ctx, b)
}

// PutMany implements blockstore.Blockstore.
func (v *vault) PutMany(ctx context.Context, bs []blocks.Block) error {
	for _, b := range bs {
		if err := v.Put(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// Has implements blockstore.Blockstore.
func (v *vault) Has(ctx context.Context, c cid.Cid) (bool, error) { return v.under.Has(ctx, c) }

// GetSize implements blockstore.Blockstore.
func (v *vault) GetSize(ctx context.Context, c cid.Cid) (int, error) { return v.under.GetSize(ctx, c) }

// DeleteBlock implements blockstore.Blockstore.
func (v *vault) DeleteBlock(ctx context.Context, c cid.Cid) error { return v.under.DeleteBlock(ctx, c) }

// AllKeysChan implements blockstore.Blockstore.
func (v *vault) AllKeysChan(ctx context.Context) (<-chan cid.Cid, error) {
	return v.under.AllKeysChan(ctx)
}

package solana

import (
	"encoding/json"
	"testing"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/nft"
)

// No bytes make a parser panic, and what is cut short has no value that it had whole.
func FuzzLayouts(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add(make([]byte, tokenSize))
	f.Add(append(make([]byte, tokenSize), 1, 12, 0, 32, 0))
	f.Add(append([]byte{4}, make([]byte, 200)...))
	f.Add(append([]byte{1}, make([]byte, 80)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, owner := range []solana.PublicKey{splToken, token2022, metadata, core} {
			a := &account{owner: owner, data: b}
			if isTokenAccount(a) {
				parseToken(a.data)
			}
			m, ok := parseMint(a)
			if ok && owner != splToken && owner != token2022 || !ok && m.permanentDelegate && owner == metadata {
				t.Fatalf("a mint of %s", owner)
			}
			if md, err := parseMetadata(a); md != nil && (err != nil || owner != metadata) {
				t.Fatalf("metadata of %s", owner)
			}
			if c, err := parseCore(a); err == nil && c != nil && owner != core {
				t.Fatalf("an asset of %s", owner)
			}
			parseRecord(a)
			if _, err := parseCoreCollection(a); err == nil && owner != core {
				t.Fatalf("a collection of %s", owner)
			}
			kindOf(a)
		}
	})
}

// FuzzTrees feeds what may be in the account of a tree. Nothing is proven of a leaf that does not hash up to the root.
func FuzzTrees(f *testing.F) {
	small := make([]byte, treeStart+2*(32+3*32+8)+(3*32+32+8)+6*32)
	small[0], small[2], small[6], small[72] = 1, 2, 3, 1
	f.Add(small, uint64(1), []byte{1})
	f.Add(small[:treeStart], uint64(0), []byte{})
	f.Add([]byte{1}, uint64(1)<<40, make([]byte, 32*31))
	f.Fuzz(func(t *testing.T, b []byte, index uint64, proof []byte) {
		for _, owner := range []solana.PublicKey{splCompression, mplCompression, core} {
			tr, err := parseTree(&account{owner: owner, data: b})
			if err != nil {
				continue
			}
			if owner == core {
				t.Fatal("a tree of another program")
			}
			var nodes []hash
			for len(proof) >= 32 {
				nodes, proof = append(nodes, hash(proof[:32])), proof[32:]
			}
			now, v := tr.prove(hash{7}, index, nodes)
			if v != proven {
				continue
			}
			if root, _, _ := tr.change(tr.active); climb(hash{7}, index, now) != root {
				t.Fatal("proven, but not by the root")
			}
		}
	})
}

// FuzzDAS feeds what an indexer may say of an asset, and a provider over WebSocket.
func FuzzDAS(f *testing.F) {
	f.Add([]byte(`{"id":"a","compression":{"compressed":true,"tree":"11111111111111111111111111111111","leaf_id":1},"ownership":{"owner":"11111111111111111111111111111111"}}`))
	f.Add([]byte(`{"id":1,"method":"slotNotification"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a dasAsset
		if json.Unmarshal(b, &a) == nil {
			for _, op := range []nft.Op{nft.OpSolMint, nft.OpSolCollection, nft.OpSolCreator} {
				r := read{q: nft.Query{Op: op}}
				l, err := a.leafFor(r)
				if err == nil && l != nil {
					for _, version := range []byte{1, 2} {
						a.shows(r, l, version)
						l.version = version
						l.hash()
					}
				}
			}
		}
		(&feed{news: make(chan struct{}, 1), ids: map[int]string{1: "slots"}, subs: map[string]uint64{}}).hear(b)
	})
}

// FuzzReplies feeds what a provider may say.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":0,"result":{"context":{"slot":1},"value":[null]}}`))
	f.Add([]byte(`{"owner":"11111111111111111111111111111111","data":["","base64"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a account
		_ = a.UnmarshalJSON(b)
		var r accountReply
		c := &call{method: "x", out: &r}
		id := 0
		if match([]*call{c}, []message{{ID: &id, Result: b}}) == nil {
			_, _ = r.slot()
		}
	})
}

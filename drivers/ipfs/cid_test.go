package ipfs_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/internal/npmtest"
)

// file is a file whose CID an outside implementation shall say.
type file struct {
	Size      int `json:"size"`
	Seed      int `json:"seed"`
	ChunkSize int `json:"chunkSize"`
	MaxLinks  int `json:"maxLinks"`
}

// body must be what cid.mjs makes.
func (f file) body() []byte {
	b := make([]byte, f.Size)
	for i := range b {
		b[i] = byte(i*31 + (i>>8)*17 + f.Seed)
	}
	return b
}

func (f file) String() string {
	return fmt.Sprintf("%d bytes, seed %d, chunks of %d, %d links", f.Size, f.Seed, f.ChunkSize, f.MaxLinks)
}

// borders are files around the borders of chunks and levels, and some at random.
func borders() []file {
	var files []file
	for _, p := range []file{{ChunkSize: 1000, MaxLinks: 4}, {ChunkSize: 256, MaxLinks: 174}, {ChunkSize: 1 << 18, MaxLinks: 174}, {ChunkSize: ipfs.DefaultChunkSize, MaxLinks: ipfs.DefaultMaxLinks}} {
		sizes := []int{0, 1, p.ChunkSize - 1, p.ChunkSize, p.ChunkSize + 1, 3*p.ChunkSize + 7}
		if level := p.ChunkSize * p.MaxLinks; level < 1<<20 {
			sizes = append(sizes, level-1, level, level+1, level+p.ChunkSize, 3*level+1, level*p.MaxLinks, level*p.MaxLinks+1)
		}
		for i, size := range sizes {
			files = append(files, file{size, i, p.ChunkSize, p.MaxLinks})
		}
	}
	// More than 1024 links beneath one node.
	files = append(files, file{1024*300 + 1, 1, 300, 1024}, file{3 << 20, 2, ipfs.DefaultChunkSize, ipfs.DefaultMaxLinks})
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range 20 {
		files = append(files, file{random.IntN(400_000), random.IntN(256), 100 + random.IntN(3000), 2 + random.IntN(40)})
	}
	return files
}

// The JavaScript importer, written by others, gives every file the same CID.
func TestSameCIDsAsJavaScript(t *testing.T) {
	t.Parallel()
	dir := npmtest.Install(t, "testdata/unixfs")
	files := borders()
	in, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if err := json.Unmarshal(npmtest.Run(t, dir, "cid.mjs", in), &want); err != nil || len(want) != len(files) {
		t.Fatalf("%d answers for %d files, %v", len(want), len(files), err)
	}
	for i, f := range files {
		n := open(t, t.TempDir(), ipfs.Options{ChunkSize: f.ChunkSize, MaxLinks: f.MaxLinks})
		data := f.body()
		root := add(t, n, data)
		if root.String() != want[i] {
			t.Errorf("%v: %v, the JavaScript importer says %v", f, root, want[i])
		}
		if len(data) < 500_000 {
			wantFile(t, n, root, data)
		}
		n.Close()
	}
}

package merkle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/merkle"
)

func address(i int) string { return fmt.Sprintf("0x%040x", i+1) }

func tree(t testing.TB, n int) (*merkle.Tree, []string) {
	t.Helper()
	var all []string
	for i := range n {
		all = append(all, address(i))
	}
	tr, err := merkle.New(all)
	if err != nil {
		t.Fatal(err)
	}
	return tr, all
}

// Every address of a tree is proven by its own proof and by no other.
func TestProofs(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 4, 5, 8, 9, 100} {
		tr, all := tree(t, n)
		for i, a := range all {
			p, err := tr.Proof(a)
			if err != nil || !merkle.Verify(tr.Root(), a, p) {
				t.Fatalf("%d of %d: %v, %v", i, n, p, err)
			}
			if merkle.Verify(tr.Root(), address(n), p) {
				t.Fatalf("%d of %d: a stranger passes with the proof of %s", i, n, a)
			}
			if n > 1 && merkle.Verify(tr.Root(), all[(i+1)%n], p) && all[(i+1)%n] != a {
				t.Fatalf("%d of %d: the next one passes with the proof of %s", i, n, a)
			}
			for level := range p {
				bad := append(merkle.Proof(nil), p...)
				bad[level][rand.IntN(32)] ^= 1
				if merkle.Verify(tr.Root(), a, bad) || merkle.Verify(tr.Root(), a, p[:level]) {
					t.Fatalf("%d of %d: a damaged proof passes", i, n)
				}
			}
		}
		if _, err := tr.Proof(address(n)); !errors.Is(err, fault.NotFound) {
			t.Errorf("a stranger has a proof: %v", err)
		}
	}
}

// The root does not depend on order, case or doubles.
func TestRootIsOfTheSet(t *testing.T) {
	t.Parallel()
	tr, all := tree(t, 9)
	mixed := append([]string{all[8], all[0]}, all...)
	rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	other, err := merkle.New(mixed)
	if err != nil || other.Root() != tr.Root() {
		t.Errorf("%v, %s and %s", err, other.Root(), tr.Root())
	}
}

// The root and proof that npm @openzeppelin/merkle-tree 1.0.8 makes of StandardMerkleTree.of of the addresses 1 to 5, ["address"].
func TestTreeIsOpenZeppelins(t *testing.T) {
	t.Parallel()
	tr, all := tree(t, 5)
	const root = "0x21abd2f655ded75d91fbd5e0b1ad35171a675fd315a077efa7f2d555a26e7094"
	p, err := tr.Proof(all[0])
	if err != nil || tr.Root().String() != root || len(p) != 2 ||
		p[0].String() != "0x2584db4a68aa8b172f70bc04e2e74541617c003374de6eb4b295e823e5beab01" ||
		p[1].String() != "0xc949c2dc5da2bd9a4f5ae27532dfbb3551487bed50825cd099ff5d0a8d613ab5" {
		t.Errorf("root %s, proof %v, %v", tr.Root(), p, err)
	}
}

// An inner node is no leaf: its hash cannot be shown as an address.
func TestBounds(t *testing.T) {
	t.Parallel()
	tr, all := tree(t, 4)
	long := make(merkle.Proof, 257)
	if merkle.Verify(tr.Root(), all[0], long) || merkle.Verify(tr.Root(), "0x12", nil) || merkle.Verify(merkle.Hash{}, all[0], nil) {
		t.Error("nonsense is proven")
	}
	for _, bad := range [][]string{nil, {"0x12"}, {all[0], "So11111111111111111111111111111111111111112"}} {
		if _, err := merkle.New(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := merkle.New(make([]string, merkle.MaxAddresses+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("too many: %v", err)
	}
	h, err := merkle.ParseHash(strings.ToUpper(tr.Root().String()[2:]))
	if err == nil {
		t.Errorf("a root without 0x is read: %s", h)
	}
	if h, err := merkle.ParseHash(tr.Root().String()); err != nil || h != tr.Root() {
		t.Errorf("%s, %v", h, err)
	}
}

func ExampleNew() {
	list, err := merkle.New([]string{"0x00000000000000000000000000000000000000a1", "0x00000000000000000000000000000000000000a2"})
	if err != nil {
		panic(err)
	}
	proof, err := list.Proof("0x00000000000000000000000000000000000000a1")
	if err != nil {
		panic(err)
	}
	fmt.Println(merkle.Verify(list.Root(), "0x00000000000000000000000000000000000000a1", proof))
	fmt.Println(merkle.Verify(list.Root(), "0x00000000000000000000000000000000000000a3", proof))
	// Output:
	// true
	// false
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/nft/metadata"
)

// Rules is what access rules ask beside the chains.
type Rules struct {
	Metadata string
	IPFS     []string
	Lists    string
}

// ruleSettings are the rows of the configuration for Rules.
func ruleSettings() []setting {
	return []setting{
		{"rules.metadata", "on reads token metadata for traits, from the chain and public https addresses; off leaves traits unknown", func(c *Config) string { return c.Metadata }, func(c *Config, v string) error {
			c.Metadata = v
			return oneOf("on", "off")(v)
		}},
		{"rules.ipfs_gateways", "trustless gateways for ipfs:// metadata, with commas between; what they send is checked by its hash (empty: ipfs:// is unknown)", func(c *Config) string { return strings.Join(c.IPFS, ",") }, func(c *Config, v string) (err error) {
			c.IPFS, err = splitParse(v, func(s string) (string, error) { return s, nil })
			return err
		}},
		{"rules.lists", "folder of allow lists for \"list\" and \"merkle\": NAME.txt with an account (0x… or CAIP-10) a line, read at start", func(c *Config) string { return c.Lists }, func(c *Config, v string) error {
			c.Lists = v
			return nil
		}},
	}
}

// ruleSources opens what rules ask beside the chains.
func (w *wiring) ruleSources(ctx context.Context) ([]streamgate.Option, error) {
	var opts []streamgate.Option
	if w.cfg.Metadata == "on" {
		opt := metadata.Options{}
		if len(w.cfg.IPFS) > 0 {
			n, err := ipfs.Open(ctx, filepath.Join(w.cfg.Data, "metadata-ipfs"), ipfs.Options{Gateways: w.cfg.IPFS})
			if err != nil {
				return nil, fmt.Errorf("rules.ipfs_gateways: %w", err)
			}
			w.onClose(n.Close)
			w.daily("metadata_ipfs_gc", func(ctx context.Context) error { _, err := n.GC(ctx); return err })
			opt.IPFS = n.ReadPath
		}
		r := metadata.New(opt)
		w.onClose(func() error { r.Close(); return nil })
		opts = append(opts, streamgate.WithMetadata(r))
	}
	if w.cfg.Lists == "" {
		return opts, nil
	}
	lists, err := readLists(w.cfg.Lists)
	if err != nil {
		return nil, fmt.Errorf("rules.lists: %w", err)
	}
	for name, root := range lists.roots {
		w.log.Info("allow_list", "list", name, "accounts", len(lists.byName[name]), "merkle_root", root)
	}
	return append(opts, streamgate.WithLists(lists.has), streamgate.WithMerkleProofs(lists.proof)), nil
}

// allowLists are the lists of a folder, the same for every tenant.
type allowLists struct {
	byName map[string]map[string]bool // accounts as listKey has them
	roots  map[string]string          // of the lists with EVM addresses
	trees  map[string]*merkle.Tree    // by root
}

// maxListBytes bounds one file.
const maxListBytes = 64 << 20

func readLists(folder string) (*allowLists, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s has no file NAME.txt", folder)
	}
	l := &allowLists{byName: map[string]map[string]bool{}, roots: map[string]string{}, trees: map[string]*merkle.Tree{}}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		accounts, addresses, err := readList(file)
		if err != nil {
			return nil, err
		}
		l.byName[name] = accounts
		if len(addresses) == 0 {
			continue
		}
		tree, err := merkle.New(addresses)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		l.roots[name] = tree.Root().String()
		l.trees[l.roots[name]] = tree
	}
	return l, nil
}

// readList reads a file: an account a line, with empty lines and # comments between.
func readList(file string) (accounts map[string]bool, addresses []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	accounts = map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(f, maxListBytes+1))
	read := 0
	for n := 1; lines.Scan(); n++ {
		if read += len(lines.Bytes()) + 1; read > maxListBytes {
			return nil, nil, fmt.Errorf("%s has more than %d bytes", file, maxListBytes)
		}
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if strings.HasPrefix(text, "0x") {
			text = "eip155:1:" + text
		}
		a, err := caip.ParseAccountID(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: write an account, 0x… or CAIP-10: %w", file, n, err)
		}
		accounts[listKey(a)] = true
		if a.Chain.Namespace == "eip155" {
			addresses = append(addresses, a.Address)
		}
	}
	return accounts, addresses, lines.Err()
}

// listKey names an account: an EVM address is one person on every EVM chain.
func listKey(a caip.AccountID) string {
	if a.Chain.Namespace == "eip155" {
		return a.Address
	}
	return a.String()
}

// has is for streamgate.WithLists. A list that is not here is an error: nobody can be said not to be on it.
func (l *allowLists) has(_ context.Context, _, list, account string) (bool, error) {
	accounts, ok := l.byName[list]
	if !ok {
		return false, fault.Newf(fault.Unsupported, "refserver.lists", "there is no list %.64q", list)
	}
	a, err := caip.ParseAccountID(account)
	if err != nil {
		return false, err
	}
	return accounts[listKey(a)], nil
}

// proof is for streamgate.WithMerkleProofs.
func (l *allowLists) proof(_ context.Context, _, root, address string) (merkle.Proof, error) {
	tree := l.trees[root]
	if tree == nil {
		return nil, fault.New(fault.Unsupported, "refserver.lists", "there is no list of that root")
	}
	return tree.Proof(address)
}

package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/merkle"
)

const (
	listedAddress = "0x00000000000000000000000000000000000000a1"
	solAccount    = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"
)

func writeList(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAllowLists(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeList(t, folder, "vip.txt", "# guests\n"+listedAddress+" # Ann\n\neip155:10:0x00000000000000000000000000000000000000a2\n"+solAccount+"\n")
	writeList(t, folder, "sol.txt", solAccount+"\n")
	l, err := readLists(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		list, account string
		in            bool
	}{
		{"vip", "eip155:1:" + listedAddress, true}, {"vip", "eip155:137:" + listedAddress, true},
		{"vip", "eip155:1:0x00000000000000000000000000000000000000a2", true}, {"vip", solAccount, true}, {"sol", solAccount, true},
		{"vip", "eip155:1:0x00000000000000000000000000000000000000a3", false}, {"sol", "eip155:1:" + listedAddress, false},
	} {
		if in, err := l.has(t.Context(), "t", tc.list, tc.account); err != nil || in != tc.in {
			t.Errorf("%s on %s: %v, %v", tc.account, tc.list, in, err)
		}
	}
	if _, err := l.has(t.Context(), "t", "other", "eip155:1:"+listedAddress); !errors.Is(err, fault.Unsupported) {
		t.Errorf("a list that is not here: %v", err)
	}
	root := l.roots["vip"]
	h, err := merkle.ParseHash(root)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := l.proof(t.Context(), "t", root, listedAddress); err != nil || !merkle.Verify(h, listedAddress, p) {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := l.proof(t.Context(), "t", root, "0x00000000000000000000000000000000000000a3"); !errors.Is(err, fault.NotFound) {
		t.Errorf("who is not listed: %v", err)
	}
	if _, err := l.proof(t.Context(), "t", "0x"+strings.Repeat("ab", 32), listedAddress); !errors.Is(err, fault.Unsupported) {
		t.Errorf("a root of no list: %v", err)
	}
	writeList(t, folder, "bad.txt", "nobody\n")
	if _, err := readLists(folder); err == nil || !strings.Contains(err.Error(), "bad.txt:1") {
		t.Errorf("a line that is no account: %v", err)
	}
	if _, err := readLists(t.TempDir()); err == nil {
		t.Error("an empty folder is read")
	}
}

func TestRuleSources(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeList(t, folder, "vip.txt", listedAddress)
	c, err := loadConfig("", []string{"STREAMGATE_RULES_LISTS=" + folder, "STREAMGATE_RULES_IPFS_GATEWAYS=http://127.0.0.1:1, http://127.0.0.1:2"}, []string{"data=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := newWiring(c, slog.New(slog.DiscardHandler))
	opts, err := w.ruleSources(t.Context())
	if err != nil || len(opts) != 3 || len(c.IPFS) != 2 {
		t.Errorf("%d options, %v gateways, %v", len(opts), c.IPFS, err)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
	if _, err := loadConfig("", []string{"STREAMGATE_RULES_METADATA=maybe"}, nil); err == nil {
		t.Error("rules.metadata=maybe is taken")
	}
}

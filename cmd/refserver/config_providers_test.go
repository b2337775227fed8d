package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/nft"
)

func TestProvidersOfAChain(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `
chains:
  eip155:1:
    providers:
      - name: alpha
        operator: acme
        rpc_url: https://alpha.example/v2/secretkey
        ws_url: wss://alpha.example/v2/secretkey
        calls_per_second: 25
        calls_per_day: 300000
      - {name: own-node, rpc_url: "http://127.0.0.1:8545", watch: false}
  solana:mainnet:
    providers:
      - {name: one, rpc_url: "https://sol.example/?api-key=secretkey"}
`)
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("https://beta.example/secretkey\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file, []string{
		"STREAMGATE_CHAIN_EIP155_1_PROVIDERS_BETA_RPC_URL_FILE=" + secret,
		"STREAMGATE_CHAIN_EIP155_1_PROVIDERS_BETA_CALLS_PER_DAY=1000",
	}, []string{"chains.eip155:1.providers.own-node.operator=ourselves"})
	if err != nil {
		t.Fatal(err)
	}
	want := []ProviderConfig{
		{Name: "alpha", Operator: "acme", RPCURL: "https://alpha.example/v2/secretkey", WSURL: "wss://alpha.example/v2/secretkey", PerSecond: 25, PerDay: 300_000},
		{Name: "own-node", Operator: "ourselves", RPCURL: "http://127.0.0.1:8545", NoWatch: true},
		{Name: "beta", RPCURL: "https://beta.example/secretkey", PerDay: 1000},
	}
	if len(c.Chains) != 2 || !slices.Equal(c.Chains[0].Providers, want) || len(c.Chains[1].Providers) != 1 {
		t.Fatalf("%+v", c.Chains)
	}
	var b strings.Builder
	if err := c.Explain(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"chains.eip155:1.providers.alpha.rpc_url", "https://alpha.example/REDACTED", "calls_per_day", "PROVIDERS_BETA_RPC_URL", "providers.own-node.watch"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("explain lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "secretkey") {
		t.Error("explain prints an RPC credential")
	}
}

func TestProvidersThatAreRefused(t *testing.T) {
	t.Parallel()
	const p = "chains.eip155:1.providers.a."
	for name, c := range map[string]struct {
		file  string
		flags []string
		want  string
	}{
		"no name":          {file: "chains: {\"eip155:1\": {providers: [{rpc_url: \"http://x\"}]}}", want: "needs a name"},
		"a URL as name":    {file: "chains: {\"eip155:1\": {providers: [{name: \"https://x/secretkey\", rpc_url: \"http://x\"}]}}", want: "needs a name"},
		"a plain list":     {file: "chains: {\"eip155:1\": {providers: [a]}}", want: "is a mapping"},
		"no URL":           {flags: []string{p + "operator=acme"}, want: "providers.a: rpc_url is missing"},
		"beside rpc_url":   {flags: []string{"chains.eip155:1.rpc_url=http://x", p + "rpc_url=http://y"}, want: "make it one of them"},
		"a wrong scheme":   {flags: []string{p + "rpc_url=ftp://secretkey@x"}, want: "not a http or https URL"},
		"a wrong ws":       {flags: []string{p + "rpc_url=http://x", p + "ws_url=http://x"}, want: "not a ws or wss URL"},
		"a bad operator":   {flags: []string{p + "operator=A B"}, want: "an operator is a name"},
		"no rate":          {flags: []string{p + "calls_per_second=0"}, want: "above 0"},
		"not a number":     {flags: []string{p + "calls_per_day=many"}, want: "above 0"},
		"not a bool":       {flags: []string{p + "watch=si"}, want: "true or false"},
		"unknown member":   {flags: []string{p + "url=http://x"}, want: "unknown member"},
		"nobody watches":   {flags: []string{p + "rpc_url=http://x", p + "watch=false"}, want: "nobody would hear"},
		"a name of a path": {flags: []string{"chains.eip155:1.providers.a/b.rpc_url=http://x"}, want: "the name of a provider"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var file string
			if c.file != "" {
				file = writeFile(t, c.file)
			}
			_, err := loadConfig(file, nil, c.flags)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secretkey") {
				t.Fatalf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

// Several providers of one chain, opened as the server does: one that serves nothing spoils neither answers nor the quorum of the others.
func TestOpenChainWithSeveralProviders(t *testing.T) {
	t.Parallel()
	chain, err := devchain.Start(t.Context(), devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg := ChainConfig{ID: chain.ChainID(), Providers: []ProviderConfig{
		{Name: "dead", RPCURL: "http://127.0.0.1:1"},
		{Name: "alpha", RPCURL: chain.RPCURL(), PerDay: 1000},
		{Name: "beta", RPCURL: chain.RPCURL(), WSURL: chain.WSURL()},
		{Name: "beta-second", Operator: "beta", RPCURL: chain.RPCURL()},
	}}
	c, err := openChain(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if len(c.onEVM) != 3 {
		t.Errorf("%d operators", len(c.onEVM))
	}
	if _, err := c.verifier.Head(ctx); err != nil {
		t.Fatal(err)
	}
	pass, err := chain.DeployPass(ctx, "Pass", "PASS")
	if err != nil {
		t.Fatal(err)
	}
	q := []nft.Query{{Op: nft.OpBalance721, Contract: pass, Account: devchain.Holder().Address}}
	r, err := c.verifier.CheckQuorum(ctx, nft.Finality{Tag: "latest"}, nft.Quorum{N: 2, Of: 3}, q)
	if err != nil || r.Answers[0].Value != "0" {
		t.Fatalf("%+v, %v", r, err)
	}
	if left := c.verifier.Providers()[1].CallsLeft; left == nil || *left >= 1000 {
		t.Error("alpha's budget does not count")
	}
	wallets, err := openWallets([]*openedChain{c})
	if err != nil || wallets == nil {
		t.Error(err)
	}
	note, err := checkChain(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), "dead") || !strings.Contains(note, "alpha head") {
		t.Errorf("the doctor says %q, %v", note, err)
	}
}

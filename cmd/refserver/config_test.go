package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoadConfigLayers(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `
listen: 127.0.0.1:1
log: {level: debug}
upload:
  max_bytes: 3GiB
trusted_proxies: [10.0.0.0/8, "fd00::/8"]
chains:
  eip155:137:
    rpc_url: https://rpc.example/v2/secretkey
    ws_url: wss://rpc.example/v2/secretkey
  solana:mainnet:
    rpc_url: https://sol.example/?api-key=secretkey
`)
	c, err := loadConfig(file, []string{"STREAMGATE_LISTEN=127.0.0.1:2", "STREAMGATE_CHAIN_EIP155_1_RPC_URL=http://127.0.0.1:8545", "HOME=/x"}, []string{"playback.key_lead=6s"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.LogLevel != "debug" || c.MaxUpload != 3<<30 || len(c.TrustedProxies) != 2 || c.KeyLead != 6*time.Second || len(c.Chains) != 3 {
		t.Fatalf("%+v", c)
	}
	var b strings.Builder
	if err := c.Explain(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"environment STREAMGATE_LISTEN", "c.yaml:3", "--set", "https://rpc.example/REDACTED", "chains.solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp.rpc_url", "STREAMGATE_PLAYBACK_GRANT_TTL"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("explain lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "secretkey") {
		t.Error("explain prints an RPC credential")
	}
}

// A chain is named in an environment variable without the colon of its identifier. The variable of a Solana cluster has
// its name or its genesis hash, letter by letter.
func TestChainVariables(t *testing.T) {
	t.Parallel()
	const genesis = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
	c, err := loadConfig("", []string{
		"STREAMGATE_CHAIN_EIP155_1_RPC_URL=http://127.0.0.1:8545",
		"STREAMGATE_CHAIN_SOLANA_MAINNET_RPC_URL=https://sol.example/key",
		"STREAMGATE_CHAIN_SOLANA_MAINNET_WS_URL=wss://sol.example/key",
		"STREAMGATE_CHAIN_SOLANA_MAINNET_DAS_URL=https://das.example/key",
		"STREAMGATE_CHAIN_SOLANA_" + genesis + "_RPC_URL=https://dev.example",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]ChainConfig{}
	for _, ch := range c.Chains {
		got[ch.ID.String()] = ch
	}
	sol := got["solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"]
	if len(got) != 3 || sol.RPCURL != "https://sol.example/key" || sol.WSURL != "wss://sol.example/key" || sol.DASURL != "https://das.example/key" ||
		got["solana:"+genesis].RPCURL != "https://dev.example" || got["eip155:1"].RPCURL == "" {
		t.Errorf("%+v", c.Chains)
	}
	var b strings.Builder
	if err := c.Explain(&b); err != nil || !strings.Contains(b.String(), "das_url") || strings.Contains(b.String(), "/key") {
		t.Errorf("explain: %v\n%s", err, b.String())
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, env, flag, want string }{
		"unknown key":      {file: "lisen: x", want: "did you mean listen?"},
		"unknown nested":   {file: "log:\n  levl: info", want: "c.yaml:2: unknown setting \"log.levl\"; did you mean log.level?"},
		"unknown variable": {env: "STREAMGATE_LISTEM=x", want: "did you mean STREAMGATE_LISTEN?"},
		"bad flag":         {flag: "listen", want: "write key=value"},
		"bad level":        {flag: "log.level=loud", want: "not one of debug, info, warn, error"},
		"bad size":         {flag: "upload.max_bytes=many", want: "20GiB"},
		"overflow":         {flag: "upload.max_bytes=9000000TiB", want: "not a size"},
		"bad duration":     {flag: "playback.key_lead=-1s", want: "positive duration"},
		"bad origin":       {flag: "public_url=video.example/x", want: "not an origin"},
		"chain without":    {flag: "chains.eip155:1.ws_url=ws://x", want: "rpc_url is missing"},
		"chain member":     {flag: "chains.eip155:1.url=http://x", want: "unknown member"},
		"chain scheme":     {flag: "chains.eip155:1.rpc_url=ftp://k@x", want: "http or https"},
		"chain namespace":  {flag: "chains.cosmos:hub.rpc_url=http://x", want: "only eip155 and solana"},
		"index":            {flag: "chains.eip155:1.index=maybe", want: "not one of auto, off"},
		"block time":       {flag: "chains.eip155:1.block_time=2", want: "write 2s"},
		"depth":            {flag: "chains.eip155:1.safe_depth=0", want: "1 to 1000000"},
		"solana depth":     {flag: "chains.solana:mainnet.finalized_depth=9", want: "its commitments are its own"},
		"solana index":     {flag: "chains.solana:mainnet.index=auto", want: "has no index"},
		"DAS on EVM":       {flag: "chains.eip155:1.das_url=http://x", want: "which Solana alone has"},
		"DAS scheme":       {flag: "chains.solana:mainnet.das_url=ws://x", want: "http or https"},
		"solana member":    {env: "STREAMGATE_CHAIN_SOLANA_MAINNET_URL=http://x", want: "unknown member"},
		"no namespace":     {env: "STREAMGATE_CHAIN_COSMOS_HUB_RPC_URL=http://x", want: "unknown variable"},
		"empty list":       {flag: "creators.who=list", want: "nobody could create"},
		"bad account":      {flag: "creators.list=0x12", want: "CAIP-10"},
		"workers":          {flag: "transcode.workers=0", want: "1 to 256"},
		"bool":             {flag: "transcode.allow_unsandboxed=si", want: "true or false"},
		"not a mapping":    {file: "- a", want: "mapping of settings"},
		"nested list":      {file: "creators: {list: [[a]]}", want: "plain values"},
		"not yaml":         {file: "a: [", want: "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var file string
			var env, flags []string
			if c.file != "" {
				file = writeFile(t, c.file)
			}
			if c.env != "" {
				env = []string{c.env}
			}
			if c.flag != "" {
				flags = []string{c.flag}
			}
			_, err := loadConfig(file, env, flags)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

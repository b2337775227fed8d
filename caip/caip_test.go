package caip_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

const (
	bayc   = "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"
	solana = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
	mint   = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
)

// eip55 are the vectors of EIP-55, all four groups of its text.
var eip55 = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestEIP55(t *testing.T) {
	t.Parallel()
	for _, sum := range eip55 {
		low := strings.ToLower(sum)
		if got := caip.ChecksumEVM(low); got != sum {
			t.Errorf("checksum of %s is %s, want %s", low, got, sum)
		}
		for _, spelling := range []string{sum, low, "0x" + strings.ToUpper(low[2:])} {
			if got, err := caip.ParseEVMAddress(spelling); err != nil || got != low {
				t.Errorf("ParseEVMAddress(%s) = %q, %v", spelling, got, err)
			}
		}
	}
}

// Every single wrong letter case in a mixed-case address must be noticed.
func TestEIP55NoticesEachFlippedLetter(t *testing.T) {
	t.Parallel()
	const sum = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	for i := 2; i < len(sum); i++ {
		if sum[i] <= '9' {
			continue
		}
		flipped := sum[:i] + string(sum[i]^0x20) + sum[i+1:]
		if _, err := caip.ParseEVMAddress(flipped); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want fault.Invalid", flipped, err)
		}
	}
}

func TestCanonicalSpellings(t *testing.T) {
	t.Parallel()
	chain := func(s string) (fmt.Stringer, error) { return caip.ParseChainID(s) }
	account := func(s string) (fmt.Stringer, error) { return caip.ParseAccountID(s) }
	asset := func(s string) (fmt.Stringer, error) { return caip.ParseAssetID(s) }
	for _, tc := range []struct {
		parse    func(string) (fmt.Stringer, error)
		in, want string
	}{
		{chain, "eip155:1", "eip155:1"},
		{chain, "eip155:mainnet", "eip155:1"},
		{chain, "eip155:11155111", "eip155:11155111"},
		{chain, "solana:mainnet", "solana:" + solana},
		{chain, "solana:mainnet-beta", "solana:" + solana},
		{chain, "solana:" + solana + "Kuc147dw2N9d", "solana:" + solana},
		{chain, "solana:devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
		{chain, "solana:testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"},
		{chain, "cosmos:cosmoshub-3", "cosmos:cosmoshub-3"},
		{chain, "bip122:000000000019d6689c085ae165831e93", "bip122:000000000019d6689c085ae165831e93"},
		{account, "eip155:1:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D", "eip155:1:" + bayc},
		{account, "eip155:mainnet:" + bayc, "eip155:1:" + bayc},
		{account, "solana:mainnet:" + mint, "solana:" + solana + ":" + mint},
		{account, "cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0", "cosmos:cosmoshub-3:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0"},
		{asset, "eip155:1/erc721:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D", "eip155:1/erc721:" + bayc},
		{asset, "eip155:1/erc721:" + bayc + "/0", "eip155:1/erc721:" + bayc + "/0"},
		{asset, "eip155:1/erc1155:" + bayc + "/" + maxToken, "eip155:1/erc1155:" + bayc + "/" + maxToken},
		{asset, "solana:mainnet/token:" + mint, "solana:" + solana + "/token:" + mint},
		{asset, "hedera:mainnet/nft:0.0.55492/12", "hedera:mainnet/nft:0.0.55492/12"},
	} {
		got, err := tc.parse(tc.in)
		if err != nil || got.String() != tc.want {
			t.Errorf("%q parses to %q, %v; want %q", tc.in, got, err, tc.want)
			continue
		}
		if again, err := tc.parse(tc.want); err != nil || again != got {
			t.Errorf("%q does not parse to itself: %q, %v", tc.want, again, err)
		}
	}
}

const (
	maxToken = "115792089237316195423570985008687907853269984665640564039457584007913129639935" // 2^256-1
	overflow = "115792089237316195423570985008687907853269984665640564039457584007913129639936"
)

func TestBadInputIsInvalidAndTellsTheFix(t *testing.T) {
	t.Parallel()
	chain := func(s string) error { _, err := caip.ParseChainID(s); return err }
	account := func(s string) error { _, err := caip.ParseAccountID(s); return err }
	asset := func(s string) error { _, err := caip.ParseAssetID(s); return err }
	evm := func(s string) error { _, err := caip.ParseEVMAddress(s); return err }
	for _, tc := range []struct {
		parse   func(string) error
		in, fix string
	}{
		{chain, "", "namespace:reference"},
		{chain, "eip155", "namespace:reference"},
		{chain, "eip155:", "namespace:reference"},
		{chain, ":1", "namespace:reference"},
		{chain, "eip155:1:2", "namespace:reference"},
		{chain, "EIP155:1", "namespace:reference"},
		{chain, "eip155:01", "leading zeros"},
		{chain, "eip155:0", "leading zeros"},
		{chain, "eip155:0x1", "decimal"},
		{chain, "eip155:-1", "decimal"},
		{chain, "eip155:1\n", "decimal"},
		{chain, "cosmos:" + strings.Repeat("a", 33), "1 to 32"},
		{chain, "cosmos:hub\x00", "1 to 32"},
		{account, "", "chain:address"},
		{account, "eip155:1", "namespace:reference"},
		{account, "eip155:1:", "40 hexadecimal"},
		{account, "eip155:1:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13d", "EIP-55"},
		{account, "eip155:1:0X" + bayc[2:], "40 hexadecimal"},
		{account, "solana:mainnet:0OIl" + mint[4:], "base58"},
		{account, "solana:mainnet:abc", "base58"},
		{account, "cosmos:hub:a b", "1 to 128"},
		{account, "cosmos:hub:" + strings.Repeat("a", 129), "1 to 128"},
		{asset, "", "chain/standard"},
		{asset, "eip155:1", "chain/standard"},
		{asset, "eip155:1/erc721:" + bayc + "/1/2", "chain/standard"},
		{asset, "nope/erc721:" + bayc, "namespace:reference"},
		{asset, "eip155:1/erc721", "standard:contract"},
		{asset, "eip155:1/ERC721:" + bayc, "standard:contract"},
		{asset, "eip155:1/erc721:0x12", "40 hexadecimal"},
		{asset, "eip155:1/erc721:" + bayc + "/", "decimal number"},
		{asset, "eip155:1/erc721:" + bayc + "/01", "decimal number"},
		{asset, "eip155:1/erc721:" + bayc + "/0x1", "decimal number"},
		{asset, "eip155:1/erc721:" + bayc + "/-1", "decimal number"},
		{asset, "eip155:1/erc721:" + bayc + "/" + overflow, "below 2^256"},
		{asset, "hedera:mainnet/nft:0.0.1/a b", "1 to 128"},
		{evm, "", "40 hexadecimal"},
		{evm, bayc[2:], "40 hexadecimal"},
		{evm, bayc + "0", "40 hexadecimal"},
		{evm, "0x" + strings.Repeat("g", 40), "40 hexadecimal"},
		{evm, "0x" + strings.Repeat("ä", 20), "40 hexadecimal"},
	} {
		err := tc.parse(tc.in)
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want fault.Invalid", tc.in, err)
			continue
		}
		if msg, _, _ := fault.Public(err); !strings.Contains(msg, tc.fix) {
			t.Errorf("%q: message %q does not tell %q", tc.in, msg, tc.fix)
		}
	}
}

func TestHugeInputIsNotEchoed(t *testing.T) {
	t.Parallel()
	_, err := caip.ParseChainID(strings.Repeat("x", 1<<20))
	if n := len(err.Error()); n > 300 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestTokenIDs(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"0": true, "1": true, maxToken: true, overflow: false, "": false, "00": false, "+1": false, "1 ": false,
		"１": false, strings.Repeat("9", 100): false,
	} {
		if caip.ValidTokenID(s) != want {
			t.Errorf("ValidTokenID(%q) is %v", s, !want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		Chain   caip.ChainID
		Account caip.AccountID
		Asset   caip.AssetID
		Nobody  caip.AccountID
		Nothing caip.AssetID
		Holders map[caip.AccountID]int
	}
	var d doc
	in := `{"Chain":"eip155:mainnet","Account":"eip155:1:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D","Asset":"eip155:mainnet/erc721:` + bayc + `/7",` +
		`"Nobody":"","Nothing":"","Holders":{"eip155:1:` + bayc + `":2}}`
	if err := json.Unmarshal([]byte(in), &d); err != nil {
		t.Fatal(err)
	}
	if !d.Nobody.IsZero() || d.Nothing != (caip.AssetID{}) || d.Account.IsZero() || d.Chain.IsZero() || !(caip.ChainID{}).IsZero() {
		t.Errorf("zero values are told wrongly: %+v", d)
	}
	out, err := json.Marshal(d)
	want := `{"Chain":"eip155:1","Account":"eip155:1:` + bayc + `","Asset":"eip155:1/erc721:` + bayc + `/7","Nobody":"","Nothing":"","Holders":{"eip155:1:` + bayc + `":2}}`
	if err != nil || string(out) != want {
		t.Errorf("got  %s, %v\nwant %s", out, err, want)
	}
	for _, bad := range []string{`{"Chain":"x"}`, `{"Account":"x"}`, `{"Asset":"x"}`} {
		if err := json.Unmarshal([]byte(bad), &d); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want fault.Invalid", bad, err)
		}
	}
}

func seeds(f *testing.F) {
	for _, s := range append([]string{
		"", ":", "/", "eip155:1", "eip155:mainnet", "solana:devnet", "solana:mainnet:" + mint, "eip155:1:" + bayc, "cosmos:hub:a%b",
		"eip155:1/erc721:" + bayc + "/7", "solana:mainnet/token:" + mint + "/x", "eip155:1/erc1155:" + bayc + "/" + overflow,
	}, eip55...) {
		f.Add(s)
	}
}

// FuzzParse checks that what parses has one spelling: printing and parsing it
// again gives the same value, and every failure is fault.Invalid.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		same(t, s, caip.ParseChainID)
		same(t, s, caip.ParseAccountID)
		same(t, s, caip.ParseAssetID)
		if low, err := caip.ParseEVMAddress(s); err == nil {
			if again, err := caip.ParseEVMAddress(caip.ChecksumEVM(low)); err != nil || again != low {
				t.Errorf("%q: %q, %v", s, again, err)
			}
		}
	})
}

func same[T interface {
	comparable
	fmt.Stringer
}](t *testing.T, s string, parse func(string) (T, error)) {
	t.Helper()
	id, err := parse(s)
	if err != nil {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want fault.Invalid", s, err)
		}
		return
	}
	if again, err := parse(id.String()); err != nil || again != id {
		t.Errorf("%q parses to %q, and that to %q, %v", s, id, again, err)
	}
}

func ExampleParseAssetID() {
	id, err := caip.ParseAssetID("eip155:mainnet/erc721:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D/7")
	fmt.Println(id, err)
	fmt.Println(id.Chain, id.Standard, id.Token)
	// Output:
	// eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/7 <nil>
	// eip155:1 erc721 7
}

func ExampleParseAccountID() {
	_, err := caip.ParseAccountID("eip155:1:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13d")
	fmt.Println(err)
	// Output:
	// caip.Parse: "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13d" is not a valid EVM address: its EIP-55 checksum is wrong, so a character is mistyped
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/awskms"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/nft/pass"
)

// Issuing is how passes are issued on a chain. The zero value leaves signing to the creators' wallets.
type Issuing struct {
	// Signer is keystore:FILE or awskms://..., on Solana keypair:FILE.
	Signer         string
	SignerPassword string
	MaxFee         *big.Int // wei for a unit of gas
	Confirmations  uint64
	Patience       time.Duration
}

// issuingFields are the members of a chain that are about issuing.
func issuingFields() []string {
	return []string{"signer", "signer_password", "max_fee", "confirmations", "replace_after"}
}

// setIssuing sets a member of a chain, if it is one of issuingFields. Errors show no value: it may be a secret.
func (ch *ChainConfig) setIssuing(field, value string) (known bool, err error) {
	if !slices.Contains(issuingFields(), field) {
		return false, nil
	}
	switch {
	case ch.ID.Namespace == "eip155":
	case field != "signer":
		return true, errors.New("a solana chain has signer alone")
	case !strings.HasPrefix(value, "keypair:") || value == "keypair:":
		return true, errors.New("write keypair:FILE, a key pair file of solana-keygen")
	default:
		ch.Signer = value
		return true, nil
	}
	switch field {
	case "signer":
		if scheme, rest, ok := strings.Cut(value, ":"); !ok || rest == "" || scheme != "keystore" && scheme != "awskms" {
			return true, errors.New("write keystore:FILE or awskms://KEY:SECRET@HOST/ALIAS?region=REGION")
		}
		ch.Signer = value
	case "signer_password":
		ch.SignerPassword = value
	case "max_fee":
		ch.MaxFee, err = parseGwei(value)
	case "confirmations":
		if ch.Confirmations, err = strconv.ParseUint(value, 10, 16); err != nil || ch.Confirmations == 0 {
			return true, fmt.Errorf("%q is not a number from 1 to 65535", value)
		}
	case "replace_after":
		if ch.Patience, err = time.ParseDuration(value); err != nil || ch.Patience <= 0 {
			return true, fmt.Errorf("%q is not a positive duration: write 60s or 5m", value)
		}
	}
	return true, err
}

// parseGwei reads a fee in gwei, such as "50gwei" or "0.5gwei", and returns wei.
func parseGwei(v string) (*big.Int, error) {
	bad := fmt.Errorf("%q is not a fee: write 50gwei or 0.5gwei", v)
	num, ok := strings.CutSuffix(strings.ReplaceAll(v, " ", ""), "gwei")
	whole, part, _ := strings.Cut(num, ".")
	if !ok || len(part) > 9 || whole == "" {
		return nil, bad
	}
	wei, ok := new(big.Int).SetString(whole+part+strings.Repeat("0", 9-len(part)), 10)
	if !ok || wei.Sign() <= 0 || wei.BitLen() > 64 {
		return nil, bad
	}
	return wei, nil
}

// explainIssuing lists what is set, without secrets.
func (ch *ChainConfig) explainIssuing() (out [][2]string) {
	add := func(name, value string, set bool) {
		if set {
			out = append(out, [2]string{name, value})
		}
	}
	add("signer", redactBackend(ch.Signer), ch.Signer != "")
	add("signer_password", "REDACTED", ch.SignerPassword != "")
	if ch.MaxFee != nil {
		add("max_fee", new(big.Rat).SetFrac(ch.MaxFee, big.NewInt(1_000_000_000)).FloatString(9)+" gwei", true)
	}
	add("confirmations", strconv.FormatUint(ch.Confirmations, 10), ch.Confirmations > 0)
	add("replace_after", ch.Patience.String(), ch.Patience > 0)
	return out
}

// checkIssuing refuses a signer that nobody or, by oversight, everybody could spend from.
func (c *Config) checkIssuing() error {
	signer := slices.ContainsFunc(c.Chains, func(ch ChainConfig) bool { return ch.Signer != "" })
	switch {
	case signer && c.Spenders == "nobody":
		return errors.New("passes.who: is nobody although a chain has a signer: say who may spend from it, list or creators")
	case c.Spenders == "list" && len(c.CreatorList) == 0:
		return errors.New("creators.list: is empty while passes.who=list, so nobody could issue passes: list CAIP-10 accounts")
	}
	for _, ch := range c.Chains {
		if strings.HasPrefix(ch.Signer, "keystore:") && ch.SignerPassword == "" {
			return fmt.Errorf("chains.%s.signer_password: is missing: set it, best by %sCHAIN_EIP155_%s_SIGNER_PASSWORD_FILE", ch.ID, envPrefix, ch.ID.Reference)
		}
	}
	return nil
}

// openIssuers opens chains for issuing passes: every EVM chain, by creators' wallets and by the signer where one is set, and the Solana
// chains that have a signer.
func openIssuers(ctx context.Context, cfg *Config, log *slog.Logger) (opts []streamgate.Option, closeAll func(), err error) {
	var closers []func()
	closeAll = func() {
		for _, done := range closers {
			done()
		}
	}
	for _, c := range cfg.Chains {
		if c.ID.Namespace == "solana" && c.Signer == "" {
			continue
		}
		l, done, err := openLedger(ctx, c, log)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("chains.%s: %w", c.ID, err)
		}
		closers, opts = append(closers, done), append(opts, streamgate.WithIssuers(l))
	}
	return opts, closeAll, nil
}

func openLedger(ctx context.Context, c ChainConfig, log *slog.Logger) (pass.Ledger, func(), error) {
	if c.ID.Namespace != "solana" {
		i, err := openIssuer(ctx, c, log)
		if err != nil {
			return nil, nil, err
		}
		return i, i.Close, nil
	}
	key, err := solana.OpenKeyfile(strings.TrimPrefix(c.Signer, "keypair:"))
	if err != nil {
		return nil, nil, fmt.Errorf("signer: %w", err)
	}
	i, err := solana.NewIssuer(solana.Options{RPCURL: c.RPCURL, Chain: c.ID, Logger: log}, key)
	if err != nil {
		return nil, nil, err
	}
	return i, i.Close, nil
}

func openIssuer(ctx context.Context, c ChainConfig, log *slog.Logger) (*evm.Issuer, error) {
	signer, err := openSigner(ctx, c.Issuing)
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	return evm.NewIssuer(evm.IssuerOptions{
		Options: evm.Options{RPCURL: c.RPCURL, Chain: c.ID, Logger: log}, Signer: signer, MaxFee: c.MaxFee, Confirmations: c.Confirmations, Patience: c.Patience,
	})
}

// openSigner returns nil where no signer is set.
func openSigner(ctx context.Context, i Issuing) (evm.Signer, error) {
	scheme, rest, _ := strings.Cut(i.Signer, ":")
	switch scheme {
	case "keystore":
		return evm.OpenKeystore(rest, i.SignerPassword)
	case "awskms":
		key, err := awskms.OpenSigningKey(ctx, i.Signer, nil)
		if err != nil {
			return nil, err
		}
		return evm.NewRemoteSigner(ctx, key)
	}
	return nil, nil
}

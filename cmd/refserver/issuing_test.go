package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"
	"github.com/google/uuid"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/pass"
)

func TestIssuingConfig(t *testing.T) {
	t.Parallel()
	const chain = "chains.eip155:1.rpc_url=http://127.0.0.1:1"
	for want, flags := range map[string][]string{
		"passes.who: is nobody":      {chain, "chains.eip155:1.signer=awskms://a:b@kms/minter?region=r"},
		"nobody could issue passes":  {chain, "passes.who=list"},
		"SIGNER_PASSWORD_FILE":       {chain, "passes.who=creators", "chains.eip155:1.signer=keystore:/k.json"},
		"write keystore:FILE":        {chain, "chains.eip155:1.signer=0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"},
		"is not a fee":               {chain, "chains.eip155:1.max_fee=50"},
		"from 1 to 65535":            {chain, "chains.eip155:1.confirmations=0"},
		"not a positive duration":    {chain, "chains.eip155:1.replace_after=-1s"},
		"write keypair:FILE":         {"chains.solana:mainnet.rpc_url=http://127.0.0.1:1", "chains.solana:mainnet.signer=keystore:x"},
		"has signer alone":           {"chains.solana:mainnet.rpc_url=http://127.0.0.1:1", "chains.solana:mainnet.max_fee=1gwei"},
		"and to issue passes signer": {"chains.eip155:1.sign=http://a.example"},
	} {
		_, err := loadConfig("", nil, flags)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "4c0883a6") {
			t.Errorf("%v: %v, want %q", flags, err, want)
		}
	}
	secret := writeFile(t, "the-password\n")
	c, err := loadConfig("", []string{"STREAMGATE_CHAIN_EIP155_1_SIGNER_PASSWORD_FILE=" + secret},
		[]string{chain, "passes.who=creators", "chains.eip155:1.signer=keystore:/k.json", "chains.eip155:1.max_fee=0.5gwei", "chains.eip155:1.confirmations=7", "chains.eip155:1.replace_after=90s"})
	if err != nil {
		t.Fatal(err)
	}
	if i := c.Chains[0].Issuing; i.SignerPassword != "the-password" || i.MaxFee.Int64() != 500_000_000 || i.Confirmations != 7 || i.Patience != 90*time.Second {
		t.Errorf("%+v", i)
	}
	var b strings.Builder
	if err := c.Explain(&b); err != nil || strings.Contains(b.String(), "the-password") || !strings.Contains(b.String(), "0.500000000 gwei") {
		t.Errorf("explain: %v\n%s", err, b.String())
	}
}

// fund gives an address money on a chain of chaintest.
func fund(t *testing.T, c *chaintest.Chain, address string) {
	t.Helper()
	client, err := ethclient.Dial(c.RPCURL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	from := devchain.Accounts()[2]
	key, err := crypto.HexToECDSA(strings.TrimPrefix(from.PrivateKey, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := client.PendingNonceAt(t.Context(), common.HexToAddress(from.Address))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := new(big.Int).SetString(c.ID.Reference, 10)
	to := common.HexToAddress(address)
	tx, err := ethtypes.SignNewTx(key, ethtypes.LatestSignerForChainID(id), &ethtypes.DynamicFeeTx{
		ChainID: id, Nonce: nonce, To: &to, Value: big.NewInt(params.Ether), Gas: 21_000, GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
	if err == nil {
		err = client.SendTransaction(t.Context(), tx)
	}
	if err == nil {
		_, err = c.Mine(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// issuing makes a service over a database, as one process does: with a handle and an issuer of its own.
func issuing(t *testing.T, c *chaintest.Chain, database string, i Issuing) *pass.Service {
	t.Helper()
	db, err := sqldb.OpenURL(t.Context(), database, sqldb.PostgresOptions{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	i.Confirmations = 2
	issuer, err := openIssuer(t.Context(), ChainConfig{ID: c.ID, RPCURL: c.RPCURL, Issuing: i}, logger(defaultConfig(), os.Stderr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	s, err := pass.New(pass.Options{
		Store: db.Passes(), Ledgers: []pass.Ledger{issuer}, MaySpend: func(auth.Principal) bool { return true }, Interval: 50 * time.Millisecond, MaxOpen: 200,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// confirmed mines until an order that get returns is confirmed.
func confirmed(t *testing.T, c *chaintest.Chain, get func() (pass.Order, error)) pass.Order {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		o, err := get()
		if err != nil {
			t.Fatal(err)
		}
		if o.State == pass.Confirmed {
			return o
		}
		if o.State == pass.Failed || time.Now().After(deadline) {
			t.Fatalf("the %s is %s: %s", o.Act, o.State, o.Reason)
		}
		if _, err := c.Mine(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// keepIssuing runs the services until stop is called or the test ends.
func keepIssuing(t *testing.T, services ...*pass.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, s := range services {
		wg.Go(func() { _ = s.Run(ctx) }) // ctx's own error
	}
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

func keystoreFile(t *testing.T) (Issuing, string) {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	address := crypto.PubkeyToAddress(key.PublicKey)
	text, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: address, PrivateKey: key}, "pw", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "minter.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return Issuing{Signer: "keystore:" + path, SignerPassword: "pw"}, strings.ToLower(address.Hex())
}

var issuingCreator = auth.Principal{Tenant: "default", UserID: "creator", Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: "0x00000000000000000000000000000000000000a1"}}}

// Fifty mints at once through two processes with one key and one database: each order is minted once, each under a number of its own.
func TestTwoProcessesIssueWithOneKey(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "sg.db") },
		"postgres": func() string { return postgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && name == "postgres" {
				t.Skip("starts a server")
			}
			kind := chaintest.Kinds(t)
			c := kind[len(kind)-1].Start(t, chaintest.Options{})
			i, address := keystoreFile(t)
			fund(t, c, address)
			url := database()
			services := []*pass.Service{issuing(t, c, url, i), issuing(t, c, url, i)}
			keepIssuing(t, services...)
			p, err := services[0].Create(t.Context(), issuingCreator, pass.CreatePass{Spec: pass.Spec{Chain: c.ID, Kind: pass.ERC1155, Name: "n", Symbol: "s"}})
			if err != nil {
				t.Fatal(err)
			}
			p = confirmed(t, c, func() (pass.Order, error) { return services[1].Pass(t.Context(), issuingCreator, p.ID) })
			const n = 50
			ids := make([]string, n)
			var wg sync.WaitGroup
			began := time.Now()
			for k := range n {
				wg.Go(func() {
					// Each is asked for twice, of both processes.
					for _, s := range services {
						o, err := s.Mint(t.Context(), issuingCreator, p.ID, pass.MintPass{Grant: pass.Grant{To: "0x00000000000000000000000000000000000000b0"}, Key: fmt.Sprint(k)})
						if err != nil {
							t.Error(err)
							return
						}
						ids[k] = o.ID
					}
				})
			}
			wg.Wait()
			numbers := map[uint64]string{}
			for _, id := range ids {
				o := confirmed(t, c, func() (pass.Order, error) { return services[0].Minting(t.Context(), issuingCreator, p.ID, id) })
				if other := numbers[*o.Nonce]; other != "" {
					t.Errorf("%s and %s have the number %d", other, id, *o.Nonce)
				}
				numbers[*o.Nonce] = id
			}
			t.Logf("%d mints through two processes confirmed in %s", n, time.Since(began).Round(time.Millisecond))
			if got := balance1155(t, c, p.Contract, "0x00000000000000000000000000000000000000b0"); got != n {
				t.Errorf("%d passes are held after %d mints", got, n)
			}
		})
	}
}

// The key stays in a KMS: a stand-in for AWS KMS signs what anvil takes.
func TestIssueWithAKMS(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	srv := servers.LocalKMSFor(t)
	client := kms.New(kms.Options{Region: srv.Region, BaseEndpoint: &srv.URL, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
	})})
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: types.KeySpecEccSecgP256k1, KeyUsage: types.KeyUsageTypeSignVerify})
	if err == nil {
		_, err = client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/minter"), TargetKeyId: made.KeyMetadata.Arn})
	}
	if err != nil {
		t.Fatal(err)
	}
	i := Issuing{Signer: fmt.Sprintf("awskms://AKIATEST:secret@%s/minter?region=%s&insecure=true", strings.TrimPrefix(srv.URL, "http://"), srv.Region)}
	signer, err := openSigner(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	c := chaintest.StartAnvil(t, chaintest.Options{})
	fund(t, c, signer.Address())
	s := issuing(t, c, "sqlite:"+filepath.Join(t.TempDir(), "sg.db"), i)
	keepIssuing(t, s)
	p, err := s.Create(t.Context(), issuingCreator, pass.CreatePass{Spec: pass.Spec{Chain: c.ID, Kind: pass.Subscription, Name: "n", Symbol: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	p = confirmed(t, c, func() (pass.Order, error) { return s.Pass(t.Context(), issuingCreator, p.ID) })
	m, err := s.Mint(t.Context(), issuingCreator, p.ID, pass.MintPass{Grant: pass.Grant{To: signer.Address(), Duration: 3600}})
	if err != nil {
		t.Fatal(err)
	}
	m = confirmed(t, c, func() (pass.Order, error) { return s.Minting(t.Context(), issuingCreator, p.ID, m.ID) })
	if m.Sender != signer.Address() || m.TokenID != "1" {
		t.Errorf("%+v", m)
	}
}

// killing is a ledger that ends its process, as kill -9 does, when it is about to send.
type killing struct{ pass.Ledger }

func (killing) Send(context.Context, []byte) error {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // it does not come here
}

// Not a test by itself: TestKilledWhenAboutToSend runs it as a process of its own.
func TestProcessThatIsKilled(t *testing.T) {
	database, rpc, passID := os.Getenv("SG_TEST_DATABASE"), os.Getenv("SG_TEST_RPC"), os.Getenv("SG_TEST_PASS")
	if database == "" {
		t.Skip("runs within TestKilledWhenAboutToSend")
	}
	db, err := sqldb.OpenURL(t.Context(), database, sqldb.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id := caip.ChainID{Namespace: "eip155", Reference: "31337"}
	issuer, err := openIssuer(t.Context(), ChainConfig{ID: id, RPCURL: rpc, Issuing: Issuing{Signer: os.Getenv("SG_TEST_SIGNER"), SignerPassword: "pw"}}, logger(defaultConfig(), os.Stderr))
	if err != nil {
		t.Fatal(err)
	}
	l := killing{issuer}
	s, err := pass.New(pass.Options{Store: db.Passes(), Ledgers: []pass.Ledger{l}, MaySpend: func(auth.Principal) bool { return true }})
	if err == nil {
		_, err = s.Mint(t.Context(), issuingCreator, passID, pass.MintPass{Grant: pass.Grant{To: "0x00000000000000000000000000000000000000b0"}, Key: "killed"})
	}
	if err == nil {
		err = s.Round(t.Context(), l)
	}
	t.Fatal("the process lives", err)
}

// A process that is killed between storing what it signed and sending it: the next one sends those very bytes.
func TestKilledWhenAboutToSend(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	c := chaintest.StartAnvil(t, chaintest.Options{})
	i, address := keystoreFile(t)
	fund(t, c, address)
	database := "sqlite:" + filepath.Join(t.TempDir(), "sg.db")
	s := issuing(t, c, database, i)
	stop := keepIssuing(t, s)
	p, err := s.Create(t.Context(), issuingCreator, pass.CreatePass{Spec: pass.Spec{Chain: c.ID, Kind: pass.ERC1155, Name: "n", Symbol: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	p = confirmed(t, c, func() (pass.Order, error) { return s.Pass(t.Context(), issuingCreator, p.ID) })
	stop() // or it would be quicker
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessThatIsKilled$")
	child.Env = append(os.Environ(), "SG_TEST_DATABASE="+database, "SG_TEST_RPC="+c.RPCURL, "SG_TEST_PASS="+p.ID, "SG_TEST_SIGNER="+i.Signer)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(exit.String(), "killed") {
		t.Fatalf("the process ended otherwise: %v\n%s", err, out)
	}
	list, _, err := s.List(t.Context(), issuingCreator, p.ID, 0, "")
	if err != nil || len(list) != 1 || list[0].State != pass.Signed || len(list[0].Attempts) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	keepIssuing(t, s)
	done := confirmed(t, c, func() (pass.Order, error) { return s.Minting(t.Context(), issuingCreator, p.ID, list[0].ID) })
	if done.Hash != list[0].Attempts[0].Hash || balance1155(t, c, p.Contract, "0x00000000000000000000000000000000000000b0") != 1 {
		t.Errorf("signed %s, mined %s", list[0].Attempts[0].Hash, done.Hash)
	}
}

func postgresURL(t *testing.T) string {
	t.Helper()
	dsn, err := servers.PostgresFor(t).NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func balance1155(t *testing.T, c *chaintest.Chain, contract, account string) int {
	t.Helper()
	v, err := evm.Dial(t.Context(), evm.Options{RPCURL: c.RPCURL, Chain: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	reply, err := v.Check(t.Context(), nft.Finality{Tag: "latest"}, []nft.Query{{Op: nft.OpBalance1155, Contract: contract, Account: account, TokenID: "1"}})
	if err != nil || reply.Answers[0].Err != nil {
		t.Fatal(err, reply)
	}
	n := 0
	if _, err := fmt.Sscan(reply.Answers[0].Value, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
)

// Config is the server's whole configuration. Every setting has a default, so
// that none is needed.
type Config struct {
	Listen         string
	PublicURL      string
	Data           string
	LogLevel       string
	LogFormat      string
	Chains         []ChainConfig
	Creators       string
	Spenders       string
	CreatorList    []caip.AccountID
	Workers        int
	MaxWorkers     int
	Unsandboxed    bool
	MaxUpload      int64
	Quota          int64
	KeyLead        time.Duration
	GrantTTL       time.Duration
	SegmentCache   int64
	TrustedProxies []netip.Prefix
	OTLPEndpoint   string
	Rules
	Backends

	source map[string]string // setting -> where its value came from
}

// ChainConfig is one EVM chain or Solana cluster. The index is for EVM chains alone, and DASURL, an indexer of
// compressed tokens, for Solana. A chain has either RPCURL or Providers.
type ChainConfig struct {
	ID        caip.ChainID
	RPCURL    string
	WSURL     string
	DASURL    string
	Providers []ProviderConfig
	// NoIndex has every question asked of the chain itself.
	NoIndex bool
	Profile evm.Profile
	Issuing
}

// setting is one row of the configuration: its dotted key in the file, which
// also names its environment variable and its flag.
type setting struct {
	key, doc string
	get      func(*Config) string
	set      func(*Config, string) error
}

// envPrefix starts every environment variable: listen is STREAMGATE_LISTEN, and
// STREAMGATE_LISTEN_FILE names a file that holds its value.
const envPrefix = "STREAMGATE_"

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// settings is every setting but the chains, which are a map of their own.
func settings() []setting {
	text := func(key, doc string, p func(*Config) *string, check func(string) error) setting {
		return setting{key, doc, func(c *Config) string { return *p(c) }, func(c *Config, v string) error {
			if check != nil {
				if err := check(v); err != nil {
					return err
				}
			}
			*p(c) = v
			return nil
		}}
	}
	bytes := func(key, doc string, p func(*Config) *int64) setting {
		return setting{key, doc, func(c *Config) string { return strconv.FormatInt(*p(c), 10) }, func(c *Config, v string) (err error) {
			*p(c), err = parseBytes(v)
			return err
		}}
	}
	span := func(key, doc string, p func(*Config) *time.Duration) setting {
		return setting{key, doc, func(c *Config) string { return p(c).String() }, func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d <= 0 {
				return fmt.Errorf("%q is not a positive duration: write 4s, 15m or 2h", v)
			}
			*p(c) = d
			return nil
		}}
	}
	return append([]setting{
		text("listen", "address to serve HTTP on", func(c *Config) *string { return &c.Listen }, nil),
		text("public_url", "origin that viewers see, https://video.example; sign-in is bound to it (empty: the request's own, for loopback)", func(c *Config) *string { return &c.PublicURL }, checkOrigin),
		text("data", "folder of the database, objects and keys", func(c *Config) *string { return &c.Data }, nil),
		text("log.level", "debug, info, warn or error", func(c *Config) *string { return &c.LogLevel }, oneOf("debug", "info", "warn", "error")),
		text("log.format", "text or json", func(c *Config) *string { return &c.LogFormat }, oneOf("text", "json")),
		text("creators.who", "who may create assets: anyone (signed in), list, or api_key", func(c *Config) *string { return &c.Creators }, oneOf("anyone", "list", "api_key")),
		{"creators.list", "CAIP-10 accounts that may create, with creators.who=list", func(c *Config) string { return join(c.CreatorList) }, func(c *Config, v string) (err error) {
			c.CreatorList, err = splitParse(v, caip.ParseAccountID)
			return err
		}},
		text("passes.who", "whose passes the platform's signers deploy and mint, and pay: nobody, list (creators.list), or creators (whoever may create assets)", func(c *Config) *string { return &c.Spenders }, oneOf("nobody", "list", "creators")),
		{"transcode.max_workers", "up to how many while work waits and the machine has room; 0: no more than transcode.workers", func(c *Config) string { return strconv.Itoa(c.MaxWorkers) }, func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || n > 256 {
				return fmt.Errorf("%q is not a number from 0 to 256", v)
			}
			c.MaxWorkers = n
			return nil
		}},
		{"transcode.workers", "chunks transcoded at a time", func(c *Config) string { return strconv.Itoa(c.Workers) }, func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n > 256 {
				return fmt.Errorf("%q is not a number from 1 to 256", v)
			}
			c.Workers = n
			return nil
		}},
		{"transcode.allow_unsandboxed", "run ffmpeg without a sandbox where none works (dangerous with untrusted media)", func(c *Config) string { return strconv.FormatBool(c.Unsandboxed) }, func(c *Config, v string) (err error) {
			if c.Unsandboxed, err = strconv.ParseBool(v); err != nil {
				return fmt.Errorf("%q is not true or false", v)
			}
			return nil
		}},
		bytes("upload.max_bytes", "largest source file (20GiB, 500MB, a number of bytes)", func(c *Config) *int64 { return &c.MaxUpload }),
		bytes("upload.quota_bytes", "bytes of sources one owner may keep; 0 is no quota", func(c *Config) *int64 { return &c.Quota }),
		span("playback.key_lead", "how long before its time a key is released", func(c *Config) *time.Duration { return &c.KeyLead }),
		span("playback.grant_ttl", "life of a playback grant without renewal", func(c *Config) *time.Duration { return &c.GrantTTL }),
		bytes("playback.segment_cache_bytes", "memory for encrypted segments", func(c *Config) *int64 { return &c.SegmentCache }),
		{"trusted_proxies", "networks whose X-Forwarded-* headers are believed, 10.0.0.0/8", func(c *Config) string { return join(c.TrustedProxies) }, func(c *Config, v string) (err error) {
			c.TrustedProxies, err = splitParse(v, netip.ParsePrefix)
			return err
		}},
		text("telemetry.otlp_endpoint", "host:port of an OTLP gRPC collector for traces (empty: none)", func(c *Config) *string { return &c.OTLPEndpoint }, nil),
	}, append(ruleSettings(), backendSettings()...)...)
}

func defaultConfig() *Config {
	return &Config{
		Listen: "127.0.0.1:8080", Data: "streamgate-data", LogLevel: "info", LogFormat: "text", Creators: "anyone", Spenders: "nobody",
		Workers: 1, MaxUpload: 20 << 30, KeyLead: 4 * time.Second, GrantTTL: 4 * time.Hour, SegmentCache: 256 << 20,
		Rules:    Rules{Metadata: "on"},
		Backends: Backends{Targets: []string{allRoles}, DrainDelay: 2 * time.Second},
		source:   map[string]string{},
	}
}

// loadConfig layers file (may be empty), environment and flags over the
// defaults, later ones winning. Unknown keys are errors that name the nearest known one.
func loadConfig(file string, environ []string, flags []string) (*Config, error) {
	c := defaultConfig()
	rows := map[string]setting{}
	for _, s := range settings() {
		rows[s.key] = s
	}
	apply := func(key, value, source string) error {
		if chain, field, ok := chainKey(key); ok {
			if err := c.setChain(chain, field, value); err != nil {
				return fmt.Errorf("%s: %s: %w", source, key, err)
			}
			c.source[key] = source
			return nil
		}
		s, ok := rows[key]
		if !ok {
			return fmt.Errorf("%s: unknown setting %q%s", source, key, nearest(key, slices.Sorted(maps.Keys(rows))))
		}
		if err := s.set(c, value); err != nil {
			return fmt.Errorf("%s: %s: %w", source, key, err)
		}
		c.source[key] = source
		return nil
	}
	var errs []error
	if file != "" {
		pairs, err := readYAML(file)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			errs = append(errs, apply(p.key, p.value, fmt.Sprintf("%s:%d", file, p.line)))
		}
	}
	errs = append(errs, applyEnv(environ, rows, apply)...)
	for _, f := range flags {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			errs = append(errs, fmt.Errorf("--set %s: write key=value", f))
			continue
		}
		errs = append(errs, apply(key, value, "--set"))
	}
	errs = append(errs, c.check())
	return c, errors.Join(errs...)
}

func applyEnv(environ []string, rows map[string]setting, apply func(k, v, src string) error) (errs []error) {
	byEnv := map[string]string{}
	for k, s := range rows {
		byEnv[s.env()] = k
	}
	sort.Strings(environ)
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		// The scripts of this repository keep their downloads in the folder STREAMGATE_CACHE; an address has a scheme.
		folder := name == envPrefix+"CACHE" && !strings.Contains(value, ":")
		if !strings.HasPrefix(name, envPrefix) || name == envPrefix+"CONFIG" || folder {
			continue
		}
		key, ok := envKey(name, byEnv)
		if plain, isFile := strings.CutSuffix(name, "_FILE"); !ok && isFile {
			if key, ok = envKey(plain, byEnv); ok {
				var err error
				if value, err = secretFile(plain, value, environ); err != nil {
					errs = append(errs, fmt.Errorf("environment %s: %w", name, err))
					continue
				}
			}
		}
		if !ok {
			errs = append(errs, fmt.Errorf("environment: unknown variable %s%s", name, nearest(name, slices.Sorted(maps.Keys(byEnv)))))
			continue
		}
		errs = append(errs, apply(key, value, "environment "+name))
	}
	return errs
}

// envKey is the setting of an environment variable.
func envKey(name string, byEnv map[string]string) (key string, ok bool) {
	if key, ok = byEnv[name]; ok {
		return key, true
	}
	// STREAMGATE_CHAIN_EIP155_1_RPC_URL, STREAMGATE_CHAIN_SOLANA_MAINNET_RPC_URL. A genesis hash keeps its case.
	rest, isChain := strings.CutPrefix(name, envPrefix+"CHAIN_")
	namespace, rest, _ := strings.Cut(rest, "_")
	ref, field, found := strings.Cut(rest, "_")
	if !isChain || !found || strings.HasSuffix(field, "_FILE") || namespace != "EIP155" && namespace != "SOLANA" {
		return "", false
	}
	if ref == strings.ToUpper(ref) && len(ref) < 32 {
		ref = strings.ToLower(ref) // mainnet, devnet, testnet
	}
	chain := "chains." + strings.ToLower(namespace) + ":" + ref
	if key, ok := providerEnv(chain, field); ok {
		return key, true
	}
	return chain + "." + strings.ToLower(field), true
}

// secretFile reads the value of the variable plain from a file, which is how compose and Kubernetes
// hand secrets over.
func secretFile(plain, file string, environ []string) (string, error) {
	if slices.ContainsFunc(environ, func(kv string) bool { return strings.HasPrefix(kv, plain+"=") }) {
		return "", fmt.Errorf("%s is set too: keep one of them", plain)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return strings.TrimRight(string(text), "\r\n"), err
}

func (c *Config) check() error {
	for _, ch := range c.Chains {
		if err := ch.check(); err != nil {
			return err
		}
	}
	if c.Creators == "list" && len(c.CreatorList) == 0 {
		return errors.New("creators.list: is empty while creators.who=list, so nobody could create: list CAIP-10 accounts")
	}
	return errors.Join(c.checkTargets(), c.checkTLS(), c.checkIssuing())
}

// publicURLMissing reports whether strangers can reach a server that does not know its name.
func (c *Config) publicURLMissing() bool {
	if c.PublicURL != "" {
		return false
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// chainKey splits "chains.eip155:1.rpc_url".
func chainKey(key string) (chain, field string, ok bool) {
	rest, ok := strings.CutPrefix(key, "chains.")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return rest, "", true
	}
	return rest[:i], rest[i+1:], true
}

func (c *Config) setChain(chain, field, value string) error {
	chain, provider, several := strings.Cut(chain, ".providers.")
	id, err := caip.ParseChainID(chain)
	if err != nil {
		return err
	}
	if id.Namespace != "eip155" && id.Namespace != "solana" {
		return fmt.Errorf("only eip155 and solana chains can be configured, not %s", id.Namespace)
	}
	if id.Namespace != "solana" && field == "das_url" {
		return errors.New("das_url names an indexer of compressed tokens, which Solana alone has")
	}
	i := slices.IndexFunc(c.Chains, func(x ChainConfig) bool { return x.ID == id })
	if i < 0 {
		i = len(c.Chains)
		c.Chains = append(c.Chains, ChainConfig{ID: id})
	}
	if several {
		return c.Chains[i].setProvider(provider, field, value)
	}
	if field == "index" {
		if id.Namespace != "eip155" {
			return errors.New("a solana chain has no index")
		}
		c.Chains[i].NoIndex = value == "off"
		return oneOf("auto", "off")(value)
	}
	if known, err := c.Chains[i].setProfile(field, value); known {
		return err
	}
	if known, err := c.Chains[i].setIssuing(field, value); known {
		return err
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return errors.New("the value is not a URL") // it may hold a credential: do not print it
	}
	switch field {
	case "rpc_url":
		if u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("rpc_url is an http or https URL")
		}
		c.Chains[i].RPCURL = value
	case "ws_url":
		if u.Scheme != "ws" && u.Scheme != "wss" {
			return errors.New("ws_url is a ws or wss URL")
		}
		c.Chains[i].WSURL = value
	case "das_url":
		if u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("das_url is an http or https URL")
		}
		c.Chains[i].DASURL = value
	default:
		return fmt.Errorf("unknown member %q: a chain has rpc_url and ws_url, or providers, index, block_time, safe_depth and finalized_depth, on solana das_url, and to issue passes %s", field, strings.Join(issuingFields(), ", "))
	}
	return nil
}

// Explain writes every setting with its value, where that came from, its
// environment variable and what it is for. URLs of chains lose their credentials.
func (c *Config) Explain(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "SETTING\tVALUE\tFROM\tENVIRONMENT\tWHAT")
	from := func(key string) string {
		if s := c.source[key]; s != "" {
			return s
		}
		return "default"
	}
	for _, s := range settings() {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", s.key, s.get(c), from(s.key), s.env(), s.doc)
	}
	for _, ch := range c.Chains {
		for _, f := range [][2]string{{"rpc_url", ch.RPCURL}, {"ws_url", ch.WSURL}, {"das_url", ch.DASURL}} {
			if f[1] == "" {
				continue
			}
			key := "chains." + ch.ID.String() + "." + f[0]
			fmt.Fprintf(tw, "%s\t%s\t%s\t\t\n", key, redactURL(f[1]), from(key))
		}
		if key := "chains." + ch.ID.String() + ".index"; ch.ID.Namespace == "eip155" {
			fmt.Fprintf(tw, "%s\t%s\t%s\t\tauto follows the tokens that rules name; off asks the chain each time\n", key, map[bool]string{false: "auto", true: "off"}[ch.NoIndex], from(key))
		}
		ch.explainProfile(tw, from)
		ch.explainProviders(tw, from)
		for _, f := range ch.explainIssuing() {
			key := "chains." + ch.ID.String() + "." + f[0]
			fmt.Fprintf(tw, "%s\t%s\t%s\t\t\n", key, f[1], from(key))
		}
	}
	return tw.Flush()
}

// redactURL keeps scheme and host: paths and queries of RPC URLs carry API keys.
func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "REDACTED"
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return u.Scheme + "://" + u.Host + "/REDACTED"
	}
	return u.Scheme + "://" + u.Host
}

type pair struct {
	key, value string
	line       int
}

// readYAML flattens a YAML mapping to dotted keys; sequences become comma lists.
func readYAML(file string) ([]pair, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var doc yaml.Node
	if err := yaml.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out []pair
	var walk func(prefix string, n *yaml.Node) error
	walk = func(prefix string, n *yaml.Node) error {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i].Value
				if prefix != "" {
					key = prefix + "." + key
				}
				if err := walk(key, n.Content[i+1]); err != nil {
					return err
				}
			}
		case yaml.SequenceNode:
			if strings.HasPrefix(prefix, "chains.") && strings.HasSuffix(prefix, ".providers") {
				return eachProvider(file, prefix, n, walk)
			}
			items := make([]string, len(n.Content))
			for i, c := range n.Content {
				if c.Kind != yaml.ScalarNode {
					return fmt.Errorf("%s:%d: %s: a list holds plain values", file, c.Line, prefix)
				}
				items[i] = c.Value
			}
			out = append(out, pair{prefix, strings.Join(items, ","), n.Line})
		case yaml.ScalarNode:
			out = append(out, pair{prefix, n.Value, n.Line})
		default:
			return fmt.Errorf("%s:%d: %s: aliases are not supported", file, n.Line, prefix)
		}
		return nil
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: the file is a mapping of settings", file, doc.Content[0].Line)
	}
	return out, walk("", doc.Content[0])
}

func oneOf(vals ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(vals, v) {
			return fmt.Errorf("%q is not one of %s", v, strings.Join(vals, ", "))
		}
		return nil
	}
}

func checkOrigin(v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is not an origin: write https://video.example", v)
	}
	return nil
}

func parseBytes(v string) (int64, error) {
	units := []struct {
		suffix string
		n      int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}
	for _, u := range units {
		num, ok := strings.CutSuffix(v, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(num), 10, 64)
		if err != nil || n < 0 || (n > 0 && n > (1<<62)/u.n) {
			break
		}
		return n * u.n, nil
	}
	return 0, fmt.Errorf("%q is not a size: write 20GiB, 500MB or a number of bytes", v)
}

func join[T fmt.Stringer](xs []T) string {
	s := make([]string, len(xs))
	for i, x := range xs {
		s[i] = x.String()
	}
	return strings.Join(s, ",")
}

func splitParse[T any](v string, parse func(string) (T, error)) ([]T, error) {
	var out []T
	for f := range strings.SplitSeq(v, ",") {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		x, err := parse(f)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// nearest suggests the known name with the smallest edit distance, if near enough.
func nearest(s string, known []string) string {
	best, dist := "", len(s)/2+1
	for _, k := range known {
		if d := editDistance(s, k); d < dist {
			best, dist = k, d
		}
	}
	if best == "" {
		return "; `refserver config explain` lists all"
	}
	return "; did you mean " + best + "?"
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := prev
			if a[i-1] != b[j-1] {
				cost++
			}
			prev = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

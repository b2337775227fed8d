package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// ProviderConfig is one of several providers of a chain.
type ProviderConfig struct {
	Name, Operator string
	RPCURL, WSURL  string
	// PerSecond and PerDay bound the calls to it; 0 does not.
	PerSecond float64
	PerDay    int64
	// NoWatch only asks it and does not follow it.
	NoWatch bool
}

// label is what names and operators are made of, so that no URL ends up where names are shown.
var label = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// providerFields are the members of a provider besides its name.
var providerFields = []string{"rpc_url", "ws_url", "operator", "calls_per_second", "calls_per_day", "watch"}

// eachProvider walks a list of providers in the file: each is a mapping with a name, and becomes settings under that name.
func eachProvider(file, prefix string, list *yaml.Node, walk func(string, *yaml.Node) error) error {
	for _, item := range list.Content {
		if item.Kind != yaml.MappingNode {
			return fmt.Errorf("%s:%d: %s: a provider is a mapping with name and rpc_url", file, item.Line, prefix)
		}
		rest := *item
		rest.Content = nil
		name := ""
		for i := 0; i+1 < len(item.Content); i += 2 {
			if item.Content[i].Value == "name" {
				name = item.Content[i+1].Value
				continue
			}
			rest.Content = append(rest.Content, item.Content[i], item.Content[i+1])
		}
		if !label.MatchString(name) {
			return fmt.Errorf("%s:%d: %s: a provider needs a name of a-z, 0-9, dot, dash and underscore", file, item.Line, prefix)
		}
		if err := walk(prefix+"."+name, &rest); err != nil {
			return err
		}
	}
	return nil
}

// providerEnv is the setting of STREAMGATE_CHAIN_EIP155_1_PROVIDERS_ALPHA_RPC_URL, given what follows the chain.
func providerEnv(chain, field string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(field), "providers_")
	if !ok {
		return "", false
	}
	for _, f := range providerFields {
		if name, is := strings.CutSuffix(rest, "_"+f); is {
			return chain + ".providers." + name + "." + f, true
		}
	}
	return "", false
}

func (ch *ChainConfig) setProvider(name, field, value string) error {
	if !label.MatchString(name) {
		return errors.New("the name of a provider is of a-z, 0-9, dot, dash and underscore")
	}
	i := slices.IndexFunc(ch.Providers, func(p ProviderConfig) bool { return p.Name == name })
	if i < 0 {
		i = len(ch.Providers)
		ch.Providers = append(ch.Providers, ProviderConfig{Name: name})
	}
	p := &ch.Providers[i]
	var err error
	switch field {
	case "rpc_url":
		p.RPCURL, err = value, schemeOf(value, "http", "https")
	case "ws_url":
		p.WSURL, err = value, schemeOf(value, "ws", "wss")
	case "operator":
		if p.Operator = value; !label.MatchString(value) {
			err = errors.New("an operator is a name of a-z, 0-9, dot, dash and underscore")
		}
	case "calls_per_second":
		if p.PerSecond, err = strconv.ParseFloat(value, 64); err != nil || !(p.PerSecond > 0 && p.PerSecond <= 1e6) {
			err = fmt.Errorf("%q is not a number of calls above 0", value)
		}
	case "calls_per_day":
		if p.PerDay, err = strconv.ParseInt(value, 10, 64); err != nil || p.PerDay <= 0 {
			err = fmt.Errorf("%q is not a number of calls above 0", value)
		}
	case "watch":
		var watch bool
		if watch, err = strconv.ParseBool(value); err != nil {
			err = fmt.Errorf("%q is not true or false", value)
		}
		p.NoWatch = !watch
	default:
		err = fmt.Errorf("unknown member %q: a provider has name, %s", field, strings.Join(providerFields, ", "))
	}
	return err
}

func schemeOf(raw string, schemes ...string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return fmt.Errorf("the value is not a %s URL", strings.Join(schemes, " or ")) // it may hold a credential: do not print it
	}
	return nil
}

// check refuses a chain that nobody can be asked about.
func (ch *ChainConfig) check() error {
	switch {
	case ch.RPCURL == "" && len(ch.Providers) == 0:
		return fmt.Errorf("chains.%s: rpc_url is missing: set the URL of a JSON-RPC endpoint, or providers", ch.ID)
	case len(ch.Providers) > 0 && (ch.RPCURL != "" || ch.WSURL != ""):
		return fmt.Errorf("chains.%s: has rpc_url or ws_url beside providers: make it one of them", ch.ID)
	}
	watched := len(ch.Providers) == 0
	for _, p := range ch.Providers {
		if p.RPCURL == "" {
			return fmt.Errorf("chains.%s.providers.%s: rpc_url is missing", ch.ID, p.Name)
		}
		watched = watched || !p.NoWatch
	}
	if !watched {
		return fmt.Errorf("chains.%s.providers: watch is false for all, so nobody would hear of a transfer", ch.ID)
	}
	return nil
}

// all returns the chain's providers, one where it is the simple case.
func (ch *ChainConfig) all() []ProviderConfig {
	if len(ch.Providers) > 0 {
		return ch.Providers
	}
	return []ProviderConfig{{Name: "default", RPCURL: ch.RPCURL, WSURL: ch.WSURL}}
}

func (ch *ChainConfig) explainProviders(w io.Writer, from func(string) string) {
	for _, p := range ch.Providers {
		for field, value := range p.values() {
			key := "chains." + ch.ID.String() + ".providers." + p.Name + "." + field
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\n", key, value, from(key))
		}
	}
}

// values yields the members that are set, in a fixed order; URLs lose their credentials.
func (p ProviderConfig) values() func(func(field, value string) bool) {
	return func(yield func(string, string) bool) {
		set := map[string]string{"operator": p.Operator}
		if p.RPCURL != "" {
			set["rpc_url"] = redactURL(p.RPCURL)
		}
		if p.WSURL != "" {
			set["ws_url"] = redactURL(p.WSURL)
		}
		if p.PerSecond > 0 {
			set["calls_per_second"] = strconv.FormatFloat(p.PerSecond, 'f', -1, 64)
		}
		if p.PerDay > 0 {
			set["calls_per_day"] = strconv.FormatInt(p.PerDay, 10)
		}
		if p.NoWatch {
			set["watch"] = "false"
		}
		for _, f := range providerFields {
			if v := set[f]; v != "" && !yield(f, v) {
				return
			}
		}
	}
}

package outbound

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Secrets are the parts of providers' URLs by which they are paid: keys in paths and queries, users and passwords.
type Secrets []string

// SecretsOf returns those of URLs. Anything of four characters or more that could be one counts: a word too many is
// blotted out rather than a key too few.
func SecretsOf(urls ...string) Secrets {
	var out Secrets
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		parts := append(strings.Split(u.Path, "/"), strings.Trim(u.Path, "/"), u.RawQuery, u.User.Username())
		if p, ok := u.User.Password(); ok {
			parts = append(parts, p)
		}
		for _, vs := range u.Query() {
			parts = append(parts, vs...)
		}
		for _, p := range parts {
			if len(p) >= 4 {
				out = append(out, p)
			}
		}
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(out)
}

// Redact bounds text that came from outside to about 200 bytes, drops what would break a log line and blots out the secrets.
func (s Secrets) Redact(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// Package abnf holds the grammar that the sign-in messages of ERC-4361 and of Sign-In With Solana
// share: the rules of RFC 3986 and RFC 3339 that both refer to, and a reader of lines. Packages siwe and
// siws call it; it knows neither message.
package abnf

import (
	"net/netip"
	"strings"
)

// The grammar of RFC 3986 appendix A, as far as sign-in messages refer to it. net/url
// is more lenient (and rewrites), so it cannot be used here.

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isUnreserved(c byte) bool {
	return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}
func isGenDelim(c byte) bool { return strings.IndexByte(":/?#[]@", c) >= 0 }
func isSubDelim(c byte) bool { return strings.IndexByte("!$&'()*+,;=", c) >= 0 }
func isRegName(c byte) bool  { return isUnreserved(c) || isSubDelim(c) }
func isUserinfo(c byte) bool { return isRegName(c) || c == ':' }

// IsPchar is the rule pchar without its percent-encoded triplets.
func IsPchar(c byte) bool { return isUserinfo(c) || c == '@' }
func isPath(c byte) bool  { return IsPchar(c) || c == '/' }
func isQuery(c byte) bool { return isPath(c) || c == '?' }

// Only reports whether s is made of percent-encoded triplets and bytes in set.
func Only(s string, set func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		switch {
		case set(s[i]):
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

// IsScheme is the rule scheme.
func IsScheme(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) && (i == 0 || !isDigit(s[i]) && s[i] != '+' && s[i] != '-' && s[i] != '.') {
			return false
		}
	}
	return s != ""
}

// splitAuthority cuts an authority into its parts; the port keeps its colon.
func splitAuthority(s string) (userinfo, host, port string) {
	if i := strings.IndexByte(s, '@'); i >= 0 {
		userinfo, s = s[:i], s[i+1:]
	}
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		return userinfo, s[:i], s[i:]
	}
	return userinfo, s, ""
}

// HostOf returns the host of a valid authority; it may be empty.
func HostOf(authority string) string {
	_, host, _ := splitAuthority(authority)
	return host
}

// IsAuthority is the rule authority.
func IsAuthority(s string) bool {
	userinfo, host, port := splitAuthority(s)
	for i := range len(port) {
		if i > 0 && !isDigit(port[i]) {
			return false
		}
	}
	return Only(userinfo, isUserinfo) && isHost(host)
}

func isHost(s string) bool {
	inner, ok := strings.CutPrefix(s, "[")
	if !ok {
		return Only(s, isRegName) // IPv4address is a reg-name too
	}
	if inner, ok = strings.CutSuffix(inner, "]"); !ok {
		return false
	}
	if strings.HasPrefix(strings.ToLower(inner), "v") {
		return isIPvFuture(inner[1:])
	}
	a, err := netip.ParseAddr(inner)
	return err == nil && a.Is6() && a.Zone() == ""
}

// isIPvFuture tells of what follows the "v": 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ).
func isIPvFuture(s string) bool {
	version, addr, _ := strings.Cut(s, ".")
	for i := range len(version) {
		if !isHex(version[i]) {
			return false
		}
	}
	return version != "" && addr != "" && !strings.Contains(addr, "%") && Only(addr, isUserinfo)
}

// IsURI reports whether s is a URI, that is, one with a scheme.
func IsURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !IsScheme(scheme) {
		return false
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if !Only(fragment, isQuery) || !Only(query, isQuery) {
		return false
	}
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		rest = ""
		if i := strings.IndexByte(authority, '/'); i >= 0 {
			authority, rest = authority[:i], authority[i:]
		}
		if !IsAuthority(authority) {
			return false
		}
	}
	return Only(rest, isPath)
}

package outbound_test

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/internal/outbound"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	s := outbound.SecretsOf("https://user:password1@node.example/v2/abcd/abcdefgh?key=query-key&x=1", "wss://node.example/ws-key", "://not a URL", "")
	for text, want := range map[string]string{
		"dial https://node.example/v2/abcd/abcdefgh: refused":    "dial https://node.example/[redacted]: refused",
		"unknown key abcdefgh, user password1, query-key ws-key": "unknown key [redacted], [redacted] [redacted], [redacted] [redacted]",
		"?key=query-key&x=1":                   "?[redacted]",
		"two\nlines\x1b[31m and \xff":          "two lines [31m and ?",
		strings.Repeat("x", 300):               strings.Repeat("x", 200) + "...",
		strings.Repeat("x", 195) + "abcdefgh.": strings.Repeat("x", 195) + "[reda...",
	} {
		if got := s.Redact(text); got != want {
			t.Errorf("%q is told as %q, want %q", text, got, want)
		}
	}
}

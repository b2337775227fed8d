package consul_test

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/consul"
	"github.com/streamgate/streamgate/fault"
)

// Whatever stands in a URL, OpenURL refuses it as invalid or takes it, asks nobody, and never shows the token.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"127.0.0.1:8500", "h:8500/?dc=a&check=grpc&every=5s&grace=1s&tls=true", "h:1?every=x", "h:1?%zz", "h", "h:1/path"} {
		f.Add(rest)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const token = "c0rrect-h0rse"
		_, err := consul.OpenURL(t.Context(), "consul://"+token+"@"+rest)
		if err == nil {
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("kind %v: %v", fault.KindOf(err), err)
		}
		if strings.Contains(err.Error(), token) && !strings.Contains(rest, token) {
			t.Fatalf("the token is in %v", err)
		}
	})
}

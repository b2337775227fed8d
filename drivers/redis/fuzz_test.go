package redis

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
)

// Whatever stands in a URL, parse refuses it as invalid or takes it whole, and never shows the password.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"127.0.0.1", "[::1]:6379/3?prefix=a:&timeout=1s", "h/x?timeout=-1s", "h?%zz", "/0", ""} {
		f.Add("rediss", rest)
	}
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		const secret = "c0rrect-h0rse"
		opt, err := parse(scheme + "://user:" + secret + "@" + rest)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			if strings.Contains(err.Error(), secret) && !strings.Contains(scheme+rest, secret) {
				t.Fatalf("the password is in %v", err)
			}
			return
		}
		if opt.Addr == "" || opt.DB < 0 || opt.Timeout < 0 || (opt.TLS != nil) != strings.EqualFold(scheme, "rediss") {
			t.Fatalf("%+v", opt)
		}
	})
}

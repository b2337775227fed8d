package awskms_test

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/awskms"
	"github.com/streamgate/streamgate/fault"
)

// Whatever stands in a URL, OpenURL refuses it as invalid or takes it, asks nobody, and never shows the secret.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"127.0.0.1:8080/alias?region=eu-west-1&insecure=true", "h/a?region=r&create=x", "h/a?region=r&timeout=2s&delete_after_days=7", "h/a?%zz", "h", ""} {
		f.Add(rest)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "c0rrect-h0rse"
		_, err := awskms.OpenURL(t.Context(), "awskms://key:"+secret+"@"+rest, nil)
		if err == nil {
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("kind %v: %v", fault.KindOf(err), err)
		}
		if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
			t.Fatalf("the secret is in %v", err)
		}
	})
}

package s3_test

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/fault"
)

// Whatever stands in a URL, ParseURL refuses it as invalid or takes it whole, and never shows the secret.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"host/bucket", "h:9000/b/p/q?region=eu&keys=hashed&part_size=16MiB&parallel=4", "h/b?tls=0&tls=1", "h", "h/b#x", "h/b?part_size=9999999999GiB", "%"} {
		f.Add(rest)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "c0rrect-h0rse"
		opt, err := s3.ParseURL("s3://key:"+secret+"@"+rest, s3.Options{})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
				t.Fatalf("the secret is in %v", err)
			}
			return
		}
		if opt.Endpoint == "" || opt.Bucket == "" || strings.Contains(opt.Bucket, "/") {
			t.Fatalf("endpoint %q, bucket %q", opt.Endpoint, opt.Bucket)
		}
	})
}

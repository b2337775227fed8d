package media

import (
	"encoding/base64"
	"testing"
)

// FuzzChecksum: what a client writes in Upload-Checksum is read or refused, and what is read
// says the same when written again.
func FuzzChecksum(f *testing.F) {
	f.Add("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
	f.Add("sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	f.Add("md5 AAAA")
	f.Fuzz(func(t *testing.T, v string) {
		algorithm, sum, err := parseChecksum(v)
		if err != nil {
			return
		}
		a, again, err := parseChecksum(algorithm + " " + base64.StdEncoding.EncodeToString(sum))
		if err != nil || a != algorithm || string(again) != string(sum) {
			t.Fatalf("%q: %v", v, err)
		}
	})
}

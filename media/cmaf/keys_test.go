package cmaf_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
)

func contentKeys(t testing.TB, secret, asset string, version int) *cmaf.ContentKeys {
	t.Helper()
	k, err := cmaf.NewContentKeys([]byte(secret), asset, version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const secret = "0123456789abcdef0123456789abcdef"

func ExampleNewContentKeys() {
	k, err := cmaf.NewContentKeys([]byte(secret), "film", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	purpose, epoch, ok := k.Find(k.KID(cmaf.HLS, 7))
	fmt.Println(string(purpose), epoch, ok)
	// Output: h 7 true
}

func TestContentKeysAreDeterministicAndApart(t *testing.T) {
	t.Parallel()
	seen := map[cmaf.Key]string{}
	for _, in := range []struct {
		secret, asset string
		version       int
	}{{secret, "a", 1}, {secret, "a", 2}, {secret, "b", 1}, {secret + "x", "a", 1}, {secret, "a 1", 1}} {
		k, again := contentKeys(t, in.secret, in.asset, in.version), contentKeys(t, in.secret, in.asset, in.version)
		for epoch := range 3 {
			for name, pair := range map[string][2]cmaf.Key{
				"hls":    {k.Key(cmaf.HLS, epoch), again.Key(cmaf.HLS, epoch)},
				"dash":   {k.Key(cmaf.DASH, epoch), again.Key(cmaf.DASH, epoch)},
				"kid h":  {k.KID(cmaf.HLS, epoch), again.KID(cmaf.HLS, epoch)},
				"kid d":  {k.KID(cmaf.DASH, epoch), again.KID(cmaf.DASH, epoch)},
				"iv v":   {k.SegmentIV("v", epoch), again.SegmentIV("v", epoch)},
				"iv a":   {k.SegmentIV("a", epoch), again.SegmentIV("a", epoch)},
				"cbcs v": {k.ConstantIV("v", epoch), again.ConstantIV("v", epoch)},
			} {
				at := fmt.Sprint(in, name, epoch)
				if pair[0] != pair[1] {
					t.Errorf("%s: not deterministic", at)
				}
				if other, dup := seen[pair[0]]; dup {
					t.Errorf("%s equals %s", at, other)
				}
				seen[pair[0]] = at
			}
		}
	}
}

func TestFindRefusesForeignIDs(t *testing.T) {
	t.Parallel()
	k := contentKeys(t, secret, "a", 1)
	if _, _, ok := contentKeys(t, secret, "a", 2).Find(k.KID(cmaf.HLS, 3)); ok {
		t.Error("the id of another version was taken")
	}
	for i := range cmaf.KeySize {
		kid := k.KID(cmaf.DASH, 3)
		kid[i] ^= 1
		if p, e, ok := k.Find(kid); ok {
			t.Errorf("byte %d changed: found %c %d", i, p, e)
		}
	}
	if _, _, ok := k.Find(cmaf.Key{}); ok {
		t.Error("the zero id was taken")
	}
}

func TestNewContentKeysNeedsASecret(t *testing.T) {
	t.Parallel()
	if _, err := cmaf.NewContentKeys(make([]byte, 15), "a", 1); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzFindKID(f *testing.F) {
	k := contentKeys(f, secret, "a", 1)
	f.Add(k.KID(cmaf.HLS, 0).String())
	f.Add(k.KID(cmaf.DASH, 1<<30).String())
	f.Add("00")
	f.Fuzz(func(t *testing.T, text string) {
		kid, err := cmaf.ParseKey(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		p, epoch, ok := k.Find(kid)
		if ok && k.KID(p, epoch) != kid {
			t.Fatalf("%s found as %c %d, which is %s", text, p, epoch, k.KID(p, epoch))
		}
	})
}

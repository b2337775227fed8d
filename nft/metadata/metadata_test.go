package metadata_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/metadata"
)

const gold = `{"name":"x","attributes":[{"trait_type":"Tier","value":"gold"},{"trait_type":"Level","value":7},{"display_type":"number","trait_type":"Open","value":true},
	{"trait_type":"Tier","value":"founder"},{"value":"nameless"},{"trait_type":"Odd","value":{"a":1}},{"trait_type":"None","value":null}]}`

var goldTraits = map[string][]string{"Tier": {"gold", "founder"}, "Level": {"7"}, "Open": {"true"}}

// server answers as f does and gives a client that reaches it, as the guarded one would not.
func server(t *testing.T, f http.HandlerFunc) (base string, client *http.Client) {
	t.Helper()
	s := httptest.NewTLSServer(f)
	t.Cleanup(s.Close)
	return s.URL, s.Client()
}

func TestDataAddresses(t *testing.T) {
	t.Parallel()
	r := metadata.New(metadata.Options{MaxBytes: 4096})
	defer r.Close()
	for name, uri := range map[string]string{
		"base64":           "data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(gold)),
		"without stuffing": "data:application/json;base64," + base64.RawStdEncoding.EncodeToString([]byte(gold)),
		"plain":            "data:application/json;utf8," + gold,
		"escaped":          "data:application/json," + url.PathEscape(gold),
		"percent signs":    `data:application/json;utf8,` + strings.Replace(gold, `"x"`, `"100% x"`, 1),
		"bare":             "data:," + gold,
	} {
		got, err := r.Traits(t.Context(), uri, "")
		if err != nil || !reflect.DeepEqual(got, goldTraits) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, tc := range map[string]struct {
		uri  string
		kind fault.Kind
	}{
		"no comma":        {"data:application/json", fault.Corrupt},
		"not base64":      {"data:application/json;base64,%%%", fault.Corrupt},
		"not JSON":        {"data:application/json,{", fault.Corrupt},
		"an array":        {"data:application/json,[]", fault.Corrupt},
		"nothing":         {"data:,", fault.Corrupt},
		"null":            {"data:,null", fault.Corrupt},
		"too long":        {"data:," + strings.Repeat(" ", 5000), fault.TooLarge},
		"far too long":    {"data:," + strings.Repeat(" ", 50_000), fault.TooLarge},
		"too deep":        {"data:," + `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", fault.TooLarge},
		"attributes text": {`data:,{"attributes":"gold"}`, fault.Corrupt},
		"too many":        {`data:;base64,` + base64.StdEncoding.EncodeToString([]byte(`{"attributes":[`+strings.Repeat("{},", 600)+`{}]}`)), fault.TooLarge},
		"file":            {"file:///etc/passwd", fault.Unsupported},
		"http":            {"http://example.com/1", fault.Unsupported},
		"ipfs":            {"ipfs://bafy/1", fault.Unsupported},
		"empty":           {"", fault.Unsupported},
		"long address":    {"https://a.example/" + strings.Repeat("a", 3000), fault.TooLarge},
		"loopback":        {"https://127.0.0.1:1/", fault.Forbidden},
		"metadata server": {"https://169.254.169.254/latest", fault.Forbidden},
		"user":            {"https://user:pass@1.1.1.1/", fault.Forbidden},
	} {
		if got, err := r.Traits(t.Context(), tc.uri, ""); !errors.Is(err, tc.kind) || got != nil {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tc.kind)
		}
	}
	if got, err := r.Traits(t.Context(), "data:,{}", ""); err != nil || len(got) != 0 || got == nil {
		t.Errorf("no attributes: %v, %v", got, err)
	}
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	id := strings.Repeat("0", 62) + "ff"
	base, client := server(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/gold", "/" + id + ".json":
			fmt.Fprint(w, gold)
		case "/long":
			fmt.Fprint(w, strings.Repeat(" ", 9000))
		case "/slow":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	})
	now := time.Unix(1000, 0)
	r := metadata.New(metadata.Options{Client: client, MaxBytes: 4096, Timeout: 2 * time.Second, TTL: time.Minute, Now: func() time.Time { return now }})
	defer r.Close()
	for range 3 {
		if got, err := r.Traits(t.Context(), base+"/gold", ""); err != nil || !reflect.DeepEqual(got, goldTraits) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests for one document, want 1", n)
	}
	now = now.Add(time.Minute)
	if _, err := r.Traits(t.Context(), base+"/gold", ""); err != nil || asked.Load() != 2 {
		t.Errorf("after its time: %v, %d requests", err, asked.Load())
	}
	if got, err := r.Traits(t.Context(), base+"/{id}.json", "255"); err != nil || len(got) != 3 {
		t.Errorf("the id in the address: %v, %v", got, err)
	}
	if _, err := r.Traits(t.Context(), base+"/{id}.json", "-1"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a token id that is none: %v", err)
	}
	for path, kind := range map[string]fault.Kind{"/none": fault.Unavailable, "/long": fault.TooLarge, "/slow": fault.Unavailable} {
		if got, err := r.Traits(t.Context(), base+path, ""); !errors.Is(err, kind) || got != nil {
			t.Errorf("%s: %v, %v, want %v", path, got, err, kind)
		}
	}
	before := asked.Load()
	if _, err := r.Traits(t.Context(), base+"/none", ""); err == nil || asked.Load() != before+1 {
		t.Errorf("a failure is kept: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Traits(ctx, base+"/slow", ""); !errors.Is(err, fault.Canceled) {
		t.Errorf("a caller who hung up: %v", err)
	}
}

func TestIPFS(t *testing.T) {
	t.Parallel()
	var asked []string
	r := metadata.New(metadata.Options{CacheSize: -1, IPFS: func(_ context.Context, path string, most int64) ([]byte, error) {
		asked = append(asked, path)
		if strings.HasSuffix(path, "gone") {
			return nil, errors.New("no such thing")
		}
		if most != 1<<20 {
			t.Errorf("at most %d bytes", most)
		}
		return []byte(gold), nil
	}})
	defer r.Close()
	for uri, want := range map[string]string{
		"ipfs://bafy/1.json":      "bafy/1.json",
		"ipfs://ipfs/bafy/1.json": "bafy/1.json",
		"IPFS://bafy/a%20b?x=1":   "bafy/a b",
		"ipfs://bafy":             "bafy",
	} {
		asked = nil
		if got, err := r.Traits(t.Context(), uri, ""); err != nil || len(got) != 3 || asked[0] != want {
			t.Errorf("%s: %v, %v, asked for %q", uri, got, err, asked)
		}
	}
	for uri, kind := range map[string]fault.Kind{
		"ipfs://bafy/../etc": fault.Corrupt, "ipfs://": fault.Corrupt, "ipfs://bafy/%zz": fault.Corrupt, "ipfs://bafy/gone": fault.Unavailable,
	} {
		if _, err := r.Traits(t.Context(), uri, ""); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %v", uri, err, kind)
		}
	}
}

// Whatever a contract says, it is traits or an error.
func FuzzTraits(f *testing.F) {
	for _, s := range []string{"data:application/json," + gold, "data:;base64,e30=", "data:,{\"attributes\":[{\"trait_type\":\"\",\"value\":1e400}]}", "ipfs://a/{id}", "https://[::1"} {
		f.Add(s)
	}
	r := metadata.New(metadata.Options{
		Client: &http.Client{Transport: refusing{}},
		IPFS:   func(context.Context, string, int64) ([]byte, error) { return []byte(gold), nil },
	})
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := r.Traits(t.Context(), uri, "7")
		if (err == nil) != (got != nil) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }

func ExampleNew() {
	r := metadata.New(metadata.Options{})
	defer r.Close()
	traits, err := r.Traits(context.Background(), `data:application/json,{"attributes":[{"trait_type":"Tier","value":"gold"}]}`, "")
	if err != nil {
		panic(err)
	}
	fmt.Println(traits["Tier"])
	// Output: [gold]
}

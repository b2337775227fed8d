package keys_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

// fakeTransit is NOT Vault. It answers the few calls of the transit engine that a Master
// needs in the form its documentation gives, since no Vault server can be had here. It
// proves that keys.Master fits such an engine, and nothing about Vault.
type fakeTransit struct {
	mu    sync.Mutex
	keys  []cipher.AEAD // by version from 1 on
	least int           // min_decryption_version
}

type transitBody struct {
	Plaintext  string `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Associated string `json:"associated_data,omitempty"`
	Version    int    `json:"key_version,omitempty"`
	Least      int    `json:"min_decryption_version,omitempty"`
	Latest     int    `json:"latest_version,omitempty"`
}

func (f *fakeTransit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in, out transitBody
	_ = json.NewDecoder(r.Body).Decode(&in)
	aad, _ := base64.StdEncoding.DecodeString(in.Associated)
	fail := func(what string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"errors":[%q]}`, what)
	}
	switch path.Base(path.Dir(r.URL.Path)) + " " + path.Base(r.URL.Path) {
	case "keys sg": // read, or create
		if r.Method == http.MethodPost && len(f.keys) == 0 {
			f.add()
		}
	case "sg rotate":
		f.add()
	case "sg config":
		f.least = max(f.least, in.Least)
	case "encrypt sg":
		if in.Version < max(1, f.least) || in.Version > len(f.keys) {
			fail("requested version for encryption is not allowed")
			return
		}
		plain, _ := base64.StdEncoding.DecodeString(in.Plaintext)
		sealed := f.keys[in.Version-1].Seal(nil, nil, plain, aad)
		out.Ciphertext = fmt.Sprintf("vault:v%d:%s", in.Version, base64.StdEncoding.EncodeToString(sealed))
	case "decrypt sg":
		version, text, _ := strings.Cut(strings.TrimPrefix(in.Ciphertext, "vault:v"), ":")
		n, _ := strconv.Atoi(version)
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil || n < max(1, f.least) || n > len(f.keys) {
			fail("ciphertext or signature version is disallowed by policy (too old)")
			return
		}
		plain, err := f.keys[n-1].Open(nil, nil, sealed, aad)
		if err != nil {
			fail("cipher: message authentication failed")
			return
		}
		out.Plaintext = base64.StdEncoding.EncodeToString(plain)
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	out.Latest = len(f.keys)
	_ = json.NewEncoder(w).Encode(map[string]transitBody{"data": out})
}

func (f *fakeTransit) add() {
	key := make([]byte, 32)
	rand.Read(key)
	block, _ := aes.NewCipher(key)
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	f.keys = append(f.keys, aead)
}

// transit is a keys.Master on the transit engine, as a driver would be. The version is in the
// ciphertext too, where it must be the one the store says.
type transit struct{ url string }

func (m transit) call(ctx context.Context, method, path string, in transitBody) (out transitBody, err error) {
	if err := ctx.Err(); err != nil {
		return out, fault.Wrap(fault.Canceled, "transit", err)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, method, m.url+"/v1/transit/"+path, bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, fault.Wrap(fault.Unavailable, "transit", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return out, fault.Newf(fault.Unavailable, "transit", "status %d", res.StatusCode)
	}
	var wrap struct{ Data transitBody }
	err = json.NewDecoder(res.Body).Decode(&wrap)
	return wrap.Data, err
}

func (m transit) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	n, err := strconv.Atoi(version)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "transit", "not a version")
	}
	out, err := m.call(ctx, http.MethodPost, "encrypt/sg", transitBody{
		Plaintext: base64.StdEncoding.EncodeToString(plain), Associated: base64.StdEncoding.EncodeToString([]byte(scope)), Version: n,
	})
	return []byte(out.Ciphertext), err
}

func (m transit) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	if !bytes.HasPrefix(wrapped, []byte("vault:v"+version+":")) {
		return nil, fault.New(fault.Corrupt, "transit", "wrapped under another version")
	}
	out, err := m.call(ctx, http.MethodPost, "decrypt/sg", transitBody{
		Ciphertext: string(wrapped), Associated: base64.StdEncoding.EncodeToString([]byte(scope)),
	})
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(out.Plaintext)
}

func (m transit) Next(ctx context.Context, from string) (string, error) {
	out, err := m.call(ctx, http.MethodPost, "keys/sg", transitBody{})
	if n, _ := strconv.Atoi(from); err == nil && out.Latest <= n {
		out, err = m.call(ctx, http.MethodPost, "keys/sg/rotate", transitBody{})
	}
	return strconv.Itoa(out.Latest), err
}

func (m transit) Retire(ctx context.Context, version string) error {
	n, err := strconv.Atoi(version)
	if err == nil {
		_, err = m.call(ctx, http.MethodPost, "keys/sg/config", transitBody{Least: n + 1})
	}
	return err
}

func TestMasterFitsATransitEngine(t *testing.T) {
	t.Parallel()
	newTransit := func(t testing.TB) keys.Master {
		srv := httptest.NewServer(&fakeTransit{})
		t.Cleanup(srv.Close)
		return transit{srv.URL}
	}
	t.Run("master", func(t *testing.T) {
		t.Parallel()
		keystest.RunMaster(t, newTransit)
	})
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		keystest.RunShared(t, func(t testing.TB) func() keys.Manager {
			m, store := newTransit(t), keys.NewMemoryScopes()
			return func() keys.Manager { return shared(t, m, store, keys.SharedOptions{Recheck: 20 * time.Millisecond}) }
		})
	})
}

package streamgate_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/sgtest"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

// publicFilm makes an asset that anybody plays, with a storage policy, uploads it and waits until it is ready.
func publicFilm(t *testing.T, kit *sgtest.Kit, where string) string {
	t.Helper()
	owner := kit.Owner()
	status, body := owner.Do("POST", "/v1/assets", map[string]any{"title": "Film", "policy": map[string]any{"public": true, "storage": where}})
	var asset struct{ ID string }
	if err := json.Unmarshal(body, &asset); status != http.StatusCreated || err != nil {
		t.Fatalf("creating: %d %s", status, body)
	}
	const source = "the kit's transcoder does not look at the source"
	req, err := http.NewRequestWithContext(t.Context(), "POST", kit.URL+"/v1/uploads/", strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Length": "48",
		"Upload-Metadata": "asset_id " + base64.StdEncoding.EncodeToString([]byte(asset.ID)),
	} {
		req.Header.Set(k, v)
	}
	res, err := owner.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); res.StatusCode != http.StatusCreated {
		t.Fatalf("uploading: %s %s %v", res.Status, b, err)
	}
	kit.Await(asset.ID, media.Ready)
	return asset.ID
}

func keysOf(t *testing.T, s storage.Store, prefix string) (keys []string) {
	t.Helper()
	infos, err := s.List(t.Context(), prefix, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		keys = append(keys, i.Key)
	}
	return keys
}

// The ciphertext of an asset lives on IPFS when its policy says so: in blocks of a real embedded node.
func TestAnAssetLivesOnIPFSByPolicy(t *testing.T) {
	t.Parallel()
	node, err := ipfs.Open(t.Context(), t.TempDir(), ipfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	first, second := mem.New(), node.Store()
	kit := sgtest.New(t, streamgate.WithStorage(first), streamgate.WithSecondStorage("ipfs", second))
	there, here := publicFilm(t, kit, "ipfs"), publicFilm(t, kit, "")
	for _, id := range []string{there, here} {
		v := kit.SignIn(kit.Wallet(1)).Play(id)
		if err := v.Watch(); v.Status != 200 || err != nil {
			t.Errorf("%s does not play: %+v %v", id, v, err)
		}
	}
	versions := func(id string) string { return media.Scope("default", id) + "/v/" }
	uploads := func(id string) string { return media.Scope("default", id) + "/src/" }
	if n := len(keysOf(t, second, versions(here))) + len(keysOf(t, first, versions(there))); n != 0 {
		t.Errorf("%d objects are in the wrong store", n)
	}
	if len(keysOf(t, first, versions(here))) == 0 || len(keysOf(t, first, uploads(there))) == 0 || len(keysOf(t, second, uploads(there))) != 0 {
		t.Error("sources, and versions without a policy, are not all in the default store")
	}
	stored := keysOf(t, second, versions(there))
	if len(stored) < 2 { // two chunks of the kit's clip
		t.Fatalf("the node holds %q", stored)
	}
	for _, key := range stored {
		root, err := second.Root(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		info, err := second.Stat(t.Context(), key)
		if size, verr := node.Verify(t.Context(), root); err != nil || verr != nil || size != info.Size || info.ETag != root.String() {
			t.Errorf("%s: %d bytes verified of %+v: %v %v", key, size, info, verr, err)
		}
		r, err := second.Get(t.Context(), key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil || strings.Contains(string(b), "moof") || strings.Contains(string(b), "mdat") {
			t.Errorf("%s is not ciphertext: %v", key, err)
		}
	}

	if status, body := kit.Owner().Do("DELETE", "/v1/assets/"+there, nil); status != http.StatusNoContent {
		t.Fatalf("deleting: %d %s", status, body)
	}
	if left := append(keysOf(t, second, ""), keysOf(t, first, media.Scope("default", there)+"/")...); len(left) != 0 {
		t.Errorf("after the deletion there is %q", left)
	}
	if freed, err := node.GC(t.Context()); err != nil || freed.Removed == 0 {
		t.Errorf("its blocks stay: %+v %v", freed, err)
	}
	if v := kit.SignIn(kit.Wallet(1)).Play(here); v.Watch() != nil {
		t.Errorf("the other asset: %+v", v)
	}
}

func TestSecondStorageRefuses(t *testing.T) {
	t.Parallel()
	kit := sgtest.New(t, streamgate.WithSecondStorage("ipfs", mem.New()))
	status, body := kit.Owner().Do("POST", "/v1/assets", map[string]any{"title": "x", "policy": map[string]string{"storage": "s3"}})
	if status != http.StatusBadRequest || !strings.Contains(string(body), "/policy/storage") {
		t.Errorf("a store there is not: %d %s", status, body)
	}
	_, err := streamgate.New(t.Context(), streamgate.WithDataDir(t.TempDir()), streamgate.WithSecondStorage("I P F S", mem.New()))
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a name that cannot be: %v", err)
	}
}

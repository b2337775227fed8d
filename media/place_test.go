package media_test

import (
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

// refused wants an error of kind k that names /policy/storage.
func refused(t *testing.T, what string, err error, k fault.Kind) {
	t.Helper()
	_, fields, _ := fault.Public(err)
	if err == nil || fault.KindOf(err) != k || len(fields) != 1 || fields[0].Pointer != "/policy/storage" || fields[0].Detail == "" {
		t.Errorf("%s: want %s, got %v %v", what, k, err, fields)
	}
}

func TestStorageIsChosenBeforeTheUpload(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	h := newHouse(t, func(o *media.Options) { o.SecondStorage = "ipfs" })
	_, err := h.svc.Create(ctx, ann, media.CreateAsset{Title: "x", Policy: media.Policy{Storage: "s3"}})
	refused(t, "a store there is not", err, fault.Invalid)
	a, err := h.svc.Create(ctx, ann, media.CreateAsset{Title: "x", Policy: media.Policy{Storage: "ipfs"}})
	if err != nil || a.Policy.Storage != "ipfs" {
		t.Fatalf("%+v %v", a, err)
	}
	patch := func(storage string) (media.Asset, error) {
		return h.svc.Patch(ctx, ann, a.ID, media.PatchAsset{Policy: &media.Policy{Storage: storage}})
	}
	for _, step := range []struct{ say, want string }{{"", "ipfs"}, {"default", ""}, {"", ""}, {"ipfs", "ipfs"}} {
		if got, err := patch(step.say); err != nil || got.Policy.Storage != step.want {
			t.Errorf("patched with %q: %q, want %q, %v", step.say, got.Policy.Storage, step.want, err)
		}
	}
	_, err = patch("s3")
	refused(t, "patched with a store there is not", err, fault.Invalid)

	h.begin(a.ID, 9)
	_, err = patch("default")
	refused(t, "once an upload has begun", err, fault.Conflict)
	for _, same := range []string{"", "ipfs"} {
		if got, err := patch(same); err != nil || got.Policy.Storage != "ipfs" {
			t.Errorf("nothing changed: %q %v", got.Policy.Storage, err)
		}
	}
}

func TestWithoutASecondStorageNoneIsChosen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	_, err := h.svc.Create(t.Context(), ann, media.CreateAsset{Title: "x", Policy: media.Policy{Storage: "ipfs"}})
	refused(t, "ipfs", err, fault.Invalid)
	if a, err := h.svc.Create(t.Context(), ann, media.CreateAsset{Title: "x", Policy: media.Policy{Storage: "default"}}); err != nil || a.Policy.Storage != "" {
		t.Errorf("default: %+v %v", a, err)
	}
	for _, name := range []string{"default", "IPFS", "a/b", "a.b", strings.Repeat("a", 33)} {
		opt := h.opt
		opt.SecondStorage = name
		if _, err := media.New(opt); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a second storage named %q: %v", name, err)
		}
	}
}

// A process that lacks the store of a policy writes the asset's objects nowhere rather than to another.
func TestNoObjectGoesToAnotherStoreThanThePolicys(t *testing.T) {
	t.Parallel()
	var tr *troubled
	h := newHouse(t, func(o *media.Options) { o.SecondStorage, tr = "ipfs", trouble(o) })
	a, err := h.svc.Create(t.Context(), ann, media.CreateAsset{Title: "x", Policy: media.Policy{Storage: "ipfs"}})
	if err != nil {
		t.Fatal(err)
	}
	h.upload(a.ID, clip(t, "c.mp4", bars("64x36", "12", 1)...))
	opt := h.opt
	opt.SecondStorage = ""
	if h.svc, err = media.New(opt); err != nil {
		t.Fatal(err)
	}
	h.run()
	for deadline := time.Now().Add(2 * time.Minute); tr.runs.Load() < 2; time.Sleep(10 * time.Millisecond) { // the first has come to nothing
		if time.Now().After(deadline) {
			t.Fatalf("tasks were tried %d times", tr.runs.Load())
		}
	}
	if infos, err := h.objects.List(t.Context(), media.Scope("default", a.ID)+"/v/", "", 0); err != nil || len(infos) != 0 {
		t.Errorf("written to the default store: %v %v", infos, err)
	}
	if now, err := h.svc.Patch(t.Context(), ann, a.ID, media.PatchAsset{Title: ptr("still mine")}); err != nil || now.Policy.Storage != "ipfs" {
		t.Errorf("the rest of the asset can be changed: %+v %v", now, err)
	}
}

func TestStoredIn(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"t/default/a/01ab/v/1/in-ipfs/0011/v360-0-x.m4s": "ipfs",
		"t/default/a/01ab/v/1/0011/v360-0-x.m4s":         "",
		"t/default/a/01ab/v/1/in-ipfs":                   "",
		"t/default/a/01ab/src/1/in-ipfs/0011/part":       "",
		"t/in-ipfs/a/in-ipfs/v/in-ipfs/x/y":              "",
		"x/default/a/01ab/v/1/in-ipfs/0011/v360":         "",
		"":                                               "",
	} {
		if got := media.StoredIn(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

package torture

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// create makes an asset. It is repeated under one idempotency key until it is acknowledged.
func (r *rig) create(ctx context.Context, owner *client, c *clip, gate json.RawMessage, title string) (*asset, error) {
	in := map[string]any{"title": title}
	if gate != nil {
		in["gate"] = gate
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	var made struct{ ID string }
	key := fmt.Sprintf("%s-%d", title, time.Now().UnixNano())
	err = until(ctx, 300*time.Millisecond, func(ctx context.Context) bool {
		a, err := owner.send(ctx, http.MethodPost, "/v1/assets", body, map[string]string{"Idempotency-Key": key})
		return err == nil && a.status == http.StatusCreated && json.Unmarshal(a.body, &made) == nil
	})
	if err != nil {
		return nil, err
	}
	as := &asset{id: made.ID, owner: owner, clip: c, gate: gate != nil}
	r.hist.add(as)
	return as, nil
}

// upload sends the asset's clip by tus, in requests of random length, and goes on where the platform says
// that it is whenever one fails. Each offset told is held against those told before.
func (r *rig) upload(ctx context.Context, a *asset, rnd *rand.Rand) error {
	if err := until(ctx, 300*time.Millisecond, func(ctx context.Context) bool {
		res, err := a.owner.send(ctx, http.MethodPost, "/v1/uploads/", nil, map[string]string{
			"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(len(a.clip.data)),
			"Upload-Metadata": "asset_id " + b64(a.id) + ",filename " + b64(a.clip.name),
		})
		if err != nil || res.status != http.StatusCreated {
			return false
		}
		at, err := url.Parse(res.header.Get("Location"))
		if err != nil {
			return false
		}
		a.upload = at.Path
		return true
	}); err != nil {
		return err
	}
	known := true
	at := int64(0)
	return until(ctx, 10*time.Millisecond, func(ctx context.Context) bool {
		if !known {
			res, err := a.owner.send(ctx, http.MethodHead, a.upload, nil, map[string]string{"Tus-Resumable": "1.0.0"})
			switch {
			case err != nil || res.status >= 500 || res.status == http.StatusTooManyRequests || res.status == http.StatusLocked:
				_ = sleep(ctx, 300*time.Millisecond)
				return false
			case !res.ok():
				r.hist.violate(invKept, a.id, "the upload is gone: %s", res)
				return true
			}
			at, known = res.offset(), true
			r.hist.offset(a, at)
		}
		if at >= int64(len(a.clip.data)) {
			return true
		}
		n := min(int64(16<<10+rnd.IntN(256<<10)), int64(len(a.clip.data))-at)
		res, err := a.owner.send(ctx, http.MethodPatch, a.upload, a.clip.data[at:at+n], map[string]string{
			"Tus-Resumable": "1.0.0", "Upload-Offset": strconv.FormatInt(at, 10), "Content-Type": "application/offset+octet-stream",
		})
		if err != nil || res.status != http.StatusNoContent {
			r.hist.count("uploads_resumed")
			if err == nil && res.status >= 500 {
				r.hist.count("uploads_refused")
			}
			known = false
			return false
		}
		at = res.offset()
		r.hist.offset(a, at)
		return false
	})
}

// status asks for the asset's status, or "" when nobody tells.
func (r *rig) status(ctx context.Context, a *asset) (status, reason string) {
	var v struct{ Status, Reason string }
	res, err := a.owner.call(ctx, http.MethodGet, "/v1/assets/"+a.id, nil, &v)
	switch {
	case err != nil || !res.ok() && res.status != http.StatusNotFound:
		return "", ""
	case res.status == http.StatusNotFound:
		r.hist.violate(invKept, a.id, "the asset is gone: %s", res)
		return "gone", ""
	}
	return v.Status, v.Reason
}

// awaitReady follows the asset until it is ready. An end that is not that breaks the promise of its upload.
func (r *rig) awaitReady(ctx context.Context, a *asset) error {
	ready := false
	err := until(ctx, 250*time.Millisecond, func(ctx context.Context) bool {
		status, reason := r.status(ctx, a)
		switch status {
		case "ready":
			ready = true
		case "failed":
			r.hist.violate(invKept, a.id, "the video failed: %s", reason)
		case "gone":
		default:
			return false
		}
		return true
	})
	if err == nil && !ready {
		err = fmt.Errorf("asset %s did not become ready", a.id)
	}
	if err == nil {
		r.hist.isReady(a)
	}
	return err
}

// remove deletes an asset until that is acknowledged.
func (r *rig) remove(ctx context.Context, a *asset) error {
	r.hist.mu.Lock()
	a.deleting = true
	r.hist.mu.Unlock()
	return until(ctx, 300*time.Millisecond, func(ctx context.Context) bool {
		res, err := a.owner.send(ctx, http.MethodDelete, "/v1/assets/"+a.id, nil, nil)
		if err != nil || (!res.ok() && res.status != http.StatusNotFound) {
			return false
		}
		r.hist.mu.Lock()
		defer r.hist.mu.Unlock()
		a.deleted = time.Now()
		r.hist.counts["deleted"]++
		return true
	})
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

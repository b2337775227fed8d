package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/nft/rule"
)

// assetView is an asset as one caller sees it.
type assetView struct {
	media.Asset
	// Mine tells that the caller owns it.
	Mine bool `json:"mine"`
	// GateSentence is the gate as one English sentence.
	GateSentence string `json:"gate_sentence,omitempty"`
}

func viewOf(as media.Asset, who auth.Principal) assetView {
	v := assetView{Asset: as, Mine: owns(who, as)}
	if !v.Mine {
		v.Reason = "" // what was wrong with the owner's file is for the owner
	}
	if len(as.Gate) > 0 {
		if r, err := rule.Parse(as.Gate); err == nil {
			v.GateSentence = r.Sentence()
		}
	}
	return v
}

func owns(who auth.Principal, as media.Asset) bool { return who.UserID != "" && who.UserID == as.Owner }

// visible tells who may see that an asset exists: its owner always, everyone
// else once there is something to play.
func visible(who auth.Principal, as media.Asset) bool {
	return owns(who, as) || as.Status == media.Playable || as.Status == media.Ready
}

// assetFor reads an asset that the caller may see.
func (a *api) assetFor(q *request, id string) (media.Asset, error) {
	as, err := a.Assets.Get(q.r.Context(), q.tenant, id)
	if err != nil {
		return as, err
	}
	if !visible(q.who, as) {
		return as, fault.New(fault.NotFound, "httpapi.asset", "There is no such asset, or it is not ready to be seen yet.")
	}
	return as, nil
}

func (a *api) createAsset(q *request) error {
	body, err := a.readBody(q.w, q.r)
	if err != nil {
		return err
	}
	key := idempotencyKey{q.tenant, q.who.UserID, q.r.Header.Get("Idempotency-Key")}
	status, answer, replayed, err := a.once.do(q.r.Context(), key, body, func() (int, []byte, error) {
		var in media.CreateAsset
		if err := decodeStrict(body, &in); err != nil {
			return 0, nil, err
		}
		as, err := a.Media.Create(q.r.Context(), q.who, in)
		if err != nil {
			return 0, nil, err
		}
		b, err := json.Marshal(viewOf(as, q.who))
		if err != nil {
			return 0, nil, fault.Wrap(fault.Internal, "httpapi.createAsset", err)
		}
		q.w.Header().Set("Location", "/v1/assets/"+as.ID)
		return http.StatusCreated, b, nil
	})
	if err != nil {
		return err
	}
	if replayed {
		q.w.Header().Set("Idempotency-Replayed", "true")
	}
	q.raw(status, "application/json", answer)
	return nil
}

func (a *api) listAssets(q *request) error {
	query := q.r.URL.Query()
	opt := media.ListOptions{Query: query.Get("q"), Cursor: query.Get("cursor")}
	bad := fault.New(fault.Invalid, "httpapi.listAssets", "The query is not valid.")
	for name := range query {
		switch name {
		case "q", "cursor", "limit", "owner":
		default:
			bad.With(name, "unknown parameter; known are q, owner, limit, cursor")
		}
	}
	if s := query.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 200 {
			bad.With("limit", "a number from 1 to 200")
		}
		opt.Limit = n
	}
	switch owner := query.Get("owner"); owner {
	case "":
	case "me":
		if q.who.UserID == "" {
			return fault.New(fault.Unauthenticated, "httpapi.listAssets", "Sign in to list your own assets.")
		}
		opt.Owner = q.who.UserID
	default:
		opt.Owner = owner
	}
	if len(opt.Query) > 200 {
		bad.With("q", "at most 200 bytes")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	list, next, err := a.Media.List(q.r.Context(), q.tenant, opt)
	if err != nil {
		return err
	}
	// What others have not finished is left out here, so a page may be shorter
	// than the limit; only next_cursor tells whether there is more.
	out := make([]assetView, 0, len(list))
	for _, as := range list {
		if visible(q.who, as) {
			out = append(out, viewOf(as, q.who))
		}
	}
	return q.json(http.StatusOK, struct {
		Assets     []assetView `json:"assets"`
		NextCursor string      `json:"next_cursor,omitempty"`
	}{out, next})
}

func (a *api) getAsset(q *request) error {
	as, err := a.assetFor(q, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, viewOf(as, q.who))
}

func (a *api) patchAsset(q *request) error {
	var in media.PatchAsset
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	id := q.r.PathValue("id")
	if _, err := a.assetFor(q, id); err != nil {
		return err
	}
	as, err := a.Media.Patch(q.r.Context(), q.who, id, in)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, viewOf(as, q.who))
}

func (a *api) deleteAsset(q *request) error {
	id := q.r.PathValue("id")
	if _, err := a.assetFor(q, id); err != nil {
		return err
	}
	if err := a.Media.Delete(q.r.Context(), q.who, id); err != nil {
		return err
	}
	return q.noContent()
}

func (a *api) upload(q *request) error {
	// An upload of many gigabytes outlives any server-wide deadline; the upload
	// handler bounds the silence between chunks itself.
	a.uploads.ServeHTTP(q.w, q.r)
	return nil
}

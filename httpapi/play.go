package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
)

// maxLicenseRequest bounds a ClearKey request: a few dozen key ids are ample.
const maxLicenseRequest = 16 << 10

// viewing is a grant with the addresses a player needs.
type viewing struct {
	playback.Grant
	HLSURL     string `json:"hls_url"`
	DASHURL    string `json:"dash_url"`
	LicenseURL string `json:"license_url"`
	EventsURL  string `json:"events_url"`
	RenewURL   string `json:"renew_url"`
	// CloseURL takes DELETE when the viewer leaves.
	CloseURL string `json:"close_url"`
}

func viewingOf(g playback.Grant) viewing {
	base := "/v1/play/" + g.Token
	return viewing{g, base + "/hls/master.m3u8", base + "/dash/manifest.mpd", base + "/license", base + "/events", base + "/renew", base}
}

func (a *api) openPlayback(q *request) error {
	ctx := q.r.Context()
	as, err := a.assetFor(q, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	q.who.Tenant = q.tenant // the zero Principal of an anonymous viewer has none
	g, err := a.Playback.Open(ctx, q.who, as.ID)
	var denied *playback.Denied
	if errors.As(err, &denied) {
		a.telemetry.decided(ctx, denied.Decision.Outcome.String(), denied.Decision.Reason)
	}
	if err != nil {
		return err
	}
	a.telemetry.decided(ctx, nft.Yes.String(), g.Decision.Reason)
	return q.json(http.StatusOK, viewingOf(g))
}

func (a *api) playHLS(q *request) error {
	res, err := a.Playback.HLS(q.r.Context(), q.r.PathValue("token"), q.r.PathValue("name"))
	return q.resource(res, err)
}

func (a *api) playDASH(q *request) error {
	res, err := a.Playback.DASH(q.r.Context(), q.r.PathValue("token"))
	return q.resource(res, err)
}

func (a *api) playKey(q *request) error {
	key, err := a.Playback.Key(q.r.Context(), q.r.PathValue("token"), q.r.PathValue("kid"))
	if err != nil {
		return err
	}
	q.raw(http.StatusOK, "application/octet-stream", key)
	return nil
}

func (a *api) playLicense(q *request) error {
	// No Content-Type is asked for: shaka sends none.
	in, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxLicenseRequest))
	if err != nil {
		return &fault.Error{Kind: fault.TooLarge, Op: "httpapi.playLicense", Msg: "The licence request is too large.", Err: err}
	}
	out, err := a.Playback.License(q.r.Context(), q.r.PathValue("token"), in)
	if err != nil {
		return err
	}
	q.raw(http.StatusOK, "application/json", out)
	return nil
}

func (a *api) playRenew(q *request) error {
	g, err := a.Playback.Renew(q.r.Context(), q.r.PathValue("token"))
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, viewingOf(g))
}

func (a *api) playClose(q *request) error {
	if err := a.Playback.Close(q.r.Context(), q.r.PathValue("token")); err != nil {
		return err
	}
	return q.noContent()
}

func (a *api) mediaSegment(q *request) error {
	version, err := strconv.Atoi(q.r.PathValue("version"))
	if err != nil || version < 1 {
		return fault.New(fault.NotFound, "httpapi.media", "There is no such media version.")
	}
	res, err := a.Playback.Media(q.r.Context(), q.r.PathValue("asset"), version, q.r.PathValue("track"), q.r.PathValue("name"))
	return q.resource(res, err)
}

// resource answers with what playback made. Immutable bytes may be kept by
// anyone for a year; everything else is one viewer's and is not kept at all.
func (q *request) resource(res playback.Resource, err error) error {
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", res.ContentType)
	if res.ETag != "" {
		h.Set("ETag", res.ETag)
	}
	if !res.Immutable {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if wt, ok := res.Body.(io.WriterTo); ok && whole(q.r) {
		// The plain case, a player's: one write of the whole body, without the
		// copying that ServeContent needs for ranges.
		h.Set("Content-Length", strconv.FormatInt(res.Size, 10))
		q.w.WriteHeader(http.StatusOK)
		if q.r.Method != http.MethodHead {
			_, _ = wt.WriteTo(q.w) // a failed write means that the client has gone
		}
		return nil
	}
	http.ServeContent(q.w, q.r, "", time.Time{}, res.Body)
	return nil
}

// whole reports whether r asks for all of a thing, unconditionally.
func whole(r *http.Request) bool {
	h := r.Header
	return h["Range"] == nil && h["If-None-Match"] == nil && h["If-Match"] == nil && h["If-Range"] == nil
}

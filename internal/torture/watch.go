package torture

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// viewing is an open grant.
type viewing struct {
	Token   string `json:"token"`
	HLS     string `json:"hls_url"`
	AssetID string `json:"asset_id"`
}

// open asks to play. A refusal is the answer.
func (c *client) open(ctx context.Context, assetID string) (viewing, answer, error) {
	var v viewing
	a, err := c.call(ctx, http.MethodPost, "/v1/assets/"+assetID+"/playback", struct{}{}, &v)
	return v, a, err
}

// errUnavailable is what a platform that is being hurt may say of what it has.
var errUnavailable = errors.New("unavailable")

// fetch gets what must be there: it comes back while the platform is unavailable, until ctx ends.
func fetch(ctx context.Context, c *client, at string) ([]byte, error) {
	var last error
	var body []byte
	err := until(ctx, 200*time.Millisecond, func(ctx context.Context) bool {
		a, err := c.once(ctx, http.MethodGet, at, "", nil, nil)
		switch {
		case err != nil:
			last = err
		case a.ok():
			body, last = a.body, nil
			return true
		case a.status >= 500 && a.code() != "corrupt" && a.code() != "internal", a.status == http.StatusTooManyRequests:
			last = errors.New(a.String())
		case a.status >= 500: // it may be the fault's doing, for a while
			last = fmt.Errorf("GET %s: %s", redact(at), a)
		default:
			last = fmt.Errorf("GET %s: %s", redact(at), a)
			return true
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnavailable, last)
	}
	return body, last
}

// redact keeps a grant's token out of what is printed.
func redact(at string) string {
	if rest, ok := strings.CutPrefix(at, "/v1/play/"); ok {
		_, name, _ := strings.Cut(rest, "/")
		return "/v1/play/TOKEN/" + name
	}
	return at
}

// playlist is what a media playlist names.
type playlist struct {
	init     string
	segments []segment
}

type segment struct {
	uri, key string
	iv       [16]byte
}

// resolve reads a URI of a playlist at base.
func resolve(base, uri string) string {
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	return path.Join(path.Dir(base), uri)
}

// attribute returns the quoted or plain value of an attribute list (RFC 8216 4.2).
func attribute(line, name string) string {
	_, v, ok := strings.Cut(line, name+"=")
	if !ok {
		return ""
	}
	if q, ok := strings.CutPrefix(v, `"`); ok {
		v, _, _ = strings.Cut(q, `"`)
		return v
	}
	v, _, _ = strings.Cut(v, ",")
	return v
}

// lists returns the media playlists that a master playlist names.
func lists(master []byte, at string) (video, audio []string) {
	for line := range strings.Lines(string(master)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MEDIA:") && strings.Contains(line, "TYPE=AUDIO"):
			audio = append(audio, resolve(at, attribute(line, "URI")))
		case line != "" && !strings.HasPrefix(line, "#"):
			video = append(video, resolve(at, line))
		}
	}
	return video, audio
}

// parsePlaylist reads a media playlist of AES-128 segments.
func parsePlaylist(text []byte, at string) (p playlist, err error) {
	var s segment
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MAP:"):
			p.init = resolve(at, attribute(line, "URI"))
		case strings.HasPrefix(line, "#EXT-X-KEY:"):
			if m := attribute(line, "METHOD"); m != "AES-128" {
				return p, fmt.Errorf("a key of method %q", m)
			}
			iv, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(attribute(line, "IV")), "0x"))
			if err != nil || len(iv) != 16 {
				return p, fmt.Errorf("a key without a whole IV: %s", line)
			}
			s.key, s.iv = resolve(at, attribute(line, "URI")), [16]byte(iv)
		case line != "" && !strings.HasPrefix(line, "#"):
			s.uri = resolve(at, line)
			p.segments = append(p.segments, s)
		}
	}
	if p.init == "" || len(p.segments) == 0 || s.key == "" {
		return p, errors.New("a playlist without init segment, segments or key")
	}
	return p, nil
}

// decrypt undoes AES-128-CBC with PKCS #7 padding (RFC 8216 4.3.2.4).
func decrypt(b, key []byte, iv [16]byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("a segment of %d bytes", len(b))
	}
	out := make([]byte, len(b))
	cipher.NewCBCDecrypter(block, iv[:]).CryptBlocks(out, b)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(out[len(out)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errors.New("the padding is wrong: not this key")
	}
	return out[:len(out)-pad], nil
}

// samples counts the samples of a clear segment, which must be whole fragments.
func samples(b []byte) (n int, err error) {
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	for _, s := range f.Segments {
		for _, fr := range s.Fragments {
			if fr.Mdat == nil || len(fr.Moof.Trafs) != 1 {
				return 0, errors.New("a fragment without media")
			}
			for _, run := range fr.Moof.Traf.Truns {
				n += int(run.SampleCount())
			}
		}
	}
	if n == 0 {
		return 0, errors.New("a segment without samples")
	}
	return n, nil
}

// viewer fetches a viewing whole or in part, each key once.
type viewer struct {
	c    *client
	keys map[string][]byte
}

// track plays one media playlist up to most segments, 0 for all of them, and returns the samples in it.
func (v *viewer) track(ctx context.Context, at string, most int) (n int, err error) {
	text, err := fetch(ctx, v.c, at)
	if err != nil {
		return 0, err
	}
	p, err := parsePlaylist(text, at)
	if err != nil {
		return 0, err
	}
	head, err := fetch(ctx, v.c, p.init)
	if err != nil {
		return 0, err
	}
	if len(head) < 8 || string(head[4:8]) != "ftyp" {
		return 0, errors.New("an init segment that is none")
	}
	for i, s := range p.segments {
		if most > 0 && i >= most {
			break
		}
		key, ok := v.keys[s.key]
		if !ok {
			if key, err = fetch(ctx, v.c, s.key); err != nil {
				return n, err
			}
			v.keys[s.key] = key
		}
		b, err := fetch(ctx, v.c, s.uri)
		if err != nil {
			return n, err
		}
		clear, err := decrypt(b, key, s.iv)
		if err != nil {
			return n, fmt.Errorf("%s: %w", s.uri, err)
		}
		m, err := samples(clear)
		if err != nil {
			return n, fmt.Errorf("%s: %w", s.uri, err)
		}
		n += m
	}
	return n, nil
}

// play opens the asset as c and plays all renditions, or the first two segments of one, and checks
// that what comes is media of the right length. errUnavailable within the error means that the platform did not say.
func (r *rig) play(ctx context.Context, c *client, a *asset, whole bool) error {
	var v viewing
	var last answer
	if err := until(ctx, 300*time.Millisecond, func(ctx context.Context) bool {
		var err error
		v, last, err = c.open(ctx, a.id)
		return err == nil && (last.ok() || last.status == http.StatusNotFound || last.status == http.StatusForbidden)
	}); err != nil {
		return fmt.Errorf("%w: opening: %s", errUnavailable, last)
	}
	if !last.ok() {
		return fmt.Errorf("opening: %s", last)
	}
	master, err := fetch(ctx, c, v.HLS)
	if err != nil {
		return err
	}
	video, audio := lists(master, v.HLS)
	if len(video) == 0 || len(audio) == 0 {
		return fmt.Errorf("a master playlist with %d pictures and %d sounds", len(video), len(audio))
	}
	w := &viewer{c, map[string][]byte{}}
	if !whole {
		_, err := w.track(ctx, video[0], 2)
		return err
	}
	for _, at := range video {
		n, err := w.track(ctx, at, 0)
		if err != nil {
			return err
		}
		if n != a.clip.frames {
			return fmt.Errorf("rendition %s has %d frames of %d", path.Base(at), n, a.clip.frames)
		}
	}
	for _, at := range audio {
		if _, err := w.track(ctx, at, 0); err != nil {
			return err
		}
	}
	return nil
}

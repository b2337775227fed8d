// Package web is the embedded web app: its built files and a handler for them.
// httpapi mounts it for every path that is not the API's. The sources are in src and
// the committed result of `npm run build` in dist, so that users of the module
// need no Node. It knows nothing of the platform behind the API.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:dist
var dist embed.FS

// CSP is the Content-Security-Policy of the page. Media and workers come from
// blobs because the players make them so; wallet icons are data URIs (EIP-6963).
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Files returns the built app, index.html at its root.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }

// asset is one built file, ready to be sent.
type asset struct {
	body        []byte
	contentType string
	etag        string
	immutable   bool
	gzipOnce    sync.Once
	gzipped     []byte
}

// Handler serves the app. Files under /app/ carry a hash in their name and
// are immutable; any other path gets index.html, since the app routes by path.
func Handler() (http.Handler, error) {
	files, err := Files()
	if err != nil {
		return nil, err
	}
	assets := map[string]*asset{}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		assets["/"+name] = &asset{body: b, contentType: contentType(name), etag: `"` + hex.EncodeToString(sum[:12]) + `"`, immutable: strings.HasPrefix(name, "app/")}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := assets[r.URL.Path]
		if !ok && path.Ext(r.URL.Path) != "" {
			// Never the page in place of a script: a stale page must see that its build is gone.
			http.NotFound(w, r)
			return
		}
		if !ok {
			f = assets["/index.html"]
		}
		f.serve(w, r)
	}), nil
}

func (f *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", CSP)
		h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups") // wallets open popups
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("X-Frame-Options", "DENY")
	}
	body := f.body
	if len(body) > 1024 && acceptsGzip(r) {
		f.gzipOnce.Do(func() {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(f.body) // a bytes.Buffer takes everything
			_ = z.Close()
			f.gzipped = b.Bytes()
		})
		body = f.gzipped
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gz"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}

// contentType does not ask the system's tables: they differ between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return mime.TypeByExtension(path.Ext(name))
}

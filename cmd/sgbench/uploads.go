package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/media"
)

// measureUploads has each platform take the same clip by tus, and waits until it plays.
func measureUploads(ctx context.Context, c config, g *ground, clip string, platforms []*contestant, out io.Writer) error {
	body, err := os.ReadFile(clip)
	if err != nil {
		return err
	}
	rates, waits := make([][]float64, len(platforms)), make([][]float64, len(platforms))
	for range c.rounds {
		for i, p := range platforms {
			sent, plays, err := p.visitors[0].upload(ctx, body)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rates[i] = append(rates[i], float64(len(body))/1e6/sent.Seconds())
			waits[i] = append(waits[i], plays.Seconds())
		}
	}
	fmt.Fprintf(out, "Upload of a clip of %d s and %.1f MB by tus, in one request after its creation, and how long after its end the video plays (asked every 20 ms), medians of %d:\n\n",
		c.clip, float64(len(body))/1e6, c.rounds)
	fmt.Fprintln(out, "| platform | upload MB/s | plays after s |\n|---|---|---|")
	for i, p := range platforms {
		fmt.Fprintf(out, "| %s | %.1f | %.2f |\n", p.name, median(rates[i]), median(waits[i]))
	}
	fmt.Fprintf(out, "| nine / one | %.2f | %.2f |\n\n", median(rates[1])/median(rates[0]), median(waits[1])/median(waits[0]))
	return nil
}

// upload makes an asset, uploads body, waits until it plays and deletes it.
func (v *visitor) upload(ctx context.Context, body []byte) (sent, plays time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var asset media.Asset
	if err := v.post(ctx, "/v1/assets", map[string]string{"title": "Bench"}, &asset); err != nil {
		return 0, 0, err
	}
	path := "/v1/assets/" + asset.ID
	defer func() {
		_, e := v.send(context.WithoutCancel(ctx), http.MethodDelete, path, nil, nil, nil)
		err = errors.Join(err, e)
	}()
	begin := time.Now()
	made, err := v.send(ctx, http.MethodPost, "/v1/uploads", nil, map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(len(body)), "Upload-Metadata": "asset_id " + base64.StdEncoding.EncodeToString([]byte(asset.ID)),
	}, nil)
	if err != nil {
		return 0, 0, err
	}
	_, err = v.send(ctx, http.MethodPatch, strings.TrimPrefix(made.Get("Location"), v.url), bytes.NewReader(body), map[string]string{
		"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream",
	}, nil)
	if err != nil {
		return 0, 0, err
	}
	end := time.Now()
	for poll := time.NewTicker(20 * time.Millisecond); ; {
		if _, err := v.send(ctx, http.MethodGet, path, nil, nil, &asset); err != nil {
			return 0, 0, err
		}
		switch asset.Status {
		case media.Playable, media.Ready:
			poll.Stop()
			return end.Sub(begin), time.Since(end), nil
		case media.Failed:
			return 0, 0, errors.New(asset.Reason)
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-poll.C:
		}
	}
}

// Command playlist writes an encrypted HLS presentation's playlists with package
// hls alone: no server, no database, no chain. It prints both to standard output.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/streamgate/streamgate/hls"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	err := hls.WriteMultivariant(w, hls.Multivariant{
		IndependentSegments: true,
		Audio:               []hls.Audio{{Group: "aud", Name: "English", Language: "en", URI: "audio.m3u8", Default: true, Channels: 2}},
		Variants: []hls.Variant{
			{URI: "720p.m3u8", Bandwidth: 3_100_000, AverageBandwidth: 2_600_000, Codecs: []string{"avc1.64001f", "mp4a.40.2"}, Width: 1280, Height: 720, FrameRate: 24, AudioGroup: "aud"},
			{URI: "360p.m3u8", Bandwidth: 800_000, AverageBandwidth: 650_000, Codecs: []string{"avc1.4d401e", "mp4a.40.2"}, Width: 640, Height: 360, FrameRate: 24, AudioGroup: "aud"},
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w)
	media := hls.Media{Map: "720p/init.mp4", IndependentSegments: true}
	for epoch := range 3 {
		media.Segments = append(media.Segments, hls.Segment{
			URI: fmt.Sprintf("720p/%d.m4s", epoch), Duration: 4 * time.Second,
			// a key each: revoking a viewer means not answering for the next one
			Key: &hls.Key{Method: "AES-128", URI: fmt.Sprintf("key/%d", epoch), IV: []byte{15: byte(epoch)}},
		})
	}
	return hls.WriteMedia(w, media)
}

package hls

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grafov/m3u8"

	"github.com/streamgate/streamgate/fault"
)

// version 7 is the least that has EXT-X-MAP outside I-frame playlists together
// with everything else written here (RFC 8216 7).
const version = 7

// WriteMultivariant writes m. Input that cannot be written is fault.Invalid and
// nothing is written then. The same input gives the same bytes.
func WriteMultivariant(w io.Writer, m Multivariant) error {
	if err := m.check(); err != nil {
		return err
	}
	p := m3u8.NewMasterPlaylist()
	p.SetIndependentSegments(m.IndependentSegments)
	alternatives := map[string][]*m3u8.Alternative{}
	channels := map[string]int{}
	for _, a := range m.Audio {
		alternatives[a.Group] = append(alternatives[a.Group], &m3u8.Alternative{
			GroupId: a.Group, Type: "AUDIO", Name: a.Name, URI: a.URI, Language: a.Language, Default: a.Default, Autoselect: "YES",
		})
		channels[a.URI] = a.Channels
	}
	for _, v := range m.Variants {
		resolution := ""
		if v.Width > 0 && v.Height > 0 {
			resolution = fmt.Sprintf("%dx%d", v.Width, v.Height)
		}
		p.Append(v.URI, nil, m3u8.VariantParams{
			Bandwidth: uint32(v.Bandwidth), AverageBandwidth: uint32(v.AverageBandwidth), Codecs: strings.Join(v.Codecs, ","),
			Resolution: resolution, FrameRate: v.FrameRate, Audio: v.AudioGroup, Alternatives: alternatives[v.AudioGroup],
			// Without NONE shaka-player fetches the middle and the last segment of
			// an encrypted stream, and their keys, to look for captions.
			Captions: "NONE",
		})
	}
	p.SetVersion(version)
	return amend(w, p.Encode().Bytes(), func(line []byte, out *bytes.Buffer) {
		switch {
		case bytes.HasPrefix(line, []byte("#EXT-X-STREAM-INF:PROGRAM-ID=0,")):
			// PROGRAM-ID was removed in protocol version 6.
			out.WriteString("#EXT-X-STREAM-INF:")
			out.Write(line[len("#EXT-X-STREAM-INF:PROGRAM-ID=0,"):])
		case bytes.HasPrefix(line, []byte("#EXT-X-MEDIA:")):
			out.Write(line)
			if n := channels[attribute(line, "URI")]; n > 0 {
				fmt.Fprintf(out, ",CHANNELS=\"%d\"", n)
			}
		default:
			out.Write(line)
		}
	})
}

// WriteMedia writes m. Input that cannot be written is fault.Invalid and nothing
// is written then. The same input gives the same bytes.
func WriteMedia(w io.Writer, m Media) error {
	const op = "hls.WriteMedia"
	if err := m.check(); err != nil {
		return err
	}
	p, err := m3u8.NewMediaPlaylist(0, uint(max(len(m.Segments), 1)))
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	p.SetVersion(version)
	p.SeqNo = m.Sequence
	switch m.Type {
	case VOD:
		p.MediaType = m3u8.VOD
	case Event:
		p.MediaType = m3u8.EVENT
	}
	target := m.TargetDuration.Seconds()
	for _, s := range m.Segments {
		// A segment's duration, rounded, must not exceed it (RFC 8216 4.3.3.1).
		target = max(target, math.Round(s.Duration.Seconds()))
		if err := p.AppendSegment(&m3u8.MediaSegment{URI: s.URI, Duration: s.Duration.Seconds()}); err != nil {
			return fault.Wrap(fault.Internal, op, err)
		}
	}
	p.TargetDuration = max(target, 1)
	if head := m.head(); head != "" {
		p.SetCustomTag(tag(head))
	}
	if m.Type == VOD || m.Ended {
		p.Close()
	}
	next, prev := 0, (*Key)(nil).line()
	return amend(w, p.Encode().Bytes(), func(line []byte, out *bytes.Buffer) {
		switch {
		case bytes.HasPrefix(line, []byte("#EXTINF:")):
			s := m.Segments[next]
			next++
			if key := s.Key.line(); key != prev {
				prev = key
				out.WriteString(key + "\n")
			}
			out.WriteString("#EXTINF:" + seconds(s.Duration) + ",")
		case bytes.HasPrefix(line, []byte("#EXT-X-ALLOW-CACHE")):
			// Removed in protocol version 7.
		default:
			out.Write(line)
		}
	})
}

// head holds the tags that must come before the first key, as one custom tag,
// since the library keeps custom tags in a map and thus in no order.
func (m Media) head() string {
	var lines []string
	if m.IndependentSegments {
		lines = append(lines, "#EXT-X-INDEPENDENT-SEGMENTS")
	}
	if m.Map != "" {
		lines = append(lines, `#EXT-X-MAP:URI="`+m.Map+`"`)
	}
	return strings.Join(lines, "\n")
}

// tag is lines that the playlist library writes as they are.
type tag string

func (t tag) TagName() string       { return "streamgate" }
func (t tag) Encode() *bytes.Buffer { return bytes.NewBufferString(string(t)) }
func (t tag) String() string        { return string(t) }

// amend passes each line of text through fn and writes the result at once. It
// is the one place where the library's output is changed. A line for which fn
// writes nothing is dropped.
func amend(w io.Writer, text []byte, fn func(line []byte, out *bytes.Buffer)) error {
	var out bytes.Buffer
	out.Grow(len(text) + len(text)/2)
	for line := range bytes.Lines(text) {
		n := out.Len()
		fn(bytes.TrimSuffix(line, []byte("\n")), &out)
		if out.Len() > n {
			out.WriteByte('\n')
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// seconds renders d with six decimals, so that sums over hours stay exact.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// attribute returns the quoted attribute name of a tag line written by us.
func attribute(line []byte, name string) string {
	_, rest, _ := bytes.Cut(line, []byte(","+name+`="`))
	val, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(val)
}

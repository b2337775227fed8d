package cmaf

import (
	"bytes"
	"fmt"

	"github.com/Eyevinn/mp4ff/aac"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/streamgate/streamgate/fault"
)

// trackID is the track_ID of every stored track: each is a file of its own.
const trackID = 1

func newInit(moov *mp4.MoovBox) *mp4.InitSegment {
	init := mp4.NewMP4Init()
	init.AddChild(mp4.NewFtyp("iso6", 0, []string{"iso6", "cmfc", "cmf2"}))
	init.AddChild(moov)
	return init
}

// describe reads the one track of init and returns it with its clean init
// segment: no edit list, no user data, no durations, so that all chunks of a rendition have the same one.
func describe(init *mp4.InitSegment) (Track, *mp4.TrexBox, error) {
	bad := func(what string) (Track, *mp4.TrexBox, error) {
		return Track{}, nil, fault.New(fault.Corrupt, "", what)
	}
	moov := init.Moov
	if moov.Mvhd == nil || len(moov.Traks) != 1 || moov.Mvex == nil || len(moov.Mvex.Trexs) != 1 || moov.Mvex.Trex == nil {
		return bad("the init segment must hold one fragmented track")
	}
	trak, trex := moov.Trak, moov.Mvex.Trex
	if trak.Tkhd == nil || trak.Mdia == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Minf == nil || trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
		return bad("the init segment lacks boxes")
	}
	stsd, ts := trak.Mdia.Minf.Stbl.Stsd, trak.Mdia.Mdhd.Timescale
	if ts == 0 || ts > 1<<24 {
		return bad("the timescale is out of range")
	}
	t := Track{Timescale: ts}
	switch {
	case stsd.AvcX != nil && stsd.AvcX.AvcC != nil:
		c := stsd.AvcX.AvcC
		t.Kind = Video
		t.Codec = fmt.Sprintf("avc1.%02x%02x%02x", c.AVCProfileIndication, c.ProfileCompatibility, c.AVCLevelIndication)
		t.Width, t.Height = int(stsd.AvcX.Width), int(stsd.AvcX.Height)
		stsd.AvcX.Btrt = nil
		stsd.AvcX.Children = drop(stsd.AvcX.Children, "btrt")
	case stsd.Mp4a != nil && stsd.Mp4a.Esds != nil:
		d := stsd.Mp4a.Esds.DecConfigDescriptor
		if d == nil || d.ObjectType != 0x40 || d.DecSpecificInfo == nil {
			return bad("the audio is not MPEG-4 AAC")
		}
		asc, err := aac.DecodeAudioSpecificConfig(bytes.NewReader(d.DecSpecificInfo.DecConfig))
		if err != nil {
			return bad("the audio configuration is unreadable")
		}
		t.Kind = Audio
		t.Codec = fmt.Sprintf("mp4a.40.%d", asc.ObjectType)
		t.SampleRate, t.Channels = asc.SamplingFrequency, int(asc.ChannelConfiguration)
		stsd.Mp4a.Children = drop(stsd.Mp4a.Children, "btrt")
	default:
		return bad("neither H.264 nor AAC")
	}
	trak.Edts = nil
	trak.Children = drop(trak.Children, "edts")
	moov.Children = drop(moov.Children, "udta")
	moov.Mvex.Mehd = nil
	moov.Mvex.Children = drop(moov.Mvex.Children, "mehd")
	trak.Tkhd.TrackID, trex.TrackID = trackID, trackID
	trak.Tkhd.Duration, trak.Mdia.Mdhd.Duration, moov.Mvhd.Duration = 0, 0, 0
	moov.Mvhd.NextTrackID = trackID + 1
	var buf bytes.Buffer
	if err := init.Encode(&buf); err != nil {
		return Track{}, nil, fault.Wrap(fault.Corrupt, "", err)
	}
	t.Init = buf.Bytes()
	return t, trex, nil
}

func drop(boxes []mp4.Box, kind string) []mp4.Box {
	var kept []mp4.Box
	for _, b := range boxes {
		if b.Type() != kind {
			kept = append(kept, b)
		}
	}
	return kept
}

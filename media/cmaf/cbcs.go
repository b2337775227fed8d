package cmaf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/streamgate/streamgate/fault"
)

// commonSystemID is the W3C common pssh system (cenc-initdata), by which players
// learn the key ids of a ClearKey stream from the init segment.
const commonSystemID = "1077efecc0b24d02ace33c1e52e2fb4b"

// Protector encrypts the segments of one track under one key with cbcs
// (ISO/IEC 23001-7 10.4): pattern 1:9 with subsamples for AVC video, whole samples
// for audio, a constant IV. It is immutable and safe for concurrent use.
type Protector struct {
	init  []byte
	block cipher.Block
	iv    Key
	trex  *mp4.TrexBox
	// sps and pps, by id, are what slice headers are measured with; nil for audio.
	sps map[uint32]*avc.SPS
	pps map[uint32]*avc.PPS
}

// NewProtector prepares the protection of the track with the clear init segment
// init. A codec or layout it cannot protect is fault.Unsupported, broken bytes
// are fault.Corrupt.
func NewProtector(init []byte, key, iv, kid Key) (p *Protector, err error) {
	const op = "cmaf.NewProtector"
	defer recovered(op, &err)
	f, err := mp4.DecodeFile(bytes.NewReader(init))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
	}
	if f.Init == nil || f.Init.Moov == nil || len(f.Init.Moov.Traks) != 1 || f.Init.Moov.Mvex == nil || f.Init.Moov.Mvex.Trex == nil {
		return nil, fault.New(fault.Unsupported, op, "an init segment holds one track and its defaults")
	}
	p = &Protector{iv: iv, trex: f.Init.Moov.Mvex.Trex}
	if err := p.readCodec(f.Init.Moov.Trak.Mdia.Minf.Stbl.Stsd); err != nil {
		return nil, fault.At(op, err)
	}
	system, err := mp4.NewUUIDFromString(commonSystemID)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	pssh := &mp4.PsshBox{Version: 1, SystemID: system, KIDs: []mp4.UUID{kid[:]}}
	if _, err := mp4.InitProtect(f.Init, key[:], iv[:], "cbcs", kid[:], []*mp4.PsshBox{pssh}); err != nil {
		return nil, fault.Wrap(fault.Unsupported, op, err)
	}
	var b bytes.Buffer
	if err := f.Init.Encode(&b); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	p.init = b.Bytes()
	if p.block, err = aes.NewCipher(key[:]); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return p, nil
}

func (p *Protector) readCodec(stsd *mp4.StsdBox) error {
	if len(stsd.Children) != 1 {
		return fault.New(fault.Unsupported, "cmaf.readCodec", "an init segment holds one sample entry")
	}
	if stsd.Children[0].Type() == "mp4a" {
		return nil
	}
	if stsd.AvcX == nil || stsd.AvcX.AvcC == nil {
		return fault.Newf(fault.Unsupported, "cmaf.readCodec", "cannot protect sample entry %q", stsd.Children[0].Type())
	}
	p.sps, p.pps = map[uint32]*avc.SPS{}, map[uint32]*avc.PPS{}
	for _, nalu := range stsd.AvcX.AvcC.SPSnalus {
		sps, err := avc.ParseSPSNALUnit(nalu, false)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "cmaf.readCodec", err)
		}
		p.sps[sps.ParameterID] = sps
	}
	for _, nalu := range stsd.AvcX.AvcC.PPSnalus {
		pps, err := avc.ParsePPSNALUnit(nalu, p.sps)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "cmaf.readCodec", err)
		}
		p.pps[pps.PicParameterSetID] = pps
	}
	return nil
}

// Init returns the init segment of the protected track: tenc with the default
// key id, and a version 1 pssh in moov. Callers must not change it.
func (p *Protector) Init() []byte { return p.init }

// Encrypt returns the protected form of a segment of whole fragments. It may
// destroy segment. Each fragment holds one track and one run of samples, else
// it is fault.Unsupported; broken bytes are fault.Corrupt.
func (p *Protector) Encrypt(segment []byte) (out []byte, err error) {
	const op = "cmaf.Encrypt"
	defer recovered(op, &err)
	out = make([]byte, 0, len(segment)+len(segment)/64+4096)
	for pos := 0; pos < len(segment); {
		moof, err := boxAt(segment, pos)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
		}
		if kind := string(segment[pos+4 : pos+8]); kind != "moof" {
			if kind == "mdat" {
				return nil, fault.New(fault.Corrupt, op, "media data without its fragment header")
			}
			// styp and friends pass; sidx would hold wrong sizes now.
			if kind != "sidx" {
				out = append(out, moof...)
			}
			pos += len(moof)
			continue
		}
		mdat, err := boxAt(segment, pos+len(moof))
		if err != nil {
			return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
		}
		if string(mdat[4:8]) != "mdat" || binary.BigEndian.Uint32(mdat) == 1 {
			return nil, fault.New(fault.Unsupported, op, "media data must follow its fragment header")
		}
		if out, err = p.fragment(out, moof, mdat); err != nil {
			return nil, fault.At(op, err)
		}
		pos += len(moof) + len(mdat)
	}
	return out, nil
}

// boxAt returns the whole box that starts at pos.
func boxAt(b []byte, pos int) ([]byte, error) {
	if len(b)-pos < 8 {
		return nil, errors.New("truncated box header")
	}
	n := uint64(binary.BigEndian.Uint32(b[pos:]))
	if n == 1 && len(b)-pos >= 16 { // 64-bit size, ISO/IEC 14496-12 4.2
		n = binary.BigEndian.Uint64(b[pos+8:])
	}
	if n < 8 || n > uint64(len(b)-pos) {
		return nil, fmt.Errorf("a box of %d bytes with %d left", n, len(b)-pos)
	}
	return b[pos : pos+int(n)], nil
}

// fragment appends the protected form of one fragment to out.
func (p *Protector) fragment(out, head, mdat []byte) ([]byte, error) {
	const op = "cmaf.fragment"
	box, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(head))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
	}
	moof, ok := box.(*mp4.MoofBox)
	if !ok || len(moof.Trafs) != 1 || len(moof.Traf.Truns) != 1 || moof.Traf.Tfhd == nil || moof.Traf.Tfhd.HasBaseDataOffset() {
		return nil, fault.New(fault.Unsupported, op, "a fragment holds one track and one run of samples")
	}
	trun := moof.Traf.Trun
	trun.AddSampleDefaultValues(moof.Traf.Tfhd, p.trex)
	start := int64(8)
	if trun.HasDataOffset() {
		start = int64(trun.DataOffset) - int64(len(head))
	}
	if start < 8 || uint64(start)+trun.SizeOfData() > uint64(len(mdat)) {
		return nil, fault.New(fault.Corrupt, op, "samples lie outside the media data")
	}
	if err := p.samples(moof, mdat[start:]); err != nil {
		return nil, err
	}
	trun.DataOffset = int32(int64(moof.Size()) + start)
	n := len(out)
	out = append(out, make([]byte, moof.Size())...)
	if err := moof.EncodeSW(bits.NewFixedSliceWriterFromSlice(out[n:])); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return append(out, mdat...), nil
}

// samples encrypts the samples at the start of data in place and, for video,
// adds the boxes that say which bytes are clear. Audio has none: whole samples
// under a constant IV need no auxiliary information (ISO/IEC 23000-19 8.2.2.1).
func (p *Protector) samples(moof *mp4.MoofBox, data []byte) error {
	const op = "cmaf.samples"
	trun := moof.Traf.Trun
	if p.sps == nil {
		for _, s := range trun.Samples {
			whole := data[:s.Size&^(aes.BlockSize-1)]
			cipher.NewCBCEncrypter(p.block, p.iv[:]).CryptBlocks(whole, whole)
			data = data[s.Size:]
		}
		return nil
	}
	saiz, saio, senc := mp4.NewSaizBox(len(trun.Samples)), mp4.NewSaioBox(), mp4.NewSencBox(0, len(trun.Samples))
	var scratch []byte
	for _, s := range trun.Samples {
		ranges, err := mp4.GetAVCProtectRanges(p.sps, p.pps, data[:s.Size], "cbcs")
		if err != nil {
			return &fault.Error{Kind: fault.Corrupt, Op: op, Err: err}
		}
		rest := data[:s.Size]
		for _, r := range ranges {
			rest = rest[r.BytesOfClearData:]
			scratch = p.pattern(rest[:r.BytesOfProtectedData], scratch)
			rest = rest[r.BytesOfProtectedData:]
		}
		if err := errors.Join(senc.AddSample(mp4.SencSample{SubSamples: ranges}), saiz.AddSampleInfo(nil, ranges)); err != nil {
			return fault.Wrap(fault.Unsupported, op, err)
		}
		data = data[s.Size:]
	}
	traf := moof.Traf
	if err := errors.Join(traf.AddChild(saiz), traf.AddChild(saio), traf.AddChild(senc)); err != nil {
		return fault.Wrap(fault.Unsupported, op, err)
	}
	// saio points from the start of moof to the first entry of senc, the last
	// box of the only traf.
	offset := uint64(8)
	for _, c := range moof.Children {
		offset += c.Size()
		if c.Type() == "traf" {
			break
		}
	}
	saio.Offset[0] = int64(offset - senc.Size() + 16)
	return nil
}

const (
	cryptBytes   = aes.BlockSize      // 1 block encrypted,
	patternBytes = 10 * aes.BlockSize // 9 blocks left clear
)

// pattern encrypts one protected range: CBC over every tenth block. The blocks are
// gathered so that one call enciphers them all. It returns the grown scratch.
func (p *Protector) pattern(b, scratch []byte) []byte {
	scratch = scratch[:0]
	for i := 0; i+cryptBytes <= len(b); i += patternBytes {
		scratch = append(scratch, b[i:i+cryptBytes]...)
	}
	cipher.NewCBCEncrypter(p.block, p.iv[:]).CryptBlocks(scratch, scratch)
	for i, j := 0, 0; j < len(scratch); i, j = i+patternBytes, j+cryptBytes {
		copy(b[i:i+cryptBytes], scratch[j:])
	}
	return scratch
}

// recovered turns a panic of the box parser over broken bytes into an error, so
// that one damaged object cannot take the process down.
func recovered(op string, err *error) {
	if r := recover(); r != nil {
		*err = &fault.Error{Kind: fault.Corrupt, Op: op, Err: fmt.Errorf("parser panic: %v", r)}
	}
}

package cmaf_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

var theFilm = sync.OnceValues(func() (*playbacktest.Film, error) {
	return playbacktest.MakeFilm(context.Background(), "default", "film")
})

func film(t testing.TB) *playbacktest.Film {
	t.Helper()
	f, err := theFilm()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var key, iv, kid = cmaf.Key{1, 2, 3}, cmaf.Key{4, 5, 6}, cmaf.Key{7, 8, 9}

func ExampleEncryptAES128() {
	b := cmaf.EncryptAES128([]byte("a segment"), cmaf.Key{1}, cmaf.Key{2})
	fmt.Println(len(b))
	// Output: 16
}

func TestEncryptAES128(t *testing.T) {
	t.Parallel()
	for n := range 50 {
		plain := bytes.Repeat([]byte{0xa5}, n)
		b := cmaf.EncryptAES128(bytes.Clone(plain), key, iv)
		if len(b) != n/16*16+16 {
			t.Fatalf("%d bytes became %d", n, len(b))
		}
		block, err := aes.NewCipher(key[:])
		if err != nil {
			t.Fatal(err)
		}
		cipher.NewCBCDecrypter(block, iv[:]).CryptBlocks(b, b)
		pad := int(b[len(b)-1])
		if !bytes.Equal(b[:len(b)-pad], plain) || pad != 16-n%16 {
			t.Errorf("%d bytes came back as %x", n, b)
		}
	}
}

// Another implementation of cbcs decrypts to the very bytes.
func TestProtectorAgainstMP4FF(t *testing.T) {
	t.Parallel()
	f := film(t)
	for _, tr := range f.Version.Tracks {
		t.Run(tr.ID, func(t *testing.T) {
			t.Parallel()
			p, err := cmaf.NewProtector(tr.Init, key, iv, kid)
			if err != nil {
				t.Fatal(err)
			}
			init, err := mp4.DecodeFile(bytes.NewReader(p.Init()))
			if err != nil {
				t.Fatal(err)
			}
			pssh := init.Init.Moov.Pssh
			if pssh == nil || pssh.Version != 1 || len(pssh.KIDs) != 1 || !bytes.Equal(pssh.KIDs[0], kid[:]) {
				t.Errorf("pssh %+v", pssh)
			}
			di, err := mp4.DecryptInit(init.Init)
			if err != nil {
				t.Fatal(err)
			}
			for n, g := range tr.Segments {
				clear, err := cmaf.Read(t.Context(), f.Objects, g)
				if err != nil {
					t.Fatal(err)
				}
				cipher, err := p.Encrypt(bytes.Clone(clear))
				if err != nil {
					t.Fatal(err)
				}
				want, got := samples(t, clear), samples(t, cipher)
				if len(want) != len(got) || len(want) != g.Samples {
					t.Fatalf("segment %d: %d samples, want %d", n, len(got), g.Samples)
				}
				if bytes.Equal(bytes.Join(want, nil), bytes.Join(got, nil)) {
					t.Errorf("segment %d is not encrypted", n)
				}
				back, err := mp4.DecodeFile(bytes.NewReader(cipher))
				if err != nil {
					t.Fatal(err)
				}
				var decrypted [][]byte
				for _, s := range back.Segments {
					for _, fr := range s.Fragments {
						if err := mp4.DecryptFragment(fr, di, key[:]); err != nil {
							t.Fatal(err)
						}
						fs, err := fr.GetFullSamples(nil)
						if err != nil {
							t.Fatal(err)
						}
						for _, s := range fs {
							decrypted = append(decrypted, s.Data)
						}
					}
				}
				if !bytes.Equal(bytes.Join(decrypted, nil), bytes.Join(want, nil)) {
					t.Errorf("segment %d does not decrypt to its bytes", n)
				}
			}
		})
	}
}

func samples(t *testing.T, segment []byte) (data [][]byte) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Segments {
		for _, fr := range s.Fragments {
			fs, err := fr.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range fs {
				data = append(data, s.Data)
			}
		}
	}
	return data
}

func TestProtectorRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	tr := film(t).Version.Tracks[1]
	for name, init := range map[string][]byte{"empty": nil, "noise": []byte("not a box at all"), "cut": tr.Init[:len(tr.Init)-20]} {
		if _, err := cmaf.NewProtector(init, key, iv, kid); !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unsupported) {
			t.Errorf("init %s: %v", name, err)
		}
	}
	p, err := cmaf.NewProtector(tr.Init, key, iv, kid)
	if err != nil {
		t.Fatal(err)
	}
	clear, err := cmaf.Read(t.Context(), film(t).Objects, tr.Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	moof := bytes.Index(clear, []byte("moof")) - 4
	mdat := bytes.Index(clear, []byte("mdat")) - 4
	for name, b := range map[string][]byte{
		"cut in mdat": clear[:len(clear)-1], "cut in moof": clear[:mdat-3], "moof alone": clear[moof:mdat], "mdat alone": clear[mdat:], "one byte": {0},
		"moof moof": append(bytes.Clone(clear[moof:mdat]), clear[moof:]...),
	} {
		if _, err := p.Encrypt(bytes.Clone(b)); !errors.Is(err, fault.Corrupt) && !errors.Is(err, fault.Unsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := mem.New()
	if _, err := s.Put(t.Context(), "o", bytes.NewReader([]byte("0123456789")), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if b, err := cmaf.Read(t.Context(), s, cmaf.Segment{Object: "o", Offset: 2, Length: 3}); string(b) != "234" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	for want, g := range map[fault.Kind]cmaf.Segment{
		fault.Corrupt:  {Object: "o", Offset: 8, Length: 3},
		fault.NotFound: {Object: "x", Length: 1},
	} {
		if _, err := cmaf.Read(t.Context(), s, g); !errors.Is(err, want) {
			t.Errorf("%+v: %v", g, err)
		}
	}
	if _, err := cmaf.Read(t.Context(), s, cmaf.Segment{Object: "o", Length: 1 << 40}); !errors.Is(err, fault.Corrupt) {
		t.Errorf("a terabyte: %v", err)
	}
}

func FuzzProtect(f *testing.F) {
	// Small files, so that the fuzzer is fast: made by ffmpeg, a few frames each.
	for _, name := range []string{"video.mp4", "audio.mp4"} {
		b, err := os.ReadFile("testdata/seed/" + name)
		if err != nil {
			f.Fatal(err)
		}
		head := bytes.Index(b, []byte("moof")) - 4
		if p, err := cmaf.NewProtector(b[:head], key, iv, kid); err != nil {
			f.Fatal(err)
		} else if _, err := p.Encrypt(bytes.Clone(b[head:])); err != nil {
			f.Fatal(err)
		}
		f.Add(b[:head], b[head:])
	}
	f.Fuzz(func(t *testing.T, init, segment []byte) {
		p, err := cmaf.NewProtector(init, key, iv, kid)
		if err != nil {
			return
		}
		if _, err := p.Encrypt(bytes.Clone(segment)); err != nil && errors.Is(err, fault.Internal) {
			t.Fatal(err)
		}
	})
}

func BenchmarkEncrypt(b *testing.B) {
	for _, tr := range film(b).Version.Tracks {
		var clear []byte
		for _, g := range tr.Segments {
			s, err := cmaf.Read(b.Context(), film(b).Objects, g)
			if err != nil {
				b.Fatal(err)
			}
			clear = append(clear, s...)
		}
		scratch := make([]byte, len(clear), len(clear)+16)
		b.Run("cbcs/"+tr.ID, func(b *testing.B) {
			p, err := cmaf.NewProtector(tr.Init, key, iv, kid)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(clear)))
			for b.Loop() {
				copy(scratch, clear)
				if _, err := p.Encrypt(scratch); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("aes128/"+tr.ID, func(b *testing.B) {
			b.SetBytes(int64(len(clear)))
			for b.Loop() {
				copy(scratch, clear)
				cmaf.EncryptAES128(scratch, key, iv)
			}
		})
	}
}

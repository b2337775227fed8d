package playback_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/internal/npmtest"
	"github.com/streamgate/streamgate/media/cmaf"
)

// frames returns the MD5 of every decoded frame of a file, and ffmpeg's complaints.
func frames(t *testing.T, path string) (sums []string, complaints string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-f", "framemd5", "-")
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // undecodable input is an answer too
	for line := range strings.Lines(string(out)) {
		if fields := strings.Split(strings.TrimSpace(line), ","); !strings.HasPrefix(line, "#") && len(fields) == 6 {
			sums = append(sums, strings.TrimSpace(fields[5]))
		}
	}
	return sums, stderr.String()
}

func file(t *testing.T, name string, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (f *fixture) bytes(t *testing.T, track, name string) []byte {
	t.Helper()
	r, err := f.Media(t.Context(), "film", 1, track, name)
	return []byte(text(t, r, err))
}

// clear returns the clear bytes of one segment with its init segment.
func (f *fixture) clear(track string, n int) []byte {
	for _, tr := range f.film.Version.Tracks {
		if tr.ID == track {
			g, head := tr.Segments[n], len(tr.Init)
			return append(bytes.Clone(tr.Init), f.film.Clear[track][head+int(g.Offset):head+int(g.Offset+g.Length)]...)
		}
	}
	panic("no such track")
}

func same(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

// openssl decrypts as an HLS client does, by someone else's code.
func openssl(t *testing.T, cipher []byte, key, iv string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", "enc", "-d", "-aes-128-cbc", "-K", key, "-iv", iv)
	cmd.Stdin = bytes.NewReader(cipher)
	return cmd.Output()
}

func TestAES128DecryptsToTheSameFrames(t *testing.T) {
	t.Parallel()
	f := setup(t)
	g := f.open(t, auth.Principal{Tenant: "default", UserID: owner}, "film")
	for _, track := range []string{"v180", "a64"} {
		t.Run(track, func(t *testing.T) {
			want, _ := frames(t, file(t, "clear.mp4", f.film.Clear[track]))
			r, err := f.HLS(t.Context(), g.Token, track+".m3u8")
			parts, naked := [][]byte{f.bytes(t, track, "init.mp4")}, [][]byte{f.bytes(t, track, "init.mp4")}
			ids := map[string]bool{}
			for n, m := range keyURI.FindAllStringSubmatch(text(t, r, err), -1) {
				cipher := f.bytes(t, track, fmt.Sprintf("h%d.m4s", n))
				naked = append(naked, cipher)
				id, err := cmaf.ParseKey(m[1])
				if err != nil {
					t.Fatal(err)
				}
				_, epoch, _ := f.contentKeys(t).Find(id)
				key := f.contentKeys(t).Key(cmaf.HLS, epoch)
				plain, err := openssl(t, cipher, key.String(), m[2])
				if err != nil {
					t.Fatalf("segment %d: %v", n, err)
				}
				parts = append(parts, plain)
				ids[m[1]], ids[m[2]] = true, true
				wrong := key
				wrong[0] ^= 1
				if plain, err := openssl(t, cipher, wrong.String(), m[2]); err == nil && bytes.Contains(plain, []byte("moof")) {
					t.Errorf("segment %d: a wrong key decrypts", n)
				}
			}
			if len(ids) != 8 {
				t.Errorf("%d keys and IVs are distinct, want 8", len(ids))
			}
			if got, complaints := frames(t, file(t, "decrypted.mp4", parts...)); !same(got, want) || len(want) < 300 || complaints != "" {
				t.Errorf("%d frames, want %d as in the clear; %s", len(got), len(want), complaints)
			}
			if got, _ := frames(t, file(t, "naked.mp4", naked...)); len(got) > 0 {
				t.Errorf("%d frames play without a key", len(got))
			}
		})
	}
}

func TestCBCSDecryptsToTheSameFrames(t *testing.T) {
	t.Parallel()
	f := setup(t)
	packager := filepath.Join(npmtest.Install(t, "testdata/node"), "node_modules", "shaka-packager", "bin", "packager-linux-x64")
	if err := os.Chmod(packager, 0o755); err != nil {
		t.Skipf("no shaka-packager for this machine: %v", err)
	}
	decrypt := func(t *testing.T, in, stream string, kid, key cmaf.Key) (string, error) {
		out := filepath.Join(t.TempDir(), "out.mp4")
		msg, err := exec.CommandContext(t.Context(), packager, "in="+in+",stream="+stream+",output="+out, "--enable_raw_key_decryption",
			"--keys", "key_id="+kid.String()+":key="+hex.EncodeToString(key[:])).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, msg)
		}
		return out, nil
	}
	for track, stream := range map[string]string{"v360": "video", "v180": "video", "a64": "audio"} {
		t.Run(track, func(t *testing.T) {
			t.Parallel()
			keys := f.contentKeys(t)
			for n := range 4 {
				want, _ := frames(t, file(t, "clear.mp4", f.clear(track, n)))
				in := file(t, "in.mp4", f.bytes(t, track, fmt.Sprintf("d%d-init.mp4", n)), f.bytes(t, track, fmt.Sprintf("d%d.m4s", n)))
				kid, key := keys.KID(cmaf.DASH, n), keys.Key(cmaf.DASH, n)
				out, err := decrypt(t, in, stream, kid, key)
				if err != nil {
					t.Fatal(err)
				}
				if got, complaints := frames(t, out); !same(got, want) || len(want) < 30 || complaints != "" {
					t.Errorf("segment %d: %d frames, want %d as in the clear; %s", n, len(got), len(want), complaints)
				}
				wrong := key
				wrong[15] ^= 0x80
				if out, err = decrypt(t, in, stream, kid, wrong); err == nil {
					if got, _ := frames(t, out); same(got, want) {
						t.Errorf("segment %d: a wrong key decrypts", n)
					}
				}
				// The clear init segment over the ciphertext: someone who ignores the protection.
				naked := file(t, "naked.mp4", f.bytes(t, track, "init.mp4"), f.bytes(t, track, fmt.Sprintf("d%d.m4s", n)))
				if got, complaints := frames(t, naked); same(got, want) || complaints == "" {
					t.Errorf("segment %d: %d frames play without a key, unremarked", n, len(got))
				}
			}
		})
	}
}

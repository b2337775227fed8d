package torture

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlanHasAllThatWasAskedFor(t *testing.T) {
	t.Parallel()
	c := Counts{Kills: 60, Toxics: 28, Flushes: 2, Wipes: 2, Lost: 2, Disks: 2, Pauses: 10}
	draw := func(seed uint64) []injury { return plan(c, rand.New(rand.NewPCG(seed, 0))) }
	all := draw(7)
	counts, toxics, killed := map[string]int{}, map[string]bool{}, map[string]int{}
	for _, i := range all {
		counts[i.kind]++
		switch i.kind {
		case faultToxic:
			toxics[i.String()] = true
		case faultKill:
			killed[i.target]++
		}
	}
	for kind, want := range map[string]int{faultKill: 60, faultToxic: 28, faultFlush: 2, faultWipe: 2, faultLost: 2, faultDisk: 2, faultPause: 10} {
		if counts[kind] != want {
			t.Errorf("%d faults of kind %s, want %d", counts[kind], kind, want)
		}
	}
	if len(toxics) != 28 {
		t.Errorf("%d different toxics, want each of 7 on each of 4", len(toxics))
	}
	for _, name := range targets() {
		if killed[name] < 3 {
			t.Errorf("%s is killed %d times of 60", name, killed[name])
		}
	}
	same := func(a, b []injury) bool {
		return slices.EqualFunc(a, b, func(x, y injury) bool { return x.String() == y.String() })
	}
	if !same(all, draw(7)) || same(all, draw(8)) {
		t.Error("the seed does not decide the plan")
	}
}

func TestHistoryNoticesOffsets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		told   []int64
		broken bool
	}{
		"onward":     {[]int64{0, 4, 4, 10}, false},
		"backward":   {[]int64{4, 3}, true},
		"beyond end": {[]int64{11}, true},
	} {
		h := newHistory()
		a := &asset{id: "a", clip: &clip{data: make([]byte, 10)}}
		h.add(a)
		for _, at := range c.told {
			h.offset(a, at)
		}
		if got := len(h.broken()) > 0; got != c.broken {
			t.Errorf("%s: broken is %v: %v", name, got, h.broken())
		}
		if name == "onward" && a.completed.IsZero() {
			t.Error("the upload's end was not noted")
		}
	}
}

func TestOverdueIsAViolation(t *testing.T) {
	t.Parallel()
	r := &rig{hist: newHistory()}
	for id, ago := range map[string]time.Duration{"late": workBound + time.Minute, "soon": time.Second} {
		r.hist.add(&asset{id: id, completed: time.Now().Add(-ago)})
	}
	r.hist.calm = time.Now().Add(-workBound - time.Second)
	r.overdue()
	r.overdue()
	if got := r.hist.broken(); len(got) != 1 || got[0].Invariant != invFinished || !strings.HasPrefix(got[0].Detail, "late: ") {
		t.Errorf("violations: %v", got)
	}
}

func TestReportIsGoodWhenAllFiredAndNothingBroke(t *testing.T) {
	t.Parallel()
	fired := Row{Kind: faultKill, Fired: true, Healed: time.Second}
	for name, c := range map[string]struct {
		rep  Report
		good bool
	}{
		"good":      {Report{Rows: []Row{fired}}, true},
		"empty":     {Report{}, false},
		"not fired": {Report{Rows: []Row{fired, {Kind: faultKill}}}, false},
		"broken":    {Report{Rows: []Row{fired}, Violations: []Violation{{Invariant: invKept}}}, false},
	} {
		if c.rep.Good() != c.good {
			t.Errorf("%s: good is %v", name, c.rep.Good())
		}
		var b strings.Builder
		c.rep.Write(&b)
		if name == "not fired" && !strings.Contains(b.String(), "kill   2      1") {
			t.Errorf("a fault that did not fire is counted:\n%s", b.String())
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	ds := []time.Duration{4, 1, 3, 2}
	for share, want := range map[float64]time.Duration{0.5: 2, 0.95: 4, 1: 4, 0.01: 1} {
		if got := quantile(ds, share); got != want {
			t.Errorf("quantile %v is %d, want %d", share, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("no durations have a quantile")
	}
}

func TestPlaylistAndDecryption(t *testing.T) {
	t.Parallel()
	p, err := parsePlaylist([]byte("#EXTM3U\n#EXT-X-MAP:URI=\"/v1/media/a/1/v/init.mp4\"\n"+
		"#EXT-X-KEY:METHOD=AES-128,URI=\"../key/0a\",IV=0x000102030405060708090a0b0c0d0e0f\n#EXTINF:4,\n/v1/media/a/1/v/0.m4s\n"), "/v1/play/T/hls/v.m3u8")
	if err != nil || len(p.segments) != 1 || p.segments[0].key != "/v1/play/T/key/0a" || p.segments[0].iv[15] != 15 {
		t.Fatalf("%+v, %v", p, err)
	}
	key := bytes.Repeat([]byte{7}, 16)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := append([]byte("hello"), bytes.Repeat([]byte{11}, 11)...)
	cipher.NewCBCEncrypter(block, p.segments[0].iv[:]).CryptBlocks(sealed, sealed)
	if got, err := decrypt(sealed, key, p.segments[0].iv); err != nil || string(got) != "hello" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	for name, text := range map[string]string{"clear": "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=NONE\ns\n", "no key": "#EXT-X-MAP:URI=\"i\"\ns\n", "empty": ""} {
		if _, err := parsePlaylist([]byte(text), "/x"); err == nil {
			t.Errorf("%s: taken for a gated playlist", name)
		}
	}
	if _, err := samples([]byte("no media at all")); err == nil {
		t.Error("bytes that are no media were taken for some")
	}
}

func TestLinkCountsAndSpoils(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(w, q.Body) }))
	defer srv.Close()
	l, err := newLink("redis", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	ask := func() error {
		c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := c.Post("http://"+l.near.addr, "text/plain", strings.NewReader("hello"))
		if err != nil {
			return err
		}
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		return err
	}
	if err := ask(); err != nil || l.near.bytes.Load() == 0 {
		t.Fatalf("%v, %d bytes", err, l.near.bytes.Load())
	}
	r := &rig{links: map[string]*link{"redis": l}, rnd: rand.New(rand.NewPCG(1, 1))}
	idle, _, err := r.toxic(t.Context(), toxicKinds()[4], "redis", 10*time.Millisecond)
	if err != nil || idle {
		t.Errorf("a toxic that met nothing fired: %v, %v", idle, err)
	}
	asking, stop := context.WithCancel(t.Context())
	var failed int
	done := make(chan struct{})
	go func() {
		defer close(done)
		for asking.Err() == nil {
			if ask() != nil {
				failed++
			}
		}
	}()
	fired, evidence, err := r.toxic(t.Context(), toxicKinds()[4], "redis", 2*time.Second)
	stop()
	<-done
	if err != nil || !fired || failed == 0 {
		t.Errorf("reset_peer under load: fired %v (%s), %d requests failed, %v", fired, evidence, failed, err)
	}
	if err := ask(); err != nil {
		t.Errorf("after the toxic: %v", err)
	}
}

func TestRelayPassesAResetOn(t *testing.T) {
	t.Parallel()
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		c, err := target.Accept()
		if err == nil {
			_, _ = c.Read(make([]byte, 1))
			reset(c)
		}
	}()
	r, err := startRelay(target.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("a reset arrived as %v", err)
	}
	if r.bytes.Load() != 1 {
		t.Errorf("%d bytes counted", r.bytes.Load())
	}
}

func TestEveryPlantNamesWhatCatchesIt(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	caught := 0
	for _, p := range plants() {
		if names[p.name] || p.what == "" || p.before == nil {
			t.Errorf("plant %q is not whole, or twice there", p.name)
		}
		names[p.name] = true
		if p.caught != "" {
			caught++
		}
	}
	if caught < 5 {
		t.Errorf("%d planted bugs", caught)
	}
	var b strings.Builder
	if err := List(&b); err != nil || !strings.Contains(b.String(), "stale_gate") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

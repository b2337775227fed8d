package main

import (
	"os"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#EXT-X-STREAM-INF", `AUDIO="aud"`, `#EXT-X-MAP:URI="720p/init.mp4"`, `#EXT-X-KEY:METHOD=AES-128,URI="key/2"`, "#EXT-X-ENDLIST"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	if strings.Index(b.String(), "EXT-X-MAP") > strings.Index(b.String(), "EXT-X-KEY") {
		t.Error("the key stands before the map, so players would decrypt the clear init segment")
	}
}

func Example() {
	if err := write(os.Stdout); err != nil {
		panic(err)
	}
}

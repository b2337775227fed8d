package sgtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/sgtest"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

// example runs the body of a test where there is no *testing.T. In a test of your own, the
// body is the test.
func example(body func(t testing.TB)) {
	testing.Benchmark(func(b *testing.B) { // the only testing.TB to be had
		if b.N == 1 {
			body(b)
		}
	})
}

func ExampleNew() {
	var out bytes.Buffer
	example(func(t testing.TB) {
		out.Reset()
		kit := sgtest.New(t)
		pass := kit.Collection()
		film := kit.Film(rule.Hold(pass.Asset()))
		fan := kit.SignIn(kit.Wallet(1))

		refused := fan.Play(film)
		fmt.Fprintln(&out, refused.Status, refused.Reason)

		kit.Give(kit.Wallet(1), pass)
		allowed := fan.Play(film)
		fmt.Fprintln(&out, allowed.Status, allowed.Watch())
	})
	fmt.Print(out.String())
	// Output:
	// 403 not_held
	// 200 <nil>
}

func ExampleNewFaultyStore() {
	ctx := context.Background()
	below := mem.New()
	store := sgtest.NewFaultyStore(below, sgtest.Faults{Lost: 1, Only: []string{"Put"}})

	_, err := store.Put(ctx, "a", strings.NewReader("text"), storage.PutOptions{})
	fmt.Println(errors.Is(err, fault.Unavailable), store.Fired())

	// The effect is there all the same.
	info, err := below.Stat(ctx, "a")
	fmt.Println(info.Size, err)
	// Output:
	// true 1
	// 4 <nil>
}

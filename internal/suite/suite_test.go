package suite_test

import (
	"context"
	"slices"
	"testing"

	"github.com/streamgate/streamgate/internal/suite"
)

var checks = []suite.Check[func() int]{
	{Name: "positive", Run: func(t testing.TB, f func() int) {
		if f() <= 0 {
			t.Fatal("not positive")
		}
	}},
	{Name: "even", Run: func(t testing.TB, f func() int) {
		if n := f(); n%2 != 0 {
			t.Errorf("%d is odd", n)
			t.Fail()
		}
	}},
	{Name: "small", Run: func(t testing.TB, f func() int) {
		if f() > 100 {
			t.Error("large")
		}
		if t.Failed() {
			t.FailNow()
		}
	}},
	{Name: "any", Run: func(t testing.TB, f func() int) {
		if f() == 7 {
			t.Fatalf("unlucky %d", 7)
		}
	}},
}

// What a broken implementation makes a check do stays within the check: a panic is a complaint, its context ends
// and its cleanups run before the next.
func TestFailureIsContained(t *testing.T) {
	t.Parallel()
	var ctx context.Context
	cleaned := false
	why := suite.Failure(t, func(t testing.TB) {
		ctx = t.Context()
		t.Cleanup(func() { cleaned = ctx.Err() != nil })
		panic("broken")
	})
	if why != "panic: broken" || !cleaned {
		t.Errorf("%q, cleaned after its end: %v", why, cleaned)
	}
	if why := suite.Failure(t, func(testing.TB) {}); why != "" {
		t.Errorf("nothing wrong, and yet %q", why)
	}
}

func TestRunPassesWhatIsRight(t *testing.T) {
	t.Parallel()
	suite.Run(t, checks, func() int { return 42 })
}

func TestFailingNamesTheChecksThatFail(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{
		42: nil, 41: {"even"}, -2: {"positive"}, 101: {"even", "small"}, 7: {"even", "any"},
	} {
		if got := suite.Failing(t, checks, func() int { return n }); !slices.Equal(got, want) {
			t.Errorf("%d fails %v, want %v", n, got, want)
		}
	}
}

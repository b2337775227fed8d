package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

func ranges(t testing.TB, newStore NewStore) {
	s := newStore(t)
	data := []byte("0123456789")
	put(t, s, "k", data)
	for _, c := range []struct {
		offset, length int64
		want           string
	}{
		{0, -1, "0123456789"}, {0, 10, "0123456789"}, {0, 11, "0123456789"}, {0, math.MaxInt64, "0123456789"},
		{3, -1, "3456789"}, {3, 4, "3456"}, {3, 0, ""}, {3, math.MaxInt64, "3456789"}, {9, 1, "9"}, {9, 5, "9"},
		{10, -1, ""}, {10, 0, ""}, {10, 5, ""}, {0, 0, ""}, {0, -7, "0123456789"},
	} {
		wantBody(t, fmt.Sprintf("Get(%d, %d)", c.offset, c.length), get(t, s, "k", c.offset, c.length), []byte(c.want))
	}
	for _, offset := range []int64{-1, 11, math.MaxInt64, math.MinInt64} {
		r, err := s.Get(t.Context(), "k", offset, 1)
		wantKind(t, fmt.Sprintf("Get from %d of 10 bytes", offset), err, fault.Invalid)
		if err == nil {
			r.Close()
		}
	}
	put(t, s, "empty", nil)
	wantBody(t, "all of nothing", get(t, s, "empty", 0, -1), nil)
	_, err := s.Get(t.Context(), "empty", 1, -1)
	wantKind(t, "Get from 1 of nothing", err, fault.Invalid)
}

func randomRanges(t testing.TB, newStore NewStore) {
	s := newStore(t)
	const size = 3*65536 + 1234
	data := Body(5, size)
	put(t, s, "k", data)
	check := func(from, to int) {
		wantBody(t, fmt.Sprintf("bytes %d to %d", from, to), get(t, s, "k", int64(from), int64(to-from)), data[from:to])
	}
	for _, border := range []int{4096, 65536, 2 * 65536, 3 * 65536} {
		for _, from := range []int{border - 1, border, border + 1} {
			check(from, from+1)
			check(from, min(border+65536/2, size))
			check(border-10, from)
			wantBody(t, fmt.Sprintf("from %d", from), get(t, s, "k", int64(from), -1), data[from:])
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		from := random.IntN(size + 1)
		check(from, from+random.IntN(size-from+1))
	}
	_, err := s.Get(t.Context(), "k", size+1, -1)
	wantKind(t, "Get from beyond the end", err, fault.Invalid)
	check(size, size)
}

// readerExtras checks the optional methods that a reader has.
func readerExtras(t testing.TB, newStore NewStore) {
	s := newStore(t)
	data := Body(6, 200_000)
	put(t, s, "k", data)
	const from, to = 70_000, 190_000
	want := data[from:to]
	open := func() io.ReadCloser {
		r, err := s.Get(t.Context(), "k", from, to-from)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	r := open()
	defer closeReader(t, r)
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	if n, err := io.Copy(&rest, r); err != nil || n != int64(rest.Len()) {
		t.Errorf("io.Copy after a Read returned %d, %v and wrote %d bytes", n, err, rest.Len())
	}
	wantBody(t, "Read and then io.Copy", append(head, rest.Bytes()...), want)
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read after the end: %d, %v", n, err)
	}
	broken := errors.New("the writer broke")
	w := open()
	defer closeReader(t, w)
	if _, err := io.Copy(&failingWriter{broken}, w); !errors.Is(err, broken) {
		t.Errorf("io.Copy to a broken writer: %v, want its error", err)
	}

	seeker, ok := r.(io.Seeker)
	if !ok {
		return
	}
	for _, c := range []struct {
		offset int64
		whence int
		want   int
	}{{0, io.SeekEnd, len(want)}, {0, io.SeekStart, 0}, {100, io.SeekCurrent, 100}, {-10, io.SeekEnd, len(want) - 10}, {-90, io.SeekCurrent, len(want) - 100}, {66_000, io.SeekStart, 66_000}} {
		pos, err := seeker.Seek(c.offset, c.whence)
		if err != nil || pos != int64(c.want) {
			t.Fatalf("Seek(%d, %d): %d, %v, want %d", c.offset, c.whence, pos, err, c.want)
		}
	}
	tail, err := io.ReadAll(struct{ io.Reader }{r})
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, "after Seek", tail, want[66_000:])
	if _, err := seeker.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start of the range was taken")
	}
}

type failingWriter struct{ err error }

func (w *failingWriter) Write([]byte) (int, error) { return 0, w.err }

func readerOutlives(t testing.TB, newStore NewStore) {
	s := newStore(t)
	old := Body(7, 500_000)
	put(t, s, "k", old)
	r, err := s.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeReader(t, r)
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	put(t, s, "k", Body(8, 600_000))
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("reading on after replacement and deletion: %v", err)
	}
	wantBody(t, "the reader's object", append(head, rest...), old)
}

func missingKeys(t testing.TB, newStore NewStore) {
	s := newStore(t)
	put(t, s, "a/b", []byte("x"))
	for _, key := range []string{"a", "a/b/c", "a/bb", "b", "a/B"} {
		wantAbsent(t, s, key)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete of the missing %q: %v", key, err)
		}
	}
	wantBody(t, "the neighbour", get(t, s, "a/b", 0, -1), []byte("x"))
}

func deleteRemoves(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for _, key := range []string{"a/b/c", "a/b/d", "a/e"} {
		put(t, s, key, []byte(key))
	}
	for range 2 {
		if err := s.Delete(t.Context(), "a/b/c"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		wantAbsent(t, s, "a/b/c")
	}
	wantBody(t, "the neighbour", get(t, s, "a/b/d", 0, -1), []byte("a/b/d"))
	for _, key := range []string{"a/b/d", "a/e"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	if infos := list(t, s, "", "", 0); len(infos) != 0 {
		t.Errorf("List shows %v after all was deleted", keysOf(infos))
	}
	put(t, s, "a/b/c", []byte("again"))
	wantBody(t, "after putting it again", get(t, s, "a/b/c", 0, -1), []byte("again"))
}

// wholeObjects has every object consist of one repeated byte, so that a mixture
// of two or a part shows.
func wholeObjects(t testing.TB, newStore NewStore) {
	const rounds, size = 40, 150_000
	s := newStore(t)
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size+i*1000) }
	put(t, s, "k", body(0))
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	errs := make(chan error, 100)
	report := func(format string, args ...any) {
		select {
		case errs <- fmt.Errorf(format, args...):
		default:
		}
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range rounds {
				if _, err := s.Put(t.Context(), "k", bytes.NewReader(body(2*i+w)), storage.PutOptions{}); err != nil {
					report("Put: %w", err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, offset := range []int64{0, 140_000} {
					if err := readUniform(t, s, offset, size); err != nil {
						report("reading from %d while others replace: %w", offset, err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func readUniform(t testing.TB, s storage.Store, offset int64, size int) error {
	r, err := s.Get(t.Context(), "k", offset, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(data) == 0 || len(data)+int(offset) != size+int(data[0])*1000 {
		return fmt.Errorf("%d bytes are no whole object", len(data))
	}
	if n := bytes.Count(data, data[:1]); n != len(data) {
		return fmt.Errorf("%d of %d bytes are of another object", len(data)-n, len(data))
	}
	return nil
}

func putDeleteRace(t testing.TB, newStore NewStore) {
	s := newStore(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for w := range errs {
		wg.Go(func() {
			key := fmt.Sprintf("x/y/z/%d", w)
			for range 25 {
				_, err := s.Put(t.Context(), key, bytes.NewReader([]byte("x")), storage.PutOptions{})
				if err == nil {
					_, err = s.Stat(t.Context(), key)
				}
				if err == nil {
					err = s.Delete(t.Context(), key)
				}
				if err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("writers of different keys in one directory disturb each other: %v", err)
	}
}

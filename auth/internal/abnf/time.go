package abnf

import (
	"strings"
	"time"
)

// Timestamp is an RFC 3339 time that remembers how it was spelled, so that a
// parsed message is written back byte for byte. The zero value means absent.
type Timestamp struct {
	text string
	time time.Time
}

// At returns t in UTC with milliseconds, the spelling JavaScript clients produce.
func At(t time.Time) Timestamp {
	t = t.UTC().Truncate(time.Millisecond)
	return Timestamp{t.Format("2006-01-02T15:04:05.000Z"), t}
}

// String returns the spelling.
func (t Timestamp) String() string { return t.text }

// Time returns the instant; the zero time when absent.
func (t Timestamp) Time() time.Time { return t.time }

// IsZero reports whether the time is absent.
func (t Timestamp) IsZero() bool { return t.text == "" }

// parseTime reads an RFC 3339 date-time. time.Parse alone also takes a comma,
// one-digit hours and absurd offsets, so the shape is checked first. A leap second
// is refused: no instant of the Go clock is one.
func parseTime(s string) (time.Time, bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	s = strings.ToUpper(s) // RFC 3339 5.6: "t" and "z" are allowed
	if len(s) <= len(shape) || !fits(s[:len(shape)], shape) {
		return time.Time{}, false
	}
	rest := s[len(shape):]
	if rest[0] == '.' {
		digits := len(rest) - 1 - len(strings.TrimLeft(rest[1:], "0123456789"))
		if digits == 0 {
			return time.Time{}, false
		}
		rest = rest[1+digits:]
	}
	if rest != "Z" && !(fits(rest, "+dd:dd") || fits(rest, "-dd:dd")) {
		return time.Time{}, false
	}
	if rest != "Z" && (rest[1:3] > "23" || rest[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// fits reports whether s has the shape, in which d is a digit.
func fits(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if shape[i] == 'd' && !isDigit(s[i]) || shape[i] != 'd' && shape[i] != s[i] {
			return false
		}
	}
	return true
}

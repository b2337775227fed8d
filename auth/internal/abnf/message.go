package abnf

import (
	"fmt"

	"github.com/streamgate/streamgate/fault"
)

// MaxMessage is the most bytes of a message that Read reads. The standards leave the bound to implementers; 8 KiB
// holds some hundred resources.
const MaxMessage = 8 << 10

// The tags of a message's lines, the same in both formats.
const (
	TagURI       = "URI: "
	TagVersion   = "Version: "
	TagChainID   = "Chain ID: "
	TagNonce     = "Nonce: "
	TagIssuedAt  = "Issued At: "
	TagExpires   = "Expiration Time: "
	TagNotBefore = "Not Before: "
	TagRequestID = "Request ID: "
	TagResources = "Resources:"
	TagResource  = "- "
)

// Read reads one message by lines, whose String must then write the very same bytes. Errors are fault.Invalid with
// advice, and fault.TooLarge beyond MaxMessage.
func Read[M fmt.Stringer](op, advice string, b []byte, lines func(*Lines) M) (m M, err error) {
	if len(b) > MaxMessage {
		return m, fault.Newf(fault.TooLarge, op, "a sign-in message has at most %d bytes", MaxMessage).With("/message", "too long")
	}
	if i := Unprintable(b); i >= 0 {
		return m, fault.Newf(fault.Invalid, op, "byte %d of the message is not printable ASCII or a line feed", i).
			With("/message", "send the bytes the wallet signed, unchanged")
	}
	p := NewLines(string(b))
	read := lines(p)
	if want, line := p.Bad(); want != "" {
		return m, fault.Newf(fault.Invalid, op, "line %d of the message: want %s", line, want).With("/message", advice)
	}
	if read.String() != string(b) {
		// The reader and the writer disagree about what these bytes say, so neither is believed.
		return m, fault.New(fault.Invalid, op, "the message has a second reading").With("/message", advice)
	}
	return read, nil
}

// Package rule is the access-rule language GR/1: parsing, canonical form, bounds,
// the sentence a person reads, lint and the Go builder. It evaluates nothing; package nft does.
package rule

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// The bounds of one rule.
const (
	MaxLeaves = 64
	MaxDepth  = 8
	MaxBytes  = 32 << 10
	// MaxIDs bounds an "ids" list, and the "from".."to" range that is read token by token.
	MaxIDs = 256
	// MaxVaults bounds the wallets that delegated to one, MaxKeys its keys of one contract, that are read for one leaf.
	MaxVaults = 64
	MaxKeys   = 16
)

// Rule is a parsed, valid, immutable rule.
type Rule struct {
	id        string
	canonical []byte
	sentence  string
	root      *Node
	subject   Subject
	note      string
	cost      int
}

// Parse reads a GR/1 rule strictly. Errors are fault.Invalid (fault.TooLarge for
// a bound) and carry one Field per problem with a JSON pointer.
func Parse(b []byte) (*Rule, error) {
	const op = "rule.Parse"
	if len(b) > MaxBytes {
		return nil, fault.Newf(fault.TooLarge, op, "a rule has at most %d bytes, this has %d", MaxBytes, len(b)).
			With("", "split it into several assets or lists")
	}
	p := &parser{}
	doc := p.scan(b)
	var r *Rule
	if doc != nil {
		r = p.rule(doc)
	}
	if len(p.fields) > 0 {
		kind, msg := fault.Invalid, "the rule is not valid GR/1"
		if p.tooLarge {
			kind, msg = fault.TooLarge, "the rule exceeds a bound of GR/1"
		}
		err := fault.New(kind, op, msg)
		err.Fields = p.fields
		return nil, err
	}
	r.canonical = appendCanonical(nil, r.tree())
	sum := sha256.Sum256(r.canonical)
	r.id = "gr1:" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
	r.sentence = sentence(r)
	r.cost = r.root.cost(r.subject)
	return r, nil
}

// ID returns "gr1:" and the base32 SHA-256 of the canonical bytes.
func (r *Rule) ID() string { return r.id }

// Canonical returns the RFC 8785 bytes. Callers must not change them. Rules
// that mean the same by spelling alone (case of addresses, defaults written
// out, order of ids) have equal bytes; the order of "all" and "any" is kept.
func (r *Rule) Canonical() []byte { return r.canonical }

// Root returns the tree of the rule. Callers must not change it.
func (r *Rule) Root() *Node { return r.root }

// Subject returns which wallets count.
func (r *Rule) Subject() Subject { return r.subject }

// Note returns the author's remark.
func (r *Rule) Note() string { return r.note }

// Cost returns the number of chain reads one evaluation for one account makes.
// A rule that waits for finality reads twice: the settled state and the head.
func (r *Rule) Cost() int { return r.cost }

// MarshalJSON returns the canonical bytes.
func (r *Rule) MarshalJSON() ([]byte, error) { return r.canonical, nil }

// UnmarshalJSON parses like Parse.
func (r *Rule) UnmarshalJSON(b []byte) error {
	n, err := Parse(b)
	if err == nil {
		*r = *n
	}
	return err
}

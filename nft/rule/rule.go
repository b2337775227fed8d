// Package rule is the access-rule language GR/1: parsing, canonical form, bounds,
// the sentence a person reads, lint and the Go builder. It evaluates nothing; package nft does.
package rule

import "errors"

// Rule is a parsed, valid, immutable rule.
type Rule struct{ _ struct{} }

var errTODO = errors.New("skeleton")

// Parse reads a GR/1 rule strictly. Errors are fault.Invalid (fault.TooLarge for
// a bound) and carry one Field per problem with a JSON pointer.
func Parse(b []byte) (*Rule, error) { return nil, errTODO }

// ID returns "gr1:" and the base32 SHA-256 of the canonical bytes.
func (r *Rule) ID() string { return "" }

// Canonical returns the RFC 8785 bytes. Callers must not change them.
func (r *Rule) Canonical() []byte { return nil }

// Sentence returns the rule as one English sentence.
func (r *Rule) Sentence() string { return "" }

// Warning is one finding of Lint.
type Warning struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Lint returns what is legal but probably not meant.
func (r *Rule) Lint() []Warning { return nil }

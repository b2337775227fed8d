// Package importer turns the access conditions of other systems into GR/1 rules: Lit Protocol's condition arrays,
// TACo's condition trees and Unlock's paywall configurations. It reads text and asks nobody; httpapi and
// programs that move creators over call it.
//
// It is strict: what does not translate exactly is an error that names it by a JSON pointer. A lossy import puts a
// condition that lets nobody in where one could not be translated, and lists what was lost, so that the
// rule that comes out never opens for anybody for whom the original stayed shut.
package importer

import (
	"encoding/json"
	"fmt"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
)

// Format names what is imported.
type Format string

// The formats.
const (
	// Lit is an array of conditions (evmBasic, evmContract, solRpc, mixed with a conditionType), or an
	// object whose one member is such an array: accessControlConditions, evmContractConditions,
	// solRpcConditions or unifiedAccessControlConditions.
	Lit Format = "lit"
	// TACo is a condition, or a condition set {"version": "1.0.0", "condition": ...}.
	TACo Format = "taco"
	// Unlock is a paywall configuration.
	Unlock Format = "unlock"
)

// MaxDocument bounds what Import reads, in bytes.
const MaxDocument = 64 << 10

// Options configures Import; the zero value is strict.
type Options struct {
	// Lossy replaces what does not translate by a condition that lets nobody in.
	Lossy bool
}

// Loss is a part of the document that did not translate.
type Loss struct {
	// Pointer is its JSON pointer in the document.
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
	// ID is the "id" of the node that stands in its place in the rule.
	ID string `json:"id"`
}

// Result is an imported rule.
type Result struct {
	Rule *rule.Rule
	// Losses is empty unless Options.Lossy was set and something was lost.
	Losses []Loss
}

// Import reads a document of a format. Errors are fault.Invalid with a Field for each part that does not
// translate, or is not of the format at all, and fault.TooLarge for a bound of this package or of GR/1. An
// unknown format is fault.Unsupported.
func Import(format Format, document []byte, opt Options) (Result, error) {
	const op = "importer.Import"
	read := map[Format]func(*importer, *value) node{Lit: (*importer).lit, TACo: (*importer).taco, Unlock: (*importer).unlock}[format]
	if read == nil {
		return Result{}, fault.Newf(fault.Unsupported, op, "%q is none of lit, taco and unlock", string(format))
	}
	if len(document) > MaxDocument {
		return Result{}, fault.Newf(fault.TooLarge, op, "a document has at most %d bytes", MaxDocument)
	}
	doc, err := scan(document)
	if err != nil {
		return Result{}, err
	}
	im := &importer{lossy: opt.Lossy}
	when := im.guard(func() node { return read(im, doc) })
	if len(im.fields) > 0 {
		bad := fault.New(fault.Invalid, op, "the document does not translate to GR/1")
		bad.Fields = im.fields
		return Result{}, bad
	}
	b, err := json.Marshal(map[string]any{"gr": 1, "when": when})
	if err != nil {
		return Result{}, fault.Wrap(fault.Internal, op, err)
	}
	r, err := rule.Parse(b)
	if err != nil {
		msg, fields, _ := fault.Public(err)
		bad := fault.New(fault.KindOf(err), op, "the rule that this makes is none: "+msg)
		for _, f := range fields {
			bad.With("", f.Pointer+": "+f.Detail)
		}
		return Result{}, bad
	}
	return Result{Rule: r, Losses: im.losses}, nil
}

// node is an expression of GR/1 in the making.
type node = map[string]any

// importer is one import under way.
type importer struct {
	lossy  bool
	losses []Loss
	fields []fault.Field
	leaves int
}

// maxProblems bounds the list of what is wrong.
const maxProblems = 64

// tooMany ends an import that has more leaves than a rule may have, or more problems than anybody reads.
type tooMany struct{}

// guard runs fn until it has seen enough.
func (im *importer) guard(fn func() node) (out node) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooMany); !ok {
				panic(r)
			}
		}
	}()
	return fn()
}

// fail notes what is wrong with the document itself, which no lossy import overlooks.
func (im *importer) fail(v *value, format string, args ...any) node {
	im.fields = append(im.fields, fault.Field{Pointer: v.ptr, Detail: fmt.Sprintf(format, args...)})
	if len(im.fields) >= maxProblems {
		panic(tooMany{})
	}
	return shut(false)
}

// lose notes what does not translate and returns what stands in its place: a condition that is shut in its place, which
// under a "not" is one that always passes.
func (im *importer) lose(v *value, negated bool, format string, args ...any) node {
	if !im.lossy {
		return im.fail(v, format, args...)
	}
	id := fmt.Sprintf("lost-%d", len(im.losses)+1)
	im.losses = append(im.losses, Loss{Pointer: v.ptr, Detail: fmt.Sprintf(format, args...), ID: id})
	n := shut(negated)
	n["id"] = id
	return n
}

// shut is a condition that nobody meets, or negated one that everybody does.
func shut(negated bool) node {
	const past = "1970-01-01T00:00:00Z"
	if negated {
		return node{"after": past}
	}
	return node{"before": past}
}

// count bounds the leaves before they are made.
func (im *importer) count(v *value) {
	if im.leaves++; im.leaves > rule.MaxLeaves {
		im.fields = append(im.fields, fault.Field{Pointer: v.ptr, Detail: fmt.Sprintf("a rule has at most %d leaves", rule.MaxLeaves)})
		panic(tooMany{})
	}
}

// leaf returns n if GR/1 takes it, and otherwise loses v with GR/1's own words.
func (im *importer) leaf(v *value, negated bool, n node) node {
	b, err := json.Marshal(map[string]any{"gr": 1, "when": n})
	if err == nil {
		_, err = rule.Parse(b)
	}
	if err == nil {
		return n
	}
	detail := "it is no condition of GR/1"
	if _, fields, _ := fault.Public(err); len(fields) > 0 {
		detail = fields[0].Detail
	}
	return im.lose(v, negated, "%s", detail)
}

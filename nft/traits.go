package nft

import (
	"context"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/nft/rule"
)

// Metadata reads what tokens say of themselves outside the chain. nft/metadata has the one that ships.
type Metadata interface {
	// Traits returns the attributes of the document at uri, by name, each with its values as text. tokenID
	// replaces "{id}" in the URI of an ERC-1155; it is empty otherwise. A document that
	// cannot be had or read is an error and never an empty answer. It is called by many goroutines.
	Traits(ctx context.Context, uri, tokenID string) (map[string][]string, error)
}

// The documents that one evaluation reads at most, and at once.
const (
	maxDocuments    = rule.MaxIDs
	documentsAtOnce = 8
)

// docKey names a metadata document.
type docKey struct{ uri, token string }

// document is what was read of one.
type document struct {
	traits map[string][]string
	err    error
}

// uriQuery asks where the metadata of a token is.
func uriQuery(h *rule.HoldLeaf, token string) *Query {
	fn := "tokenURI(uint256)(string)"
	if h.Asset.Standard == "erc1155" {
		fn = "uri(uint256)(string)"
	}
	return &Query{Op: OpCall, Contract: h.Asset.Reference, Call: &Call{Fn: fn, Args: []string{token}}}
}

// passes reports whether a token that is held has the traits of the leaf. What cannot be told is noted in t.
func (e *evaluation) passes(h *rule.HoldLeaf, p part, b *batch, t *tally) bool {
	ans, ok := b.answer(*p.uri)
	switch {
	case !ok:
		t.unread = "metadata_unavailable"
		return false
	case ans.Err != nil:
		t.unread = answerReason(ans.Err)
		return false
	}
	key := docKey{uri: ans.Value}
	if h.Asset.Standard == "erc1155" {
		key.token = p.q.TokenID
	}
	return e.matches(h, key, t)
}

// countTokens counts those of listed tokens that have the traits of the leaf.
func (e *evaluation) countTokens(h *rule.HoldLeaf, value string, t *tally) {
	tokens, err := ParseTokens(value)
	if err != nil {
		t.unread = "bad_reply"
		return
	}
	seen := map[string]bool{}
	for _, token := range tokens {
		if seen[token.ID] {
			continue // a contract that lists a token twice does not make two of it
		}
		seen[token.ID] = true
		if e.matches(h, docKey{uri: token.URI}, t) {
			t.add(big.NewInt(1), time.Time{})
		}
	}
}

// matches looks up a document. One that was not read yet is put on the list of those to read.
func (e *evaluation) matches(h *rule.HoldLeaf, key docKey, t *tally) bool {
	doc, read := e.documents[key]
	if !read {
		e.missing = append(e.missing, key)
	}
	if !read || doc.err != nil {
		t.unread = "metadata_unavailable"
		return false
	}
	for name, allowed := range h.Traits {
		if !slices.ContainsFunc(doc.traits[name], func(v string) bool { return slices.Contains(allowed, v) }) {
			return false
		}
	}
	return true
}

// readDocuments reads the metadata that the answers of the chains point to. The rule is evaluated without
// it, which shows the documents that are missing.
func (d *Decider) readDocuments(ctx context.Context, e *evaluation) {
	found := false
	e.r.Root().Walk(func(n *rule.Node) { found = found || n.Kind == rule.KindHold && len(n.Hold.Traits) > 0 })
	if !found || d.opt.Metadata == nil {
		return
	}
	e.eval(e.r.Root(), head, false)
	if waits(e.r.Root()) {
		e.eval(e.r.Root(), settled, false)
	}
	wanted := map[docKey]bool{}
	for _, key := range e.missing {
		if len(wanted) < maxDocuments {
			wanted[key] = true
		}
	}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		slots = make(chan struct{}, documentsAtOnce)
	)
	e.documents = make(map[docKey]document, len(wanted))
	for key := range wanted {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			traits, err := d.opt.Metadata.Traits(ctx, key.uri, key.token)
			if err != nil {
				d.opt.Logger.DebugContext(ctx, "token metadata failed", "error", err)
			}
			mu.Lock()
			defer mu.Unlock()
			e.documents[key] = document{traits, err}
		})
	}
	wg.Wait()
	e.missing = nil
}

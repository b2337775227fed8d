package evm

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
)

const (
	// closeWindow is the longest window that is looked through block by block, by hash and with
	// the blooms as proof that no log is missing. In a longer one the provider is taken at its
	// word, and only the balance at its beginning is compared.
	closeWindow = 256
	// maxHeldQueries bounds the windows of one Check, maxHeldLogs the logs of one window.
	maxHeldQueries = 64
	maxHeldLogs    = 10_000
)

// hold answers what the queries ask about windows. Trouble is the HeldErr of its answer, but for
// errMoved, after which everything is asked anew.
func (s *snapshot) hold(ctx context.Context, queries []nft.Query, answers []nft.Answer) error {
	asked := 0
	for i, q := range queries {
		a := &answers[i]
		if q.Held.IsZero() || a.Err != nil || !q.Op.Timed() {
			continue
		}
		r, err := compileOne(q)
		if err != nil {
			return err
		}
		if asked++; asked > maxHeldQueries {
			a.HeldErr = fault.Newf(fault.Unsupported, "evm.Check", "a check looks through at most %d windows", maxHeldQueries)
			continue
		}
		a.Held, a.HeldErr = s.holding(ctx, q, &r, *a)
		if errors.Is(a.HeldErr, errMoved) {
			return a.HeldErr
		}
	}
	return nil
}

// span is a window: the blocks after begin, to the snapshot's. Without begin it has the whole chain.
type span struct {
	begin *header
	ask   nft.HeldFor
}

func (w span) from() uint64 {
	if w.begin == nil {
		return 0
	}
	return w.begin.number() + 1
}

func (s *snapshot) holding(ctx context.Context, q nft.Query, r *read, a nft.Answer) (*nft.Holding, error) {
	w, err := s.span(ctx, q.Held)
	if err != nil {
		return nil, err
	}
	logs, headers, err := s.windowLogs(ctx, w, q, r)
	if err != nil {
		return nil, err
	}
	var moves []index.Transfer
	for _, l := range logs {
		moves = append(moves, s.v.topics.movements(l)...)
	}
	points, err := heldPoints(q, a, moves)
	if err != nil {
		return nil, err
	}
	if w.begin != nil {
		points[0].Since = w.begin.block()
	} else {
		points[0].Least = new(big.Int) // before the chain was nobody held anything
	}
	if err := s.compareBegin(ctx, w, r, a, points[0].Least); err != nil {
		return nil, err
	}
	h := nft.NewHolding(points)
	return h, s.date(ctx, h, w, headers)
}

// span finds the window's beginning.
func (s *snapshot) span(ctx context.Context, ask nft.HeldFor) (span, error) {
	w := span{ask: ask}
	top := s.head.number()
	lowest := top - min(top, s.v.opt.MaxHeldBlocks)
	tooLong := fault.Newf(fault.Unsupported, "evm.Check", "a window is at most %d blocks long", s.v.opt.MaxHeldBlocks)
	if ask.Seconds == 0 {
		if ask.Blocks > s.v.opt.MaxHeldBlocks {
			return w, tooLong
		}
		if ask.Blocks > top {
			return w, nil
		}
		var err error
		w.begin, err = s.v.blockByNumber(ctx, top-ask.Blocks, s.m)
		return w, err
	}
	limit := s.head.block().Time.Add(-time.Duration(min(ask.Seconds, 1<<32)) * time.Second)
	old := func(h *header) bool { return !h.block().Time.After(limit) }
	// Gallop down to a block that is old enough, then halve the way back up.
	young := top
	for step := uint64(1); w.begin == nil; step *= 2 {
		if young == lowest {
			if lowest > 0 {
				return w, tooLong
			}
			return w, nil
		}
		h, err := s.v.blockByNumber(ctx, max(lowest, top-min(top, step)), s.m)
		if err != nil {
			return w, err
		}
		if old(h) {
			w.begin = h
		} else {
			young = h.number()
		}
	}
	for young-w.begin.number() > 1 {
		h, err := s.v.blockByNumber(ctx, w.begin.number()+(young-w.begin.number())/2, s.m)
		if err != nil {
			return w, err
		}
		if old(h) {
			w.begin = h
		} else {
			young = h.number()
		}
	}
	return w, nil
}

// windowLogs returns the logs of the window by which what q asks about moved, in order. Of a
// short window it also returns the blocks.
func (s *snapshot) windowLogs(ctx context.Context, w span, q nft.Query, r *read) (logs []logEntry, headers []*header, err error) {
	if s.head.number()-w.from() < closeWindow {
		return s.closeLogs(ctx, w, q, r)
	}
	for _, topics := range s.v.topics.filters(q, r) {
		some, err := s.farLogs(ctx, w.from(), s.head.number(), r.to, topics)
		if err != nil {
			return nil, nil, err
		}
		logs = append(logs, some...)
		if len(logs) > maxHeldLogs {
			return nil, nil, fault.Newf(fault.Unsupported, "evm.Check", "a window has at most %d logs", maxHeldLogs)
		}
	}
	// One log may fit two filters, when an account sends itself something.
	slices.SortStableFunc(logs, logEntry.compare)
	logs = slices.CompactFunc(logs, func(a, b logEntry) bool { return a.compare(b) == 0 })
	still, err := s.v.blockByNumber(ctx, s.head.number(), s.m)
	if err == nil && *still.Hash != *s.head.Hash {
		err = fault.Wrap(fault.Unavailable, "evm.Check", errMoved)
	}
	return logs, nil, err
}

func (s *snapshot) farLogs(ctx context.Context, from, to uint64, contract common.Address, topics []any) ([]logEntry, error) {
	if s.m.requests > maxHeldRequests {
		return nil, fault.New(fault.Unsupported, "evm.Check", "the provider gives a window's logs in too small pieces")
	}
	filter := map[string]any{"address": []common.Address{contract}, "topics": topics}
	logs, err := s.v.logsBetween(ctx, from, to, filter, s.m)
	if !errors.Is(err, fault.TooLarge) {
		return logs, err
	}
	middle := from + (to-from)/2
	a, err := s.farLogs(ctx, from, middle, contract, topics)
	if err != nil {
		return nil, err
	}
	b, err := s.farLogs(ctx, middle+1, to, contract, topics)
	return append(a, b...), err
}

// maxHeldRequests bounds the requests of a Check that looks through windows.
const maxHeldRequests = 400

// filters returns the topics of all logs by which the balance or the token that q asks about moves.
func (t topics) filters(q nft.Query, r *read) [][]any {
	who := []common.Hash{common.BytesToHash(common.HexToAddress(q.Account).Bytes())}
	late := []common.Hash{t.single, t.batch, t.consecutive} // the accounts are their last topics
	if q.Op == nft.OpOwner721 {
		return [][]any{
			{[]common.Hash{t.transfer}, nil, nil, []common.Hash{common.BigToHash(r.token)}},
			{[]common.Hash{t.consecutive}},
		}
	}
	return [][]any{
		{[]common.Hash{t.transfer}, who},
		{[]common.Hash{t.transfer}, nil, who},
		{late, nil, who},
		{late, nil, nil, who},
	}
}

// closeLogs reads the window's blocks, which must link to the snapshot's, and the logs of those
// whose blooms speak of what q asks about.
func (s *snapshot) closeLogs(ctx context.Context, w span, q nft.Query, r *read) ([]logEntry, []*header, error) {
	headers := []*header{s.head}
	if top := s.head.number(); w.from() < top {
		below, err := s.v.blocksByNumber(ctx, w.from(), top-1, s.m)
		if err != nil {
			return nil, nil, err
		}
		headers = append(below, s.head)
	} else if w.from() > top {
		return nil, nil, nil // a window of no blocks
	}
	before := w.begin
	var hits []*header
	for _, h := range headers {
		if before != nil && *h.ParentHash != *before.Hash {
			return nil, nil, fault.Wrap(fault.Unavailable, "evm.Check", errMoved)
		}
		before = h
		if s.v.topics.mayMove(h, q, r) {
			hits = append(hits, h)
		}
	}
	found, err := s.v.logsOf(ctx, hits, []common.Address{r.to}, s.m)
	if err != nil {
		return nil, nil, err
	}
	var logs []logEntry
	for i, some := range found {
		for _, l := range some {
			l.BlockNumber, l.BlockHash = hits[i].Number, *hits[i].Hash
			logs = append(logs, l)
		}
	}
	return logs, headers, nil
}

// mayMove reports whether the block's bloom allows for a log that fits q.
func (t topics) mayMove(h *header, q nft.Query, r *read) bool {
	if h.Bloom == nil {
		return true
	}
	if !h.Bloom.Test(r.to.Bytes()) {
		return false
	}
	if q.Op == nft.OpOwner721 {
		return h.Bloom.Test(common.BigToHash(r.token).Bytes()) || h.Bloom.Test(t.consecutive.Bytes())
	}
	return h.Bloom.Test(common.BytesToHash(common.HexToAddress(q.Account).Bytes()).Bytes())
}

// heldPoints returns the balance at the beginning, of which Since is not set yet, and after each move.
func heldPoints(q nft.Query, a nft.Answer, moves []index.Transfer) ([]nft.HeldStep, error) {
	want := map[nft.Op]index.Kind{nft.OpBalance721: index.ERC721, nft.OpOwner721: index.ERC721, nft.OpBalance1155: index.ERC1155, nft.OpBalance20: index.ERC20}[q.Op]
	strange := fault.New(fault.Unsupported, "evm.Check", "the contract's logs do not explain what it answers")
	var changes []nft.HeldStep // Least is by how much
	start, owner := new(big.Int), a.Value
	if a.Int != nil {
		start.Set(a.Int)
	}
	for _, t := range moves {
		if t.Kind != want {
			return nil, strange
		}
		by := new(big.Int)
		switch {
		case t.From == t.To, q.Op != nft.OpBalance721 && t.Token != q.TokenID && q.Op != nft.OpBalance20:
			continue
		case q.Op == nft.OpOwner721:
			owner = t.To
		case t.From == q.Account:
			by.Neg(t.Amount)
		case t.To == q.Account:
			by.Set(t.Amount)
		default:
			continue
		}
		start.Sub(start, by)
		changes = append(changes, nft.HeldStep{Since: nft.Block{Number: t.Block, Hash: t.Hash}, Least: by})
	}
	if q.Op == nft.OpOwner721 {
		points := []nft.HeldStep{{Least: big.NewInt(1)}}
		if n := len(changes); n > 0 {
			points[0].Least = new(big.Int)
			points = append(points, nft.HeldStep{Since: changes[n-1].Since, Least: big.NewInt(1)})
		}
		if owner != a.Value {
			return nil, strange
		}
		return points, nil
	}
	points, sum := []nft.HeldStep{{Least: start}}, start
	for _, c := range changes {
		sum = new(big.Int).Add(sum, c.Least)
		points = append(points, nft.HeldStep{Since: c.Since, Least: sum})
	}
	if slices.ContainsFunc(points, func(p nft.HeldStep) bool { return p.Least.Sign() < 0 }) {
		return nil, strange
	}
	return points, nil
}

// compareBegin reads at the window's beginning what the logs say was there. A node that keeps no
// states that old has no say.
func (s *snapshot) compareBegin(ctx context.Context, w span, r *read, now nft.Answer, least *big.Int) error {
	if w.begin == nil {
		return nil
	}
	then := &snapshot{v: s.v, head: w.begin, m: s.m, byNumber: s.byNumber}
	outs, err := then.direct(ctx, []read{*r}, nil)
	if err != nil {
		return err
	}
	if outs[0].err != nil || outs[0].reverted || len(outs[0].data) == 0 {
		return nil //nolint:nilerr // it may have no states that old, or the contract was not there yet
	}
	was := r.decode(outs[0].data)
	same := was.Int != nil && was.Int.Cmp(least) == 0
	if r.op == nft.OpOwner721 {
		// Who has it since has it still; who got it in between may have had it before.
		same = least.Sign() == 0 || was.Value == now.Value
	}
	if was.Err == nil && !same {
		return fault.New(fault.Unsupported, "evm.Check", "the contract's logs do not explain what it answered before")
	}
	return nil
}

// date sets the times of the steps where seconds are asked for.
func (s *snapshot) date(ctx context.Context, h *nft.Holding, w span, headers []*header) error {
	if w.ask.Seconds == 0 {
		return nil
	}
	for i := range h.Steps {
		since := &h.Steps[i].Since
		if !since.Time.IsZero() || since.Hash == "" {
			continue
		}
		if n := since.Number - w.from(); n < uint64(len(headers)) {
			*since = headers[n].block()
			continue
		}
		b, err := s.v.blockByNumber(ctx, since.Number, s.m)
		if err != nil {
			return err
		}
		*since = b.block()
	}
	return nil
}

func (l logEntry) compare(o logEntry) int {
	if l.BlockNumber == nil || o.BlockNumber == nil || *l.BlockNumber != *o.BlockNumber {
		return int(int64(numberOf(l)) - int64(numberOf(o)))
	}
	return int(int64(l.LogIndex) - int64(o.LogIndex))
}

func numberOf(l logEntry) uint64 {
	if l.BlockNumber == nil {
		return 0
	}
	return uint64(*l.BlockNumber)
}

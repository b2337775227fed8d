package quorum

import (
	"slices"
	"strings"

	"github.com/streamgate/streamgate/nft"
)

// stream is one provider's watch as the merger knows it.
type stream struct {
	p *provider
	// live means that it has told every block from since to head, looking for the contracts of version.
	live    bool
	since   uint64
	head    nft.Block
	version int64
	ended   bool
}

// merger makes one watch of several. It runs in one goroutine.
type merger struct {
	v       *Verifier
	fn      func(nft.Change)
	list    *contractList
	streams []*stream
	leader  int // index into streams, -1 for none

	told memory // what was told: heads by hash, changes by block, contract and accounts
	last nft.Block
}

// take takes in one event and reports whether no stream is left.
func (m *merger) take(e event) (over bool) {
	s := m.streams[e.stream]
	switch ch := e.change; {
	case e.ended:
		s.ended = true
		m.lose(e.stream, ch.Block)
		return !slices.ContainsFunc(m.streams, func(s *stream) bool { return !s.ended })
	case ch.Gap:
		m.lose(e.stream, ch.Block)
	case ch.Removed:
		m.removed(e.stream, ch)
	case m.v.plausible(s.p, latest, ch.Block) != nil:
		// not passed on
	case ch.Contract != "":
		m.changed(ch)
	default:
		s.p.alive(m.v.opt.Now())
		_ = m.v.judge(s.p, latest, ch.Block)
		m.head(e.stream, ch.Block, e.version)
	}
	return false
}

// changed tells a transfer that was not told before, whoever saw it.
func (m *merger) changed(ch nft.Change) {
	k := keyOf(ch)
	if m.told.has(k) {
		return
	}
	m.told.add(k)
	m.told.drop("-" + k)
	m.fn(ch)
}

// removed tells that a block is gone: its transfers whoever says so, since looking again does no harm, the
// block itself when the leader says so.
func (m *merger) removed(i int, ch nft.Change) {
	s := m.streams[i]
	if ch.Contract == "" {
		s.head = nft.Block{Number: ch.Block.Number - min(1, ch.Block.Number)}
		s.since = min(s.since, s.head.Number)
		if i == m.leader {
			m.told.drop(ch.Block.Hash)
			m.last = s.head
			m.fn(ch)
		}
		return
	}
	k := keyOf(ch)
	if m.told.has("-" + k) {
		return
	}
	m.told.add("-" + k)
	m.told.drop(k)
	m.fn(ch)
}

// head takes in a block of a provider, and tells it when that one leads.
func (m *merger) head(i int, b nft.Block, version int64) {
	s := m.streams[i]
	if !s.live {
		s.live, s.since = true, b.Number
	}
	s.head, s.version = b, version
	switch {
	case i == m.leader:
		m.tell(b)
	case m.leader < 0 || m.overtakes(i):
		m.lead(i)
	}
}

// tell tells a head of the leader.
func (m *merger) tell(b nft.Block) {
	if b.Hash == "" || m.told.has(b.Hash) {
		return
	}
	if m.last.Hash != "" && b.Number <= m.last.Number {
		// Another branch than the one told, of which this provider did not say that it is gone.
		m.fn(nft.Change{Block: b, Gap: true})
	}
	m.told.add(b.Hash)
	m.last = b
	m.fn(nft.Change{Block: b})
}

// overtakes reports whether the leader is so far behind i that it must have fallen asleep.
func (m *merger) overtakes(i int) bool {
	leader := m.streams[m.leader]
	return !leader.live || leader.head.Number+m.v.opt.MaxLag < m.streams[i].head.Number
}

// lose takes in that a stream may have missed something. Another one that was followed since before, looking
// for the same contracts, and that is not behind itself, covers for it; else everybody is told.
func (m *merger) lose(i int, at nft.Block) {
	s := m.streams[i]
	was, from := s.live, s.head.Number
	s.live = false
	if !was && i != m.leader {
		return
	}
	cover := m.cover(i, from)
	if cover < 0 {
		if i == m.leader {
			m.leader = -1
		}
		m.last.Hash = ""
		m.fn(nft.Change{Block: at, Gap: true})
		return
	}
	if i == m.leader {
		m.lead(cover)
	}
}

// cover returns a stream that has missed nothing since block from, -1 for none.
func (m *merger) cover(lost int, from uint64) int {
	best := -1
	for i, s := range m.streams {
		if i == lost || !s.live || s.since > from+1 || s.head.Number+m.v.opt.MaxLag < from || s.version != m.list.current() {
			continue
		}
		if best < 0 || s.head.Number > m.streams[best].head.Number {
			best = i
		}
	}
	return best
}

// lead has stream i lead, and tells its newest block unless an older one than was told; the transfers up to there are told already.
func (m *merger) lead(i int) {
	m.leader = i
	m.v.opt.Logger.Info("provider_leads", "chain", m.v.chain.String(), "provider", m.streams[i].p.Name)
	if b := m.streams[i].head; m.last.Hash == "" || b.Number > m.last.Number {
		m.tell(b)
	}
}

func keyOf(ch nft.Change) string {
	accounts := slices.Clone(ch.Accounts)
	slices.Sort(accounts)
	return ch.Block.Hash + " " + ch.Contract + " " + strings.Join(accounts, ",")
}

// memory is a set of the last strings added. One that was dropped and added again may be forgotten early, by
// which it is told twice and never not at all.
type memory struct {
	set  map[string]struct{}
	ring []string
	next int
}

const remembered = 8192

func (m *memory) has(s string) bool {
	_, ok := m.set[s]
	return ok
}

func (m *memory) add(s string) {
	if m.set == nil {
		m.set, m.ring = map[string]struct{}{}, make([]string, remembered)
	}
	if m.has(s) {
		return
	}
	m.drop(m.ring[m.next])
	m.ring[m.next] = s
	m.set[s] = struct{}{}
	m.next = (m.next + 1) % remembered
}

func (m *memory) drop(s string) { delete(m.set, s) }

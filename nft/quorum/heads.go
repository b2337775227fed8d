package quorum

import (
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// latest is the level of the newest blocks.
const latest = "latest"

// levelOf names what blocks of a finality may be compared with. One confirmation is the head.
func levelOf(at nft.Finality) string {
	switch {
	case at.Tag != "":
		return at.Tag
	case at.Confirmations == 1:
		return latest
	}
	return "confirmations:" + strconv.FormatUint(at.Confirmations, 10)
}

// slack is how many blocks an answer of a level may be behind.
func (v *Verifier) slack(level string) uint64 {
	if level == "safe" || level == "finalized" {
		return v.opt.FinalityLag
	}
	return v.opt.MaxLag
}

// fresh reports whether the clock alone shows that a newest block is no laggard's.
func (v *Verifier) fresh(level string, b nft.Block, now time.Time) bool {
	return level == latest && v.opt.FreshFor > 0 && now.Sub(b.Time) <= v.opt.FreshFor
}

// newest returns the highest number of a level heard of lately.
func (v *Verifier) newest(level string, now time.Time) uint64 {
	var n uint64
	for _, p := range v.providers {
		p.mu.Lock()
		if m, ok := p.marks[level]; ok && now.Sub(m.at) < markLife {
			n = max(n, m.block.Number)
		}
		p.mu.Unlock()
	}
	return n
}

// behind reports whether a block is too old to be an answer of its level, newest being the highest
// number that anybody shows.
func (v *Verifier) behind(level string, b nft.Block, newest uint64, now time.Time) bool {
	return b.Number+v.slack(level) < newest && !v.fresh(level, b, now)
}

// judge takes in a block that p says is the newest of its level, and makes an error of one that
// cannot be: ahead of time, ahead of everybody, or far behind.
func (v *Verifier) judge(p *provider, level string, b nft.Block) error {
	if err := v.plausible(p, level, b); err != nil {
		return err
	}
	now := v.opt.Now()
	newest := v.newest(level, now)
	late := v.behind(level, b, newest, now)
	p.mark(level, b, newest, late, now)
	if late {
		return fault.Newf(fault.Unavailable, "quorum.judge", "the provider is %d blocks behind", newest-b.Number)
	}
	return nil
}

// plausible makes an error of a block that cannot exist yet.
func (v *Verifier) plausible(p *provider, level string, b nft.Block) error {
	now := v.opt.Now()
	var why string
	switch {
	case b.Time.Sub(now) > v.opt.MaxFuture:
		why = "its block is ahead of the clock"
	case v.outrun(p, b, now):
		why = "its block is far ahead of everybody else's"
	default:
		return nil
	}
	p.refuse(stateImplausible, why, now)
	return fault.New(fault.Unavailable, "quorum.judge", why)
}

// outrun reports whether two other operators whose heads are fresh by the clock are far behind b, so that b cannot be.
func (v *Verifier) outrun(p *provider, b nft.Block, now time.Time) bool {
	far := 0
	for _, operator := range v.operators {
		if operator[0].Operator == p.Operator {
			continue
		}
		for _, o := range operator {
			o.mu.Lock()
			m, ok := o.marks[latest]
			o.mu.Unlock()
			if ok && now.Sub(m.at) < 15*time.Second && v.fresh(latest, m.block, now) && m.block.Number+max(v.opt.FinalityLag, v.opt.MaxLag) < b.Number {
				far++
				break
			}
		}
	}
	return far >= 2
}

// mark remembers a block. A verdict of a settled level does not clear one of the head.
func (p *provider) mark(level string, b nft.Block, newest uint64, late bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m, ok := p.marks[level]; !ok || b.Number >= m.block.Number || now.Sub(m.at) >= markLife || !late {
		if len(p.marks) < 64 || ok {
			p.marks[level] = mark{b, now}
		}
	}
	if late {
		p.verdict, p.judged, p.why = stateLagging, now, "it is "+strconv.FormatUint(newest-b.Number, 10)+" blocks behind"
	} else if level == latest {
		p.verdict = ""
	}
	if level == latest {
		p.lag = newest - min(newest, b.Number)
	}
}

func (p *provider) refuse(verdict, why string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verdict, p.judged, p.why = verdict, now, why
}

package rule

import "time"

// Finality says how settled the state must be that grants access.
type Finality struct {
	// Tag is "latest", "safe" or "finalized"; empty when Confirmations is set.
	Tag string
	// Confirmations counts blocks, the head being the first.
	Confirmations uint64
}

// Latest reports whether f is the head.
func (f Finality) Latest() bool { return f.Tag == "latest" || f.Tag == "" && f.Confirmations == 1 }

// Proof says whether state proofs are asked of the provider.
type Proof string

// The choices. ProofNone is the default.
const (
	ProofNone    Proof = "none"
	ProofPrefer  Proof = "prefer"
	ProofRequire Proof = "require"
)

// Evidence is what counts as knowing. A Node's evidence is resolved: members it
// does not write are those of its parent, and at the root the defaults:
// latest, one provider, no proof, no holding time.
type Evidence struct {
	Finality Finality
	// QuorumN of QuorumOf providers must agree; 1 of 1 asks one.
	QuorumN, QuorumOf int
	Proof             Proof
	// HeldBlocks or HeldSeconds is how long the holding must have lasted.
	HeldBlocks, HeldSeconds uint64
	// MaxAge bounds the age of a cached answer; zero leaves it to the decider.
	MaxAge time.Duration
	// Grace is how much longer than MaxAge an answer already given stands while
	// the chain cannot be reached.
	Grace time.Duration
}

func defaultEvidence() Evidence {
	return Evidence{Finality: Finality{Tag: "latest"}, QuorumN: 1, QuorumOf: 1, Proof: ProofNone}
}

// evidence reads an "evidence" member over what is inherited.
func (p *parser) evidence(v *value, inherited Evidence) Evidence {
	e := inherited
	o := p.object(v, "finality", "quorum", "proof", "heldFor", "maxAge", "grace")
	if f := o.get("finality"); f != nil {
		e.Finality = p.finality(f)
	}
	if q := p.object(o.get("quorum"), "n", "of"); q != nil {
		e.QuorumN, e.QuorumOf = int(p.integer(q.need(p, "n"), 1, 9)), int(p.integer(q.need(p, "of"), 1, 9))
		if e.QuorumN > e.QuorumOf {
			p.fail(q.ptr+"/n", "must not exceed \"of\"")
		}
		if e.QuorumN == 1 {
			e.QuorumOf = 1 // one answer is enough, so only one is asked for
		}
	}
	if v := o.get("proof"); v != nil {
		e.Proof = Proof(p.oneOf(v, "none", "prefer", "require"))
	}
	if h := p.object(o.get("heldFor"), "blocks", "seconds"); h != nil {
		e.HeldBlocks, e.HeldSeconds = 0, 0
		switch b, s := h.get("blocks"), h.get("seconds"); {
		case b != nil && s == nil:
			e.HeldBlocks = p.integer(b, 0, 1<<40)
		case s != nil && b == nil:
			e.HeldSeconds = p.integer(s, 0, 1<<40)
		default:
			p.fail(h.ptr, "write either \"blocks\" or \"seconds\"")
		}
	}
	if v := o.get("maxAge"); v != nil {
		e.MaxAge = p.duration(v)
	}
	if v := o.get("grace"); v != nil {
		e.Grace = p.duration(v)
	}
	return e
}

func (p *parser) finality(v *value) Finality {
	if v.kind == 's' {
		return Finality{Tag: p.oneOf(v, "latest", "safe", "finalized")}
	}
	o := p.object(v, "confirmations")
	n := p.integer(o.need(p, "confirmations"), 1, 1<<20)
	if n == 1 {
		return Finality{Tag: "latest"}
	}
	return Finality{Confirmations: n}
}

func (p *parser) duration(v *value) time.Duration {
	d, err := time.ParseDuration(p.text(v))
	if err != nil || d < 0 || d > 30*24*time.Hour {
		p.fail(v.ptr, "write a duration from 0s to 720h, such as \"2s\"")
	}
	return d
}

// tree is what e says beyond inherited, nil when it says nothing. Durations and
// holding times of zero are written, since they undo what is inherited.
func (e Evidence) tree(inherited Evidence) map[string]any {
	t := map[string]any{}
	if e.Finality != inherited.Finality {
		if e.Finality.Tag != "" {
			t["finality"] = e.Finality.Tag
		} else {
			t["finality"] = map[string]any{"confirmations": e.Finality.Confirmations}
		}
	}
	if e.QuorumN != inherited.QuorumN || e.QuorumOf != inherited.QuorumOf {
		t["quorum"] = map[string]any{"n": uint64(e.QuorumN), "of": uint64(e.QuorumOf)}
	}
	if e.Proof != inherited.Proof {
		t["proof"] = string(e.Proof)
	}
	if e.HeldBlocks != inherited.HeldBlocks || e.HeldSeconds != inherited.HeldSeconds {
		if e.HeldSeconds > 0 {
			t["heldFor"] = map[string]any{"seconds": e.HeldSeconds}
		} else {
			t["heldFor"] = map[string]any{"blocks": e.HeldBlocks}
		}
	}
	if e.MaxAge != inherited.MaxAge {
		t["maxAge"] = e.MaxAge.String()
	}
	if e.Grace != inherited.Grace {
		t["grace"] = e.Grace.String()
	}
	if len(t) == 0 {
		return nil
	}
	return t
}

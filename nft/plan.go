package nft

import (
	"slices"
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/rule"
)

// phase tells the two readings of a rule apart: settled at the finality the rule
// asks for, and head at the newest block. Access needs both, see combine.
type phase int

const (
	settled phase = iota
	head
)

// batch is every read of one chain at one finality: one Check.
type batch struct {
	chain   caip.ChainID
	at      Finality
	queries []Query
	index   map[readKey]int
	// holders are the holdings the answers speak of, also where a query names no account.
	holders map[[2]string]bool

	reply  Reply
	reason string // why there is no reply
}

type readKey struct {
	op                               Op
	contract, account, token, fnArgs string
	sol                              SolQuery
}

func keyOfRead(q Query) readKey {
	k := readKey{op: q.Op, contract: q.Contract, account: q.Account, token: q.TokenID, sol: q.Sol}
	if q.Call != nil {
		k.fnArgs = q.Call.Fn + "\x00" + strings.Join(q.Call.Args, "\x00")
	}
	return k
}

type batchKey struct {
	chain caip.ChainID
	at    Finality
}

// plan is what one evaluation reads, known before anything is read.
type plan struct {
	batches map[batchKey]*batch
	order   []*batch
}

// at returns the batch of a chain and finality, which may stay without queries: it tells the block.
func (p *plan) at(chain caip.ChainID, at Finality) *batch {
	bk := batchKey{chain, at}
	b := p.batches[bk]
	if b == nil {
		b = &batch{chain: chain, at: at, index: map[readKey]int{}, holders: map[[2]string]bool{}}
		p.batches[bk] = b
		p.order = append(p.order, b)
	}
	return b
}

func (p *plan) add(chain caip.ChainID, at Finality, q Query) (b *batch, i int) {
	b = p.at(chain, at)
	k := keyOfRead(q)
	i, ok := b.index[k]
	if !ok {
		i = len(b.queries)
		b.index[k] = i
		b.queries = append(b.queries, q)
	}
	return b, i
}

// finalityOf translates the rule's finality for a phase.
func finalityOf(f rule.Finality, ph phase) Finality {
	if ph == head || f.Latest() {
		return Finality{Tag: "latest"}
	}
	return Finality{Tag: f.Tag, Confirmations: f.Confirmations}
}

func (f Finality) String() string {
	if f.Tag == "" {
		return "confirmations:" + strconv.FormatUint(f.Confirmations, 10)
	}
	return f.Tag
}

// accountsOn returns the accounts that count on chain, each address once. An
// eip155 address is one key pair on every eip155 chain, so an account proven on
// any of them counts on all; a contract wallet may be there on one chain and
// another's on the next, but then sign-in takes neither (auth.ContractVerifier).
func accountsOn(chain caip.ChainID, accounts []caip.AccountID) []caip.AccountID {
	var out []caip.AccountID
next:
	for _, a := range accounts {
		if a.Chain.Namespace != chain.Namespace || chain.Namespace != "eip155" && a.Chain != chain {
			continue
		}
		for _, o := range out {
			if o.Address == a.Address {
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

// counting returns the subject's accounts the rule looks at.
func counting(r *rule.Rule, s Subject) []caip.AccountID {
	if r.Subject().Wallets == rule.Signer && len(s.Accounts) > 1 {
		return s.Accounts[:1]
	}
	return s.Accounts
}

// chainOf returns the chain a leaf reads, or ok=false when it reads none in
// this version.
func chainOf(n *rule.Node) (chain caip.ChainID, contract string, ok bool) {
	switch n.Kind {
	case rule.KindHold:
		chain, contract = n.Hold.Asset.Chain, n.Hold.Asset.Reference
	case rule.KindCall:
		chain, contract = n.Call.Contract.Chain, n.Call.Contract.Address
	case rule.KindSol:
		chain, contract = solTarget(n.Sol)
	case rule.KindKey:
		chain, contract = n.Key.Asset.Chain, n.Key.Asset.Reference
	case rule.KindBlock:
		chain = n.Block.Chain
	default:
		return chain, "", false
	}
	return chain, contract, unsupported(n) == ""
}

// unsupported says why a leaf cannot be answered however the chain answers.
func unsupported(n *rule.Node) string {
	const reason = "unsupported"
	switch n.Kind {
	case rule.KindHold:
		if !slices.ContainsFunc(n.Hold.As, func(as rule.Holder) bool { return lacking(n.Hold, as) == "" }) {
			return reason
		}
	case rule.KindKey:
		if lackingKey(n.Key) != "" {
			return reason
		}
	case rule.KindSol:
		s := n.Sol
		if s.Collection == "" && s.Creator == "" && (s.Asset.Token != "" || s.Asset.Standard != "token" && s.Asset.Standard != "nft") {
			return reason
		}
	case rule.KindCall, rule.KindIs, rule.KindList, rule.KindMerkle, rule.KindRole, rule.KindAfter, rule.KindBefore, rule.KindBlock:
	default:
		return reason
	}
	switch n.Kind {
	case rule.KindHold, rule.KindKey, rule.KindCall, rule.KindSol, rule.KindBlock:
		if n.Evidence.QuorumN > 1 || n.Evidence.Proof == rule.ProofRequire {
			return reason
		}
	}
	return ""
}

// queriesOf lists the reads of a leaf for one account, in a fixed order.
func queriesOf(r *rule.Rule, n *rule.Node, a caip.AccountID) []Query {
	switch n.Kind {
	case rule.KindCall:
		c := n.Call
		return []Query{{Op: OpCall, Contract: c.Contract.Address, Account: a.Address, Call: &Call{Fn: c.Fn, Args: c.Args}}}
	case rule.KindSol:
		return []Query{solQuery(n.Sol, a.Address)}
	case rule.KindKey:
		return []Query{keyQuery(n.Key, a.Address)}
	}
	var qs []Query
	read, _ := holders(r, n)
	for _, as := range read {
		for _, p := range partsOf(n.Hold, as, a) {
			qs = append(qs, p.q)
			if p.uri != nil {
				qs = append(qs, *p.uri)
			}
		}
	}
	return qs
}

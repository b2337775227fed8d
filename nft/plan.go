package nft

import (
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

// batch is every read of one chain at one finality and quorum: one Check.
type batch struct {
	chain   caip.ChainID
	at      Finality
	quorum  Quorum
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
	chain  caip.ChainID
	at     Finality
	quorum Quorum
}

// quorumOf translates the rule's quorum; one provider is the zero value.
func quorumOf(e rule.Evidence) Quorum {
	if e.QuorumN < 2 {
		return Quorum{}
	}
	return Quorum{N: e.QuorumN, Of: e.QuorumOf}
}

// plan is what one evaluation reads, known before anything is read.
type plan struct {
	batches map[batchKey]*batch
	order   []*batch
}

func (p *plan) add(bk batchKey, q Query) (b *batch, i int) {
	if b = p.batches[bk]; b == nil {
		b = &batch{chain: bk.chain, at: bk.at, quorum: bk.quorum, index: map[readKey]int{}, holders: map[[2]string]bool{}}
		p.batches[bk] = b
		p.order = append(p.order, b)
	}
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
		h := n.Hold
		if _, ok := h.Tokens(); !ok || len(h.Traits) > 0 || h.Asset.Chain.Namespace != "eip155" {
			return reason
		}
		owner := false
		for _, as := range h.As {
			owner = owner || as == rule.Owner
		}
		if !owner {
			return reason
		}
	case rule.KindSol:
		s := n.Sol
		if s.Collection == "" && s.Creator == "" && (s.Asset.Token != "" || s.Asset.Standard != "token" && s.Asset.Standard != "nft") {
			return reason
		}
	case rule.KindCall, rule.KindIs, rule.KindList, rule.KindAfter, rule.KindBefore:
	default:
		return reason
	}
	switch n.Kind {
	case rule.KindHold, rule.KindCall, rule.KindSol:
		if n.Evidence.Proof == rule.ProofRequire {
			return reason
		}
	}
	return ""
}

// queriesOf lists the reads of a leaf for one account, in a fixed order.
func queriesOf(n *rule.Node, a caip.AccountID) []Query {
	if n.Kind == rule.KindCall {
		c := n.Call
		return []Query{{Op: OpCall, Contract: c.Contract.Address, Account: a.Address, Call: &Call{Fn: c.Fn, Args: c.Args}}}
	}
	if n.Kind == rule.KindSol {
		return []Query{solQuery(n.Sol, a.Address)}
	}
	h := n.Hold
	ids, _ := h.Tokens()
	q := Query{Contract: h.Asset.Reference, Account: a.Address}
	switch {
	case h.Asset.Standard == "erc20":
		q.Op = OpBalance20
	case ids == nil && h.Asset.Standard == "erc721":
		q.Op = OpBalance721
	case h.Asset.Standard == "erc721":
		// The owner of a token is one answer for every account.
		q.Op, q.Account = OpOwner721, ""
	default:
		q.Op = OpBalance1155
	}
	if ids == nil {
		return []Query{q}
	}
	qs := make([]Query, len(ids))
	for i, id := range ids {
		qs[i] = q
		qs[i].TokenID = id
	}
	return qs
}

// readsWhole reports whether an ERC-1155 leaf names no token, which the standard
// cannot answer.
func readsWhole(h *rule.HoldLeaf) bool {
	ids, _ := h.Tokens()
	return h.Asset.Standard == "erc1155" && ids == nil
}

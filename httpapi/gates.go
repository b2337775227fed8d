package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// gateView is a rule with what a person wants to know of it.
type gateView struct {
	Rule     json.RawMessage `json:"rule"`
	RuleID   string          `json:"rule_id"`
	Sentence string          `json:"sentence"`
	Warnings []rule.Warning  `json:"warnings"`
}

func gateOf(r *rule.Rule) gateView {
	v := gateView{Rule: r.Canonical(), RuleID: r.ID(), Sentence: r.Sentence(), Warnings: r.Lint()}
	if v.Warnings == nil {
		v.Warnings = []rule.Warning{}
	}
	return v
}

func (a *api) getGate(q *request) error {
	as, err := a.assetFor(q, q.r.PathValue("id"))
	if err != nil {
		return err
	}
	if len(as.Gate) == 0 {
		return fault.New(fault.NotFound, "httpapi.getGate", "This asset has no gate: only its owner plays it.")
	}
	r, err := rule.Parse(as.Gate)
	if err != nil {
		return fault.Wrap(fault.Internal, "httpapi.getGate", err) // it was valid when it was stored
	}
	return q.json(http.StatusOK, gateOf(r))
}

func (a *api) putGate(q *request) error {
	body, err := a.readBody(q.w, q.r)
	if err != nil {
		return err
	}
	r, err := rule.Parse(body)
	if err != nil {
		return err
	}
	id := q.r.PathValue("id")
	if _, err := a.assetFor(q, id); err != nil {
		return err
	}
	if _, err := a.Media.SetGate(q.r.Context(), q.who, id, r.Canonical()); err != nil {
		return err
	}
	return q.json(http.StatusOK, gateOf(r))
}

func (a *api) deleteGate(q *request) error {
	id := q.r.PathValue("id")
	if _, err := a.assetFor(q, id); err != nil {
		return err
	}
	if _, err := a.Media.SetGate(q.r.Context(), q.who, id, nil); err != nil {
		return err
	}
	return q.noContent()
}

// lintGate takes the rule itself as its body.
func (a *api) lintGate(q *request) error {
	body, err := a.readBody(q.w, q.r)
	if err != nil {
		return err
	}
	r, err := rule.Parse(body)
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, gateOf(r))
}

func (a *api) checkGate(q *request) error {
	var in struct {
		AssetID string          `json:"asset_id"`
		Rule    json.RawMessage `json:"rule"`
		Account string          `json:"account"`
	}
	if err := a.decode(q.w, q.r, &in); err != nil {
		return err
	}
	if (in.AssetID == "") == (len(in.Rule) == 0) {
		return fault.New(fault.Invalid, "httpapi.checkGate", "Name an asset or give a rule, not both.").
			With("/asset_id", "either this").With("/rule", "or this")
	}
	account, err := parseAccount(in.Account)
	if err != nil {
		return err
	}
	var owner string
	if in.AssetID != "" {
		as, err := a.assetFor(q, in.AssetID)
		if err != nil {
			return err
		}
		owner = as.Owner
		if len(as.Gate) == 0 {
			return fault.New(fault.Invalid, "httpapi.checkGate", "This asset has no gate to test.").With("/asset_id", "the asset has no gate")
		}
		in.Rule = as.Gate
	}
	r, err := rule.Parse(in.Rule)
	if err != nil {
		if in.AssetID == "" {
			err = below("/rule", err)
		}
		return err
	}
	if err := a.mayTest(q, account, owner); err != nil {
		return err
	}
	d, err := a.Decider.DecideFresh(q.r.Context(), r, nft.Subject{Tenant: q.tenant, Accounts: []caip.AccountID{account}})
	if err != nil {
		return err
	}
	return q.json(http.StatusOK, d)
}

// mayTest lets everybody test his own wallets. Another's may be tested by the owner of the asset, or against a rule of his
// own by who may make gates: chains are public, but the lists and roles that a rule may name are not.
func (a *api) mayTest(q *request, account caip.AccountID, owner string) error {
	for _, own := range q.who.Accounts {
		if own.Address == account.Address && own.Chain.Namespace == account.Chain.Namespace {
			return nil
		}
	}
	if owner != "" && owner == q.who.UserID || owner == "" && a.Media != nil && a.Media.MayCreate(q.who) {
		return nil
	}
	return fault.New(fault.Forbidden, "httpapi.checkGate", "You may test your own wallets. Another's may be tested by the owner of the video.")
}

// below moves the pointers of err under prefix, since the rule was a member of a larger body.
func below(prefix string, err error) error {
	msg, fields, _ := fault.Public(err)
	moved := &fault.Error{Kind: fault.KindOf(err), Op: "httpapi.checkGate", Msg: msg, Err: err}
	for _, f := range fields {
		moved.With(prefix+f.Pointer, f.Detail)
	}
	return moved
}

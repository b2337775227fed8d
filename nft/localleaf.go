package nft

import (
	"context"
	"errors"
	"slices"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/nft/rule"
)

// rolesList is the name by which answers about roles are voided, see RolesChanged. No list has it.
const rolesList = "\x00roles"

// listOf returns the name by which answers of a leaf are voided through ListChanged.
func listOf(n *rule.Node) (name string, ok bool) {
	switch n.Kind {
	case rule.KindList, rule.KindMerkle:
		return n.Name, true
	case rule.KindRole:
		return rolesList, true
	}
	return "", false
}

// RolesChanged voids cached answers that rest on roles in a tenant, and has the watches of such rules ask again.
func (d *Decider) RolesChanged(tenant string) { d.ListChanged(tenant, rolesList) }

// roleAnswer tells whether the subject has a role. A host that knows of no roles makes that unknown, since
// a "not" over it must not open.
func roleAnswer(ctx context.Context, ask func(context.Context, string, []caip.AccountID) ([]string, error), s Subject, accounts []caip.AccountID, name string) (Outcome, string) {
	roles := s.Roles
	if roles == nil {
		if ask == nil {
			return Unknown, "unsupported"
		}
		var err error
		if roles, err = ask(ctx, s.Tenant, accounts); err != nil {
			return Unknown, "list_unavailable"
		}
	}
	if slices.Contains(roles, name) {
		return Yes, "role"
	}
	return No, "no_role"
}

// merkleAnswer tells whether one of the accounts is under a root. A proof is checked here, whoever gave
// it; that an account is not there, the host's word is taken for.
func merkleAnswer(ctx context.Context, ask func(context.Context, string, string, string) (merkle.Proof, error), tenant, root string, accounts []caip.AccountID) (Outcome, string) {
	if ask == nil {
		return Unknown, "unsupported"
	}
	want, err := merkle.ParseHash(root)
	if err != nil {
		return Unknown, "unsupported"
	}
	outcome, reason := No, "not_listed"
	for _, a := range accounts {
		if a.Chain.Namespace != "eip155" {
			continue // leaves are EVM addresses
		}
		proof, err := ask(ctx, tenant, root, a.Address)
		switch {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			outcome, reason = Unknown, "list_unavailable"
		case merkle.Verify(want, a.Address, proof):
			return Yes, "listed"
		default:
			outcome, reason = Unknown, "bad_proof"
		}
	}
	return outcome, reason
}

// local answers a leaf that no chain is asked about, once.
func (e *evaluation) local(n *rule.Node, out *Node, ask func(name string) (Outcome, string)) {
	out.Wanted = n.Name
	key := string(n.Kind) + "\x00" + n.Name
	known := e.lists[key]
	if known == nil {
		known = &Node{}
		known.Outcome, known.Reason = ask(n.Name)
		e.lists[key] = known
	}
	out.Outcome, out.Reason = known.Outcome, known.Reason
}

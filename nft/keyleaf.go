package nft

import (
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/rule"
)

// lackingKey says what of a key leaf cannot be read, or "".
func lackingKey(k *rule.KeyLeaf) string {
	switch {
	case k.Asset.Chain.Namespace != "eip155":
		return "a key on such a chain"
	case k.Asset.Standard != "erc721":
		return "keys of an ERC-1155"
	case k.Check == rule.ERC4907 && k.Asset.Token == "":
		return "a rental (ERC-4907) without a token id"
	}
	return ""
}

func keyQuery(k *rule.KeyLeaf, account string) Query {
	op := map[rule.KeyCheck]Op{rule.Unlock: OpUnlockKey, rule.ERC5643: OpSubscription, rule.ERC4907: OpRental}[k.Check]
	return Query{Op: op, Contract: k.Asset.Reference, Account: account, TokenID: k.Asset.Token}
}

// key evaluates a key leaf for one account. Keys and rentals run out with no event, so the decision
// says until when it is good.
func (e *evaluation) key(n *rule.Node, b *batch, a caip.AccountID) (o Outcome, reason, observed string) {
	ans, ok := b.answer(keyQuery(n.Key, a.Address))
	if !ok {
		return Unknown, "not_needed", ""
	}
	if ans.Err != nil {
		return Unknown, answerReason(ans.Err), ""
	}
	v, ok := integer(ans.Value)
	if !ok || v.Sign() < 0 {
		return Unknown, "bad_reply", ""
	}
	if v.Sign() == 0 {
		return No, "not_held", "none"
	}
	end := endOf(v)
	observed = "until " + end.Format(time.RFC3339)
	if ans.Value == NoEnd {
		observed = "without an end"
	}
	if !end.After(e.instant(b)) {
		return No, "key_expired", observed
	}
	e.until(end)
	return Yes, "key_valid", observed
}

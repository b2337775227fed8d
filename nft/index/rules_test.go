package index_test

import (
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

func hold(contract string) rule.Expr { return rule.Hold("eip155:1/erc721:" + contract) }

func subject(accounts ...string) nft.Subject {
	s := nft.Subject{Tenant: "t"}
	for _, a := range accounts {
		s.Accounts = append(s.Accounts, caip.AccountID{Chain: eth, Address: a})
	}
	return s
}

package evm

import (
	"errors"
	"math/big"
	"strconv"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// unlockKey asks a lock. Which functions tell the end of a key has changed with the versions of the
// Unlock Protocol, so those are all asked; getHasValidKey, which knows the lock's hooks, decides.
func unlockKey(s *snapshot, q nft.Query) inquiry {
	if q.TokenID != "" {
		return unlockToken(s, q)
	}
	return ask(func(got []nft.Answer) inquiry {
		valid, total, balance, old := got[0], got[1], got[2], got[3]
		if valid.Err != nil {
			return answered(nft.Answer{Err: valid.Err})
		}
		if missing(total) { // locks before version 13
			total = balance
		}
		ends := []nft.Answer{old}
		if missing(old) { // locks since version 10; and those of before, for who never had a key
			ends = nil
		}
		n := count(total, rule.MaxKeys)
		return tokensOf(q, n, func(ids []nft.Answer) inquiry {
			var calls []ready
			for _, id := range ids {
				if id.Err == nil {
					calls = append(calls, viewing(q.Contract, "keyExpirationTimestampFor(uint256)(uint256)", id.Value))
				}
			}
			if len(calls) == 0 && n > 0 && len(ends) == 0 {
				return failed(fault.Unsupported, errEndless)
			}
			if len(calls) == 0 {
				return s.keyEnd(valid, ends)
			}
			return ask(func(got []nft.Answer) inquiry { return s.keyEnd(valid, append(ends, got...)) }, calls...)
		})
	},
		viewing(q.Contract, "getHasValidKey(address)(bool)", q.Account),
		viewing(q.Contract, "totalKeys(address)(uint256)", q.Account),
		viewing(q.Contract, "balanceOf(address)(uint256)", q.Account),
		viewing(q.Contract, "keyExpirationTimestampFor(address)(uint256)", q.Account))
}

// unlockToken asks a lock about one key.
func unlockToken(s *snapshot, q nft.Query) inquiry {
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got[:1]); ok {
			return bad
		}
		if got[0].Value != q.Account {
			return number(new(big.Int))
		}
		return ask(func(got []nft.Answer) inquiry {
			if bad, ok := firstErr(got); ok {
				return bad
			}
			return s.keyEnd(got[0], got[1:])
		}, viewing(q.Contract, "isValidKey(uint256)(bool)", q.TokenID), viewing(q.Contract, "keyExpirationTimestampFor(uint256)(uint256)", q.TokenID))
	}, ownerOf(q.Contract, q.TokenID))
}

// errEndless means that a lock has keys and no function that tells when they run out.
var errEndless = errors.New("the lock does not tell when a key runs out")

// keyEnd makes the answer of what the lock says and of when the keys run out. An end that the lock does not stand by,
// since its hook refuses the holder, is none; what it says yes to without a key in time has no end.
func (s *snapshot) keyEnd(valid nft.Answer, ends []nft.Answer) inquiry {
	for _, a := range ends {
		if a.Err != nil {
			return answered(nft.Answer{Err: a.Err})
		}
	}
	last := greatest(ends)
	running := last.Cmp(new(big.Int).SetUint64(uint64(*s.head.Timestamp))) > 0
	switch {
	case valid.Value != "true" && running:
		last = new(big.Int)
	case valid.Value == "true" && !running:
		last, _ = new(big.Int).SetString(nft.NoEnd, 10)
	}
	return number(last)
}

// subscribed asks an ERC-5643 contract. 0 is a subscription that never ran, or was cancelled.
func subscribed(_ *snapshot, q nft.Query) inquiry {
	expiresAt := func(token string) ready { return viewing(q.Contract, "expiresAt(uint256)(uint64)", token) }
	if q.TokenID != "" {
		return ask(func(got []nft.Answer) inquiry {
			if got[0].Err == nil && got[0].Value != q.Account {
				return number(new(big.Int))
			}
			if bad, ok := firstErr(got); ok {
				return bad
			}
			return number(got[1].Int)
		}, ownerOf(q.Contract, q.TokenID), expiresAt(q.TokenID))
	}
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		if got[0].Int.Cmp(big.NewInt(rule.MaxKeys)) > 0 {
			return failed(fault.TooLarge, nft.ErrTooMany)
		}
		return listed(q, count(got[0], rule.MaxKeys), func(ids []string) inquiry {
			var calls []ready
			for _, id := range ids {
				calls = append(calls, expiresAt(id))
			}
			return ask(func(got []nft.Answer) inquiry {
				if bad, ok := firstErr(got); ok {
					return bad
				}
				return number(greatest(got))
			}, calls...)
		}, number(new(big.Int)))
	}, viewing(q.Contract, "balanceOf(address)(uint256)", q.Account))
}

// rental asks an ERC-4907 contract. Its userOf says nobody once the block's time is past the end.
func rental(_ *snapshot, q nft.Query) inquiry {
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		if got[0].Value != q.Account {
			return number(new(big.Int))
		}
		return number(got[1].Int)
	}, viewing(q.Contract, "userOf(uint256)(address)", q.TokenID), viewing(q.Contract, "userExpires(uint256)(uint256)", q.TokenID))
}

// tokens721 lists what an account has of an ERC-721 Enumerable.
func tokens721(_ *snapshot, q nft.Query) inquiry {
	return ask(func(got []nft.Answer) inquiry {
		if bad, ok := firstErr(got); ok {
			return bad
		}
		if got[0].Int.Cmp(big.NewInt(rule.MaxIDs)) > 0 {
			return failed(fault.TooLarge, nft.ErrTooMany)
		}
		return listed(q, count(got[0], rule.MaxIDs), func(ids []string) inquiry {
			var calls []ready
			for _, id := range ids {
				calls = append(calls, viewing(q.Contract, "tokenURI(uint256)(string)", id))
			}
			return ask(func(got []nft.Answer) inquiry {
				if bad, ok := firstErr(got); ok {
					return bad
				}
				tokens := make([]nft.Token, len(ids))
				for i, id := range ids {
					tokens[i] = nft.Token{ID: id, URI: got[i].Value}
				}
				return answered(nft.Answer{Value: nft.FormatTokens(tokens)})
			}, calls...)
		}, answered(nft.Answer{Value: nft.FormatTokens(nil)}))
	}, viewing(q.Contract, "balanceOf(address)(uint256)", q.Account))
}

// count returns an answer as a number of no more than most; an error counts as none.
func count(a nft.Answer, most int) int {
	switch {
	case a.Int == nil || a.Int.Sign() <= 0:
		return 0
	case !a.Int.IsInt64() || a.Int.Int64() > int64(most):
		return most
	}
	return int(a.Int.Int64())
}

func greatest(got []nft.Answer) *big.Int {
	most := new(big.Int)
	for _, a := range got {
		if a.Int != nil && a.Int.Cmp(most) > 0 {
			most = a.Int
		}
	}
	return most
}

// tokensOf asks for the ids of an account's first n tokens.
func tokensOf(q nft.Query, n int, then func(ids []nft.Answer) inquiry) inquiry {
	if n == 0 {
		return then(nil)
	}
	calls := make([]ready, n)
	for i := range calls {
		calls[i] = viewing(q.Contract, "tokenOfOwnerByIndex(address,uint256)(uint256)", q.Account, strconv.Itoa(i))
	}
	return ask(then, calls...)
}

// listed is tokensOf where every id is due: none of it is the contract's not being enumerable.
func listed(q nft.Query, n int, then func(ids []string) inquiry, none inquiry) inquiry {
	if n == 0 {
		return none
	}
	return tokensOf(q, n, func(got []nft.Answer) inquiry {
		ids := make([]string, len(got))
		for i, a := range got {
			if missing(a) {
				return failed(fault.Unsupported, nft.ErrNotEnumerable)
			}
			if a.Err != nil {
				return answered(nft.Answer{Err: a.Err})
			}
			ids[i] = a.Value
		}
		return then(ids)
	})
}

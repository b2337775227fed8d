package solana

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// Issuer makes mints of the Token-2022 program and mints from them, on one cluster. It implements pass.Ledger; all methods are safe
// for concurrent use. A mint has its metadata in it, no decimals, and as the spec says it: non-transferable accounts, and a permanent
// delegate, of which rules warn.
//
// Transactions have no numbers here but an end: each names a recent blockhash and is worth nothing after its last height. One that
// was not seen by then, at finalized commitment, is signed anew. What an order is done by is an account at an address that follows
// from the order, so that a second transaction of the same order fails whatever was believed of the first.
type Issuer struct {
	opt  Options
	node *node
	key  solana.PrivateKey
}

var _ pass.Ledger = (*Issuer)(nil)

// NewIssuer returns an Issuer that signs and pays with key; see OpenKeyfile. It asks the provider nothing. Errors are fault.Invalid.
func NewIssuer(opt Options, key solana.PrivateKey) (*Issuer, error) {
	const op = "solana.NewIssuer"
	if err := key.Validate(); err != nil {
		return nil, fault.New(fault.Invalid, op, "the key is not a key pair")
	}
	v, err := New(opt)
	if err != nil {
		return nil, fault.At(op, err)
	}
	return &Issuer{opt: v.opt, node: v.node, key: key}, nil
}

// Close frees idle connections.
func (i *Issuer) Close() { i.node.http.CloseIdleConnections() }

// Facts implements pass.Ledger.
func (i *Issuer) Facts() pass.Facts {
	return pass.Facts{Chain: i.opt.Chain, Kinds: []pass.Kind{pass.Token2022}, Signer: i.key.PublicKey().String()}
}

// ask sends calls of which each must succeed, with the genesis hash before them.
func (i *Issuer) ask(ctx context.Context, calls ...*call) error {
	var genesis string
	all := append([]*call{{method: "getGenesisHash", out: &genesis}}, calls...)
	if err := i.node.do(ctx, &meter{}, all); err != nil {
		return err
	}
	for _, c := range all {
		if c.err != nil {
			return i.node.failed(c)
		}
	}
	if !sameChain(genesis, i.opt.Chain.Reference) {
		return fault.New(fault.Unavailable, "solana.chain", "the provider serves another cluster")
	}
	return nil
}

// fee is a generous bound of what a signature costs, in lamports.
const fee = 10_000

// tokenAccountRent is what the holder's token account costs at most, with the extensions that a Token-2022 mint asks for.
const tokenAccountRent = 2_200_000

// Draft implements pass.Ledger.
func (i *Issuer) Draft(ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error) {
	const op = "solana.Draft"
	d := pass.Draft{From: o.Sender, Value: "0"}
	if o.Act == pass.Deploy && o.Spec.MaxSupply > 0 {
		return d, fault.New(fault.Invalid, op, "Token-2022 has no limit of supply.").With("/max_supply", "leave it out")
	}
	need := uint64(fee)
	space := uint64(0)
	if o.Act == pass.Deploy {
		_, space = mintSpace(o.Spec)
	} else if p != nil {
		d.To = p.Contract
		need += tokenAccountRent
	}
	var rent uint64
	var balance contextual[uint64]
	if err := i.ask(ctx,
		&call{method: "getMinimumBalanceForRentExemption", params: []any{space}, out: &rent},
		&call{method: "getBalance", params: []any{o.Sender, map[string]any{"commitment": "confirmed"}}, out: &balance},
	); err != nil {
		return d, fault.At(op, err)
	}
	if need += rent; balance.Value < need {
		return d, fault.Newf(fault.Unavailable, op, "The platform's signer %s has %d lamports; the transaction may cost up to %d.", o.Sender, balance.Value, need)
	}
	if p != nil {
		proof, err := i.exists(ctx, d.To, "confirmed")
		if err != nil {
			return d, fault.At(op, err)
		}
		if !proof {
			return d, fault.New(fault.Unavailable, op, "Waits for the pass to be on the chain again.")
		}
	}
	d.Data = binaryRent(rent)
	return d, nil
}

// binaryRent carries the rent from Draft to Sign.
func binaryRent(rent uint64) []byte { return le64(rent) }

// exists tells whether there is an account.
func (i *Issuer) exists(ctx context.Context, key, level string) (bool, error) {
	var got contextual[*account]
	err := i.ask(ctx, &call{method: "getAccountInfo", params: []any{key, map[string]any{"commitment": level, "encoding": "base64"}}, out: &got})
	return got.Value != nil, err
}

// latestBlockhash is the answer to getLatestBlockhash.
type latestBlockhash struct {
	Blockhash string `json:"blockhash"`
	Last      uint64 `json:"lastValidBlockHeight"`
}

// Sign implements pass.Ledger.
func (i *Issuer) Sign(ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
	const op = "solana.Sign"
	signer := i.key.PublicKey()
	if o.Sender != signer.String() || len(d.Data) != 8 {
		return pass.Attempt{}, "", fault.Newf(fault.Unavailable, op, "The platform has no key for %s now.", o.Sender)
	}
	ins, contract, err := i.instructions(o, d)
	if err != nil {
		return pass.Attempt{}, "", err
	}
	var latest contextual[latestBlockhash]
	if err := i.ask(ctx, &call{method: "getLatestBlockhash", params: []any{map[string]any{"commitment": "confirmed"}}, out: &latest}); err != nil {
		return pass.Attempt{}, "", fault.At(op, err)
	}
	hash, err := solana.HashFromBase58(latest.Value.Blockhash)
	if err != nil || latest.Value.Last == 0 {
		return pass.Attempt{}, "", fault.New(fault.Unavailable, op, "the provider's blockhash is none")
	}
	tx, err := solana.NewTransaction(ins, hash, solana.TransactionPayer(signer))
	if err != nil {
		return pass.Attempt{}, "", fault.Wrap(fault.Internal, op, err)
	}
	if _, err := tx.Sign(func(solana.PublicKey) *solana.PrivateKey { return &i.key }); err != nil {
		return pass.Attempt{}, "", fault.Wrap(fault.Internal, op, err)
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return pass.Attempt{}, "", fault.Wrap(fault.Internal, op, err)
	}
	return pass.Attempt{Hash: tx.Signatures[0].String(), Raw: raw, Expires: latest.Value.Last}, contract, nil
}

func (i *Issuer) instructions(o pass.Order, d pass.Draft) (ins []solana.Instruction, contract string, err error) {
	signer := i.key.PublicKey()
	proof, err := proofOf(o, signer)
	if err != nil {
		return nil, "", err
	}
	r := reader{b: d.Data}
	rent := r.u64()
	if o.Act == pass.Deploy {
		return deployment(o, signer, proof, rent), proof.String(), nil
	}
	mint, mintErr := solana.PublicKeyFromBase58(d.To)
	holder, holderErr := solana.PublicKeyFromBase58(o.Grant.To)
	if mintErr != nil || holderErr != nil {
		return nil, "", fault.New(fault.Invalid, "solana.Sign", "the mint or its receiver is no address")
	}
	ins, err = minting(o, signer, proof, mint, holder, rent)
	return ins, "", err
}

// Send implements pass.Ledger.
func (i *Issuer) Send(ctx context.Context, raw []byte) error {
	const op = "solana.Send"
	var signature string
	c := &call{method: "sendTransaction", params: []any{base64.StdEncoding.EncodeToString(raw), map[string]any{"encoding": "base64", "skipPreflight": false, "preflightCommitment": "confirmed"}}, out: &signature}
	if err := i.node.do(ctx, &meter{}, []*call{c}); err != nil {
		return fault.At(op, err)
	}
	if c.err == nil || strings.Contains(c.err.Message, "already been processed") {
		return nil
	}
	// Whether it came too late or is refused shows when we look what has become of the order.
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "The chain's node did not take the transaction yet.", Err: i.node.failed(c)}
}

// signatureStatus is one element of the answer to getSignatureStatuses.
type signatureStatus struct {
	Slot  uint64          `json:"slot"`
	Err   json.RawMessage `json:"err"`
	Level string          `json:"confirmationStatus"`
}

// Look implements pass.Ledger.
func (i *Issuer) Look(ctx context.Context, o pass.Order) (pass.Sighting, error) {
	const op = "solana.Look"
	if len(o.Attempts) == 0 {
		return pass.Sighting{}, fault.New(fault.Invalid, op, "the order has no attempts")
	}
	proof, err := proofOf(o, i.key.PublicKey())
	if err != nil {
		return pass.Sighting{}, err
	}
	var height uint64
	var done, seen contextual[*account]
	var statuses contextual[[]*signatureStatus]
	hashes := make([]string, len(o.Attempts))
	for n, a := range o.Attempts {
		hashes[n] = a.Hash
	}
	at := func(level string) map[string]any { return map[string]any{"commitment": level, "encoding": "base64"} }
	// The height first: what ends before it is looked for after it.
	if err := i.ask(ctx, &call{method: "getBlockHeight", params: []any{map[string]any{"commitment": "finalized"}}, out: &height}); err != nil {
		return pass.Sighting{}, fault.At(op, err)
	}
	if err := i.ask(ctx,
		&call{method: "getAccountInfo", params: []any{proof.String(), at("finalized")}, out: &done},
		&call{method: "getAccountInfo", params: []any{proof.String(), at("confirmed")}, out: &seen},
		&call{method: "getSignatureStatuses", params: []any{hashes, map[string]any{"searchTransactionHistory": true}}, out: &statuses},
	); err != nil {
		return pass.Sighting{}, fault.At(op, err)
	}
	if len(statuses.Value) != len(hashes) {
		return pass.Sighting{}, fault.New(fault.Unavailable, op, "the provider answers for other signatures than asked for")
	}
	return i.judge(o, proof, height, done.Value, seen.Value, statuses.Value), nil
}

func (i *Issuer) judge(o pass.Order, proof solana.PublicKey, height uint64, done, seen *account, statuses []*signatureStatus) pass.Sighting {
	got := pass.Sighting{Fate: pass.Unseen, Hash: o.Last().Hash}
	var failed *signatureStatus
	for n, s := range statuses {
		if s == nil {
			continue
		}
		if len(s.Err) > 0 && !bytes.Equal(s.Err, []byte("null")) {
			failed = s
			continue
		}
		got.Hash, got.Block = o.Attempts[n].Hash, pass.Block{Number: s.Slot, Hash: "slot:" + strconv.FormatUint(s.Slot, 10)}
	}
	there := seen
	if done != nil {
		there = done
	}
	switch {
	case there != nil:
		got.Fate, got.Final, got.OK = pass.Landed, done != nil, true
		if o.Act == pass.Deploy {
			got.Contract = proof.String()
			got.OK = i.isOurs(o, there)
		}
		if !got.OK {
			got.Reason = "The account at the mint's address is not the mint that was ordered."
		}
	case failed != nil:
		got.Fate, got.Final, got.Reason = pass.Landed, failed.Level == "finalized", "The chain refused the transaction: "+i.node.secrets.Redact(string(failed.Err))
		got.Block = pass.Block{Number: failed.Slot, Hash: "slot:" + strconv.FormatUint(failed.Slot, 10)}
	case height > o.Last().Expires:
		got.Fate, got.Final = pass.Displaced, true
	}
	return got
}

// isOurs tells whether an account is the mint of a Deploy, with what was ordered and nothing else that matters.
func (i *Issuer) isOurs(o pass.Order, a *account) bool {
	m, ok := parseMint(a)
	return ok && a.owner == token2022 && m.decimals == 0 && m.nonTransferable == o.Spec.Soulbound && m.permanentDelegate == o.Spec.Revocable &&
		bytes.Equal(a.data[4:36], i.key.PublicKey().Bytes()) // the mint authority
}

package solana

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"slices"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// OpenKeyfile reads a key pair file as solana-keygen writes it: a JSON array of 64 numbers. A file that others can read, or
// that is no key pair, is fault.Invalid; the error says nothing of the key.
func OpenKeyfile(path string) (solana.PrivateKey, error) {
	const op = "solana.OpenKeyfile"
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fault.Newf(fault.Invalid, op, "%s can be read by others: chmod 600", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	var numbers []uint8
	var raw []int
	if err := json.Unmarshal(text, &raw); err != nil || len(raw) != 64 {
		return nil, fault.Newf(fault.Invalid, op, "%s is not a key pair of 64 numbers", path)
	}
	for _, n := range raw {
		if n < 0 || n > 255 {
			return nil, fault.Newf(fault.Invalid, op, "%s is not a key pair of 64 bytes", path)
		}
		numbers = append(numbers, uint8(n))
	}
	key := solana.PrivateKey(numbers)
	if !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		return nil, fault.Newf(fault.Invalid, op, "%s is not a key pair: its halves do not belong together", path)
	}
	return key, nil
}

// seedOf names an order within the addresses that its signer can make: 32 characters at most.
func seedOf(o pass.Order) string {
	sum := sha256.Sum256([]byte("streamgate order\x00" + o.Tenant + "\x00" + o.ID))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])
}

// proofOf is the account that exists when an order is done, and by whose existence a second transaction of the order fails: the
// mint of a Deploy, a marker beside a Mint.
func proofOf(o pass.Order, signer solana.PublicKey) (solana.PublicKey, error) {
	owner := solana.SystemProgramID
	if o.Act == pass.Deploy {
		owner = token2022
	}
	key, err := solana.CreateWithSeed(signer, seedOf(o), owner)
	return key, fault.Wrap(fault.Internal, "solana.proofOf", err)
}

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// text is a Borsh string.
func text(s string) []byte {
	return append(le32(uint32(len(s))), s...) // #nosec G115 -- bounded by pass.Spec
}

// createWithSeed is the System program's CreateAccountWithSeed.
func createWithSeed(signer, account, owner solana.PublicKey, seed string, lamports, space uint64) solana.Instruction {
	data := slices.Concat(le32(3), signer.Bytes(), le64(uint64(len(seed))), []byte(seed), le64(lamports), le64(space), owner.Bytes())
	return solana.NewInstruction(solana.SystemProgramID, solana.AccountMetaSlice{solana.Meta(signer).WRITE().SIGNER(), solana.Meta(account).WRITE()}, data)
}

// mintSpace is how large a mint is before and with its metadata: 165 bytes, one that says "mint", and extensions with heads of four.
func mintSpace(s *pass.Spec) (before, with uint64) {
	before = tokenSize + 1 + 4 + 64 // the metadata pointer
	if s.Soulbound {
		before += 4
	}
	if s.Revocable {
		before += 4 + 32
	}
	return before, before + 4 + 64 + uint64(len(text(s.Name))+len(text(s.Symbol))+len(text(s.BaseURI))+4)
}

// deployment makes a mint with its metadata in it. The order of the extensions' instructions is free; all come before InitializeMint2.
func deployment(o pass.Order, signer, mint solana.PublicKey, rent uint64) []solana.Instruction {
	s := o.Spec
	before, _ := mintSpace(s)
	on := func(data ...[]byte) solana.Instruction {
		return solana.NewInstruction(token2022, solana.AccountMetaSlice{solana.Meta(mint).WRITE()}, bytes.Join(data, nil))
	}
	ins := []solana.Instruction{createWithSeed(signer, mint, token2022, seedOf(o), rent, before)}
	ins = append(ins, on([]byte{39, 0}, signer.Bytes(), mint.Bytes())) // MetadataPointer: the mint itself
	if s.Soulbound {
		ins = append(ins, on([]byte{32})) // InitializeNonTransferableMint
	}
	if s.Revocable {
		ins = append(ins, on([]byte{35}, signer.Bytes())) // InitializePermanentDelegate
	}
	ins = append(ins, on([]byte{20, 0}, signer.Bytes(), []byte{0})) // InitializeMint2: no decimals, nobody freezes
	describe := slices.Concat([]byte{210, 225, 30, 162, 88, 184, 77, 141}, text(s.Name), text(s.Symbol), text(s.BaseURI))
	return append(ins, solana.NewInstruction(token2022, solana.AccountMetaSlice{
		solana.Meta(mint).WRITE(), solana.Meta(signer), solana.Meta(mint), solana.Meta(signer).SIGNER(),
	}, describe))
}

// minting marks the order as done and mints, in one transaction: both or neither.
func minting(o pass.Order, signer, marker, mint, holder solana.PublicKey, rent uint64) ([]solana.Instruction, error) {
	to, _, err := solana.FindProgramAddress([][]byte{holder.Bytes(), token2022.Bytes(), mint.Bytes()}, solana.SPLAssociatedTokenAccountProgramID)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "solana.minting", err)
	}
	return []solana.Instruction{
		createWithSeed(signer, marker, solana.SystemProgramID, seedOf(o), rent, 0),
		solana.NewInstruction(solana.SPLAssociatedTokenAccountProgramID, solana.AccountMetaSlice{
			solana.Meta(signer).WRITE().SIGNER(), solana.Meta(to).WRITE(), solana.Meta(holder), solana.Meta(mint), solana.Meta(solana.SystemProgramID), solana.Meta(token2022),
		}, []byte{1}), // CreateIdempotent
		solana.NewInstruction(token2022, solana.AccountMetaSlice{
			solana.Meta(mint).WRITE(), solana.Meta(to).WRITE(), solana.Meta(signer).SIGNER(),
		}, append([]byte{7}, le64(o.Grant.Amount)...)), // MintTo
	}, nil
}

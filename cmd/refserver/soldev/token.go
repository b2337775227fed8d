package soldev

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/gagliardetto/solana-go"
)

// Mint says what kind of mint NewMint makes. The zero value is that of an NFT:
// SPL Token, no decimals.
type Mint struct {
	// Key is the mint's own key; nil makes one.
	Key      solana.PrivateKey
	Decimals uint8
	// Token2022 takes that program; the two below need it.
	Token2022         bool
	NonTransferable   bool
	PermanentDelegate *solana.PublicKey
}

// tokenSet is the data of an instruction of the token programs.
func tokenSet(tag byte, parts ...[]byte) []byte {
	return append([]byte{tag}, slices.Concat(parts...)...)
}

func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func (s *Node) rent(ctx context.Context, size uint64) (lamports uint64, err error) {
	raw, err := s.call(ctx, "getMinimumBalanceForRentExemption", size)
	if err != nil {
		return 0, err
	}
	return lamports, json.Unmarshal(raw, &lamports)
}

func (s *Node) create(ctx context.Context, key, program solana.PublicKey, size uint64) (solana.Instruction, error) {
	rent, err := s.rent(ctx, size)
	data := slices.Concat([]byte{0, 0, 0, 0}, u64(rent), u64(size), program.Bytes())
	return solana.NewInstruction(solana.SystemProgramID, solana.AccountMetaSlice{
		solana.Meta(s.Payer.PublicKey()).WRITE().SIGNER(), solana.Meta(key).WRITE().SIGNER()}, data), err
}

// NewMint makes a mint whose mint and freeze authority is Payer.
func (s *Node) NewMint(ctx context.Context, m Mint) (solana.PublicKey, error) {
	key := m.Key
	if key == nil {
		key = solana.NewWallet().PrivateKey
	}
	mint, program, size := key.PublicKey(), solana.TokenProgramID, uint64(82)
	var ins []solana.Instruction
	extend := func(data []byte, length uint64) {
		size = max(size, 166) + 4 + length
		ins = append(ins, solana.NewInstruction(solana.Token2022ProgramID, solana.AccountMetaSlice{solana.Meta(mint).WRITE()}, data))
	}
	if m.Token2022 {
		program = solana.Token2022ProgramID
	}
	if m.NonTransferable {
		extend([]byte{32}, 0)
	}
	if m.PermanentDelegate != nil {
		extend(tokenSet(35, m.PermanentDelegate.Bytes()), 32)
	}
	first, err := s.create(ctx, mint, program, size)
	if err != nil {
		return mint, err
	}
	owner := s.Payer.PublicKey().Bytes()
	ins = append([]solana.Instruction{first}, ins...)
	ins = append(ins, solana.NewInstruction(program, solana.AccountMetaSlice{solana.Meta(mint).WRITE()},
		tokenSet(20, []byte{m.Decimals}, owner, []byte{1}, owner)))
	return mint, s.Send(ctx, []solana.PrivateKey{key}, ins...)
}

// mintFacts reads the program and the decimals of a mint.
func (s *Node) mintFacts(ctx context.Context, mint solana.PublicKey) (program solana.PublicKey, decimals byte, err error) {
	raw, err := s.call(ctx, "getAccountInfo", mint.String(), map[string]string{"commitment": "processed"})
	if err != nil {
		return program, 0, err
	}
	var out struct {
		Value *struct {
			Owner solana.PublicKey
			Data  [2]string
		}
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return program, 0, err
	}
	if out.Value == nil {
		return program, 0, errNoMint
	}
	data, err := base64.StdEncoding.DecodeString(out.Value.Data[0])
	if err != nil || len(data) < 82 {
		return program, 0, errNoMint
	}
	return out.Value.Owner, data[44], nil
}

// ATA returns the associated token account of an owner.
func (s *Node) ATA(ctx context.Context, mint, owner solana.PublicKey) (solana.PublicKey, error) {
	program, _, err := s.mintFacts(ctx, mint)
	if err != nil {
		return program, err
	}
	return ata(program, mint, owner)
}

func ata(program, mint, owner solana.PublicKey) (solana.PublicKey, error) {
	key, _, err := solana.FindProgramAddress([][]byte{owner.Bytes(), program.Bytes(), mint.Bytes()}, solana.SPLAssociatedTokenAccountProgramID)
	return key, err
}

func (s *Node) ensure(program, mint, owner, account solana.PublicKey) solana.Instruction {
	return solana.NewInstruction(solana.SPLAssociatedTokenAccountProgramID, solana.AccountMetaSlice{
		solana.Meta(s.Payer.PublicKey()).WRITE().SIGNER(), solana.Meta(account).WRITE(), solana.Meta(owner),
		solana.Meta(mint), solana.Meta(solana.SystemProgramID), solana.Meta(program)}, []byte{1})
}

// MintTo gives amount new units to the associated account of owner.
func (s *Node) MintTo(ctx context.Context, mint, owner solana.PublicKey, amount uint64) error {
	program, _, err := s.mintFacts(ctx, mint)
	if err != nil {
		return err
	}
	to, err := ata(program, mint, owner)
	if err != nil {
		return err
	}
	return s.Send(ctx, nil, s.ensure(program, mint, owner, to), s.mintTo(program, mint, to, amount))
}

func (s *Node) mintTo(program, mint, to solana.PublicKey, amount uint64) solana.Instruction {
	return solana.NewInstruction(program, solana.AccountMetaSlice{solana.Meta(mint).WRITE(), solana.Meta(to).WRITE(),
		solana.Meta(s.Payer.PublicKey()).SIGNER()}, tokenSet(7, u64(amount)))
}

// MintApart is MintTo a token account that is not the associated one.
func (s *Node) MintApart(ctx context.Context, mint, owner solana.PublicKey, amount uint64) error {
	program, _, err := s.mintFacts(ctx, mint)
	if err != nil {
		return err
	}
	key := solana.NewWallet().PrivateKey
	first, err := s.create(ctx, key.PublicKey(), program, 165)
	if err != nil {
		return err
	}
	return s.Send(ctx, []solana.PrivateKey{key}, first,
		solana.NewInstruction(program, solana.AccountMetaSlice{solana.Meta(key.PublicKey()).WRITE(), solana.Meta(mint)}, tokenSet(18, owner.Bytes())),
		s.mintTo(program, mint, key.PublicKey(), amount))
}

// Transfer moves amount between the associated accounts of from and to. signer is
// from's key, or that of a delegate.
func (s *Node) Transfer(ctx context.Context, mint solana.PublicKey, signer solana.PrivateKey, from, to solana.PublicKey, amount uint64) error {
	program, decimals, err := s.mintFacts(ctx, mint)
	if err != nil {
		return err
	}
	src, err := ata(program, mint, from)
	if err != nil {
		return err
	}
	dst, err := ata(program, mint, to)
	if err != nil {
		return err
	}
	return s.Send(ctx, []solana.PrivateKey{signer}, s.ensure(program, mint, to, dst),
		solana.NewInstruction(program, solana.AccountMetaSlice{solana.Meta(src).WRITE(), solana.Meta(mint), solana.Meta(dst).WRITE(),
			solana.Meta(signer.PublicKey()).SIGNER()}, tokenSet(12, u64(amount), []byte{decimals})))
}

// on runs an instruction on the associated account of owner.
func (s *Node) on(ctx context.Context, mint, owner solana.PublicKey, signer solana.PrivateKey, metas func(account solana.PublicKey) solana.AccountMetaSlice, data []byte) error {
	program, _, err := s.mintFacts(ctx, mint)
	if err != nil {
		return err
	}
	account, err := ata(program, mint, owner)
	if err != nil {
		return err
	}
	return s.Send(ctx, []solana.PrivateKey{signer}, solana.NewInstruction(program, metas(account), data))
}

// Freeze freezes the associated account of owner, Thaw undoes it.
func (s *Node) Freeze(ctx context.Context, mint, owner solana.PublicKey) error {
	return s.freeze(ctx, mint, owner, 10)
}

// Thaw undoes Freeze.
func (s *Node) Thaw(ctx context.Context, mint, owner solana.PublicKey) error {
	return s.freeze(ctx, mint, owner, 11)
}

func (s *Node) freeze(ctx context.Context, mint, owner solana.PublicKey, tag byte) error {
	return s.on(ctx, mint, owner, s.Payer, func(a solana.PublicKey) solana.AccountMetaSlice {
		return solana.AccountMetaSlice{solana.Meta(a).WRITE(), solana.Meta(mint), solana.Meta(s.Payer.PublicKey()).SIGNER()}
	}, []byte{tag})
}

// Approve makes delegate the delegate of owner's associated account.
func (s *Node) Approve(ctx context.Context, mint solana.PublicKey, owner solana.PrivateKey, delegate solana.PublicKey, amount uint64) error {
	return s.on(ctx, mint, owner.PublicKey(), owner, func(a solana.PublicKey) solana.AccountMetaSlice {
		return solana.AccountMetaSlice{solana.Meta(a).WRITE(), solana.Meta(delegate), solana.Meta(owner.PublicKey()).SIGNER()}
	}, tokenSet(4, u64(amount)))
}

// Burn destroys amount of owner's associated account.
func (s *Node) Burn(ctx context.Context, mint solana.PublicKey, owner solana.PrivateKey, amount uint64) error {
	return s.on(ctx, mint, owner.PublicKey(), owner, func(a solana.PublicKey) solana.AccountMetaSlice {
		return solana.AccountMetaSlice{solana.Meta(a).WRITE(), solana.Meta(mint).WRITE(), solana.Meta(owner.PublicKey()).SIGNER()}
	}, tokenSet(8, u64(amount)))
}

// CloseAccount closes owner's associated account, which must be empty.
func (s *Node) CloseAccount(ctx context.Context, mint solana.PublicKey, owner solana.PrivateKey) error {
	return s.on(ctx, mint, owner.PublicKey(), owner, func(a solana.PublicKey) solana.AccountMetaSlice {
		return solana.AccountMetaSlice{solana.Meta(a).WRITE(), solana.Meta(owner.PublicKey()).WRITE(), solana.Meta(owner.PublicKey()).SIGNER()}
	}, []byte{9})
}

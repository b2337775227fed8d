package evm

import (
	"encoding/hex"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The bounds of a call: more than any gate needs, less than hurts.
const (
	maxSignature = 512
	maxArgs      = 16
	maxLiteral   = 4096
)

var (
	fnRE   = regexp.MustCompile(`^([A-Za-z_$][A-Za-z0-9_$]{0,63})\(([a-z0-9,]*)\)\(([a-z0-9]+)\)$`)
	typeRE = regexp.MustCompile(`^(address|bool|string|bytes|bytes([1-9]|[12][0-9]|3[0-2])|u?int([1-9][0-9]{0,2})?)$`)
	intRE  = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,77})$`)
)

// function is a parsed signature such as "tierOf(address)(uint8)".
type function struct {
	selector [4]byte
	in       abi.Arguments
	out      abi.Arguments // always one
}

func invalidCall(format string, a ...any) error {
	return fault.Newf(fault.Invalid, "evm.call", format, a...)
}

// parseFunction reads a Solidity signature with elementary argument types and one
// elementary return type. Errors are fault.Invalid.
func parseFunction(s string) (function, error) {
	var f function
	if len(s) > maxSignature {
		return f, invalidCall("the signature is longer than %d bytes", maxSignature)
	}
	m := fnRE.FindStringSubmatch(strings.ReplaceAll(s, " ", ""))
	if m == nil {
		return f, invalidCall("%q is not a signature such as \"tierOf(address)(uint8)\"", s)
	}
	var names []string
	if m[2] != "" {
		names = strings.Split(m[2], ",")
	}
	if len(names) > maxArgs {
		return f, invalidCall("the function takes more than %d arguments", maxArgs)
	}
	for i, n := range names {
		t, err := parseType(n)
		if err != nil {
			return f, err
		}
		f.in = append(f.in, abi.Argument{Type: t})
		names[i] = t.String()
	}
	t, err := parseType(m[3])
	if err != nil {
		return f, err
	}
	f.out = abi.Arguments{{Type: t}}
	copy(f.selector[:], crypto.Keccak256([]byte(m[1]+"("+strings.Join(names, ",")+")")))
	return f, nil
}

func parseType(name string) (abi.Type, error) {
	m := typeRE.FindStringSubmatch(name)
	if m == nil {
		return abi.Type{}, invalidCall("%q is not an elementary Solidity type", name)
	}
	switch {
	case name == "uint" || name == "int":
		name += "256"
	case m[3] != "":
		if bits, _ := strconv.Atoi(m[3]); bits%8 != 0 || bits > 256 {
			return abi.Type{}, invalidCall("%q is not an elementary Solidity type", name)
		}
	}
	t, err := abi.NewType(name, "", nil)
	return t, fault.Wrap(fault.Invalid, "evm.call", err)
}

// packCall returns the call data of c for account.
func packCall(c *nft.Call, account string) (function, []byte, error) {
	if c == nil {
		return function{}, nil, invalidCall("the query has no call")
	}
	f, err := parseFunction(c.Fn)
	if err != nil {
		return f, nil, err
	}
	if len(c.Args) != len(f.in) {
		return f, nil, invalidCall("%s takes %d arguments, not %d", c.Fn, len(f.in), len(c.Args))
	}
	values := make([]any, len(c.Args))
	for i, s := range c.Args {
		if s == ":account" {
			s = account
		}
		if values[i], err = literal(f.in[i].Type, s); err != nil {
			return f, nil, err
		}
	}
	data, err := f.in.Pack(values...)
	if err != nil {
		return f, nil, fault.Wrap(fault.Invalid, "evm.call", err)
	}
	return f, append(f.selector[:], data...), nil
}

// literal returns the Go value go-ethereum packs for a Solidity literal.
func literal(t abi.Type, s string) (any, error) {
	if len(s) > maxLiteral {
		return nil, invalidCall("an argument is longer than %d bytes", maxLiteral)
	}
	switch t.T {
	case abi.AddressTy:
		a, err := caip.ParseEVMAddress(s)
		if err != nil {
			return nil, fault.At("evm.call", err)
		}
		return common.HexToAddress(a), nil
	case abi.BoolTy:
		if s != "true" && s != "false" {
			return nil, invalidCall("%q is not true or false", s)
		}
		return s == "true", nil
	case abi.StringTy:
		return s, nil
	case abi.BytesTy, abi.FixedBytesTy:
		b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
		if err != nil || !strings.HasPrefix(s, "0x") || t.T == abi.FixedBytesTy && len(b) != t.Size {
			return nil, invalidCall("%q is not a %s: write 0x and two digits a byte", s, t.String())
		}
		if t.T == abi.BytesTy {
			return b, nil
		}
		v := reflect.New(t.GetType()).Elem()
		reflect.Copy(v, reflect.ValueOf(b))
		return v.Interface(), nil
	default:
		return integer(t, s)
	}
}

// integer returns s as the Go type of an integer type, checking its range.
func integer(t abi.Type, s string) (any, error) {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !intRE.MatchString(s) || !inRange(t, n) {
		return nil, invalidCall("%q is not a %s", s, t.String())
	}
	switch typ := t.GetType(); typ.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return reflect.ValueOf(n.Uint64()).Convert(typ).Interface(), nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return reflect.ValueOf(n.Int64()).Convert(typ).Interface(), nil
	default:
		return n, nil
	}
}

func inRange(t abi.Type, n *big.Int) bool {
	if t.T == abi.UintTy {
		return n.Sign() >= 0 && n.BitLen() <= t.Size
	}
	limit := new(big.Int).Lsh(big.NewInt(1), uint(t.Size-1))
	return n.Cmp(limit) < 0 && n.Cmp(new(big.Int).Neg(limit)) >= 0
}

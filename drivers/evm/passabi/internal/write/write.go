// Package write makes the bindings of the pass contracts with abigen v2. The generator and the test that compares call it.
package write

import (
	"go/format"

	"github.com/ethereum/go-ethereum/accounts/abi/abigen"

	"github.com/streamgate/streamgate/contracts"
)

// Bindings returns the source of package passabi.
func Bindings() ([]byte, error) {
	var types, abis, bytecodes []string
	for _, a := range []contracts.Artefact{contracts.NFTPass(), contracts.SubscriptionPass(), contracts.ItemPass()} {
		// The creation code is that of package contracts: a second copy could be another.
		types, abis, bytecodes = append(types, a.Name), append(abis, string(a.ABI)), append(bytecodes, "")
	}
	code, err := abigen.BindV2(types, abis, bytecodes, "passabi", map[string]string{}, map[string]string{})
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(code))
}

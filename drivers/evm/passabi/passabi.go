// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package passabi

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// ItemPassTerms is an auto generated low-level Go binding around an user-defined struct.
type ItemPassTerms struct {
	Name      string
	Symbol    string
	BaseURI   string
	MaxSupply *big.Int
	Soulbound bool
	Owner     common.Address
	Minter    common.Address
}

// NFTPassTerms is an auto generated low-level Go binding around an user-defined struct.
type NFTPassTerms struct {
	Name      string
	Symbol    string
	BaseURI   string
	MaxSupply *big.Int
	Soulbound bool
	Owner     common.Address
	Minter    common.Address
}

// ItemPassMetaData contains all meta data concerning the ItemPass contract.
var ItemPassMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"components\":[{\"internalType\":\"string\",\"name\":\"name\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"symbol\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"},{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"},{\"internalType\":\"bool\",\"name\":\"soulbound\",\"type\":\"bool\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"minter\",\"type\":\"address\"}],\"internalType\":\"structItemPass.Terms\",\"name\":\"t\",\"type\":\"tuple\"}],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"AlreadyMinted\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BoundToHolder\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"balance\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"needed\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ERC1155InsufficientBalance\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"approver\",\"type\":\"address\"}],\"name\":\"ERC1155InvalidApprover\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"idsLength\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"valuesLength\",\"type\":\"uint256\"}],\"name\":\"ERC1155InvalidArrayLength\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"ERC1155InvalidOperator\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"receiver\",\"type\":\"address\"}],\"name\":\"ERC1155InvalidReceiver\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"}],\"name\":\"ERC1155InvalidSender\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"ERC1155MissingApprovalForAll\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"NotMinter\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"OwnableInvalidOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"OwnableUnauthorizedAccount\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"}],\"name\":\"SoldOut\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"ApprovalForAll\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Locked\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"MinterChanged\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"previousOwner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"OwnershipTransferred\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256[]\",\"name\":\"ids\",\"type\":\"uint256[]\"},{\"indexed\":false,\"internalType\":\"uint256[]\",\"name\":\"values\",\"type\":\"uint256[]\"}],\"name\":\"TransferBatch\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"}],\"name\":\"TransferSingle\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"string\",\"name\":\"value\",\"type\":\"string\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"}],\"name\":\"URI\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Unlocked\",\"type\":\"event\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"}],\"name\":\"balanceOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address[]\",\"name\":\"accounts\",\"type\":\"address[]\"},{\"internalType\":\"uint256[]\",\"name\":\"ids\",\"type\":\"uint256[]\"}],\"name\":\"balanceOfBatch\",\"outputs\":[{\"internalType\":\"uint256[]\",\"name\":\"\",\"type\":\"uint256[]\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"burn\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"isApprovedForAll\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"isMinted\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"isMinter\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"name\":\"locked\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"maxSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"mint\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"}],\"name\":\"mintedOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"name\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"owner\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"renounceOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256[]\",\"name\":\"ids\",\"type\":\"uint256[]\"},{\"internalType\":\"uint256[]\",\"name\":\"values\",\"type\":\"uint256[]\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"safeBatchTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"value\",\"type\":\"uint256\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"safeTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"setApprovalForAll\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"}],\"name\":\"setBaseURI\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"setMinter\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"soulbound\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes4\",\"name\":\"interfaceId\",\"type\":\"bytes4\"}],\"name\":\"supportsInterface\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"symbol\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"tokenOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"transferOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"id\",\"type\":\"uint256\"}],\"name\":\"uri\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"}]",
	ID:  "ItemPass",
}

// ItemPass is an auto generated Go binding around an Ethereum contract.
type ItemPass struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *ItemPass) GetABI() abi.ABI {
	return c.abi
}

// NewItemPass creates a new instance of ItemPass.
func NewItemPass() *ItemPass {
	parsed, err := ItemPassMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &ItemPass{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *ItemPass) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor((string,string,string,uint256,bool,address,address) t) returns()
func (itemPass *ItemPass) PackConstructor(t ItemPassTerms) []byte {
	enc, err := itemPass.abi.Pack("", t)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x00fdd58e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function balanceOf(address account, uint256 id) view returns(uint256)
func (itemPass *ItemPass) PackBalanceOf(account common.Address, id *big.Int) []byte {
	enc, err := itemPass.abi.Pack("balanceOf", account, id)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x00fdd58e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function balanceOf(address account, uint256 id) view returns(uint256)
func (itemPass *ItemPass) TryPackBalanceOf(account common.Address, id *big.Int) ([]byte, error) {
	return itemPass.abi.Pack("balanceOf", account, id)
}

// UnpackBalanceOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x00fdd58e.
//
// Solidity: function balanceOf(address account, uint256 id) view returns(uint256)
func (itemPass *ItemPass) UnpackBalanceOf(data []byte) (*big.Int, error) {
	out, err := itemPass.abi.Unpack("balanceOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackBalanceOfBatch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4e1273f4.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function balanceOfBatch(address[] accounts, uint256[] ids) view returns(uint256[])
func (itemPass *ItemPass) PackBalanceOfBatch(accounts []common.Address, ids []*big.Int) []byte {
	enc, err := itemPass.abi.Pack("balanceOfBatch", accounts, ids)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBalanceOfBatch is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4e1273f4.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function balanceOfBatch(address[] accounts, uint256[] ids) view returns(uint256[])
func (itemPass *ItemPass) TryPackBalanceOfBatch(accounts []common.Address, ids []*big.Int) ([]byte, error) {
	return itemPass.abi.Pack("balanceOfBatch", accounts, ids)
}

// UnpackBalanceOfBatch is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4e1273f4.
//
// Solidity: function balanceOfBatch(address[] accounts, uint256[] ids) view returns(uint256[])
func (itemPass *ItemPass) UnpackBalanceOfBatch(data []byte) ([]*big.Int, error) {
	out, err := itemPass.abi.Unpack("balanceOfBatch", data)
	if err != nil {
		return *new([]*big.Int), err
	}
	out0 := *abi.ConvertType(out[0], new([]*big.Int)).(*[]*big.Int)
	return out0, nil
}

// PackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf5298aca.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function burn(address from, uint256 id, uint256 amount) returns()
func (itemPass *ItemPass) PackBurn(from common.Address, id *big.Int, amount *big.Int) []byte {
	enc, err := itemPass.abi.Pack("burn", from, id, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf5298aca.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function burn(address from, uint256 id, uint256 amount) returns()
func (itemPass *ItemPass) TryPackBurn(from common.Address, id *big.Int, amount *big.Int) ([]byte, error) {
	return itemPass.abi.Pack("burn", from, id, amount)
}

// PackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isApprovedForAll(address account, address operator) view returns(bool)
func (itemPass *ItemPass) PackIsApprovedForAll(account common.Address, operator common.Address) []byte {
	enc, err := itemPass.abi.Pack("isApprovedForAll", account, operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isApprovedForAll(address account, address operator) view returns(bool)
func (itemPass *ItemPass) TryPackIsApprovedForAll(account common.Address, operator common.Address) ([]byte, error) {
	return itemPass.abi.Pack("isApprovedForAll", account, operator)
}

// UnpackIsApprovedForAll is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe985e9c5.
//
// Solidity: function isApprovedForAll(address account, address operator) view returns(bool)
func (itemPass *ItemPass) UnpackIsApprovedForAll(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("isApprovedForAll", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (itemPass *ItemPass) PackIsMinted(order [32]byte) []byte {
	enc, err := itemPass.abi.Pack("isMinted", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (itemPass *ItemPass) TryPackIsMinted(order [32]byte) ([]byte, error) {
	return itemPass.abi.Pack("isMinted", order)
}

// UnpackIsMinted is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9e4c0be3.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (itemPass *ItemPass) UnpackIsMinted(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("isMinted", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinter(address account) view returns(bool)
func (itemPass *ItemPass) PackIsMinter(account common.Address) []byte {
	enc, err := itemPass.abi.Pack("isMinter", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinter(address account) view returns(bool)
func (itemPass *ItemPass) TryPackIsMinter(account common.Address) ([]byte, error) {
	return itemPass.abi.Pack("isMinter", account)
}

// UnpackIsMinter is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xaa271e1a.
//
// Solidity: function isMinter(address account) view returns(bool)
func (itemPass *ItemPass) UnpackIsMinter(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("isMinter", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function locked(uint256 ) view returns(bool)
func (itemPass *ItemPass) PackLocked(arg0 *big.Int) []byte {
	enc, err := itemPass.abi.Pack("locked", arg0)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function locked(uint256 ) view returns(bool)
func (itemPass *ItemPass) TryPackLocked(arg0 *big.Int) ([]byte, error) {
	return itemPass.abi.Pack("locked", arg0)
}

// UnpackLocked is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb45a3c0e.
//
// Solidity: function locked(uint256 ) view returns(bool)
func (itemPass *ItemPass) UnpackLocked(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("locked", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function maxSupply() view returns(uint256)
func (itemPass *ItemPass) PackMaxSupply() []byte {
	enc, err := itemPass.abi.Pack("maxSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function maxSupply() view returns(uint256)
func (itemPass *ItemPass) TryPackMaxSupply() ([]byte, error) {
	return itemPass.abi.Pack("maxSupply")
}

// UnpackMaxSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd5abeb01.
//
// Solidity: function maxSupply() view returns(uint256)
func (itemPass *ItemPass) UnpackMaxSupply(data []byte) (*big.Int, error) {
	out, err := itemPass.abi.Unpack("maxSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xffd4397e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function mint(address to, uint256 id, uint256 amount, bytes32 order) returns()
func (itemPass *ItemPass) PackMint(to common.Address, id *big.Int, amount *big.Int, order [32]byte) []byte {
	enc, err := itemPass.abi.Pack("mint", to, id, amount, order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xffd4397e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function mint(address to, uint256 id, uint256 amount, bytes32 order) returns()
func (itemPass *ItemPass) TryPackMint(to common.Address, id *big.Int, amount *big.Int, order [32]byte) ([]byte, error) {
	return itemPass.abi.Pack("mint", to, id, amount, order)
}

// PackMintedOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf05563b6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function mintedOf(uint256 id) view returns(uint256)
func (itemPass *ItemPass) PackMintedOf(id *big.Int) []byte {
	enc, err := itemPass.abi.Pack("mintedOf", id)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMintedOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf05563b6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function mintedOf(uint256 id) view returns(uint256)
func (itemPass *ItemPass) TryPackMintedOf(id *big.Int) ([]byte, error) {
	return itemPass.abi.Pack("mintedOf", id)
}

// UnpackMintedOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xf05563b6.
//
// Solidity: function mintedOf(uint256 id) view returns(uint256)
func (itemPass *ItemPass) UnpackMintedOf(data []byte) (*big.Int, error) {
	out, err := itemPass.abi.Unpack("mintedOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function name() view returns(string)
func (itemPass *ItemPass) PackName() []byte {
	enc, err := itemPass.abi.Pack("name")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function name() view returns(string)
func (itemPass *ItemPass) TryPackName() ([]byte, error) {
	return itemPass.abi.Pack("name")
}

// UnpackName is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x06fdde03.
//
// Solidity: function name() view returns(string)
func (itemPass *ItemPass) UnpackName(data []byte) (string, error) {
	out, err := itemPass.abi.Unpack("name", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function owner() view returns(address)
func (itemPass *ItemPass) PackOwner() []byte {
	enc, err := itemPass.abi.Pack("owner")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function owner() view returns(address)
func (itemPass *ItemPass) TryPackOwner() ([]byte, error) {
	return itemPass.abi.Pack("owner")
}

// UnpackOwner is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x8da5cb5b.
//
// Solidity: function owner() view returns(address)
func (itemPass *ItemPass) UnpackOwner(data []byte) (common.Address, error) {
	out, err := itemPass.abi.Unpack("owner", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function renounceOwnership() returns()
func (itemPass *ItemPass) PackRenounceOwnership() []byte {
	enc, err := itemPass.abi.Pack("renounceOwnership")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function renounceOwnership() returns()
func (itemPass *ItemPass) TryPackRenounceOwnership() ([]byte, error) {
	return itemPass.abi.Pack("renounceOwnership")
}

// PackSafeBatchTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2eb2c2d6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data) returns()
func (itemPass *ItemPass) PackSafeBatchTransferFrom(from common.Address, to common.Address, ids []*big.Int, values []*big.Int, data []byte) []byte {
	enc, err := itemPass.abi.Pack("safeBatchTransferFrom", from, to, ids, values, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeBatchTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2eb2c2d6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data) returns()
func (itemPass *ItemPass) TryPackSafeBatchTransferFrom(from common.Address, to common.Address, ids []*big.Int, values []*big.Int, data []byte) ([]byte, error) {
	return itemPass.abi.Pack("safeBatchTransferFrom", from, to, ids, values, data)
}

// PackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf242432a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data) returns()
func (itemPass *ItemPass) PackSafeTransferFrom(from common.Address, to common.Address, id *big.Int, value *big.Int, data []byte) []byte {
	enc, err := itemPass.abi.Pack("safeTransferFrom", from, to, id, value, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf242432a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data) returns()
func (itemPass *ItemPass) TryPackSafeTransferFrom(from common.Address, to common.Address, id *big.Int, value *big.Int, data []byte) ([]byte, error) {
	return itemPass.abi.Pack("safeTransferFrom", from, to, id, value, data)
}

// PackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (itemPass *ItemPass) PackSetApprovalForAll(operator common.Address, approved bool) []byte {
	enc, err := itemPass.abi.Pack("setApprovalForAll", operator, approved)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (itemPass *ItemPass) TryPackSetApprovalForAll(operator common.Address, approved bool) ([]byte, error) {
	return itemPass.abi.Pack("setApprovalForAll", operator, approved)
}

// PackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (itemPass *ItemPass) PackSetBaseURI(baseURI string) []byte {
	enc, err := itemPass.abi.Pack("setBaseURI", baseURI)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (itemPass *ItemPass) TryPackSetBaseURI(baseURI string) ([]byte, error) {
	return itemPass.abi.Pack("setBaseURI", baseURI)
}

// PackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setMinter(address account, bool may) returns()
func (itemPass *ItemPass) PackSetMinter(account common.Address, may bool) []byte {
	enc, err := itemPass.abi.Pack("setMinter", account, may)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setMinter(address account, bool may) returns()
func (itemPass *ItemPass) TryPackSetMinter(account common.Address, may bool) ([]byte, error) {
	return itemPass.abi.Pack("setMinter", account, may)
}

// PackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function soulbound() view returns(bool)
func (itemPass *ItemPass) PackSoulbound() []byte {
	enc, err := itemPass.abi.Pack("soulbound")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function soulbound() view returns(bool)
func (itemPass *ItemPass) TryPackSoulbound() ([]byte, error) {
	return itemPass.abi.Pack("soulbound")
}

// UnpackSoulbound is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0fad0f51.
//
// Solidity: function soulbound() view returns(bool)
func (itemPass *ItemPass) UnpackSoulbound(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("soulbound", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (itemPass *ItemPass) PackSupportsInterface(interfaceId [4]byte) []byte {
	enc, err := itemPass.abi.Pack("supportsInterface", interfaceId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (itemPass *ItemPass) TryPackSupportsInterface(interfaceId [4]byte) ([]byte, error) {
	return itemPass.abi.Pack("supportsInterface", interfaceId)
}

// UnpackSupportsInterface is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x01ffc9a7.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (itemPass *ItemPass) UnpackSupportsInterface(data []byte) (bool, error) {
	out, err := itemPass.abi.Unpack("supportsInterface", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function symbol() view returns(string)
func (itemPass *ItemPass) PackSymbol() []byte {
	enc, err := itemPass.abi.Pack("symbol")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function symbol() view returns(string)
func (itemPass *ItemPass) TryPackSymbol() ([]byte, error) {
	return itemPass.abi.Pack("symbol")
}

// UnpackSymbol is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x95d89b41.
//
// Solidity: function symbol() view returns(string)
func (itemPass *ItemPass) UnpackSymbol(data []byte) (string, error) {
	out, err := itemPass.abi.Unpack("symbol", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (itemPass *ItemPass) PackTokenOf(order [32]byte) []byte {
	enc, err := itemPass.abi.Pack("tokenOf", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (itemPass *ItemPass) TryPackTokenOf(order [32]byte) ([]byte, error) {
	return itemPass.abi.Pack("tokenOf", order)
}

// UnpackTokenOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbae667bc.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (itemPass *ItemPass) UnpackTokenOf(data []byte) (*big.Int, error) {
	out, err := itemPass.abi.Unpack("tokenOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (itemPass *ItemPass) PackTransferOwnership(newOwner common.Address) []byte {
	enc, err := itemPass.abi.Pack("transferOwnership", newOwner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (itemPass *ItemPass) TryPackTransferOwnership(newOwner common.Address) ([]byte, error) {
	return itemPass.abi.Pack("transferOwnership", newOwner)
}

// PackUri is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0e89341c.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function uri(uint256 id) view returns(string)
func (itemPass *ItemPass) PackUri(id *big.Int) []byte {
	enc, err := itemPass.abi.Pack("uri", id)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUri is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0e89341c.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function uri(uint256 id) view returns(string)
func (itemPass *ItemPass) TryPackUri(id *big.Int) ([]byte, error) {
	return itemPass.abi.Pack("uri", id)
}

// UnpackUri is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0e89341c.
//
// Solidity: function uri(uint256 id) view returns(string)
func (itemPass *ItemPass) UnpackUri(data []byte) (string, error) {
	out, err := itemPass.abi.Unpack("uri", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// ItemPassApprovalForAll represents a ApprovalForAll event raised by the ItemPass contract.
type ItemPassApprovalForAll struct {
	Account  common.Address
	Operator common.Address
	Approved bool
	Raw      *types.Log // Blockchain specific contextual infos
}

const ItemPassApprovalForAllEventName = "ApprovalForAll"

// ContractEventName returns the user-defined event name.
func (ItemPassApprovalForAll) ContractEventName() string {
	return ItemPassApprovalForAllEventName
}

// UnpackApprovalForAllEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ApprovalForAll(address indexed account, address indexed operator, bool approved)
func (itemPass *ItemPass) UnpackApprovalForAllEvent(log *types.Log) (*ItemPassApprovalForAll, error) {
	event := "ApprovalForAll"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassApprovalForAll)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassLocked represents a Locked event raised by the ItemPass contract.
type ItemPassLocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const ItemPassLockedEventName = "Locked"

// ContractEventName returns the user-defined event name.
func (ItemPassLocked) ContractEventName() string {
	return ItemPassLockedEventName
}

// UnpackLockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Locked(uint256 tokenId)
func (itemPass *ItemPass) UnpackLockedEvent(log *types.Log) (*ItemPassLocked, error) {
	event := "Locked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassLocked)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassMinterChanged represents a MinterChanged event raised by the ItemPass contract.
type ItemPassMinterChanged struct {
	Account common.Address
	May     bool
	Raw     *types.Log // Blockchain specific contextual infos
}

const ItemPassMinterChangedEventName = "MinterChanged"

// ContractEventName returns the user-defined event name.
func (ItemPassMinterChanged) ContractEventName() string {
	return ItemPassMinterChangedEventName
}

// UnpackMinterChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event MinterChanged(address indexed account, bool may)
func (itemPass *ItemPass) UnpackMinterChangedEvent(log *types.Log) (*ItemPassMinterChanged, error) {
	event := "MinterChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassMinterChanged)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassOwnershipTransferred represents a OwnershipTransferred event raised by the ItemPass contract.
type ItemPassOwnershipTransferred struct {
	PreviousOwner common.Address
	NewOwner      common.Address
	Raw           *types.Log // Blockchain specific contextual infos
}

const ItemPassOwnershipTransferredEventName = "OwnershipTransferred"

// ContractEventName returns the user-defined event name.
func (ItemPassOwnershipTransferred) ContractEventName() string {
	return ItemPassOwnershipTransferredEventName
}

// UnpackOwnershipTransferredEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)
func (itemPass *ItemPass) UnpackOwnershipTransferredEvent(log *types.Log) (*ItemPassOwnershipTransferred, error) {
	event := "OwnershipTransferred"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassOwnershipTransferred)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassTransferBatch represents a TransferBatch event raised by the ItemPass contract.
type ItemPassTransferBatch struct {
	Operator common.Address
	From     common.Address
	To       common.Address
	Ids      []*big.Int
	Values   []*big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const ItemPassTransferBatchEventName = "TransferBatch"

// ContractEventName returns the user-defined event name.
func (ItemPassTransferBatch) ContractEventName() string {
	return ItemPassTransferBatchEventName
}

// UnpackTransferBatchEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values)
func (itemPass *ItemPass) UnpackTransferBatchEvent(log *types.Log) (*ItemPassTransferBatch, error) {
	event := "TransferBatch"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassTransferBatch)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassTransferSingle represents a TransferSingle event raised by the ItemPass contract.
type ItemPassTransferSingle struct {
	Operator common.Address
	From     common.Address
	To       common.Address
	Id       *big.Int
	Value    *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const ItemPassTransferSingleEventName = "TransferSingle"

// ContractEventName returns the user-defined event name.
func (ItemPassTransferSingle) ContractEventName() string {
	return ItemPassTransferSingleEventName
}

// UnpackTransferSingleEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)
func (itemPass *ItemPass) UnpackTransferSingleEvent(log *types.Log) (*ItemPassTransferSingle, error) {
	event := "TransferSingle"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassTransferSingle)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassURI represents a URI event raised by the ItemPass contract.
type ItemPassURI struct {
	Value string
	Id    *big.Int
	Raw   *types.Log // Blockchain specific contextual infos
}

const ItemPassURIEventName = "URI"

// ContractEventName returns the user-defined event name.
func (ItemPassURI) ContractEventName() string {
	return ItemPassURIEventName
}

// UnpackURIEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event URI(string value, uint256 indexed id)
func (itemPass *ItemPass) UnpackURIEvent(log *types.Log) (*ItemPassURI, error) {
	event := "URI"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassURI)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// ItemPassUnlocked represents a Unlocked event raised by the ItemPass contract.
type ItemPassUnlocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const ItemPassUnlockedEventName = "Unlocked"

// ContractEventName returns the user-defined event name.
func (ItemPassUnlocked) ContractEventName() string {
	return ItemPassUnlockedEventName
}

// UnpackUnlockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Unlocked(uint256 tokenId)
func (itemPass *ItemPass) UnpackUnlockedEvent(log *types.Log) (*ItemPassUnlocked, error) {
	event := "Unlocked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != itemPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(ItemPassUnlocked)
	if len(log.Data) > 0 {
		if err := itemPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range itemPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (itemPass *ItemPass) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], itemPass.abi.Errors["AlreadyMinted"].ID.Bytes()[:4]) {
		return itemPass.UnpackAlreadyMintedError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["BoundToHolder"].ID.Bytes()[:4]) {
		return itemPass.UnpackBoundToHolderError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InsufficientBalance"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InsufficientBalanceError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InvalidApprover"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InvalidApproverError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InvalidArrayLength"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InvalidArrayLengthError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InvalidOperator"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InvalidOperatorError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InvalidReceiver"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InvalidReceiverError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155InvalidSender"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155InvalidSenderError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["ERC1155MissingApprovalForAll"].ID.Bytes()[:4]) {
		return itemPass.UnpackERC1155MissingApprovalForAllError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["NotMinter"].ID.Bytes()[:4]) {
		return itemPass.UnpackNotMinterError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["OwnableInvalidOwner"].ID.Bytes()[:4]) {
		return itemPass.UnpackOwnableInvalidOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["OwnableUnauthorizedAccount"].ID.Bytes()[:4]) {
		return itemPass.UnpackOwnableUnauthorizedAccountError(raw[4:])
	}
	if bytes.Equal(raw[:4], itemPass.abi.Errors["SoldOut"].ID.Bytes()[:4]) {
		return itemPass.UnpackSoldOutError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// ItemPassAlreadyMinted represents a AlreadyMinted error raised by the ItemPass contract.
type ItemPassAlreadyMinted struct {
	Order   [32]byte
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func ItemPassAlreadyMintedErrorID() common.Hash {
	return common.HexToHash("0x919f7df5e12396d9fb24612a18d252f49f72ead3bfb888c2a8a02f1b2be72fc9")
}

// UnpackAlreadyMintedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func (itemPass *ItemPass) UnpackAlreadyMintedError(raw []byte) (*ItemPassAlreadyMinted, error) {
	out := new(ItemPassAlreadyMinted)
	if err := itemPass.abi.UnpackIntoInterface(out, "AlreadyMinted", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassBoundToHolder represents a BoundToHolder error raised by the ItemPass contract.
type ItemPassBoundToHolder struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BoundToHolder()
func ItemPassBoundToHolderErrorID() common.Hash {
	return common.HexToHash("0xbb4aa45e9a4687af1f8f88943ade8d41390dec4f866ea35405a7265940758ca6")
}

// UnpackBoundToHolderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BoundToHolder()
func (itemPass *ItemPass) UnpackBoundToHolderError(raw []byte) (*ItemPassBoundToHolder, error) {
	out := new(ItemPassBoundToHolder)
	if err := itemPass.abi.UnpackIntoInterface(out, "BoundToHolder", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InsufficientBalance represents a ERC1155InsufficientBalance error raised by the ItemPass contract.
type ItemPassERC1155InsufficientBalance struct {
	Sender  common.Address
	Balance *big.Int
	Needed  *big.Int
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InsufficientBalance(address sender, uint256 balance, uint256 needed, uint256 tokenId)
func ItemPassERC1155InsufficientBalanceErrorID() common.Hash {
	return common.HexToHash("0x03dee4c573c982787b5f3537d6323ffaca9d864448aa6bd828ada9e5d0837036")
}

// UnpackERC1155InsufficientBalanceError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InsufficientBalance(address sender, uint256 balance, uint256 needed, uint256 tokenId)
func (itemPass *ItemPass) UnpackERC1155InsufficientBalanceError(raw []byte) (*ItemPassERC1155InsufficientBalance, error) {
	out := new(ItemPassERC1155InsufficientBalance)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InsufficientBalance", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InvalidApprover represents a ERC1155InvalidApprover error raised by the ItemPass contract.
type ItemPassERC1155InvalidApprover struct {
	Approver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InvalidApprover(address approver)
func ItemPassERC1155InvalidApproverErrorID() common.Hash {
	return common.HexToHash("0x3e31884e33c33ce0039d1905e3c252950ae3b95240f36d4fff81f5ff6752ef99")
}

// UnpackERC1155InvalidApproverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InvalidApprover(address approver)
func (itemPass *ItemPass) UnpackERC1155InvalidApproverError(raw []byte) (*ItemPassERC1155InvalidApprover, error) {
	out := new(ItemPassERC1155InvalidApprover)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InvalidApprover", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InvalidArrayLength represents a ERC1155InvalidArrayLength error raised by the ItemPass contract.
type ItemPassERC1155InvalidArrayLength struct {
	IdsLength    *big.Int
	ValuesLength *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InvalidArrayLength(uint256 idsLength, uint256 valuesLength)
func ItemPassERC1155InvalidArrayLengthErrorID() common.Hash {
	return common.HexToHash("0x5b0599913619cfa5633692652638ed25cafcd079c9beae8c251b12c23dcc83f2")
}

// UnpackERC1155InvalidArrayLengthError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InvalidArrayLength(uint256 idsLength, uint256 valuesLength)
func (itemPass *ItemPass) UnpackERC1155InvalidArrayLengthError(raw []byte) (*ItemPassERC1155InvalidArrayLength, error) {
	out := new(ItemPassERC1155InvalidArrayLength)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InvalidArrayLength", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InvalidOperator represents a ERC1155InvalidOperator error raised by the ItemPass contract.
type ItemPassERC1155InvalidOperator struct {
	Operator common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InvalidOperator(address operator)
func ItemPassERC1155InvalidOperatorErrorID() common.Hash {
	return common.HexToHash("0xced3e10010b9d2aa24827119d0db4a8feec73aea48b4b3e470d8a9f3ff723569")
}

// UnpackERC1155InvalidOperatorError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InvalidOperator(address operator)
func (itemPass *ItemPass) UnpackERC1155InvalidOperatorError(raw []byte) (*ItemPassERC1155InvalidOperator, error) {
	out := new(ItemPassERC1155InvalidOperator)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InvalidOperator", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InvalidReceiver represents a ERC1155InvalidReceiver error raised by the ItemPass contract.
type ItemPassERC1155InvalidReceiver struct {
	Receiver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InvalidReceiver(address receiver)
func ItemPassERC1155InvalidReceiverErrorID() common.Hash {
	return common.HexToHash("0x57f447ceed621d9e134e26de5772c88799abb7322ce2a87f95dce247d47105c6")
}

// UnpackERC1155InvalidReceiverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InvalidReceiver(address receiver)
func (itemPass *ItemPass) UnpackERC1155InvalidReceiverError(raw []byte) (*ItemPassERC1155InvalidReceiver, error) {
	out := new(ItemPassERC1155InvalidReceiver)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InvalidReceiver", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155InvalidSender represents a ERC1155InvalidSender error raised by the ItemPass contract.
type ItemPassERC1155InvalidSender struct {
	Sender common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155InvalidSender(address sender)
func ItemPassERC1155InvalidSenderErrorID() common.Hash {
	return common.HexToHash("0x01a83514e94b34009110b75cac6742ba33bd7c62f18a3616bafea52855d3b175")
}

// UnpackERC1155InvalidSenderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155InvalidSender(address sender)
func (itemPass *ItemPass) UnpackERC1155InvalidSenderError(raw []byte) (*ItemPassERC1155InvalidSender, error) {
	out := new(ItemPassERC1155InvalidSender)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155InvalidSender", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassERC1155MissingApprovalForAll represents a ERC1155MissingApprovalForAll error raised by the ItemPass contract.
type ItemPassERC1155MissingApprovalForAll struct {
	Operator common.Address
	Owner    common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC1155MissingApprovalForAll(address operator, address owner)
func ItemPassERC1155MissingApprovalForAllErrorID() common.Hash {
	return common.HexToHash("0xe237d922be9fac42efeaaaffb42cc6b57e0ff95d94a1b74daeff69adc7657754")
}

// UnpackERC1155MissingApprovalForAllError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC1155MissingApprovalForAll(address operator, address owner)
func (itemPass *ItemPass) UnpackERC1155MissingApprovalForAllError(raw []byte) (*ItemPassERC1155MissingApprovalForAll, error) {
	out := new(ItemPassERC1155MissingApprovalForAll)
	if err := itemPass.abi.UnpackIntoInterface(out, "ERC1155MissingApprovalForAll", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassNotMinter represents a NotMinter error raised by the ItemPass contract.
type ItemPassNotMinter struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotMinter(address account)
func ItemPassNotMinterErrorID() common.Hash {
	return common.HexToHash("0x361c31f27e729a8322ec0a67a437cd1a685fbc0124c358ce2bac49ea8a779111")
}

// UnpackNotMinterError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotMinter(address account)
func (itemPass *ItemPass) UnpackNotMinterError(raw []byte) (*ItemPassNotMinter, error) {
	out := new(ItemPassNotMinter)
	if err := itemPass.abi.UnpackIntoInterface(out, "NotMinter", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassOwnableInvalidOwner represents a OwnableInvalidOwner error raised by the ItemPass contract.
type ItemPassOwnableInvalidOwner struct {
	Owner common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableInvalidOwner(address owner)
func ItemPassOwnableInvalidOwnerErrorID() common.Hash {
	return common.HexToHash("0x1e4fbdf7f3ef8bcaa855599e3abf48b232380f183f08f6f813d9ffa5bd585188")
}

// UnpackOwnableInvalidOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableInvalidOwner(address owner)
func (itemPass *ItemPass) UnpackOwnableInvalidOwnerError(raw []byte) (*ItemPassOwnableInvalidOwner, error) {
	out := new(ItemPassOwnableInvalidOwner)
	if err := itemPass.abi.UnpackIntoInterface(out, "OwnableInvalidOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassOwnableUnauthorizedAccount represents a OwnableUnauthorizedAccount error raised by the ItemPass contract.
type ItemPassOwnableUnauthorizedAccount struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func ItemPassOwnableUnauthorizedAccountErrorID() common.Hash {
	return common.HexToHash("0x118cdaa7a341953d1887a2245fd6665d741c67c8c50581daa59e1d03373fa188")
}

// UnpackOwnableUnauthorizedAccountError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func (itemPass *ItemPass) UnpackOwnableUnauthorizedAccountError(raw []byte) (*ItemPassOwnableUnauthorizedAccount, error) {
	out := new(ItemPassOwnableUnauthorizedAccount)
	if err := itemPass.abi.UnpackIntoInterface(out, "OwnableUnauthorizedAccount", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// ItemPassSoldOut represents a SoldOut error raised by the ItemPass contract.
type ItemPassSoldOut struct {
	MaxSupply *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SoldOut(uint256 maxSupply)
func ItemPassSoldOutErrorID() common.Hash {
	return common.HexToHash("0x7e1f5a77187e90f1751221bbd46ae08322d11774a58ae99cdb7d8573f4140c90")
}

// UnpackSoldOutError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SoldOut(uint256 maxSupply)
func (itemPass *ItemPass) UnpackSoldOutError(raw []byte) (*ItemPassSoldOut, error) {
	out := new(ItemPassSoldOut)
	if err := itemPass.abi.UnpackIntoInterface(out, "SoldOut", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassMetaData contains all meta data concerning the NFTPass contract.
var NFTPassMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"components\":[{\"internalType\":\"string\",\"name\":\"name\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"symbol\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"},{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"},{\"internalType\":\"bool\",\"name\":\"soulbound\",\"type\":\"bool\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"minter\",\"type\":\"address\"}],\"internalType\":\"structNFTPass.Terms\",\"name\":\"t\",\"type\":\"tuple\"}],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"AlreadyMinted\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BoundToHolder\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"ERC721EnumerableForbiddenBatchMint\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"ERC721IncorrectOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ERC721InsufficientApproval\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"approver\",\"type\":\"address\"}],\"name\":\"ERC721InvalidApprover\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"ERC721InvalidOperator\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"ERC721InvalidOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"receiver\",\"type\":\"address\"}],\"name\":\"ERC721InvalidReceiver\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"}],\"name\":\"ERC721InvalidSender\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ERC721NonexistentToken\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"ERC721OutOfBoundsIndex\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"NotMinter\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"OwnableInvalidOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"OwnableUnauthorizedAccount\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"}],\"name\":\"SoldOut\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"approved\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Approval\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"ApprovalForAll\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"fromTokenId\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"toTokenId\",\"type\":\"uint256\"}],\"name\":\"BatchMetadataUpdate\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Locked\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"MinterChanged\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"previousOwner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"OwnershipTransferred\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Transfer\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Unlocked\",\"type\":\"event\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"approve\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"balanceOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"burn\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"getApproved\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"isApprovedForAll\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"isMinted\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"isMinter\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"lastId\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"locked\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"maxSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"mint\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"name\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"owner\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ownerOf\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"renounceOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"safeTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"safeTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"setApprovalForAll\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"}],\"name\":\"setBaseURI\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"setMinter\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"soulbound\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes4\",\"name\":\"interfaceId\",\"type\":\"bytes4\"}],\"name\":\"supportsInterface\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"symbol\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"tokenByIndex\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"tokenOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"tokenOfOwnerByIndex\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"tokenURI\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"totalSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"transferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"transferOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "NFTPass",
}

// NFTPass is an auto generated Go binding around an Ethereum contract.
type NFTPass struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *NFTPass) GetABI() abi.ABI {
	return c.abi
}

// NewNFTPass creates a new instance of NFTPass.
func NewNFTPass() *NFTPass {
	parsed, err := NFTPassMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &NFTPass{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *NFTPass) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor((string,string,string,uint256,bool,address,address) t) returns()
func (nFTPass *NFTPass) PackConstructor(t NFTPassTerms) []byte {
	enc, err := nFTPass.abi.Pack("", t)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function approve(address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) PackApprove(to common.Address, tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("approve", to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function approve(address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) TryPackApprove(to common.Address, tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("approve", to, tokenId)
}

// PackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (nFTPass *NFTPass) PackBalanceOf(owner common.Address) []byte {
	enc, err := nFTPass.abi.Pack("balanceOf", owner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (nFTPass *NFTPass) TryPackBalanceOf(owner common.Address) ([]byte, error) {
	return nFTPass.abi.Pack("balanceOf", owner)
}

// UnpackBalanceOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x70a08231.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (nFTPass *NFTPass) UnpackBalanceOf(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("balanceOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42966c68.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function burn(uint256 tokenId) returns()
func (nFTPass *NFTPass) PackBurn(tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("burn", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42966c68.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function burn(uint256 tokenId) returns()
func (nFTPass *NFTPass) TryPackBurn(tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("burn", tokenId)
}

// PackGetApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x081812fc.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) PackGetApproved(tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("getApproved", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackGetApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x081812fc.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) TryPackGetApproved(tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("getApproved", tokenId)
}

// UnpackGetApproved is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x081812fc.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) UnpackGetApproved(data []byte) (common.Address, error) {
	out, err := nFTPass.abi.Unpack("getApproved", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (nFTPass *NFTPass) PackIsApprovedForAll(owner common.Address, operator common.Address) []byte {
	enc, err := nFTPass.abi.Pack("isApprovedForAll", owner, operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (nFTPass *NFTPass) TryPackIsApprovedForAll(owner common.Address, operator common.Address) ([]byte, error) {
	return nFTPass.abi.Pack("isApprovedForAll", owner, operator)
}

// UnpackIsApprovedForAll is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe985e9c5.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (nFTPass *NFTPass) UnpackIsApprovedForAll(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("isApprovedForAll", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (nFTPass *NFTPass) PackIsMinted(order [32]byte) []byte {
	enc, err := nFTPass.abi.Pack("isMinted", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (nFTPass *NFTPass) TryPackIsMinted(order [32]byte) ([]byte, error) {
	return nFTPass.abi.Pack("isMinted", order)
}

// UnpackIsMinted is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9e4c0be3.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (nFTPass *NFTPass) UnpackIsMinted(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("isMinted", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinter(address account) view returns(bool)
func (nFTPass *NFTPass) PackIsMinter(account common.Address) []byte {
	enc, err := nFTPass.abi.Pack("isMinter", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinter(address account) view returns(bool)
func (nFTPass *NFTPass) TryPackIsMinter(account common.Address) ([]byte, error) {
	return nFTPass.abi.Pack("isMinter", account)
}

// UnpackIsMinter is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xaa271e1a.
//
// Solidity: function isMinter(address account) view returns(bool)
func (nFTPass *NFTPass) UnpackIsMinter(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("isMinter", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackLastId is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc1292cc3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function lastId() view returns(uint256)
func (nFTPass *NFTPass) PackLastId() []byte {
	enc, err := nFTPass.abi.Pack("lastId")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLastId is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc1292cc3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function lastId() view returns(uint256)
func (nFTPass *NFTPass) TryPackLastId() ([]byte, error) {
	return nFTPass.abi.Pack("lastId")
}

// UnpackLastId is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc1292cc3.
//
// Solidity: function lastId() view returns(uint256)
func (nFTPass *NFTPass) UnpackLastId(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("lastId", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (nFTPass *NFTPass) PackLocked(tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("locked", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (nFTPass *NFTPass) TryPackLocked(tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("locked", tokenId)
}

// UnpackLocked is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb45a3c0e.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (nFTPass *NFTPass) UnpackLocked(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("locked", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function maxSupply() view returns(uint256)
func (nFTPass *NFTPass) PackMaxSupply() []byte {
	enc, err := nFTPass.abi.Pack("maxSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function maxSupply() view returns(uint256)
func (nFTPass *NFTPass) TryPackMaxSupply() ([]byte, error) {
	return nFTPass.abi.Pack("maxSupply")
}

// UnpackMaxSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd5abeb01.
//
// Solidity: function maxSupply() view returns(uint256)
func (nFTPass *NFTPass) UnpackMaxSupply(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("maxSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2cfd3005.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (nFTPass *NFTPass) PackMint(to common.Address, order [32]byte) []byte {
	enc, err := nFTPass.abi.Pack("mint", to, order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2cfd3005.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (nFTPass *NFTPass) TryPackMint(to common.Address, order [32]byte) ([]byte, error) {
	return nFTPass.abi.Pack("mint", to, order)
}

// UnpackMint is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2cfd3005.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (nFTPass *NFTPass) UnpackMint(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("mint", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function name() view returns(string)
func (nFTPass *NFTPass) PackName() []byte {
	enc, err := nFTPass.abi.Pack("name")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function name() view returns(string)
func (nFTPass *NFTPass) TryPackName() ([]byte, error) {
	return nFTPass.abi.Pack("name")
}

// UnpackName is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x06fdde03.
//
// Solidity: function name() view returns(string)
func (nFTPass *NFTPass) UnpackName(data []byte) (string, error) {
	out, err := nFTPass.abi.Unpack("name", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function owner() view returns(address)
func (nFTPass *NFTPass) PackOwner() []byte {
	enc, err := nFTPass.abi.Pack("owner")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function owner() view returns(address)
func (nFTPass *NFTPass) TryPackOwner() ([]byte, error) {
	return nFTPass.abi.Pack("owner")
}

// UnpackOwner is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x8da5cb5b.
//
// Solidity: function owner() view returns(address)
func (nFTPass *NFTPass) UnpackOwner(data []byte) (common.Address, error) {
	out, err := nFTPass.abi.Unpack("owner", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackOwnerOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6352211e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) PackOwnerOf(tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("ownerOf", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOwnerOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6352211e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) TryPackOwnerOf(tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("ownerOf", tokenId)
}

// UnpackOwnerOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6352211e.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (nFTPass *NFTPass) UnpackOwnerOf(data []byte) (common.Address, error) {
	out, err := nFTPass.abi.Unpack("ownerOf", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function renounceOwnership() returns()
func (nFTPass *NFTPass) PackRenounceOwnership() []byte {
	enc, err := nFTPass.abi.Pack("renounceOwnership")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function renounceOwnership() returns()
func (nFTPass *NFTPass) TryPackRenounceOwnership() ([]byte, error) {
	return nFTPass.abi.Pack("renounceOwnership")
}

// PackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42842e0e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) PackSafeTransferFrom(from common.Address, to common.Address, tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("safeTransferFrom", from, to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42842e0e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) TryPackSafeTransferFrom(from common.Address, to common.Address, tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("safeTransferFrom", from, to, tokenId)
}

// PackSafeTransferFrom0 is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb88d4fde.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) returns()
func (nFTPass *NFTPass) PackSafeTransferFrom0(from common.Address, to common.Address, tokenId *big.Int, data []byte) []byte {
	enc, err := nFTPass.abi.Pack("safeTransferFrom0", from, to, tokenId, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeTransferFrom0 is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb88d4fde.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) returns()
func (nFTPass *NFTPass) TryPackSafeTransferFrom0(from common.Address, to common.Address, tokenId *big.Int, data []byte) ([]byte, error) {
	return nFTPass.abi.Pack("safeTransferFrom0", from, to, tokenId, data)
}

// PackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (nFTPass *NFTPass) PackSetApprovalForAll(operator common.Address, approved bool) []byte {
	enc, err := nFTPass.abi.Pack("setApprovalForAll", operator, approved)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (nFTPass *NFTPass) TryPackSetApprovalForAll(operator common.Address, approved bool) ([]byte, error) {
	return nFTPass.abi.Pack("setApprovalForAll", operator, approved)
}

// PackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (nFTPass *NFTPass) PackSetBaseURI(baseURI string) []byte {
	enc, err := nFTPass.abi.Pack("setBaseURI", baseURI)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (nFTPass *NFTPass) TryPackSetBaseURI(baseURI string) ([]byte, error) {
	return nFTPass.abi.Pack("setBaseURI", baseURI)
}

// PackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setMinter(address account, bool may) returns()
func (nFTPass *NFTPass) PackSetMinter(account common.Address, may bool) []byte {
	enc, err := nFTPass.abi.Pack("setMinter", account, may)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setMinter(address account, bool may) returns()
func (nFTPass *NFTPass) TryPackSetMinter(account common.Address, may bool) ([]byte, error) {
	return nFTPass.abi.Pack("setMinter", account, may)
}

// PackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function soulbound() view returns(bool)
func (nFTPass *NFTPass) PackSoulbound() []byte {
	enc, err := nFTPass.abi.Pack("soulbound")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function soulbound() view returns(bool)
func (nFTPass *NFTPass) TryPackSoulbound() ([]byte, error) {
	return nFTPass.abi.Pack("soulbound")
}

// UnpackSoulbound is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0fad0f51.
//
// Solidity: function soulbound() view returns(bool)
func (nFTPass *NFTPass) UnpackSoulbound(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("soulbound", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (nFTPass *NFTPass) PackSupportsInterface(interfaceId [4]byte) []byte {
	enc, err := nFTPass.abi.Pack("supportsInterface", interfaceId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (nFTPass *NFTPass) TryPackSupportsInterface(interfaceId [4]byte) ([]byte, error) {
	return nFTPass.abi.Pack("supportsInterface", interfaceId)
}

// UnpackSupportsInterface is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x01ffc9a7.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (nFTPass *NFTPass) UnpackSupportsInterface(data []byte) (bool, error) {
	out, err := nFTPass.abi.Unpack("supportsInterface", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function symbol() view returns(string)
func (nFTPass *NFTPass) PackSymbol() []byte {
	enc, err := nFTPass.abi.Pack("symbol")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function symbol() view returns(string)
func (nFTPass *NFTPass) TryPackSymbol() ([]byte, error) {
	return nFTPass.abi.Pack("symbol")
}

// UnpackSymbol is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x95d89b41.
//
// Solidity: function symbol() view returns(string)
func (nFTPass *NFTPass) UnpackSymbol(data []byte) (string, error) {
	out, err := nFTPass.abi.Unpack("symbol", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTokenByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4f6ccce7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (nFTPass *NFTPass) PackTokenByIndex(index *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("tokenByIndex", index)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4f6ccce7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (nFTPass *NFTPass) TryPackTokenByIndex(index *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("tokenByIndex", index)
}

// UnpackTokenByIndex is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4f6ccce7.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (nFTPass *NFTPass) UnpackTokenByIndex(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("tokenByIndex", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (nFTPass *NFTPass) PackTokenOf(order [32]byte) []byte {
	enc, err := nFTPass.abi.Pack("tokenOf", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (nFTPass *NFTPass) TryPackTokenOf(order [32]byte) ([]byte, error) {
	return nFTPass.abi.Pack("tokenOf", order)
}

// UnpackTokenOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbae667bc.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (nFTPass *NFTPass) UnpackTokenOf(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("tokenOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenOfOwnerByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2f745c59.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (nFTPass *NFTPass) PackTokenOfOwnerByIndex(owner common.Address, index *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("tokenOfOwnerByIndex", owner, index)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenOfOwnerByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2f745c59.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (nFTPass *NFTPass) TryPackTokenOfOwnerByIndex(owner common.Address, index *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("tokenOfOwnerByIndex", owner, index)
}

// UnpackTokenOfOwnerByIndex is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2f745c59.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (nFTPass *NFTPass) UnpackTokenOfOwnerByIndex(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("tokenOfOwnerByIndex", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc87b56dd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (nFTPass *NFTPass) PackTokenURI(tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("tokenURI", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc87b56dd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (nFTPass *NFTPass) TryPackTokenURI(tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("tokenURI", tokenId)
}

// UnpackTokenURI is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc87b56dd.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (nFTPass *NFTPass) UnpackTokenURI(data []byte) (string, error) {
	out, err := nFTPass.abi.Unpack("tokenURI", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function totalSupply() view returns(uint256)
func (nFTPass *NFTPass) PackTotalSupply() []byte {
	enc, err := nFTPass.abi.Pack("totalSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function totalSupply() view returns(uint256)
func (nFTPass *NFTPass) TryPackTotalSupply() ([]byte, error) {
	return nFTPass.abi.Pack("totalSupply")
}

// UnpackTotalSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x18160ddd.
//
// Solidity: function totalSupply() view returns(uint256)
func (nFTPass *NFTPass) UnpackTotalSupply(data []byte) (*big.Int, error) {
	out, err := nFTPass.abi.Unpack("totalSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferFrom(address from, address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) PackTransferFrom(from common.Address, to common.Address, tokenId *big.Int) []byte {
	enc, err := nFTPass.abi.Pack("transferFrom", from, to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferFrom(address from, address to, uint256 tokenId) returns()
func (nFTPass *NFTPass) TryPackTransferFrom(from common.Address, to common.Address, tokenId *big.Int) ([]byte, error) {
	return nFTPass.abi.Pack("transferFrom", from, to, tokenId)
}

// PackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (nFTPass *NFTPass) PackTransferOwnership(newOwner common.Address) []byte {
	enc, err := nFTPass.abi.Pack("transferOwnership", newOwner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (nFTPass *NFTPass) TryPackTransferOwnership(newOwner common.Address) ([]byte, error) {
	return nFTPass.abi.Pack("transferOwnership", newOwner)
}

// NFTPassApproval represents a Approval event raised by the NFTPass contract.
type NFTPassApproval struct {
	Owner    common.Address
	Approved common.Address
	TokenId  *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const NFTPassApprovalEventName = "Approval"

// ContractEventName returns the user-defined event name.
func (NFTPassApproval) ContractEventName() string {
	return NFTPassApprovalEventName
}

// UnpackApprovalEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)
func (nFTPass *NFTPass) UnpackApprovalEvent(log *types.Log) (*NFTPassApproval, error) {
	event := "Approval"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassApproval)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassApprovalForAll represents a ApprovalForAll event raised by the NFTPass contract.
type NFTPassApprovalForAll struct {
	Owner    common.Address
	Operator common.Address
	Approved bool
	Raw      *types.Log // Blockchain specific contextual infos
}

const NFTPassApprovalForAllEventName = "ApprovalForAll"

// ContractEventName returns the user-defined event name.
func (NFTPassApprovalForAll) ContractEventName() string {
	return NFTPassApprovalForAllEventName
}

// UnpackApprovalForAllEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ApprovalForAll(address indexed owner, address indexed operator, bool approved)
func (nFTPass *NFTPass) UnpackApprovalForAllEvent(log *types.Log) (*NFTPassApprovalForAll, error) {
	event := "ApprovalForAll"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassApprovalForAll)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassBatchMetadataUpdate represents a BatchMetadataUpdate event raised by the NFTPass contract.
type NFTPassBatchMetadataUpdate struct {
	FromTokenId *big.Int
	ToTokenId   *big.Int
	Raw         *types.Log // Blockchain specific contextual infos
}

const NFTPassBatchMetadataUpdateEventName = "BatchMetadataUpdate"

// ContractEventName returns the user-defined event name.
func (NFTPassBatchMetadataUpdate) ContractEventName() string {
	return NFTPassBatchMetadataUpdateEventName
}

// UnpackBatchMetadataUpdateEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event BatchMetadataUpdate(uint256 fromTokenId, uint256 toTokenId)
func (nFTPass *NFTPass) UnpackBatchMetadataUpdateEvent(log *types.Log) (*NFTPassBatchMetadataUpdate, error) {
	event := "BatchMetadataUpdate"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassBatchMetadataUpdate)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassLocked represents a Locked event raised by the NFTPass contract.
type NFTPassLocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const NFTPassLockedEventName = "Locked"

// ContractEventName returns the user-defined event name.
func (NFTPassLocked) ContractEventName() string {
	return NFTPassLockedEventName
}

// UnpackLockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Locked(uint256 tokenId)
func (nFTPass *NFTPass) UnpackLockedEvent(log *types.Log) (*NFTPassLocked, error) {
	event := "Locked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassLocked)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassMinterChanged represents a MinterChanged event raised by the NFTPass contract.
type NFTPassMinterChanged struct {
	Account common.Address
	May     bool
	Raw     *types.Log // Blockchain specific contextual infos
}

const NFTPassMinterChangedEventName = "MinterChanged"

// ContractEventName returns the user-defined event name.
func (NFTPassMinterChanged) ContractEventName() string {
	return NFTPassMinterChangedEventName
}

// UnpackMinterChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event MinterChanged(address indexed account, bool may)
func (nFTPass *NFTPass) UnpackMinterChangedEvent(log *types.Log) (*NFTPassMinterChanged, error) {
	event := "MinterChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassMinterChanged)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassOwnershipTransferred represents a OwnershipTransferred event raised by the NFTPass contract.
type NFTPassOwnershipTransferred struct {
	PreviousOwner common.Address
	NewOwner      common.Address
	Raw           *types.Log // Blockchain specific contextual infos
}

const NFTPassOwnershipTransferredEventName = "OwnershipTransferred"

// ContractEventName returns the user-defined event name.
func (NFTPassOwnershipTransferred) ContractEventName() string {
	return NFTPassOwnershipTransferredEventName
}

// UnpackOwnershipTransferredEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)
func (nFTPass *NFTPass) UnpackOwnershipTransferredEvent(log *types.Log) (*NFTPassOwnershipTransferred, error) {
	event := "OwnershipTransferred"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassOwnershipTransferred)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassTransfer represents a Transfer event raised by the NFTPass contract.
type NFTPassTransfer struct {
	From    common.Address
	To      common.Address
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const NFTPassTransferEventName = "Transfer"

// ContractEventName returns the user-defined event name.
func (NFTPassTransfer) ContractEventName() string {
	return NFTPassTransferEventName
}

// UnpackTransferEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)
func (nFTPass *NFTPass) UnpackTransferEvent(log *types.Log) (*NFTPassTransfer, error) {
	event := "Transfer"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassTransfer)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// NFTPassUnlocked represents a Unlocked event raised by the NFTPass contract.
type NFTPassUnlocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const NFTPassUnlockedEventName = "Unlocked"

// ContractEventName returns the user-defined event name.
func (NFTPassUnlocked) ContractEventName() string {
	return NFTPassUnlockedEventName
}

// UnpackUnlockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Unlocked(uint256 tokenId)
func (nFTPass *NFTPass) UnpackUnlockedEvent(log *types.Log) (*NFTPassUnlocked, error) {
	event := "Unlocked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != nFTPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(NFTPassUnlocked)
	if len(log.Data) > 0 {
		if err := nFTPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range nFTPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (nFTPass *NFTPass) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["AlreadyMinted"].ID.Bytes()[:4]) {
		return nFTPass.UnpackAlreadyMintedError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["BoundToHolder"].ID.Bytes()[:4]) {
		return nFTPass.UnpackBoundToHolderError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721EnumerableForbiddenBatchMint"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721EnumerableForbiddenBatchMintError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721IncorrectOwner"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721IncorrectOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InsufficientApproval"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InsufficientApprovalError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InvalidApprover"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InvalidApproverError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InvalidOperator"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InvalidOperatorError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InvalidOwner"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InvalidOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InvalidReceiver"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InvalidReceiverError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721InvalidSender"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721InvalidSenderError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721NonexistentToken"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721NonexistentTokenError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["ERC721OutOfBoundsIndex"].ID.Bytes()[:4]) {
		return nFTPass.UnpackERC721OutOfBoundsIndexError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["NotMinter"].ID.Bytes()[:4]) {
		return nFTPass.UnpackNotMinterError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["OwnableInvalidOwner"].ID.Bytes()[:4]) {
		return nFTPass.UnpackOwnableInvalidOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["OwnableUnauthorizedAccount"].ID.Bytes()[:4]) {
		return nFTPass.UnpackOwnableUnauthorizedAccountError(raw[4:])
	}
	if bytes.Equal(raw[:4], nFTPass.abi.Errors["SoldOut"].ID.Bytes()[:4]) {
		return nFTPass.UnpackSoldOutError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// NFTPassAlreadyMinted represents a AlreadyMinted error raised by the NFTPass contract.
type NFTPassAlreadyMinted struct {
	Order   [32]byte
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func NFTPassAlreadyMintedErrorID() common.Hash {
	return common.HexToHash("0x919f7df5e12396d9fb24612a18d252f49f72ead3bfb888c2a8a02f1b2be72fc9")
}

// UnpackAlreadyMintedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func (nFTPass *NFTPass) UnpackAlreadyMintedError(raw []byte) (*NFTPassAlreadyMinted, error) {
	out := new(NFTPassAlreadyMinted)
	if err := nFTPass.abi.UnpackIntoInterface(out, "AlreadyMinted", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassBoundToHolder represents a BoundToHolder error raised by the NFTPass contract.
type NFTPassBoundToHolder struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BoundToHolder()
func NFTPassBoundToHolderErrorID() common.Hash {
	return common.HexToHash("0xbb4aa45e9a4687af1f8f88943ade8d41390dec4f866ea35405a7265940758ca6")
}

// UnpackBoundToHolderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BoundToHolder()
func (nFTPass *NFTPass) UnpackBoundToHolderError(raw []byte) (*NFTPassBoundToHolder, error) {
	out := new(NFTPassBoundToHolder)
	if err := nFTPass.abi.UnpackIntoInterface(out, "BoundToHolder", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721EnumerableForbiddenBatchMint represents a ERC721EnumerableForbiddenBatchMint error raised by the NFTPass contract.
type NFTPassERC721EnumerableForbiddenBatchMint struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721EnumerableForbiddenBatchMint()
func NFTPassERC721EnumerableForbiddenBatchMintErrorID() common.Hash {
	return common.HexToHash("0x59171fc140fcc403c6e5785fa53a46bfd95b95ccab17163db749de3e197203f4")
}

// UnpackERC721EnumerableForbiddenBatchMintError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721EnumerableForbiddenBatchMint()
func (nFTPass *NFTPass) UnpackERC721EnumerableForbiddenBatchMintError(raw []byte) (*NFTPassERC721EnumerableForbiddenBatchMint, error) {
	out := new(NFTPassERC721EnumerableForbiddenBatchMint)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721EnumerableForbiddenBatchMint", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721IncorrectOwner represents a ERC721IncorrectOwner error raised by the NFTPass contract.
type NFTPassERC721IncorrectOwner struct {
	Sender  common.Address
	TokenId *big.Int
	Owner   common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner)
func NFTPassERC721IncorrectOwnerErrorID() common.Hash {
	return common.HexToHash("0x64283d7b313c8117c125f736876fa2b4e90ea3831a4716dfdb87d2f540e26289")
}

// UnpackERC721IncorrectOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner)
func (nFTPass *NFTPass) UnpackERC721IncorrectOwnerError(raw []byte) (*NFTPassERC721IncorrectOwner, error) {
	out := new(NFTPassERC721IncorrectOwner)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721IncorrectOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InsufficientApproval represents a ERC721InsufficientApproval error raised by the NFTPass contract.
type NFTPassERC721InsufficientApproval struct {
	Operator common.Address
	TokenId  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InsufficientApproval(address operator, uint256 tokenId)
func NFTPassERC721InsufficientApprovalErrorID() common.Hash {
	return common.HexToHash("0x177e802f6f313bc89797ecace66d6d29ab4719cbaaacbb87367264048b1eb861")
}

// UnpackERC721InsufficientApprovalError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InsufficientApproval(address operator, uint256 tokenId)
func (nFTPass *NFTPass) UnpackERC721InsufficientApprovalError(raw []byte) (*NFTPassERC721InsufficientApproval, error) {
	out := new(NFTPassERC721InsufficientApproval)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InsufficientApproval", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InvalidApprover represents a ERC721InvalidApprover error raised by the NFTPass contract.
type NFTPassERC721InvalidApprover struct {
	Approver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidApprover(address approver)
func NFTPassERC721InvalidApproverErrorID() common.Hash {
	return common.HexToHash("0xa9fbf51f86b8e03595d59dc726bb10c329bb24f62589be276d8dd193ca0b69ea")
}

// UnpackERC721InvalidApproverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidApprover(address approver)
func (nFTPass *NFTPass) UnpackERC721InvalidApproverError(raw []byte) (*NFTPassERC721InvalidApprover, error) {
	out := new(NFTPassERC721InvalidApprover)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InvalidApprover", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InvalidOperator represents a ERC721InvalidOperator error raised by the NFTPass contract.
type NFTPassERC721InvalidOperator struct {
	Operator common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidOperator(address operator)
func NFTPassERC721InvalidOperatorErrorID() common.Hash {
	return common.HexToHash("0x5b08ba185e8f577075361f3a3555a6580a227ce22734dcc979c1aeadf894658b")
}

// UnpackERC721InvalidOperatorError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidOperator(address operator)
func (nFTPass *NFTPass) UnpackERC721InvalidOperatorError(raw []byte) (*NFTPassERC721InvalidOperator, error) {
	out := new(NFTPassERC721InvalidOperator)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InvalidOperator", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InvalidOwner represents a ERC721InvalidOwner error raised by the NFTPass contract.
type NFTPassERC721InvalidOwner struct {
	Owner common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidOwner(address owner)
func NFTPassERC721InvalidOwnerErrorID() common.Hash {
	return common.HexToHash("0x89c62b6479af2e623826dcc39c5133061d35b66d72de92833401dd2fd6567480")
}

// UnpackERC721InvalidOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidOwner(address owner)
func (nFTPass *NFTPass) UnpackERC721InvalidOwnerError(raw []byte) (*NFTPassERC721InvalidOwner, error) {
	out := new(NFTPassERC721InvalidOwner)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InvalidOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InvalidReceiver represents a ERC721InvalidReceiver error raised by the NFTPass contract.
type NFTPassERC721InvalidReceiver struct {
	Receiver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidReceiver(address receiver)
func NFTPassERC721InvalidReceiverErrorID() common.Hash {
	return common.HexToHash("0x64a0ae9278f805eaf991dcd18ca78756d280b7508b764ef1b255c55845c11df9")
}

// UnpackERC721InvalidReceiverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidReceiver(address receiver)
func (nFTPass *NFTPass) UnpackERC721InvalidReceiverError(raw []byte) (*NFTPassERC721InvalidReceiver, error) {
	out := new(NFTPassERC721InvalidReceiver)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InvalidReceiver", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721InvalidSender represents a ERC721InvalidSender error raised by the NFTPass contract.
type NFTPassERC721InvalidSender struct {
	Sender common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidSender(address sender)
func NFTPassERC721InvalidSenderErrorID() common.Hash {
	return common.HexToHash("0x73c6ac6e10798e95d99e1f130d923eb40193ecb8d094ec3dce93292564eb3b17")
}

// UnpackERC721InvalidSenderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidSender(address sender)
func (nFTPass *NFTPass) UnpackERC721InvalidSenderError(raw []byte) (*NFTPassERC721InvalidSender, error) {
	out := new(NFTPassERC721InvalidSender)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721InvalidSender", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721NonexistentToken represents a ERC721NonexistentToken error raised by the NFTPass contract.
type NFTPassERC721NonexistentToken struct {
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721NonexistentToken(uint256 tokenId)
func NFTPassERC721NonexistentTokenErrorID() common.Hash {
	return common.HexToHash("0x7e273289a3a9ef6670f06df7dca227856fc925e956db96980692764a8bc734d7")
}

// UnpackERC721NonexistentTokenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721NonexistentToken(uint256 tokenId)
func (nFTPass *NFTPass) UnpackERC721NonexistentTokenError(raw []byte) (*NFTPassERC721NonexistentToken, error) {
	out := new(NFTPassERC721NonexistentToken)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721NonexistentToken", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassERC721OutOfBoundsIndex represents a ERC721OutOfBoundsIndex error raised by the NFTPass contract.
type NFTPassERC721OutOfBoundsIndex struct {
	Owner common.Address
	Index *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721OutOfBoundsIndex(address owner, uint256 index)
func NFTPassERC721OutOfBoundsIndexErrorID() common.Hash {
	return common.HexToHash("0xa57d13dc78ab2b1f1191d9429a298559c44d02b5951a92c2376aa50074cc4509")
}

// UnpackERC721OutOfBoundsIndexError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721OutOfBoundsIndex(address owner, uint256 index)
func (nFTPass *NFTPass) UnpackERC721OutOfBoundsIndexError(raw []byte) (*NFTPassERC721OutOfBoundsIndex, error) {
	out := new(NFTPassERC721OutOfBoundsIndex)
	if err := nFTPass.abi.UnpackIntoInterface(out, "ERC721OutOfBoundsIndex", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassNotMinter represents a NotMinter error raised by the NFTPass contract.
type NFTPassNotMinter struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotMinter(address account)
func NFTPassNotMinterErrorID() common.Hash {
	return common.HexToHash("0x361c31f27e729a8322ec0a67a437cd1a685fbc0124c358ce2bac49ea8a779111")
}

// UnpackNotMinterError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotMinter(address account)
func (nFTPass *NFTPass) UnpackNotMinterError(raw []byte) (*NFTPassNotMinter, error) {
	out := new(NFTPassNotMinter)
	if err := nFTPass.abi.UnpackIntoInterface(out, "NotMinter", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassOwnableInvalidOwner represents a OwnableInvalidOwner error raised by the NFTPass contract.
type NFTPassOwnableInvalidOwner struct {
	Owner common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableInvalidOwner(address owner)
func NFTPassOwnableInvalidOwnerErrorID() common.Hash {
	return common.HexToHash("0x1e4fbdf7f3ef8bcaa855599e3abf48b232380f183f08f6f813d9ffa5bd585188")
}

// UnpackOwnableInvalidOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableInvalidOwner(address owner)
func (nFTPass *NFTPass) UnpackOwnableInvalidOwnerError(raw []byte) (*NFTPassOwnableInvalidOwner, error) {
	out := new(NFTPassOwnableInvalidOwner)
	if err := nFTPass.abi.UnpackIntoInterface(out, "OwnableInvalidOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassOwnableUnauthorizedAccount represents a OwnableUnauthorizedAccount error raised by the NFTPass contract.
type NFTPassOwnableUnauthorizedAccount struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func NFTPassOwnableUnauthorizedAccountErrorID() common.Hash {
	return common.HexToHash("0x118cdaa7a341953d1887a2245fd6665d741c67c8c50581daa59e1d03373fa188")
}

// UnpackOwnableUnauthorizedAccountError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func (nFTPass *NFTPass) UnpackOwnableUnauthorizedAccountError(raw []byte) (*NFTPassOwnableUnauthorizedAccount, error) {
	out := new(NFTPassOwnableUnauthorizedAccount)
	if err := nFTPass.abi.UnpackIntoInterface(out, "OwnableUnauthorizedAccount", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// NFTPassSoldOut represents a SoldOut error raised by the NFTPass contract.
type NFTPassSoldOut struct {
	MaxSupply *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SoldOut(uint256 maxSupply)
func NFTPassSoldOutErrorID() common.Hash {
	return common.HexToHash("0x7e1f5a77187e90f1751221bbd46ae08322d11774a58ae99cdb7d8573f4140c90")
}

// UnpackSoldOutError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SoldOut(uint256 maxSupply)
func (nFTPass *NFTPass) UnpackSoldOutError(raw []byte) (*NFTPassSoldOut, error) {
	out := new(NFTPassSoldOut)
	if err := nFTPass.abi.UnpackIntoInterface(out, "SoldOut", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassMetaData contains all meta data concerning the SubscriptionPass contract.
var SubscriptionPassMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"components\":[{\"internalType\":\"string\",\"name\":\"name\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"symbol\",\"type\":\"string\"},{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"},{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"},{\"internalType\":\"bool\",\"name\":\"soulbound\",\"type\":\"bool\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"minter\",\"type\":\"address\"}],\"internalType\":\"structNFTPass.Terms\",\"name\":\"t\",\"type\":\"tuple\"}],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"AlreadyMinted\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BoundToHolder\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"ERC721EnumerableForbiddenBatchMint\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"ERC721IncorrectOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ERC721InsufficientApproval\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"approver\",\"type\":\"address\"}],\"name\":\"ERC721InvalidApprover\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"ERC721InvalidOperator\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"ERC721InvalidOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"receiver\",\"type\":\"address\"}],\"name\":\"ERC721InvalidReceiver\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"sender\",\"type\":\"address\"}],\"name\":\"ERC721InvalidSender\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ERC721NonexistentToken\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"ERC721OutOfBoundsIndex\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"duration\",\"type\":\"uint64\"}],\"name\":\"InvalidDuration\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NoPayment\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"NotMinter\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"OwnableInvalidOwner\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"OwnableUnauthorizedAccount\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"maxSupply\",\"type\":\"uint256\"}],\"name\":\"SoldOut\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"approved\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Approval\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"ApprovalForAll\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"fromTokenId\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"toTokenId\",\"type\":\"uint256\"}],\"name\":\"BatchMetadataUpdate\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Locked\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"MinterChanged\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"previousOwner\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"OwnershipTransferred\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"indexed\":false,\"internalType\":\"uint64\",\"name\":\"expiration\",\"type\":\"uint64\"}],\"name\":\"SubscriptionUpdate\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":true,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Transfer\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"Unlocked\",\"type\":\"event\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"approve\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"}],\"name\":\"balanceOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"burn\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"cancelSubscription\",\"outputs\":[],\"stateMutability\":\"payable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"expiresAt\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"getApproved\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"isApprovedForAll\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"isMinted\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"}],\"name\":\"isMinter\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"isRenewable\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"lastId\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"locked\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"maxSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"mint\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"name\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"owner\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"ownerOf\",\"outputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"internalType\":\"uint64\",\"name\":\"duration\",\"type\":\"uint64\"}],\"name\":\"renewSubscription\",\"outputs\":[],\"stateMutability\":\"payable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"renounceOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"safeTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"safeTransferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"approved\",\"type\":\"bool\"}],\"name\":\"setApprovalForAll\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"string\",\"name\":\"baseURI\",\"type\":\"string\"}],\"name\":\"setBaseURI\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"account\",\"type\":\"address\"},{\"internalType\":\"bool\",\"name\":\"may\",\"type\":\"bool\"}],\"name\":\"setMinter\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"soulbound\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"duration\",\"type\":\"uint64\"},{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"subscribe\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes4\",\"name\":\"interfaceId\",\"type\":\"bytes4\"}],\"name\":\"supportsInterface\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"symbol\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"tokenByIndex\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bytes32\",\"name\":\"order\",\"type\":\"bytes32\"}],\"name\":\"tokenOf\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"owner\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"index\",\"type\":\"uint256\"}],\"name\":\"tokenOfOwnerByIndex\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"tokenURI\",\"outputs\":[{\"internalType\":\"string\",\"name\":\"\",\"type\":\"string\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"totalSupply\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"from\",\"type\":\"address\"},{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"tokenId\",\"type\":\"uint256\"}],\"name\":\"transferFrom\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"newOwner\",\"type\":\"address\"}],\"name\":\"transferOwnership\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "SubscriptionPass",
}

// SubscriptionPass is an auto generated Go binding around an Ethereum contract.
type SubscriptionPass struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *SubscriptionPass) GetABI() abi.ABI {
	return c.abi
}

// NewSubscriptionPass creates a new instance of SubscriptionPass.
func NewSubscriptionPass() *SubscriptionPass {
	parsed, err := SubscriptionPassMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &SubscriptionPass{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *SubscriptionPass) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor((string,string,string,uint256,bool,address,address) t) returns()
func (subscriptionPass *SubscriptionPass) PackConstructor(t NFTPassTerms) []byte {
	enc, err := subscriptionPass.abi.Pack("", t)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function approve(address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) PackApprove(to common.Address, tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("approve", to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackApprove is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x095ea7b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function approve(address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) TryPackApprove(to common.Address, tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("approve", to, tokenId)
}

// PackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackBalanceOf(owner common.Address) []byte {
	enc, err := subscriptionPass.abi.Pack("balanceOf", owner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBalanceOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x70a08231.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackBalanceOf(owner common.Address) ([]byte, error) {
	return subscriptionPass.abi.Pack("balanceOf", owner)
}

// UnpackBalanceOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x70a08231.
//
// Solidity: function balanceOf(address owner) view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackBalanceOf(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("balanceOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42966c68.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function burn(uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) PackBurn(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("burn", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBurn is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42966c68.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function burn(uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) TryPackBurn(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("burn", tokenId)
}

// PackCancelSubscription is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x21235083.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function cancelSubscription(uint256 tokenId) payable returns()
func (subscriptionPass *SubscriptionPass) PackCancelSubscription(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("cancelSubscription", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackCancelSubscription is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x21235083.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function cancelSubscription(uint256 tokenId) payable returns()
func (subscriptionPass *SubscriptionPass) TryPackCancelSubscription(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("cancelSubscription", tokenId)
}

// PackExpiresAt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x17c95709.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function expiresAt(uint256 tokenId) view returns(uint64)
func (subscriptionPass *SubscriptionPass) PackExpiresAt(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("expiresAt", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackExpiresAt is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x17c95709.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function expiresAt(uint256 tokenId) view returns(uint64)
func (subscriptionPass *SubscriptionPass) TryPackExpiresAt(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("expiresAt", tokenId)
}

// UnpackExpiresAt is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x17c95709.
//
// Solidity: function expiresAt(uint256 tokenId) view returns(uint64)
func (subscriptionPass *SubscriptionPass) UnpackExpiresAt(data []byte) (uint64, error) {
	out, err := subscriptionPass.abi.Unpack("expiresAt", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackGetApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x081812fc.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) PackGetApproved(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("getApproved", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackGetApproved is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x081812fc.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) TryPackGetApproved(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("getApproved", tokenId)
}

// UnpackGetApproved is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x081812fc.
//
// Solidity: function getApproved(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) UnpackGetApproved(data []byte) (common.Address, error) {
	out, err := subscriptionPass.abi.Unpack("getApproved", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackIsApprovedForAll(owner common.Address, operator common.Address) []byte {
	enc, err := subscriptionPass.abi.Pack("isApprovedForAll", owner, operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsApprovedForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe985e9c5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackIsApprovedForAll(owner common.Address, operator common.Address) ([]byte, error) {
	return subscriptionPass.abi.Pack("isApprovedForAll", owner, operator)
}

// UnpackIsApprovedForAll is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe985e9c5.
//
// Solidity: function isApprovedForAll(address owner, address operator) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackIsApprovedForAll(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("isApprovedForAll", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackIsMinted(order [32]byte) []byte {
	enc, err := subscriptionPass.abi.Pack("isMinted", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinted is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x9e4c0be3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackIsMinted(order [32]byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("isMinted", order)
}

// UnpackIsMinted is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x9e4c0be3.
//
// Solidity: function isMinted(bytes32 order) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackIsMinted(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("isMinted", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isMinter(address account) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackIsMinter(account common.Address) []byte {
	enc, err := subscriptionPass.abi.Pack("isMinter", account)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xaa271e1a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isMinter(address account) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackIsMinter(account common.Address) ([]byte, error) {
	return subscriptionPass.abi.Pack("isMinter", account)
}

// UnpackIsMinter is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xaa271e1a.
//
// Solidity: function isMinter(address account) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackIsMinter(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("isMinter", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackIsRenewable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcde317af.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function isRenewable(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackIsRenewable(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("isRenewable", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackIsRenewable is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcde317af.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function isRenewable(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackIsRenewable(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("isRenewable", tokenId)
}

// UnpackIsRenewable is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xcde317af.
//
// Solidity: function isRenewable(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackIsRenewable(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("isRenewable", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackLastId is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc1292cc3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function lastId() view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackLastId() []byte {
	enc, err := subscriptionPass.abi.Pack("lastId")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLastId is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc1292cc3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function lastId() view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackLastId() ([]byte, error) {
	return subscriptionPass.abi.Pack("lastId")
}

// UnpackLastId is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc1292cc3.
//
// Solidity: function lastId() view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackLastId(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("lastId", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackLocked(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("locked", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackLocked is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb45a3c0e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackLocked(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("locked", tokenId)
}

// UnpackLocked is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xb45a3c0e.
//
// Solidity: function locked(uint256 tokenId) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackLocked(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("locked", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function maxSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackMaxSupply() []byte {
	enc, err := subscriptionPass.abi.Pack("maxSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMaxSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xd5abeb01.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function maxSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackMaxSupply() ([]byte, error) {
	return subscriptionPass.abi.Pack("maxSupply")
}

// UnpackMaxSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xd5abeb01.
//
// Solidity: function maxSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackMaxSupply(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("maxSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2cfd3005.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) PackMint(to common.Address, order [32]byte) []byte {
	enc, err := subscriptionPass.abi.Pack("mint", to, order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMint is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2cfd3005.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) TryPackMint(to common.Address, order [32]byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("mint", to, order)
}

// UnpackMint is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2cfd3005.
//
// Solidity: function mint(address to, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackMint(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("mint", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function name() view returns(string)
func (subscriptionPass *SubscriptionPass) PackName() []byte {
	enc, err := subscriptionPass.abi.Pack("name")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackName is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x06fdde03.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function name() view returns(string)
func (subscriptionPass *SubscriptionPass) TryPackName() ([]byte, error) {
	return subscriptionPass.abi.Pack("name")
}

// UnpackName is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x06fdde03.
//
// Solidity: function name() view returns(string)
func (subscriptionPass *SubscriptionPass) UnpackName(data []byte) (string, error) {
	out, err := subscriptionPass.abi.Unpack("name", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function owner() view returns(address)
func (subscriptionPass *SubscriptionPass) PackOwner() []byte {
	enc, err := subscriptionPass.abi.Pack("owner")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOwner is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8da5cb5b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function owner() view returns(address)
func (subscriptionPass *SubscriptionPass) TryPackOwner() ([]byte, error) {
	return subscriptionPass.abi.Pack("owner")
}

// UnpackOwner is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x8da5cb5b.
//
// Solidity: function owner() view returns(address)
func (subscriptionPass *SubscriptionPass) UnpackOwner(data []byte) (common.Address, error) {
	out, err := subscriptionPass.abi.Unpack("owner", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackOwnerOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6352211e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) PackOwnerOf(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("ownerOf", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackOwnerOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x6352211e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) TryPackOwnerOf(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("ownerOf", tokenId)
}

// UnpackOwnerOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x6352211e.
//
// Solidity: function ownerOf(uint256 tokenId) view returns(address)
func (subscriptionPass *SubscriptionPass) UnpackOwnerOf(data []byte) (common.Address, error) {
	out, err := subscriptionPass.abi.Unpack("ownerOf", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackRenewSubscription is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x776ce868.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function renewSubscription(uint256 tokenId, uint64 duration) payable returns()
func (subscriptionPass *SubscriptionPass) PackRenewSubscription(tokenId *big.Int, duration uint64) []byte {
	enc, err := subscriptionPass.abi.Pack("renewSubscription", tokenId, duration)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRenewSubscription is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x776ce868.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function renewSubscription(uint256 tokenId, uint64 duration) payable returns()
func (subscriptionPass *SubscriptionPass) TryPackRenewSubscription(tokenId *big.Int, duration uint64) ([]byte, error) {
	return subscriptionPass.abi.Pack("renewSubscription", tokenId, duration)
}

// PackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function renounceOwnership() returns()
func (subscriptionPass *SubscriptionPass) PackRenounceOwnership() []byte {
	enc, err := subscriptionPass.abi.Pack("renounceOwnership")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRenounceOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x715018a6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function renounceOwnership() returns()
func (subscriptionPass *SubscriptionPass) TryPackRenounceOwnership() ([]byte, error) {
	return subscriptionPass.abi.Pack("renounceOwnership")
}

// PackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42842e0e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) PackSafeTransferFrom(from common.Address, to common.Address, tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("safeTransferFrom", from, to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42842e0e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) TryPackSafeTransferFrom(from common.Address, to common.Address, tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("safeTransferFrom", from, to, tokenId)
}

// PackSafeTransferFrom0 is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb88d4fde.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) returns()
func (subscriptionPass *SubscriptionPass) PackSafeTransferFrom0(from common.Address, to common.Address, tokenId *big.Int, data []byte) []byte {
	enc, err := subscriptionPass.abi.Pack("safeTransferFrom0", from, to, tokenId, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSafeTransferFrom0 is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb88d4fde.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) returns()
func (subscriptionPass *SubscriptionPass) TryPackSafeTransferFrom0(from common.Address, to common.Address, tokenId *big.Int, data []byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("safeTransferFrom0", from, to, tokenId, data)
}

// PackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (subscriptionPass *SubscriptionPass) PackSetApprovalForAll(operator common.Address, approved bool) []byte {
	enc, err := subscriptionPass.abi.Pack("setApprovalForAll", operator, approved)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetApprovalForAll is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa22cb465.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setApprovalForAll(address operator, bool approved) returns()
func (subscriptionPass *SubscriptionPass) TryPackSetApprovalForAll(operator common.Address, approved bool) ([]byte, error) {
	return subscriptionPass.abi.Pack("setApprovalForAll", operator, approved)
}

// PackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (subscriptionPass *SubscriptionPass) PackSetBaseURI(baseURI string) []byte {
	enc, err := subscriptionPass.abi.Pack("setBaseURI", baseURI)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetBaseURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x55f804b3.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setBaseURI(string baseURI) returns()
func (subscriptionPass *SubscriptionPass) TryPackSetBaseURI(baseURI string) ([]byte, error) {
	return subscriptionPass.abi.Pack("setBaseURI", baseURI)
}

// PackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setMinter(address account, bool may) returns()
func (subscriptionPass *SubscriptionPass) PackSetMinter(account common.Address, may bool) []byte {
	enc, err := subscriptionPass.abi.Pack("setMinter", account, may)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetMinter is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcf456ae7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setMinter(address account, bool may) returns()
func (subscriptionPass *SubscriptionPass) TryPackSetMinter(account common.Address, may bool) ([]byte, error) {
	return subscriptionPass.abi.Pack("setMinter", account, may)
}

// PackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function soulbound() view returns(bool)
func (subscriptionPass *SubscriptionPass) PackSoulbound() []byte {
	enc, err := subscriptionPass.abi.Pack("soulbound")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSoulbound is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0fad0f51.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function soulbound() view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackSoulbound() ([]byte, error) {
	return subscriptionPass.abi.Pack("soulbound")
}

// UnpackSoulbound is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0fad0f51.
//
// Solidity: function soulbound() view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackSoulbound(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("soulbound", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSubscribe is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcee5a924.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function subscribe(address to, uint64 duration, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) PackSubscribe(to common.Address, duration uint64, order [32]byte) []byte {
	enc, err := subscriptionPass.abi.Pack("subscribe", to, duration, order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSubscribe is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xcee5a924.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function subscribe(address to, uint64 duration, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) TryPackSubscribe(to common.Address, duration uint64, order [32]byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("subscribe", to, duration, order)
}

// UnpackSubscribe is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xcee5a924.
//
// Solidity: function subscribe(address to, uint64 duration, bytes32 order) returns(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackSubscribe(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("subscribe", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (subscriptionPass *SubscriptionPass) PackSupportsInterface(interfaceId [4]byte) []byte {
	enc, err := subscriptionPass.abi.Pack("supportsInterface", interfaceId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSupportsInterface is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x01ffc9a7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (subscriptionPass *SubscriptionPass) TryPackSupportsInterface(interfaceId [4]byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("supportsInterface", interfaceId)
}

// UnpackSupportsInterface is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x01ffc9a7.
//
// Solidity: function supportsInterface(bytes4 interfaceId) view returns(bool)
func (subscriptionPass *SubscriptionPass) UnpackSupportsInterface(data []byte) (bool, error) {
	out, err := subscriptionPass.abi.Unpack("supportsInterface", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function symbol() view returns(string)
func (subscriptionPass *SubscriptionPass) PackSymbol() []byte {
	enc, err := subscriptionPass.abi.Pack("symbol")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSymbol is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x95d89b41.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function symbol() view returns(string)
func (subscriptionPass *SubscriptionPass) TryPackSymbol() ([]byte, error) {
	return subscriptionPass.abi.Pack("symbol")
}

// UnpackSymbol is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x95d89b41.
//
// Solidity: function symbol() view returns(string)
func (subscriptionPass *SubscriptionPass) UnpackSymbol(data []byte) (string, error) {
	out, err := subscriptionPass.abi.Unpack("symbol", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTokenByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4f6ccce7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackTokenByIndex(index *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("tokenByIndex", index)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4f6ccce7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackTokenByIndex(index *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("tokenByIndex", index)
}

// UnpackTokenByIndex is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x4f6ccce7.
//
// Solidity: function tokenByIndex(uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackTokenByIndex(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("tokenByIndex", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackTokenOf(order [32]byte) []byte {
	enc, err := subscriptionPass.abi.Pack("tokenOf", order)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xbae667bc.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackTokenOf(order [32]byte) ([]byte, error) {
	return subscriptionPass.abi.Pack("tokenOf", order)
}

// UnpackTokenOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xbae667bc.
//
// Solidity: function tokenOf(bytes32 order) view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackTokenOf(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("tokenOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenOfOwnerByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2f745c59.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackTokenOfOwnerByIndex(owner common.Address, index *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("tokenOfOwnerByIndex", owner, index)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenOfOwnerByIndex is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2f745c59.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackTokenOfOwnerByIndex(owner common.Address, index *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("tokenOfOwnerByIndex", owner, index)
}

// UnpackTokenOfOwnerByIndex is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2f745c59.
//
// Solidity: function tokenOfOwnerByIndex(address owner, uint256 index) view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackTokenOfOwnerByIndex(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("tokenOfOwnerByIndex", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTokenURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc87b56dd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (subscriptionPass *SubscriptionPass) PackTokenURI(tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("tokenURI", tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTokenURI is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xc87b56dd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (subscriptionPass *SubscriptionPass) TryPackTokenURI(tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("tokenURI", tokenId)
}

// UnpackTokenURI is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xc87b56dd.
//
// Solidity: function tokenURI(uint256 tokenId) view returns(string)
func (subscriptionPass *SubscriptionPass) UnpackTokenURI(data []byte) (string, error) {
	out, err := subscriptionPass.abi.Unpack("tokenURI", data)
	if err != nil {
		return *new(string), err
	}
	out0 := *abi.ConvertType(out[0], new(string)).(*string)
	return out0, nil
}

// PackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function totalSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) PackTotalSupply() []byte {
	enc, err := subscriptionPass.abi.Pack("totalSupply")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTotalSupply is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x18160ddd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function totalSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) TryPackTotalSupply() ([]byte, error) {
	return subscriptionPass.abi.Pack("totalSupply")
}

// UnpackTotalSupply is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x18160ddd.
//
// Solidity: function totalSupply() view returns(uint256)
func (subscriptionPass *SubscriptionPass) UnpackTotalSupply(data []byte) (*big.Int, error) {
	out, err := subscriptionPass.abi.Unpack("totalSupply", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferFrom(address from, address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) PackTransferFrom(from common.Address, to common.Address, tokenId *big.Int) []byte {
	enc, err := subscriptionPass.abi.Pack("transferFrom", from, to, tokenId)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferFrom is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x23b872dd.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferFrom(address from, address to, uint256 tokenId) returns()
func (subscriptionPass *SubscriptionPass) TryPackTransferFrom(from common.Address, to common.Address, tokenId *big.Int) ([]byte, error) {
	return subscriptionPass.abi.Pack("transferFrom", from, to, tokenId)
}

// PackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (subscriptionPass *SubscriptionPass) PackTransferOwnership(newOwner common.Address) []byte {
	enc, err := subscriptionPass.abi.Pack("transferOwnership", newOwner)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackTransferOwnership is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xf2fde38b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function transferOwnership(address newOwner) returns()
func (subscriptionPass *SubscriptionPass) TryPackTransferOwnership(newOwner common.Address) ([]byte, error) {
	return subscriptionPass.abi.Pack("transferOwnership", newOwner)
}

// SubscriptionPassApproval represents a Approval event raised by the SubscriptionPass contract.
type SubscriptionPassApproval struct {
	Owner    common.Address
	Approved common.Address
	TokenId  *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassApprovalEventName = "Approval"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassApproval) ContractEventName() string {
	return SubscriptionPassApprovalEventName
}

// UnpackApprovalEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)
func (subscriptionPass *SubscriptionPass) UnpackApprovalEvent(log *types.Log) (*SubscriptionPassApproval, error) {
	event := "Approval"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassApproval)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassApprovalForAll represents a ApprovalForAll event raised by the SubscriptionPass contract.
type SubscriptionPassApprovalForAll struct {
	Owner    common.Address
	Operator common.Address
	Approved bool
	Raw      *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassApprovalForAllEventName = "ApprovalForAll"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassApprovalForAll) ContractEventName() string {
	return SubscriptionPassApprovalForAllEventName
}

// UnpackApprovalForAllEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event ApprovalForAll(address indexed owner, address indexed operator, bool approved)
func (subscriptionPass *SubscriptionPass) UnpackApprovalForAllEvent(log *types.Log) (*SubscriptionPassApprovalForAll, error) {
	event := "ApprovalForAll"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassApprovalForAll)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassBatchMetadataUpdate represents a BatchMetadataUpdate event raised by the SubscriptionPass contract.
type SubscriptionPassBatchMetadataUpdate struct {
	FromTokenId *big.Int
	ToTokenId   *big.Int
	Raw         *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassBatchMetadataUpdateEventName = "BatchMetadataUpdate"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassBatchMetadataUpdate) ContractEventName() string {
	return SubscriptionPassBatchMetadataUpdateEventName
}

// UnpackBatchMetadataUpdateEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event BatchMetadataUpdate(uint256 fromTokenId, uint256 toTokenId)
func (subscriptionPass *SubscriptionPass) UnpackBatchMetadataUpdateEvent(log *types.Log) (*SubscriptionPassBatchMetadataUpdate, error) {
	event := "BatchMetadataUpdate"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassBatchMetadataUpdate)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassLocked represents a Locked event raised by the SubscriptionPass contract.
type SubscriptionPassLocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassLockedEventName = "Locked"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassLocked) ContractEventName() string {
	return SubscriptionPassLockedEventName
}

// UnpackLockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Locked(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackLockedEvent(log *types.Log) (*SubscriptionPassLocked, error) {
	event := "Locked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassLocked)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassMinterChanged represents a MinterChanged event raised by the SubscriptionPass contract.
type SubscriptionPassMinterChanged struct {
	Account common.Address
	May     bool
	Raw     *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassMinterChangedEventName = "MinterChanged"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassMinterChanged) ContractEventName() string {
	return SubscriptionPassMinterChangedEventName
}

// UnpackMinterChangedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event MinterChanged(address indexed account, bool may)
func (subscriptionPass *SubscriptionPass) UnpackMinterChangedEvent(log *types.Log) (*SubscriptionPassMinterChanged, error) {
	event := "MinterChanged"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassMinterChanged)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassOwnershipTransferred represents a OwnershipTransferred event raised by the SubscriptionPass contract.
type SubscriptionPassOwnershipTransferred struct {
	PreviousOwner common.Address
	NewOwner      common.Address
	Raw           *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassOwnershipTransferredEventName = "OwnershipTransferred"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassOwnershipTransferred) ContractEventName() string {
	return SubscriptionPassOwnershipTransferredEventName
}

// UnpackOwnershipTransferredEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)
func (subscriptionPass *SubscriptionPass) UnpackOwnershipTransferredEvent(log *types.Log) (*SubscriptionPassOwnershipTransferred, error) {
	event := "OwnershipTransferred"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassOwnershipTransferred)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassSubscriptionUpdate represents a SubscriptionUpdate event raised by the SubscriptionPass contract.
type SubscriptionPassSubscriptionUpdate struct {
	TokenId    *big.Int
	Expiration uint64
	Raw        *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassSubscriptionUpdateEventName = "SubscriptionUpdate"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassSubscriptionUpdate) ContractEventName() string {
	return SubscriptionPassSubscriptionUpdateEventName
}

// UnpackSubscriptionUpdateEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event SubscriptionUpdate(uint256 indexed tokenId, uint64 expiration)
func (subscriptionPass *SubscriptionPass) UnpackSubscriptionUpdateEvent(log *types.Log) (*SubscriptionPassSubscriptionUpdate, error) {
	event := "SubscriptionUpdate"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassSubscriptionUpdate)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassTransfer represents a Transfer event raised by the SubscriptionPass contract.
type SubscriptionPassTransfer struct {
	From    common.Address
	To      common.Address
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassTransferEventName = "Transfer"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassTransfer) ContractEventName() string {
	return SubscriptionPassTransferEventName
}

// UnpackTransferEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)
func (subscriptionPass *SubscriptionPass) UnpackTransferEvent(log *types.Log) (*SubscriptionPassTransfer, error) {
	event := "Transfer"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassTransfer)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// SubscriptionPassUnlocked represents a Unlocked event raised by the SubscriptionPass contract.
type SubscriptionPassUnlocked struct {
	TokenId *big.Int
	Raw     *types.Log // Blockchain specific contextual infos
}

const SubscriptionPassUnlockedEventName = "Unlocked"

// ContractEventName returns the user-defined event name.
func (SubscriptionPassUnlocked) ContractEventName() string {
	return SubscriptionPassUnlockedEventName
}

// UnpackUnlockedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Unlocked(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackUnlockedEvent(log *types.Log) (*SubscriptionPassUnlocked, error) {
	event := "Unlocked"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != subscriptionPass.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(SubscriptionPassUnlocked)
	if len(log.Data) > 0 {
		if err := subscriptionPass.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range subscriptionPass.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (subscriptionPass *SubscriptionPass) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["AlreadyMinted"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackAlreadyMintedError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["BoundToHolder"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackBoundToHolderError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721EnumerableForbiddenBatchMint"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721EnumerableForbiddenBatchMintError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721IncorrectOwner"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721IncorrectOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InsufficientApproval"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InsufficientApprovalError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InvalidApprover"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InvalidApproverError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InvalidOperator"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InvalidOperatorError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InvalidOwner"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InvalidOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InvalidReceiver"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InvalidReceiverError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721InvalidSender"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721InvalidSenderError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721NonexistentToken"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721NonexistentTokenError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["ERC721OutOfBoundsIndex"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackERC721OutOfBoundsIndexError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["InvalidDuration"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackInvalidDurationError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["NoPayment"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackNoPaymentError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["NotMinter"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackNotMinterError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["OwnableInvalidOwner"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackOwnableInvalidOwnerError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["OwnableUnauthorizedAccount"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackOwnableUnauthorizedAccountError(raw[4:])
	}
	if bytes.Equal(raw[:4], subscriptionPass.abi.Errors["SoldOut"].ID.Bytes()[:4]) {
		return subscriptionPass.UnpackSoldOutError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// SubscriptionPassAlreadyMinted represents a AlreadyMinted error raised by the SubscriptionPass contract.
type SubscriptionPassAlreadyMinted struct {
	Order   [32]byte
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func SubscriptionPassAlreadyMintedErrorID() common.Hash {
	return common.HexToHash("0x919f7df5e12396d9fb24612a18d252f49f72ead3bfb888c2a8a02f1b2be72fc9")
}

// UnpackAlreadyMintedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error AlreadyMinted(bytes32 order, uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackAlreadyMintedError(raw []byte) (*SubscriptionPassAlreadyMinted, error) {
	out := new(SubscriptionPassAlreadyMinted)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "AlreadyMinted", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassBoundToHolder represents a BoundToHolder error raised by the SubscriptionPass contract.
type SubscriptionPassBoundToHolder struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BoundToHolder()
func SubscriptionPassBoundToHolderErrorID() common.Hash {
	return common.HexToHash("0xbb4aa45e9a4687af1f8f88943ade8d41390dec4f866ea35405a7265940758ca6")
}

// UnpackBoundToHolderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BoundToHolder()
func (subscriptionPass *SubscriptionPass) UnpackBoundToHolderError(raw []byte) (*SubscriptionPassBoundToHolder, error) {
	out := new(SubscriptionPassBoundToHolder)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "BoundToHolder", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721EnumerableForbiddenBatchMint represents a ERC721EnumerableForbiddenBatchMint error raised by the SubscriptionPass contract.
type SubscriptionPassERC721EnumerableForbiddenBatchMint struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721EnumerableForbiddenBatchMint()
func SubscriptionPassERC721EnumerableForbiddenBatchMintErrorID() common.Hash {
	return common.HexToHash("0x59171fc140fcc403c6e5785fa53a46bfd95b95ccab17163db749de3e197203f4")
}

// UnpackERC721EnumerableForbiddenBatchMintError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721EnumerableForbiddenBatchMint()
func (subscriptionPass *SubscriptionPass) UnpackERC721EnumerableForbiddenBatchMintError(raw []byte) (*SubscriptionPassERC721EnumerableForbiddenBatchMint, error) {
	out := new(SubscriptionPassERC721EnumerableForbiddenBatchMint)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721EnumerableForbiddenBatchMint", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721IncorrectOwner represents a ERC721IncorrectOwner error raised by the SubscriptionPass contract.
type SubscriptionPassERC721IncorrectOwner struct {
	Sender  common.Address
	TokenId *big.Int
	Owner   common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner)
func SubscriptionPassERC721IncorrectOwnerErrorID() common.Hash {
	return common.HexToHash("0x64283d7b313c8117c125f736876fa2b4e90ea3831a4716dfdb87d2f540e26289")
}

// UnpackERC721IncorrectOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner)
func (subscriptionPass *SubscriptionPass) UnpackERC721IncorrectOwnerError(raw []byte) (*SubscriptionPassERC721IncorrectOwner, error) {
	out := new(SubscriptionPassERC721IncorrectOwner)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721IncorrectOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InsufficientApproval represents a ERC721InsufficientApproval error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InsufficientApproval struct {
	Operator common.Address
	TokenId  *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InsufficientApproval(address operator, uint256 tokenId)
func SubscriptionPassERC721InsufficientApprovalErrorID() common.Hash {
	return common.HexToHash("0x177e802f6f313bc89797ecace66d6d29ab4719cbaaacbb87367264048b1eb861")
}

// UnpackERC721InsufficientApprovalError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InsufficientApproval(address operator, uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackERC721InsufficientApprovalError(raw []byte) (*SubscriptionPassERC721InsufficientApproval, error) {
	out := new(SubscriptionPassERC721InsufficientApproval)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InsufficientApproval", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InvalidApprover represents a ERC721InvalidApprover error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InvalidApprover struct {
	Approver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidApprover(address approver)
func SubscriptionPassERC721InvalidApproverErrorID() common.Hash {
	return common.HexToHash("0xa9fbf51f86b8e03595d59dc726bb10c329bb24f62589be276d8dd193ca0b69ea")
}

// UnpackERC721InvalidApproverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidApprover(address approver)
func (subscriptionPass *SubscriptionPass) UnpackERC721InvalidApproverError(raw []byte) (*SubscriptionPassERC721InvalidApprover, error) {
	out := new(SubscriptionPassERC721InvalidApprover)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InvalidApprover", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InvalidOperator represents a ERC721InvalidOperator error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InvalidOperator struct {
	Operator common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidOperator(address operator)
func SubscriptionPassERC721InvalidOperatorErrorID() common.Hash {
	return common.HexToHash("0x5b08ba185e8f577075361f3a3555a6580a227ce22734dcc979c1aeadf894658b")
}

// UnpackERC721InvalidOperatorError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidOperator(address operator)
func (subscriptionPass *SubscriptionPass) UnpackERC721InvalidOperatorError(raw []byte) (*SubscriptionPassERC721InvalidOperator, error) {
	out := new(SubscriptionPassERC721InvalidOperator)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InvalidOperator", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InvalidOwner represents a ERC721InvalidOwner error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InvalidOwner struct {
	Owner common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidOwner(address owner)
func SubscriptionPassERC721InvalidOwnerErrorID() common.Hash {
	return common.HexToHash("0x89c62b6479af2e623826dcc39c5133061d35b66d72de92833401dd2fd6567480")
}

// UnpackERC721InvalidOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidOwner(address owner)
func (subscriptionPass *SubscriptionPass) UnpackERC721InvalidOwnerError(raw []byte) (*SubscriptionPassERC721InvalidOwner, error) {
	out := new(SubscriptionPassERC721InvalidOwner)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InvalidOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InvalidReceiver represents a ERC721InvalidReceiver error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InvalidReceiver struct {
	Receiver common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidReceiver(address receiver)
func SubscriptionPassERC721InvalidReceiverErrorID() common.Hash {
	return common.HexToHash("0x64a0ae9278f805eaf991dcd18ca78756d280b7508b764ef1b255c55845c11df9")
}

// UnpackERC721InvalidReceiverError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidReceiver(address receiver)
func (subscriptionPass *SubscriptionPass) UnpackERC721InvalidReceiverError(raw []byte) (*SubscriptionPassERC721InvalidReceiver, error) {
	out := new(SubscriptionPassERC721InvalidReceiver)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InvalidReceiver", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721InvalidSender represents a ERC721InvalidSender error raised by the SubscriptionPass contract.
type SubscriptionPassERC721InvalidSender struct {
	Sender common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721InvalidSender(address sender)
func SubscriptionPassERC721InvalidSenderErrorID() common.Hash {
	return common.HexToHash("0x73c6ac6e10798e95d99e1f130d923eb40193ecb8d094ec3dce93292564eb3b17")
}

// UnpackERC721InvalidSenderError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721InvalidSender(address sender)
func (subscriptionPass *SubscriptionPass) UnpackERC721InvalidSenderError(raw []byte) (*SubscriptionPassERC721InvalidSender, error) {
	out := new(SubscriptionPassERC721InvalidSender)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721InvalidSender", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721NonexistentToken represents a ERC721NonexistentToken error raised by the SubscriptionPass contract.
type SubscriptionPassERC721NonexistentToken struct {
	TokenId *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721NonexistentToken(uint256 tokenId)
func SubscriptionPassERC721NonexistentTokenErrorID() common.Hash {
	return common.HexToHash("0x7e273289a3a9ef6670f06df7dca227856fc925e956db96980692764a8bc734d7")
}

// UnpackERC721NonexistentTokenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721NonexistentToken(uint256 tokenId)
func (subscriptionPass *SubscriptionPass) UnpackERC721NonexistentTokenError(raw []byte) (*SubscriptionPassERC721NonexistentToken, error) {
	out := new(SubscriptionPassERC721NonexistentToken)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721NonexistentToken", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassERC721OutOfBoundsIndex represents a ERC721OutOfBoundsIndex error raised by the SubscriptionPass contract.
type SubscriptionPassERC721OutOfBoundsIndex struct {
	Owner common.Address
	Index *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ERC721OutOfBoundsIndex(address owner, uint256 index)
func SubscriptionPassERC721OutOfBoundsIndexErrorID() common.Hash {
	return common.HexToHash("0xa57d13dc78ab2b1f1191d9429a298559c44d02b5951a92c2376aa50074cc4509")
}

// UnpackERC721OutOfBoundsIndexError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ERC721OutOfBoundsIndex(address owner, uint256 index)
func (subscriptionPass *SubscriptionPass) UnpackERC721OutOfBoundsIndexError(raw []byte) (*SubscriptionPassERC721OutOfBoundsIndex, error) {
	out := new(SubscriptionPassERC721OutOfBoundsIndex)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "ERC721OutOfBoundsIndex", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassInvalidDuration represents a InvalidDuration error raised by the SubscriptionPass contract.
type SubscriptionPassInvalidDuration struct {
	Duration uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error InvalidDuration(uint64 duration)
func SubscriptionPassInvalidDurationErrorID() common.Hash {
	return common.HexToHash("0x019451cb90397bb47f37e5508b757931bd4768d625eb8f867c8c038ac53e465a")
}

// UnpackInvalidDurationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error InvalidDuration(uint64 duration)
func (subscriptionPass *SubscriptionPass) UnpackInvalidDurationError(raw []byte) (*SubscriptionPassInvalidDuration, error) {
	out := new(SubscriptionPassInvalidDuration)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "InvalidDuration", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassNoPayment represents a NoPayment error raised by the SubscriptionPass contract.
type SubscriptionPassNoPayment struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NoPayment()
func SubscriptionPassNoPaymentErrorID() common.Hash {
	return common.HexToHash("0xbd1fa9d378b7813e93a091b58d3f4b2d5ed05068cff77b445a11340bc6b17324")
}

// UnpackNoPaymentError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NoPayment()
func (subscriptionPass *SubscriptionPass) UnpackNoPaymentError(raw []byte) (*SubscriptionPassNoPayment, error) {
	out := new(SubscriptionPassNoPayment)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "NoPayment", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassNotMinter represents a NotMinter error raised by the SubscriptionPass contract.
type SubscriptionPassNotMinter struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotMinter(address account)
func SubscriptionPassNotMinterErrorID() common.Hash {
	return common.HexToHash("0x361c31f27e729a8322ec0a67a437cd1a685fbc0124c358ce2bac49ea8a779111")
}

// UnpackNotMinterError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotMinter(address account)
func (subscriptionPass *SubscriptionPass) UnpackNotMinterError(raw []byte) (*SubscriptionPassNotMinter, error) {
	out := new(SubscriptionPassNotMinter)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "NotMinter", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassOwnableInvalidOwner represents a OwnableInvalidOwner error raised by the SubscriptionPass contract.
type SubscriptionPassOwnableInvalidOwner struct {
	Owner common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableInvalidOwner(address owner)
func SubscriptionPassOwnableInvalidOwnerErrorID() common.Hash {
	return common.HexToHash("0x1e4fbdf7f3ef8bcaa855599e3abf48b232380f183f08f6f813d9ffa5bd585188")
}

// UnpackOwnableInvalidOwnerError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableInvalidOwner(address owner)
func (subscriptionPass *SubscriptionPass) UnpackOwnableInvalidOwnerError(raw []byte) (*SubscriptionPassOwnableInvalidOwner, error) {
	out := new(SubscriptionPassOwnableInvalidOwner)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "OwnableInvalidOwner", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassOwnableUnauthorizedAccount represents a OwnableUnauthorizedAccount error raised by the SubscriptionPass contract.
type SubscriptionPassOwnableUnauthorizedAccount struct {
	Account common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func SubscriptionPassOwnableUnauthorizedAccountErrorID() common.Hash {
	return common.HexToHash("0x118cdaa7a341953d1887a2245fd6665d741c67c8c50581daa59e1d03373fa188")
}

// UnpackOwnableUnauthorizedAccountError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OwnableUnauthorizedAccount(address account)
func (subscriptionPass *SubscriptionPass) UnpackOwnableUnauthorizedAccountError(raw []byte) (*SubscriptionPassOwnableUnauthorizedAccount, error) {
	out := new(SubscriptionPassOwnableUnauthorizedAccount)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "OwnableUnauthorizedAccount", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// SubscriptionPassSoldOut represents a SoldOut error raised by the SubscriptionPass contract.
type SubscriptionPassSoldOut struct {
	MaxSupply *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SoldOut(uint256 maxSupply)
func SubscriptionPassSoldOutErrorID() common.Hash {
	return common.HexToHash("0x7e1f5a77187e90f1751221bbd46ae08322d11774a58ae99cdb7d8573f4140c90")
}

// UnpackSoldOutError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SoldOut(uint256 maxSupply)
func (subscriptionPass *SubscriptionPass) UnpackSoldOutError(raw []byte) (*SubscriptionPassSoldOut, error) {
	out := new(SubscriptionPassSoldOut)
	if err := subscriptionPass.abi.UnpackIntoInterface(out, "SoldOut", raw); err != nil {
		return nil, err
	}
	return out, nil
}

package contracts

// The contracts below are for tests only: anyone may mint and change what there is.

// TestRental is an ERC-721 that can be rented out (ERC-4907).
func TestRental() Artefact { return load("TestRental") }

// TestSubscription is an ERC-721 Enumerable of subscriptions, as the reference of ERC-5643 has them.
func TestSubscription() Artefact { return load("TestSubscription") }

// TestLock has the functions of a lock of the Unlock Protocol, TestOldLock those of one before version 10.
func TestLock() Artefact { return load("TestLock") }

// TestOldLock has one key an account.
func TestOldLock() Artefact { return load("TestOldLock") }

// TestSoulbound is an ERC-721 whose tokens cannot be moved (ERC-5192).
func TestSoulbound() Artefact { return load("TestSoulbound") }

// TestDelegateRegistry has the functions of the delegate.xyz v2 registry.
func TestDelegateRegistry() Artefact { return load("TestDelegateRegistry") }

// TestArt is an ERC-721 Enumerable whose tokens say where their metadata is.
func TestArt() Artefact { return load("TestArt") }

// TestArtItems is an ERC-1155 with metadata.
func TestArtItems() Artefact { return load("TestArtItems") }

// TestHostile answers every call as no honest contract does. Its constructor takes (uint256 mood).
func TestHostile() Artefact { return load("TestHostile") }

// TestAccountRegistry makes the accounts of tokens as the registry of ERC-6551 does.
func TestAccountRegistry() Artefact { return load("TestAccountRegistry") }

package nft

// NewGather is the decorator that a Decider puts round every verifier.
func NewGather(v Verifier) Verifier { return newGather(v) }

// KeyOfRead is what tells queries apart.
func KeyOfRead(q Query) any { return keyOfRead(q) }

// MaxWays bounds Decision.WhatIf.
const MaxWays = maxWays

package nft

// IndexStatus is the state of a chain's ownership index (package nft/index).
type IndexStatus struct {
	// Head is the newest block it has, nil before it follows anything.
	Head *Block `json:"head,omitempty"`
	// LagBlocks is how many blocks it is behind the newest one that was heard of, LagSeconds how
	// long ago it was last known to be at the chain's head.
	LagBlocks  uint64  `json:"lag_blocks"`
	LagSeconds float64 `json:"lag_seconds"`
	// Leader tells whether this process settles and fills for all.
	Leader          bool              `json:"leader"`
	EventsPerSecond float64           `json:"events_per_second"`
	Contracts       []IndexedContract `json:"contracts,omitempty"`
	Error           string            `json:"error,omitempty"`
}

// IndexedContract is what the index has of one contract.
type IndexedContract struct {
	Contract string `json:"contract"`
	// Status is wanted, backfilling, live or refused, for Reason.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Progress of its backfill, from 0 to 1.
	Progress float64 `json:"progress"`
	Events   uint64  `json:"events"`
}

// indexOf returns the state of the index that v or what it wraps has, or nil.
func indexOf(v Verifier) *IndexStatus {
	if x, ok := As[interface{ IndexStatus() *IndexStatus }](v); ok {
		return x.IndexStatus()
	}
	return nil
}

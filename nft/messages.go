package nft

// unknownBecause says to the viewer why an answer is not known, as the end of a sentence, or "".
func unknownBecause(reason string) string {
	switch reason {
	case "metadata_unavailable":
		return "what the token says of itself could not be read. Please try again"
	case "not_enumerable":
		return "the token's contract does not list what a wallet has, so the rule must name tokens"
	case "too_many":
		return "this wallet has more tokens or delegations than are read; please use another"
	case "bad_proof":
		return "the proof that you are on the list of the rule is not right"
	case "not_a_contract":
		return "the contract of the rule does not have what is asked of it"
	}
	return ""
}

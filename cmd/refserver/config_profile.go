package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// setProfile sets what is special about a chain, if field is of that.
func (ch *ChainConfig) setProfile(field, value string) (known bool, err error) {
	switch field {
	case "block_time", "safe_depth", "finalized_depth":
		if ch.ID.Namespace != "eip155" {
			return true, fmt.Errorf("a solana chain has no %s: its commitments are its own", field)
		}
	}
	p := &ch.Profile
	switch field {
	case "block_time":
		if p.BlockTime, err = time.ParseDuration(value); err != nil || p.BlockTime <= 0 || p.BlockTime > time.Hour {
			return true, fmt.Errorf("%q is not a duration up to an hour: write 2s or 250ms", value)
		}
	case "safe_depth":
		p.SafeDepth, err = parseDepth(value)
	case "finalized_depth":
		p.FinalizedDepth, err = parseDepth(value)
	default:
		return false, nil
	}
	return true, err
}

func parseDepth(value string) (uint64, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n == 0 || n > 1_000_000 {
		return 0, errors.New("write a number of confirmations, 1 to 1000000")
	}
	return n, nil
}

// explainProfile shows what is set of it.
func (ch *ChainConfig) explainProfile(w io.Writer, from func(string) string) {
	for field, value := range map[string]string{
		"block_time": ch.Profile.BlockTime.String(), "safe_depth": fmt.Sprint(ch.Profile.SafeDepth), "finalized_depth": fmt.Sprint(ch.Profile.FinalizedDepth),
	} {
		if key := "chains." + ch.ID.String() + "." + field; value != "0" && value != "0s" {
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\n", key, value, from(key))
		}
	}
}

package importer

// litChain returns the CAIP-2 id of a chain that Lit names, or "". The names and numbers are those of Lit's SDK; chains
// that are switched off are left out.
func litChain(name string) string {
	id, ok := map[string]string{
		"ethereum": "1", "polygon": "137", "fantom": "250", "xdai": "100", "bsc": "56", "arbitrum": "42161", "avalanche": "43114", "fuji": "43113",
		"harmony": "1666600000", "cronos": "25", "optimism": "10", "celo": "42220", "aurora": "1313161554", "xdc": "50", "evmos": "9001",
		"bscTestnet": "97", "baseSepolia": "84532", "moonbeam": "1284", "moonriver": "1285", "moonbaseAlpha": "1287", "filecoin": "314",
		"sepolia": "11155111", "scroll": "534352", "zksync": "324", "base": "8453", "lukso": "42", "luksoTestnet": "4201", "zora": "7777777",
		"chiado": "10200", "zkEvm": "1101", "mantle": "5000", "klaytn": "8217",
	}[name]
	if !ok {
		return ""
	}
	return "eip155:" + id
}

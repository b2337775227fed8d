//go:build race

package index_test

// raceEnabled makes the random histories fewer: each takes ten times as long.
const raceEnabled = true

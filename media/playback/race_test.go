//go:build race

package playback_test

// raced tells that the race detector makes everything slower.
const raced = true

//go:build !race

package playback_test

const raced = false

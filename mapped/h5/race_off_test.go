//go:build !race

package h5

const raceEnabled = false

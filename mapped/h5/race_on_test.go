//go:build race

package h5

const raceEnabled = true

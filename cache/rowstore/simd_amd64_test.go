//go:build amd64 && !purego

package rowstore

import "testing"

func onVectors() bool { return simd != noSIMD }

// eachLevel runs f on the portable path and on every vector unit that there is.
func eachLevel[T testing.TB](t T, run func(t T, name string, f func(t T)) bool, f func(t T)) {
	t.Helper()
	best := simd
	defer func() { simd = best }()
	for level, name := range []string{noSIMD: "portable", avx2: "AVX2", avx512: "AVX-512"} {
		if simdLevel(level) > best {
			continue
		}
		simd = simdLevel(level)
		run(t, name, f)
	}
}

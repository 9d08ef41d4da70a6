//go:build !amd64 || purego

package rowstore

import "testing"

func onVectors() bool { return false }

func eachLevel[T testing.TB](t T, run func(t T, name string, f func(t T)) bool, f func(t T)) {
	t.Helper()
	run(t, "portable", f)
}

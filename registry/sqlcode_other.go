//go:build !cgo

package registry

// sqlCode is SQLite's code of an error; without cgo there is no SQLite.
func sqlCode(error) (primary, extended int, ok bool) { return 0, 0, false }

const hasSQLite = false

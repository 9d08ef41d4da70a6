// Package lint holds the rules of this repository that no compiler checks, as tests: the direction of
// imports, where unsafe may stand, no sleeping, no goroutine that nobody waits for, a package comment in
// each package, files of a size one can read, links that lead somewhere, one version everywhere.
//
// Each rule is a function from parsed sources to findings, and each is tested on a source that breaks it, so
// that a rule which finds nothing is known to be able to find something. A new package or an exception is
// one line in a table (layout.go) with its reason.
//
// The package is read by `go test ./internal/lint` only; nothing imports it.
package lint

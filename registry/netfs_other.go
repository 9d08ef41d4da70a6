//go:build !linux

package registry

// networkKind knows nothing here: Options.Network says it.
func networkKind(string) (kind string, yes bool) { return "", false }

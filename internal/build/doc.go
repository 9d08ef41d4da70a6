// Package build holds the version of this binary.
//
// Version is one string, such as 0.1.0+g79f27f2. The part before the plus sign is the release, written
// here and nowhere else in Go; the part behind it names the commit and, for a tree with local changes,
// those changes. The linker sets it:
//
//	go build -ldflags "-X github.com/loaderd/loaderd/internal/build.Version=$(sh internal/build/version.sh)" ./cmd/loaderd
//
// A client compares the string of its own binary with that of the daemon it reaches, and replaces an idle
// daemon of another build. So two builds of different sources must not share a string, and the string says
// nothing else (no date, no host): equal sources give equal binaries.
package build

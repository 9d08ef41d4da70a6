package registry

import (
	"crypto/md5"
	"encoding/base64"
	"slices"
	"strings"
)

// hashLen is how many characters of a digest's base64 count.
const hashLen = 22

// HashSet is lamindb's hash of a set of hashes: of a collection's members, whatever their order, each counted once.
func HashSet(hashes []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(hashes)))
	return hashText(sorted)
}

func hashText(parts []string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return shorten(sum[:])
}

func shorten(digest []byte) string {
	return base64.RawURLEncoding.EncodeToString(digest)[:hashLen]
}

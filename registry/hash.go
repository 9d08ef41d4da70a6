package registry

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// hashLen is how many characters of a digest's base64 count.
const hashLen = 22

// wholeFile is the largest file of which every byte counts, and how much of a larger one counts at each end.
const wholeFile = 50 << 20

// The values of Artifact.hash_type.
const (
	HashWhole  = "md5"     // of all bytes of a file
	HashEnds   = "sha1-fl" // of the first and the last 50 MiB of a larger one
	HashFolder = "md5-d"   // of the hashes of a folder's files
)

// HashFile is lamindb's hash of a file of size bytes, and its type. Of a file of more than 50 MiB the middle does not count.
// It ends early with the context.
func HashFile(ctx context.Context, r io.ReaderAt, size int64) (hash, kind string, err error) {
	if size <= wholeFile {
		digest := md5.New()
		err := digestOf(ctx, digest, r, 0, size)
		return shorten(digest.Sum(nil)), HashWhole, err
	}
	both := sha1.New()
	for _, at := range []int64{0, size - wholeFile} {
		digest := sha1.New()
		if err := digestOf(ctx, digest, r, at, wholeFile); err != nil {
			return "", "", err
		}
		both.Write(digest.Sum(nil))
	}
	return shorten(both.Sum(nil)), HashEnds, nil
}

// digestOf digests n bytes at off, all of which must be there.
func digestOf(ctx context.Context, digest hash.Hash, r io.ReaderAt, off, n int64) error {
	buf := make([]byte, min(n, 1<<20))
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		part := buf[:min(n, int64(len(buf)))]
		if got, err := r.ReadAt(part, off); got < len(part) {
			return fmt.Errorf("%d of %d bytes at %d: %w", got, len(part), off, err)
		}
		digest.Write(part)
		off, n = off+int64(len(part)), n-int64(len(part))
	}
	return nil
}

// HashOfFolder is lamindb's hash of a folder: of the hashes of its files, whatever they are called. It sorts them.
func HashOfFolder(hashes []string) string {
	slices.Sort(hashes)
	digest := md5.New()
	for _, h := range hashes {
		sum := md5.Sum([]byte(h))
		digest.Write(sum[:])
	}
	return shorten(digest.Sum(nil))
}

// HashSet is lamindb's hash of a set of hashes: of a collection's members, whatever their order, each counted once.
func HashSet(hashes []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(hashes)))
	return hashText(sorted)
}

// hashText is the hash of texts with colons between.
func hashText(parts []string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":")))
	return shorten(sum[:])
}

func shorten(digest []byte) string {
	return base64.RawURLEncoding.EncodeToString(digest)[:hashLen]
}

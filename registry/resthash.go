package registry

import (
	"cmp"
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"slices"
)

// What lamindb's hashes leave out is hashed too, so that two files or folders that differ in nothing else are not taken for one: of a file
// of more than 100 MiB, samples of its middle, for reading all of it may take minutes; of a folder, what its files are called.
const (
	restSamples = 64
	restSample  = 64 << 10
)

// FileOf is what is known of a file, or of a folder.
type FileOf struct {
	Name string // in a folder
	Hash string // by HashFile, or HashOfFolder
	Rest string // by HashRest, or HashRestOfFolder
}

// HashRest is a hash of what HashFile leaves out of a file of size bytes; "" where that is nothing.
func HashRest(ctx context.Context, r io.ReaderAt, size int64) (string, error) {
	middle := size - 2*wholeFile
	if middle <= 0 {
		return "", nil
	}
	digest, sample := md5.New(), min(middle, restSample)
	for i := range int64(restSamples) {
		if err := digestOf(ctx, digest, r, wholeFile+(middle-sample)*i/(restSamples-1), sample); err != nil {
			return "", err
		}
	}
	return shorten(digest.Sum(nil)), nil
}

// HashRestOfFolder is a hash of what HashOfFolder leaves out. It sorts the files.
func HashRestOfFolder(files []FileOf) string {
	slices.SortFunc(files, func(a, b FileOf) int { return cmp.Compare(a.Name, b.Name) })
	digest := md5.New()
	for _, f := range files {
		fmt.Fprintf(digest, "%d:%s%s:%s\n", len(f.Name), f.Name, f.Hash, f.Rest)
	}
	return shorten(digest.Sum(nil))
}

// IsOf reports whether a record is of what was read: what its hash leaves out is compared where it is known.
func (f FileOf) IsOf(r Record) bool {
	rest := r.Text("rest_hash")
	return f.Hash == r.Text("hash") && (rest == "" || f.Rest == "" || rest == f.Rest)
}

// OfFile reports whether a hash of this type is that of a file.
func OfFile(hashType string) bool { return hashType == HashWhole || hashType == HashEnds }

// sameRest reports whether nothing says that two records of one hash are of different content: of some, such as those of an earlier
// version, it is not known what the hash leaves out.
func sameRest(a, b Record) bool {
	return a["rest_hash"] == nil || b["rest_hash"] == nil || a["rest_hash"] == b["rest_hash"]
}

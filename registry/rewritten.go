package registry

import (
	"context"
	"os"
)

// rewritten says what is in place of an artifact at a path where a file of its size is, or a folder, if that may be another one and has
// another hash; else "". Of what nobody has read for this save yet, it notes that it is to be read, and gives "".
func (tx *tx) rewritten(path string, r Record) string {
	fi, err := os.Stat(path)
	kind := r.Text("hash_type")
	switch {
	case err != nil:
		return ""
	case fi.IsDir() && kind == HashFolder && tx.folders: // nothing but its files says whether it is what it was
	case fi.Mode().IsRegular() && OfFile(kind):
		if seen, err := tx.seen(r.Int("id")); err != nil || !MayDiffer(fi, r, seen) {
			return ""
		}
	default:
		return ""
	}
	switch found, read := tx.hashes[path]; {
	case !read:
		tx.unread = append(tx.unread, path)
	case found.Hash != "" && !found.IsOf(r):
		return somethingElse
	}
	return ""
}

// hashFiles adds the hashes of files and folders to hashes; "" of one that can not be read, of which nothing is certain.
func hashFiles(ctx context.Context, paths []string, hashes map[string]FileOf, look func(context.Context, string) (FileOf, error)) error {
	if look == nil {
		look = hashAt
	}
	for _, path := range paths {
		found, err := look(ctx, path)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			found = FileOf{}
		}
		hashes[path] = found
	}
	return nil
}

func hashAt(ctx context.Context, path string) (found FileOf, err error) {
	f, err := os.Open(path)
	if err != nil {
		return found, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return found, err
	}
	if found.Hash, _, err = HashFile(ctx, f, fi.Size()); err == nil {
		found.Rest, err = HashRest(ctx, f, fi.Size())
	}
	return found, err
}

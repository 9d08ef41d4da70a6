package registry

import (
	"errors"
	"path/filepath"
	"strings"
)

// ownFolder is the folder, below the root of a storage, of files that were written for artifacts that were in memory.
const ownFolder = ".loaderd"

// place gives an artifact the storage that it lies in, and, where it has no key and lies in one that somebody registered, the path
// below that as its key.
func (tx *tx) place(r Record) error {
	if r["storage"] != nil {
		return nil
	}
	path := r.Text("path")
	root, uid, err := tx.storageAbove(path)
	if err != nil {
		return err
	}
	if uid == "" {
		r["storage"], err = tx.storageOf(path)
		return err
	}
	r["storage"] = uid
	if rel := strings.TrimPrefix(path, root+"/"); r["key"] == nil && root != "" && rel != path && !strings.HasPrefix(rel, ownFolder+"/") {
		r["key"] = rel
	}
	return nil
}

// storageOf is the uid of the storage under which a path lies: the one with the longest root; where there is none, of the whole
// file system, or of the host that a URL names.
func (tx *tx) storageOf(path string) (string, error) {
	_, uid, err := tx.storageAbove(path)
	if err != nil || uid != "" {
		return uid, err
	}
	root, kind := rootOf(path)
	r, err := tx.insert(tables[ModelStorage], Record{"uid": NewUID(ModelStorage), "root": root, "type": kind})
	return r.UID(), err
}

// storageAbove is the root, without a slash at its end, and the uid of the storage with the longest root that path lies in.
func (tx *tx) storageAbove(path string) (root, uid string, err error) {
	if !filepath.IsAbs(path) && !strings.Contains(path, "://") {
		return "", "", fail(ErrInvalid, tx.op, "artifact.path", "", "got %q; an artifact lies at an absolute path, or a URL", path)
	}
	rows, err := tx.sql.QueryContext(tx.ctx, "SELECT rtrim(root, '/'), uid FROM storage WHERE ?1 = root OR substr(?1, 1, length(rtrim(root, '/')) + 1) = rtrim(root, '/') || '/' "+
		"ORDER BY length(root) DESC LIMIT 1", path)
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&root, &uid)
	}
	return root, uid, errors.Join(err, rows.Err())
}

// rootOf is the root, and the type, of a storage that holds path whatever else there is.
func rootOf(path string) (root, kind string) {
	scheme, rest, ok := strings.Cut(path, "://")
	if !ok {
		return "/", "local"
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host, scheme
}

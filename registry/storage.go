package registry

import "strings"

// storageOf is the uid of the storage under which a path lies: the one with the longest root; where there is none, of the whole
// file system, or of the host that a URL names.
func (tx *tx) storageOf(path string) (string, error) {
	t := tables[ModelStorage]
	all, err := tx.find(t, "1")
	if err != nil {
		return "", err
	}
	var best Record
	for _, s := range all {
		root := strings.TrimSuffix(s.Text("root"), "/")
		if (path == root || strings.HasPrefix(path, root+"/")) && len(root) >= len(strings.TrimSuffix(best.Text("root"), "/")) {
			best = s
		}
	}
	if best != nil {
		return best.UID(), nil
	}
	root, kind := rootOf(path)
	r, err := tx.insert(t, Record{"uid": NewUID(ModelStorage), "root": root, "type": kind})
	return r.UID(), err
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

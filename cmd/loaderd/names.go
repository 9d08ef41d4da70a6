package main

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// names makes up keys for files that are registered without one. That no file becomes a version of another by that, the registry sees to.
type names struct {
	here  string   // the current folder
	roots []string // of the storages, the longest first
}

func (s *session) names() (*names, error) {
	found, err := s.records("query", map[string]any{"model": "storage"})
	if err != nil {
		return nil, err
	}
	n := new(names)
	for _, r := range found {
		root := strings.TrimSuffix(text(r, "root"), "/")
		if _, rest, isURL := strings.Cut(root, "://"); root != "" && (!isURL || strings.Contains(rest, "/")) {
			n.roots = append(n.roots, root)
		}
	}
	slices.SortFunc(n.roots, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	n.here, err = os.Getwd()
	return n, err
}

// name is what a file at an absolute path, or a URL, is called: the path below a storage that somebody registered, which is the same
// from wherever one looks; else below the current folder, or of a URL, its host; else its last part.
func (n *names) name(where string) string {
	where = strings.TrimSuffix(where, "/")
	for _, root := range n.roots {
		if rel, below := strings.CutPrefix(where, root+"/"); below {
			return rel
		}
	}
	if _, rest, isURL := strings.Cut(where, "://"); isURL {
		if _, rel, deep := strings.Cut(rest, "/"); deep {
			return rel
		}
		return rest
	}
	if rel, err := filepath.Rel(n.here, where); err == nil && filepath.IsLocal(rel) && rel != "." {
		return rel
	}
	return path.Base(where)
}

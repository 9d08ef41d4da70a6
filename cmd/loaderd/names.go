package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loaderd/loaderd/ipc"
)

// names makes up keys for files that are registered without one, and sees to it that no file becomes a version of another by that.
type names struct {
	s     *session
	here  string            // the current folder
	roots []string          // of the storages, the longest first
	given map[string]string // keys of this command, and the file that each is for
}

func (s *session) names() (*names, error) {
	found, err := s.records("query", map[string]any{"model": "storage"})
	if err != nil {
		return nil, err
	}
	n := &names{s: s, given: make(map[string]string)}
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

// claim refuses a key that was made up for a file, if another file has it, in this command or in the registry. args are those of
// the file's registering: content that is there already is no new version, whatever its key.
func (n *names) claim(args map[string]any) error {
	key, where := textOf(args["key"]), pathText(args["path"])
	other, taken := n.given[key]
	if n.given[key] = where; !taken {
		found, err := n.s.records("query", map[string]any{"model": "artifact", "limit": 1, "where": []any{"and", []any{
			lookup("key", key), lookup("is_latest", true), lookup("visibility__lt", 2)}}})
		if err != nil || len(found) == 0 {
			return err
		}
		other = pathText(found[0]["path"])
	}
	if other == where {
		return nil
	}
	dry := maps.Clone(args)
	dry["save"] = false
	would, err := callFor[map[string]any](n.s, "register", dry)
	if err != nil || would["created"] != true {
		return err
	}
	return &ipc.Error{Code: ipc.CodeConflict, Stage: "register", Object: where,
		Message: fmt.Sprintf("its key would be %q, which is that of another file, %s", key, other),
		Hint:    fmt.Sprintf("give it a key of its own with --key; with --key %q, it is a new version of that", key)}
}

package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzNothingIsWrittenOutside gives a cache refs and names of files as a store might make them up.
func FuzzNothingIsWrittenOutside(f *testing.F) {
	for _, ref := range []string{"mem://b/a", "mem://../../x", "mem:///..", "mem://b/\x00", "mem://b/a/?../../x", "mem://b/..\\x", "mem://b/lock", "mem://b/7"} {
		for _, name := range []string{"", "a", "../a", "/etc/x", "a/../../b", "a/./b", "a//b", "..", ".", "a\x00b", "lock", "a/..", "a/"} {
			f.Add(ref, name, "z")
		}
	}
	f.Fuzz(func(t *testing.T, ref, one, two string) {
		if !strings.HasPrefix(ref, "mem://") {
			ref = "mem://" + ref
		}
		outer := t.TempDir()
		dir := filepath.Join(outer, "a", "copies")
		remote := memory{Ref(ref): {one: "1", two: "2"}}
		c, err := New(Options{Dir: dir, Stores: map[string]Store{"mem": remote}})
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.Path(t.Context(), Ref(ref), nil)
		if err == nil && !within(found.Path, dir) {
			t.Errorf("%q is at %s", ref, found.Path)
		}
		if err == nil {
			for name, content := range remote[Ref(ref)] {
				if got, err := os.ReadFile(filepath.Join(found.Path, filepath.FromSlash(name))); err != nil || string(got) != content {
					t.Errorf("%q of %q: %q, %v", name, ref, got, err)
				}
			}
		}
		err = filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !within(path, dir) {
				t.Errorf("%q of %q wrote %s", one, ref, path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

package cache

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
)

// bench is a root that is slow, and a cache for it.
type bench struct {
	root string
	dir  string
	*Cache
	store *counting
}

func newBench(t testing.TB) *bench {
	t.Helper()
	leak.Check(t)
	dir := t.TempDir()
	b := &bench{root: filepath.Join(dir, "slow"), dir: filepath.Join(dir, "cache", "copies"), store: &counting{Store: Local{}}}
	if err := os.Mkdir(b.root, 0o700); err != nil {
		t.Fatal(err)
	}
	b.Cache = b.open(t)
	return b
}

// open gives another cache of the same folder.
func (b *bench) open(t testing.TB) *Cache {
	t.Helper()
	c, err := New(Options{Dir: b.dir, Roots: []string{b.root}, Stores: map[string]Store{"": b.store}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write makes a file below the root, of a time of its own, and gives its path.
func (b *bench) write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(b.root, name)
	writeAt(t, path, content, nextTime())
	return path
}

func writeAt(t testing.TB, path, content string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

var ticks atomic.Int64

// nextTime is another time at each call, with an odd number of nanoseconds.
func nextTime() time.Time { return time.Unix(1_700_000_000, 123_456_789+ticks.Add(1)*1_000_000_007) }

// path asks for a path that must be given without a note.
func (b *bench) path(t testing.TB, ref string) string {
	t.Helper()
	found, err := b.Path(t.Context(), Ref(ref), nil)
	if err != nil {
		t.Fatal(err)
	}
	if found.Note != "" || found.Source == nil {
		t.Errorf("%s: note %q, source %v", ref, found.Note, found.Source)
	}
	return found.Path
}

// tree is what lies below a path: contents and times by name.
func tree(t testing.TB, root string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fi, err := os.Stat(path)
		if err != nil {
			return err
		}
		out[path[len(root):]] = fmt.Sprintf("%s %x", fi.ModTime().UTC(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// entries are the names in the one folder that the cache has, without those that are always there.
func (b *bench) entries(t testing.TB) []string {
	t.Helper()
	var out []string
	dirs, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() {
			if d.Name() != "grain" {
				out = append(out, d.Name())
			}
			continue
		}
		list, err := os.ReadDir(filepath.Join(b.dir, d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.Name() != lockName && f.Name() != sourceName {
				out = append(out, f.Name())
			}
		}
	}
	slices.Sort(out)
	return out
}

// counting is a store that counts what is fetched from it.
type counting struct {
	Store
	fetched atomic.Int64
	before  func(name string) error // called before a file is fetched
}

func (c *counting) Fetch(ctx context.Context, ref Ref, name string, into *os.File, progress func(int64)) error {
	c.fetched.Add(1)
	if c.before != nil {
		if err := c.before(name); err != nil {
			return err
		}
	}
	return c.Store.Fetch(ctx, ref, name, into, progress)
}

// memory is a store of objects that somebody else keeps: their files by name.
type memory map[Ref]map[string]string

func (m memory) Stat(_ context.Context, ref Ref) (Info, error) {
	files, ok := m[ref]
	if !ok {
		return Info{}, fmt.Errorf("%s: %w", ref, fs.ErrNotExist)
	}
	info := Info{Dir: true}
	for name, content := range files {
		info.Dir = info.Dir && name != ""
		info.Files = append(info.Files, File{name, int64(len(content)), time.Unix(1_700_000_000, int64(len(content)))})
	}
	slices.SortFunc(info.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return info, nil
}

func (m memory) Fetch(_ context.Context, ref Ref, name string, into *os.File, progress func(int64)) error {
	n, err := into.WriteString(m[ref][name])
	progress(int64(n))
	return err
}

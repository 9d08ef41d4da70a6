package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Names in the folder of an entry, beside those of its versions, which are numbers.
const (
	lockName   = "lock"
	sourceName = "source"
	newName    = "new"
)

// entry is the place of the copies of one source.
type entry struct {
	cache *Cache
	ref   Ref
	dir   string
	name  string // of the copy in the folder of its version: the source's own, so that its ending tells what it is
}

// entryOf gives the place of a source. What is below the cache's folder depends on a digest of the ref, and on the last part of rest.
func (c *Cache) entryOf(ref Ref, rest string) (*entry, error) {
	name := path.Base(path.Clean("/" + rest))
	if name == "/" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
		return nil, &Error{Kind: ErrInvalid, Object: string(ref), Err: errors.New("it is no name of a file or a folder")}
	}
	sum := sha256.Sum256([]byte(ref))
	return &entry{c, ref, filepath.Join(c.dir, hex.EncodeToString(sum[:16])), name}, nil
}

// versions are the numbers of the copies that there are, the newest first. There is more than one only where somebody was killed.
func (e *entry) versions() []uint64 {
	if e.cache.dir == "" {
		return nil
	}
	list, err := os.ReadDir(e.dir)
	if err != nil {
		return nil
	}
	var out []uint64
	for _, d := range list {
		if n, err := strconv.ParseUint(d.Name(), 10, 63); err == nil && d.IsDir() && strconv.FormatUint(n, 10) == d.Name() {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

func (e *entry) version(n uint64) string { return filepath.Join(e.dir, strconv.FormatUint(n, 10)) }

// last is the newest copy, and when it was made; "" where there is none.
func (e *entry) last() (path string, made time.Time) {
	for _, n := range e.versions() {
		fi, err := os.Stat(e.version(n))
		path := filepath.Join(e.version(n), e.name)
		if _, there := os.Lstat(path); err == nil && there == nil {
			return path, fi.ModTime()
		}
	}
	return "", time.Time{}
}

// current is the newest copy if it is what the source is now, else "".
func (e *entry) current(ctx context.Context, source Info) string {
	path, _ := e.last()
	if path == "" {
		return ""
	}
	fi, err := os.Lstat(path)
	if err != nil || fi.IsDir() != source.Dir {
		return ""
	}
	if source.Dir {
		if names, err := namesIn(ctx, path); err != nil || len(names) != len(source.Files) {
			return ""
		}
	}
	g, looking := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, f := range source.Files {
		if looking.Err() != nil {
			break
		}
		g.Go(func() error {
			if !e.same(path, f) {
				return errOther
			}
			return nil
		})
	}
	if g.Wait() != nil || ctx.Err() != nil {
		return ""
	}
	return path
}

var errOther = errors.New("the copy is not what the source is")

// same says whether a file of a copy is what the source's is now.
func (e *entry) same(copied string, f File) bool {
	fi, err := os.Lstat(filepath.Join(copied, filepath.FromSlash(f.Name)))
	return err == nil && fi.Mode().IsRegular() && fi.Size() == f.Size && fi.ModTime().Equal(f.ModTime.Truncate(e.cache.grain()))
}

// sweep removes what killed processes have left, and all versions but the newest. The lock is held.
func (e *entry) sweep() error {
	list, err := os.ReadDir(e.dir)
	if err != nil {
		return err
	}
	keep := []string{lockName, sourceName}
	if v := e.versions(); len(v) > 0 {
		keep = append(keep, strconv.FormatUint(v[0], 10))
	}
	var all error
	for _, d := range list {
		if !slices.Contains(keep, d.Name()) {
			all = errors.Join(all, removeFromTop(filepath.Join(e.dir, d.Name())))
		}
	}
	return all
}

// removeFromTop removes a folder, the files at its top first. Who has the first file of a zarr store open sees that it is gone before
// any chunk is, and a chunk that is missing is one of zeros.
func removeFromTop(dir string) error {
	for _, path := range topFirst(dir) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// topFirst lists the files below a folder, those with the fewest folders above them first. What cannot be listed, who removes it is
// told of.
func topFirst(dir string) (files []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	depth := func(path string) int { return strings.Count(path, string(filepath.Separator)) }
	slices.SortStableFunc(files, func(a, b string) int { return depth(a) - depth(b) })
	return files
}

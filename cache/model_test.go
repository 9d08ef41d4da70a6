package cache

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheCopyIsAlwaysWhatTheSourceIs changes a source at random, and the copy and the cache sometimes, and compares.
func TestTheCopyIsAlwaysWhatTheSourceIs(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := newBench(t)
			b.flush = func(string) error { return nil } // the disk is not what is tried here, and may be busy
			r := rand.New(rand.NewPCG(seed, 1))
			source := filepath.Join(b.root, "s.zarr")
			b.write(t, "s.zarr/first", "1")
			for step := range 60 {
				var did []string
				for range r.IntN(4) {
					did = append(did, change(t, b, r, source))
				}
				if r.IntN(5) == 0 {
					did = append(did, harm(t, b, r))
				}
				got := b.path(t, source)
				if have, want := tree(t, got), tree(t, source); !maps.Equal(have, want) {
					t.Fatalf("step %d, after %q: the copy has %v, want %v", step, did, have, want)
				}
				if list := b.entries(t); len(list) != 1 {
					t.Fatalf("step %d, after %q: the cache has %q", step, did, list)
				}
			}
		})
	}
}

// change does something to the source, and says what.
func change(t *testing.T, b *bench, r *rand.Rand, source string) string {
	name := []string{"a", "b", "c", "d/e", "d/f", "d/g/h", "a/b"}[r.IntN(7)]
	path := filepath.Join(source, name)
	switch r.IntN(6) {
	case 0:
		if _, err := os.Lstat(path); err != nil {
			return "nothing"
		}
		remove(t, path)
		return "remove " + name
	case 1:
		all := slices.Sorted(maps.Keys(tree(t, source)))
		if len(all) == 0 || strings.TrimPrefix(all[0], "/") == "" {
			return "nothing"
		}
		name = all[r.IntN(len(all))]
		at := nextTime()
		if err := os.Chtimes(source+name, at, at); err != nil {
			t.Fatal(err)
		}
		return "touch " + name
	case 2:
		if r.IntN(4) > 0 {
			return "nothing"
		}
		remove(t, source)
		if r.IntN(2) == 0 {
			b.write(t, "s.zarr", "a file")
			return "a file in the place of all"
		}
		b.write(t, "s.zarr/other", "2")
		return "another folder"
	}
	clearWay(t, source, path)
	remove(t, path)
	writeAt(t, path, strings.Repeat("x", r.IntN(50)), nextTime())
	return "write " + name
}

// clearWay removes a file that stands where a folder above path must.
func clearWay(t *testing.T, source, path string) {
	for at := filepath.Dir(path); len(at) >= len(source); at = filepath.Dir(at) {
		if fi, err := os.Lstat(at); err == nil && !fi.IsDir() {
			remove(t, at)
		}
	}
}

// harm does something to what the cache has, and says what.
func harm(t *testing.T, b *bench, r *rand.Rand) string {
	var all []string
	for _, pattern := range []string{"*/*/*", "*/*/*/*", "*/lock", "*/source", "*", "*/*", "grain"} {
		found, err := filepath.Glob(filepath.Join(b.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return "nothing"
	}
	path := all[r.IntN(len(all))]
	if r.IntN(3) == 0 {
		if fi, err := os.Stat(path); err == nil && fi.IsDir() {
			path = filepath.Join(path, "stranger")
		}
		remove(t, path)
		writeAt(t, path, "of somebody else", nextTime())
		return "write " + path
	}
	remove(t, path)
	return "remove " + path
}

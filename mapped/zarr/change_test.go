package zarr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loaderd/loaderd/internal/leak"
)

// long is a time before the store was opened.
var long = time.Now().Add(-time.Hour)

// aged writes files with times of an hour ago, and opens them.
func aged(t *testing.T, files map[string][]byte) (*Store, string) {
	t.Helper()
	dir := folder(t, files)
	for name := range files {
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), long, long); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// vector is a store with one array "v" of n int32 in chunks of 4, 0, 1, 2 …, in zarr 3 without compression.
func vector(n int) map[string][]byte {
	files := map[string][]byte{
		"zarr.json": []byte(`{"zarr_format":3,"node_type":"group","attributes":{}}`),
		"v/zarr.json": fmt.Appendf(nil, `{"zarr_format":3,"node_type":"array","shape":[%d],"data_type":"int32","fill_value":-1,
			"chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4]}},"chunk_key_encoding":{"name":"default"},
			"codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}`, n),
	}
	for i := 0; i < n; i += 4 {
		var chunk []byte
		for k := range 4 {
			chunk = append(chunk, byte(i+k), byte((i+k)>>8), 0, 0)
		}
		files[fmt.Sprintf("v/c/%d", i/4)] = chunk
	}
	return files
}

func TestAFolderThatChangesIsNoticed(t *testing.T) {
	write := func(name string, data []byte) func(dir string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, time.Now(), time.Now())
		}
	}
	other := vector(16)["v/c/1"]
	for _, c := range []struct {
		name  string
		alter func(dir string) error
		store bool // Changed sees it
		read  bool // reading chunk 1 again sees it
		first bool // reading chunk 1 for the first time sees it
	}{
		{"nothing", func(string) error { return nil }, false, false, false},
		{"the first file is written to", write("zarr.json", []byte(`{"zarr_format":3,"node_type":"group","attributes":{"a":1}}`)), true, true, true},
		{"the first file is replaced", func(dir string) error {
			if err := write("new", vector(16)["zarr.json"])(dir); err != nil {
				return err
			}
			return os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "zarr.json"))
		}, true, true, true},
		{"a chunk is written to", write("v/c/1", append([]byte{9}, other[1:]...)), false, true, true},
		{"a chunk is cut", write("v/c/1", other[:5]), false, true, true},
		{"a chunk is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "v/c/1")) }, false, true, false},
		{"the array is gone", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "v")) }, false, true, true},
		{"everything is gone", os.RemoveAll, true, true, true},
		{"another folder takes its place", func(dir string) error {
			if err := os.Rename(dir, dir+".old"); err != nil {
				return err
			}
			for name, data := range vector(16) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					return err
				}
				if err := os.WriteFile(path, data, 0o600); err != nil {
					return err
				}
				if err := os.Chtimes(path, long, long); err != nil {
					return err
				}
			}
			return nil
		}, false, true, true},
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, read before: %v", c.name, known), func(t *testing.T) {
				s, dir := aged(t, vector(16))
				a, err := s.Root().Array("v")
				if err != nil {
					t.Fatal(err)
				}
				var scratch Scratch
				chunk := make([]byte, 16)
				if known {
					if err := a.ReadChunk(chunk, 1, &scratch); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.alter(dir); err != nil {
					t.Fatal(err)
				}
				if got := errors.Is(s.Changed(), ErrChanged); got != c.store {
					t.Errorf("Changed says %v", s.Changed())
				}
				err = a.ReadChunk(chunk, 1, &scratch)
				want := c.first
				if known {
					want = c.read
				}
				// What stands in zarr.json has no part in the chunk: Changed is there for that.
				if c.store && !errors.Is(err, ErrChanged) && c.name == "the first file is written to" {
					return
				}
				if errors.Is(err, ErrChanged) != want {
					t.Errorf("reading the chunk: %v", err)
				}
				if err != nil {
					mustBeTyped(t, err)
				}
			})
		}
	}
}

func TestAnOpenChunkFileThatChangesIsNoticed(t *testing.T) {
	s, dir := aged(t, vector(16))
	a, err := s.Root().Array("v")
	if err != nil {
		t.Fatal(err)
	}
	off, run, ok := a.DirectAt(5)
	if !ok || run != 3 {
		t.Fatalf("element 5: %d follow, %v", run, ok)
	}
	p := make([]byte, 12)
	if err := a.ReadAt(p, off); err != nil || p[0] != 5 {
		t.Fatalf("% x, %v", p, err)
	}
	// The file is held open, and another takes its name: what is open is no longer the store's.
	put(t, dir, "v/c/1.new", vector(16)["v/c/1"])
	if err := os.Rename(filepath.Join(dir, "v/c/1.new"), filepath.Join(dir, "v/c/1")); err != nil {
		t.Fatal(err)
	}
	if err := a.ReadAt(p, off); !errors.Is(err, ErrChanged) {
		t.Errorf("a replaced chunk: %v", err)
	}
	if err := a.ReadAt(p, off); !errors.Is(err, ErrChanged) {
		t.Errorf("a replaced chunk, once more: %v", err)
	}
}

func TestAClosedStoreFailsAndLeavesNothing(t *testing.T) {
	leak.Check(t)
	for _, open := range []func() (*Store, error){
		func() (*Store, error) { return Open(filepath.Join(fixtures, "small_v3.zarr.zip")) },
		func() (*Store, error) { return Open(folder(t, members(t, "small_v3.zarr.zip"))) },
	} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Lookup("group/shards")
		if err != nil {
			t.Fatal(err)
		}
		a := o.(*Array)
		want, err := a.Read()
		if err != nil || len(want) != 160 {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		if _, err := a.Read(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a read after Close: %v", err)
		}
		if err := s.Changed(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Changed after Close: %v", err)
		}
	}
}

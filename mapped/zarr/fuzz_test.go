package zarr

import (
	"bytes"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each target takes what one parser is given and asserts what holds of any input: no panic (the fuzzer
// sees to that), errors of this package, memory within the budget.

// addMetadata gives the metadata files of the fixtures of a kind as seeds.
func addMetadata(f *testing.F, archive, suffix string) {
	files := members(f, archive)
	n := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, suffix) && len(files[name]) < 4<<10 && n < 150 {
			f.Add(files[name])
			n++
		}
	}
	if n < 3 {
		f.Fatalf("%d seeds", n)
	}
}

func mustBeOurs(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		mustBeTyped(t, locate(err, "fuzz", "/"))
	}
}

// FuzzArray3 reads any zarr.json as that of an array, and what is then said to be missing.
func FuzzArray3(f *testing.F) {
	addMetadata(f, "forms_v3.zarr.zip", "zarr.json")
	f.Fuzz(func(t *testing.T, data []byte) { tryMetadata(t, "zarr.json", []byte(group3), data) })
}

// FuzzArray2 does the same with a .zarray.
func FuzzArray2(f *testing.F) {
	addMetadata(f, "forms_v2.zarr.zip", ".zarray")
	f.Fuzz(func(t *testing.T, data []byte) { tryMetadata(t, ".zarray", []byte(`{"zarr_format":2}`), data) })
}

func tryMetadata(t *testing.T, file string, root, data []byte) {
	t.Helper()
	if len(data) > 64<<10 {
		return
	}
	files := map[string][]byte{"v/" + file: data, "v/0": []byte("chunk"), "v/c/0": bytes.Repeat([]byte{1, 0}, 20), "zarr.json": root}
	if file == ".zarray" {
		delete(files, "zarr.json")
		files[".zgroup"] = root
	}
	s, err := openMemory(files)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Root().Array("v")
	if err != nil {
		mustBeOurs(t, err)
		return
	}
	// The fill value may legally be long; what is tried here is not how much.
	if a.Err() != nil || a.Len() > 1<<16 || a.chunkElems > 1<<16 || a.l.typ.Size > 64 {
		mustBeOurs(t, a.Err())
		return
	}
	withinBudget(t, func() {
		out := survey{}
		surveyArray(out, a)
		for _, v := range out {
			if err, ok := v.(error); ok {
				mustBeOurs(t, err)
			}
		}
	})
}

// FuzzRoot reads any bytes as the first file of a store, consolidated metadata included.
func FuzzRoot(f *testing.F) {
	for _, name := range []string{"small_v2.zarr.zip", "small_v3.zarr.zip"} {
		files := members(f, name)
		for i, mark := range marks {
			if data, ok := files[mark]; ok {
				f.Add(uint8(i), data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, mark uint8, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		s, err := openMemory(map[string][]byte{marks[int(mark)%len(marks)]: data})
		if err != nil {
			mustBeOurs(t, err)
			return
		}
		visit(t, s.Root(), 0)
	})
}

// visit looks at every node, and reads nothing.
func visit(t *testing.T, g *Group, depth int) {
	t.Helper()
	names, err := g.Names()
	mustBeOurs(t, err)
	for _, name := range names {
		o, err := g.Object(name)
		mustBeOurs(t, err)
		if sub, ok := o.(*Group); ok && depth < 10 {
			visit(t, sub, depth+1)
		}
	}
}

// FuzzShardIndex reads any bytes as the index of a shard.
func FuzzShardIndex(f *testing.F) {
	files := members(f, "forms_v3.zarr.zip")
	chunk := files["shard/none/c/0"]
	f.Add(chunk[len(chunk)-68:], uint16(4), uint32(len(chunk)), true)
	f.Add(bytes.Repeat([]byte{0xff}, 64), uint16(4), uint32(100), false)
	f.Fuzz(func(t *testing.T, data []byte, n uint16, size uint32, checked bool) {
		s := &shard{indexBig: len(data)%2 == 1}
		if checked {
			s.indexSteps = []step{{op: opCRC32C}}
		}
		index, err := s.parseIndex(data, int64(n), int64(size))
		if err != nil {
			mustBeOurs(t, err)
			return
		}
		if len(index) != int(n) {
			t.Fatalf("%d entries of %d", len(index), n)
		}
		for _, e := range index {
			if e.off >= 0 && (e.n < 0 || e.off+e.n > int64(size)) || e.off < -1 {
				t.Fatalf("a chunk at %d of %d bytes in %d", e.off, e.n, size)
			}
		}
	})
}

// FuzzVaried reads any bytes as strings, and writes what it read.
func FuzzVaried(f *testing.F) {
	f.Add(encodeVaried("a", "", "µ-glia"), uint32(3), true)
	f.Add(encodeVaried("\xff\x00"), uint32(1), false)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, uint32(math.MaxUint32), true)
	f.Fuzz(func(t *testing.T, data []byte, n uint32, text bool) {
		withinBudget(t, func() {
			got, err := parseVaried(data, int64(n), text)
			if err != nil {
				mustBeOurs(t, err)
				return
			}
			if !bytes.Equal(encodeVaried(got...), data) {
				t.Fatalf("%q is not what % x says", got, data)
			}
		})
	})
}

// FuzzZip reads any bytes as a store in an archive.
func FuzzZip(f *testing.F) {
	for _, name := range []string{"small_v2.zarr.zip", "small_v3.zarr.zip"} {
		data, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(archive(f, vector(8), "", 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		withinBudget(t, func() {
			s, err := NewZip(bytes.NewReader(data), int64(len(data)), "fuzz")
			if err != nil {
				mustBeOurs(t, err)
				return
			}
			visit(t, s.Root(), 0)
		})
	})
}

// FuzzChunk reads any bytes as a chunk of each codec's array.
func FuzzChunk(f *testing.F) {
	files := members(f, "forms_v3.zarr.zip")
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(files)) {
		if (strings.HasPrefix(key, "codec/") || strings.HasPrefix(key, "shard/")) && (strings.HasSuffix(key, "/c/0/0") || strings.HasSuffix(key, "/c/0")) {
			keys = append(keys, key)
		}
	}
	for i, key := range keys {
		f.Add(uint8(i), files[key])
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		key := keys[int(which)%len(keys)]
		path, _, _ := strings.Cut(key, "/c/")
		s, err := openMemory(map[string][]byte{"zarr.json": []byte(group3), path + "/zarr.json": files[path+"/zarr.json"], key: data})
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Lookup(path)
		if err != nil {
			t.Fatal(err)
		}
		withinBudget(t, func() {
			_, err := o.(*Array).Read()
			mustBeOurs(t, err)
		})
	})
}

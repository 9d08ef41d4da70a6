package zarr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/loaderd/loaderd/internal/leak"
)

// openArrays gives the arrays of a store that are numbers, with what they hold.
func openArrays(t *testing.T, s *Store, path string) (arrays []*Array, whole [][]byte) {
	t.Helper()
	o, err := s.Lookup(path)
	if err != nil {
		t.Fatal(err)
	}
	names, err := o.(*Group).Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a, err := o.(*Group).Array(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := a.Read()
		if err != nil {
			t.Fatal(err)
		}
		arrays, whole = append(arrays, a), append(whole, data)
	}
	return arrays, whole
}

func TestManyGoroutinesReadAtOnce(t *testing.T) {
	leak.Check(t)
	for _, name := range []string{"forms_v3.zarr.zip", "forms_v2.zarr.zip"} {
		s := openFiles(t, members(t, name))
		fresh := openFiles(t, members(t, name))
		for _, path := range []string{"shard", "codec", "order"} {
			if _, err := s.Lookup(path); err != nil {
				continue // zarr 2 has no shards
			}
			arrays, whole := openArrays(t, s, path)
			unread, _ := fresh.Lookup(path)
			for i, a := range arrays {
				// The same array, of which nothing is known yet.
				a, err := unread.(*Group).Array(filepath.Base(a.Path()))
				if err != nil {
					t.Fatal(err)
				}
				var g errgroup.Group
				for seed := range 8 {
					g.Go(func() error { return readAtRandom(a, whole[i], uint64(seed)) })
				}
				if err := g.Wait(); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.Close()
		fresh.Close()
	}
}

func readAtRandom(a *Array, whole []byte, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, seed))
	var s Scratch
	rows := a.Shape()[0]
	for range 20 {
		first := r.Int64N(rows)
		n := 1 + r.Int64N(rows-first)
		got := make([]byte, n*a.RowBytes())
		if err := a.Rows(got, first, n, &s); err != nil {
			return err
		}
		if !bytes.Equal(got, whole[first*a.RowBytes():][:len(got)]) {
			return fmt.Errorf("%s: rows %d to %d differ", a.Path(), first, first+n)
		}
		if off, run, ok := a.DirectAt(first * a.rowElems); ok {
			got := make([]byte, run*a.size)
			if err := a.ReadAt(got, off); err != nil {
				return err
			}
			a.Type().toNative(got)
			if !bytes.Equal(got, whole[first*a.RowBytes():][:len(got)]) {
				return fmt.Errorf("%s: row %d differs", a.Path(), first)
			}
		}
	}
	return nil
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(list)
}

func TestChunkFilesDoNotExhaustDescriptors(t *testing.T) {
	leak.Check(t)
	before := openDescriptors(t)
	files := vector(4 * 700)
	stores := []*Store{openFiles(t, files), openFiles(t, files)}
	var arrays []*Array
	for _, s := range stores {
		a, err := s.Root().Array("v")
		if err != nil {
			t.Fatal(err)
		}
		arrays = append(arrays, a)
	}
	most := atomic.Int64{}
	var g errgroup.Group
	for seed := range 4 {
		g.Go(func() error {
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			p := make([]byte, 4)
			for n := range 2000 {
				i := r.Int64N(4 * 700)
				off, _, ok := arrays[n%2].DirectAt(i)
				if !ok {
					return fmt.Errorf("element %d is missing", i)
				}
				if err := arrays[n%2].ReadAt(p, off); err != nil {
					return err
				}
				if got := int64(binary.LittleEndian.Uint32(p)); got != i {
					return fmt.Errorf("element %d is %d", i, got)
				}
				if n%100 == 0 {
					most.Store(max(most.Load(), int64(openDescriptors(t))))
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if extra := int(most.Load()) - before; extra > maxOpen+16 || extra < maxOpen/2 {
		t.Errorf("%d descriptors more than before, with a limit of %d", extra, maxOpen)
	}
	for _, s := range stores {
		s.Close()
	}
	if len(pool.table) != 0 || pool.order.Len() != 0 {
		t.Errorf("%d files are still open", len(pool.table))
	}
}

func TestSteadyReadsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	s := openFiles(t, members(t, "forms_v3.zarr.zip"))
	for path, most := range map[string]float64{"shard/none": 0, "codec/none": 0} {
		o, err := s.Lookup(path)
		if err != nil {
			t.Fatal(err)
		}
		a := o.(*Array)
		p := make([]byte, a.size)
		i := int64(0)
		one := func() {
			i = (i + 37) % a.Len()
			off, _, ok := a.DirectAt(i)
			if !ok {
				t.Fatal("not direct")
			}
			if err := a.ReadAt(p, off); err != nil {
				t.Fatal(err)
			}
		}
		for range a.Len() {
			one()
		}
		if n := testing.AllocsPerRun(200, one); n > most {
			t.Errorf("%s: %v allocations a read", path, n)
		}
	}
	for _, path := range []string{"shard/zstd", "shard/crc32c", "shard/blosc_2d"} {
		o, err := s.Lookup(path)
		if err != nil {
			t.Fatal(err)
		}
		a := o.(*Array)
		var scratch Scratch
		chunk := make([]byte, a.ChunkBytes())
		i := int64(0)
		one := func() {
			i = (i + 7) % a.chunks
			if err := a.ReadChunk(chunk, i, &scratch); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 * a.chunks {
			one()
		}
		if n := testing.AllocsPerRun(200, one); n > 0 {
			t.Errorf("%s: %v allocations a chunk", path, n)
		}
	}
}

func TestOldArraysThatDoNotNameTheirSeparator(t *testing.T) {
	chunk := func(n byte) []byte { return bytes.Repeat([]byte{n, 0, 0, 0}, 4) }
	meta := array2(map[string]string{"shape": "[4,2]", "chunks": "[2,2]", "dtype": `"<i4"`})
	for sep, want := range map[string]string{".": "1 1 1 1 2 2 2 2", "/": "1 1 1 1 2 2 2 2"} {
		s := openFiles(t, map[string][]byte{".zgroup": []byte(`{"zarr_format":2}`), "v/.zarray": []byte(meta),
			"v/0" + sep + "0": chunk(1), "v/1" + sep + "0": chunk(2)})
		a, err := s.Root().Array("v")
		if err != nil {
			t.Fatal(err)
		}
		data, err := a.Read()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := 0; i < len(data); i += 4 {
			got = append(got, fmt.Sprint(data[i]))
		}
		if fmt.Sprint(got) != "["+want+"]" {
			t.Errorf("with %q: %v, want %s", sep, got, want)
		}
	}
}

func TestFillValuesOfEveryBit(t *testing.T) {
	for _, c := range []struct{ dtype, fill, want string }{
		{`"float16"`, `"0x7e01"`, "017e"}, {`"float16"`, `65504`, "ff7b"}, {`"float16"`, `65520`, "007c"}, {`"float16"`, `6e-8`, "0100"},
		{`"float16"`, `0.00006097555160522461`, "ff03"}, {`"float16"`, `0.00006103515625`, "0004"}, {`"float16"`, `-2`, "00c0"}, {`"float16"`, `1.00048828125`, "003c"},
		{`"float32"`, `"NaN"`, "0000c07f"}, {`"float32"`, `"-Infinity"`, "000080ff"}, {`"float64"`, `"NaN"`, "000000000000f87f"},
		{`"float32"`, `NaN`, "0000c07f"}, {`"float64"`, `"0xfff0000000000001"`, "010000000000f0ff"},
		{`"int64"`, `9223372036854775807`, "ffffffffffffff7f"}, {`"uint64"`, `18446744073709551615`, "ffffffffffffffff"}, {`"int8"`, `-128`, "80"},
		{`"uint8"`, `255`, "ff"}, {`"int16"`, `3.0`, "0300"}, {`"bool"`, `true`, "01"}, {`"bool"`, `0`, "00"}, {`"r24"`, `[1,2,255]`, "0102ff"},
		{`"complex64"`, `["NaN",1]`, "0000c07f0000803f"}, {`{"name":"null_terminated_bytes","configuration":{"length_bytes":4}}`, `"YWI="`, "61620000"},
		{`{"name":"fixed_length_utf32","configuration":{"length_bytes":8}}`, `"µx"`, "b500000078000000"},
	} {
		s := openFiles(t, map[string][]byte{"zarr.json": []byte(group3), "v/zarr.json": []byte(array3(map[string]string{
			"shape": "[1]", "data_type": c.dtype, "fill_value": c.fill}))})
		a, err := s.Root().Array("v")
		if err != nil {
			t.Errorf("%s %s: %v", c.dtype, c.fill, err)
			continue
		}
		if got, err := a.Read(); err != nil || fmt.Sprintf("%x", got) != c.want {
			t.Errorf("%s %s: %x (%v), want %s", c.dtype, c.fill, got, err, c.want)
		}
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	s := openFiles(t, vector(10))
	a, err := s.Root().Array("v")
	if err != nil {
		t.Fatal(err)
	}
	var scratch Scratch
	p := make([]byte, 16)
	for what, err := range map[string]error{
		"rows before the first": a.Rows(p, -1, 4, &scratch), "rows past the end": a.Rows(p, 7, 4, &scratch),
		"a buffer too small": a.Rows(p[:15], 0, 4, &scratch), "a chunk past the end": a.ReadChunk(p, 3, &scratch),
		"a chunk before the first": a.ReadChunk(p, -1, &scratch), "a buffer for half a chunk": a.ReadChunk(p[:8], 0, &scratch),
		"bytes past a chunk": a.ReadAt(p, 4), "bytes nowhere": a.ReadAt(p, -4),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, i := range []int64{-1, 10, 1 << 60} {
		if _, _, ok := a.DirectAt(i); ok {
			t.Errorf("element %d of 10 is somewhere", i)
		}
	}
	_, notText := a.Strings()
	_, notRecord := a.Field("x")
	_, notGroup := s.Root().Group("v")
	_, notBlobs := a.Blobs()
	for _, err := range []error{notText, notRecord, notGroup, notBlobs} {
		if !errors.Is(err, ErrType) {
			t.Errorf("%v", err)
		}
	}
	if _, err := s.Root().Array("w"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotZarr) {
		t.Errorf("%v", err)
	}
}

func TestStringsOfAnyShapeAndCodec(t *testing.T) {
	text := encodeVaried("b", "", "µ")
	parse := func(data []byte, n int64) error { _, err := parseVaried(data, n, true); return err }
	if got, err := parseVaried(text, 3, true); err != nil || !slices.Equal(got, []string{"b", "", "µ"}) {
		t.Errorf("%q, %v", got, err)
	}
	for what, c := range map[string]struct {
		err  error
		kind error
	}{
		"cut":                     {parse(text[:len(text)-1], 3), ErrTruncated},
		"fewer than claimed":      {parse(text, 4), ErrCorrupt},
		"nothing":                 {parse(nil, 0), ErrTruncated},
		"more behind":             {parse(append(bytes.Clone(text), 0), 3), ErrCorrupt},
		"no UTF-8":                {parse(encodeVaried("\xff"), 1), ErrCorrupt},
		"a length beyond the end": {parse([]byte{1, 0, 0, 0, 255, 255, 255, 255}, 1), ErrTruncated},
		"a count without lengths": {parse([]byte{255, 255, 255, 255}, 1<<32-1), ErrTruncated},
	} {
		if !errors.Is(c.err, c.kind) {
			t.Errorf("%s: %v, want %v", what, c.err, c.kind)
		}
	}
	for _, point := range []uint32{0xd800, 0x110000, 0xffffffff} {
		raw := binary.LittleEndian.AppendUint32(nil, point)
		if _, err := fixedStrings(raw, &Type{Class: ClassUnicode, Size: 4}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%#x is a character: %v", point, err)
		}
	}
}

func encodeVaried(texts ...string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(texts)))
	for _, s := range texts {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}

package mapped

import (
	"context"
	"testing"
)

func TestMatricesThatWouldBeDecodedRowByRowHaveATable(t *testing.T) {
	const rows = 130_000
	file := func(x func(f *memFile), width int64, as storage) *memFile {
		f := &memFile{}
		f.top = newMemGroup(f, "")
		f.top.group("obs").strings("_index", make([]string, rows)...)
		f.top.group("var").strings("_index", "g0", "g1")
		x(f)
		raw := alignedBytes(int(rows * width * 4))
		for i := range view[float32](raw) {
			view[float32](raw)[i] = float32(i % 251)
		}
		f.top.group("obsm").numbers("e", float32Type, raw, as, rows, width)
		return f
	}
	dense := func(as storage) func(f *memFile) {
		return func(f *memFile) { f.top.numbers("X", uint8Type, make([]byte, rows*2), as, rows, 2) }
	}
	sparse := func(kind string, as storage) func(f *memFile) {
		return func(f *memFile) {
			x, n := f.top.group("X"), int64(rows)
			if kind == "csc_matrix" {
				n = 2
			}
			x.texts["encoding-type"], x.ints["shape"] = kind, []int64{rows, 2}
			x.numbers("data", uint8Type, []byte{1, 2, 3}, as, 3)
			x.numbers("indices", int32Type, make([]byte, 12), as, 3)
			ptr := make([]float64, n+1)
			for i := range ptr {
				ptr[i] = float64(min(i, 3))
			}
			x.numbers("indptr", int64Type, toRaw(ptr, int64Type), storage{run: 1 << 20}, n+1)
		}
	}
	packed, flat := storage{chunks: []int64{7000, 50}}, storage{run: 1 << 30}
	for _, c := range []struct {
		name        string
		x           func(f *memFile)
		width       int64 // of the obsm entry
		as          storage
		table, obsm bool
	}{
		{"a dense X in chunks, a small entry of obsm", dense(storage{chunks: []int64{100, 2}}), 10, packed, true, false},
		{"a dense X that is read in place, a large entry of obsm", dense(flat), 130, packed, false, true},
		{"a CSR X in chunks, a large entry that is read in place", sparse("csr_matrix", storage{chunks: []int64{2}}), 130, flat, true, false},
		{"a CSR X that is read in place", sparse("csr_matrix", storage{run: 2}), 1, flat, true, false},
		{"a CSC X in chunks", sparse("csc_matrix", storage{chunks: []int64{2}}), 1, flat, false, false},
		{"a CSR X that is read whole", sparse("csr_matrix", storage{}), 1, flat, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := file(c.x, c.width, c.as)
			store := openRowStore(t, t.TempDir(), 0)
			with, without := opened(t, f, Options{ObsmKeys: []string{"e"}}, store)
			defer closing(t, with, without, store)
			s := with.stores[0]
			if has, obsm := s.layers[0].table != nil, s.obsm[0].table != nil; has != c.table || obsm != c.obsm {
				t.Fatalf("X has a table: %v, the entry: %v", has, obsm)
			}
			if !c.obsm {
				return
			}
			if err := with.Prepare(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			f.decoded.Store(0)
			got := buffersOf(t, encoderOf(t, with, EncoderOptions{}), []int64{129_999, 5, 70_000}, 1)
			for k, row := range []int{129_999, 5, 70_000} {
				for i, v := range view[float32](got[2])[k*130 : (k+1)*130] {
					if v != float32((row*130+i)%251) {
						t.Fatalf("value %d of row %d is %v", i, row, v)
					}
				}
			}
			if n := f.decoded.Load(); n != 0 {
				t.Errorf("%d chunks were decoded after preparing", n)
			}
		})
	}
}

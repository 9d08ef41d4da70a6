package rowstore

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzCheck takes any bytes for a record, with a checksum that is right: if Check lets them pass, all kernels give the same
// on every vector unit. Whether it does or not, they write nothing outside.
func FuzzCheck(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, row := range []testRow{
		sparseRow(r, Float32, "as in cells", "counts", 90), sparseRow(r, Float32, "at the word", "counts with a few beyond a byte", 70),
		sparseRow(r, Float64, "far", "a few dozen floats", 100), sparseRow(r, Int32, "at the escape", "counts with many beyond a byte", 40),
		sparseRow(r, Float16, "close", "normal floats", 40), denseRow(r, Float32, "specials", 80, 0.3), denseRow(r, Uint8, "counts", 50, 1),
	} {
		f.Add(row.encode(f, nil, 1), uint8(row.d), uint16(row.cols))
	}
	var w Scratch
	f.Fuzz(func(t *testing.T, data []byte, dtype uint8, width uint16) {
		d, cols := DType(dtype%uint8(numTypes)), int(width)
		rec := alignedRecord(data[:len(data)/unit*unit])
		if len(rec) >= headerSize {
			binary.LittleEndian.PutUint16(rec[atMagic:], magic)
			binary.LittleEndian.PutUint32(rec[atLength:], uint32(len(rec)/unit))
			binary.LittleEndian.PutUint64(rec[atRow:], 1)
			rec[atDType] = uint8(d)
			seal(rec)
		}
		if rec.Check(1, d, cols) != nil {
			eachLevel(t, inPlace, func(t *testing.T) { outlives(t, rec, d, cols, &w) })
			return
		}
		before := bytes.Clone(rec)
		want := whatItGives(t, rec, d, cols, &w)
		eachLevel(t, inPlace, func(t *testing.T) {
			if got := whatItGives(t, rec, d, cols, &w); !bytes.Equal(got, want) {
				t.Fatal("another vector unit gives another row")
			}
		})
		if !bytes.Equal(rec, before) {
			t.Fatal("a kernel wrote into the record")
		}
	})
}

// inPlace runs a subtest as part of its test, which a fuzz target may not have.
func inPlace(t *testing.T, name string, f func(t *testing.T)) bool {
	f(t)
	return true
}

// outlives runs kernels on a record that has not passed Check. They may panic.
func outlives(t *testing.T, rec Row, d DType, cols int, w *Scratch) {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 4))
	if !d.valid() {
		return
	}
	mirrored := make([]int32, cols)
	for c := range mirrored {
		mirrored[c] = int32(cols - 1 - c)
	}
	for _, to := range [][]int32{nil, mirrored} {
		k := NewKernel(KernelOptions{Stored: d, Cols: cols, OutSize: 4, IntoFloat32: d != Bool, Cast: toFloat32(d), To: to, Width: cols})
		for _, run := range []func(row, idx []byte){
			func(row, _ []byte) { k.Dense(row, rec, w) },
			func(row, idx []byte) { k.CSR(view[int32](idx), row, rec, w) },
		} {
			row, idx := newGuarded(r, 4*cols), newGuarded(r, 4*cols)
			before := append(row.around(), idx.around()...)
			func() {
				defer func() { _ = recover() }()
				run(row.mid, idx.mid)
			}()
			if !bytes.Equal(append(row.around(), idx.around()...), before) {
				t.Fatal("bytes outside the memory were written")
			}
		}
	}
}

// whatItGives decodes a row in every way, between guards, and lists what came out.
func whatItGives(t *testing.T, rec Row, d DType, cols int, w *Scratch) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 4))
	var out []byte
	within := func(n int, f func(b []byte) int) {
		g := newGuarded(r, n)
		before := g.around()
		clear(g.mid)
		out = append(out, g.mid[:f(g.mid)]...)
		if !bytes.Equal(g.around(), before) {
			t.Fatal("bytes outside the memory were written")
		}
	}
	nnz, size := rec.NNZ(), d.Size()
	within(padded(4*nnz)+nnz*size, func(b []byte) int {
		idx, vals := view[int32](b[:padded(4*nnz)]), b[padded(4*nnz):]
		n := rec.Decode(idx[:nnz], vals)
		clear(idx[n:])
		clear(vals[n*size:])
		return len(b)
	})
	within(cols*size, func(b []byte) int { rec.DecodeDense(b); return len(b) })
	mirrored := make([]int32, cols)
	for c := range mirrored {
		mirrored[c] = int32(cols - 1 - c)
		if c%3 == 0 {
			mirrored[c] = -1
		}
	}
	for _, o := range []KernelOptions{
		{OutSize: size}, {OutSize: 4, IntoFloat32: d != Bool, Cast: toFloat32(d), Stream: true}, {OutSize: size, To: mirrored},
	} {
		o.Stored, o.Cols, o.Width = d, cols, cols
		k := NewKernel(o)
		within(cols*o.OutSize, func(b []byte) int { k.Dense(b, rec, w); return len(b) })
		room := min(nnz, cols)
		within(padded(4*room)+room*o.OutSize, func(b []byte) int {
			idx, vals := view[int32](b[:padded(4*room)]), b[padded(4*room):]
			n := k.CSR(idx[:room], vals, rec, w)
			clear(idx[n:])
			clear(vals[n*o.OutSize:])
			if !slices.IsSorted(idx[:n]) || n > 0 && int(idx[n-1]) >= cols {
				t.Fatalf("columns %v of %d", idx[:n], cols)
			}
			return len(b)
		})
	}
	return out
}

func toFloat32(d DType) func(dst, src []byte, n int) { return castOf(d, fieldFloat32(d)) }

// FuzzRoundTrip makes rows of any bytes and holds what they decode to against them.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(Float32), false, []byte{0, 3, 200, 255, 1, 1}, []byte{0, 0, 128, 63, 0, 0, 0, 64})
	f.Add(uint8(Float64), true, []byte{1}, []byte{0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint8(Int16), false, bytes.Repeat([]byte{2}, 100), bytes.Repeat([]byte{1, 0, 44, 1}, 50))
	f.Add(uint8(Bool), true, []byte{}, []byte{1, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, dtype uint8, dense bool, gaps, vals []byte) {
		row := testRow{name: "fuzzed", d: DType(1 + dtype%uint8(numTypes-1)), dense: dense}
		size := row.d.Size()
		if dense {
			row.vals = vals[:len(vals)/size*size]
			row.cols = len(row.vals) / size
			for c := range row.cols {
				row.idx = append(row.idx, int32(c))
			}
		} else if len(vals) >= size {
			c := -1
			for i, g := range gaps {
				// The upper quarter stands for gaps about the escapes, small and large.
				gap := int(g)
				if g >= 192 {
					gap = []int{253, 254, 255, 256, 65534, 65535, 65536, 1 << 20}[g%8]
				}
				c += gap + 1
				at := i * size % (len(vals) - size + 1)
				row.idx, row.vals = append(row.idx, int32(c)), append(row.vals, vals[at:at+size]...)
			}
			row.cols = c + 1
		}
		eachLevel(t, inPlace, func(t *testing.T) { comesBack(t, &row, 3, row.encode(t, nil, 3)) })
	})
}
